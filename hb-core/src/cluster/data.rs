//! The copy of one group's data on this node (DESIGN §9): what runs over it, what its stamp says, whether it is good
//! enough to start on.

use crate::config::{DataConfig, StalePolicy};
use crate::event::Stale;
use crate::ids::{Side, Token};
use crate::stamp::Stamp;
use crate::time::{Duration, Instant};

/// First pause after a pull between a stop and a start failed; doubles up to [`PAUSE_MAX`].
const PAUSE_FIRST: Duration = Duration::from_secs(60);
const PAUSE_MAX: Duration = Duration::from_secs(3840);
/// An age that nobody knows.
const UNKNOWN: Duration = Duration::from_micros(u64::MAX);

/// What is done with the copy right now. At most one thing at a time writes to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// The stamp was not read yet.
    Unread,
    /// Nothing runs here.
    Rest,
    /// A pull from a holder runs.
    Pulling,
    /// The pull from a stopped peer runs, in front of the first start script.
    Last,
    /// The running pull was told to end.
    Ending,
    /// The stamp of the tenure to come is being written.
    Writing,
    /// It is written: start scripts may run.
    Written,
    /// In service: the stamp is the tenure's.
    Live,
}

/// What can happen to a copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CopyEvent {
    /// The stamp was read.
    Read,
    /// A holder is there, and a pull is due.
    Due,
    /// A claim needs what the stopped peer has.
    Fetch,
    /// The source is gone, or the time is over.
    Halt,
    /// The pull brought everything.
    Whole,
    /// The pull failed, or was ended.
    Cut,
    /// A claim may go on: write the tenure's stamp.
    Sign,
    /// It is on the disk.
    Signed,
    /// It could not be written.
    Unsigned,
    /// The group is in service.
    Held,
    /// The group is proven stopped.
    Over,
}

/// What follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Effect {
    /// Nothing.
    None,
    /// Begin a pull.
    Pull,
    /// End it.
    End,
    /// Write the stamp of the tenure to come.
    Write,
    /// Write the stamp of before again: the tenure never came into service.
    Restore,
    /// Write the tenure's stamp once more: it is over, and all of it is proven stopped.
    Close,
}

/// The machine.
///
/// ```text
///          read            sign             signed             held
///  Unread ------> Rest <----------> Writing ------> Written ---------> Live
///                 | ^ ^  unsigned, over                | over            | over
///      due, fetch | | +--------------------------------+-----------------+
///                 v | whole, cut
///           Pulling, Last --halt--> Ending --whole, cut--> Rest
/// ```
#[must_use]
pub(crate) const fn next(stage: Stage, event: CopyEvent) -> (Stage, Effect) {
    use CopyEvent as E;
    use Stage as S;
    match (stage, event) {
        (S::Unread, E::Read) => (S::Rest, Effect::None),
        (S::Rest, E::Due) => (S::Pulling, Effect::Pull),
        (S::Rest, E::Fetch) => (S::Last, Effect::Pull),
        (S::Rest, E::Sign) => (S::Writing, Effect::Write),
        (S::Pulling | S::Last, E::Halt) => (S::Ending, Effect::End),
        // One that came to its end before it could be ended is as good as any.
        (S::Pulling | S::Last | S::Ending, E::Whole | E::Cut) => (S::Rest, Effect::None),
        (S::Writing, E::Signed) => (S::Written, Effect::None),
        (S::Writing, E::Unsigned | E::Over) | (S::Written, E::Over) => (S::Rest, Effect::Restore),
        (S::Written, E::Held) => (S::Live, Effect::None),
        (S::Live, E::Over) => (S::Rest, Effect::Close),
        (
            S::Unread,
            E::Due
            | E::Fetch
            | E::Halt
            | E::Whole
            | E::Cut
            | E::Sign
            | E::Signed
            | E::Unsigned
            | E::Held
            | E::Over,
        )
        | (S::Rest, E::Read | E::Halt | E::Whole | E::Cut | E::Signed | E::Unsigned | E::Held | E::Over)
        | (
            S::Pulling | S::Last,
            E::Read | E::Due | E::Fetch | E::Sign | E::Signed | E::Unsigned | E::Held | E::Over,
        )
        | (
            S::Ending,
            E::Read | E::Due | E::Fetch | E::Halt | E::Sign | E::Signed | E::Unsigned | E::Held | E::Over,
        )
        | (S::Writing, E::Read | E::Due | E::Fetch | E::Halt | E::Whole | E::Cut | E::Sign | E::Held)
        | (
            S::Written,
            E::Read | E::Due | E::Fetch | E::Halt | E::Whole | E::Cut | E::Sign | E::Signed | E::Unsigned,
        )
        | (
            S::Live,
            E::Read
            | E::Due
            | E::Fetch
            | E::Halt
            | E::Whole
            | E::Cut
            | E::Sign
            | E::Signed
            | E::Unsigned
            | E::Held,
        ) => (stage, Effect::None),
    }
}

/// What the shell was not told yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) pull: bool,
    pub(crate) end: bool,
    pub(crate) write: bool,
}

/// The copy of one group.
#[derive(Clone, Debug)]
pub(crate) struct Copy {
    pub(crate) config: DataConfig,
    /// The peer's stamp, as last shown.
    pub(crate) theirs: Option<Stamp>,
    pub(crate) stage: Stage,
    /// What is shown: that of the copy as it was pulled or served. A tenure shows its own once it is in service.
    pub(crate) stamp: Stamp,
    /// The highest epoch on any stamp that was met.
    pub(crate) newest: u32,
    /// The number of a line, should the tenure to come begin one.
    pub(crate) line: u32,
    /// The running pull or write.
    pub(crate) token: Token,
    pub(crate) ask: Ask,
    /// The pull that runs, or ran last, is one from a stopped peer.
    pub(crate) last: bool,
    /// The holder's epoch that the last pull was begun at.
    pub(crate) source: u32,
    /// The pull of this claim failed.
    pub(crate) cut: bool,
    /// An operator asked for the group although the copy is stale.
    pub(crate) accepted: bool,
    /// At rest: the next pull is due then. While a claim waits for the copy: no longer than until then.
    pub(crate) at: Instant,
    /// No handover to this node before this: a last pull failed.
    pub(crate) pause_until: Instant,
    pauses: u8,
    /// Pulls in a row that failed.
    pub(crate) failed: u8,
    /// Files moved aside.
    pub(crate) moved: u32,
    /// When the running pull began, and when the last whole one did, by the caller's clock.
    pub(crate) begun: Instant,
    fresh: Instant,
    /// Its age at that time.
    older: Duration,
}

impl Copy {
    pub(crate) const fn new(config: DataConfig, newest: u32) -> Self {
        Self {
            config,
            theirs: None,
            stage: Stage::Unread,
            stamp: Stamp::NONE,
            newest,
            line: 0,
            token: Token(0),
            ask: Ask { pull: false, end: false, write: false },
            last: false,
            source: 0,
            cut: false,
            accepted: false,
            at: Instant::ZERO,
            pause_until: Instant::ZERO,
            pauses: 0,
            failed: 0,
            moved: 0,
            begun: Instant::ZERO,
            fresh: Instant::ZERO,
            older: UNKNOWN,
        }
    }

    /// A pull runs, or may still run.
    pub(crate) const fn pulls(&self) -> bool {
        matches!(self.stage, Stage::Pulling | Stage::Last | Stage::Ending)
    }

    /// The stamp as it was found on the disk, its age known or not; `real` is the caller's clock.
    pub(crate) fn read(&mut self, stamp: Stamp, age: Option<Duration>, real: Instant) {
        self.stamp = stamp;
        self.saw(stamp.epoch);
        self.fresh = real;
        self.older = age.unwrap_or(UNKNOWN);
    }

    /// A stamp of this epoch was shown by anybody. `true` when it is the highest so far.
    pub(crate) fn saw(&mut self, epoch: u32) -> bool {
        let higher = epoch > self.newest;
        if higher {
            self.newest = epoch;
        }
        higher
    }

    /// A pull brought everything: the copy is as its source was when the pull began.
    pub(crate) fn whole(&mut self, stamp: Stamp, moved: u32) {
        self.stamp = stamp;
        self.saw(stamp.epoch);
        self.moved = self.moved.saturating_add(moved);
        self.fresh = self.begun;
        self.older = Duration::ZERO;
        self.failed = 0;
        self.cut = false;
        self.accepted = false;
    }

    /// A pull between a stop and a start failed: the next handover comes after a pause, which grows (DESIGN §9.12).
    pub(crate) fn rest_from_handovers(&mut self, now: Instant) {
        let pause = PAUSE_FIRST.times(1 << u64::from(self.pauses.min(6))).min(PAUSE_MAX);
        self.pauses = self.pauses.saturating_add(1);
        self.pause_until = now.plus(pause);
    }

    /// The tenure of node `me` at `epoch` is in service.
    pub(crate) fn serve(&mut self, me: Side, epoch: u32) {
        self.stamp = self.stamp.begin(me, epoch, self.line);
        self.saw(epoch);
        self.pauses = 0;
        self.accepted = false;
    }

    /// Since the begin of the last whole pull, by the caller's clock. `None` for what this node wrote itself, and when
    /// nobody knows.
    pub(crate) fn age(&self, me: Side, real: Instant) -> Option<Duration> {
        if self.stamp.writer() == Some(me) || self.older == UNKNOWN {
            return None;
        }
        Some(real.since(self.fresh).plus(self.older))
    }

    /// Why it is stale, if it is (DESIGN §9.14).
    pub(crate) fn stale(&self, me: Side, real: Instant) -> Option<Stale> {
        let pulled = self.stamp.writer() == Some(me.other());
        if self.stage == Stage::Unread {
            Some(Stale::Unread)
        } else if self.stamp.epoch == 0 && self.newest > 0 {
            Some(Stale::Missing)
        } else if self.stamp.partial {
            Some(Stale::Partial)
        } else if self.stamp.epoch < self.newest {
            Some(Stale::Behind)
        } else if pulled && self.age(me, real).is_none_or(|age| age > self.config.stale_after) {
            Some(Stale::Old)
        } else {
            None
        }
    }

    /// Why no tenure may begin on it, if none may (DESIGN §9.13).
    pub(crate) fn blocked(&self, me: Side, real: Instant) -> Option<Stale> {
        let stale = self.stale(me, real)?;
        let accepted = match (self.config.stale, stale) {
            // An empty directory may be a disk that is not mounted: a word for it is not enough, its stamp must come back.
            (_, Stale::Unread | Stale::Missing) | (StalePolicy::Refuse, _) => false,
            (StalePolicy::Accept, _) | (StalePolicy::AcceptAge, Stale::Old) => true,
            (StalePolicy::AcceptAge | StalePolicy::Wait, Stale::Partial | Stale::Behind)
            | (StalePolicy::Wait, Stale::Old) => self.accepted,
        };
        (!accepted).then_some(stale)
    }
}

#[cfg(test)]
#[path = "data_tests.rs"]
mod tests;
