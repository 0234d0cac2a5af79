//! Who may claim a group that nobody runs (DESIGN §7 O1-O3, O6, O7, O10): one pure decision over everything known.

use crate::cluster::group::COPIES;
use crate::event::{Cause, Stale, Wait};
use crate::ids::Side;
use crate::message::wire::Says;
use crate::message::{GroupState, Phase};

/// The right to claim is one token per group. A node that stops for a reason, loses a conflict or fails to start marks
/// *yielded at epoch e*; the right is then the other's until that one yields or fails at a higher epoch. With no mark
/// on either side `first` has it (DESIGN §7 O3.1).
#[must_use]
pub(crate) fn token(mine: Option<u32>, peer: Option<u32>, first: Side, me: Side) -> bool {
    match (mine, peer) {
        (None, None) => first == me,
        (None, Some(_)) => true,
        (Some(_), None) => false,
        (Some(mine), Some(peer)) if mine == peer => first == me,
        (Some(mine), Some(peer)) => mine < peer,
    }
}

/// What is known of the peer with regard to one group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PeerSituation {
    /// Not met yet, and `initdead` has not passed.
    Unmet,
    /// It runs Linux-HA Heartbeat, and is heard.
    Foreign,
    /// Silent for its deadtime, or never met within `initdead`; or an operator vouched that it is off.
    Gone {
        /// It last showed the group stuck, and nothing proves it off since.
        stuck: bool,
        /// It never answered a challenge, yet authentic frames show a holder, and an ARP probe has not cleared it.
        one_way: bool,
        /// This node takes itself for the isolated one.
        isolated: bool,
    },
    /// Alive, does not list the group, and has every line of its own from our file: it cannot run it.
    Extra {
        /// An earlier life of it showed the group stuck.
        stuck: bool,
    },
    /// Alive, and more than one line of the two files is out of step, this one among them: any of the peer's may be what
    /// this one is.
    Alien {
        /// One of them was shown stuck.
        stuck: bool,
        /// All of them are proven stopped there.
        stopped: bool,
        /// The peer leaves.
        leaving: bool,
    },
    /// Alive, and of a newer version: it decides, and can read what this node shows.
    Newer {
        /// What it says.
        says: Says,
        /// It has said so for a deadtime.
        ripe: bool,
        /// An operator asked for the group here.
        asked: bool,
    },
    /// Alive, and of an older version: this node decides, for the peer cannot read what it shows.
    Older {
        /// What it may run of this, as one state.
        state: GroupState,
        /// It leaves.
        leaving: bool,
        /// It may take it this very moment: it was offered, and the peer may not know yet that it is not any more.
        offered: bool,
    },
    /// Alive.
    Alive {
        /// Its state of the group.
        state: GroupState,
        /// Its mark.
        mark: Option<u32>,
        /// It could start the group.
        able: bool,
        /// Where it is in its life.
        phase: Phase,
        /// Its line of the group and the shared times are ours.
        agrees: bool,
        /// The node that its line prefers.
        preferred: Side,
    },
}

/// Everything that the decision rests on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation {
    /// This node.
    pub(crate) me: Side,
    /// Where it is in its life.
    pub(crate) phase: Phase,
    /// Its state of the group.
    pub(crate) state: GroupState,
    /// Its mark.
    pub(crate) mark: Option<u32>,
    /// All scripts are here.
    pub(crate) claimable: bool,
    /// What forbids a start on the copy of the data here.
    pub(crate) copy: Option<Wait>,
    /// The side whose copy of the data is the newer one.
    pub(crate) newer: Option<Side>,
    /// The pause after a failed start is over.
    pub(crate) retry_due: bool,
    /// The node that our line prefers.
    pub(crate) preferred: Side,
    /// Another machine of this name lives.
    pub(crate) twin: bool,
    /// Two machines of the peer's name live.
    pub(crate) peer_twins: bool,
    /// A watchdog of an earlier life may still fire.
    pub(crate) watchdog_pending: bool,
    /// The peer.
    pub(crate) peer: PeerSituation,
}

#[cfg(feature = "coverage")]
impl Situation {
    /// The number of its own half among the marks.
    pub(crate) fn state_index(&self) -> usize {
        match self.phase {
            Phase::Joining => 0,
            Phase::Up => 1 + usize::from(self.state == GroupState::Failed),
            Phase::Leaving => 3,
        }
    }
}

#[cfg(feature = "coverage")]
impl PeerSituation {
    /// Its number among the marks.
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Unmet => 0,
            Self::Foreign => 1,
            Self::Gone { stuck: true, .. } => 2,
            Self::Gone { one_way: true, .. } => 3,
            Self::Gone { isolated: true, .. } => 4,
            Self::Gone { stuck: false, one_way: false, isolated: false } => 5,
            Self::Extra { .. } | Self::Alien { .. } => 6,
            Self::Newer { .. } => 7,
            Self::Older { .. } => 8,
            Self::Alive { state, .. } => 9 + state as usize,
        }
    }
}

/// What to do about a group that does not run here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Decision {
    /// Claim it now, because of this.
    Claim(Cause),
    /// Wait, for this.
    Wait(Wait),
    /// The right is ours but we cannot use it, and the peer can: pass it on with a mark.
    Decline,
}

/// Decide about a group in [`GroupState::Idle`] or [`GroupState::Failed`]; any other state waits for its own scripts.
/// DESIGN §4.28, §4.30, §7 O10.5, O5.3 (DESIGN §7 O10.6).
#[must_use]
pub(crate) fn decide(s: &Situation) -> Decision {
    let failed = match s.state {
        GroupState::Idle => false,
        GroupState::Failed => true,
        GroupState::Unknown
        | GroupState::Starting
        | GroupState::Held
        | GroupState::Stopping
        | GroupState::Stuck => {
            return Decision::Wait(Wait::Peer);
        }
    };
    match s.phase {
        Phase::Leaving => return Decision::Wait(Wait::Leaving),
        Phase::Joining if s.watchdog_pending => return pending(s, failed),
        Phase::Joining => return Decision::Wait(Wait::Peer),
        Phase::Up => {}
    }
    if s.twin {
        return Decision::Wait(Wait::Twin);
    }
    // What one of them shows says nothing of the other one.
    if s.peer_twins && !matches!(s.peer, PeerSituation::Gone { .. }) {
        return Decision::Wait(Wait::PeerTwins);
    }
    // Nothing to ask in a build without data.
    let (copy, newer) = if COPIES == 0 { (None, None) } else { (s.copy, s.newer) };
    let ready = |cause| {
        if !s.claimable {
            Decision::Wait(Wait::Scripts)
        } else if let Some(wait) = copy {
            Decision::Wait(wait)
        } else if !failed {
            Decision::Claim(cause)
        } else if s.retry_due {
            Decision::Claim(Cause::Retry)
        } else {
            Decision::Wait(Wait::Retry)
        }
    };
    match s.peer {
        PeerSituation::Unmet => Decision::Wait(Wait::Peer),
        PeerSituation::Foreign => Decision::Wait(Wait::PeerForeign),
        PeerSituation::Gone { stuck: true, .. } => Decision::Wait(Wait::PeerStuck),
        PeerSituation::Gone { one_way: true, .. } => Decision::Wait(Wait::OneWay),
        PeerSituation::Gone { isolated: true, .. } => Decision::Wait(Wait::Isolated),
        PeerSituation::Gone { stuck: false, one_way: false, isolated: false } => ready(Cause::PeerDead),
        PeerSituation::Extra { stuck: true } | PeerSituation::Alien { stuck: true, .. } => {
            Decision::Wait(Wait::PeerStuck)
        }
        PeerSituation::Extra { stuck: false } => ready(Cause::Right),
        PeerSituation::Alien { stopped: false, .. } => Decision::Wait(Wait::ConfigDiffers),
        PeerSituation::Alien { leaving: true, .. } => ready(Cause::PeerLeaving),
        // A wrong file must not mean no service: one side starts its own, the one that both can name without asking.
        PeerSituation::Alien { .. } if s.me == Side::Even => ready(Cause::Right),
        PeerSituation::Alien { .. } => Decision::Wait(Wait::ConfigDiffers),
        PeerSituation::Newer { says, .. } if says.stuck() => Decision::Wait(Wait::PeerStuck),
        PeerSituation::Newer { says, .. } if !says.nothing => Decision::Wait(Wait::PeerRuns),
        PeerSituation::Newer { says, .. } if says.leaving => ready(Cause::PeerLeaving),
        // What is asked for the newer node gives at once, or does not: then, after a deadtime, the operator's word counts.
        PeerSituation::Newer { says, ripe, asked } if asked && (says.take || ripe) => ready(Cause::Operator),
        PeerSituation::Newer { says, ripe: true, .. } if says.take => ready(Cause::Right),
        PeerSituation::Newer { says, .. } if says.take => Decision::Wait(Wait::PeerNewer),
        PeerSituation::Newer { .. } if s.mark.is_none() => Decision::Decline,
        PeerSituation::Newer { .. } => Decision::Wait(Wait::PeerNewer),
        PeerSituation::Older { state: GroupState::Stuck, .. } => Decision::Wait(Wait::PeerStuck),
        PeerSituation::Older { state, .. } if state.may_run() => Decision::Wait(Wait::PeerRuns),
        PeerSituation::Older { leaving: true, .. } => ready(Cause::PeerLeaving),
        PeerSituation::Older { offered: true, .. } if failed => Decision::Wait(Wait::Failed),
        PeerSituation::Older { offered: true, .. } => Decision::Wait(Wait::PeerRight),
        // Whatever the marks say: it shows itself not able, and starts nothing that was not given to it.
        PeerSituation::Older { .. } => ready(Cause::Right),
        PeerSituation::Alive { state: GroupState::Stuck, .. } => Decision::Wait(Wait::PeerStuck),
        PeerSituation::Alive { state, .. } if state.may_run() => Decision::Wait(Wait::PeerRuns),
        PeerSituation::Alive { phase: Phase::Leaving, .. } => ready(Cause::PeerLeaving),
        PeerSituation::Alive { state, mark, able, phase: Phase::Joining | Phase::Up, agrees, preferred } => {
            if !agrees && (mark.is_some() || s.mark.is_some()) {
                return Decision::Wait(Wait::ConfigDiffers);
            }
            // Lines that differ in the preferred node: the side that both nodes can name without asking.
            let first = newer.unwrap_or(if preferred == s.preferred { s.preferred } else { Side::Even });
            let peer_failed = state == GroupState::Failed;
            // Two marks are equal at the last epoch alone, and none is above them: the one that can has the right.
            let last = s.mark.is_some() && s.mark == mark && agrees;
            let can = s.claimable && !failed;
            let right = if last && can != able { can } else { token(s.mark, mark, first, s.me) };
            if !right {
                return Decision::Wait(if failed { Wait::Failed } else { Wait::PeerRight });
            }
            let stale = matches!(copy, Some(Wait::StaleCopy(why)) if why != Stale::Unread);
            // A failure is sticky until cleared, unless nobody else can.
            if agrees && (!s.claimable && (able || peer_failed) || (stale || failed) && able) {
                return Decision::Decline;
            }
            match ready(Cause::Right) {
                Decision::Claim(Cause::Retry) | Decision::Wait(Wait::Retry) if able => {
                    Decision::Wait(Wait::Failed)
                }
                decision => decision,
            }
        }
    }
}

/// A watchdog that another process holds bars this node, nobody knows for how long. It has not got the right meanwhile
/// that a peer could use (DESIGN §7 O1.5, O3.3).
fn pending(s: &Situation, failed: bool) -> Decision {
    let waits = Decision::Wait(Wait::WatchdogPending);
    match s.peer {
        PeerSituation::Alive {
            state,
            mark,
            able: true,
            phase: Phase::Joining | Phase::Up,
            agrees: true,
            preferred,
        } if !state.may_run() && !failed => {
            let newer = if COPIES == 0 { None } else { s.newer };
            let first = newer.unwrap_or(if preferred == s.preferred { s.preferred } else { Side::Even });
            if token(s.mark, mark, first, s.me) { Decision::Decline } else { waits }
        }
        _ => waits,
    }
}

#[cfg(test)]
#[path = "right_tests.rs"]
mod tests;
