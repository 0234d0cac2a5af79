//! One voter, for one group: it backs one tenure at a time.
//!
//! ```text
//!            ask, within the rules                       ask by the same life
//!   free ─────────────────────────────► backs one ────────────────────────────► backs it anew, from this receipt
//!    ▲ ◄──── its time is over, or it is given back ──┘
//!    └ after the voter's own start: for the longest vote only who presents its word of an earlier start
//! ```

use super::{Ask, Rate, Tenure, Terms, Vote};
use crate::time::Instant;

/// Whom a voter backs, or backed last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Lease {
    /// Whom.
    pub tenure: Tenure,
    /// The last beat of it that was answered.
    pub number: u32,
    /// Until then, by the voter's clock.
    pub until: Instant,
}

/// Why a vote is not given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Why {
    /// The voter started of late and does not know whom it backed.
    Muted,
    /// It backs another one.
    Other,
    /// The beat, or the epoch, is not above what it has seen.
    Old,
    /// Votes of that length are not given.
    TooLong,
    /// The node's clock is not known to be within the drift.
    Clock,
    /// The node has not heard of the voter's last start.
    Elsewhen,
}

/// A voter's memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Voter {
    /// Its start.
    pub boot: u32,
    /// Until then it votes for nobody anew.
    pub muted: Instant,
    /// Whom it backs, or backed last.
    pub lease: Option<Lease>,
}

impl Voter {
    /// One that starts now, and knows nothing of before. `boot` is a number that no other start of it has.
    #[must_use]
    pub const fn new(boot: u32, now: Instant, terms: &Terms) -> Self {
        Self { boot, muted: now.plus(terms.muted()), lease: None }
    }

    /// Whom it backs now.
    #[must_use]
    pub fn backs(&self, now: Instant) -> Option<&Lease> {
        self.lease.as_ref().filter(|lease| now < lease.until)
    }

    /// A node asks. `rate` is how its clock goes by this one's.
    ///
    /// # Errors
    /// Why it gets no vote.
    pub fn ask(&mut self, ask: &Ask, rate: Rate, now: Instant, terms: &Terms) -> Result<Vote, Why> {
        // Sent before this start, it tells nothing of what was until then (DESIGN §7 O9.8).
        if ask.heard != self.boot {
            return Err(Why::Elsewhen);
        }
        if ask.length.is_zero() {
            return self.take_back(ask, now);
        }
        if !terms.permits(ask.length) {
            return Err(Why::TooLong);
        }
        if !self.is_its(ask, now)? {
            // Anew (DESIGN §7 O9.7, O9.10).
            if now < self.muted {
                return Err(Why::Muted);
            }
            if rate != Rate::Within {
                return Err(Why::Clock);
            }
        }
        if rate == Rate::Outside {
            return Err(Why::Clock);
        }
        let until = now.plus(terms.backed(ask.length));
        self.lease = Some(Lease { tenure: ask.tenure, number: ask.number, until });
        Ok(Vote { boot: self.boot, tenure: ask.tenure, number: ask.number })
    }

    /// Who asks is backed already; else nobody is (DESIGN §7 O9.5).
    fn is_its(&self, ask: &Ask, now: Instant) -> Result<bool, Why> {
        let tenure = ask.tenure;
        if let Some(lease) = self.backs(now) {
            if !lease.tenure.is_of_life(&tenure) {
                return Err(Why::Other);
            }
            let goes_on = tenure.epoch >= lease.tenure.epoch && ask.number > lease.number;
            return if goes_on { Ok(true) } else { Err(Why::Old) };
        }
        if let Some(last) = self.lease {
            // A life that another voter kept up may come back by its epoch; all else is a claim, above what ended.
            let again = last.tenure == tenure && ask.number > last.number;
            if !again && tenure.epoch <= last.tenure.epoch {
                return Err(Why::Old);
            }
        }
        // Its own word of an earlier start (DESIGN §7 O9.8).
        let word = ask.token.filter(|token| token.boot != self.boot && token.tenure == tenure);
        Ok(word.is_some() && now < self.muted)
    }

    /// The vote is given back: all is stopped, and its epoch is not used again (DESIGN §7 O9.11).
    fn take_back(&mut self, ask: &Ask, now: Instant) -> Result<Vote, Why> {
        match &mut self.lease {
            Some(lease) if lease.tenure == ask.tenure => lease.until = lease.until.min(now),
            _ => return Err(Why::Old),
        }
        Ok(Vote { boot: self.boot, tenure: ask.tenure, number: ask.number })
    }
}
