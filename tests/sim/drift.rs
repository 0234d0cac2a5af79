//! The clock of one machine: its rate and its offset against true time.

use hb_core::{Duration, Instant};

/// `local = offset + true x (1 + ppm / 1,000,000)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Drift {
    /// Parts per million that it runs fast; negative is slow.
    pub ppm: i32,
    /// What it shows at true time zero.
    pub offset: Duration,
}

impl Drift {
    /// What it shows at true time `at`.
    #[must_use]
    pub fn local(&self, at: Instant) -> Instant {
        if self.ppm == 0 {
            return at.plus(self.offset);
        }
        // A run of years would fit.
        let at = at.as_micros() as i64;
        let shown = at + (at * i64::from(self.ppm)).div_euclid(1_000_000);
        Instant::from_micros(shown.max(0) as u64).plus(self.offset)
    }

    /// The first true time at which it shows `local` or more.
    #[must_use]
    pub fn truly(&self, local: Instant) -> Instant {
        if local == Instant::NEVER {
            return local;
        }
        let shown = local.minus(self.offset);
        if self.ppm == 0 {
            return shown;
        }
        // x / (1 + e) is x - x e / (1 + e).
        let shown = shown.as_micros() as i64;
        let guess = shown - shown * i64::from(self.ppm) / (1_000_000 + i64::from(self.ppm));
        let mut at = Instant::from_micros(guess.max(0) as u64).minus(Duration::from_micros(2));
        while self.local(at) < local {
            at = at.plus(Duration::from_micros(1));
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for ppm in [-20_000, -137, 0, 1, 999, 20_000] {
            let drift = Drift { ppm, offset: Duration::from_micros(12_345) };
            for at in [0, 1, 999, 1_000_001, 86_400_000_000] {
                let at = Instant::from_micros(at);
                let local = drift.local(at);
                let back = drift.truly(local);
                assert!(back <= at && drift.local(back) >= local, "{ppm} {at:?} {back:?}");
                let late = drift.truly(local.plus(Duration::from_micros(1)));
                assert!(late > back && drift.local(late.minus(Duration::from_micros(1))) <= local);
            }
        }
        assert_eq!(Drift { ppm: 5, ..Drift::default() }.truly(Instant::NEVER), Instant::NEVER);
    }
}
