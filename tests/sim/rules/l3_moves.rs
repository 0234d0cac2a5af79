//! L3, at every step: no group moves more than once per fault or command. A move is a start that succeeds on the other
//! machine than the one before; a silence that a node takes for a death is a fault, and so is its end. What came before
//! a rest is answered: from a pair that has settled on, only what came after it counts.

use super::facts::Facts;
use super::{Verdict, breach};
use crate::note::Note;
use crate::world::World;
use hb_core::Event;
use hb_core::message::GroupState;

pub(super) struct Moves {
    holder: Vec<Option<usize>>,
    /// Since the last rest, or the begin.
    moves: Vec<u32>,
    /// Events before the last rest. The first start is the answer to the daemons' own beginning.
    answered: Option<u32>,
}

impl Moves {
    pub(super) fn new(groups: usize) -> Self {
        Self { holder: vec![None; groups], moves: vec![0; groups], answered: None }
    }

    pub(super) fn check(&mut self, world: &World, facts: &Facts, settled: bool) -> Verdict {
        if settled {
            self.moves.fill(0);
            self.answered = Some(facts.events);
        }
        for note in &world.notes {
            let Note::Said { host, event: Event::Group { group, to: GroupState::Held, .. } } = *note else {
                continue;
            };
            for group in world.hosts[host].services(usize::from(group.0)) {
                if self.holder[group].replace(host) != Some(host) {
                    self.moves[group] += 1;
                }
                let allowed = self.answered.map_or(facts.events + 1, |before| facts.events - before);
                if self.moves[group] > allowed {
                    let what =
                        format!("group {group} moved {} times, after {allowed} events", self.moves[group]);
                    return breach("L3", world, what);
                }
            }
        }
        Ok(())
    }
}
