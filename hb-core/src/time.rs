//! Time as the core sees it: microseconds since an arbitrary start, handed in by the caller.
//!
//! A `u64` of microseconds wraps after 584,000 years, so nothing here reasons about wrap-around; all
//! arithmetic saturates. There is no `now()`: the shell reads a clock and passes the reading in.

/// A point in time: microseconds since the caller's arbitrary start. Never goes backwards (the node clamps it).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Instant(u64);

/// A span of time in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Duration(u64);

// On a board one copy of each for all callers: inline, two words and a saturation are most of many a function there.

#[cfg_attr(not(feature = "large"), inline(never))]
const fn more(time: u64, by: u64) -> u64 {
    time.saturating_add(by)
}

#[cfg_attr(not(feature = "large"), inline(never))]
const fn less(time: u64, by: u64) -> u64 {
    time.saturating_sub(by)
}

#[cfg_attr(not(feature = "large"), inline(never))]
const fn product(time: u64, factor: u64) -> u64 {
    time.saturating_mul(factor)
}

impl Instant {
    /// The caller's start.
    pub const ZERO: Self = Self(0);
    /// Later than any instant that occurs.
    pub const NEVER: Self = Self(u64::MAX);

    /// The instant `us` microseconds after the caller's start.
    #[must_use]
    pub const fn from_micros(us: u64) -> Self {
        Self(us)
    }

    /// The instant `ms` milliseconds after the caller's start.
    #[must_use]
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    /// Microseconds since the caller's start.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration(less(self.0, earlier.0))
    }

    /// This instant moved later by `by`.
    #[must_use]
    pub const fn plus(self, by: Duration) -> Self {
        Self(more(self.0, by.0))
    }

    /// This instant moved earlier by `by`, not before the caller's start.
    #[must_use]
    pub const fn minus(self, by: Duration) -> Self {
        Self(less(self.0, by.0))
    }
}

/// The earliest of some times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Earliest(pub(crate) Instant);

impl Earliest {
    /// It may be this one.
    #[cfg_attr(not(feature = "large"), inline(never))]
    pub(crate) fn or(&mut self, at: Instant) {
        self.0 = self.0.min(at);
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of `us` microseconds.
    #[must_use]
    pub const fn from_micros(us: u64) -> Self {
        Self(us)
    }

    /// A span of `ms` milliseconds.
    #[must_use]
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    /// A span of `s` seconds.
    #[must_use]
    pub const fn from_secs(s: u64) -> Self {
        Self(s.saturating_mul(1_000_000))
    }

    /// Whole microseconds.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Whole milliseconds, rounded down.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        // Sixteen bits at a time: a processor that divides 32 bits at most then needs no library for it.
        let (mut left, mut rest, mut whole) = (4, 0_u32, 0_u64);
        while left > 0 {
            left -= 1;
            let part = rest << 16 | (self.0 >> (16 * left)) as u32 & 0xFFFF;
            whole = whole << 16 | (part / 1000) as u64;
            rest = part % 1000;
        }
        whole
    }

    /// The sum, saturating.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(more(self.0, other.0))
    }

    /// The difference, zero when `other` is longer.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(less(self.0, other.0))
    }

    /// Twice this span, saturating.
    #[must_use]
    pub const fn doubled(self) -> Self {
        self.plus(self)
    }

    /// `factor` times this span, saturating.
    #[must_use]
    pub const fn times(self, factor: u64) -> Self {
        Self(product(self.0, factor))
    }

    /// The `divisor`-th part of this span; the whole span for a divisor of zero.
    #[must_use]
    pub const fn divided(self, divisor: u64) -> Self {
        match self.0.checked_div(divisor) {
            Some(part) => Self(part),
            None => self,
        }
    }

    /// Is this no time at all?
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(Instant::NEVER.plus(Duration::from_secs(1)), Instant::NEVER);
        assert_eq!(Instant::ZERO.minus(Duration::from_secs(1)), Instant::ZERO);
        assert_eq!(Instant::from_millis(1).since(Instant::from_millis(2)), Duration::ZERO);
        assert_eq!(Duration::from_secs(u64::MAX).as_micros(), u64::MAX);
        assert_eq!(Duration::from_millis(5).divided(0), Duration::from_millis(5));
        assert_eq!(Duration::from_millis(5).divided(2).as_micros(), 2500);
    }
}
