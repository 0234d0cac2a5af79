//! What must hold, checked after every step. Each rule says which line of DESIGN it is.

use super::canon::Canon;
use super::case::KEEPALIVE;
use super::print::Class;
use super::scripts::{Call, Proof};
use super::world::{GROUPS, World};
use hb_core::message::GroupState;
use hb_core::{Cause, Event, Instant, PeerState};

/// A rule was broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Its short name, as in [`RULES`].
    pub rule: &'static str,
    /// What happened.
    pub what: String,
}

/// Every rule: its short name, and what it says.
pub const RULES: [(&str, &str); 13] = [
    ("S1", "two nodes that know of each other's claim do not both go on with it for a keepalive"),
    ("S2", "of two holders the highest held epoch goes on, and at no time does none"),
    ("S3", "a start begins only where nobody else runs the group, or was silent when it was claimed"),
    ("S4", "idle or failed is shown only after a proof, and never out of stuck"),
    ("S5", "no epoch is used twice, none at or below one that was shown, none before it is on the disk"),
    ("S6", "a feed goes with a beat; a silent holder is reset before its successor starts"),
    ("O2", "a peer that is heard is not fenced"),
    ("O4", "a group whose scripts are known to be missing is not given away"),
    ("O7", "a stuck group is not fed for, and blocks the peer until something proves it off"),
    ("L2", "nobody claims against a peer that was heard within the deadtime"),
    ("L3", "without new faults each group comes to rest with one holder, or waits for a named reason"),
    (
        "S7",
        "no file that is on one disk only is destroyed; one thing at a time writes to a copy, and a start is stamped",
    ),
    ("replay", "an old frame is never a sign of life"),
];

/// What a machine's past has to do with the rules.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// The last frame that this daemon took for life.
    pub(super) took: u32,
    /// When that was, or the daemon began; later by what it stood still since.
    pub(super) heard: Instant,
    pub(super) frozen_at: Option<Instant>,
    /// An operator vouched since.
    pub(super) vouched: bool,
    /// How far this life has come to prove the group stopped.
    pub(super) proof: [Proof; GROUPS],
    pub(super) last: [Option<GroupState>; GROUPS],
    /// The current claim was made against a silent peer, and the two have not told each other since.
    pub(super) silent: [bool; GROUPS],
    /// The current stop gives way to the peer.
    pub(super) yields: [bool; GROUPS],
    /// The claim went on without its write, and said so.
    pub(super) unproven: [bool; GROUPS],
    /// The peer said that the group is stuck there, and nothing took it down since.
    pub(super) told: [bool; GROUPS],
    /// The highest epoch that this life was shown, or used.
    pub(super) shown: [u32; GROUPS],
    /// The last epoch that this machine used.
    pub(super) used: [u32; GROUPS],
}

impl Memory {
    /// A daemon begins: what it knows is on the disk.
    pub(super) fn begin(&mut self, now: Instant, shown: [u32; GROUPS]) {
        self.end();
        (self.heard, self.shown) = (now, shown);
    }

    /// The daemon is gone. What it claimed in silence may run on, and nobody was told.
    pub(super) fn end(&mut self) {
        *self = Self { used: self.used, silent: self.silent, ..Self::default() };
    }

    /// The daemon goes on after it stood still.
    pub(super) fn resumed(&mut self, now: Instant) {
        let Some(at) = self.frozen_at.take() else { return };
        // It had promised to be back within one keepalive, and may be late by another. What is more is a gap, and of
        // a gap it counts what was promised.
        let gap = now.since(at);
        if gap > KEEPALIVE.times(2) {
            self.heard = self.heard.plus(gap.minus(KEEPALIVE));
        }
    }

    pub(super) fn canon(&self, canon: &mut Canon) {
        canon.value(Class::Real, self.heard.as_micros());
        canon.value(Class::Real, self.frozen_at.map_or(0, Instant::as_micros));
        canon.plain(u64::from(self.vouched));
        for group in 0..GROUPS {
            let bits = [self.silent[group], self.yields[group], self.unproven[group], self.told[group]];
            canon.plain(self.proof[group].bits() | 0x100);
            canon.plain(bits.iter().fold(1, |word, bit| word << 1 | u64::from(*bit)));
            let class = Class::Epoch(u8::from(group == 1));
            canon.value(class, u64::from(self.shown[group]));
            canon.value(class, u64::from(self.used[group]));
        }
    }
}

pub(super) type Checked = Result<(), Violation>;

pub(super) fn broken(rule: &'static str, what: impl Into<String>) -> Checked {
    Err(Violation { rule, what: what.into() })
}

const fn name(host: usize) -> &'static str {
    if host == 0 { "A" } else { "B" }
}

impl World {
    /// After every input of `host`, and all that followed from it.
    pub(super) fn check_host(&mut self, host: usize, events: &[Event]) -> Checked {
        let Some(status) = self.status(host) else { return Ok(()) };
        for event in events {
            self.copy_events(host, event);
            if let Event::Unproven(group) = event {
                self.machines[host].memory.unproven[usize::from(group.0)] = true;
            }
            if let Event::Group { group, from, to, epoch, cause } = event {
                let group = usize::from(group.0);
                if *to == GroupState::Starting && matches!(from, GroupState::Idle | GroupState::Failed) {
                    self.claimed(host, group, *epoch)?;
                }
                let given = *from == GroupState::Held
                    && *to == GroupState::Stopping
                    && matches!(cause, Cause::Handover(_));
                if given && self.machines[host].scripts.told_gone {
                    return broken("O4", format!("{} gives away what its scripts cannot stop", name(host)));
                }
                let yields = *to == GroupState::Stopping && *cause == Cause::Conflict;
                self.machines[host].memory.yields[group] = yields;
                if yields && *from == GroupState::Held {
                    self.gave_way(host, group, *epoch)?;
                }
            }
        }
        for group in self.groups() {
            let shown = &status.groups[group];
            let machine = &mut self.machines[host];
            let last = machine.memory.last[group].replace(shown.state);
            machine.stuck[group] |= shown.state == GroupState::Stuck && machine.runs[group];
            machine.memory.told[group] |= shown.peer_state == Some(GroupState::Stuck);
            if matches!(shown.state, GroupState::Idle | GroupState::Failed) {
                if machine.runs[group] || machine.scripts.loose(group) {
                    return broken(
                        "S4",
                        format!("{} shows {:?} while it runs, or may come up", name(host), shown.state),
                    );
                }
                if !machine.memory.proof[group].stopped {
                    return broken("S4", format!("{} shows {:?} without a proof", name(host), shown.state));
                }
            }
            if last == Some(GroupState::Stuck)
                && !matches!(shown.state, GroupState::Stuck | GroupState::Stopping)
            {
                return broken("S4", format!("{} was stuck and shows {:?}", name(host), shown.state));
            }
            if shown.state == GroupState::Held {
                machine.copies.served = shown.epoch;
            }
            let active = matches!(shown.state, GroupState::Starting | GroupState::Held);
            if active && shown.epoch != machine.memory.used[group] {
                self.uses(host, group, shown.epoch)?;
            }
            self.check_contest(group)?;
        }
        Ok(())
    }

    /// A group goes from rest to starting.
    fn claimed(&mut self, host: usize, group: usize, epoch: u32) -> Checked {
        let Some(status) = self.status(host) else { return Ok(()) };
        let silent = !matches!(status.peer.state, PeerState::Up | PeerState::Late);
        self.machines[host].memory.silent[group] = silent;
        self.machines[host].memory.unproven[group] = false;
        self.claims_copy(host);
        self.uses(host, group, epoch)?;
        let memory = &self.machines[host].memory;
        if !silent || memory.vouched {
            return Ok(());
        }
        if !self.machines[host].socket.is_empty() {
            return broken("L2", format!("{} claims with input unread", name(host)));
        }
        let met = status.peer.incarnation.is_some();
        let needed = if met { self.case.agreed_deadtime() } else { self.case.initdead(host) };
        if self.now.since(memory.heard) < needed {
            let silence = self.now.since(memory.heard).as_millis();
            return broken("L2", format!("{} claims after {silence} ms of silence", name(host)));
        }
        Ok(())
    }

    /// A node takes an epoch for itself.
    fn uses(&mut self, host: usize, group: usize, epoch: u32) -> Checked {
        if epoch == self.machines[1 - host].memory.used[group] {
            return broken("S5", format!("{} uses epoch {epoch}, which the other used", name(host)));
        }
        let memory = &mut self.machines[host].memory;
        if epoch <= memory.shown[group] {
            return broken(
                "S5",
                format!("{} uses epoch {epoch}, and was shown {}", name(host), memory.shown[group]),
            );
        }
        memory.shown[group] = epoch;
        memory.used[group] = epoch;
        Ok(())
    }

    /// A holder stops for the other's sake.
    fn gave_way(&self, host: usize, group: usize, epoch: u32) -> Checked {
        let other = 1 - host;
        let (true, Some(daemon)) = (self.fresh(other), self.awake(other)) else { return Ok(()) };
        let shown = daemon.group(self.now, group);
        let goes_on = matches!(shown.state, GroupState::Held | GroupState::Starting);
        if !goes_on || shown.epoch < epoch {
            return broken(
                "S2",
                format!("{} gives epoch {epoch} up for {:?} {}", name(host), shown.state, shown.epoch),
            );
        }
        Ok(())
    }

    /// While two hold it, one goes on.
    fn check_contest(&mut self, group: usize) -> Checked {
        let held = |world: &Self, host| world.shown(host, group) == Some(GroupState::Held);
        if held(self, 0) && held(self, 1) {
            self.contested[group] = true;
        } else if !self.machines.iter().all(|machine| machine.runs[group]) {
            self.contested[group] = false;
        } else if self.contested[group] && !held(self, 0) && !held(self, 1) {
            return broken("S2", "both held the group, and both let it go");
        }
        Ok(())
    }

    /// A `start` is called.
    pub(super) fn check_start(&self, host: usize, group: usize) -> Checked {
        let other = 1 - host;
        let machine = &self.machines[host];
        if self.machines[other].runs[group] {
            // Either claim may be the one that could not know better.
            if !machine.memory.silent[group] && !self.machines[other].memory.silent[group] {
                return broken(
                    "S3",
                    format!("{} starts what {} still runs, and knew it alive", name(host), name(other)),
                );
            }
            if self.machines[other].stuck[group] && machine.memory.told[group] {
                return broken("O7", format!("{} starts what is stuck on {}", name(host), name(other)));
            }
            if self.machines[other].dog.is_some() && self.fresh(other) {
                return broken("S6", format!("{} starts before the watchdog of {}", name(host), name(other)));
            }
        }
        let on_disk = machine.disk.epochs.get(group).map_or(0, |(_, epoch)| *epoch);
        let used = machine.memory.used[group];
        if on_disk < used && !machine.memory.unproven[group] {
            return broken(
                "S5",
                format!("{} starts at epoch {used}, and its disk says {on_disk}", name(host)),
            );
        }
        Ok(())
    }

    /// Nothing is left to be done now. What both know of each other, both act upon: at once, or with the next beat, for
    /// that a node is sure of itself again is no news that it sends at once.
    pub(super) fn check_instant(&mut self) -> Checked {
        let informed = self.awake(0).is_some() && self.awake(1).is_some() && self.fresh(0) && self.fresh(1);
        for group in self.groups() {
            let (Some(a), Some(b), true) = (self.shown(0, group), self.shown(1, group), informed) else {
                self.both_since[group] = None;
                continue;
            };
            let yields = |host: usize| self.machines[host].memory.yields[group];
            if a == GroupState::Stopping && b == GroupState::Stopping && yields(0) && yields(1) {
                return broken("S2", "both give way to each other");
            }
            let goes_on = |state| matches!(state, GroupState::Held | GroupState::Starting);
            let ending =
                |state| matches!(state, GroupState::Stopping | GroupState::Stuck | GroupState::Unknown);
            let both_run = self.machines.iter().all(|machine| machine.runs[group]);
            if (goes_on(a) && goes_on(b)) || (both_run && !ending(a) && !ending(b)) {
                let since = *self.both_since[group].get_or_insert(self.now);
                if self.now.since(since) >= KEEPALIVE {
                    return broken("S1", format!("A is {a:?}, B is {b:?}, and both know it"));
                }
            } else {
                self.both_since[group] = None;
                for machine in &mut self.machines {
                    // What gives way was claimed in silence until it is down: its daemon may die on the way.
                    machine.memory.silent[group] &= machine.memory.yields[group] && machine.runs[group];
                }
            }
        }
        Ok(())
    }

    /// Nothing of the group runs on `host` any more.
    pub(super) fn taken_down(&mut self, host: usize, group: usize) {
        self.machines[host].runs[group] = false;
        self.machines[host].stuck[group] = false;
        self.machines[1 - host].memory.told[group] = false;
    }

    /// The call of that group.
    pub(super) fn call(&self, host: usize, group: usize) -> Option<&Call> {
        self.machines[host].scripts.calls.iter().find(|call| call.group == group)
    }
}
