//! The data of the one group that has some (DESIGN §9): a stamp on each disk, pulls, and which disk alone holds a file.
//!
//! Of the files only this much is kept: does a machine's disk hold any that the other one lacks? A service writes all the
//! time that it runs. What a pull moves aside is safe for good.

use super::canon::Canon;
use super::case::SCRIPT_LIMIT;
use super::print::Class;
use super::rules::{Checked, broken};
use super::shell::letter;
use super::world::{Machine, World};
use hb_core::message::GroupState;
use hb_core::{Event, GroupId, Input, Instant, Pulled, Stamp, Token};

/// A pull over this machine's copy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pull {
    pub(super) token: Token,
    source: Stamp,
    last: bool,
    /// The service of the source ran at some time since it began.
    ran: bool,
    since: Instant,
    /// It never ends by itself.
    pub(super) hung: bool,
    /// No write is in front of it any more.
    pub(super) begun: bool,
}

impl Pull {
    /// It may come to its end by itself.
    pub(super) fn ends(&self) -> bool {
        self.begun && !self.hung
    }

    /// It must end, or hang, before time goes on to `at`.
    pub(super) fn overdue(&self, at: Instant) -> bool {
        self.ends() && at >= self.since.plus(SCRIPT_LIMIT)
    }
}

/// What a machine has of the data.
#[derive(Clone, Debug)]
pub(super) struct Copies {
    /// On the disk.
    pub(super) stamp: Stamp,
    pub(super) pull: Option<Pull>,
    /// Stamps that are being written.
    pub(super) writes: Vec<(Token, Stamp)>,
    /// Its disk holds files that the other one lacks.
    pub(super) only: bool,
    /// The epoch of the last tenure that came into service here. What a start wrote that never did, nobody waits for.
    pub(super) served: u32,
    /// The current claim takes over from the stopped node that served last.
    handed: bool,
}

impl Copies {
    pub(super) const fn new() -> Self {
        Self { stamp: Stamp::NONE, pull: None, writes: Vec::new(), only: false, served: 0, handed: false }
    }

    pub(super) fn canon(&self, canon: &mut Canon) {
        canon.stamp(&self.stamp);
        canon.value(Class::Epoch(0), u64::from(self.served));
        canon.plain(u64::from(self.only) | u64::from(self.handed) << 1 | (self.writes.len() as u64) << 2);
        for (token, stamp) in &self.writes {
            canon.value(Class::Token, u64::from(token.0));
            canon.stamp(stamp);
        }
        if let Some(pull) = &self.pull {
            canon.value(Class::Token, u64::from(pull.token.0));
            canon.stamp(&pull.source);
            canon.plain(
                32 | u64::from(pull.last)
                    | u64::from(pull.ran) << 1
                    | u64::from(pull.hung) << 3
                    | u64::from(pull.begun) << 4,
            );
            canon.value(Class::Real, pull.since.as_micros());
        }
    }
}

impl Canon {
    fn stamp(&mut self, stamp: &Stamp) {
        let Stamp { epoch, line, from, partial, diverged, last } = *stamp;
        self.plain(
            8 | u64::from(partial)
                | u64::from(diverged) << 1
                | u64::from(last) << 2
                | u64::from(from.is_some()) << 4,
        );
        self.value(Class::Epoch(0), u64::from(epoch));
        self.value(Class::Name, u64::from(line));
        if let Some(from) = from {
            self.value(Class::Epoch(0), u64::from(from.epoch));
            self.value(Class::Name, u64::from(from.line));
            self.plain(u64::from(from.last));
        }
    }
}

impl Machine {
    /// Writes that will reach the disk.
    pub(super) fn writes(&self) -> bool {
        (self.write.is_some() || !self.copies.writes.is_empty()) && !self.disk_broken
    }
}

impl World {
    /// A starting daemon is told what is on its disk.
    pub(super) fn tell_copy(&mut self, host: usize) -> Checked {
        if !self.case.data {
            return Ok(());
        }
        let stamp = self.machines[host].copies.stamp;
        self.shown_stamp(host, &stamp);
        let age = Some(hb_core::Duration::ZERO);
        self.input(host, Input::Copy { group: GroupId(0), stamp, age })
    }

    fn shown_stamp(&mut self, host: usize, stamp: &Stamp) {
        let shown = &mut self.machines[host].memory.shown[0];
        *shown = (*shown).max(stamp.epoch);
    }

    pub(super) fn pull(
        &mut self,
        host: usize,
        token: Token,
        source: Stamp,
        last: bool,
        keep: bool,
    ) -> Checked {
        let (now, other) = (self.now, 1 - host);
        self.tell(|| format!("{} pulls, last: {last}, keep: {keep}", letter(host)));
        let ran = self.machines[other].runs[0];
        let machine = &mut self.machines[host];
        if machine.runs[0] || machine.copies.pull.is_some() {
            return broken("S7", format!("{} pulls over a copy that something else writes to", letter(host)));
        }
        if machine.copies.only && !keep {
            return broken("S7", format!("a pull of {} destroys what no other disk has", letter(host)));
        }
        let begun = machine.copies.writes.is_empty();
        machine.copies.stamp.partial |= begun;
        machine.copies.pull = Some(Pull { token, source, last, ran, since: now, hung: false, begun });
        Ok(())
    }

    /// A pull comes to its end: `whole` as far as it goes by itself. Gives what the shell reports.
    pub(super) fn end_pull(&mut self, host: usize, whole: bool) -> Option<Input<'static>> {
        let other = 1 - host;
        let pull = self.machines[host].copies.pull.take()?;
        let there = whole && pull.begun && !self.machines[other].off;
        let arrived = self.machines[other].copies.stamp.arrived(&pull.source, pull.last).filter(|_| there);
        if there {
            self.machines[host].copies.only = false;
            self.machines[other].copies.only &= pull.ran || self.machines[other].runs[0];
        }
        let outcome = match arrived {
            Some(stamp) => {
                self.machines[host].copies.stamp = stamp;
                self.shown_stamp(host, &stamp);
                Pulled::Whole { stamp, moved: 0 }
            }
            None => Pulled::Cut { partial: pull.begun },
        };
        self.tell(|| format!("{}'s pull ends, whole: {}", letter(host), arrived.is_some()));
        Some(Input::PullDone { token: pull.token, outcome })
    }

    /// The stamps that were under way are on the disk.
    pub(super) fn stamps_written(&mut self, host: usize) -> Checked {
        for (token, stamp) in std::mem::take(&mut self.machines[host].copies.writes) {
            self.machines[host].copies.stamp = stamp;
            self.input(host, Input::StampWritten { token, ok: true })?;
        }
        let (now, copies) = (self.now, &mut self.machines[host].copies);
        if let Some(pull) = copies.pull.as_mut().filter(|pull| !pull.begun && copies.writes.is_empty()) {
            (pull.begun, pull.since) = (true, now);
            copies.stamp.partial = true;
        }
        Ok(())
    }

    /// The group goes from rest to starting.
    pub(super) fn claims_copy(&mut self, host: usize) {
        let other = &self.machines[1 - host];
        let (own, served) = (&self.machines[host].copies, other.copies.served);
        let newest = served > own.served && served >= own.stamp.epoch;
        let heard = !self.machines[host].memory.silent[0];
        let stopped = !other.runs[0] && self.shown(1 - host, 0) == Some(GroupState::Idle);
        self.machines[host].copies.handed = newest && heard && stopped;
    }

    /// It says that it starts without something.
    pub(super) fn copy_events(&mut self, host: usize, event: &Event) {
        if matches!(event, Event::StartsBehind(_) | Event::StaleAccepted(..)) {
            self.machines[host].copies.handed = false;
        }
    }

    /// A `start` is called: the service writes from now on.
    pub(super) fn start_writes(&mut self, host: usize) -> Checked {
        if !self.case.data {
            return Ok(());
        }
        let other = 1 - host;
        let machine = &self.machines[host];
        let stamp = machine.copies.stamp;
        if machine.copies.pull.is_some() {
            return broken("S7", format!("{} starts while a pull writes to its copy", letter(host)));
        }
        if stamp.partial || stamp.epoch != machine.memory.used[0] {
            return broken(
                "S7",
                format!(
                    "{} starts at epoch {}, its stamp is {stamp:?}",
                    letter(host),
                    machine.memory.used[0]
                ),
            );
        }
        if machine.copies.handed && self.machines[other].copies.only {
            return broken("S3", format!("{} takes over without what {} wrote", letter(host), letter(other)));
        }
        self.machines[host].copies.only = true;
        if let Some(pull) = &mut self.machines[other].copies.pull {
            pull.ran = true;
        }
        Ok(())
    }
}
