//! S2: when a partition heals over two holders, the one with the highest epoch held at that instant goes on: it runs no
//! stop and no start, and there is no time without a holder, until a later reason or fault.
//!
//! The window: failback stays away for `quiet = deadtime` after the conflict, a move by ping scores needs
//! `deadping + 2 keepalives` of scores that both have seen, so none comes before `min` of the two. An unconfirmed
//! holder (DESIGN §7 O8) yields to any higher epoch, also of one that only starts: not judged here.

use super::facts::Facts;
use super::{Verdict, breach};
use crate::note::Note;
use crate::world::World;
use hb_core::message::GroupState;
use hb_core::{Instant, Verb};

#[derive(Clone, Copy)]
struct Watch {
    winner: usize,
    since: Instant,
    until: Instant,
}

pub(super) struct Winner {
    watches: Vec<Option<Watch>>,
    was_clear: bool,
}

impl Winner {
    pub(super) fn new(groups: usize) -> Self {
        Self { watches: vec![None; groups], was_clear: false }
    }

    pub(super) fn check(&mut self, world: &World, facts: &Facts) -> Verdict {
        let healed = facts.clear_since.is_some() && !self.was_clear;
        self.was_clear = facts.clear_since.is_some();
        for (group, watch) in self.watches.iter_mut().enumerate() {
            if healed && facts.shared(group) {
                *watch = Self::begin(world, facts, group);
            }
            let Some(w) = *watch else { continue };
            if world.now > w.until || facts.changed > w.since || facts.clear_since.is_none() {
                *watch = None;
                continue;
            }
            for note in &world.notes {
                let broken = match *note {
                    Note::Called { host, group: g, verb: Verb::Start | Verb::Stop, .. } => {
                        host == w.winner && usize::from(g) == group
                    }
                    Note::Holds { host, group: g, holds: false } => host == w.winner && g == group,
                    _ => false,
                };
                if broken {
                    let what = format!(
                        "group {group}: the highest epoch held, on {}, did not go on: {note:?}",
                        w.winner
                    );
                    return breach("S2", world, what);
                }
            }
        }
        Ok(())
    }

    fn begin(world: &World, facts: &Facts, group: usize) -> Option<Watch> {
        let mut epochs = [0; 2];
        for (host, epoch) in epochs.iter_mut().enumerate() {
            let h = &world.hosts[host];
            let shown = h.shown(group)?;
            let sure = !h.node.as_ref()?.glance().unconfirmed;
            if shown.state != GroupState::Held || !sure || !h.scripts.all(group) {
                return None;
            }
            // A monitor that a bad script may move is a reason of its own.
            if facts.plan.setting.monitor.is_some() && facts.plan.rough(host) {
                return None;
            }
            *epoch = shown.epoch;
        }
        let t = &facts.plan.setting.timing;
        let window = t.deadtime.min(t.deadping.plus(t.keepalive.times(2)));
        let until = world.now.plus(facts.plan.setting.fast(window));
        Some(Watch { winner: usize::from(epochs[1] > epochs[0]), since: world.now, until })
    }
}
