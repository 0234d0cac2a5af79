//! What can happen next, when each instant is a whole: its frames, timers and writes come in one of a few orders.

use super::actions::Action;
use super::choices::HOSTS;
use super::rules::{Checked, broken};
use super::world::World;
use hb_core::{Instant, Node};

/// Far more than two nodes have to say in one instant.
pub(super) const ENDLESS: u32 = 200;

impl World {
    /// Steps that cost nothing, between two instants.
    pub(super) fn coarse_steps(&self, to: &mut Vec<Action>) {
        if let Some(at) = self.next_time() {
            let due = |host| self.awake(host).is_some_and(|daemon| deadline(&daemon.node) <= at);
            let orders = if due(0) && due(1) { 3 } else { 1 };
            to.extend((0..orders).map(Action::Round));
        }
        for id in HOSTS {
            let host = usize::from(id);
            let machine = &self.machines[host];
            if self.awake(host).is_some() {
                for call in machine.scripts.calls.iter().filter(|call| call.open()) {
                    to.push(Action::Finish(id, u8::from(call.group == 1)));
                }
                if machine.fencing {
                    to.push(Action::Fenced(id));
                }
                if machine.copies.pull.is_some_and(|pull| pull.ends()) {
                    to.push(Action::PullEnds(id));
                }
            } else if !machine.socket.is_empty() {
                to.push(Action::ResumeEarly(id));
            }
        }
        self.recoveries(to);
    }

    /// The next instant, with the timers of the two nodes in an order.
    pub(super) fn round(&mut self, order: u8) -> Checked {
        self.pass()?;
        self.reset_by_watchdogs()?;
        let (first, second) = if order == 1 { (1, 0) } else { (0, 1) };
        self.timers(first)?;
        if order != 2 {
            self.read_all()?;
        }
        self.timers(second)
    }

    /// Everything that is on its way or due happens, frames first.
    pub(super) fn end_of_instant(&mut self) -> Checked {
        self.reset_by_watchdogs()?;
        for round in 0.. {
            if self.settled() {
                break;
            }
            if round > ENDLESS {
                return broken("L3", "an instant without an end: the nodes answer each other for ever");
            }
            self.read_all()?;
            self.timers(0)?;
            self.timers(1)?;
        }
        Ok(())
    }

    fn timers(&mut self, host: usize) -> Checked {
        let id = u8::from(host == 1);
        if self.due(host) && self.machines[host].socket.is_empty() {
            self.apply_alone(Action::Tick(id))
        } else {
            Ok(())
        }
    }

    fn reset_by_watchdogs(&mut self) -> Checked {
        for id in HOSTS {
            if self.machines[usize::from(id)].dog.is_some_and(|dog| dog <= self.now) {
                self.apply_alone(Action::Bark(id))?;
            }
        }
        Ok(())
    }

    /// Until nothing is left to be read or written.
    fn read_all(&mut self) -> Checked {
        for _ in 0..ENDLESS {
            let mut quiet = true;
            for id in HOSTS {
                let host = usize::from(id);
                let machine = &self.machines[host];
                let reads = !self.wire[1 - host].is_empty() || !machine.socket.is_empty();
                let writes = machine.writes();
                if self.awake(host).is_some() && reads {
                    self.deliver(1 - host)?;
                    quiet = false;
                } else if self.awake(host).is_some() && writes {
                    self.apply_alone(Action::Written(id))?;
                    quiet = false;
                }
            }
            if quiet {
                return Ok(());
            }
        }
        broken("L3", "an instant without an end: the nodes answer each other for ever")
    }
}

fn deadline(node: &Node) -> Instant {
    node.poll_deadline()
}
