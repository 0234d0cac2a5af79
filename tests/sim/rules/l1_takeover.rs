//! L1: a dead holder's groups run on the survivor within `deadtime + frame time + fence + persist + start`, where the
//! survivor is idle, able and not isolated, the peer was not stuck, and nothing else happens meanwhile.

use super::facts::Facts;
use super::{Verdict, bounds, breach};
use crate::note::Note;
use crate::world::World;
use hb_core::message::{GroupState, Phase};
use hb_core::{Instant, PeerState, Wait};

#[derive(Clone, Copy)]
struct Watch {
    since: Instant,
    until: Instant,
    survivor: usize,
}

pub(super) struct Takeover {
    watches: Vec<Option<Watch>>,
    /// Both had met, heard each other, and were not disturbed, as of the step before.
    clear: bool,
    /// By host and group: held, as of the step before.
    held: [Vec<bool>; 2],
}

impl Takeover {
    pub(super) fn new(groups: usize) -> Self {
        Self { watches: vec![None; groups], clear: false, held: [vec![false; groups], vec![false; groups]] }
    }

    pub(super) fn check(&mut self, world: &World, facts: &Facts) -> Verdict {
        let died = world.notes.iter().find_map(|note| match *note {
            Note::Daemon { host, lives: false } if world.hosts[host].exited.is_none() => Some(host),
            _ => None,
        });
        for group in 0..self.watches.len() {
            if let Some(dead) = died
                && self.clear
                && self.held[dead][group]
                && facts.shared(group)
            {
                self.watches[group] = Self::begin(world, facts, group, 1 - dead);
            }
            self.judge(world, facts, group)?;
            for host in 0..2 {
                self.held[host][group] =
                    world.hosts[host].shown(group).is_some_and(|s| s.state == GroupState::Held);
            }
        }
        self.clear = facts.clear_since.is_some();
        Ok(())
    }

    fn begin(world: &World, facts: &Facts, group: usize, survivor: usize) -> Option<Watch> {
        let h = &world.hosts[survivor];
        let glance = h.node.as_ref()?.glance();
        let fit = h.shown(group)?.state == GroupState::Idle
            && h.config.groups[group].claimable
            && h.scripts.honest()
            && h.runs()
            && !glance.isolated
            && glance.phase == Phase::Up
            && matches!(glance.peer, PeerState::Up | PeerState::Late)
            && h.reaches.iter().all(|r| *r)
            && (world.fence_works || facts.plan.setting.fence.is_none());
        let s = &facts.plan.setting;
        let bound = s
            .slow(s.deadtime())
            .plus(facts.frame_time[1 - survivor])
            .plus(bounds::fence(&facts.plan))
            .plus(bounds::persist(&facts.plan))
            .plus(bounds::data(&facts.plan))
            .plus(bounds::start(&facts.plan, survivor, group));
        fit.then(|| Watch { since: world.now, until: world.now.plus(bound), survivor })
    }

    fn judge(&mut self, world: &World, facts: &Facts, group: usize) -> Verdict {
        let Some(w) = self.watches[group] else { return Ok(()) };
        let disturbed = facts.disturbed > w.since || world.hosts[1 - w.survivor].node.is_some();
        // The stale directive does not allow it.
        let stale = matches!(world.hosts[w.survivor].shown(group), Some(s) if matches!(s.wait, Some(Wait::StaleCopy(_))));
        let serves = world.hosts[w.survivor].scripts.all(group);
        if disturbed || serves || stale {
            self.watches[group] = None;
        } else if world.now > w.until {
            let shown = world.hosts[w.survivor].shown(group);
            let what = format!(
                "group {group} does not run on {} since the death at {:?}: {shown:?}",
                w.survivor, w.since
            );
            return breach("L1", world, what);
        }
        Ok(())
    }
}
