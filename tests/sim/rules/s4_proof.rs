//! S4: a node shows a group idle or failed only when nothing of it runs, and only after `stop` answered 0 *and* `status`
//! said stopped of every resource in this incarnation, since that resource's last start ended.
//!
//! What stands in for the answer 0 (DESIGN §7 O1, §5): `status` reported stopped at the daemon's start, so that nothing
//! was to be stopped; a `stop` that answered non-zero was asked again, and `status` said stopped (old scripts are not
//! LSB). What stands in for *stopped* of a script that knows no `status`: its `stop` answered 0. Silence excuses no `stop`
//! that said no, and a script that is not there proves nothing, except where this machine has not started the group in
//! this boot, or has proven it stopped and not started it since: the rule keeps that record itself, from what really was
//! called.
//!
//! A claim that went on before its record was on the disk (DESIGN §8, *unproven*) is unknown to the next life, if this one
//! dies before the write ends; where that life's scripts are gone as well, no node can tell. That alone is left out, until
//! the machine has lost its power or the group was started again.

use super::{Verdict, breach};
use crate::note::Note;
use crate::plan::Plan;
use crate::world::World;
use hb_core::message::GroupState;
use hb_core::{Event, Outcome, Verb};

/// How far the proof of one resource has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Known {
    /// `start` was called in this incarnation, or `status` did not say stopped at first: a `stop` is needed.
    needs_stop: bool,
    /// The last `stop` answered 0.
    stopped: bool,
    /// How often `stop` answered non-zero.
    refused: u8,
    /// Everything of the rule was seen.
    proven: bool,
    /// In this boot, by any life: `start` was called, or it was seen running, and not proven stopped since.
    started: bool,
}

impl Known {
    fn status(&mut self, outcome: Outcome, claimable: bool, started: bool) {
        let absent = outcome == Outcome::NotRun && !claimable && !self.needs_stop && !started;
        let asked = self.stopped || self.refused >= 2;
        match outcome {
            Outcome::Stopped => self.proven |= !self.needs_stop || asked,
            Outcome::NotRun => self.proven |= absent,
            Outcome::Unclear if self.stopped || (self.refused >= 2 && !started) => self.proven = true,
            Outcome::Running | Outcome::Partly => {
                (self.needs_stop, self.stopped, self.proven) = (true, false, false);
                self.started = true;
            }
            Outcome::Ok | Outcome::Failed(_) | Outcome::Unclear | Outcome::Killed => {
                self.needs_stop |= !self.proven;
            }
        }
        self.started &= !self.proven;
    }

    fn stop(&mut self, outcome: Outcome) {
        if outcome == Outcome::NotRun {
            return;
        }
        self.stopped = outcome == Outcome::Ok;
        self.refused = self.refused.saturating_add(u8::from(matches!(outcome, Outcome::Failed(_))));
    }
}

pub(super) struct Proof {
    /// By host, group, resource.
    known: [Vec<Vec<Known>>; 2],
    /// By host, a bit for each group: it was claimed *unproven*, and no write has ended since.
    unproven: [u8; 2],
    /// That was so when the life before ended.
    unknown: [u8; 2],
}

impl Proof {
    pub(super) fn new(plan: &Plan) -> Self {
        let groups: Vec<Vec<Known>> =
            plan.setting.groups.iter().map(|(_, n)| vec![Known::default(); usize::from(*n)]).collect();
        Self { known: [groups.clone(), groups], unproven: [0; 2], unknown: [0; 2] }
    }

    fn of(&mut self, host: usize, group: u8, resource: u8) -> &mut Known {
        let known = &mut self.known[host];
        // A file that was changed may have more of both.
        known.resize(known.len().max(usize::from(group) + 1), Vec::new());
        let group = &mut known[usize::from(group)];
        group.resize(group.len().max(usize::from(resource) + 1), Known::default());
        &mut group[usize::from(resource)]
    }

    pub(super) fn check(&mut self, world: &World) -> Verdict {
        for note in &world.notes {
            match *note {
                Note::Said { host, event: Event::Unproven(group) } => self.unproven[host] |= 1 << group.0,
                Note::Persisted { host, .. } => self.unproven[host] = 0,
                Note::Daemon { host, lives } => {
                    if lives {
                        self.unknown[host] |= self.unproven[host];
                    }
                    let groups = &world.hosts[host].config.groups;
                    self.known[host].resize(groups.len(), Vec::new());
                    for (known, group) in self.known[host].iter_mut().zip(groups) {
                        known.resize(usize::from(group.resources), Known::default());
                        for known in known {
                            *known = Known { started: known.started, ..Known::default() };
                        }
                    }
                }
                Note::Power { host, .. } => {
                    (self.unproven[host], self.unknown[host]) = (0, 0);
                    self.known[host].iter_mut().for_each(|group| group.fill(Known::default()));
                }
                Note::Called { host, group, resource, verb: Verb::Start } => {
                    self.unknown[host] &= !(1 << group);
                    *self.of(host, group, resource) =
                        Known { needs_stop: true, started: true, ..Known::default() };
                }
                Note::Ended { host, group, resource, verb, outcome, known: true } => {
                    let claimable = world.hosts[host].claimable.get(usize::from(group)).is_none_or(|c| *c);
                    self.of(host, group, resource);
                    let started = self.known[host][usize::from(group)].iter().any(|known| known.started);
                    let known = self.of(host, group, resource);
                    match verb {
                        Verb::Status => known.status(outcome, claimable, started),
                        Verb::Stop => known.stop(outcome),
                        // What could not be run at all has started nothing.
                        Verb::Start if outcome == Outcome::NotRun => {
                            (known.proven, known.started) = (true, false);
                        }
                        // What it did last counts.
                        Verb::Start => {
                            *known = Known { needs_stop: true, started: true, ..Known::default() };
                        }
                    }
                }
                _ => {}
            }
        }
        for (host, h) in world.hosts.iter().enumerate() {
            for group in 0..h.shown.len() {
                let Some(shown) = h.shown(group) else { continue };
                let unknown = self.unknown[host] >> group & 1 == 1;
                if unknown || !matches!(shown.state, GroupState::Idle | GroupState::Failed) {
                    continue;
                }
                if h.held_since(group).is_some() {
                    return breach(
                        "S4",
                        world,
                        format!("{host} shows group {group} {:?}, and it runs", shown.state),
                    );
                }
                if self.known[host][group].iter().any(|known| !known.proven) {
                    let what = format!("{host} shows group {group} {:?} without a proof", shown.state);
                    return breach("S4", world, what);
                }
            }
        }
        Ok(())
    }
}
