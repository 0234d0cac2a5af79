//! The three bits of the header that mean the same in every version, so that an older node can follow a newer one.

use super::blank;
use crate::ids::Side;
use crate::list::filled;
use crate::message::{Beat, GroupBeat, GroupState, Phase};

const LEAVING: u8 = 1 << 3;
const NOTHING: u8 = 1 << 4;
const TAKE: u8 = 1 << 5;

/// What a node of any version says of itself, in the header of each of its frames.
///
/// | leaving | nothing | take | the sender |
/// |---|---|---|---|
/// | 0 | 0 | 0 | may run something; silence for the deadtime is its death |
/// | 0 | 0 | 1 | has something stuck: no silence proves that it stopped |
/// | 0 | 1 | 0 | runs nothing, and decides what happens next |
/// | 0 | 1 | 1 | runs nothing, and will not: after a deadtime of this it is the receiver's |
/// | 1 | 0 | 0 | leaves, and still stops things |
/// | 1 | 0 | 1 | leaves, with something stuck |
/// | 1 | 1 | 0 | left in order: the receiver's at once, and silence is no news |
/// | 1 | 1 | 1 | an operator had it give everything away: the receiver's at once; it stays |
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Says {
    /// *leaving*.
    pub leaving: bool,
    /// *nothing may run here*: every group is proven stopped.
    pub nothing: bool,
    /// *take it*.
    pub take: bool,
}

impl Says {
    /// The bits of the header's flags.
    pub const BITS: u8 = LEAVING | NOTHING | TAKE;

    /// As the flags of a header say it.
    #[must_use]
    pub const fn from_bits(flags: u8) -> Self {
        Self { leaving: flags & LEAVING != 0, nothing: flags & NOTHING != 0, take: flags & TAKE != 0 }
    }

    /// As the flags of a header say it.
    #[must_use]
    pub const fn bits(self) -> u8 {
        (if self.leaving { LEAVING } else { 0 })
            | (if self.nothing { NOTHING } else { 0 })
            | (if self.take { TAKE } else { 0 })
    }

    /// What `beat` comes to: a frame of this version says the same twice.
    #[must_use]
    pub fn of(beat: &Beat) -> Self {
        let leaving = beat.phase == Phase::Leaving;
        let nothing = !beat.groups.iter().any(|group| group.state.may_run());
        let take = if nothing {
            !leaving && beat.groups.iter().all(|group| !group.able || group.mark.is_some())
        } else {
            beat.groups.iter().any(|group| group.state == GroupState::Stuck)
        };
        Self { leaving, nothing, take }
    }

    /// [`Self::of`] a beat that was not composed.
    pub(crate) fn of_all(phase: Phase, groups: impl Iterator<Item = GroupBeat>) -> Self {
        let beat = Beat { phase, groups: filled(groups), ..blank(Side::Even).beat };
        Self::of(&beat)
    }

    /// It leaves for good; else *leaving* only says that what it ran was given away in order.
    pub(crate) const fn phase(self) -> Phase {
        if self.leaving && !(self.nothing && self.take) { Phase::Leaving } else { Phase::Up }
    }

    /// Everything here is proven stopped and was given away in order: the receiver needs not wait.
    pub(crate) const fn gives(self) -> bool {
        self.leaving && self.nothing
    }

    /// What may run there is not proven stopped by silence.
    pub(crate) const fn stuck(self) -> bool {
        !self.nothing && self.take
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_survives_the_header() {
        for bits in 0..8_u8 {
            let says = Says::from_bits(bits << 3);
            assert_eq!(says.bits(), bits << 3);
            assert_eq!(
                (says.leaving, says.nothing, says.take),
                (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0)
            );
        }
        assert_eq!(Says::from_bits(!Says::BITS).bits(), 0, "no other bit is one of them");
    }

    #[test]
    fn a_beat_comes_to_what_its_groups_show() {
        let group = |state, able, mark| GroupBeat { state, wanted: None, able, epoch: 9, mark };
        let says = |phase, groups: &[GroupBeat]| {
            let mut beat = blank(crate::Side::Even).beat;
            (beat.phase, beat.groups) = (phase, groups.iter().copied().collect());
            let says = Says::of(&beat);
            (says.leaving, says.nothing, says.take)
        };
        let (held, idle) = (group(GroupState::Held, true, None), group(GroupState::Idle, true, None));
        let (failed, yielded) =
            (group(GroupState::Failed, false, Some(9)), group(GroupState::Idle, true, Some(9)));
        let stuck = group(GroupState::Stuck, false, None);
        assert_eq!(says(Phase::Up, &[held, idle]), (false, false, false));
        assert_eq!(says(Phase::Up, &[held, stuck]), (false, false, true));
        assert_eq!(says(Phase::Up, &[idle, failed]), (false, true, false), "one of them is still its own");
        assert_eq!(says(Phase::Up, &[yielded, failed]), (false, true, true));
        assert_eq!(says(Phase::Leaving, &[yielded, failed]), (true, true, false));
        assert_eq!(says(Phase::Leaving, &[held]), (true, false, false));
        assert_eq!(says(Phase::Joining, &[group(GroupState::Unknown, false, None)]), (false, false, false));
    }
}
