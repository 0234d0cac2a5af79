//! What can happen to a world, and what it does then.

use super::rules::{Checked, broken};
use super::shell::letter;
use super::world::{Copy, Machine, World};
use hb_core::message::GroupState;
use hb_core::{Command, GroupId, Input, Outcome, Saved, Scope, Verb};
use std::rc::Rc;

/// One step. The number is a host (of the sender, for frames), or a host and a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Action {
    // What happens by itself, at no cost.
    Deliver(u8),
    Finish(u8, u8),
    Written(u8),
    Fenced(u8),
    Tick(u8),
    TickEarly(u8),
    Bark(u8),
    Time,
    // What ends a fault, and what a fault left behind: at no cost.
    Start(u8),
    Join,
    Resume(u8),
    Repair(u8),
    Replay(u8),
    // Faults and commands: each costs one.
    Delay(u8),
    Record(u8),
    CutAll,
    Cut(u8),
    Power(u8),
    Kill(u8),
    Freeze(u8),
    LoseFile(u8),
    BreakDisk(u8),
    FenceFails(u8),
    Hang(u8, u8),
    Fail(u8, u8),
    Order(u8, Order),
}

/// An operator's command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    Standby,
    Takeover,
    Stop,
    Clear(u8),
    ConfirmDown,
}

impl Order {
    fn command(self) -> Command {
        match self {
            Self::Standby => Command::Standby(Scope::All),
            Self::Takeover => Command::Takeover(Scope::All),
            Self::Stop => Command::Stop,
            Self::Clear(group) => Command::Clear(GroupId(group)),
            Self::ConfirmDown => Command::ConfirmDown,
        }
    }
}

const HOSTS: [u8; 2] = [0, 1];

impl World {
    /// Steps that cost nothing.
    pub(super) fn free_steps(&self, to: &mut Vec<Action>) {
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
                || machine.calls.iter().any(|call| !call.hung)
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
        for call in machine.calls.iter().filter(|call| !call.hung) {
            to.push(Action::Finish(id, u8::from(call.group == 1)));
        }
        if machine.write.is_some() && !machine.disk_broken {
            to.push(Action::Written(id));
        }
        if machine.fencing {
            to.push(Action::Fenced(id));
        }
        if self.due(host) {
            to.push(if machine.socket.is_empty() { Action::Tick(id) } else { Action::TickEarly(id) });
        }
    }

    /// Time, and what ends a fault.
    fn steps_between_instants(&self, to: &mut Vec<Action>) {
        if self.next_time().is_some() {
            to.push(Action::Time);
        }
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
                    || (!self.due(host)
                        && machine.socket.is_empty()
                        && (machine.write.is_none() || machine.disk_broken));
                idle && machine.dog.is_none_or(|dog| dog > self.now)
            })
    }

    /// Faults and commands.
    pub(super) fn costly_steps(&self, to: &mut Vec<Action>) {
        for id in HOSTS {
            let host = usize::from(id);
            let machine = &self.machines[host];
            if !self.wire[host].is_empty() {
                to.extend([Action::Delay(id), Action::Record(id)]);
            }
            let Some(daemon) = &machine.daemon else {
                if machine.life > 0 {
                    to.push(Action::LoseFile(id));
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
            for call in machine.calls.iter().filter(|call| !call.hung) {
                let group = u8::from(call.group == 1);
                to.extend([Action::Hang(id, group), Action::Fail(id, group)]);
            }
            if machine.write.is_some() && !machine.disk_broken {
                to.push(Action::BreakDisk(id));
            }
            if machine.fencing {
                to.push(Action::FenceFails(id));
            }
            if self.settled() {
                to.push(Action::Freeze(id));
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

    /// Do it.
    pub(super) fn apply(&mut self, action: Action) -> Checked {
        use Action::{Bark, Fail, Fenced, Hang, Kill, Power};
        if matches!(
            action,
            Action::Order(..) | Bark(_) | Fenced(_) | Power(_) | Kill(_) | Hang(..) | Fail(..)
        ) {
            // A new reason: whoever held may let go.
            self.contested = [false; 2];
        }
        match action {
            Action::Deliver(from) => self.deliver(usize::from(from)),
            Action::Finish(id, group) => self.finish(usize::from(id), usize::from(group), true),
            Action::Fail(id, group) => self.finish(usize::from(id), usize::from(group), false),
            Action::Written(id) => {
                let machine = &mut self.machines[usize::from(id)];
                let Some((serial, saved)) = machine.write.take() else { return Ok(()) };
                machine.disk = saved;
                self.input(usize::from(id), Input::Persisted { serial })
            }
            Action::Fenced(id) => {
                self.machines[usize::from(id)].fencing = false;
                self.power(1 - usize::from(id));
                self.input(usize::from(id), Input::FenceDone { ok: true })
            }
            Action::FenceFails(id) => {
                self.machines[usize::from(id)].fencing = false;
                self.input(usize::from(id), Input::FenceDone { ok: false })
            }
            Action::Tick(id) => self.input(usize::from(id), Input::Tick { drained: true }),
            Action::TickEarly(id) => self.input(usize::from(id), Input::Tick { drained: false }),
            Action::Time => self.pass(),
            Action::Start(id) => self.start(usize::from(id)),
            Action::Join => {
                self.cut = [false; 2];
                Ok(())
            }
            Action::Resume(id) => self.resume(usize::from(id)),
            Action::Repair(id) => {
                self.machines[usize::from(id)].disk_broken = false;
                Ok(())
            }
            Action::Replay(from) => self.replay(usize::from(from)),
            Action::Delay(from) | Action::Record(from) => {
                self.tape_head(usize::from(from), action);
                if action == Action::Record(from) { self.deliver(usize::from(from)) } else { Ok(()) }
            }
            Action::CutAll => {
                self.cut = [true; 2];
                Ok(())
            }
            Action::Cut(from) => {
                self.cut[usize::from(from)] = true;
                Ok(())
            }
            Action::Power(id) | Action::Bark(id) => {
                self.power(usize::from(id));
                Ok(())
            }
            Action::Kill(id) => {
                self.end_daemon(usize::from(id));
                Ok(())
            }
            Action::Freeze(id) => {
                let machine = &mut self.machines[usize::from(id)];
                machine.memory.frozen_at = Some(self.now);
                if let Some(daemon) = &mut machine.daemon {
                    daemon.frozen = true;
                }
                Ok(())
            }
            Action::LoseFile(id) => {
                self.machines[usize::from(id)].disk = Saved::default();
                Ok(())
            }
            Action::BreakDisk(id) => {
                self.machines[usize::from(id)].disk_broken = true;
                Ok(())
            }
            Action::Hang(id, group) => {
                let calls = &mut self.machines[usize::from(id)].calls;
                calls.iter_mut().filter(|c| c.group == usize::from(group)).for_each(|c| c.hung = true);
                Ok(())
            }
            Action::Order(id, order) => self.order(usize::from(id), order),
        }
    }

    fn deliver(&mut self, from: usize) -> Checked {
        let to = 1 - from;
        let socket = &mut self.machines[to].socket;
        let queue = if socket.is_empty() { &mut self.wire[from] } else { socket };
        if queue.is_empty() {
            return Ok(());
        }
        let frame = queue.remove(0);
        self.tell(|| format!("{} reads: {}", letter(to), frame.words));
        if self.receive(to, &frame)? {
            let memory = &mut self.machines[to].memory;
            memory.took = memory.took.max(frame.number);
            (memory.heard, memory.vouched) = (self.now, false);
        }
        Ok(())
    }

    /// A copy of the next frame on the wire: in its place, or besides it.
    fn tape_head(&mut self, from: usize, action: Action) {
        if self.wire[from].is_empty() {
            return;
        }
        let came = matches!(action, Action::Record(_));
        let frame = if came { Rc::clone(&self.wire[from][0]) } else { self.wire[from].remove(0) };
        self.tape[from] = Some(Copy { frame, came, receiver: self.machines[1 - from].life });
    }

    fn replay(&mut self, from: usize) -> Checked {
        let to = 1 - from;
        let Some(copy) = &mut self.tape[from] else { return Ok(()) };
        let memory = &self.machines[to].memory;
        let old = copy.came || copy.receiver != self.machines[to].life || copy.frame.number < memory.took;
        copy.came = true;
        let frame = Rc::clone(&copy.frame);
        self.tell(|| format!("{} reads again: {}", letter(to), frame.words));
        if !self.receive(to, &frame)? {
            return Ok(());
        }
        if old {
            return broken("replay", format!("{} takes an old frame for life", letter(to)));
        }
        let memory = &mut self.machines[to].memory;
        memory.took = memory.took.max(frame.number);
        (memory.heard, memory.vouched) = (self.now, false);
        Ok(())
    }

    fn finish(&mut self, host: usize, group: usize, well: bool) -> Checked {
        let Some(call) = self.call(host, group).copied() else { return Ok(()) };
        let machine = &mut self.machines[host];
        machine.calls.retain(|other| other.token != call.token);
        if (call.verb == Verb::Stop) == well {
            // A stop that ends well took it down; a start that fails left nothing behind.
            machine.runs[group] = false;
        }
        let outcome = if well { Outcome::Ok } else { Outcome::Failed(1) };
        self.input(host, Input::ScriptDone { token: call.token, outcome })
    }

    /// The power goes: nothing runs there any more.
    fn power(&mut self, host: usize) {
        self.end_daemon(host);
        let machine = &mut self.machines[host];
        machine.runs = [false; 2];
        machine.dog = None;
        machine.boot += 1;
        machine.disk_broken = false;
    }

    fn pass(&mut self) -> Checked {
        self.check_instant()?;
        if let Some(at) = self.next_time() {
            self.now = at;
        }
        Ok(())
    }

    fn resume(&mut self, host: usize) -> Checked {
        let now = self.now;
        let machine = &mut self.machines[host];
        machine.memory.resumed(now);
        if let Some(daemon) = &mut machine.daemon {
            daemon.frozen = false;
        }
        Ok(())
    }

    fn order(&mut self, host: usize, order: Order) -> Checked {
        let vouched = self.machines[host].memory.vouched;
        self.machines[host].memory.vouched |= order == Order::ConfirmDown;
        self.command(host, order.command()).unwrap_or_else(|_| {
            self.machines[host].memory.vouched = vouched;
            Ok(())
        })
    }
}
