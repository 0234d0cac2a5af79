//! Messages on the control socket, both ways: pieces of [`crate::framing`] whose tag is the [`VERSION`] and whose body, of at most
//! [`MAX_BODY`] bytes, is one of the enums below, in postcard. A peer of another version answers with its own version and a body
//! that is not to be read.

pub use crate::framing::{Front, HEAD};

use super::words::{LinkState, Said, Whose};
use crate::framing;
#[cfg(feature = "data")]
use hb_core::Stale;
use hb_core::config::FenceFailed;
use hb_core::message::{GroupState, Phase, Reason};
use hb_core::{PeerState, Wait};
use serde::{Deserialize, Serialize};

/// Of this module's messages. Raised whenever one changes.
pub const VERSION: u8 = 9;
/// Longest body: one group with the longest names, or one line of text.
pub const MAX_BODY: usize = 1000;
/// Longest request that the daemon takes, head included.
pub const MAX_REQUEST: usize = 400;

/// What a client asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Request<'a> {
    /// Everything that `hbd status` shows.
    Status,
    /// Leave in order.
    Stop,
    /// Read `authkeys` and what else can change safely again.
    Reload,
    /// Give groups to the peer.
    Standby(#[serde(borrow)] Which<'a>),
    /// Take groups from the peer.
    Takeover(#[serde(borrow)] Which<'a>),
    /// The operator vouches that this node, which must be the peer, is off.
    ConfirmDown(&'a str),
    /// Forget a failed start of the group, or try a stuck stop again.
    Clear(&'a str),
    /// [`Self::Reload`], and take keys that the peer lacks.
    ReloadForced,
    /// As [`Self::ConfirmDown`], although a service address answers.
    ConfirmDownForce(&'a str),
    /// Pull the data of this group now.
    #[cfg(feature = "data")]
    Sync(&'a str),
    /// The same, with a command of the operator's before it: the group, and the words with a NUL between them.
    #[cfg(feature = "data")]
    Guard(&'a str, &'a str),
    /// Why this group runs where it runs, and what would happen; all groups when it is empty.
    #[cfg(feature = "why")]
    Why(&'a str),
}

/// Which groups a move means.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Which<'a> {
    /// Every group.
    All,
    /// Those that prefer this node.
    Local,
    /// Those that prefer the other node.
    Foreign,
    /// The one of this name.
    One(&'a str),
}

/// One piece of an answer: with borrowed texts (`S`) as the daemon sends it, with owned ones as a command keeps it. Times carry their
/// unit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Reply<S> {
    /// The command was accepted and runs its course.
    Accepted,
    /// The command was refused, for this reason; nothing was changed.
    Refused(S),
    /// A line for the operator; more follows.
    Text(S),
    /// Status: this node.
    Node(NodeReply<S>),
    /// Status: the peer.
    Peer(PeerReply<S>),
    /// Status: one link.
    Link(LinkReply<S>),
    /// Status: one group; its resources follow.
    Group(GroupReply<S>),
    /// Status: one resource of the last group.
    Resource(S),
    /// Status: the watchdog, if one is configured.
    Watchdog(WatchdogReply<S>),
    /// Status: one ping node.
    Ping(PingReply<S>),
    /// Status: the process that writes logs and state.
    Helper(HelperReply),
    /// Status: that was all.
    End,
    /// Status: what is wrong with the last group, and the next command.
    Trouble(S),
    /// Status: the fence, if there is one.
    Fence(FenceReply<S>),
    /// Status: the bridge, if there is one.
    #[cfg(feature = "bridge")]
    Bridge(BridgeReply<S>),
    /// Status: the copy of the last group's data.
    #[cfg(feature = "data")]
    Copy(CopyReply),
    /// Status: how late the loop was.
    Late(LateReply),
    /// Status: the same over all lives.
    #[cfg(feature = "late-record")]
    LateRecord(LateRecordReply),
}

impl<S> Reply<S> {
    /// Does the answer end here?
    #[must_use]
    pub const fn is_last(&self) -> bool {
        matches!(self, Self::Accepted | Self::Refused(_) | Self::End)
    }
}

/// The fence.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct FenceReply<S> {
    /// Which.
    pub device: S,
    /// What is done when it fails.
    pub failed: Said<FenceFailed>,
    /// A reset is under way.
    pub busy: bool,
    /// The last one succeeded.
    pub ok: Option<bool>,
    /// That long ago.
    pub last_s: Option<u64>,
    /// Its last line.
    pub said: S,
}

/// The bridge. Words are those of its pages (docs/spec/bridge.md), `None` until they came.
#[cfg(feature = "bridge")]
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct BridgeReply<S> {
    /// The serial line that it is on.
    pub device: S,
    /// It answers.
    pub answers: bool,
    /// Its page about itself.
    pub own: Option<[u32; 3]>,
    /// Its four pages about what came from this node.
    pub from: [Option<[u32; 3]>; 4],
    /// Its four pages about what was sent to this node.
    pub to: [Option<[u32; 3]>; 4],
}

/// This node.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NodeReply<S> {
    /// Its name.
    pub name: S,
    /// Of the program.
    pub version: S,
    /// Of the daemon.
    pub pid: u32,
    /// Where it is in its life.
    pub phase: Said<Phase>,
    /// Start number and nonce of this life.
    pub incarnation: (u32, u32),
    /// Digest of timing and groups: equal on nodes that agree.
    pub config_digest: u32,
    /// It takes itself for the isolated one.
    pub isolated: bool,
    /// Another machine calls itself by this node's name.
    pub twin: bool,
    /// The longest that its loop was late, in microseconds.
    pub worst_late_us: u64,
    /// Since the daemon's start, in seconds.
    pub uptime_s: u64,
    /// Log lines and events that found no room.
    pub lost_lines: u32,
    /// Memory is locked and scheduling is real-time.
    pub realtime: bool,
}

/// The peer.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PeerReply<S> {
    /// Its name.
    pub name: S,
    /// Its liveness.
    pub state: Said<PeerState>,
    /// Its phase, once met.
    pub phase: Option<Said<Phase>>,
    /// Since its last beat, in milliseconds.
    pub last_heard_ms: Option<u64>,
    /// The configurations agree.
    pub config_match: Option<bool>,
    /// The shared times agree.
    pub timing_match: Option<bool>,
    /// It left in order.
    pub left: bool,
    /// It is heard but does not hear this node.
    pub deaf: bool,
    /// It runs Linux-HA Heartbeat, and a key of ours signed what it says.
    pub foreign: bool,
    /// A one-way link or a replay.
    pub one_way: bool,
    /// Two machines call themselves by its name.
    pub twins: bool,
}

/// One link.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LinkReply<S> {
    /// Interface or device.
    pub name: S,
    /// `serial`, `bcast`, `mcast` or `ucast`.
    pub medium: S,
    /// How it stands.
    pub state: Said<LinkState>,
    /// Good frames received.
    pub rx: u32,
    /// Frames sent.
    pub tx: u32,
    /// Beats of the peer that never came.
    pub lost: u32,
    /// Frames refused.
    pub bad: u32,
    /// Texts in the peer's name among them that no key of ours signed.
    pub text: u32,
    /// Frames of this cluster come, and none is signed with a key of ours.
    pub unsigned: bool,
    /// Broadcasts go to 255.255.255.255 as well.
    pub limited: bool,
    /// Last round trip in microseconds.
    pub rtt_us: Option<u64>,
}

/// One group.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct GroupReply<S> {
    /// Its first resource.
    pub name: S,
    /// The preferred node.
    pub preferred: S,
    /// Its state here.
    pub state: Said<GroupState>,
    /// Its state on the peer.
    pub peer_state: Option<Said<GroupState>>,
    /// Epoch of this tenure, or the highest seen.
    pub epoch: u32,
    /// Why it is wanted here.
    pub wanted: Option<Said<Reason>>,
    /// What a claim waits for.
    pub wait: Option<Said<Wait>>,
    /// The same as a sentence.
    pub wait_text: S,
    /// The lines of both nodes agree.
    pub config_match: Option<bool>,
    /// An operator's move stands against failback and ping moves.
    pub pinned: bool,
    /// Why it would move here, if no operator's move stood against it.
    pub barred: Option<Said<Reason>>,
    /// Its epochs have come to their end.
    pub spent: bool,
    /// The hardware address that answers for its addresses while the peer is silent.
    pub answered_by: Option<S>,
    /// How long it has been in its state, in seconds.
    pub since_s: u64,
    /// What brought it there, as a sentence; empty before the first change.
    pub why: S,
    /// Its resources, from [`Reply::Resource`].
    #[serde(skip)]
    pub resources: Vec<String>,
    /// From [`Reply::Trouble`].
    #[serde(skip)]
    pub trouble: Option<String>,
    /// From [`Reply::Copy`].
    #[cfg(feature = "data")]
    #[serde(skip)]
    pub copy: Option<CopyReply>,
}

/// One ping node.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PingReply<S> {
    /// Host or group name.
    pub host: S,
    /// It answers.
    pub alive: bool,
    /// It is a node itself, and does not count.
    pub mirror: Option<Said<Whose>>,
}

/// The copy of a group's data.
#[cfg(feature = "data")]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CopyReply {
    /// Since the begin of the last whole pull, in seconds; `None` on the node that writes, and when nobody knows.
    pub age_s: Option<u64>,
    /// Why it is stale.
    pub stale: Option<Said<Stale>>,
    /// This node's services wrote it.
    pub own: bool,
    /// It may hold what no other copy does.
    pub diverged: bool,
    /// A pull runs.
    pub pulling: bool,
    /// Pulls in a row that failed.
    pub failed: u32,
    /// Files that the pulls of this life moved aside.
    pub moved: u32,
}

/// The watchdog.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct WatchdogReply<S> {
    /// The device.
    pub device: S,
    /// The driver's timeout while armed, in seconds.
    pub timeout_s: Option<u32>,
    /// Feeds so far.
    pub fed: u32,
    /// What the driver says about the last boot (`WDIOF_*` bits).
    pub boot_status: Option<u32>,
    /// The process that holds the device in this node's place.
    pub held_by: Option<S>,
}

/// The helper process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct HelperReply {
    /// It runs.
    pub alive: bool,
    /// Since it last wrote all that it was given, in milliseconds; `None` before the first time.
    pub last_write_ms: Option<u64>,
    /// Lines and states that it was given and has not written yet.
    pub backlog: u32,
    /// What it could not write the last time that it tried.
    pub failing: Failing,
}

impl HelperReply {
    /// It has been given what it does not write: a disk hangs, or it stands still.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.backlog > 0 && self.last_write_ms.is_none_or(|ms| ms >= 2000)
    }
}

/// What the helper process cannot write: a disk that is full, a folder that is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Failing {
    /// The state file: the next life would not know what this one started.
    pub state: bool,
    /// `logfile`.
    pub log: bool,
}

impl Failing {
    /// The names of both that fail.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        [(self.state, "state"), (self.log, "logfile")]
            .into_iter()
            .filter_map(|(fails, name)| fails.then_some(name))
    }
}

/// How late the loop woke, over the daemon's life.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LateReply {
    /// Wakes that were late by no more than each bound of [`LATE_BOUNDS_US`] and by more than the one before; the last:
    /// by more than all.
    pub counts: [u64; LATE_BOUNDS_US.len() + 1],
    /// All of it together, in microseconds.
    pub sum_us: u64,
    /// The shortest deadtime that this lateness allows, with two heartbeats lost, in milliseconds.
    pub deadtime_ms: u64,
}

/// How late the loop woke, over all lives since the record was begun.
#[cfg(feature = "late-record")]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LateRecordReply {
    /// When it was begun, in seconds since 1970.
    pub since: i64,
    /// As [`LateReply::counts`].
    pub counts: [u64; LATE_BOUNDS_US.len() + 1],
    /// All of it together, in microseconds.
    pub sum_us: u64,
    /// The longest, in microseconds.
    pub worst_us: u64,
    /// When that was, in seconds since 1970.
    pub worst_at: i64,
    /// The shortest deadtime that this lateness allows, with two heartbeats lost, in milliseconds.
    pub deadtime_ms: u64,
}

/// Bounds of [`LateReply::counts`], in microseconds.
pub const LATE_BOUNDS_US: [u64; 10] =
    [1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000];

/// Put one message with its head into `buf`; answers the used part. `None` if it does not fit.
pub fn encode<'b, T: Serialize>(message: &T, buf: &'b mut [u8]) -> Option<&'b [u8]> {
    let room = buf.len().min(HEAD + MAX_BODY);
    let used = postcard::to_slice(message, buf.get_mut(HEAD..room)?).ok()?.len();
    let piece = buf.get_mut(..HEAD + used)?;
    framing::close(piece, VERSION)?;
    Some(piece)
}

/// Take the message at the front of `bytes`.
pub fn decode<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Front<T> {
    match framing::front(bytes, MAX_BODY, VERSION..=VERSION) {
        Front::Partial => Front::Partial,
        Front::Whole((_, body), used) => {
            postcard::from_bytes(body).map_or(Front::Foreign, |message| Front::Whole(message, used))
        }
        Front::Foreign => Front::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_come_back_as_they_went() {
        let all = [
            Request::Status,
            Request::Stop,
            Request::Reload,
            Request::ReloadForced,
            Request::Standby(Which::Local),
            Request::Takeover(Which::Foreign),
            Request::Takeover(Which::One("192.168.2.50")),
            Request::ConfirmDown("ha-2"),
            Request::Clear("192.168.2.50"),
            #[cfg(feature = "data")]
            Request::Guard("192.168.2.50", "rsync\0-a"),
        ];
        for request in all {
            let mut buf = [0; MAX_REQUEST];
            let bytes = encode(&request, &mut buf).unwrap();
            assert_eq!(decode(bytes), Front::Whole(request, bytes.len()));
            for cut in 0..bytes.len() {
                assert_eq!(decode::<Request<'_>>(&bytes[..cut]), Front::Partial);
            }
        }
    }

    #[test]
    fn what_is_not_ours_is_said_to_be_so() {
        assert_eq!(decode::<Request<'_>>(&[1, 0, VERSION + 1, 0]), Front::Foreign);
        assert_eq!(decode::<Request<'_>>(&[1, 0, VERSION, 99]), Front::Foreign);
        assert_eq!(decode::<Request<'_>>(&[0xff, 0xff, VERSION, 0]), Front::Foreign);
    }

    #[test]
    fn the_longest_names_fit() {
        let name = "n".repeat(255);
        let group = GroupReply {
            name: name.as_str(),
            preferred: &name[..64],
            state: Said(GroupState::Starting),
            peer_state: Some(Said(GroupState::Starting)),
            epoch: u32::MAX,
            wanted: Some(Said(Reason::Failback)),
            wait: Some(Said(Wait::WatchdogPending)),
            wait_text: &name,
            config_match: Some(true),
            pinned: true,
            barred: Some(Said(Reason::Failback)),
            spent: true,
            answered_by: Some("00:0c:29:00:00:01"),
            since_s: u64::MAX,
            why: &name[..120],
            ..GroupReply::default()
        };
        let mut buf = [0; HEAD + MAX_BODY];
        assert!(encode(&Reply::Group(group), &mut buf).is_some());
        let long = "n".repeat(MAX_BODY);
        assert!(encode(&Reply::Text(long.as_str()), &mut buf).is_none());
    }
}
