//! What the world did: everything a node can be told. Inputs never fail; bad bytes are counted.

use crate::ids::{GroupId, LinkId, PingId, Token};
use crate::stamp::Stamp;
use crate::time::Duration;

/// One thing that happened. The shell reads everything that is ready, one `Input` each, and ends the round with
/// [`Input::Tick`]; timers fire only there, so queued input always comes before a timer (DESIGN §6).
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Bytes from a stream link in any split, or exactly one datagram from a datagram link.
    Received {
        /// Where they came from.
        link: LinkId,
        /// The bytes as they came.
        bytes: &'a [u8],
    },
    /// A link's device opened or failed. Links start down.
    LinkChanged {
        /// Which link.
        link: LinkId,
        /// Usable now?
        up: bool,
    },
    /// A script call ended; every [`crate::Action::RunScript`] gets exactly one of these.
    ScriptDone {
        /// The token of the call.
        token: Token,
        /// How it ended.
        outcome: Outcome,
    },
    /// A ping node answered.
    PingAnswer {
        /// Which one.
        ping: PingId,
    },
    /// All verified frames of some link come from this ping node's address, or it is one of this machine; or neither any
    /// more. Whether it answers says nothing of the own network then, and does not count. Off at the start.
    PingIsPeer {
        /// Which one.
        ping: PingId,
        /// It is the peer, or this node.
        is_peer: bool,
    },
    /// [`crate::Action::Persist`] number `serial` is on the disk.
    Persisted {
        /// The serial of the action.
        serial: u32,
    },
    /// [`crate::Action::Persist`] number `serial` could not be written: the disk is full, or refuses. What is newest then
    /// is asked for again, a second later.
    PersistFailed {
        /// The serial of the action.
        serial: u32,
    },
    /// [`crate::Action::Fence`] ended.
    FenceDone {
        /// The peer is proven off.
        ok: bool,
    },
    /// [`crate::Action::ProbeAddresses`] ended.
    ProbeDone {
        /// Some service address of a group answered an ARP probe.
        answered: bool,
    },
    /// What [`crate::Action::Ask`] came to for one address, as soon as it is known.
    Asked {
        /// Its number: a bit of [`crate::config::AskConfig::addresses`].
        address: u8,
        /// What happened.
        what: Asked,
    },
    /// The scripts of a group appeared or went away.
    Claimable {
        /// Which group.
        group: GroupId,
        /// All scripts are present and executable.
        claimable: bool,
    },
    /// Something that a resource needs went away or came back, such as the interface of a service address: if the group is
    /// held, `status` of the resource is asked now, monitor or not, and what is gone is put back, after a question whether
    /// another machine has taken its addresses meanwhile ([`crate::Action::Ask`]). Nothing in a build without the feature
    /// `ask`.
    Look {
        /// Which group.
        group: GroupId,
        /// Which of its resources.
        resource: u8,
    },
    /// The stamp of a group's data, as it stands on the disk: once for each group with data, when the daemon begins.
    /// Until then the group is not claimed.
    Copy {
        /// Which group.
        group: GroupId,
        /// The stamp; [`Stamp::NONE`] when there is none.
        stamp: Stamp,
        /// Since the begin of the last whole pull; `None` when nobody knows. Of no account for this node's own writing.
        age: Option<Duration>,
    },
    /// [`crate::Action::WriteStamp`] ended.
    StampWritten {
        /// The token of the action.
        token: Token,
        /// It is on the disk.
        ok: bool,
    },
    /// A pull ended, by itself or by [`crate::Action::EndPull`], and nothing of it runs any more; every
    /// [`crate::Action::Pull`] gets exactly one of these.
    PullDone {
        /// The token of the pull.
        token: Token,
        /// How it ended.
        outcome: Pulled,
    },
    /// The watchdog's state changed. It starts as [`Watchdog::Off`].
    Watchdog(Watchdog),
    /// A link that is open could not be read since the last [`Input::Tick`] (no memory, no free descriptor, a wait that
    /// failed): what came meanwhile is not known, so this time is the own stall and no part of the peer's silence. Beats go
    /// on. To be given before the tick of each such round.
    Unread,
    /// Time passed: at the latest at `poll_deadline()`, and at the end of every round of inputs.
    Tick {
        /// Every link was read until it had nothing left. `false` postpones the judgement of silence.
        drained: bool,
    },
}

/// What became of a question, for one address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    /// It left, on an interface that is up and has a carrier.
    Left,
    /// It could not leave.
    Unable(Unable),
    /// Another machine answered for the address: a hardware address that is none of this machine's.
    Answered {
        /// Its hardware address.
        mac: [u8; 6],
    },
    /// The other node answered, as [`crate::Action::Defend`] makes it: it is about to take the address, or has it.
    Defended {
        /// Its hardware address.
        mac: [u8; 6],
    },
    /// Another machine asks, with no address of its own: it may be about to take it.
    Question,
    /// Something else on the network of the address answered a question: a ping node, the gateway, a client. Neither
    /// this machine nor one that answers for a service address.
    Neighbour,
}

/// Why a question could not leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Unable {
    /// There is no such interface, or no route to the address.
    NoInterface,
    /// The interface is switched off.
    Down,
    /// It has no carrier.
    NoCarrier,
    /// It was refused.
    Refused,
}

/// The watchdog as the shell knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Watchdog {
    /// None is configured, or it failed to open.
    Off,
    /// Armed by this daemon, with the timeout read back from the driver.
    Armed {
        /// The driver's timeout.
        timeout: Duration,
    },
    /// Another process holds it: one of an earlier life, whose timer may still fire, or a program of its own. The node does
    /// not join until this is settled, and leaves its groups to a peer that can run them (DESIGN §7 O1).
    Pending,
}

/// How a script call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// `start` or `stop` exited with 0.
    Ok,
    /// `start` or `stop` exited with this code (128 + signal when it was killed by one it did not get from us).
    Failed(u8),
    /// `status` answered that the resource runs.
    Running,
    /// `status` answered that the resource is stopped.
    Stopped,
    /// `status` answered neither: it says nothing, or does not know the verb. Nothing shows that it runs, and nothing that
    /// it is stopped.
    Unclear,
    /// `status` answered both, of the parts of a resource: not started in full, and not proven stopped.
    Partly,
    /// It was killed by [`crate::Action::KillScript`].
    Killed,
    /// It could not be started at all (no such file, no process).
    NotRun,
}

#[cfg(feature = "coverage")]
impl Outcome {
    /// Its number among the marks.
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Ok => 0,
            Self::Failed(_) => 1,
            Self::Running => 2,
            Self::Stopped => 3,
            Self::Unclear => 4,
            Self::Partly => 5,
            Self::Killed => 6,
            Self::NotRun => 7,
        }
    }
}

/// How a pull ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pulled {
    /// Everything is here, and the own stamp file says so.
    Whole {
        /// What it says: that which [`Stamp::arrived`] made of the source's.
        stamp: Stamp,
        /// Files that were moved aside.
        moved: u32,
    },
    /// It failed, or was ended.
    Cut {
        /// It had begun to change the copy: the own stamp file says *partial*.
        partial: bool,
    },
}

/// What an operator asks for (DESIGN §10).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// `hbd standby`: give these groups to the peer.
    Standby(Scope),
    /// `hbd takeover`: take these groups from the peer.
    Takeover(Scope),
    /// `hbd confirm-down NODE`: the operator vouches that the peer is off.
    ConfirmDown,
    /// `hbd confirm-down NODE --force`: the same, although a service address answers: somebody else's machine does.
    ConfirmDownForce,
    /// `hbd clear GROUP`: forget a failed start, or try a stuck stop again.
    Clear(GroupId),
    /// `hbd stop`: leave in order.
    Stop,
}

#[cfg(feature = "coverage")]
impl Command {
    /// Its number among the marks.
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Standby(_) => 0,
            Self::Takeover(_) => 1,
            Self::ConfirmDown | Self::ConfirmDownForce => 2,
            Self::Clear(_) => 3,
            Self::Stop => 4,
        }
    }
}

/// Which groups a command means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Every group.
    All,
    /// Groups that prefer this node.
    Local,
    /// Groups that prefer the peer.
    Foreign,
    /// This group alone.
    One(GroupId),
}

/// Why a command is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// No group is in a state that the command could change.
    NothingToDo,
    /// The peer is not there (or not heard both ways) to take the groups.
    PeerNotUp,
    /// The peer cannot run the group: a start failed there, its script is missing, or it is isolated.
    PeerUnable,
    /// This node cannot run the group: a start failed here, or its script is missing.
    SelfUnable,
    /// A script of the group cannot be run here, so that it could not be stopped either.
    Scripts,
    /// The two nodes' configurations differ in this group (DESIGN §7 O10).
    ConfigDiffers,
    /// The node is joining or leaving.
    Busy,
    /// The peer is alive: `confirm-down` would be a lie.
    PeerAlive,
    /// The copy of the data that the group would be started on is stale, or not in sync with the holder's.
    StaleCopy,
    /// A service address is still answered by another machine: `confirm-down` would be a lie.
    AddressAnswers,
}
