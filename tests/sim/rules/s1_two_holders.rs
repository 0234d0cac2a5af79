//! S1: from the instant that frames pass both ways and both incarnations have met, two holders last at most
//! `keepalive + frame times + stop`.
//!
//! `stop` is the stop limit, as `bounds::stop` spells it out. A watchdog does not shorten it: a node that stops in order
//! is fed. It bounds what is excluded here, a stop that is stuck: S1b, `timeout + granularity` after the last feed.

use super::facts::Facts;
use super::{Verdict, bounds, breach};
use crate::world::World;
use hb_core::message::GroupState;

pub(super) struct TwoHolders;

impl TwoHolders {
    pub(super) fn check(&self, world: &World, facts: &Facts) -> Verdict {
        for group in 0..world.client.len() {
            let [Some(a), Some(b)] = [0, 1].map(|h: usize| world.hosts[h].held_since(group)) else {
                continue;
            };
            let Some(clear) = facts.clear_since else { continue };
            let states = [0, 1].map(|h: usize| world.hosts[h].shown(group).map(|s| s.state));
            if !facts.shared(group) || states.contains(&Some(GroupState::Stuck)) {
                continue;
            }
            let plan = &facts.plan;
            let since = a.max(b).max(clear).max(facts.changed);
            let stop = (0..2).map(|h| bounds::stop(plan, h, group).max(bounds::clean(plan, h, group))).max();
            let frames = facts.frame_time[0].plus(facts.frame_time[1]);
            let bound =
                plan.setting.slow(plan.setting.timing.keepalive).plus(frames).plus(stop.unwrap_or_default());
            let lasted = world.now.since(since);
            if lasted > bound {
                return breach(
                    "S1",
                    world,
                    format!("group {group}: two holders for {lasted:?}, bound {bound:?}, shown {states:?}"),
                );
            }
        }
        Ok(())
    }
}
