//! S6: the watchdog is fed only in a step that sent a beat; and with `timeout + granularity + keepalive + drift <=
//! deadtime` a holder that froze never overlaps its successor for longer than `k keepalives`, when its last `k` beats
//! were lost.
//!
//! Its last feed came with a beat of time `t`, so it is reset by `t + timeout + granularity`. The newest beat that came
//! was sent at `t - k keepalives` at the earliest, and the successor starts no earlier than a deadtime after that.

use super::facts::Facts;
use super::{Verdict, breach};
use crate::note::Note;
use crate::open::Part;
use crate::world::World;
use hb_core::Instant;

pub(super) struct Frozen {
    /// By host: its watchdog was broken while it stood still.
    spoiled: [bool; 2],
    /// By host: since when it stands still.
    stands: [Option<Instant>; 2],
}

impl Frozen {
    pub(super) fn new() -> Self {
        Self { spoiled: [false; 2], stands: [None; 2] }
    }

    pub(super) fn check(&mut self, world: &World, facts: &Facts) -> Verdict {
        for note in &world.notes {
            if let Note::Fed { host, beat: false } = *note {
                return breach("S6", world, format!("{host} fed its watchdog without a beat"));
            }
        }
        for host in 0..2 {
            if Part::Thaw.on() {
                self.late(world, facts, host)?;
            }
            self.spoiled[host] =
                world.hosts[host].dog.broken || self.spoiled[host] && self.stands[host].is_some();
            if let Some(frozen) = facts.frozen_since[host] {
                self.frozen(world, facts, host, frozen)?;
            }
        }
        Ok(())
    }

    /// A step that comes so late that the machine might be reset by now feeds nothing, whatever came first in it.
    fn late(&mut self, world: &World, facts: &Facts, host: usize) -> Verdict {
        let stands = std::mem::replace(&mut self.stands[host], facts.frozen_since[host]);
        let (Some(since), None) = (stands, facts.frozen_since[host]) else { return Ok(()) };
        let s = &facts.plan.setting;
        let fed = world.notes.iter().any(|note| matches!(*note, Note::Fed { host: h, .. } if h == host));
        if fed && world.now.since(since) > s.slow(s.timing.keepalive.times(2)) {
            return breach("S6", world, format!("{host} feeds its watchdog in a step that came late"));
        }
        Ok(())
    }

    fn frozen(&self, world: &World, facts: &Facts, host: usize, frozen: Instant) -> Verdict {
        let s = &facts.plan.setting;
        let h = &world.hosts[host];
        let Some((timeout, granularity)) = s.dog else { return Ok(()) };
        let reset = timeout.plus(granularity);
        let covered = reset.plus(s.slow(s.timing.keepalive)) <= s.fast(s.timing.deadtime);
        let Some(glance) = h.node.as_ref().map(hb_core::Node::glance) else { return Ok(()) };
        if !covered || !h.dog.armed || self.spoiled[host] {
            return Ok(());
        }
        let heard =
            if world.heard_life[1 - host] == glance.incarnation { world.heard_seq[1 - host] } else { 0 };
        let lost = glance.seq.saturating_sub(heard);
        let bound = s.slow(s.timing.keepalive.times(u64::from(lost)));
        for group in 0..world.client.len() {
            let [Some(own), Some(other)] = [host, 1 - host].map(|h| world.hosts[h].serves_since(group))
            else {
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
