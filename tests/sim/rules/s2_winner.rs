//! S2: when a partition heals over two holders, the one with the highest epoch held at that instant goes on: it runs no
//! stop and no start, and there is no time without a holder, until a later reason or fault.
//!
//! The window: failback stays away for `quiet = deadtime` after the conflict, a move by ping scores needs
//! `deadping + 2 keepalives` of scores that both have seen, so none comes before `min` of the two. An unconfirmed
//! holder (DESIGN §7 O8) yields to any higher epoch, also of one that only starts: not judged here. Neither is one that is
//! sure of itself by now, and whose last beat that came over there was not: a starter there goes on by it.
//!
//! Where one node alone holds the group once each has heard the other, it goes on as well: a starter withdraws. It leaves
//! for a reason only, of its own (a monitor) or of O4, never because of a conflict.

use super::facts::Facts;
use super::{Verdict, breach};
use crate::note::Note;
use crate::world::World;
use hb_core::message::GroupState;
use hb_core::{Cause, Event, Instant, Verb};

#[derive(Clone, Copy)]
struct Watch {
    winner: usize,
    /// The other one held it too.
    contested: bool,
    since: Instant,
    until: Instant,
}

pub(super) struct Winner {
    watches: Vec<Option<Watch>>,
    was_clear: bool,
    had_heard: bool,
}

impl Winner {
    pub(super) fn new(groups: usize) -> Self {
        Self { watches: vec![None; groups], was_clear: false, had_heard: false }
    }

    pub(super) fn check(&mut self, world: &World, facts: &Facts) -> Verdict {
        let healed = facts.clear_since.is_some() && !self.was_clear;
        self.was_clear = facts.clear_since.is_some();
        let heard = facts.clear_since.is_some_and(|since| facts.sent.iter().all(|sent| *sent >= since));
        let first_heard = heard && !self.had_heard;
        self.had_heard = heard;
        for (group, watch) in self.watches.iter_mut().enumerate() {
            if (healed || first_heard && watch.is_none()) && facts.shared(group) {
                *watch = Self::begin(world, facts, group).filter(|w| w.contested || first_heard);
            }
            let Some(w) = *watch else { continue };
            if world.now > w.until || facts.changed > w.since || facts.clear_since.is_none() {
                *watch = None;
                continue;
            }
            for note in &world.notes {
                let broken = match *note {
                    Note::Called { host, group: g, verb: Verb::Start | Verb::Stop, .. } => {
                        w.contested && host == w.winner && usize::from(g) == group
                    }
                    Note::Holds { host, group: g, holds: false } => {
                        w.contested && host == w.winner && g == group
                    }
                    Note::Said {
                        host,
                        event: Event::Group { group: g, from: GroupState::Held, cause, .. },
                    } => {
                        let reason = matches!(cause, Cause::Handover(_) | Cause::Monitor);
                        !reason && host == w.winner && usize::from(g.0) == group
                    }
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
        let mut epochs = [None; 2];
        for (host, epoch) in epochs.iter_mut().enumerate() {
            let h = &world.hosts[host];
            let shown = h.shown(group)?;
            if shown.state != GroupState::Held {
                continue;
            }
            // A monitor that a bad script may move is a reason of its own.
            let moved = facts.plan.setting.monitor.is_some() && facts.plan.rough(host);
            let seen = world.hosts[1 - host].node.as_ref()?.glance().peer_unconfirmed;
            if seen || h.node.as_ref()?.glance().unconfirmed || !h.scripts.all(group) || moved {
                return None;
            }
            *epoch = Some(shown.epoch);
        }
        let winner = usize::from(epochs[1] > epochs[0]);
        epochs[winner]?;
        let t = &facts.plan.setting.timing;
        let window = t.deadtime.min(t.deadping.plus(t.keepalive.times(2)));
        let until = world.now.plus(facts.plan.setting.fast(window));
        Some(Watch { winner, contested: epochs[1 - winner].is_some(), since: world.now, until })
    }
}
