//! Both nodes run a group, or both are about to (a healed partition, a node that stood still): who goes on
//! (DESIGN §7 O5, O8). The highest *held* epoch goes on without an interruption; a starter gives way to a holder;
//! a holder that is not sure of itself gives way to any higher epoch. Ties are broken by side.

use crate::ids::Side;
use crate::message::GroupState;

/// One node's claim on the group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Claim {
    pub(crate) state: GroupState,
    pub(crate) epoch: u32,
    /// Its loop stood still, and it has not heard its peer since.
    pub(crate) unconfirmed: bool,
}

/// What this node does about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// There is no conflict, or the peer must solve it.
    None,
    /// Go on, above the peer's epoch if it is not already; `announce`: tell the clients' ARP caches.
    Keep {
        /// The peer's epoch is above ours.
        raise: bool,
        /// Both held it: re-announce before the loser's address goes.
        announce: bool,
    },
    /// Stop it here.
    Yield,
}

/// Judge `mine` against `peer`, total over all pairs of states (DESIGN §7 O5.1, O5.3, O5.4).
#[must_use]
pub(crate) fn judge(mine: Claim, peer: Claim, me: Side) -> Verdict {
    use GroupState::{Failed, Held, Idle, Starting, Stopping, Stuck, Unknown};
    // Of two active claims one is above the other even where epochs have come to their end, and are the same.
    let tie = peer.epoch == mine.epoch && me == Side::Odd;
    let active = |state| matches!(state, Held | Starting);
    let above = peer.epoch > mine.epoch || (tie && active(mine.state) && active(peer.state));
    match (mine.state, peer.state) {
        (Held, Held) if above => Verdict::Yield,
        (Held, Held) => Verdict::Keep { raise: false, announce: !mine.unconfirmed },
        (Held, Starting) if above && mine.unconfirmed => Verdict::Yield,
        // Not raised yet: the starter may hold it by now, and then it is the higher one that goes on.
        (Held, Starting) => Verdict::Keep { raise: false, announce: false },
        (Starting, Held) if peer.unconfirmed && !above => Verdict::Keep { raise: false, announce: false },
        (Starting, Held) => Verdict::Yield,
        (Starting, Starting) if above => Verdict::Yield,
        (Starting, Starting) => Verdict::Keep { raise: false, announce: false },
        // What may still run there blocks a start here; nothing but a proof ends that.
        (Starting, Stuck) => Verdict::Yield,
        // It withdrew, or remembers what this node has forgotten.
        (Held, Unknown | Idle | Stopping | Failed | Stuck) if above => {
            Verdict::Keep { raise: true, announce: false }
        }
        (Held, Unknown | Idle | Stopping | Failed | Stuck) => Verdict::None,
        (Starting, Unknown | Idle | Stopping | Failed) => Verdict::None,
        (
            Unknown | Idle | Stopping | Failed | Stuck,
            Unknown | Idle | Starting | Held | Stopping | Failed | Stuck,
        ) => Verdict::None,
    }
}

/// The same against a peer of an older version, which knows no more of this node than that it may run something: of two
/// holders this node gives way. Of two that start the peer does, before its first script; one that goes on starting when it
/// knows of this node (`goes_on`) is as good as a holder, and this node gives way before its own first script anyway.
/// DESIGN §4.29.
#[must_use]
pub(crate) fn beside_older(mine: Claim, peer: Claim, goes_on: bool) -> Verdict {
    use GroupState::{Failed, Held, Idle, Starting, Stopping, Stuck, Unknown};
    match (mine.state, peer.state) {
        (Held | Starting, Held) | (Starting, Stuck) => Verdict::Yield,
        (Held | Starting, Starting) if goes_on => Verdict::Yield,
        (Held | Starting, Starting) => Verdict::Keep { raise: false, announce: false },
        (Held, Unknown | Idle | Stopping | Failed | Stuck) if peer.epoch > mine.epoch => {
            Verdict::Keep { raise: true, announce: false }
        }
        (Held | Starting, Unknown | Idle | Stopping | Failed | Stuck)
        | (Unknown | Idle | Stopping | Failed | Stuck, _) => Verdict::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use GroupState::{Failed, Held, Idle, Starting, Stopping, Stuck, Unknown};

    const STATES: [GroupState; 7] = [Unknown, Idle, Starting, Held, Stopping, Failed, Stuck];

    fn claim(state: GroupState, epoch: u32, unconfirmed: bool) -> Claim {
        Claim { state, epoch, unconfirmed }
    }

    /// Over every pair of states, orders of epochs and marks: of two active claims never both go on for good, and
    /// never do both stop when one of them holds and is sure of itself.
    #[test]
    fn exactly_one_of_two_goes_on() {
        for a in STATES {
            for b in STATES {
                for (ea, eb) in [(4, 5), (5, 4), (u32::MAX, u32::MAX)] {
                    for (ua, ub) in [(false, false), (true, false), (false, true), (true, true)] {
                        let (x, y) = (claim(a, ea, ua), claim(b, eb, ub));
                        let (one, other) = (judge(x, y, Side::Even), judge(y, x, Side::Odd));
                        let active = |s| matches!(s, Held | Starting);
                        if active(a) && active(b) {
                            let yields = [one, other].iter().filter(|v| **v == Verdict::Yield).count();
                            assert_eq!(yields, 1, "{x:?} against {y:?}: {one:?} {other:?}");
                        } else if a != Starting || b != Stuck {
                            assert_ne!(one, Verdict::Yield, "{x:?} against {y:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn two_holders_the_higher_epoch_announces_unless_it_stood_still() {
        let loser = claim(Held, 4, false);
        assert_eq!(
            judge(claim(Held, 5, false), loser, Side::Even),
            Verdict::Keep { raise: false, announce: true }
        );
        assert_eq!(
            judge(claim(Held, 5, true), loser, Side::Even),
            Verdict::Keep { raise: false, announce: false }
        );
        assert_eq!(judge(loser, claim(Held, 5, false), Side::Even), Verdict::Yield);
    }

    #[test]
    fn a_sure_holder_outranks_a_starter_and_raises_its_epoch() {
        let holder = claim(Held, 4, false);
        assert_eq!(
            judge(holder, claim(Starting, 5, false), Side::Even),
            Verdict::Keep { raise: false, announce: false }
        );
        assert_eq!(judge(claim(Starting, 5, false), holder, Side::Even), Verdict::Yield);
        for withdrawn in [Stopping, Idle, Failed] {
            let verdict = judge(holder, claim(withdrawn, 5, false), Side::Even);
            assert_eq!(verdict, Verdict::Keep { raise: true, announce: false }, "{withdrawn:?}");
            assert_eq!(judge(holder, claim(withdrawn, 4, false), Side::Even), Verdict::None, "{withdrawn:?}");
        }
        let unsure = claim(Held, 4, true);
        assert_eq!(judge(unsure, claim(Starting, 5, false), Side::Even), Verdict::Yield);
    }

    #[test]
    fn a_stuck_peer_blocks_a_start() {
        assert_eq!(judge(claim(Starting, 5, false), claim(Stuck, 2, false), Side::Even), Verdict::Yield);
    }
}
