//! What a frame means: the sender's whole view, so that nothing needs to be retransmitted (DESIGN §5).
//!
//! A steady heartbeat is a [`Message`] without [`Hello`]; until the two nodes have met, and whenever the peer is not
//! known to hear, every message carries one. Bytes are in [`wire`]; a second codec would sit beside it.

pub mod wire;

use crate::ids::{Incarnation, Side};
use crate::stamp::Stamp;
use crate::time::Duration;
use heapless::Vec;

/// One message as its sender meant it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// Who sent it.
    pub source: Side,
    /// In which life of its daemon.
    pub incarnation: Incarnation,
    /// Counts the sender's beats within the incarnation from 1; the copies on several links share it.
    pub seq: u32,
    /// The part that every heartbeat carries.
    pub beat: Beat,
    /// The part that only a long form carries.
    pub hello: Option<Hello>,
}

/// The dynamic view.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Beat {
    /// Where the sender is in its life.
    pub phase: Phase,
    /// The sender's loop stood still: it counts as life, but yields to any higher epoch (DESIGN §7 O8).
    pub unconfirmed: bool,
    /// The sender's watchdog is armed.
    pub armed: bool,
    /// The sender's number of the link that this copy was sent on, 0 to 7.
    pub link: u8,
    /// Bit *n*: the sender heard its peer on its link *n* within its deadtime.
    pub hears: u8,
    /// Ping nodes that answer the sender, 0 to 8.
    pub score: u8,
    /// Echo of the last frame that the sender heard on this link.
    pub echo: Option<Echo>,
    /// The groups in the order of the sender's last [`Hello`].
    pub groups: Vec<GroupBeat, { wire::MAX_GROUPS }>,
    /// By position in `groups`, rising: the stamp of the sender's copy of the group's data, of those that have data whose
    /// stamp was read (DESIGN §9).
    pub stamps: Vec<(u8, Stamp), { wire::MAX_STAMPS }>,
}

/// Lets the receiver measure the round trip of a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Echo {
    /// Low byte of the sequence number that was heard.
    pub seq: u8,
    /// How long ago, in steps of [`wire::ECHO_UNIT`]; longer than the wire can say means no echo.
    pub hold: Duration,
}

/// Where a node is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Phase {
    /// Not proven clean yet, or waiting to meet the peer.
    Joining,
    /// In service.
    Up,
    /// Stopping for good: what it shows idle may be claimed at once (DESIGN §7 O6).
    Leaving,
}

/// A group's state on one node (DESIGN §5).
///
/// ```text
///            clean            claim             started
///  Unknown ---------> Idle ---------> Starting ---------> Held
///     |                ^  ^  withdraw / |  | ^              |
///     |        stopped |  |  release    |  | | restart      | release
///     |                |  |             v  | +--------------+
///     |                |  +------- Stopping<-|--------------+
///     | stop failed    |             |       | start failed
///     +-------------> Stuck <--------+       v
///                      |  clear            Failed -- clear --> Idle
///                      +------> Stopping
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum GroupState {
    /// This incarnation has not proven it stopped; counts as held for the peer.
    Unknown,
    /// Proven stopped.
    Idle,
    /// Decided to start: persisting, fencing and the start scripts belong to it.
    Starting,
    /// In service here.
    Held,
    /// The stop scripts run.
    Stopping,
    /// A start failed, and all that had been started is proven stopped.
    Failed,
    /// A stop failed or hung: may still run.
    Stuck,
}

impl GroupState {
    /// May any resource of the group run on a node that shows this state?
    #[must_use]
    pub const fn may_run(self) -> bool {
        match self {
            Self::Unknown | Self::Starting | Self::Held | Self::Stopping | Self::Stuck => true,
            Self::Idle | Self::Failed => false,
        }
    }
}

/// Why a group should move, in rising rank: a lower one never undoes a higher one (DESIGN §7 O4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Reason {
    /// The preferred node is back.
    Failback,
    /// The other node reaches more ping nodes.
    Ping,
    /// A start failed or a resource keeps failing.
    Failed,
    /// An operator asked.
    Operator,
}

/// One group in a beat.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GroupBeat {
    /// Its state on the sender.
    pub state: GroupState,
    /// The sender wants the group for this reason.
    pub wanted: Option<Reason>,
    /// The sender could start it: scripts present, start not failed, not isolated.
    pub able: bool,
    /// While the group may run there: the epoch of that tenure. Otherwise the highest epoch the sender has seen.
    pub epoch: u32,
    /// *Yielded at this epoch*: the right to claim is the receiver's (DESIGN §7 O3).
    pub mark: Option<u32>,
}

/// The static view and the challenge; sent until the peer is met and hears.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hello {
    /// Changes with every boot of the sender's machine.
    pub boot: u32,
    /// The sender's outstanding challenge to an incarnation it has not met.
    pub challenge: [u8; 8],
    /// The receiver's challenge, sent back.
    pub echo: Option<[u8; 8]>,
    /// Nonce of the receiver's incarnation that the sender has met.
    pub met: Option<u32>,
    /// The sender knows that the receiver has met it.
    pub known: bool,
    /// The sender's keepalive, in milliseconds on the wire.
    pub keepalive: Duration,
    /// The sender's deadtime, in milliseconds on the wire.
    pub deadtime: Duration,
    /// The sender's watchdog timeout while armed, in milliseconds on the wire.
    pub watchdog: Option<Duration>,
    /// Digest of the times that both nodes must share.
    pub timing_digest: u32,
    /// The sender's groups, in the order in which its beats list them.
    pub groups: Vec<GroupName, { wire::MAX_GROUPS }>,
}

/// A group's identity in a [`Hello`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct GroupName {
    /// CRC-32 of its name.
    pub hash: u32,
    /// CRC-32 of its canonical line.
    pub digest: u32,
    /// The node it prefers.
    pub preferred: Side,
}
