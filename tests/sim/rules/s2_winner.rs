//! S2: when a partition heals over two holders, the one with the highest epoch held at that instant goes on: it runs no
//! stop and no start, and there is no time without a holder, until a later reason or fault.
//!
//! The window: failback stays away for `quiet = deadtime` after the conflict, a move by ping scores needs
//! `deadping + 2 keepalives` of scores that both have seen, so none comes before `min` of the two. An unconfirmed
//! holder (DESIGN §7 O8) yields to any higher epoch, also of one that only starts: not judged here. Neither is one that is
//! sure of itself by now, and whose last beat that came over there was not: a starter there goes on by it.
//!
//! Where one node alone holds the group once each has heard the other, it goes on as well: a starter withdraws. It leaves
//! for a reason only, of its own (a monitor) or of O4, never because of a conflict. That counts from the beat on which shows
//! it as a holder: a starter that is up before it hears one is a holder too, and the higher epoch goes on.
//!
//! A claimant that still asks for the addresses (O2c), and counts the other machine as silent, may meet that one's answer
//! before its frames: it withdraws then, whatever the epochs are. Not for the answer of one that gives way to it itself, or
//! both would (O2c.12).

use super::facts::Facts;
use super::{Verdict, breach};
use crate::lan::{STRANGER, machine};
use crate::note::Note;
use crate::open::Part;
use crate::world::World;
use hb_core::message::GroupState;
use hb_core::{Cause, Duration, Event, Instant, PeerState, Verb};

/// How long an answer to who serves already is in doubt, before the second question: a keepalive, within these bounds.
const CONFIRM: (Duration, Duration) = (Duration::from_millis(40), Duration::from_millis(100));

/// The longest pause between two questions of who gives way.
const PAUSE: Duration = Duration::from_secs(1);
/// Answers of before arrive within this.
const IN_FLIGHT: Duration = Duration::from_millis(1);

#[derive(Clone, Copy)]
struct Watch {
    winner: usize,
    /// The other one held it too.
    contested: bool,
    /// The winner was restarting it in place.
    in_place: bool,
    since: Instant,
    until: Instant,
}

pub(super) struct Winner {
    watches: Vec<Option<Watch>>,
    was_clear: bool,
    had_heard: bool,
    /// By host, a bit for each service: its holder restarts it.
    in_place: [u8; 2],
    /// By group: each has heard the other, but not yet that its only holder is one.
    due: Vec<bool>,
    /// By host and group: since when it shows itself as a holder, and when it decided to be.
    held: [Vec<Instant>; 2],
    decided: [Vec<Instant>; 2],
    /// By host and service: since when it takes it down because another machine has the address.
    gives_way: [Vec<Option<Instant>>; 2],
    /// By host and group: when a question of it was answered last.
    answered: [Vec<Instant>; 2],
}

impl Winner {
    pub(super) fn new(groups: usize) -> Self {
        let times = || [vec![Instant::ZERO; groups], vec![Instant::ZERO; groups]];
        Self {
            watches: vec![None; groups],
            was_clear: false,
            had_heard: false,
            in_place: [0; 2],
            due: vec![false; groups],
            held: times(),
            decided: times(),
            gives_way: [vec![None; groups], vec![None; groups]],
            answered: times(),
        }
    }

    pub(super) fn check(&mut self, world: &World, facts: &Facts) -> Verdict {
        for note in &world.notes {
            match *note {
                Note::Said { host, event: Event::Group { group, from, to, cause, .. } } => {
                    let begins =
                        from == GroupState::Held && to == GroupState::Starting && cause == Cause::Monitor;
                    for service in world.hosts[host].services(usize::from(group.0)) {
                        let bit = 1 << service;
                        self.in_place[host] = self.in_place[host] & !bit | if begins { bit } else { 0 };
                        let way = to == GroupState::Stopping && cause == Cause::Conflict;
                        self.gives_way[host][service] = way.then_some(world.now);
                        match to {
                            GroupState::Held => self.held[host][service] = world.now,
                            GroupState::Starting if !begins => self.decided[host][service] = world.now,
                            _ => {}
                        }
                    }
                }
                Note::Asked { host, group } => {
                    if let Some(last) = self.answered[host].get_mut(usize::from(group)) {
                        *last = world.now;
                    }
                }
                _ => {}
            }
        }
        self.one_gives_way(world, facts)?;
        let healed = facts.clear_since.is_some() && !self.was_clear;
        self.was_clear = facts.clear_since.is_some();
        let heard = facts.clear_since.is_some_and(|since| facts.sent.iter().all(|sent| *sent >= since));
        let first_heard = heard && !self.had_heard;
        self.had_heard = heard;
        for group in 0..self.watches.len() {
            self.due[group] &= heard;
            self.due[group] |= first_heard && self.watches[group].is_none();
            if (healed || self.due[group]) && Facts::named_alike(world, group) {
                let watch = self.begin(world, facts, group);
                let alone = watch.filter(|w| !w.contested);
                // The other one has read that it holds.
                let shown = |w: Watch| facts.sent[1 - w.winner] >= self.held[w.winner][group];
                let later = alone.is_some_and(|w| !shown(w));
                self.watches[group] = watch.filter(|w| w.contested || heard && !later);
                self.due[group] &= later;
            }
            let Some(w) = self.watches[group] else { continue };
            let over = world.now > w.until || facts.changed > w.since || facts.clear_since.is_none();
            if over || self.taken(world, facts, w.winner, group) {
                self.watches[group] = None;
                continue;
            }
            let is = |host: usize, at: usize| world.hosts[host].lists(group) == Some(at);
            for note in &world.notes {
                let broken = match *note {
                    Note::Called { host, group: g, verb: Verb::Start | Verb::Stop, .. } => {
                        w.contested && !w.in_place && host == w.winner && is(host, usize::from(g))
                    }
                    Note::Holds { host, group: g, holds: false } => {
                        w.contested && !w.in_place && host == w.winner && is(host, g)
                    }
                    // A restart in place that fails is a reason of its own; a conflict is none.
                    Note::Said { host, event: Event::Group { group: g, cause: Cause::Conflict, .. } } => {
                        host == w.winner && is(host, usize::from(g.0))
                    }
                    Note::Said {
                        host,
                        event: Event::Group { group: g, from: GroupState::Held, cause, .. },
                    } => {
                        let reason = matches!(cause, Cause::Handover(_) | Cause::Monitor);
                        !reason && !w.in_place && host == w.winner && is(host, usize::from(g.0))
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

    /// Nobody ends a group for the answers of a machine that gives way, with its address down, whether frames pass or not: that
    /// one asks as often as a claim, and does not answer as long as it is answered (O2c.12). What it sent before may still
    /// arrive.
    fn one_gives_way(&self, world: &World, facts: &Facts) -> Verdict {
        let setting = &facts.plan.setting;
        let timing = &setting.timing;
        let quiet = setting.fast(timing.deadtime);
        let pace = setting.fast(timing.deadtime.minus(timing.warntime).divided(4).min(PAUSE));
        for note in &world.notes {
            let Note::Said { host, event: Event::AddressTaken { group, mac } } = *note else { continue };
            let other = 1 - host;
            for service in world.hosts[host].services(usize::from(group.0)) {
                let way = self.gives_way[other][service].map(|since| world.now.since(since));
                let early = way.is_some_and(|way| way > IN_FLIGHT && way < quiet);
                let heard = world.hosts[other]
                    .lists(service)
                    .and_then(|at| self.answered[other].get(at))
                    .is_some_and(|last| world.now.since(*last) < pace);
                if mac == machine(other) && early && heard && !world.hosts[other].has_address(service) {
                    let what = format!("group {service}: {host} gives way to {other}, which gives way to it");
                    return breach("S2", world, what);
                }
            }
        }
        Ok(())
    }

    /// A third machine answers for the address of what is put back in place (O2c): a reason of its own. So is the other
    /// machine's answer to a claimant that has not heard it yet.
    fn taken(&self, world: &World, facts: &Facts, host: usize, service: usize) -> bool {
        let silent =
            world.hosts[host].node.as_ref().is_some_and(|node| node.glance().peer == PeerState::Dead);
        let keepalive = facts.plan.setting.timing.keepalive;
        let confirm = keepalive.min(CONFIRM.1).max(CONFIRM.0);
        let asks = facts.plan.setting.slow(keepalive.times(2).plus(confirm.times(2)));
        let claims = silent
            && self.gives_way[1 - host][service].is_none()
            && world.answers(host, service)
            && world.now.since(self.decided[host][service]) <= asks;
        world.notes.iter().any(|note| match *note {
            Note::Said { host: h, event: Event::AddressTaken { group: g, mac } } => {
                let group = usize::from(g.0);
                h == host && world.hosts[h].lists(service) == Some(group) && (mac == STRANGER || claims)
            }
            _ => false,
        })
    }

    fn begin(&self, world: &World, facts: &Facts, group: usize) -> Option<Watch> {
        let mut epochs = [None; 2];
        let mut places = [false; 2];
        for (host, epoch) in epochs.iter_mut().enumerate() {
            let h = &world.hosts[host];
            let shown = h.view(group)?;
            let place = Part::InPlace.on() && self.in_place[host] >> group & 1 == 1;
            places[host] = place && shown.state == GroupState::Starting;
            if shown.state != GroupState::Held && !places[host] {
                continue;
            }
            let all = h.lists(group).is_some_and(|at| h.scripts.all(at));
            // A monitor that a bad script may move is a reason of its own.
            let moved = facts.plan.setting.monitor.is_some() && facts.plan.rough(host);
            let seen = world.hosts[1 - host].node.as_ref()?.glance().peer_unconfirmed;
            if seen || h.node.as_ref()?.glance().unconfirmed || (!all || moved) && !places[host] {
                return None;
            }
            *epoch = Some(shown.epoch);
        }
        // Of two holders the newer version gives way, whose epochs the other one cannot read.
        let winner = match (epochs, world.newer(0), world.newer(1)) {
            ([Some(_), Some(_)], true, _) => 1,
            ([Some(_), Some(_)], _, true) => 0,
            _ => usize::from(epochs[1] > epochs[0]),
        };
        epochs[winner]?;
        // To an older one that goes on starting, the newer gives way as to a holder.
        let starts = |h: usize| world.hosts[h].view(group).is_some_and(|s| s.state == GroupState::Starting);
        if world.newer(winner) && starts(1 - winner) {
            return None;
        }
        let t = &facts.plan.setting.timing;
        let window = t.deadtime.min(t.deadping.plus(t.keepalive.times(2)));
        let until = world.now.plus(facts.plan.setting.fast(window));
        Some(Watch {
            winner,
            contested: epochs[1 - winner].is_some(),
            in_place: places[winner],
            since: world.now,
            until,
        })
    }
}
