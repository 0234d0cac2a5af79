//! S1: from the instant that frames pass both ways and both incarnations have met, two holders last at most
//! `keepalive + frame times + stop`.
//!
//! `stop` is the stop limit, as `bounds::stop` spells it out; a joining node has its clean-up to do (`bounds::clean`). A
//! watchdog does not shorten it: a node that stops in order is fed.
//!
//! Excluded and reported: a stuck group, a daemon that is dead. Where a watchdog is armed they are bounded too, S1b: a
//! machine whose daemon is dead, or shows a stuck group whose reset is on its disk (O7), holds nothing after `timeout + granularity`.

use super::facts::Facts;
use super::{Verdict, bounds, breach};
use crate::fault::Kind;
use crate::note::Note;
use crate::open::Part;
use crate::world::World;
use hb_core::message::GroupState;
use hb_core::{Cause, Duration, Event, Instant};

/// Overlaps that lasted longer than the bound, by what excludes them from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Excluded {
    /// A stop failed or hung.
    pub stuck: bool,
    /// A daemon is dead, and what it started runs on.
    pub dead: bool,
}

pub(super) struct TwoHolders {
    pub(super) excluded: Excluded,
    /// By group: when it was last shown stuck.
    stuck: Vec<Instant>,
    /// By host: since when its watchdog is not fed any more.
    unfed: [Option<Instant>; 2],
}

impl TwoHolders {
    pub(super) fn new(facts: &Facts) -> Self {
        let stuck = vec![Instant::ZERO; facts.plan.setting.groups.len()];
        Self { excluded: Excluded::default(), stuck, unfed: [None; 2] }
    }

    pub(super) fn check(&mut self, world: &World, facts: &Facts) -> Verdict {
        for group in 0..world.client.len() {
            self.pair(world, facts, group)?;
        }
        if Part::OneWay.on() {
            Self::claims(world, facts)?;
        }
        (0..2).try_for_each(|host| self.reset(world, facts, host))
    }

    fn pair(&mut self, world: &World, facts: &Facts, group: usize) -> Verdict {
        let [Some(a), Some(b)] = [0, 1].map(|h: usize| world.hosts[h].serves_since(group)) else {
            return Ok(());
        };
        let plan = &facts.plan;
        let stop = (0..2).map(|h| bounds::stop(plan, h, group).max(bounds::clean(plan, h, group))).max();
        let frames = facts.frame_time[0].plus(facts.frame_time[1]);
        let bound: Duration =
            plan.setting.slow(plan.setting.timing.keepalive).plus(frames).plus(stop.unwrap_or_default());
        if world.hosts.iter().any(|h| h.node.is_none()) {
            self.excluded.dead |= world.now.since(a.max(b)) > bound;
            return Ok(());
        }
        let states = [0, 1].map(|h: usize| world.hosts[h].view(group).map(|s| s.state));
        if states.contains(&Some(GroupState::Stuck)) {
            self.stuck[group] = world.now;
            self.excluded.stuck |= world.now.since(a.max(b)) > bound;
            return Ok(());
        }
        self.one_way(world, facts, group, bound)?;
        let Some(clear) = facts.clear_since else { return Ok(()) };
        // An operator that clears what is stuck has it stopped once more.
        let lasted = world.now.since(a.max(b).max(clear).max(self.stuck[group]));
        if lasted <= bound {
            return Ok(());
        }
        let what = format!("group {group}: two holders for {lasted:?}, bound {bound:?}, shown {states:?}");
        breach("S1", world, what)
    }

    /// Frames pass one way: who hears a holder with a higher epoch stops, heard or not.
    fn one_way(&self, world: &World, facts: &Facts, group: usize, bound: Duration) -> Verdict {
        if !Part::OneWay.on() || !Facts::named_alike(world, group) {
            return Ok(());
        }
        for to in 0..2 {
            let Some(since) = facts.hears[to] else { continue };
            let (Some(theirs), Some(own)) = (world.hosts[1 - to].view(group), world.hosts[to].view(group))
            else {
                continue;
            };
            let held = theirs.state == GroupState::Held && own.state == GroupState::Held;
            // Of two versions the newer one stops, whatever the epochs are. Equal ones, the last there are, go by side (O5).
            let below = theirs.epoch < own.epoch || theirs.epoch == own.epoch && to == 0;
            let lower = !world.newer(to) && below;
            if !held || lower || world.newer(1 - to) {
                continue;
            }
            let began = [0, 1].map(|h: usize| world.hosts[h].serves_since(group).unwrap_or(world.now));
            let lasted = world.now.since(began[0].max(began[1]).max(since).max(self.stuck[group]));
            if lasted > bound {
                let what = format!("group {group}: {to} holds beside one that it hears, for {lasted:?}");
                return breach("S1", world, what);
            }
        }
        Ok(())
    }

    /// Nobody claims while the frames of a holder come, whoever was met; unless an operator or a fence has spoken.
    fn claims(world: &World, facts: &Facts) -> Verdict {
        for note in &world.notes {
            let Note::Said { host, event: Event::Group { group, from, to: GroupState::Starting, cause, .. } } =
                *note
            else {
                continue;
            };
            let claims = matches!(from, GroupState::Idle | GroupState::Failed) && cause != Cause::Monitor;
            let spoken = facts.plan.setting.fence.is_some()
                || facts.plan.faults.iter().any(|f| f.kind == Kind::ConfirmDown);
            if !claims || spoken || facts.frozen_since[1 - host].is_some() {
                continue;
            }
            let other = &world.hosts[1 - host];
            for service in world.hosts[host].services(usize::from(group.0)) {
                // Of a queue that came in one step the last frame counts: nothing was begun before it was read.
                let goes_on = world.hosts[host]
                    .view(service)
                    .is_some_and(|shown| matches!(shown.state, GroupState::Starting | GroupState::Held));
                let held =
                    goes_on && other.view(service).is_some_and(|shown| shown.state == GroupState::Held);
                let Some(since) = other.serves_since(service) else { continue };
                let s = &facts.plan.setting;
                let fresh = world.now.since(world.came[host]) <= s.slow(s.timing.keepalive.times(2));
                if held && fresh && since < world.came[host] && Facts::named_alike(world, service) {
                    let what = format!("{host} claims group {service} while the frames of its holder come");
                    return breach("S1", world, what);
                }
            }
        }
        Ok(())
    }

    /// S1b.
    fn reset(&mut self, world: &World, facts: &Facts, host: usize) -> Verdict {
        let h = &world.hosts[host];
        let Some((timeout, granularity)) = facts.plan.setting.dog else { return Ok(()) };
        let groups = 0..h.held_since.len();
        // Once the reset is on record; before that, and after the one reset of an episode, it is fed and says so.
        let unfed = |s: &hb_core::GroupStatus| s.state == GroupState::Stuck && !s.not_reset;
        let stuck = groups.clone().any(|g| h.shown(g).is_some_and(unfed));
        // A daemon that stands still is S6's.
        if !h.dog.armed || h.dog.broken || h.frozen || !(h.node.is_none() || stuck) {
            self.unfed[host] = None;
            return Ok(());
        }
        // Who opens the device of a daemon that died begins its time anew.
        let since = self.unfed[host].unwrap_or(world.now).max(h.dog.armed_at);
        self.unfed[host] = Some(since);
        let holds = groups.clone().any(|g| h.held_since(g).is_some());
        if holds && world.now.since(since) > timeout.plus(granularity) {
            let what = format!("{host} holds a group, and its watchdog was not fed since {since:?}");
            return breach("S1", world, what);
        }
        Ok(())
    }
}
