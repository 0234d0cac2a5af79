//! When a running group should move (DESIGN §7 O4): the side with a reason sets *wanted*, the holder stops and yields,
//! the other starts. These are the two sides' decisions; the doing is in `group`.

use crate::cluster::group::COPIES;
use crate::ids::Side;
use crate::message::{GroupState, Reason};

/// What both sides look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// This node.
    pub(crate) me: Side,
    /// The node that the line prefers.
    pub(crate) preferred: Side,
    /// Failback is configured.
    pub(crate) failback: bool,
    /// The two lines and the shared times agree.
    pub(crate) agrees: bool,
    /// Ping nodes that answer here and there.
    pub(crate) score: u8,
    /// The same, of the peer.
    pub(crate) peer_score: u8,
    /// The scores have differed in the same direction for `deadping` and two keepalives.
    pub(crate) score_settled: bool,
    /// An operator's move stands: only an operator undoes it.
    pub(crate) pinned: bool,
    /// A conflict was solved a short time ago.
    pub(crate) quiet: bool,
    /// The operator asked for this group here.
    pub(crate) takeover: bool,
    /// The copy of the data on the node that does not hold the group is in sync, or there is no data.
    pub(crate) synced: bool,
}

/// Does this node, which could run the group but does not, want it from its holder? The highest reason that holds.
/// DESIGN §7 O4.2.
#[must_use]
pub(crate) fn wanted(f: &Facts) -> Option<Reason> {
    if !f.agrees {
        return None;
    }
    if f.takeover {
        return Some(Reason::Operator);
    }
    if f.pinned || COPIES != 0 && !f.synced {
        return None;
    }
    if f.score > f.peer_score && f.score_settled {
        return Some(Reason::Ping);
    }
    (f.failback && f.preferred == f.me && f.score >= f.peer_score && !f.quiet).then_some(Reason::Failback)
}

/// Does this node, which holds the group, give it to the peer that wants it for `reason`? (DESIGN §7 O4.6).
#[must_use]
pub(crate) fn grants(f: &Facts, reason: Reason, peer: GroupState, peer_able: bool) -> bool {
    if !f.agrees || COPIES != 0 && !f.synced || !peer_able || peer != GroupState::Idle {
        return false;
    }
    match reason {
        Reason::Operator => true,
        // A failed start is passed on by its mark; a peer that failed is not able.
        Reason::Failed => false,
        Reason::Ping => !f.pinned && f.peer_score > f.score && f.score_settled,
        Reason::Failback => {
            !f.pinned && !f.quiet && f.failback && f.preferred != f.me && f.peer_score >= f.score
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(me: Side) -> Facts {
        Facts {
            me,
            preferred: Side::Even,
            failback: true,
            agrees: true,
            score: 1,
            peer_score: 1,
            score_settled: false,
            pinned: false,
            quiet: false,
            takeover: false,
            synced: true,
        }
    }

    #[test]
    fn failback_is_wanted_by_the_preferred_node_alone() {
        assert_eq!(wanted(&facts(Side::Even)), Some(Reason::Failback));
        assert_eq!(wanted(&facts(Side::Odd)), None);
        for change in [
            |f: &mut Facts| f.failback = false,
            |f: &mut Facts| f.pinned = true,
            |f: &mut Facts| f.quiet = true,
            |f: &mut Facts| f.agrees = false,
            |f: &mut Facts| f.score = 0,
            #[cfg(feature = "data")]
            |f: &mut Facts| f.synced = false,
        ] {
            let mut f = facts(Side::Even);
            change(&mut f);
            assert_eq!(wanted(&f), None, "{f:?}");
        }
    }

    #[test]
    fn reasons_are_ranked_and_an_operators_move_stands() {
        let mut f = facts(Side::Even);
        (f.score, f.peer_score, f.score_settled) = (2, 1, true);
        assert_eq!(wanted(&f), Some(Reason::Ping));
        f.takeover = true;
        f.pinned = true;
        assert_eq!(wanted(&f), Some(Reason::Operator));
        f.takeover = false;
        assert_eq!(wanted(&f), None);
        assert!(
            Reason::Operator > Reason::Failed
                && Reason::Failed > Reason::Ping
                && Reason::Ping > Reason::Failback
        );
    }

    #[test]
    fn a_score_must_have_settled() {
        let mut f = facts(Side::Odd);
        (f.score, f.peer_score) = (2, 1);
        assert_eq!(wanted(&f), None);
        f.score_settled = true;
        assert_eq!(wanted(&f), Some(Reason::Ping));
    }

    #[test]
    fn the_holder_grants_what_it_sees_itself() {
        let holder = facts(Side::Odd);
        assert!(grants(&holder, Reason::Failback, GroupState::Idle, true));
        assert!(!grants(&holder, Reason::Ping, GroupState::Idle, true), "equal scores");
        assert!(grants(&holder, Reason::Operator, GroupState::Idle, true));
        assert!(!grants(&holder, Reason::Operator, GroupState::Idle, false), "the peer cannot run it");
        for state in [GroupState::Unknown, GroupState::Failed, GroupState::Stuck, GroupState::Stopping] {
            assert!(!grants(&holder, Reason::Operator, state, true), "{state:?}");
        }
        let pinned = Facts { pinned: true, ..holder };
        assert!(!grants(&pinned, Reason::Failback, GroupState::Idle, true));
        assert!(grants(&pinned, Reason::Operator, GroupState::Idle, true));
        let stale = Facts { synced: false, ..holder };
        #[cfg(not(feature = "data"))]
        assert!(grants(&stale, Reason::Operator, GroupState::Idle, true), "no data, no copy to wait for");
        #[cfg(feature = "data")]
        assert!(
            !grants(&stale, Reason::Operator, GroupState::Idle, true),
            "it would be served without its data"
        );
        let even = facts(Side::Even);
        assert!(!grants(&even, Reason::Failback, GroupState::Idle, true), "this node is the preferred one");
    }
}
