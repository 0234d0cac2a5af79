//! What `cargo xtask explore --campaign` goes through: more faults than a test run has time for (docs/proof.md has the figures).
//!
//! Three faults (coarse) of every kind, and two (fine), are some hundreds of millions of states. So each part takes kinds that
//! belong together, and goes through all runs in which every fault is of one of them, each as often as the depth allows.

use super::search::{Bounds, Grain};

/// One part: everything of these kinds.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The name of the case.
    pub case: &'static str,
    /// How close to look.
    pub grain: Grain,
    /// Faults and commands in one run at most.
    pub faults: u8,
    /// Kinds, separated by commas; empty: all of them.
    pub kinds: &'static str,
}

/// Of the states between two instants one in so many is followed to its rest.
const REST_EVERY: u64 = 50;

const fn coarse(faults: u8, kinds: &'static str) -> Part {
    Part { case: "plain", grain: Grain::Coarse, faults, kinds }
}

const fn fine(faults: u8, kinds: &'static str) -> Part {
    Part { grain: Grain::Fine, ..coarse(faults, kinds) }
}

/// All of them: first those that an earlier core broke, or that tell most.
pub const CAMPAIGN: [Part; 17] = [
    coarse(3, "hang,kill,order"),
    fine(2, "kill,order"),
    coarse(2, ""),
    coarse(3, "stays,kill,order"),
    coarse(3, "cut,power,order"),
    coarse(3, "not-run,kill,order"),
    coarse(3, "run-bit,missing,kill"),
    fine(2, "cut,kill"),
    coarse(3, "silent,wrong-code,kill"),
    fine(2, "not-run,missing,kill"),
    coarse(3, "late,fail,order"),
    coarse(3, "break-disk,kill,missing"),
    coarse(3, "cut,kill,order"),
    fine(2, "power,hang"),
    fine(1, ""),
    Part { case: "fence", ..coarse(2, FENCED) },
    Part { case: "forgone", ..coarse(2, FENCED) },
];

/// What a fence is about.
const FENCED: &str = "cut,power,kill,fence-fails,order";

impl Part {
    /// How far it goes.
    ///
    /// # Errors
    /// A kind is unknown.
    pub fn bounds(&self) -> Result<Bounds, String> {
        let kinds = if self.kinds.is_empty() { u32::MAX } else { Bounds::kinds(self.kinds)? };
        Ok(Bounds { rest_every: REST_EVERY, kinds, ..Bounds::new(self.grain, self.faults) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::CASES;

    #[test]
    fn every_part_names_a_case_and_kinds_that_there_are() {
        for part in CAMPAIGN {
            assert!(CASES.iter().any(|case| case.name == part.case), "{part:?}");
            assert!(part.bounds().is_ok_and(|bounds| bounds.kinds != 0), "{part:?}");
        }
    }
}
