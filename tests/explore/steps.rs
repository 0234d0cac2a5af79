//! What can happen to a world, and what it does then.

use super::rules::{Checked, broken};
use super::shell::letter;
use super::world::{Copy, World};
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
    PullEnds(u8),
    Tick(u8),
    TickEarly(u8),
    Bark(u8),
    Time,
    /// Time, and then the timers of both nodes in this order: first A, first B, both before any frame arrives.
    Round(u8),
    // What ends a fault, and what a fault left behind: at no cost.
    Start(u8),
    Join,
    Resume(u8),
    /// The same, and its timers come before its input is read to the end.
    ResumeEarly(u8),
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
    PullFails(u8),
    PullHangs(u8),
    Hang(u8, u8),
    Fail(u8, u8),
    Order(u8, Order),
}

/// The kinds of faults, and commands; a set of them is a bit each.
pub const KINDS: [&str; 13] = [
    "delay",
    "record",
    "cut",
    "power",
    "kill",
    "freeze",
    "lose-file",
    "break-disk",
    "fence-fails",
    "hang",
    "fail",
    "order",
    "pull",
];

/// Which of [`KINDS`] it is; `None` for what costs nothing.
pub(super) const fn kind(action: Action) -> Option<usize> {
    Some(match action {
        Action::Delay(_) => 0,
        Action::Record(_) => 1,
        Action::CutAll | Action::Cut(_) => 2,
        Action::Power(_) => 3,
        Action::Kill(_) => 4,
        Action::Freeze(_) => 5,
        Action::LoseFile(_) => 6,
        Action::BreakDisk(_) => 7,
        Action::FenceFails(_) => 8,
        Action::Hang(..) => 9,
        Action::Fail(..) => 10,
        Action::Order(..) => 11,
        Action::PullFails(_) | Action::PullHangs(_) => 12,
        Action::Deliver(_)
        | Action::Finish(..)
        | Action::Written(_)
        | Action::Fenced(_)
        | Action::PullEnds(_)
        | Action::Tick(_)
        | Action::TickEarly(_)
        | Action::Bark(_)
        | Action::Time
        | Action::Round(_)
        | Action::Start(_)
        | Action::Join
        | Action::Resume(_)
        | Action::ResumeEarly(_)
        | Action::Repair(_)
        | Action::Replay(_) => return None,
    })
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
    const fn command(self) -> Command {
        match self {
            Self::Standby => Command::Standby(Scope::All),
            Self::Takeover => Command::Takeover(Scope::All),
            Self::Stop => Command::Stop,
            Self::Clear(group) => Command::Clear(GroupId(group)),
            Self::ConfirmDown => Command::ConfirmDown,
        }
    }
}

impl World {
    /// Do it.
    pub(super) fn apply(&mut self, action: Action) -> Checked {
        self.apply_alone(action)?;
        if self.coarse { self.end_of_instant() } else { Ok(()) }
    }

    pub(super) fn apply_alone(&mut self, action: Action) -> Checked {
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
                let host = usize::from(id);
                if let Some((serial, saved)) = self.machines[host].write.take() {
                    self.machines[host].disk = saved;
                    self.input(host, Input::Persisted { serial })?;
                }
                self.stamps_written(host)
            }
            Action::PullEnds(id) | Action::PullFails(id) => {
                let host = usize::from(id);
                let done = self.end_pull(host, matches!(action, Action::PullEnds(_)));
                done.map_or(Ok(()), |input| self.input(host, input))
            }
            Action::PullHangs(id) => {
                self.machines[usize::from(id)].copies.pull.iter_mut().for_each(|pull| pull.hung = true);
                Ok(())
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
            Action::Round(order) => self.round(order),
            Action::Start(id) => self.start(usize::from(id)),
            Action::Join => {
                self.cut = [false; 2];
                Ok(())
            }
            Action::Resume(id) => self.resume(usize::from(id)),
            Action::ResumeEarly(id) => {
                self.resume(usize::from(id))?;
                self.input(usize::from(id), Input::Tick { drained: false })
            }
            Action::Repair(id) => {
                self.machines[usize::from(id)].disk_broken = false;
                Ok(())
            }
            Action::Replay(from) => self.replay(usize::from(from)),
            Action::Delay(from) | Action::Record(from) if self.coarse => {
                self.armed[usize::from(from)] = Some(action);
                Ok(())
            }
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
                self.start(usize::from(id))
            }
            Action::BreakDisk(id) => {
                self.machines[usize::from(id)].disk_broken = true;
                if self.case.data {
                    self.machines[usize::from(id)].broken_at = self.now;
                }
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

    pub(super) fn deliver(&mut self, from: usize) -> Checked {
        let to = 1 - from;
        let socket = &mut self.machines[to].socket;
        let queue = if socket.is_empty() { &mut self.wire[from] } else { socket };
        if queue.is_empty() {
            return Ok(());
        }
        let frame = queue.remove(0);
        if let Some(copy) = &mut self.tape[from] {
            copy.came |= copy.frame.number == frame.number;
        }
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
        let record = matches!(action, Action::Record(_));
        let frame = if record { Rc::clone(&self.wire[from][0]) } else { self.wire[from].remove(0) };
        self.tape[from] = Some(Copy { frame, came: false, receiver: self.machines[1 - from].life });
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
            self.taken_down(host, group);
        }
        let outcome = if well { Outcome::Ok } else { Outcome::Failed(1) };
        self.input(host, Input::ScriptDone { token: call.token, outcome })
    }

    /// The power goes: nothing runs there any more.
    fn power(&mut self, host: usize) {
        self.end_daemon(host);
        for group in self.groups() {
            self.taken_down(host, group);
        }
        let machine = &mut self.machines[host];
        machine.dog = None;
        machine.boot += 1;
        machine.off = true;
        machine.disk_broken = false;
    }

    pub(super) fn pass(&mut self) -> Checked {
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
