//! S3: a handover never overlaps: the old holder's last script ended before the new one's first began.
//!
//! A node that starts because the right is its own, because the peer leaves, or while it counts the peer as alive has
//! been shown the group idle; so a tenure of the peer that began before the last frame which it took in was *sent* must
//! be over. A tenure that began later belongs to a peer that could not hear: two claims, not a handover.
//!
//! And while frames have passed both ways for `keepalive + frame times` and nothing else was changed, no overlap begins
//! at all.

use super::facts::Facts;
use super::{Verdict, breach};
use crate::note::Note;
use crate::world::World;
use hb_core::message::GroupState;
use hb_core::{Cause, Duration, Event, Instant, PeerState};

pub(super) struct Handover {
    /// By host and group: what the current claim knew: the sending time of the last frame of a peer that was alive.
    knew: [Vec<Option<Instant>>; 2],
}

impl Handover {
    pub(super) fn new(groups: usize) -> Self {
        Self { knew: [vec![None; groups], vec![None; groups]] }
    }

    pub(super) fn check(&mut self, world: &World, facts: &Facts) -> Verdict {
        for note in &world.notes {
            match *note {
                Note::Said { host, event: Event::Group { group, to: GroupState::Starting, cause, .. } } => {
                    // A restart in place is the holder's own.
                    let claims = cause != Cause::Monitor;
                    let alive = world.hosts[host]
                        .node
                        .as_ref()
                        .is_some_and(|n| matches!(n.glance().peer, PeerState::Up | PeerState::Late));
                    let shown = claims && (matches!(cause, Cause::Right | Cause::PeerLeaving) || alive);
                    self.knew[host][usize::from(group.0)] = shown.then(|| facts.sent[host]);
                }
                Note::Holds { host, group, holds: true } => {
                    for service in world.hosts[host].services(group) {
                        self.began(world, facts, host, group, service)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn began(&self, world: &World, facts: &Facts, host: usize, group: usize, service: usize) -> Verdict {
        let Some(other) = world.hosts[1 - host].serves_since(service) else { return Ok(()) };
        let stuck = world.hosts[1 - host].view(service).is_some_and(|s| s.state == GroupState::Stuck);
        if stuck {
            return Ok(());
        }
        if let Some(knew) = self.knew[host][group]
            && other < knew
        {
            return breach(
                "S3",
                world,
                format!(
                    "group {group}: {host} began though the other holds since {other:?}, seen alive at {knew:?}"
                ),
            );
        }
        let s = &facts.plan.setting;
        let frames = facts.frame_time[0].plus(facts.frame_time[1]);
        let bound: Duration = s.slow(s.timing.keepalive).plus(frames);
        match facts.clear_since {
            Some(since) if world.now.since(since.max(facts.changed)) > bound => {
                breach("S3", world, format!("group {group}: {host} began beside a holder with whom it talks"))
            }
            Some(_) | None => Ok(()),
        }
    }
}
