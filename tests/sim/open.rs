//! The parts of the world and of the rules beyond the first ones, and which of them the core cannot stand yet.
//!
//! Each part draws from a stream of chance of its own, so that a seed keeps its meaning when another part is switched on
//! or off. A part that stands in [`OPEN`] is off in a campaign; `hb-sim --open NAME` (or `all`) has it on.

use crate::dice::Dice;
use std::sync::atomic::{AtomicU32, Ordering};

macro_rules! parts {
    ($($part:ident $name:literal $about:literal,)*) => {
        /// One part.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Part { $(#[doc = $about] $part,)* }

        /// All of them, with their names and what they are about.
        pub const PARTS: &[(Part, &str, &str)] = &[$((Part::$part, $name, $about),)*];
    };
}

parts! {
    Lists "lists" "The two nodes list a group differently, and all rules hold of it.",
    Edits "edits" "The configuration changes between two lives of a node.",
    Ratio "ratio" "A deadtime of 2.1 to 2.5 keepalives.",
    Groups "groups" "Three or eight groups.",
    Epochs "epochs" "The groups begin near the last epoch.",
    Numbers "numbers" "The lives begin near the last number of a beat.",
    Old "old" "Frames that were sent and never delivered are played back to any later life.",
    OldStream "old-stream" "Recorded frames come as a stream.",
    Hellos "hellos" "Recorded hellos come as a stream.",
    Newer "newer" "Frames of a newer version that do not verify come as a stream.",
    Foreign "foreign" "Text of Linux-HA Heartbeat that nobody signed comes as a stream.",
    Own "own" "What a node sent itself comes back to it as a stream, of this life or an earlier one.",
    Busy "busy" "The watchdog's device is busy when a daemon starts.",
    Thaw "thaw" "A command is the first thing that a daemon finds after it stood still.",
    Boot "boot" "A life that cannot read the boot's identity, among others that can.",
    Disk "disk" "Writes of the state fail for a while.",
    OneWay "one-way" "S1 also of links that carry one way only.",
    InPlace "in-place" "S2 also of a holder that restarts its group in place.",
    Kept "kept" "L1 is not begun anew by a fault that does not concern the survivor.",
    Ghosts "ghosts" "L1 also: no holder gives its group up for a daemon that is dead.",
    Stuck "stuck" "O7: a stuck group that is known blocks the claim.",
    Versions "versions" "Each life of a daemon speaks either version of the wire; in a build with `next-wire`, when asked for.",
    Unkillable "unkillable" "Starts and stops hang for a while, and nothing can kill them.",
    Answers "answers" "Answers for service addresses that nobody asked for come as a stream, of one machine or of many.",
}

/// A part that breaks a rule as the core is now.
pub struct Open {
    /// Which.
    pub part: Part,
    /// A seed that shows it.
    pub seed: u64,
    /// The rule that breaks.
    pub rule: &'static str,
    /// What happens.
    pub what: &'static str,
}

/// All of them: none is left.
pub const OPEN: &[Open] = &[];

static ON: AtomicU32 = AtomicU32::new(0);
/// Parts that were left out by hand.
static OFF: AtomicU32 = AtomicU32::new(0);

impl Part {
    /// It is not open, or was switched on.
    #[must_use]
    pub fn on(self) -> bool {
        let bit = |word: &AtomicU32| word.load(Ordering::Relaxed) >> (self as u32) & 1 == 1;
        if self == Self::Versions {
            return cfg!(feature = "next-wire") && bit(&ON);
        }
        !bit(&OFF) && (bit(&ON) || OPEN.iter().all(|open| open.part != self))
    }

    /// The part's own stream of chance for a seed.
    #[must_use]
    pub fn dice(self, seed: u64) -> Dice {
        Dice::new(seed ^ (0xA11_0000 + self as u64) << 36)
    }
}

/// Switch one open part on, or all, for this process.
///
/// # Errors
/// There is no part of that name.
pub fn switch_on(name: &str) -> Result<(), String> {
    ON.fetch_or(bits(name)?, Ordering::Relaxed);
    Ok(())
}

/// Leave every part out but those of these names (separated by commas, or `none`), for this process.
///
/// # Errors
/// There is no part of that name.
pub fn only(names: &str) -> Result<(), String> {
    let mut kept = 0;
    for name in names.split(',').filter(|name| *name != "none") {
        switch_on(name)?;
        kept |= bits(name)?;
    }
    OFF.store(!kept, Ordering::Relaxed);
    Ok(())
}

fn bits(name: &str) -> Result<u32, String> {
    let bits = PARTS.iter().filter(|(_, of, _)| name == "all" || *of == name);
    let bits = bits.fold(0u32, |bits, (part, ..)| bits | 1 << *part as u32);
    if bits == 0 {
        let names: Vec<&str> = PARTS.iter().map(|(_, name, _)| *name).collect();
        return Err(format!("no part {name}; there are {}", names.join(", ")));
    }
    Ok(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_a_stream_of_its_own() {
        let mut first: Vec<u64> = PARTS.iter().map(|(part, ..)| part.dice(42).word()).collect();
        first.sort_unstable();
        first.dedup();
        assert_eq!(first.len(), PARTS.len());
        assert!(PARTS.len() <= 32);
        assert!(switch_on("nonsense").is_err());
    }
}
