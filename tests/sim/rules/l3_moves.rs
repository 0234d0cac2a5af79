//! L3, at every step: no group moves more than once per fault or command. A move is a start that succeeds on the other
//! machine than the one before; a silence that a node takes for a death is a fault, and so is its end.

use super::facts::Facts;
use super::{Verdict, breach};
use crate::note::Note;
use crate::world::World;
use hb_core::Event;
use hb_core::message::GroupState;

pub(super) struct Moves {
    holder: Vec<Option<usize>>,
    moves: Vec<u32>,
}

impl Moves {
    pub(super) fn new(groups: usize) -> Self {
        Self { holder: vec![None; groups], moves: vec![0; groups] }
    }

    pub(super) fn check(&mut self, world: &World, facts: &Facts) -> Verdict {
        for note in &world.notes {
            let Note::Said { host, event: Event::Group { group, to: GroupState::Held, .. } } = *note else {
                continue;
            };
            let group = usize::from(group.0);
            if self.holder[group].replace(host) != Some(host) {
                self.moves[group] += 1;
            }
            // The first start is the answer to the daemons' own beginning.
            let allowed = facts.events + 1;
            if self.moves[group] > allowed && facts.shared(group) {
                let what =
                    format!("group {group} moved {} times, after {} events", self.moves[group], facts.events);
                return breach("L3", world, what);
            }
        }
        Ok(())
    }
}
