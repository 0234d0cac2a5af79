//! What each action of a daemon does to the world, and what comes back.

use super::world::World;
use crate::log::tale::Seconds;
use crate::log::{LINE, Text, words};
use hb_core::message::GroupState;
use hb_core::{Action, Asked, Duration, GroupId, Input, PingId, Pulled};
use std::format;
use std::vec::Vec;

/// A record on the disk.
const DISK: Duration = Duration::from_millis(5);
/// A question on the clients' network, with its answer.
const ROUND_TRIP: Duration = Duration::from_micros(400);
/// An echo of a ping node.
const ECHO: Duration = Duration::from_millis(2);
/// A probe for addresses.
const PROBE: Duration = Duration::from_millis(50);
/// A fence device, from the call to its answer; the machine is reset as it begins.
const FENCE: Duration = Duration::from_secs(5);

impl World {
    pub(super) fn act(&mut self, side: usize, action: Action, bytes: Vec<u8>) {
        let (now, other) = (self.now, 1 - side.min(1));
        let split = self.split;
        match action {
            Action::Transmit { link, .. } => self.send(side, link, bytes),
            Action::Fence => {
                self.say_of(side, "its fence fires");
                self.reset(other, "is reset by the fence");
                self.answer(side, FENCE, Input::FenceDone { ok: true });
            }
            Action::Ask { group } => self.ask(side, group),
            Action::Defend { group } => {
                let mac = mac(side);
                if !split && self.machines.get(side).is_some_and(|m| m.may_run(group)) {
                    self.answer(
                        other,
                        ROUND_TRIP,
                        Input::Asked { address: self.first_address(group), what: Asked::Defended { mac } },
                    );
                }
            }
            Action::Ping => {
                let count = self.machines.get(side).map_or(0, |m| m.config.pings);
                (0..count).for_each(|ping| self.answer(side, ECHO, Input::PingAnswer { ping: PingId(ping) }));
            }
            Action::ProbeAddresses => {
                let answered = !split && self.machines.get(other).is_some_and(|m| m.on && !m.runs.is_empty());
                self.answer(side, PROBE, Input::ProbeDone { answered });
            }
            Action::Pull { token, .. } => {
                self.answer(side, DISK, Input::PullDone { token, outcome: Pulled::Cut { partial: false } });
            }
            Action::WriteStamp { token, .. } => {
                self.answer(side, DISK, Input::StampWritten { token, ok: true })
            }
            Action::Report(event) => {
                let Some(machine) = self.machines.get(side) else { return };
                let mut text = Text::<LINE>::new();
                let states = (0_u8..).map(GroupId).map_while(|id| machine.node.as_ref()?.group_status(id));
                let left = states.filter(|s| !matches!(s.state, GroupState::Idle | GroupState::Held)).count();
                let level = words::event(
                    &machine.names,
                    &event,
                    &words::About { left, ..words::About::default() },
                    &mut text,
                );
                let at = format!("{}", Seconds(now.since(self.begun)));
                let (own, level) = (&machine.names.own, level.as_str());
                let line = format!("{at:>9}  {own} {level}: {}", text.as_str());
                self.said.push(line);
            }
            Action::FeedWatchdog
            | Action::Persist { .. }
            | Action::RunScript { .. }
            | Action::KillScript { .. }
            | Action::EndPull { .. }
            | Action::Announce { .. }
            | Action::Exit { .. } => self.act_at_home(side, action),
        }
    }

    /// What touches this machine alone.
    fn act_at_home(&mut self, side: usize, action: Action) {
        let now = self.now;
        let Some(machine) = self.machines.get_mut(side) else { return };
        match action {
            Action::FeedWatchdog => machine.fed = machine.fed.map(|_| now),
            Action::Persist { serial } => {
                if let Some(saved) = machine.node.as_ref().map(|node| node.saved()) {
                    machine.writes.push((now.plus(DISK), serial, saved));
                }
            }
            Action::RunScript { group, resource, verb, token } => {
                machine.call(now, group, resource, verb, token)
            }
            Action::KillScript { token } => machine.kill(now, token),
            Action::Exit { clean } => {
                machine.node = None;
                if clean {
                    machine.fed = None;
                }
            }
            _ => {}
        }
    }

    /// This comes to its daemon after a while.
    fn answer(&mut self, side: usize, after: Duration, input: Input<'static>) {
        let at = self.now.plus(after);
        if let Some(machine) = self.machines.get_mut(side).filter(|machine| machine.node.is_some()) {
            machine.answers.push((at, input));
        }
    }

    /// A question for the addresses of a group. A machine that stands still answers: its kernel does not.
    fn ask(&mut self, side: usize, group: GroupId) {
        let other = 1 - side.min(1);
        let Some(machine) = self.machines.get(side) else { return };
        let mask = machine.config.ask.addresses.get(usize::from(group.0)).copied().unwrap_or(0);
        let answers = !self.split && self.machines.get(other).is_some_and(|machine| machine.may_run(group));
        for address in (0_u8..32).filter(|bit| mask & (1 << bit) != 0) {
            self.answer(side, Duration::ZERO, Input::Asked { address, what: Asked::Left });
            self.answer(side, ROUND_TRIP, Input::Asked { address, what: Asked::Neighbour });
            if answers {
                self.answer(
                    side,
                    ROUND_TRIP,
                    Input::Asked { address, what: Asked::Answered { mac: mac(other) } },
                );
            }
            if !self.split {
                self.answer(other, ROUND_TRIP, Input::Asked { address, what: Asked::Question });
            }
        }
    }

    fn first_address(&self, group: GroupId) -> u8 {
        let mask =
            self.machines.first().and_then(|m| m.config.ask.addresses.get(usize::from(group.0)).copied());
        u8::try_from(mask.unwrap_or(0).trailing_zeros()).unwrap_or(0)
    }

    fn say_of(&mut self, side: usize, what: &str) {
        let name = self.machines.get(side).map_or_else(Default::default, |m| m.names.own.clone());
        self.say(&format!("{name}: {what}"));
    }
}

/// The hardware address of a machine.
fn mac(side: usize) -> [u8; 6] {
    [2, 0, 0, 0, 0, u8::try_from(side).unwrap_or(9)]
}
