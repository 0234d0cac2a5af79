//! What the world must do: everything a node asks of its shell.

use crate::event::Event;
use crate::ids::{GroupId, LinkId, Token};
use crate::stamp::Stamp;
use crate::time::Duration;

/// One thing for the shell to do now. Drain [`crate::Node::poll_action`] until `None` after every input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Action {
    /// Send the first `len` bytes of the buffer that was passed to `poll_action` on `link`, whole or not at all.
    /// Never block: a frame that does not fit replaces the one still waiting. Report nothing back.
    Transmit {
        /// The link.
        link: LinkId,
        /// Length of the bytes, already coded for the link's kind.
        len: usize,
    },
    /// Feed the watchdog, now, in this step. Report nothing back.
    FeedWatchdog,
    /// Write [`crate::Node::saved`] to the disk and sync it; then give [`crate::Input::Persisted`] with `serial`.
    Persist {
        /// Names this write; a later one supersedes an earlier one.
        serial: u32,
    },
    /// Run `verb` of resource number `resource` (0 is leftmost) of `group` as a child in its own process group;
    /// then give [`crate::Input::ScriptDone`] with `token`. The core owns the time limit.
    RunScript {
        /// The group.
        group: GroupId,
        /// Position in the group, from the left.
        resource: u8,
        /// What to call it with.
        verb: Verb,
        /// Hand this back once.
        token: Token,
    },
    /// Kill that call's process group; its [`crate::Input::ScriptDone`] then says [`crate::Outcome::Killed`].
    KillScript {
        /// The call.
        token: Token,
    },
    /// Pull the data of `group` from the peer as a child in its own process group; then give
    /// [`crate::Input::PullDone`] with `token`. In this order:
    /// 1. note *partial* in the own stamp file, synced, before the first change to the copy;
    /// 2. bring every file, delete what the source does not have; with `keep`, move what would be overwritten or
    ///    deleted into a dated folder beside the data first;
    /// 3. bring the source's stamp file as the last one, and put what [`Stamp::arrived`] makes of it in place of the
    ///    own one, synced.
    ///
    /// A stamp file never takes part in 2. The core owns the time limit. It begins when every
    /// [`Self::WriteStamp`] of the group before it has ended; one that is ended before that was cut with no `partial`.
    Pull {
        /// The group.
        group: GroupId,
        /// Hand this back once.
        token: Token,
        /// The stamp that the source shows.
        source: Stamp,
        /// The source has stopped its services: this is the pull between its last stop and the first start here.
        last: bool,
        /// The copy may hold what no other does.
        keep: bool,
    },
    /// Kill that pull's process group; its [`crate::Input::PullDone`] follows once nothing of it runs any more.
    EndPull {
        /// The pull.
        token: Token,
    },
    /// Put `stamp` in place of the own stamp file of `group`, synced; then give [`crate::Input::StampWritten`]. The
    /// writes of one group reach the disk in the order of their actions, the notes of its pulls included.
    ///
    /// The stamp of a tenure comes twice: before its first start script, and when all of it is proven stopped. What was
    /// written in between and has no second write was cut short, and is read as *diverged* by the next life.
    WriteStamp {
        /// The group.
        group: GroupId,
        /// Hand this back once.
        token: Token,
        /// What to write.
        stamp: Stamp,
    },
    /// Send gratuitous ARP for every service address of `group` (again). Report nothing back.
    Announce {
        /// The group.
        group: GroupId,
    },
    /// Send one echo request to every ping node; give [`crate::Input::PingAnswer`] for each answer.
    Ping,
    /// Cut the peer's power; then give [`crate::Input::FenceDone`].
    Fence,
    /// Ask by ARP probe whether any service address answers; then give [`crate::Input::ProbeDone`].
    ProbeAddresses,
    /// Ask for every address of `group` now, on its own interface: one ARP request to everybody with no sender address
    /// (RFC 5227), and one to the machine that answered last. Ask the other hosts on these networks as well. Give
    /// [`crate::Input::Asked`] for each address as things become known: at once that the question left or could not.
    /// What came before the first question of a while is thrown away.
    Ask {
        /// The group.
        group: GroupId,
    },
    /// Another machine asks for an address of `group` that this node is about to take: answer for all of them, to
    /// everybody, as if they were here ([`crate::Asked::Defended`]). Report nothing back.
    Defend {
        /// The group.
        group: GroupId,
    },
    /// Tell people. Never affects what the shell does next.
    Report(Event),
    /// Everything is settled: disarm the watchdog if `clean`, and end.
    Exit {
        /// Every group is proven stopped, so the watchdog may be closed.
        clean: bool,
    },
}

/// The argument that a script is called with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Verb {
    /// Bring the resource up.
    Start,
    /// Take the resource down.
    Stop,
    /// Say whether it runs.
    Status,
}

impl Verb {
    /// The word on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Status => "status",
        }
    }

    /// The limit of this verb among `limits`.
    #[must_use]
    pub const fn limit(self, limits: &crate::config::ScriptLimits) -> Duration {
        match self {
            Self::Start => limits.start,
            Self::Stop => limits.stop,
            Self::Status => limits.status,
        }
    }
}
