//! What a row of script calls is for and how it ends; one call under way: its limit, and what follows when it does not end.

use crate::action::Verb;
use crate::ids::Token;
use crate::time::{Duration, Instant};

/// A killed call that is never reported (a process that cannot die) is given up after this.
pub(super) const KILL_GRACE: Duration = Duration::from_secs(5);

/// What the whole sequence is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Goal {
    /// Prove everything stopped at the daemon's start: stop what `status` does not report stopped.
    Clean,
    /// Bring everything up.
    Start,
    /// Take everything down.
    Stop,
    /// Take down what is right of and including this resource, and bring it up again.
    Restart(u8),
}

/// What to do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Request {
    /// Call the script; then `Sequence::called`.
    Run {
        /// Position in the group.
        resource: u8,
        /// What with.
        verb: Verb,
    },
    /// Kill the call.
    Kill(Token),
    /// Nothing until an answer comes or this time.
    Wait(Instant),
    /// It ended; it is asked no more.
    Finished(Finish),
}

/// How it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Finish {
    /// Everything is up.
    Started,
    /// A start failed, and everything is proven stopped again.
    StartFailed,
    /// Everything is proven stopped.
    Stopped,
    /// Something may still run.
    StopFailed,
}

/// The running call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Call {
    pub(crate) token: Token,
    pub(crate) resource: u8,
    pub(crate) verb: Verb,
    pub(crate) deadline: Instant,
    pub(crate) killed: bool,
}

impl Call {
    /// Past its limit, or told to end: kill it once; give it up when even that has no effect.
    pub(crate) fn overdue(&mut self, now: Instant) -> Overdue {
        if now < self.deadline {
            Overdue::No(self.deadline)
        } else if self.killed {
            Overdue::GiveUp
        } else {
            self.kill(now);
            Overdue::Kill
        }
    }

    pub(super) fn kill(&mut self, now: Instant) {
        self.killed = true;
        self.deadline = now.plus(KILL_GRACE);
    }
}

/// The verdict of [`Call::overdue`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Overdue {
    /// Not before this time.
    No(Instant),
    /// Kill it now.
    Kill,
    /// It was killed and never ended.
    GiveUp,
}
