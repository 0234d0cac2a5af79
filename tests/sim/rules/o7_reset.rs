//! O7, the part of the watchdog: a group that is stuck resets its machine once per episode. While the node lets the
//! watchdog run out for a stuck group (it does not say that it feeds it all the same), the record of that is on its disk;
//! and it never does so in a life that found the record there, until the group was proven stopped or cleared.

use super::{Verdict, breach};
use crate::note::Note;
use crate::world::World;
use hb_core::message::GroupState;

pub(super) struct Resets {
    /// By host and group: this life found that an earlier one was reset for the group.
    spent: [Vec<bool>; 2],
}

impl Resets {
    pub(super) fn new(groups: usize) -> Self {
        Self { spent: [vec![false; groups], vec![false; groups]] }
    }

    pub(super) fn check(&mut self, world: &World) -> Verdict {
        for note in &world.notes {
            if let Note::Daemon { host, lives: true } = *note {
                // A file that was changed may have more groups.
                let groups = world.hosts[host].config.groups.len().max(self.spent[host].len());
                self.spent[host].resize(groups, false);
                for (group, spent) in self.spent[host].iter_mut().enumerate() {
                    *spent = on_record(world, host, group);
                }
            }
        }
        for (host, h) in world.hosts.iter().enumerate() {
            for group in 0..self.spent[host].len() {
                let Some(shown) = h.shown(group) else { continue };
                if shown.state != GroupState::Stuck {
                    self.spent[host][group] &= shown.state == GroupState::Unknown;
                    continue;
                }
                // What an earlier life armed is not this one's to feed, before it gets the device.
                if !h.dog.armed || h.dog.armed_at < h.born || shown.not_reset {
                    continue;
                }
                if !on_record(world, host, group) {
                    let what =
                        format!("{host} ends feeding for group {group}, and its disk does not know it");
                    return breach("O7", world, what);
                }
                if self.spent[host][group] {
                    let what = format!("{host} is reset again for group {group}, in the same episode");
                    return breach("O7", world, what);
                }
            }
        }
        Ok(())
    }
}

fn on_record(world: &World, host: usize, group: usize) -> bool {
    let h = &world.hosts[host];
    let Some(name) = h.config.groups.get(group).map(|group| group.name_hash) else { return false };
    h.saved.records.iter().any(|(hash, record)| *hash == name && record.reset)
}
