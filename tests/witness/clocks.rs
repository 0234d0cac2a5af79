//! A clock is called within the drift only where no delay of any frame could hide that it is not.

use hb_core::witness::{Clocks, Exchange, Rate, Terms};
use hb_core::{Duration, Instant};

const TERMS: Terms = Terms::RELEASED;

/// Exchanges once a second for half a minute, with a clock that counts `by` where this one counts 10,000, and these delays
/// (milliseconds there, back) in turns.
fn measured(by: u64, delays: &[(u64, u64)]) -> Rate {
    let mut clocks = Clocks::new();
    for second in 0..30_u64 {
        let (there, back) = delays[second as usize % delays.len()];
        let said = Instant::from_millis(1_000_000 + second * 1000);
        let answered = said.plus(Duration::from_millis(there));
        let theirs = Instant::from_micros(answered.as_micros() * by / 10_000);
        clocks.note(Exchange { said, theirs, came: answered.plus(Duration::from_millis(back)) }, &TERMS);
    }
    clocks.rate()
}

#[test]
fn no_delay_makes_a_clock_outside_look_as_if_it_were_within() {
    let delays = [0, 5, 40, 250, 900];
    for by in [9_650, 9_690, 10_320, 10_400, 11_000, 20_000, 5_000, 0] {
        for a in delays {
            for b in delays {
                for c in delays {
                    for d in delays {
                        let rate = measured(by, &[(a, b), (c, d)]);
                        assert_ne!(rate, Rate::Within, "{by} {a} {b} {c} {d}");
                    }
                }
            }
        }
    }
}

#[test]
fn one_that_is_far_outside_is_named() {
    for by in [0, 5_000, 8_000, 12_500, 20_000] {
        assert_eq!(measured(by, &[(20, 20), (60, 5)]), Rate::Outside, "{by}");
    }
}

#[test]
fn one_within_is_known_after_a_window_on_a_serial_line() {
    for by in [9_850, 9_990, 10_000, 10_010, 10_150] {
        assert_eq!(measured(by, &[(15, 15), (40, 30)]), Rate::Within, "{by}");
    }
}

#[test]
fn what_cannot_be_shown_for_a_minute_is_not_within_any_longer() {
    let mut clocks = Clocks::new();
    let mut seen = Vec::new();
    for second in 0..200_u64 {
        // From the thirtieth second on every answer takes three seconds.
        let wait = if second < 30 { 30 } else { 3000 };
        let said = Instant::from_millis(1_000_000 + second * 1000);
        let came = said.plus(Duration::from_millis(wait));
        clocks.note(Exchange { said, theirs: said, came }, &TERMS);
        seen.push(clocks.rate());
    }
    assert_eq!((seen[0], seen[29], seen[199]), (Rate::Unknown, Rate::Within, Rate::Outside));
}
