//! S4: a node shows a group idle or failed only when nothing of it runs, and only after `status` said stopped of every
//! resource in this incarnation, since that resource's last start.
//!
//! A stop that answers non-zero is asked twice and then `status` is believed, and what `status` reports stopped at the
//! daemon's start is not stopped again (DESIGN §7 O1); so the proof is `status`, and the truth is the machine's. A script
//! that is not there at all cannot have started anything, and one that knows no `status` is taken at its `stop`'s word.

use super::{Verdict, breach};
use crate::note::Note;
use crate::plan::Plan;
use crate::world::World;
use hb_core::message::GroupState;
use hb_core::{Outcome, Verb};

pub(super) struct Proof {
    /// By host, group, resource.
    proven: [Vec<Vec<bool>>; 2],
}

impl Proof {
    pub(super) fn new(plan: &Plan) -> Self {
        let groups: Vec<Vec<bool>> =
            plan.setting.groups.iter().map(|(_, n)| vec![false; usize::from(*n)]).collect();
        Self { proven: [groups.clone(), groups] }
    }

    pub(super) fn check(&mut self, world: &World) -> Verdict {
        for note in &world.notes {
            match *note {
                Note::Daemon { host, .. } => self.proven[host].iter_mut().for_each(|group| group.fill(false)),
                Note::Called { host, group, resource, verb: Verb::Start } => {
                    self.proven[host][usize::from(group)][usize::from(resource)] = false;
                }
                Note::Ended {
                    host,
                    group,
                    resource,
                    verb: Verb::Status,
                    outcome: Outcome::Stopped | Outcome::Unclear | Outcome::NotRun,
                    known: true,
                }
                // What could not be run at all has started nothing.
                | Note::Ended { host, group, resource, verb: Verb::Start, outcome: Outcome::NotRun, known: true } => {
                    self.proven[host][usize::from(group)][usize::from(resource)] = true;
                }
                _ => {}
            }
        }
        for (host, h) in world.hosts.iter().enumerate() {
            for group in 0..world.client.len() {
                let Some(shown) = h.shown(group) else { continue };
                if !matches!(shown.state, GroupState::Idle | GroupState::Failed) {
                    continue;
                }
                if h.held_since(group).is_some() {
                    return breach(
                        "S4",
                        world,
                        format!("{host} shows group {group} {:?}, and it runs", shown.state),
                    );
                }
                if self.proven[host][group].contains(&false) {
                    let what = format!("{host} shows group {group} {:?} without a proof", shown.state);
                    return breach("S4", world, what);
                }
            }
        }
        Ok(())
    }
}
