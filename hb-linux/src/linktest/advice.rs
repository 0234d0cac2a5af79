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

use super::step::Outcome;
use super::tally::micros;
use crate::config::frame_times;

/// The shortest keepalive that is recommended, in microseconds: several ticks of an old kernel's timer.
const SHORTEST: u32 = 100_000;
/// A peer may be taken for dead because of lost heartbeats once in this many seconds: ten years.
const TEN_YEARS: u32 = 10 * 365 * 86_400;
/// Lost heartbeats in a row that are worth living with.
const MOST: u32 = 30;

/// A recommendation. Times are in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Advice {
    /// In bit/s.
    pub(super) baud: u32,
    /// See the formula.
    pub(super) keepalive: u32,
    /// See the formula.
    pub(super) deadtime: u32,
    /// The deadtime with which a watchdog of one second's steps resets this node before the peer takes over.
    pub(super) with_watchdog: u32,
    /// n of the formula.
    pub(super) losses: u32,
    /// H of the formula.
    pub(super) first: u32,
    /// R of the formula.
    pub(super) round_trip: u32,
}

/// The recommendation for a line at the speed of `outcome`; `None` if it loses too much for any deadtime.
#[inline(never)]
pub(super) fn advise(outcome: &Outcome) -> Option<Advice> {
    let there = outcome.there?;
    let here = &outcome.here;
    let (beat, first) = frame_times(outcome.baud);
    let (beat, first) = (micros(beat), micros(first));
    let round_trip = here.worst_us.max(there.worst_us);
    if here.sent == 0 || there.sent == 0 || round_trip == 0 {
        return None;
    }
    let keepalive = rounded(SHORTEST.max(beat * 4).max(round_trip));
    let burst = here.gap_us.max(there.gap_us).div_ceil(keepalive);
    let lost = lost_in_a_row(keepalive, here.missing(there.sent), there.sent);
    let other = lost_in_a_row(keepalive, there.missing(here.sent), here.sent);
    let losses = lost.max(other).max(burst).max(2);
    if losses > MOST {
        return None;
    }
    // At most 31 times the keepalive, which no more than minutes of round trip bring near the end of the range.
    let deadtime = rounded((losses + 1).saturating_mul(keepalive).saturating_add(first + round_trip));
    let second = ((keepalive * 2).div_ceil(1_000_000) + 1) * 1_000_000;
    let with_watchdog = deadtime.max(second);
    Some(Advice { baud: outcome.baud, keepalive, deadtime, with_watchdog, losses, first, round_trip })
}

/// The least n for which n losses in a row are rarer than once in ten years; more than [`MOST`] if none is.
fn lost_in_a_row(keepalive: u32, missing: u32, sent: u32) -> u32 {
    let part = u64::from(missing) + 3;
    let mut times = u64::from(TEN_YEARS / (keepalive / 1000)) * 1000;
    let mut n = 0;
    while times > 0 && n <= MOST {
        times = times * part / u64::from(sent);
        n += 1;
    }
    n
}

/// Rounded up as people write it.
fn rounded(us: u32) -> u32 {
    let step = match us {
        10_000_000.. => 1_000_000,
        1_000_000.. => 100_000,
        _ => 10_000,
    };
    us.div_ceil(step).saturating_mul(step)
}

/// The speed to recommend: the fastest that holds, or, where a faster one was tried in vain, the one before it, if that
/// holds too; where none holds, the one that loses least.
#[inline(never)]
pub(super) fn choose(outcomes: &[Outcome]) -> Option<&Outcome> {
    let mut held = outcomes.iter().filter(|o| o.holds()).rev();
    let Some(fastest) = held.next() else {
        return outcomes.iter().filter(|o| o.loss().1 > 0).min_by_key(|o| {
            let (missing, sent) = o.loss();
            missing.saturating_mul(1000) / sent.max(1)
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

    fn times(outcome: &Outcome) -> Option<(u32, u32, u32)> {
        advise(outcome).map(|a| (a.losses, a.keepalive / 1000, a.deadtime / 1000))
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
        assert_eq!(advice.with_watchdog, 2_000_000);
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
