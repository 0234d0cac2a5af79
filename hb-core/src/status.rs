//! A snapshot of a node for `hbd status`: everything that an operator can see, copied out, no borrow kept.

use crate::action::Verb;
use crate::config::{MAX_GROUPS, MAX_LINKS, MAX_PINGS};
use crate::event::{Stale, Wait};
use crate::ids::Incarnation;
use crate::input::Outcome;
use crate::message::{GroupState, Phase, Reason};
use crate::stamp::Stamp;
use crate::time::Duration;
use heapless::Vec;

/// The whole snapshot.
#[derive(Clone, Debug)]
pub struct Status {
    /// Where this node is in its life.
    pub phase: Phase,
    /// This life.
    pub incarnation: Incarnation,
    /// The peer.
    pub peer: PeerStatus,
    /// The links, in configured order.
    pub links: Vec<LinkStatus, MAX_LINKS>,
    /// The groups, in configured order.
    pub groups: Vec<GroupStatus, MAX_GROUPS>,
    /// The ping nodes, in configured order: answering?
    pub pings: Vec<bool, MAX_PINGS>,
    /// Watchdog feeds so far.
    pub fed: u32,
    /// This node takes itself for the isolated one.
    pub isolated: bool,
    /// Another machine calls itself as this one does.
    pub twin: bool,
    /// The longest that the own loop was late.
    pub worst_late: Duration,
    /// Events that were lost because the queue was full.
    pub events_lost: u32,
}

/// Liveness of the peer (DESIGN §6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PeerState {
    /// Never met since the own start.
    Unknown,
    /// Heard within `warntime`.
    Up,
    /// Silent for `warntime`.
    Late,
    /// Silent on all links for the deadtime.
    Dead,
}

/// The peer as this node sees it.
#[derive(Clone, Copy, Debug)]
pub struct PeerStatus {
    /// Its liveness.
    pub state: PeerState,
    /// It is heard, but says that it does not hear this node.
    pub deaf: bool,
    /// It runs Linux-HA Heartbeat, and a key of ours signed what it says.
    pub foreign: bool,
    /// Authentic frames come, but of an incarnation that never answers.
    pub one_way: bool,
    /// Its last shown phase, once met.
    pub phase: Option<Phase>,
    /// Its incarnation, once met.
    pub incarnation: Option<Incarnation>,
    /// Since its last beat.
    pub last_heard: Option<Duration>,
    /// The configurations agree; `None` until it said so.
    pub config_match: Option<bool>,
    /// The shared times agree; `None` until it said so.
    pub timing_match: Option<bool>,
    /// It left in order, and was not heard since.
    pub left: bool,
    /// Two machines of its name live: nothing new is claimed beside them.
    pub twins: bool,
}

/// One link.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinkStatus {
    /// The device is open.
    pub open: bool,
    /// The peer is heard on it.
    pub heard: bool,
    /// The peer says that it hears this node on it.
    pub hears: bool,
    /// Good frames received.
    pub rx: u32,
    /// Frames sent.
    pub tx: u32,
    /// Beats of the peer that never came on this link.
    pub lost: u32,
    /// Bad frames of every kind.
    pub bad: u32,
    /// Texts of Linux-HA Heartbeat among them, in the peer's name, that no key of ours signed.
    pub text: u32,
    /// The peer is not heard on it, yet frames of this cluster come, and no key of ours verifies one of them.
    pub unsigned: bool,
    /// Last round trip.
    pub rtt: Option<Duration>,
}

/// One group.
#[derive(Clone, Copy, Debug)]
pub struct GroupStatus {
    /// Its state here.
    pub state: GroupState,
    /// Its state on the peer, if the peer was met and lists it.
    pub peer_state: Option<GroupState>,
    /// The epoch of this tenure, or the highest seen.
    pub epoch: u32,
    /// This node is preferred.
    pub preferred_here: bool,
    /// The group is wanted here for this reason.
    pub wanted: Option<Reason>,
    /// Why nothing happens, if the group is not held here.
    pub wait: Option<Wait>,
    /// The lines of the two nodes agree, and the shared times do; `None` until the peer said so.
    pub config_match: Option<bool>,
    /// An operator's move stands (DESIGN §7 O4): until a death, a leave or another command.
    pub pinned: bool,
    /// It would move here for this reason, if no operator's move stood against it.
    pub barred: Option<Reason>,
    /// Its epochs have come to their end ([`crate::Event::EpochsSpent`]).
    pub spent: bool,
    /// The machine whose answer for an address of the group holds a claim back, or would (DESIGN §7 O2c).
    pub answered_by: Option<[u8; 6]>,
    /// The copy of the data, if the group has any.
    pub copy: Option<CopyStatus>,
    /// The script call for which it is failed, stuck or still unknown.
    pub culprit: Option<Culprit>,
    /// It is stuck, or was and is not proven stopped since, and the watchdog is fed all the same: the one reset of this episode is over, or its record is not on
    /// the disk yet.
    pub not_reset: bool,
}

/// A script call that a group fails of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Culprit {
    /// Position in the group, from the left.
    pub resource: u8,
    /// The call.
    pub verb: Verb,
    /// How it ended.
    pub outcome: Outcome,
}

/// The copy of a group's data on this node (DESIGN §9).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CopyStatus {
    /// Its stamp; `None` until it was read.
    pub stamp: Option<Stamp>,
    /// The peer's, as last shown.
    pub peer: Option<Stamp>,
    /// Since the begin of the last whole pull: mail that is newer is not here. `None` on the node whose services write,
    /// and when nobody knows.
    pub age: Option<Duration>,
    /// It may hold what no other copy does, so its next pull moves files aside.
    pub diverged: bool,
    /// Why it is stale, if it is.
    pub stale: Option<Stale>,
    /// A pull runs.
    pub pulling: bool,
    /// Pulls in a row that failed.
    pub failed: u8,
    /// Files that the pulls of this life moved aside.
    pub moved: u32,
}
