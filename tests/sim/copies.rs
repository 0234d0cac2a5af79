//! Data follows the role (DESIGN §9): pulls over the copies of the two machines, stamps on their disks, and services
//! that write while they run.

use crate::disk::{Disk, FILES, Files};
use crate::note::Note;
use crate::queue::Due;
use crate::world::World;
use hb_core::{Duration, GroupId, Input, Instant, Pulled, Stamp, Token};

/// From the kill of a pull to its report.
const KILL_TIME: Duration = Duration::from_millis(1);

/// A pull that runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pull {
    pub(crate) token: Token,
    pub(crate) life: u32,
    pub(crate) group: usize,
    source: Stamp,
    last: bool,
    keep: bool,
    /// When, and what the source listed then; `None` while a stamp is still being written.
    begun: Option<(Instant, Files)>,
}

impl World {
    /// The services that run write a file each.
    pub(crate) fn write_files(&mut self) {
        for group in 0..self.client.len() {
            for host in 0..2 {
                if self.hosts[host].scripts.all(group) && self.next_file < FILES {
                    self.hosts[host].disks[group].files.put(self.next_file);
                    self.next_file += 1;
                }
            }
        }
        self.after(self.write_pause, Due::Write);
    }

    /// The copy of a group, if its machine has one.
    fn disk(&self, host: usize, group: usize) -> Disk {
        self.hosts[host].disks.get(group).copied().unwrap_or_default()
    }

    /// Tell a daemon that begins what its disk says.
    pub(crate) fn tell_copies(&mut self, host: usize) {
        for group in 0..self.hosts[host].config.groups.len() {
            let h = &self.hosts[host];
            if h.config.groups[group].data.is_none() || h.node.is_none() {
                continue;
            }
            let disk = &h.disks[group];
            let (stamp, age) = (disk.stamp, disk.pulled.map(|at| self.now.since(at)));
            self.stamps_told[host][group] = self.stamps_told[host][group].max(stamp.epoch);
            self.input(host, Input::Copy { group: GroupId(group as u8), stamp, age });
        }
    }

    /// A pull is to begin.
    pub(crate) fn pull(
        &mut self,
        host: usize,
        group: GroupId,
        token: Token,
        source: Stamp,
        last: bool,
        keep: bool,
    ) {
        let at = usize::from(group.0);
        let life = self.hosts[host].life;
        self.hosts[host].pulls.push(Pull { token, life, group: at, source, last, keep, begun: None });
        self.begin_pulls(host);
    }

    /// Those that no write is in front of any more: the stamp says so before anything else does.
    fn begin_pulls(&mut self, host: usize) {
        for at in 0..self.hosts[host].pulls.len() {
            let Pull { token, life, group, last, keep, begun, .. } = self.hosts[host].pulls[at];
            let waits = self.hosts[host].stamps.iter().any(|(.., of, _)| usize::from(of.0) == group);
            if begun.is_some() || waits {
                continue;
            }
            let listed = self.disk(1 - host, group).files;
            self.hosts[host].pulls[at].begun = Some((self.now, listed));
            self.hosts[host].disks[group].stamp.partial = true;
            self.notes.push(Note::Pull { host, group: group as u8, last, keep });
            self.after(self.pull_time, Due::Pulled { host: host as u8, life, token, killed: false });
        }
    }

    /// A pull is killed; what it did so far stays.
    pub(crate) fn end_pull(&mut self, host: usize, token: Token) {
        let life = self.hosts[host].life;
        if self.hosts[host].pulls.iter().any(|p| p.token == token && p.life == life) {
            let due = Due::Pulled { host: host as u8, life, token, killed: true };
            self.after(KILL_TIME, due);
        }
    }

    /// A pull comes to its end: whole when its source was there all the time and is what it was expected to be.
    pub(crate) fn pulled(&mut self, host: usize, life: u32, token: Token, killed: bool) {
        let h = &mut self.hosts[host];
        let Some(at) = h.pulls.iter().position(|p| p.token == token && p.life == life) else { return };
        let pull = h.pulls.swap_remove(at);
        let Some((begun, listed)) = pull.begun else {
            if h.life == life && h.node.is_some() {
                self.input(host, Input::PullDone { token, outcome: Pulled::Cut { partial: false } });
            }
            return;
        };
        let there = self.hosts[1 - host].powered && self.pulls_work;
        let theirs = self.disk(1 - host, pull.group).stamp;
        let stamp = if there && !killed { theirs.arrived(&pull.source, pull.last) } else { None };
        let whole = there && !killed;
        let theirs = self.disk(1 - host, pull.group).all();
        let part = if whole { |all: &Files| *all } else { Files::half };
        let disk = &mut self.hosts[host].disks[pull.group];
        let (moved, lost) = disk.mirror(&listed, pull.keep && !self.careless_pulls, part);
        if let Some(stamp) = stamp {
            disk.stamp = stamp;
            disk.pulled = Some(begun);
        }
        let (group, left) = (pull.group, disk.all().and(&theirs));
        let gone = lost.less(&left).count();
        self.notes.push(Note::Pulled { host, group: group as u8, whole: stamp.is_some(), moved, gone });
        let outcome = match stamp {
            Some(stamp) => Pulled::Whole { stamp, moved },
            None => Pulled::Cut { partial: true },
        };
        if self.hosts[host].life == life && self.hosts[host].node.is_some() {
            let told = &mut self.stamps_told[host][group];
            *told = stamp.map_or(*told, |stamp| stamp.epoch.max(*told));
            self.input(host, Input::PullDone { token, outcome });
        }
    }

    /// The daemon or the machine died: its pulls are at their end where they are.
    pub(crate) fn break_pulls(&mut self, host: usize) {
        while let Some(pull) = self.hosts[host].pulls.first().copied() {
            self.pulled(host, pull.life, pull.token, true);
        }
    }

    /// A stamp is to be written.
    pub(crate) fn write_stamp(&mut self, host: usize, group: GroupId, token: Token, stamp: Stamp) {
        let h = &mut self.hosts[host];
        h.stamps.push_back((token, h.life, group, stamp));
        let (boots, life, time) = (h.boots, h.life, h.disk_time);
        if time < crate::act::NEVER {
            self.after(time, Due::Stamped { host: host as u8, boots, life, token });
        }
    }

    /// It is on the disk, and with it all before it.
    pub(crate) fn stamped(&mut self, host: usize, boots: u32, life: u32, token: Token) {
        let h = &mut self.hosts[host];
        let Some(at) = h.stamps.iter().position(|(t, l, ..)| (*t, *l) == (token, life)) else { return };
        if h.boots != boots {
            return;
        }
        for (_, _, group, stamp) in h.stamps.drain(..=at) {
            if let Some(disk) = h.disks.get_mut(usize::from(group.0)) {
                disk.stamp = stamp;
            }
        }
        let known = h.life == life && h.node.is_some();
        self.begin_pulls(host);
        if known {
            self.input(host, Input::StampWritten { token, ok: true });
        }
    }
}
