//! The scripts of one machine, and what can be wrong with them (DESIGN §5, §7 O1).
//!
//! A `start` or `stop` is under way for any time up to its limit; `status` is answered at once, and truthfully where it is
//! answered. What is odd about all scripts of a machine lasts until somebody mends it, at any later time and at no cost.
//! Scripts do not lie: a `stop` that answers 0 has stopped it.

use super::canon::Canon;
use super::case::SCRIPT_LIMIT;
use super::print::Class;
use super::world::GROUPS;
use hb_core::{Duration, Instant, Token, Verb};

/// What is odd about all scripts of a machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Oddity {
    #[default]
    Nothing,
    /// No process: no call can be run, and nobody knows why.
    NotRun,
    /// The scripts are not there, or may not be run.
    Gone,
    /// `status` says nothing.
    Silent,
    /// `status` says of what runs that a part of it does.
    Partly,
    /// `status` never ends, and nothing can kill it.
    Deaf,
}

/// A `start` or `stop` that runs, or a `status` that does not end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) token: Token,
    pub(super) group: usize,
    pub(super) verb: Verb,
    pub(super) since: Instant,
    pub(super) end: End,
    /// Before it the group ran, and was proven stopped.
    pub(super) before: (bool, bool),
}

/// How a call ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// By itself, at any time up to its limit.
    Open,
    /// When it is killed.
    Killed,
    /// When it is killed; but it had just done what it should.
    Late,
    /// Nothing can kill it.
    Never,
}

impl Call {
    /// Nothing is decided about its end.
    pub(super) fn open(&self) -> bool {
        self.end == End::Open
    }
}

/// What this life's scripts proved about a group.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Proof {
    /// It is stopped.
    pub(super) stopped: bool,
    /// The last `stop` answered 0; or so many in a row did not.
    pub(super) done: bool,
    pub(super) refused: u8,
}

/// The scripts of a machine. What they began outlives the daemon.
#[derive(Clone, Debug, Default)]
pub(super) struct Scripts {
    pub(super) oddity: Oddity,
    /// Since when a call was not answered for it.
    pub(super) felt: Option<Instant>,
    /// The daemon was told that the scripts are there.
    pub(super) told_gone: bool,
    /// This boot has started the group, and it was not proven stopped since.
    pub(super) started: [bool; GROUPS],
    /// The disk may not say so: the write was lost, or the file.
    pub(super) unrecorded: [bool; GROUPS],
    pub(super) calls: Vec<Call>,
    /// Killed, and still there: token, group and verb.
    pub(super) left: Vec<(Token, usize, Verb)>,
}

impl Scripts {
    pub(super) fn canon(&self, now: Instant, canon: &mut Canon) {
        canon.plain(self.felt_for(now).min(self.enough()).as_micros() << 1 | u64::from(self.felt.is_some()));
        for call in &self.calls {
            canon.value(Class::Token, u64::from(call.token.0));
            canon.value(Class::Real, call.since.as_micros());
            let before = u64::from(call.before.0) | u64::from(call.before.1) << 1;
            canon.plain(call.group as u64 | (call.end as u64) << 4 | (call.verb as u64) << 9 | before << 12);
        }
        for (token, group, verb) in &self.left {
            canon.value(Class::Token, u64::from(token.0));
            canon.plain(*group as u64 | (*verb as u64) << 9 | 1 << 20);
        }
        let started = u64::from(self.started[0]) | u64::from(self.started[1]) << 1;
        let unrecorded = u64::from(self.unrecorded[0]) | u64::from(self.unrecorded[1]) << 1;
        canon.plain(
            0x50 | started | unrecorded << 2 | (self.oddity as u64) << 8 | u64::from(self.told_gone) << 16,
        );
    }

    /// Nothing is odd any more.
    pub(super) fn mended(&mut self) {
        (self.oddity, self.felt) = (Oddity::Nothing, None);
    }

    /// Somebody mends it now: one failure tells as much as a row of them does.
    pub(super) fn felt_enough(&self, now: Instant) -> bool {
        self.felt_for(now) >= self.enough()
    }

    fn enough(&self) -> Duration {
        match self.oddity {
            Oddity::Nothing | Oddity::Silent | Oddity::Partly => Duration::from_secs(1 << 20),
            Oddity::NotRun | Oddity::Gone => SCRIPT_LIMIT.times(3),
            // A `status` that was killed in vain is given up after 5 s.
            Oddity::Deaf => SCRIPT_LIMIT.times(30),
        }
    }

    fn felt_for(&self, now: Instant) -> Duration {
        self.felt.map_or(Duration::ZERO, |since| now.since(since))
    }

    /// No call can be run.
    pub(super) fn run_nothing(&self) -> bool {
        matches!(self.oddity, Oddity::NotRun | Oddity::Gone)
    }

    /// A `start` that was given up may bring the group up at any time.
    pub(super) fn loose(&self, group: usize) -> bool {
        self.left.iter().any(|(_, other, verb)| *other == group && *verb == Verb::Start)
    }
}

impl Proof {
    pub(super) fn bits(self) -> u64 {
        u64::from(self.stopped) | u64::from(self.done) << 1 | u64::from(self.refused) << 2
    }
}
