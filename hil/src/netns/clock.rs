//! One clock for every process of the rig: CLOCK_MONOTONIC in nanoseconds, which the service and the scripts can
//! stamp too (`std::time::Instant` does not cross a process boundary).

use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// A point in time: nanoseconds of CLOCK_MONOTONIC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Stamp(pub u64);

impl Stamp {
    /// Later than anything that happens.
    pub const NEVER: Self = Self(u64::MAX);

    /// The present.
    ///
    /// # Panics
    /// If the kernel has no monotonic clock, which then is no place for the rig.
    #[must_use]
    pub fn now() -> Self {
        let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("CLOCK_MONOTONIC");
        Self(u64::try_from(Duration::from(time).as_nanos()).unwrap_or(u64::MAX))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// How long ago this was.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        Self::now().since(self)
    }

    /// This point moved later by `by`.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }
}
