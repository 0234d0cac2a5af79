//! Votes (DESIGN §7 O9): who may hold a group when the two nodes do not hear each other.
//!
//! A node is a [`Member`]: it asks for votes, and it is a [`Voter`] for its peer and for itself. The witness is a [`Voter`]
//! alone. Both count on their own clocks; [`Terms`] has the arithmetic by which that is enough, and `docs/witness.md`
//! derives it.

mod clocks;
mod member;
mod terms;
mod voter;

pub use clocks::{Clocks, Exchange, Rate};
pub use member::{From, Held, Member, State};
pub use terms::Terms;
pub use voter::{Lease, Voter, Why};

use crate::ids::{Incarnation, Side};
use crate::time::Duration;

/// Who wants to hold, or holds: one life of one node, by one epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Tenure {
    /// The node.
    pub side: Side,
    /// Its life.
    pub life: Incarnation,
    /// The epoch of the claim.
    pub epoch: u32,
}

impl Tenure {
    /// Of the same life of the same node.
    #[must_use]
    pub fn is_of_life(&self, other: &Self) -> bool {
        (self.side, self.life) == (other.side, other.life)
    }
}

/// A beat of a node that wants a vote, for itself, new or once more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ask {
    /// For what.
    pub tenure: Tenure,
    /// Higher than that of every beat before in this life.
    pub number: u32,
    /// How long the vote counts; none at all gives it back.
    pub length: Duration,
    /// The start of the voter that the node heard last.
    pub heard: u32,
    /// The voter's own word of an earlier start, while it counts.
    pub token: Option<Vote>,
}

/// The voter's signed word: it backs this, by that beat.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vote {
    /// A number of the voter's start that no other start of it has.
    pub boot: u32,
    /// What it backs.
    pub tenure: Tenure,
    /// The beat that it answers.
    pub number: u32,
}
