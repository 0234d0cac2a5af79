//! How another member's clock goes by this one's, out of exchanges whose delays nobody knows.
//!
//! This member says its time (`said`); the other one answers with that and with its own (`theirs`); the answer comes in at
//! `came`. So `theirs` was read between the two. Between an exchange and a later one this clock has gone by at least
//! `said' - came` and by at most `came' - said` while the other one went by `theirs' - theirs`: no assumption about the line.

use super::Terms;
use crate::time::{Duration, Instant};

/// What is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Rate {
    /// Nothing yet.
    #[default]
    Unknown,
    /// It was within the drift.
    Within,
    /// It was not, or that could not be shown for too long.
    Outside,
}

/// One question and its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exchange {
    /// This member's time when it spoke.
    pub said: Instant,
    /// The other one's when it answered.
    pub theirs: Instant,
    /// This member's when that came.
    pub came: Instant,
}

/// One other member's clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Clocks {
    since: Option<Exchange>,
    rate: Rate,
}

/// Over so long at least it is measured, for what a lost tick or two are would be too much of less.
const WINDOW: Duration = Duration::from_secs(8);
/// What could not be judged for so long is not known to be within.
const PATIENCE: Duration = Duration::from_secs(60);

impl Clocks {
    /// Nothing is known: another life of either.
    #[must_use]
    pub const fn new() -> Self {
        Self { since: None, rate: Rate::Unknown }
    }

    /// How it goes.
    #[must_use]
    pub const fn rate(&self) -> Rate {
        self.rate
    }

    /// An exchange ended (DESIGN §7 O9.10).
    pub fn note(&mut self, next: Exchange, terms: &Terms) -> Rate {
        let Some(since) = self.since else {
            self.since = Some(next);
            return self.rate;
        };
        let age = next.came.since(since.came);
        match judge(&since, &next, terms) {
            Some(false) => (self.rate, self.since) = (Rate::Outside, Some(next)),
            Some(true) if age >= WINDOW && age < PATIENCE => {
                (self.rate, self.since) = (Rate::Within, Some(next));
            }
            _ if age >= PATIENCE => {
                // An average over minutes hides what was in between.
                self.since = Some(next);
                self.rate = if self.rate == Rate::Unknown { Rate::Unknown } else { Rate::Outside };
            }
            _ => {}
        }
        self.rate
    }
}

/// Within the drift for sure, outside it for sure; `None`: the delays were too long to say.
fn judge(from: &Exchange, to: &Exchange, terms: &Terms) -> Option<bool> {
    let (least, most) = (to.said.since(from.came), to.came.since(from.said));
    // Two readings of the other clock, each late by less than half a frame's time.
    let theirs = to.theirs.since(from.theirs);
    let (slow, fast) = (theirs.minus(terms.frame), theirs.plus(terms.frame));
    if most <= terms.stretched(slow) && fast <= terms.stretched(least) {
        Some(true)
    } else if least > terms.stretched(fast) || slow > terms.stretched(most) {
        Some(false)
    } else {
        None
    }
}
