//! The arithmetic of a vote, which is all that holder and voter agree on.

use crate::time::Duration;

/// What the members assume of clocks and lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
    /// While one member's clock counts so much, another one's counts at most one part in so many more.
    pub drift: u64,
    /// More than what the readings of two clocks may lag behind them, together: a frame's time on the line.
    pub frame: Duration,
    /// No vote is longer.
    pub longest: Duration,
}

impl Terms {
    /// Those of a release: 3.1 %; a steady beat at 9,600 baud, two ticks of a 2.4 kernel being 20 ms; and half a minute.
    pub const RELEASED: Self =
        Self { drift: 32, frame: Duration::from_millis(25), longest: Duration::from_secs(30) };

    /// A vote may be so long (DESIGN §7 O9.7).
    #[must_use]
    pub fn permits(&self, length: Duration) -> bool {
        !length.is_zero() && length <= self.longest
    }

    /// What another member's clock counts at most, while one counts `time`.
    #[must_use]
    pub const fn stretched(&self, time: Duration) -> Duration {
        // Rounded up.
        time.plus(time.divided(self.drift)).plus(Duration::from_micros(1))
    }

    /// So long, from receipt, a voter backs whom it gave a vote of this length (DESIGN §7 O9.4).
    #[must_use]
    pub const fn backed(&self, length: Duration) -> Duration {
        self.stretched(length).plus(self.frame)
    }

    /// So long after its own start a voter does not know whom it backs (DESIGN §7 O9.7).
    #[must_use]
    pub const fn muted(&self) -> Duration {
        self.backed(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In every ratio of two clocks within the drift, with readings late by up to half a frame's time on each: when the
    /// voter's promise is over, what the holder made of the vote is over.
    #[test]
    fn a_promise_outlasts_the_vote_at_every_rate_within_the_drift() {
        let terms = Terms::RELEASED;
        let half = terms.frame.as_micros() / 2;
        for length in [1, 999, 500_000, 3_333_333, 30_000_000] {
            // While the holder counts 3,200 the voter counts up to 3,300: the holder's vote is over at its own clock's
            // `length`, read late; the voter's promise was counted from a reading that was late.
            let holder_ends = length + half;
            for voters in 3_100..=3_300_u64 {
                let by_voter = (holder_ends * voters).div_ceil(3_200);
                let promise = terms.backed(Duration::from_micros(length)).as_micros();
                // Half a frame's time at the voter's own rate, of which the drift is far below the rest.
                assert!(promise - half + half / 32 + 2 >= by_voter, "{length} {voters}");
            }
        }
        assert!(terms.permits(terms.longest) && !terms.permits(terms.longest.plus(Duration::from_micros(1))));
        assert!(!terms.permits(Duration::ZERO));
    }
}
