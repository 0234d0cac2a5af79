//! S5: two nodes never use the same epoch; a node never uses one at or below the highest that its state file at its
//! start, its own tenures since, its data stamp, or its peer has shown it. There is no witness in a pair.
//!
//! The last epoch is the exception (DESIGN §7 O5): nothing is above it, so it is used again, by either node, on a death or
//! by hand; the node must say then that its epochs have come to their end, and gives nothing away for a better place. Who
//! goes on of two that hold it is S2's.
//!
//! What a peer shows must outlast the life that heard it: it is on its way to the disk in the step that took it in; or, after
//! a write that failed, within a second and a half of the node's own running time, which leaves out what it stood still.
//!
//! After the loss of all that it could reach it may, and is raised on first contact: that is asserted of a pair at rest
//! (`rest`), and that no copy is destroyed by comparing epochs across that event, by S7.

use super::{Verdict, breach};
use crate::note::Note;
use crate::world::World;
use hb_core::message::{GroupState, Reason};
use hb_core::{Cause, Duration, Event, Instant, Saved};

/// The last epochs of the two sides: above the lower one there is only the higher one, for both of them.
const LAST: [u32; 2] = [u32::MAX - 1, u32::MAX];

/// From a failed write to the end of the next one, in running time, with room for a clock that is slow.
const TRY_AGAIN: Duration = Duration::from_millis(1500);

/// Is every epoch that the peer showed in the state file of `host`, or in a write that was begun?
fn kept(world: &World, host: usize, failed: Option<Duration>) -> Verdict {
    let h = &world.hosts[host];
    // A disk that refuses keeps nothing; what failed is tried again within a second.
    if h.disk_fails || failed.is_some_and(|ago| ago < TRY_AGAIN) {
        return Ok(());
    }
    for (group, config) in h.config.groups.iter().enumerate() {
        let heard = world.epochs_heard[host][group];
        let has =
            |saved: &Saved| saved.epochs.iter().any(|(hash, e)| *hash == config.name_hash && *e >= heard);
        if heard > 0 && !has(&h.saved) && !h.writes.iter().any(|(_, _, saved)| has(saved)) {
            let what = format!("{host} has heard of epoch {heard} of group {group}, and does not keep it");
            return breach("S5", world, what);
        }
    }
    Ok(())
}

pub(super) struct Epochs {
    /// By host and group: every epoch that it used.
    used: [Vec<Vec<u32>>; 2],
    /// By host and group: the highest that the state file or an own tenure has shown in this life.
    floor: [Vec<u32>; 2],
    /// By host and group: the tenure's epoch as of the last step.
    last: [Vec<u32>; 2],
    /// By host and group: what its peer had shown it as of the step before.
    heard: [[u32; 8]; 2],
    /// By host: when its newest write failed, and how long it had stood still until then.
    failed: [Option<(Instant, Duration)>; 2],
    /// By host: how long it stood still in all, and since when it does.
    stood: [(Duration, Option<Instant>); 2],
}

impl Epochs {
    pub(super) fn new(groups: usize) -> Self {
        Self {
            used: [vec![Vec::new(); groups], vec![Vec::new(); groups]],
            floor: [vec![0; groups], vec![0; groups]],
            last: [vec![0; groups], vec![0; groups]],
            heard: [[0; 8]; 2],
            failed: [None; 2],
            stood: [(Duration::ZERO, None); 2],
        }
    }

    /// How long ago the newest write of `host` failed, without the time that it stood still.
    fn failed_ago(&mut self, world: &World, host: usize) -> Option<Duration> {
        for note in &world.notes {
            match *note {
                Note::Frozen { host: h, frozen } if h == host => {
                    let (stood, since) = self.stood[host];
                    let more = since.map_or(Duration::ZERO, |since| world.now.since(since));
                    self.stood[host] = (stood.plus(more), frozen.then_some(world.now));
                }
                Note::Daemon { host: h, .. } if h == host => self.stood[host].1 = None,
                _ => {}
            }
        }
        let (stood, at) = (self.stood[host].0, world.hosts[host].write_failed);
        if at != self.failed[host].map(|(at, _)| at) {
            self.failed[host] = at.map(|at| (at, stood));
        }
        self.failed[host].map(|(at, before)| world.now.since(at).minus(stood.minus(before)))
    }

    pub(super) fn check(&mut self, world: &World) -> Verdict {
        let failed = [0, 1].map(|host: usize| self.failed_ago(world, host));
        for note in &world.notes {
            match *note {
                Note::Daemon { host, lives: true } => self.new_life(world, host),
                Note::Heard { host, .. } => kept(world, host, failed[host])?,
                Note::Said {
                    host,
                    event:
                        Event::Group {
                            group,
                            from: GroupState::Held,
                            cause: Cause::Handover(Reason::Ping | Reason::Failback),
                            ..
                        },
                } if world.hosts[host].shown(usize::from(group.0)).is_some_and(|shown| shown.spent) => {
                    let what =
                        format!("{host} gives group {} away, and its epochs have come to their end", group.0);
                    return breach("S5", world, what);
                }
                _ => {}
            }
        }
        for host in 0..2 {
            for group in 0..world.hosts[host].shown.len() {
                let Some(shown) = world.hosts[host].shown(group) else { continue };
                if !matches!(shown.state, GroupState::Starting | GroupState::Held)
                    || shown.epoch == self.last[host][group]
                {
                    continue;
                }
                self.uses(world, host, group, shown.epoch)?;
            }
        }
        self.heard = world.epochs_heard;
        Ok(())
    }

    fn new_life(&mut self, world: &World, host: usize) {
        let h = &world.hosts[host];
        for (group, config) in h.config.groups.iter().enumerate() {
            let saved = h.saved.epochs.iter().find(|(hash, _)| *hash == config.name_hash);
            self.floor[host][group] = saved.map_or(0, |(_, epoch)| *epoch);
            self.last[host][group] = 0;
        }
    }

    fn uses(&mut self, world: &World, host: usize, group: usize, epoch: u32) -> Verdict {
        let floor = self.floor[host][group];
        // What was read behind the claim, of a queue that came in one step, was not known to it.
        let first = world.notes.iter().find_map(|note| match *note {
            Note::Heard { host: h, .. } if h == host => Some(true),
            Note::Said { host: h, event: Event::Group { group: g, to: GroupState::Starting, .. } } => {
                (h == host && usize::from(g.0) == group).then_some(false)
            }
            _ => None,
        });
        let heard = if first == Some(false) { self.heard } else { world.epochs_heard };
        let heard = heard[host][group];
        let stamp = world.stamps_told[host][group];
        let known = floor.max(heard).max(stamp);
        // Frames of a life that never answered tell of it as well, if the other node has used it.
        let told = known >= LAST[0] || self.used[1 - host][group].contains(&LAST[1]);
        if told && epoch == LAST[1] {
            let says = world.hosts[host].shown(group).is_some_and(|shown| shown.spent);
            self.last[host][group] = epoch;
            if says {
                return Ok(());
            }
            let what = format!("{host} uses the last epoch of group {group}, and does not say that it is");
            return breach("S5", world, what);
        }
        if epoch <= known {
            return breach(
                "S5",
                world,
                format!(
                    "{host} uses epoch {epoch} of group {group}, at or below {floor} (own), {heard} (peer's) or {stamp} (stamp's)"
                ),
            );
        }
        if self.used[1 - host][group].contains(&epoch) {
            return breach("S5", world, format!("both nodes used epoch {epoch} of group {group}"));
        }
        self.used[host][group].push(epoch);
        self.floor[host][group] = epoch;
        self.last[host][group] = epoch;
        Ok(())
    }
}
