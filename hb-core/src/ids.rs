//! Small names for the things that a node counts: itself, its links, groups, ping nodes, incarnations.

use crate::identity::folded;

/// Which of the two nodes: the one whose name sorts first is [`Side::Even`] and uses even epochs, the other odd ones,
/// so two nodes never share an epoch (DESIGN §7 O2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(test, derive(serde::Serialize))]
pub enum Side {
    /// The node whose name sorts first.
    Even,
    /// The node whose name sorts second.
    Odd,
}

impl Side {
    /// The side of the node named `own` in a cluster of `own` and `peer`. Names are compared without regard to case.
    #[must_use]
    pub fn of(own: &str, peer: &str) -> Self {
        if folded(own).lt(folded(peer)) { Self::Even } else { Self::Odd }
    }

    /// The other node.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Even => Self::Odd,
            Self::Odd => Self::Even,
        }
    }

    /// The lowest epoch of this side above `seen` (DESIGN §7 O2.1).
    #[must_use]
    pub const fn epoch_above(self, seen: u32) -> u32 {
        let parity = match self {
            Self::Even => 0,
            Self::Odd => 1,
        };
        let next = seen.saturating_add(1);
        if next % 2 == parity { next } else { next.saturating_add(1) }
    }
}

/// Position of a link in the configuration, 0 to 7.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LinkId(pub u8);

/// Position of a resource group in the configuration, 0 to 7.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct GroupId(pub u8);

/// Position of a ping node in the configuration, 0 to 7. A ping group counts as one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PingId(pub u8);

/// Names one script call; given out once by [`crate::Action::RunScript`] and handed back once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Token(pub u32);

/// One life of one node's daemon: a persisted counter plus a boot nonce (DESIGN §4).
///
/// The counter is for people and logs; which incarnation is *live* is decided by the challenge, never by order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct Incarnation {
    /// Starts of the daemon on this node, as far as its state file remembers.
    pub counter: u32,
    /// Random, new at every start.
    pub nonce: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_of_the_two_sides_never_meet() {
        for seen in 0..100 {
            let (even, odd) = (Side::Even.epoch_above(seen), Side::Odd.epoch_above(seen));
            assert!(even > seen && odd > seen && even != odd);
            assert_eq!((even % 2, odd % 2), (0, 1));
            assert!(even.max(odd) <= seen + 2);
        }
    }

    #[test]
    fn sides_follow_the_names_and_not_their_order() {
        assert_eq!(Side::of("ha-1", "ha-2"), Side::Even);
        assert_eq!(Side::of("ha-2", "ha-1"), Side::Odd);
        // `B` sorts before `a`, and `_` between the two cases.
        assert_eq!((Side::of("HB", "ha"), Side::of("ha", "HB")), (Side::Odd, Side::Even));
        assert_eq!((Side::of("h_", "hA"), Side::of("hA", "h_")), (Side::Even, Side::Odd));
        assert_eq!(Side::Even.other(), Side::Odd);
    }
}
