//! S7: no file that exists on one disk only is ever destroyed; and S3's part of it: a handover between two nodes that
//! hear each other brings everything that the old holder wrote, or says that it did not.
//!
//! The copies are sets of files. A pull destroys what its source had not listed, unless it moves it aside; what is
//! destroyed must exist on the other disk, or aside, in that instant.

use super::facts::Facts;
use super::{Verdict, breach};
use crate::disk::Disk;
use crate::note::Note;
use crate::world::World;
use hb_core::message::GroupState;
use hb_core::{Cause, Event, Instant};

pub(super) struct SavedFiles {
    /// By host and group: when it began to hand the group over.
    handed: [Vec<Option<Instant>>; 2],
    /// By host and group: the current claim is the other half of such a handover.
    ordered: [Vec<bool>; 2],
}

impl SavedFiles {
    pub(super) fn new(groups: usize) -> Self {
        Self {
            handed: [vec![None; groups], vec![None; groups]],
            ordered: [vec![false; groups], vec![false; groups]],
        }
    }

    fn files(world: &World, host: usize, group: usize) -> Disk {
        world.hosts[host].disks.get(group).copied().unwrap_or_default()
    }

    pub(super) fn check(&mut self, world: &World, facts: &Facts) -> Verdict {
        if facts.plan.setting.data.is_none() {
            return Ok(());
        }
        for note in &world.notes {
            match *note {
                Note::Pulled { host, group, gone, .. } if gone > 0 => {
                    let what = format!(
                        "a pull of {host} destroyed {gone} files of group {group} that no other disk has"
                    );
                    return breach("S7", world, what);
                }
                Note::Said { host, event: Event::Group { group, to: GroupState::Starting, cause, .. } } => {
                    let group = usize::from(group.0);
                    let calm = |since| {
                        facts.changed <= since && facts.clear_since.is_some_and(|clear| clear <= since)
                    };
                    let handed = self.handed[1 - host][group].take().is_some_and(calm);
                    self.ordered[host][group] = handed && cause == Cause::Right;
                }
                Note::Said {
                    host,
                    event: Event::Group { group, from: GroupState::Held, cause: Cause::Handover(_), .. },
                } => self.handed[host][usize::from(group.0)] = Some(world.now),
                // It says that it starts without what the peer wrote, and why.
                Note::Said { host, event: Event::StartsBehind(group) | Event::StaleAccepted(group, _) } => {
                    self.ordered[host][usize::from(group.0)] = false;
                }
                Note::Holds { host, group, holds: true } if self.ordered[host][group] => {
                    self.ordered[host][group] = false;
                    let lacks = Self::files(world, 1 - host, group)
                        .files
                        .less(&Self::files(world, host, group).all());
                    if lacks.count() > 0 && facts.clear_since.is_some() {
                        let what = format!(
                            "{host} starts group {group} without {} files of the old holder",
                            lacks.count()
                        );
                        return breach("S3", world, what);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}
