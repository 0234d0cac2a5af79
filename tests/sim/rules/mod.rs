//! What must hold, one file each; every bound is a formula in the file that asserts it.
//!
//! `facts` is what they all look at; [`Rules::check`] is called after every step of the world.

pub mod bounds;
pub mod facts;
mod l1_takeover;
mod l2_loss;
mod l3_moves;
mod o7_reset;
mod o7_stuck;
pub mod rest;
mod s1_asked;
mod s1_two_holders;
mod s2_winner;
mod s3_handover;
mod s4_proof;
mod s5_epochs;
mod s6_frozen;
mod s7_files;

use crate::plan::Plan;
use crate::world::World;
use facts::Facts;
use hb_core::Instant;
pub use s1_two_holders::Excluded;

/// A rule that did not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Breach {
    /// Its name: S1 to S7, O7, L1 to L3, progress.
    pub rule: &'static str,
    /// True time.
    pub at: Instant,
    /// What was seen, and what the bound is.
    pub what: String,
}

/// The verdict of one rule.
pub type Verdict = Result<(), Breach>;

/// `rule` does not hold.
pub(crate) fn breach(rule: &'static str, world: &World, what: String) -> Verdict {
    Err(Breach { rule, at: world.now, what })
}

/// All rules over one run.
pub struct Rules {
    /// What they look at.
    pub facts: Facts,
    s1: s1_two_holders::TwoHolders,
    s1c: s1_asked::Asked,
    s2: s2_winner::Winner,
    s3: s3_handover::Handover,
    s4: s4_proof::Proof,
    s5: s5_epochs::Epochs,
    s6: s6_frozen::Frozen,
    s7: s7_files::SavedFiles,
    o7: o7_reset::Resets,
    blocks: o7_stuck::Blocks,
    l1: l1_takeover::Takeover,
    l2: l2_loss::Loss,
    l3: l3_moves::Moves,
}

impl Rules {
    /// For a run of `plan`.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let groups = plan.setting.groups.len();
        let facts = Facts::new(plan);
        Self {
            s1: s1_two_holders::TwoHolders::new(&facts),
            s1c: s1_asked::Asked::new(&facts),
            s2: s2_winner::Winner::new(groups),
            s3: s3_handover::Handover::new(groups),
            s4: s4_proof::Proof::new(plan),
            s5: s5_epochs::Epochs::new(groups),
            s6: s6_frozen::Frozen::new(),
            s7: s7_files::SavedFiles::new(groups),
            o7: o7_reset::Resets::new(groups),
            blocks: o7_stuck::Blocks::new(groups),
            l1: l1_takeover::Takeover::new(groups),
            l2: l2_loss::Loss::new(),
            l3: l3_moves::Moves::new(groups),
            facts,
        }
    }

    /// After a step: its notes are still in the world.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn check(&mut self, world: &World) -> Verdict {
        if world.spins() {
            let deadlines = world.hosts.each_ref().map(|h| h.deadline);
            return breach("progress", world, format!("nodes wake up without end: deadlines {deadlines:?}"));
        }
        self.facts.follow(world);
        let facts = &self.facts;
        self.s1.check(world, facts)?;
        self.s1c.check(world, facts)?;
        self.s2.check(world, facts)?;
        self.s3.check(world, facts)?;
        self.s4.check(world)?;
        self.s5.check(world)?;
        self.s6.check(world, facts)?;
        self.s7.check(world, facts)?;
        self.o7.check(world)?;
        self.blocks.check(world)?;
        self.l1.check(world, facts)?;
        self.l2.check(world, facts)?;
        self.l3.check(world, facts, self.l2.settled())
    }

    /// What S1 excludes, and was seen.
    #[must_use]
    pub fn excluded(&self) -> Excluded {
        self.s1.excluded
    }

    /// Everything of the pair is at rest by the rules' own view.
    #[must_use]
    pub fn settled(&self) -> bool {
        self.l2.settled()
    }
}
