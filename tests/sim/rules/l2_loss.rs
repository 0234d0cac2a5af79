//! L2: when in each direction one frame is taken in within every `(deadtime - keepalive)(1 - drift) - jitter`, nothing
//! ever moves.
//!
//! Two things are asserted, each stronger than that. No node takes its peer for dead before a `deadtime (1 - drift)` of
//! its own running time has passed since it last took in a frame. And a pair that has settled runs no start and no stop
//! while only links are disturbed and every gap stays within the window.

use super::facts::Facts;
use super::{Verdict, breach};
use crate::host::Host;
use crate::note::Note;
use crate::world::World;
use hb_core::message::{GroupState, Phase};
use hb_core::{Duration, Event, Instant, Verb};

pub(super) struct Loss {
    /// Nothing but frames and feeds since then.
    quiet_since: Instant,
    settled: bool,
}

impl Loss {
    pub(super) fn new() -> Self {
        Self { quiet_since: Instant::ZERO, settled: false }
    }

    pub(super) fn settled(&self) -> bool {
        self.settled
    }

    pub(super) fn check(&mut self, world: &World, facts: &Facts) -> Verdict {
        let s = &facts.plan.setting;
        let jitter = s.links.iter().map(|l| l.jitter).max().unwrap_or_default();
        let window = s.fast(s.timing.deadtime.minus(s.timing.keepalive)).minus(jitter);
        let gap = (0..2).any(|host| world.now.since(facts.heard[host]) > window);
        for note in &world.notes {
            match *note {
                Note::Said { host, event: Event::PeerDead(_) } => Self::dead(world, facts, host)?,
                Note::Called { host, group, verb: Verb::Start | Verb::Stop, .. } => {
                    if self.settled && !gap && facts.changed <= self.quiet_since {
                        let what =
                            format!("{host} moves group {group} of a settled pair that hears each other");
                        return breach("L2", world, what);
                    }
                    self.disturb(world.now);
                }
                _ => {}
            }
        }
        if gap || facts.changed > self.quiet_since || !self.settled && !Self::at_rest(world, facts) {
            self.disturb(world.now);
        } else if !self.settled {
            let t = &s.timing;
            let calm = s.slow(s.deadtime().plus(t.deadping.times(2)).plus(t.keepalive.times(4)));
            // An operator's move waits for the end of a pull.
            let pull = s.data.map_or(Duration::ZERO, |(data, _)| s.slow(data.interval.plus(data.limit)));
            self.settled = world.now.since(self.quiet_since) > calm.plus(pull);
        }
        Ok(())
    }

    fn disturb(&mut self, now: Instant) {
        self.quiet_since = now;
        self.settled = false;
    }

    /// One holder per group, and nothing under way.
    fn at_rest(world: &World, facts: &Facts) -> bool {
        // A script that is slower than its limit is a reason for a monitor.
        let s = &facts.plan.setting;
        if s.monitor.is_some() && world.hosts.iter().any(|h| h.scripts.time >= s.limits.status) {
            return false;
        }
        // A failback that waits for the copy comes once a pull has ended.
        let waits = |group: usize| {
            let home = s.groups[group].0 as usize;
            world.hosts[home].view(group).is_some_and(|shown| shown.state != GroupState::Held)
        };
        if s.failback && s.data.is_some() && (0..world.client.len()).any(waits) {
            return false;
        }
        let up = |h: &Host| h.node.as_ref().is_some_and(|node| node.glance().phase == Phase::Up);
        if !world.hosts.iter().all(up) {
            return false;
        }
        let honest = world.hosts.iter().all(|h| h.scripts.honest() && h.calls.is_empty());
        honest
            && (0..world.client.len()).all(|group| {
                let whole = |h: &Host| {
                    h.lists(group).is_none_or(|at| {
                        h.shown(at).is_none_or(|s| s.state != GroupState::Held || h.scripts.all(at))
                    })
                };
                if !world.hosts.iter().all(whole) {
                    return false;
                }
                let states = [0, 1].map(|h: usize| {
                    let listed = world.hosts[h].lists(group).is_some();
                    if listed { world.hosts[h].view(group).map(|s| s.state) } else { Some(GroupState::Idle) }
                });
                matches!(
                    states,
                    [Some(GroupState::Held), Some(GroupState::Idle)]
                        | [Some(GroupState::Idle), Some(GroupState::Held)]
                )
            })
    }

    fn dead(world: &World, facts: &Facts, host: usize) -> Verdict {
        let s = &facts.plan.setting;
        let silence = world.now.since(facts.came[host]);
        let least: Duration = s.fast(s.timing.deadtime).plus(facts.frozen_since_heard(host));
        if silence < least {
            let what = format!("{host} takes its peer for dead after {silence:?}, at least {least:?}");
            return breach("L2", world, what);
        }
        Ok(())
    }
}
