//! S6: the watchdog is fed only in a step that sent a beat; and with `timeout + granularity + keepalive + drift <=
//! deadtime` a holder that froze never overlaps its successor for longer than `k keepalives`, when its last `k` beats
//! were lost.
//!
//! Its last feed came with a beat of time `t`, so it is reset by `t + timeout + granularity`. The newest beat that came
//! was sent at `t - k keepalives` at the earliest, and the successor starts no earlier than a deadtime after that.

use super::facts::Facts;
use super::{Verdict, breach};
use crate::fault::{Fault, Kind};
use crate::note::Note;
use crate::world::World;

pub(super) struct Frozen;

impl Frozen {
    pub(super) fn check(&self, world: &World, facts: &Facts) -> Verdict {
        for note in &world.notes {
            if let Note::Fed { host, beat: false } = *note {
                return breach("S6", world, format!("{host} fed its watchdog without a beat"));
            }
        }
        for host in 0..2 {
            if let Some(frozen) = facts.frozen_since[host] {
                self.frozen(world, facts, host, frozen)?;
            }
        }
        Ok(())
    }

    fn frozen(&self, world: &World, facts: &Facts, host: usize, frozen: hb_core::Instant) -> Verdict {
        let s = &facts.plan.setting;
        let h = &world.hosts[host];
        let Some((timeout, granularity)) = s.dog else { return Ok(()) };
        let reset = timeout.plus(granularity);
        let covered = reset.plus(s.slow(s.timing.keepalive)) <= s.fast(s.deadtime());
        let Some(glance) = h.node.as_ref().map(hb_core::Node::glance) else { return Ok(()) };
        let broken = |f: &Fault| f.kind == Kind::DogBroken && f.host == host;
        if !covered || !h.dog.armed || facts.plan.faults.iter().any(broken) {
            return Ok(());
        }
        let heard =
            if world.heard_life[1 - host] == glance.incarnation { world.heard_seq[1 - host] } else { 0 };
        let lost = glance.seq.saturating_sub(heard);
        let bound = s.slow(s.timing.keepalive.times(u64::from(lost)));
        for group in (0..world.client.len()).filter(|g| facts.shared(*g)) {
            let [Some(own), Some(other)] = [host, 1 - host].map(|h| world.hosts[h].held_since(group)) else {
                continue;
            };
            if own < other && other > frozen && world.now.since(other) > bound {
                return breach(
                    "S6",
                    world,
                    format!("group {group}: frozen {host} overlaps its successor, {lost} beats were lost"),
                );
            }
        }
        Ok(())
    }
}
