//! What somebody changes in the files of a node between two of its lives.

use crate::host::Host;
use crate::queue::Due;
use crate::world::World;
use hb_core::Command;
use hb_core::Config;
use hb_core::auth::{Key, Keyring, Method};
use hb_core::config::GroupConfig;

/// One change, and the way back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edit {
    /// A resource is put in front of a group, so its name is another one.
    Front(usize),
    /// The line of a group changes behind its first resource.
    Line(usize),
    /// The first resource of a group is spelled otherwise.
    Rename(usize),
    /// The last group is taken out; or, on the way back, added.
    Drop,
    /// All times are twice as long.
    Times,
    /// Another secret.
    Secret,
    /// The other node has another name, in the files of both.
    Name,
}

impl Edit {
    pub(crate) fn of(amount: u64, groups: usize) -> Self {
        let group = (amount / 16) as usize % groups.max(1);
        match amount % 16 {
            0..=2 => Self::Front(group),
            3..=4 => Self::Line(group),
            5..=6 => Self::Rename(group),
            7..=8 => Self::Drop,
            9..=10 => Self::Times,
            11..=14 => Self::Secret,
            _ => Self::Name,
        }
    }
}

impl World {
    /// Change the files of `host`, and start its daemon anew for it: in order, or by a kill.
    pub(crate) fn edit(&mut self, host: usize, amount: u64, back: bool) {
        let edit = Edit::of(amount, self.client.len());
        let both = edit == Edit::Name;
        for h in (0..2).filter(|h| both || *h == host) {
            self.hosts[h].edits.push((edit, back));
            if amount.is_multiple_of(3) {
                self.kill(h);
            } else {
                let _ = self.command(h, Command::Stop);
            }
            let keepalive = self.hosts[h].config.timing.keepalive;
            let boots = self.hosts[h].boots;
            for wait in [5, 40] {
                self.after(keepalive.times(wait), Due::Boot { host: h as u8, boots });
            }
        }
    }

    /// A daemon begins: the files are as they were left.
    pub(crate) fn apply_edit(&mut self, host: usize) {
        for (edit, back) in std::mem::take(&mut self.hosts[host].edits) {
            self.hosts[host].change(edit, back);
        }
        self.watch_holds(host);
    }
}

impl Host {
    fn change(&mut self, edit: Edit, back: bool) {
        let whole = self.whole.take().unwrap_or_else(|| Box::new(Whole::of(self)));
        match edit {
            Edit::Front(service) | Edit::Line(service) | Edit::Rename(service) => {
                let Some(at) = self.lists(service) else { return self.keep(whole) };
                let was = whole.config.groups[at];
                let group = &mut self.config.groups[at];
                let (more, fewer) = (group.resources <= was.resources, group.resources > was.resources);
                if back {
                    (group.name_hash, group.digest, group.resources) =
                        (was.name_hash, was.digest, was.resources);
                    if fewer {
                        self.scripts.running[at].remove(0);
                    }
                    return self.keep(whole);
                }
                let salt = at as u32 + self.config.side as u32 * 0x100;
                match edit {
                    Edit::Front(_) if more => {
                        (group.name_hash, group.digest) = (0x6000 + salt, 0x6000 + salt);
                        group.resources += 1;
                        self.scripts.running[at].insert(0, false);
                    }
                    Edit::Rename(_) => (group.name_hash, group.digest) = (0x7000 + salt, 0x7000 + salt),
                    _ => group.digest = 0x8000 + salt,
                }
            }
            Edit::Drop => self.drop_or_add(&whole, back),
            Edit::Times => {
                self.config.timing = whole.config.timing;
                self.config.timing_digest = whole.config.timing_digest;
                if !back {
                    self.config.timing.deadtime = whole.config.timing.deadtime.times(2);
                    self.config.timing.initdead = whole.config.timing.initdead.times(2);
                    self.config.timing_digest = 0x99;
                }
            }
            Edit::Secret => self.keys = if back { whole.keys.clone() } else { another_secret() },
            Edit::Name => self.config.cluster = whole.config.cluster ^ if back { 0 } else { 0x55 },
        }
        self.keep(whole);
    }

    fn keep(&mut self, whole: Box<Whole>) {
        self.whole = Some(whole);
    }

    /// The last line goes, where nothing of it runs; or comes back.
    fn drop_or_add(&mut self, whole: &Whole, back: bool) {
        let last = self.config.groups.len() - 1;
        if back {
            if let Some(group) = whole.config.groups.get(last + 1) {
                // Whether its scripts are there is no matter of the file; they may have been gone when it was first changed.
                let _ = self.config.groups.push(GroupConfig { claimable: true, ..*group });
                self.grow(group.resources);
                self.listed = whole.listed;
            }
        } else if last > 0 && !self.holds(last) {
            let _ = self.config.groups.pop();
            for listed in self.listed.iter_mut().filter(|listed| **listed == Some(last as u8)) {
                *listed = None;
            }
            self.shrink();
        }
    }
}

/// The files before the first change.
pub(crate) struct Whole {
    config: Config,
    keys: Keyring,
    listed: [Option<u8>; 8],
}

impl Whole {
    fn of(host: &Host) -> Self {
        Self { config: host.config.clone(), keys: host.keys.clone(), listed: host.listed }
    }
}

/// A ring that the peer does not have.
fn another_secret() -> Keyring {
    let sha1 = Key::new(Method::Sha1, b"another").expect("a good secret");
    Keyring::new(&[(1, sha1)], 1).expect("a good ring")
}
