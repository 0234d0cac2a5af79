//! A peer that runs Linux-HA Heartbeat (DESIGN §4): what verified text of it means, and what its silence does.
//!
//! Heartbeat answers no challenge. What stands in for it is that every message is used once: a generation (a start of the
//! daemon) and a number in it are taken only above all that were taken before, also in an earlier life of this node.

use crate::frame::foreign::{BUILT, Holds, Text};
use crate::time::{Duration, Instant};

/// The newest text that was taken, kept across lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Heard {
    /// The sender's generation.
    pub generation: u32,
    /// Its number in that; [`u32::MAX`] where nothing of the generation counts any more: it was shut down, or the node
    /// has run this program since.
    pub seq: u32,
    /// It was signed with a secret: `crc` alone does not do any more.
    pub keyed: bool,
}

/// Where the peer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// It runs no Heartbeat that was heard.
    Absent,
    /// It was heard within the deadtime.
    Up,
    /// Silent for the deadtime, and may be so: it announced a longer one, or none.
    Quiet,
    /// Silent for longer than it may be.
    Dead,
    /// It said that all its resources are released.
    Left,
}

/// What can happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// Text that counts.
    Heard,
    /// `shutdone`, of one that was watched for long enough to be believed.
    ShutDone,
    /// The deadtime passed in silence.
    Quiet,
    /// The longer one passed too, or an operator vouched.
    Silent,
    /// The peer runs this program.
    Native,
}

/// The machine.
///
/// ```text
///            heard           quiet            silent
///  Absent --------> Up <-----------> Quiet ---------> Dead
///                   |  ^ heard         |                |
///                   |  +----- Left <---+ shut done      | heard: Up
///                   +----------^
///  any: native -> Absent
/// ```
#[must_use]
pub(crate) const fn next(state: State, change: Change) -> State {
    match (state, change) {
        (_, Change::Native) => State::Absent,
        (_, Change::Heard) => State::Up,
        (State::Up | State::Quiet, Change::ShutDone) => State::Left,
        (State::Absent | State::Dead | State::Left, Change::ShutDone) => state,
        (State::Up, Change::Quiet) => State::Quiet,
        (State::Absent | State::Quiet | State::Dead | State::Left, Change::Quiet) => state,
        (State::Up | State::Quiet, Change::Silent) => State::Dead,
        (State::Absent | State::Dead | State::Left, Change::Silent) => state,
    }
}

/// What a verified text is to what was taken before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Worth {
    /// Newer than all before.
    Fresh,
    /// The newest again, on another link; or a late one, or one of a generation that is over. No fault.
    Known,
    /// Far below the newest: played back.
    Replayed,
    /// Of a generation before the newest.
    OldGeneration,
    /// Signed with `crc` by one that has a secret.
    Weak,
    /// It has no number: what only manages the transport.
    Unnumbered,
}

/// Numbers that a late copy may be behind: what Heartbeat sends again at most.
const LATE: u32 = 500;

/// What of a message matters here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Said {
    pub(crate) numbers: Option<(u32, u32)>,
    pub(crate) keyed: bool,
    pub(crate) shut_done: bool,
    /// It reports what it holds.
    pub(crate) report: bool,
    holds: Option<Holds>,
    full: bool,
    deadtime: Option<Duration>,
}

impl Said {
    pub(crate) fn of(text: &Text<'_>, keyed: bool) -> Self {
        Self {
            numbers: text.generation.zip(text.seq),
            keyed,
            shut_done: text.kind == b"shutdone",
            report: text.kind == b"resource",
            holds: text.holds.filter(|_| text.kind == b"resource"),
            full: text.full,
            deadtime: text.deadtime.map(|ms| Duration::from_millis(u64::from(ms))),
        }
    }
}

/// The peer as far as it is foreign.
#[derive(Clone, Debug)]
pub(crate) struct Foreign {
    pub(crate) state: State,
    /// Running time of the last text that counted, and of the first one since it was not live.
    pub(crate) last_heard: Instant,
    since: Instant,
    /// The newest text taken.
    pub(crate) heard: Option<Heard>,
    /// What it announced.
    deadtime: Option<Duration>,
    /// What it said that it holds, in this generation.
    pub(crate) holds: Option<Holds>,
    /// When `heard` was last written.
    pub(crate) saved: Instant,
    /// That an older generation speaks was reported.
    pub(crate) old_reported: bool,
}

impl Foreign {
    pub(crate) const fn new(now: Instant, heard: Option<Heard>) -> Self {
        Self {
            state: State::Absent,
            last_heard: now,
            since: now,
            heard,
            deadtime: None,
            holds: None,
            saved: now,
            old_reported: false,
        }
    }

    /// It runs Heartbeat, as far as is known.
    pub(crate) fn live(&self) -> bool {
        BUILT && matches!(self.state, State::Up | State::Quiet)
    }

    /// It ran Heartbeat, and is dead.
    pub(crate) fn dead(&self) -> bool {
        BUILT && self.state == State::Dead
    }

    /// What `said` is worth (DESIGN §4.19, §4.21).
    pub(crate) fn worth(&self, said: &Said) -> Worth {
        let Some((generation, seq)) = said.numbers else { return Worth::Unnumbered };
        let Some(heard) = self.heard else { return Worth::Fresh };
        if heard.keyed && !said.keyed {
            return Worth::Weak;
        }
        if generation != heard.generation {
            return if generation > heard.generation { Worth::Fresh } else { Worth::OldGeneration };
        }
        match heard.seq {
            newest if seq > newest => Worth::Fresh,
            u32::MAX => Worth::Known,
            newest if newest.wrapping_sub(seq) < LATE => Worth::Known,
            _ => Worth::Replayed,
        }
    }

    /// Take in what is [`Worth::Fresh`]. `true` when another generation begins.
    pub(crate) fn take(&mut self, said: &Said, now: Instant) -> bool {
        let (generation, seq) = said.numbers.unwrap_or_default();
        let begins = self.heard.is_none_or(|heard| heard.generation != generation);
        if begins {
            (self.deadtime, self.holds) = (None, None);
        }
        let keyed = said.keyed || self.heard.is_some_and(|heard| heard.keyed);
        self.heard = Some(Heard { generation, seq, keyed });
        self.deadtime = said.deadtime.or(self.deadtime);
        if let Some(more) = said.holds {
            let before = self.holds.filter(|_| !said.full && more != Holds::default()).unwrap_or_default();
            self.holds =
                Some(Holds { local: more.local || before.local, foreign: more.foreign || before.foreign });
        }
        if begins || !self.live() {
            self.since = now;
        }
        self.last_heard = now;
        self.old_reported = false;
        begins
    }

    /// Nothing of the generation counts any more. `true` when that is news.
    pub(crate) fn close(&mut self) -> bool {
        match &mut self.heard {
            Some(heard) => core::mem::replace(&mut heard.seq, u32::MAX) != u32::MAX,
            None => false,
        }
    }

    /// It was watched for `time`: a newer generation, which makes a recording of this one worthless, would have been heard.
    pub(crate) fn watched(&self, now: Instant, time: Duration) -> bool {
        now.since(self.since) >= time
    }

    /// The silence after which it is dead: the larger of the two deadtimes; of one that announces none, `initdead`.
    /// DESIGN §4.22.
    pub(crate) fn limit(&self, deadtime: Duration, initdead: Duration) -> Duration {
        self.deadtime.unwrap_or(initdead).max(deadtime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 5] = [State::Absent, State::Up, State::Quiet, State::Dead, State::Left];
    const CHANGES: [Change; 5] =
        [Change::Heard, Change::ShutDone, Change::Quiet, Change::Silent, Change::Native];

    fn said(generation: u32, seq: u32) -> Said {
        Said {
            numbers: Some((generation, seq)),
            keyed: true,
            shut_done: false,
            report: false,
            holds: None,
            full: false,
            deadtime: None,
        }
    }

    fn after(texts: &[(u32, u32)]) -> Foreign {
        let mut foreign = Foreign::new(Instant::ZERO, None);
        for (generation, seq) in texts {
            foreign.take(&said(*generation, *seq), Instant::ZERO);
        }
        foreign
    }

    /// The whole table, written a second time by the rules instead of by the cells.
    #[test]
    fn every_pair_follows_the_rules() {
        for state in STATES {
            for change in CHANGES {
                let live = matches!(state, State::Up | State::Quiet);
                let expected = match change {
                    Change::Native => State::Absent,
                    Change::Heard => State::Up,
                    Change::ShutDone if live => State::Left,
                    Change::Silent if live => State::Dead,
                    Change::Quiet if live => State::Quiet,
                    Change::ShutDone | Change::Silent | Change::Quiet => state,
                };
                assert_eq!(next(state, change), expected, "{state:?} on {change:?}");
            }
        }
    }

    #[test]
    fn a_text_counts_once() {
        let foreign = after(&[(7, 100)]);
        assert_eq!(after(&[]).worth(&said(1, 1)), Worth::Fresh, "the first of all");
        assert_eq!(foreign.worth(&said(7, 101)), Worth::Fresh);
        assert_eq!(foreign.worth(&said(7, 900)), Worth::Fresh, "numbers may be lost");
        assert_eq!(foreign.worth(&said(8, 1)), Worth::Fresh, "it was started again");
        assert_eq!(foreign.worth(&said(7, 100)), Worth::Known, "on the second link");
        assert_eq!(foreign.worth(&said(7, 1)), Worth::Known);
        assert_eq!(foreign.worth(&said(6, 5000)), Worth::OldGeneration);
        assert_eq!(after(&[(7, 5000)]).worth(&said(7, 1)), Worth::Replayed);
        assert_eq!(foreign.worth(&Said { numbers: None, ..said(7, 101) }), Worth::Unnumbered);
    }

    #[test]
    fn what_is_closed_counts_no_more_and_the_next_generation_does() {
        let mut foreign = after(&[(7, 100)]);
        assert!(foreign.close() && !foreign.close());
        assert_eq!(foreign.worth(&said(7, 101)), Worth::Known);
        assert_eq!(foreign.worth(&said(7, u32::MAX)), Worth::Known);
        assert_eq!(foreign.worth(&said(8, 1)), Worth::Fresh);
        assert!(!after(&[]).close());
    }

    #[test]
    fn once_it_signed_with_a_secret_crc_does_not_do() {
        let crc = |seq| Said { keyed: false, ..said(7, seq) };
        let mut foreign = Foreign::new(Instant::ZERO, None);
        assert_eq!(foreign.worth(&crc(1)), Worth::Fresh);
        foreign.take(&crc(1), Instant::ZERO);
        assert_eq!(foreign.worth(&crc(2)), Worth::Fresh);
        foreign.take(&said(7, 3), Instant::ZERO);
        assert_eq!(foreign.worth(&crc(4)), Worth::Weak);
        assert_eq!(foreign.worth(&Said { keyed: false, ..said(8, 1) }), Worth::Weak);
    }

    #[test]
    fn the_larger_deadtime_counts_and_without_one_initdead() {
        let (own, initdead) = (Duration::from_secs(10), Duration::from_secs(60));
        let mut foreign = after(&[(7, 1)]);
        assert_eq!(foreign.limit(own, initdead), initdead);
        for (announced, limit) in [(5, 10), (35, 35), (10, 10)] {
            foreign
                .take(&Said { deadtime: Some(Duration::from_secs(announced)), ..said(7, 2) }, Instant::ZERO);
            assert_eq!(foreign.limit(own, initdead), Duration::from_secs(limit));
        }
        foreign.take(&said(7, 3), Instant::ZERO);
        assert_eq!(foreign.limit(own, initdead), own, "what says nothing of it changes nothing");
        foreign.take(&said(8, 1), Instant::ZERO);
        assert_eq!(foreign.limit(own, initdead), initdead, "another start may be another version");
    }

    #[test]
    fn reports_add_up_unless_they_are_full() {
        let mut foreign = after(&[(7, 1)]);
        let all = Holds { local: true, foreign: true };
        let (local, none) = (Holds { foreign: false, ..all }, Holds::default());
        let theirs = Holds { local: false, ..all };
        for (seq, holds, full, expected) in [
            (2, none, true, none),
            (3, theirs, false, theirs),
            (4, local, false, all),
            (5, local, true, local),
            (6, none, false, none),
        ] {
            foreign.take(&Said { holds: Some(holds), full, ..said(7, seq) }, Instant::ZERO);
            assert_eq!(foreign.holds, Some(expected), "{seq}");
        }
        foreign.take(&said(8, 1), Instant::ZERO);
        assert_eq!(foreign.holds, None);
    }
}
