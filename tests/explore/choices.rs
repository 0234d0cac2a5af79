//! What can happen next, when everything that can happen in an instant happens in every order.

use super::actions::{Action, Order};
use super::case::{KEEPALIVE, SCRIPT_LIMIT};
use super::scripts::{Call, End, Oddity};
use super::world::{Machine, World};
use hb_core::message::GroupState;

pub(super) const HOSTS: [u8; 2] = [0, 1];

impl World {
    /// Steps that cost nothing.
    pub(super) fn free_steps(&self, to: &mut Vec<Action>) {
        if self.coarse {
            return self.coarse_steps(to);
        }
        if let Some(id) = self.goes_first() {
            self.own_steps(id, to);
            return;
        }
        for id in HOSTS {
            self.own_steps(id, to);
        }
        if self.settled() {
            self.steps_between_instants(to);
        }
    }

    /// A host whose next steps need not be tried in every order with those of the other.
    ///
    /// A step of one host touches nothing of the other but the end of the wire to it. So while something is there for a
    /// host to read, what it can do next does not depend on what the other does before, and either order ends in the
    /// same state (a persistent set, in the words of partial-order reduction). Not while a script may end: whether that
    /// comes before a start or a stop elsewhere is what the rules are about; nor with a fence, which reaches over.
    fn goes_first(&self) -> Option<u8> {
        let reaches_over = |machine: &Machine| {
            machine.fencing
                || machine.dog.is_some_and(|dog| dog <= self.now)
                || machine.scripts.calls.iter().any(Call::open)
                || machine.copies.pull.is_some()
        };
        if self.machines.iter().any(reaches_over) {
            return None;
        }
        HOSTS.into_iter().find(|id| {
            let host = usize::from(*id);
            let reads = !self.wire[1 - host].is_empty() || !self.machines[host].socket.is_empty();
            reads && self.awake(host).is_some()
        })
    }

    fn own_steps(&self, id: u8, to: &mut Vec<Action>) {
        let host = usize::from(id);
        let machine = &self.machines[host];
        if !self.wire[1 - host].is_empty() || (self.awake(host).is_some() && !machine.socket.is_empty()) {
            to.push(Action::Deliver(1 - id));
        }
        if machine.dog.is_some_and(|dog| dog <= self.now) {
            to.push(Action::Bark(id));
        }
        if self.awake(host).is_none() {
            return;
        }
        for call in machine.scripts.calls.iter().filter(|call| call.open()) {
            to.push(Action::Finish(id, u8::from(call.group == 1)));
        }
        if machine.writes() {
            to.push(Action::Written(id));
        }
        if machine.fencing {
            to.push(Action::Fenced(id));
        }
        if machine.copies.pull.is_some_and(|pull| pull.ends()) {
            to.push(Action::PullEnds(id));
        }
        if self.due(host) {
            to.push(if machine.socket.is_empty() { Action::Tick(id) } else { Action::TickEarly(id) });
        }
    }

    /// What goes on while nothing new happens.
    pub(super) fn waiting_step(&self) -> Option<Action> {
        let mut steps = Vec::new();
        self.free_steps(&mut steps);
        let goes_on = |step: &Action| {
            matches!(
                step,
                Action::Deliver(_) | Action::Tick(_) | Action::Written(_) | Action::Time | Action::Round(0)
            )
        };
        steps.into_iter().find(goes_on)
    }

    fn steps_between_instants(&self, to: &mut Vec<Action>) {
        if self.next_time().is_some() {
            to.push(Action::Time);
        }
        self.recoveries(to);
    }

    /// What ends a fault.
    pub(super) fn recoveries(&self, to: &mut Vec<Action>) {
        for id in HOSTS {
            let host = usize::from(id);
            match &self.machines[host].daemon {
                None => to.push(Action::Start(id)),
                Some(daemon) if daemon.frozen => to.push(Action::Resume(id)),
                Some(_) => {}
            }
            if self.machines[host].disk_broken {
                to.push(Action::Repair(id));
            }
            if self.machines[host].scripts.oddity != Oddity::Nothing {
                to.push(Action::Mend(id));
            }
            if self.awake(host).is_some() && !self.machines[host].scripts.left.is_empty() {
                to.push(Action::LeftEnds(id));
            }
            if self.tape[host].is_some() && self.awake(1 - host).is_some() {
                to.push(Action::Replay(id));
            }
        }
        if self.cut != [false; 2] {
            to.push(Action::Join);
        }
    }

    /// Nothing is on its way and nobody is due: time may pass, if anybody waits for it.
    pub(super) fn settled(&self) -> bool {
        self.wire.iter().all(Vec::is_empty)
            && (0..2).all(|host| {
                let machine = &self.machines[host];
                let idle = self.awake(host).is_none()
                    || (!self.due(host) && machine.socket.is_empty() && !machine.writes());
                idle && machine.dog.is_none_or(|dog| dog > self.now)
            })
    }

    /// Faults and commands.
    ///
    /// A script that hangs does nothing before its limit that one does not that is still at work, so it is said to hang at
    /// the last moment at which it could have ended. Nobody reads a state file before the daemon starts, so it is lost in
    /// the step that starts it.
    pub(super) fn costly_steps(&self, to: &mut Vec<Action>) {
        for id in HOSTS {
            let host = usize::from(id);
            let machine = &self.machines[host];
            let sends = if self.coarse {
                self.awake(host).is_some() && self.daemon(1 - host).is_some() && self.armed[host].is_none()
            } else {
                !self.wire[host].is_empty()
            };
            if sends {
                to.extend([Action::Delay(id), Action::Record(id)]);
            }
            let Some(daemon) = &machine.daemon else {
                if machine.life > 0 {
                    to.push(Action::LoseFile(id));
                    if machine.scripts.oddity == Oddity::Nothing && self.on_record(host) {
                        to.push(Action::MissingAtStart(id));
                    }
                }
                if machine.runs.iter().any(|runs| *runs) {
                    to.push(Action::Power(id));
                }
                continue;
            };
            to.extend([Action::Power(id), Action::Kill(id)]);
            if daemon.frozen {
                continue;
            }
            for call in machine.scripts.calls.iter().filter(|call| call.open()) {
                let group = u8::from(call.group == 1);
                to.extend([
                    Action::Fail(id, group),
                    Action::WrongCode(id, group),
                    Action::CouldNotRun(id, group),
                ]);
                if self.now >= call.since.plus(SCRIPT_LIMIT.minus(KEEPALIVE)) {
                    to.extend([End::Killed, End::Late, End::Never].map(|end| Action::Hang(id, group, end)));
                }
            }
            if (machine.write.is_some() || self.coarse) && !machine.disk_broken {
                to.push(Action::BreakDisk(id));
            }
            if machine.fencing {
                to.push(Action::FenceFails(id));
            }
            if machine.copies.pull.is_some_and(|pull| pull.ends()) {
                to.extend([Action::PullFails(id), Action::PullHangs(id)]);
            }
            if self.settled() {
                to.push(Action::Freeze(id));
                if machine.scripts.oddity == Oddity::Nothing {
                    let odd = [Oddity::NotRun, Oddity::Gone, Oddity::Silent, Oddity::Partly, Oddity::Deaf];
                    to.extend(odd.map(|oddity| Action::Odd(id, oddity)));
                }
                self.orders(id, to);
            }
        }
        if self.settled() && self.cut == [false; 2] && self.machines.iter().all(|m| m.daemon.is_some()) {
            to.extend([Action::CutAll, Action::Cut(0), Action::Cut(1)]);
        }
    }

    /// Commands that the state of the groups gives a meaning.
    fn orders(&self, id: u8, to: &mut Vec<Action>) {
        let host = usize::from(id);
        let shows = |state| self.groups().any(|group| self.shown(host, group) == Some(state));
        if shows(GroupState::Held) {
            to.push(Action::Order(id, Order::Standby));
        }
        if shows(GroupState::Idle) {
            to.push(Action::Order(id, Order::Takeover));
        }
        to.push(Action::Order(id, Order::Stop));
        for group in self.groups() {
            if matches!(self.shown(host, group), Some(GroupState::Stuck | GroupState::Failed)) {
                to.push(Action::Order(id, Order::Clear(u8::from(group == 1))));
            }
        }
        // An operator who vouches tells the truth.
        let peer = &self.machines[1 - host];
        if peer.daemon.is_none() && peer.runs == [false; 2] {
            to.push(Action::Order(id, Order::ConfirmDown));
        }
    }
}
