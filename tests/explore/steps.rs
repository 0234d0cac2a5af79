//! What can happen to a world, and what it does then.

use super::actions::{Action, Order};
use super::rules::{Checked, broken};
use super::scripts::Oddity;
use super::shell::letter;
use super::world::{Copy, GROUPS, World};
use hb_core::{Input, Outcome};
use std::rc::Rc;

impl World {
    /// Do it.
    pub(super) fn apply(&mut self, action: Action) -> Checked {
        self.apply_alone(action)?;
        if self.coarse { self.end_of_instant() } else { Ok(()) }
    }

    pub(super) fn apply_alone(&mut self, action: Action) -> Checked {
        use Action::{
            Bark, CouldNotRun, Fail, Fenced, Hang, Kill, LeftEnds, Mend, Odd, Order, Power, WrongCode,
        };
        if matches!(
            action,
            Order(..)
                | Bark(_)
                | Fenced(_)
                | Power(_)
                | Kill(_)
                | Hang(..)
                | Fail(..)
                | WrongCode(..)
                | CouldNotRun(..)
                | Odd(..)
                | Mend(_)
                | LeftEnds(_)
        ) {
            // A new reason: whoever held may let go.
            self.contested = [false; 2];
        }
        match action {
            Action::Deliver(from) => self.deliver(usize::from(from)),
            Action::Finish(id, group) => self.finish(usize::from(id), usize::from(group), Outcome::Ok, true),
            Action::Fail(id, group) => {
                self.finish(usize::from(id), usize::from(group), Outcome::Failed(1), false)
            }
            Action::WrongCode(id, group) => {
                self.finish(usize::from(id), usize::from(group), Outcome::Failed(1), true)
            }
            Action::CouldNotRun(id, group) => {
                self.finish(usize::from(id), usize::from(group), Outcome::NotRun, false)
            }
            Action::Odd(id, oddity) => self.odd(usize::from(id), oddity),
            Action::Mend(id) => self.odd(usize::from(id), Oddity::Nothing),
            Action::MissingAtStart(id) => {
                self.machines[usize::from(id)].scripts.oddity = Oddity::Gone;
                self.start(usize::from(id))
            }
            Action::LeftEnds(id) => self.left_ends(usize::from(id)),
            Action::Written(id) => {
                let host = usize::from(id);
                if let Some((serial, saved)) = self.machines[host].write.take() {
                    self.machines[host].disk = saved;
                    self.recorded(host);
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
                self.lose_file(usize::from(id));
                self.start(usize::from(id))
            }
            Action::BreakDisk(id) => {
                self.machines[usize::from(id)].disk_broken = true;
                if self.case.data {
                    self.machines[usize::from(id)].broken_at = self.now;
                }
                Ok(())
            }
            Action::Hang(id, group, end) => {
                let calls = &mut self.machines[usize::from(id)].scripts.calls;
                calls.iter_mut().filter(|c| c.group == usize::from(group)).for_each(|c| c.end = end);
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
        self.tell_scripts(to)
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
        (machine.scripts.started, machine.scripts.unrecorded) = ([false; GROUPS], [false; GROUPS]);
        // It had too many processes, or one that hangs in the kernel.
        if matches!(machine.scripts.oddity, Oddity::NotRun | Oddity::Deaf) {
            machine.scripts.mended();
        }
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
        self.tell_scripts(host)
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
