//! What to write into `ha.cf`, from what was measured.
//!
//! ```text
//! keepalive = max(100 ms, 4 x T, R)                    both rounded up to 10 ms, from 1 s on to tenths,
//! deadtime  = (n + 1) x keepalive + H + R              from 10 s on to seconds
//!
//! T  a heartbeat's time on the line (40 bytes)         H  a first heartbeat's (200 bytes)
//! R  the worst round trip                              G  the longest silence of a line that was always busy
//! p  the share of frames lost, three more than were    n  the lost heartbeats in a row to live with:
//!                                                         max(2, the least n with p^n < keepalive / 10 years,
//!                                                                G / keepalive, rounded up)
//! ```
//! After n losses the next heartbeat is due at (n + 1) keepalives; it may have to wait for a first heartbeat in front of
//! it, and for whatever made the worst round trip. Three losses more than were seen: where none was seen in a test of N
//! frames, their true share is below 3/N in 95 cases of 100. So a longer test allows a shorter deadtime.

use super::session::Outcome;
use crate::config::{frame_times, round_up};
use hb_core::Duration;

/// The shortest keepalive that is recommended: several ticks of an old kernel's timer.
const SHORTEST: Duration = Duration::from_millis(100);
/// A peer may be taken for dead because of lost heartbeats once in this time.
const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 86_400);
/// Lost heartbeats in a row that are worth living with.
const MOST: u64 = 30;

/// A recommendation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Advice {
    /// In bit/s.
    pub(super) baud: u32,
    /// See the formula.
    pub(super) keepalive: Duration,
    /// See the formula.
    pub(super) deadtime: Duration,
    /// The deadtime with which a watchdog of one second's steps resets this node before the peer takes over.
    pub(super) with_watchdog: Duration,
    /// n of the formula.
    pub(super) losses: u64,
    /// H of the formula.
    pub(super) first: Duration,
    /// R of the formula.
    pub(super) round_trip: Duration,
}

/// The recommendation for a line at the speed of `outcome`; `None` if it loses too much for any deadtime.
pub(super) fn advise(outcome: &Outcome) -> Option<Advice> {
    let there = outcome.there?;
    let here = &outcome.here;
    let (beat, first) = frame_times(outcome.baud);
    let micros = |us: u32| Duration::from_micros(u64::from(us));
    let round_trip = micros(here.worst_us.max(there.worst_us));
    if here.sent == 0 || there.sent == 0 || round_trip.is_zero() {
        return None;
    }
    let keepalive = round_up(tens(SHORTEST.max(beat.times(4)).max(round_trip)));
    let gap = here.gap_us.max(there.gap_us);
    let burst = u64::from(gap).div_ceil(keepalive.as_micros().max(1));
    let lost = lost_in_a_row(keepalive, here.missing(there.sent), there.sent)?;
    let other = lost_in_a_row(keepalive, there.missing(here.sent), here.sent)?;
    let losses = lost.max(other).max(burst).max(2);
    if losses > MOST {
        return None;
    }
    let deadtime = round_up(tens(keepalive.times(losses + 1).plus(first).plus(round_trip)));
    let second = Duration::from_secs(keepalive.times(2).as_micros().div_ceil(1_000_000) + 1);
    let with_watchdog = deadtime.max(second);
    Some(Advice { baud: outcome.baud, keepalive, deadtime, with_watchdog, losses, first, round_trip })
}

/// The least n for which n losses in a row are rarer than once in ten years.
fn lost_in_a_row(keepalive: Duration, missing: u32, sent: u32) -> Option<u64> {
    let part = u64::from(missing) + 3;
    let mut times = TEN_YEARS.as_micros() / keepalive.as_micros().max(1);
    let mut n = 0;
    while times > 0 {
        times = times.saturating_mul(part) / u64::from(sent.max(1));
        n += 1;
        if n > MOST {
            return None;
        }
    }
    Some(n)
}

/// Rounded up to 10 ms.
fn tens(time: Duration) -> Duration {
    Duration::from_millis(time.as_micros().div_ceil(10_000) * 10)
}

/// The speed to recommend: the fastest that holds, or, where a faster one was tried in vain, the one before it, if that
/// holds too; where none holds, the one that loses least.
pub(super) fn choose(outcomes: &[Outcome]) -> Option<&Outcome> {
    let mut held = outcomes.iter().filter(|o| o.holds()).rev();
    let Some(fastest) = held.next() else {
        return outcomes.iter().filter(|o| o.loss().1 > 0).min_by_key(|o| {
            let (missing, sent) = o.loss();
            u64::from(missing) * 1_000_000 / u64::from(sent.max(1))
        });
    };
    let limited = outcomes.iter().any(|o| o.baud > fastest.baud);
    Some(if limited { held.next().unwrap_or(fastest) } else { fastest })
}

#[cfg(test)]
mod tests {
    use super::super::frame::Report;
    use super::super::session::tests::outcome;
    use super::*;

    fn clean(baud: u32, frames: u32, worst_us: u32) -> Outcome {
        let report = Report { sent: frames, good: frames, worst_us, gap_us: 25_000, ..Report::default() };
        outcome(baud, report, Some(report))
    }

    fn times(outcome: &Outcome) -> Option<(u64, u64, u64)> {
        advise(outcome).map(|a| (a.losses, a.keepalive.as_millis(), a.deadtime.as_millis()))
    }

    #[test]
    fn a_long_clean_test_at_19200_allows_half_a_second() {
        // p < 3/150000: two losses in a row once in 10 years would need 0.4e-9 x 3.2e9 = 1.3, so n = 3.
        assert_eq!(times(&clean(19_200, 150_000, 45_000)), Some((3, 100, 550)));
        assert_eq!(times(&clean(19_200, 1_000_000, 45_000)), Some((2, 100, 450)));
        // A short test proves less.
        assert_eq!(times(&clean(19_200, 240, 45_000)), Some((5, 100, 750)));
    }

    #[test]
    fn a_slow_line_and_a_long_round_trip_take_a_longer_keepalive() {
        assert_eq!(times(&clean(9600, 1_000_000, 85_000)), Some((2, 170, 810)));
        assert_eq!(times(&clean(115_200, 1_000_000, 432_100)), Some((2, 440, 1800)));
    }

    #[test]
    fn loss_and_silence_take_a_longer_deadtime() {
        let mut lossy = clean(19_200, 10_000, 45_000);
        lossy.here.good = 9_500;
        // 0.05^n < 1 / 3.2e9 at n = 8
        assert_eq!(times(&lossy).map(|t| t.0), Some(8));
        lossy.here.good = 0;
        assert_eq!(times(&lossy), None);
        let mut silent = clean(19_200, 1_000_000, 45_000);
        silent.here.gap_us = 790_000;
        assert_eq!(times(&silent).map(|t| t.0), Some(8));
    }

    #[test]
    fn a_watchdog_wants_whole_seconds() {
        let advice = advise(&clean(19_200, 1_000_000, 45_000)).unwrap();
        assert_eq!(advice.with_watchdog, Duration::from_secs(2));
    }

    #[test]
    fn the_speed_keeps_a_step_away_from_one_that_failed() {
        let bauds = |list: &[(u32, bool)]| {
            let outcomes: Vec<Outcome> = list
                .iter()
                .map(|&(baud, holds)| {
                    let mut one = clean(baud, 1000, 1000);
                    one.here.good -= u32::from(!holds) * (baud / 1000);
                    one
                })
                .collect();
            choose(&outcomes).map(|o| o.baud)
        };
        assert_eq!(bauds(&[(9600, true), (19_200, true), (38_400, true)]), Some(38_400));
        assert_eq!(bauds(&[(9600, true), (19_200, true), (38_400, false)]), Some(9600));
        assert_eq!(bauds(&[(9600, true), (19_200, false)]), Some(9600));
        assert_eq!(bauds(&[(9600, false), (19_200, false)]), Some(9600));
        assert_eq!(bauds(&[]), None);
    }
}
