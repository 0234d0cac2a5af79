//! L1: a dead holder's groups run on the survivor within `silence + frame time + fence + own stalls + persist + scripts`:
//! `silence` is the deadtime, or `initdead` where it never met the peer.
//!
//! The clock runs while everything holds that the rule asks for: the other daemon is dead, the survivor runs, its scripts
//! work, its ping nodes answer, the fence works. A stall of its own, a fault or a command begins it anew; so does a
//! state that the rule excludes: failed, stuck, leaving, a peer that was stuck (bounded by its armed watchdog), a stale
//! copy that the directive does not take, a peer that was never met, seems to hold, and whose address answers (DESIGN §4).

use super::facts::Facts;
use super::{Verdict, bounds, breach};
use crate::fault::Kind;
use crate::world::World;
use hb_core::message::{GroupState, Phase};
use hb_core::{Duration, Instant, Wait};

/// The least pause between two ARP probes, and how long one takes.
const PROBE: Duration = Duration::from_millis(1050);

#[derive(Clone, Copy)]
struct Clock {
    since: Instant,
    bound: Duration,
}

pub(super) struct Takeover {
    /// By survivor and group.
    clocks: [Vec<Option<Clock>>; 2],
    /// By host and group: it was shown stuck.
    stuck: [Vec<bool>; 2],
    /// By host: its watchdog was armed when it showed anything stuck.
    armed: [bool; 2],
}

impl Takeover {
    pub(super) fn new(groups: usize) -> Self {
        Self {
            clocks: [vec![None; groups], vec![None; groups]],
            stuck: [vec![false; groups], vec![false; groups]],
            armed: [true; 2],
        }
    }

    pub(super) fn check(&mut self, world: &World, facts: &Facts) -> Verdict {
        for survivor in 0..2 {
            let h = &world.hosts[survivor];
            for group in 0..world.client.len() {
                if h.shown(group).is_some_and(|shown| shown.state == GroupState::Stuck) {
                    self.stuck[survivor][group] = true;
                    self.armed[survivor] &= h.dog.armed;
                }
                if world.hosts[1 - survivor].node.is_some() || !facts.shared(group) {
                    self.clocks[survivor][group] = None;
                } else {
                    self.judge(world, facts, survivor, group)?;
                }
            }
        }
        Ok(())
    }

    fn judge(&mut self, world: &World, facts: &Facts, survivor: usize, group: usize) -> Verdict {
        let clock = self.clocks[survivor][group].filter(|clock| clock.since >= facts.acted);
        if !self.applies(world, facts, survivor, group) {
            self.clocks[survivor][group] = None;
            return Ok(());
        }
        let clock = clock
            .unwrap_or_else(|| Clock { since: world.now, bound: self.bound(world, facts, survivor, group) });
        self.clocks[survivor][group] = Some(clock);
        let waited = world.now.since(clock.since);
        if waited <= clock.bound {
            return Ok(());
        }
        let shown = world.hosts[survivor].shown(group);
        let what = format!(
            "group {group} does not run on {survivor} {waited:?} after the death, bound {:?}: {shown:?}",
            clock.bound
        );
        breach("L1", world, what)
    }

    fn applies(&self, world: &World, facts: &Facts, survivor: usize, group: usize) -> bool {
        let h = &world.hosts[survivor];
        let (Some(node), Some(shown)) = (h.node.as_ref(), h.shown(group)) else { return false };
        let glance = node.glance();
        let waits = match shown.wait {
            Some(Wait::StaleCopy(_)) => true,
            // Proven off by its watchdog, `timeout + deadtime` after its last beat; else nothing but a boot or a word ends it.
            Some(Wait::PeerStuck) => self.stuck[1 - survivor][group] && !self.armed[1 - survivor],
            Some(Wait::OneWay) => {
                glance.met.is_none() && (0..world.client.len()).any(|g| world.hosts[1 - survivor].holds(g))
            }
            _ => false,
        };
        let fit =
            !matches!(shown.state, GroupState::Failed | GroupState::Stuck) && glance.phase != Phase::Leaving;
        let serves = h.scripts.all(group) && shown.state == GroupState::Held;
        let able = h.runs() && h.backlog.is_empty() && h.scripts.honest() && h.claimable[group];
        let fence = world.fence_works || facts.plan.setting.fence.is_none();
        fit && able && fence && !serves && !waits && h.reaches.iter().all(|reached| *reached)
    }

    fn bound(&self, world: &World, facts: &Facts, survivor: usize, group: usize) -> Duration {
        let plan = &facts.plan;
        let s = &plan.setting;
        let h = &world.hosts[survivor];
        let glance = h.node.as_ref().map(hb_core::Node::glance);
        let met = glance.as_ref().is_some_and(|glance| glance.met.is_some());
        let silence = if met { s.deadtime() } else { s.initdead().max(s.deadtime()) };
        let frame = world.wires.iter().map(|wire| wire.frame_time(1 - survivor, s.frame_bytes())).max();
        let idle = h.shown(group).is_some_and(|shown| shown.state == GroupState::Idle);
        let ready = idle && glance.is_some_and(|glance| glance.phase == Phase::Up);
        // What runs when the clock begins comes to its end first.
        let clean = if ready {
            Duration::ZERO
        } else {
            bounds::clean(plan, survivor, group).plus(s.slow(s.timing.keepalive))
        };
        let isolated = if s.pings > 0 { s.slow(s.timing.keepalive.times(4)) } else { Duration::ZERO };
        let failed = s.fence.is_some() && plan.faults.iter().any(|f| f.kind == Kind::FenceFails);
        let again = if failed { bounds::fence(plan).plus(bounds::FENCE_RETRY) } else { Duration::ZERO };
        let probes = if met { Duration::ZERO } else { s.slow(s.deadtime()).plus(PROBE) };
        let reset = if self.stuck[1 - survivor][group] {
            s.dog.map_or(Duration::ZERO, |(timeout, _)| timeout)
        } else {
            Duration::ZERO
        };
        s.slow(silence.plus(reset))
            .plus(frame.unwrap_or_default())
            .plus(bounds::fence(plan))
            .plus(again)
            .plus(probes)
            .plus(isolated)
            .plus(bounds::persist(plan))
            .plus(bounds::data(plan))
            .plus(clean)
            .plus(bounds::start(plan, survivor, group))
    }
}
