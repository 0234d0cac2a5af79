//! The words of a session: what is to be tested, where it stands, what the caller does next, what a step gave.

use super::frame::Report;
use super::tally::Trips;
use hb_core::{Duration, Instant};

/// What is to be tested.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// A bit for each speed of [`crate::sys::tty::BAUDS`] that this end can set and may test, each for `seconds`.
    pub(super) speeds: u16,
    pub(super) seconds: u16,
    /// Somebody asked for just this.
    pub(super) chosen: bool,
    /// How long to wait for the other end.
    pub(super) wait: Duration,
}

/// What the caller has to do now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Do {
    /// Send the first bytes of the buffer.
    Send(usize),
    /// Have all out that was sent, and go on at this speed.
    Speed(u32),
    /// Nothing until then, or until something is received.
    Wait(Instant),
    /// All is done, or cannot be.
    Over(Ending),
}

/// How it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ending {
    /// Every step was tested that was worth it.
    Done,
    /// The other end was never heard.
    NoAnswer,
    /// The other end was heard, and did not hear this one.
    OneWay,
    /// The other end fell silent, or began anew.
    Lost,
    /// This end heard itself.
    Loop,
}

/// Where the session is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// Looking for the other end.
    Meet,
    /// At the common speed, between two steps.
    Agree,
    /// Waiting until all is out, to change to the speed of the step, or to the common one.
    Change { to_step: bool },
    /// At the speed of the step: does the other end hear this one?
    Sync { hears: bool },
    /// Testing.
    Data,
    /// Own test over; the other end may still send.
    Tail { told: u8 },
    /// Telling the other end that no step is left.
    Bye,
}

/// What a step gave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    /// In bit/s.
    pub(super) baud: u32,
    /// Its place among the speeds.
    pub(super) step: u8,
    /// Measured here.
    pub(super) here: Report,
    /// Round trips from here.
    pub(super) trips: Trips,
    /// Measured at the other end, if it said so.
    pub(super) there: Option<Report>,
}

impl Outcome {
    /// Frames that did not come through whole, and frames sent; of both directions.
    pub(super) fn loss(&self) -> (u32, u32) {
        let there = self.there.unwrap_or_default();
        let missing = self.here.missing(there.sent).saturating_add(there.missing(self.here.sent));
        (missing, self.here.sent.saturating_add(there.sent))
    }

    /// Did every frame arrive, on both ends, without so much as a stray byte?
    pub(super) fn holds(&self) -> bool {
        let whole = |r: &Report| r.good > 0 && r.bad == 0;
        whole(&self.here) && self.there.as_ref().is_some_and(whole) && self.loss().0 == 0
    }
}
