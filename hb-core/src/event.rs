//! What people are told: every line of the log comes from one of these. Edge-triggered, never one per beat.

use crate::action::Verb;
use crate::ids::{GroupId, Incarnation, LinkId, PingId};
use crate::input::{Outcome, Unable};
use crate::message::{GroupState, Reason};
use crate::time::Duration;

/// Something an operator may want to read. The shell turns it into words, with names for the numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The node begins: it shows its groups unknown until they are proven stopped.
    Joining(Incarnation),
    /// All groups are proven stopped or stuck, and the peer was met or `initdead` has passed.
    Joined,
    /// A watchdog of an earlier life may still fire: not joining yet.
    WatchdogPending,
    /// An incarnation of the peer proved that it lives now.
    PeerMet(Incarnation),
    /// The peer is heard both ways.
    PeerUp,
    /// No beat of the peer for `warntime`.
    PeerLate(Duration),
    /// No beat of the peer on any link for its deadtime.
    PeerDead(Duration),
    /// `initdead` passed and the peer was never met.
    PeerNeverMet,
    /// The peer leaves in order.
    PeerLeaving,
    /// The peer hears nothing of this node, though it is heard.
    PeerDeaf,
    /// Authentic frames of an incarnation that never answers a challenge: a one-way link or a replay.
    OneWayOrReplay,
    /// Another machine calls itself as this one does: a life of the own side answered our challenge.
    Twin(Incarnation),
    /// It does not answer any more.
    TwinGone,
    /// Two machines call themselves as the peer does: this life of it answered after another one had taken its place.
    PeerTwins(Incarnation),
    /// One of them is alone again.
    PeerTwinsGone,
    /// The peer's machine runs Linux-HA Heartbeat: text of it came that a key of ours signed.
    PeerForeign,
    /// The peer speaks a newer version of the protocol: it decides what runs where.
    PeerNewer,
    /// The peer speaks an older version of the protocol: this node decides what runs where.
    PeerOlder,
    /// The peer has the new signing key of this index: every beat is signed with it from now on.
    KeyTaken(u8),
    /// The peer took nothing that was signed with the key of this index: the keys before it are in use again.
    KeyNotTaken(u8),
    /// No text of it for the larger of the two deadtimes.
    ForeignDead(Duration),
    /// Its Heartbeat was shut down in order: all resources there are released.
    ForeignLeft,
    /// Its Heartbeat took a group that ran here, and cannot hear this node: it is stopped here.
    ForeignHolds(GroupId),
    /// Text that a key of ours signed, of a generation before the newest: a recording, or its counter was lost.
    ForeignOld {
        /// The generation of the text.
        shown: u32,
        /// The newest one.
        known: u32,
    },
    /// A link is heard again, or for the first time.
    LinkUp(LinkId),
    /// A link fell silent while others carry on, or its device failed.
    LinkDown(LinkId),
    /// First bad frame since the link was last clean, with its reason.
    BadFrames(LinkId, BadFrame),
    /// A group changed its state on this node.
    Group {
        /// Which group.
        group: GroupId,
        /// From this.
        from: GroupState,
        /// To this.
        to: GroupState,
        /// At this epoch.
        epoch: u32,
        /// Because of this.
        cause: Cause,
    },
    /// The claim went on before the new epoch was proven to be on the disk.
    Unproven(GroupId),
    /// A script call did not end well. `Outcome::Stopped` after a `start`: it said yes, but status says stopped.
    Script {
        /// The group.
        group: GroupId,
        /// Position in the group, from the left.
        resource: u8,
        /// The call.
        verb: Verb,
        /// How it ended.
        outcome: Outcome,
    },
    /// A held resource failed its periodic status for the n-th time in a row.
    MonitorFailed {
        /// The group.
        group: GroupId,
        /// Position in the group, from the left.
        resource: u8,
        /// Failures in a row.
        count: u8,
    },
    /// Both nodes held a group; this one keeps it.
    ConflictWon(GroupId),
    /// Both nodes held a group; this one stops it.
    ConflictLost(GroupId),
    /// This node wants the group.
    Wanted(GroupId, Reason),
    /// A claim waits, for this.
    Waiting(GroupId, Wait),
    /// The peer's line for this group differs from ours.
    GroupDiffers(GroupId),
    /// The peer's file has no line of this group's name.
    GroupUnlisted(GroupId),
    /// The peer's file has a line of a name that ours has not: the CRC-32 of the name.
    PeerLists(u32),
    /// The shared times differ; the larger deadtime counts.
    TimingDiffers {
        /// The peer's deadtime.
        peer_deadtime: Duration,
    },
    /// The epochs of a group have come to their end: what serves goes on; both nodes must forget them (DESIGN §7 O5).
    EpochsSpent(GroupId),
    /// Configuration matches again.
    ConfigAgrees,
    /// A ping node answers again, or for the first time.
    PingUp(PingId),
    /// A ping node fell silent.
    PingDown(PingId),
    /// Every link and every ping node fell silent together: this node takes itself for the isolated one.
    Isolated,
    /// A ping node answers again, or the peer is heard.
    NotIsolated,
    /// The own loop stood still for this long.
    Stalled(Duration),
    /// Fencing the peer.
    Fencing,
    /// The fence proved the peer off.
    Fenced,
    /// The fence failed; it is tried again.
    FenceFailed,
    /// The fence failed, and by directive nothing waits for it.
    FenceForgone,
    /// The operator vouched that the peer is off.
    ConfirmedDown,
    /// The node stops its groups and leaves.
    Leaving,
    /// The watchdog is no longer fed, for this group is stuck.
    FeedingStopped(GroupId),
    /// The group is stuck again after the one reset of its episode: the watchdog is fed on, shown as not armed, and the
    /// group waits for an operator.
    NotResetAgain(GroupId),
    /// A pull ended well, the first one since the source changed or a pull failed.
    Pulled(GroupId),
    /// A pull moved this many files aside: they were on this disk only.
    MovedAside {
        /// The group.
        group: GroupId,
        /// Files.
        files: u32,
    },
    /// A pull failed, the first one since one ended well.
    PullFailed(GroupId),
    /// The pull between the old holder's stop and the start here failed: the group goes back.
    LastPullFailed(GroupId),
    /// The group starts on a stale copy: by directive, or as an operator asked.
    StaleAccepted(GroupId, Stale),
    /// The group starts without what the peer wrote since the last pull: nobody else can run it.
    StartsBehind(GroupId),
    /// The stamp of the copy could not be written: no start.
    StampFailed(GroupId),
    /// The peer is silent, and yet another machine answers for an address of the group.
    AddressAnswered {
        /// The group.
        group: GroupId,
        /// The address: a bit of [`crate::config::AskConfig::addresses`].
        address: u8,
        /// Who answers.
        mac: [u8; 6],
        /// The group is not claimed therefore.
        waits: bool,
    },
    /// Nobody answers for the addresses of the group any more.
    AddressSilent(GroupId),
    /// A question for an address could not leave: silence proves nothing.
    AskBlind {
        /// The group.
        group: GroupId,
        /// The address.
        address: u8,
        /// Why.
        why: Unable,
    },
    /// The networks of the group's addresses are as silent as the addresses: silence proves nothing.
    AskDeaf(GroupId),
    /// Nothing could be proven for `initdead`: the claim goes on all the same.
    AskGivenUp(GroupId),
    /// A machine answers for an address of the group while both nodes show it stopped: a proxy, or a duplicate. Its
    /// answers count for nothing from now on.
    AddressDuplicate {
        /// The group.
        group: GroupId,
        /// Its hardware address.
        mac: [u8; 6],
    },
    /// A machine sends answers for an address of the group that nobody asked for: they count for nothing.
    AnswersForged {
        /// The group.
        group: GroupId,
        /// Its hardware address.
        mac: [u8; 6],
    },
    /// Another machine has the group's address, or is about to take it: this node withdraws.
    AddressTaken {
        /// The group.
        group: GroupId,
        /// Its hardware address.
        mac: [u8; 6],
    },
    /// Events that did not fit the queue.
    Lost(u32),
}

/// Why a group changed its state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// The start-up clean-up.
    Join,
    /// The peer is dead or was never met.
    PeerDead,
    /// The peer leaves.
    PeerLeaving,
    /// The peer ran Linux-HA Heartbeat, and said that it released everything.
    PeerLeft,
    /// The right to claim is this node's, by mark or preference.
    Right,
    /// The peer wanted it, or this node gives it away.
    Handover(Reason),
    /// Both held it.
    Conflict,
    /// This node leaves.
    Leave,
    /// A script's answer.
    Script,
    /// The monitor.
    Monitor,
    /// Another try after both nodes failed.
    Retry,
    /// The operator.
    Operator,
    /// The data could not be brought up to date.
    Data,
    /// It was claimed because a fence would prove the peer off, and that failed.
    Unfenced,
    /// What it was claimed on is old (an earlier silence of the peer, or from before an own stall), and none of its start scripts
    /// has begun.
    Anew,
}

/// Why a copy of a group's data is stale (DESIGN §9).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Stale {
    /// Its stamp was not read yet.
    Unread,
    /// It has no stamp, while one of the group is known: its disk is not mounted, or was exchanged.
    Missing,
    /// A pull over it did not end.
    Partial,
    /// A later epoch wrote elsewhere.
    Behind,
    /// The last pull is longer ago than `stale_after`, or nobody knows how long.
    Old,
}

/// What a claim waits for. Every waiting state has its reason here, in the log and in the status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// The peer was not met yet and `initdead` has not passed.
    Peer,
    /// The right to claim is the peer's.
    PeerRight,
    /// The peer may still run the group.
    PeerRuns,
    /// A stop failed on the peer, and nothing proves that it is off.
    PeerStuck,
    /// The peer runs Linux-HA Heartbeat.
    PeerForeign,
    /// The peer speaks a newer version of the protocol, runs nothing, and decides.
    PeerNewer,
    /// The fence has not succeeded yet.
    Fence,
    /// This node is isolated.
    Isolated,
    /// One-way link or replay: an ARP probe was answered, or is under way.
    OneWay,
    /// Another machine answers for a service address, although the peer is silent.
    Answered,
    /// It is being asked whether anybody answers for the service addresses.
    Asking,
    /// It cannot be asked: an interface is down or has no carrier, or its network is silent.
    CannotAsk,
    /// A script is missing or not executable here.
    Scripts,
    /// A start failed here and on the peer: the next try comes after a pause.
    Retry,
    /// A start failed here: `hbd clear` allows another.
    Failed,
    /// The configurations differ.
    ConfigDiffers,
    /// A watchdog of an earlier life may still fire.
    WatchdogPending,
    /// Another machine calls itself as this one does: nothing new is claimed.
    Twin,
    /// Two machines call themselves as the peer does: what the one shows says nothing of the other.
    PeerTwins,
    /// The node leaves.
    Leaving,
    /// The copy of the data is stale: the peer may bring the newer one, or an operator may ask for the group.
    StaleCopy(Stale),
    /// A pull of the data must have ended first.
    PullEnds,
    /// The last pull before the first start runs.
    LastPull,
}

/// Why a frame was not taken. Counted per link; reported once per run of bad frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum BadFrame {
    /// Too short, too long, or not COBS.
    Malformed,
    /// A newer version of the protocol: alive, but not to be read ([`crate::auth::open`] alone refuses it).
    NewerVersion,
    /// Another cluster.
    OtherCluster,
    /// The own frame came back.
    Own,
    /// No key with this index.
    UnknownKey,
    /// The tag does not match.
    BadTag,
    /// The tag matches, the body does not decode.
    BadBody,
    /// A sequence number that was met before.
    Replayed,
    /// A short form of an incarnation not met.
    NotMet,
    /// Tagged with `crc`, though the peer has signed with a secret that is listed beside it.
    Weak,
    /// Linux-HA Heartbeat's text in the peer's name, that no key of ours signed.
    Text,
}
