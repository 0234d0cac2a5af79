//! The daemon's clock: microseconds that never go back, on kernels with and without `clock_gettime`.
//!
//! Linux 2.4 has no monotonic clock, so there the ticks of `times(2)` are counted: 100 a second, 32 bits. At
//! `HZ=100` they wrap at 2^32; at Red Hat's `HZ=512` they take backward and absurd steps after 97 days. A step that
//! cannot be time passing counts as none, and counting goes on from the new value. nix has neither `times` nor a calendar.

use hb_core::Instant;
use nix::time::{ClockId, clock_gettime};

/// Ticks a second of `times(2)` on Linux (`CLK_TCK`), whatever `HZ` is.
const TICK_US: u64 = 10_000;

/// Longest step that is taken for time: 2^27 ticks, 15.5 days. The forward step of the `HZ=512` wrap is twice that.
const LONGEST_STEP: u32 = 1 << 27;

/// Reads the time. One per process; starts near zero.
#[derive(Debug)]
pub struct Clock {
    source: Source,
}

#[derive(Debug)]
enum Source {
    Monotonic { start: u64, last: u64 },
    Ticks(TickCounter),
}

impl Clock {
    /// Find out which clock the kernel has, and begin.
    #[must_use]
    pub fn start() -> Self {
        match monotonic() {
            Some(start) => Self { source: Source::Monotonic { start, last: start } },
            None => Self::start_ticks(),
        }
    }

    /// Begin on `times(2)` whatever the kernel has.
    fn start_ticks() -> Self {
        Self { source: Source::Ticks(TickCounter::new(ticks())) }
    }

    /// Now. Not before any earlier answer. Costs no system call where the kernel maps its clock.
    pub fn now(&mut self) -> Instant {
        Instant::from_micros(match &mut self.source {
            Source::Monotonic { start, last } => {
                // A reading that fails is no time.
                *last = monotonic().unwrap_or(*last).max(*last);
                last.saturating_sub(*start)
            }
            Source::Ticks(counter) => counter.advance(ticks()),
        })
    }

    /// Steps of this clock in microseconds: 1, or 10,000 on a kernel without `clock_gettime`.
    #[must_use]
    pub fn granularity_us(&self) -> u64 {
        match self.source {
            Source::Monotonic { .. } => 1,
            Source::Ticks(_) => TICK_US,
        }
    }
}

/// Turns raw 32-bit tick readings into microseconds that never go back.
#[derive(Debug)]
struct TickCounter {
    last: u32,
    us: u64,
}

impl TickCounter {
    fn new(raw: u32) -> Self {
        Self { last: raw, us: 0 }
    }

    fn advance(&mut self, raw: u32) -> u64 {
        let step = raw.wrapping_sub(self.last);
        self.last = raw;
        if step < LONGEST_STEP {
            self.us = self.us.saturating_add(u64::from(step) * TICK_US);
        }
        self.us
    }
}

/// Microseconds of the monotonic clock, or `None` where the kernel has none.
// The widths of time_t and long differ between targets.
#[allow(clippy::useless_conversion)]
fn monotonic() -> Option<u64> {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).ok()?;
    u64::try_from(i64::from(now.tv_sec()) * 1_000_000 + i64::from(now.tv_nsec()) / 1000).ok()
}

/// The tick counter of the kernel. Its values -1 to -4095 look like errors and are not.
fn ticks() -> u32 {
    let mut unused = libc::tms { tms_utime: 0, tms_stime: 0, tms_cutime: 0, tms_cstime: 0 };
    // SAFETY: times writes one tms.
    let raw = unsafe { libc::times(&raw mut unused) };
    // The low 32 bits are the counter on every machine.
    raw as u32
}

/// A reading of the wall clock, for people only: it may be set at any moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WallTime {
    /// Seconds since 1970 in UTC.
    pub secs: i64,
    /// Microseconds within the second.
    pub micros: u32,
}

impl WallTime {
    /// The wall clock now.
    #[must_use]
    // The width of time_t differs between targets.
    #[allow(clippy::useless_conversion)]
    pub fn now() -> Self {
        // Where the kernel lacks the call, the C library asks `gettimeofday`.
        let Ok(now) = clock_gettime(ClockId::CLOCK_REALTIME) else { return Self::default() };
        Self { secs: now.tv_sec().into(), micros: u32::try_from(now.tv_nsec() / 1000).unwrap_or(0) }
    }

    /// The same moment as the local calendar shows it. The first call reads the time zone's file.
    #[must_use]
    pub fn local(self) -> Calendar {
        // SAFETY: an all-zero tm is valid: integers and a pointer that may be null.
        let mut tm: libc::tm = unsafe { core::mem::zeroed() };
        let mut tv = libc::timeval { tv_sec: 0, tv_usec: 0 };
        // The width of time_t differs between targets: the field's type follows it.
        #[allow(clippy::useless_conversion)]
        {
            tv.tv_sec = self.secs.try_into().unwrap_or_default();
        }
        // SAFETY: localtime_r reads one time_t and writes one tm.
        unsafe { libc::localtime_r(&raw const tv.tv_sec, &raw mut tm) };
        let small = |n: i32| u8::try_from(n).unwrap_or(0);
        Calendar {
            year: tm.tm_year.saturating_add(1900),
            month: small(tm.tm_mon).saturating_add(1),
            day: small(tm.tm_mday),
            hour: small(tm.tm_hour),
            minute: small(tm.tm_min),
            second: small(tm.tm_sec),
        }
    }
}

/// Local date and time of day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Calendar {
    /// Year, such as 2026.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 60.
    pub second: u8,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feed readings, and give the microseconds after each.
    fn run(first: u32, readings: &[u32]) -> Vec<u64> {
        let mut counter = TickCounter::new(first);
        readings.iter().map(|&raw| counter.advance(raw)).collect()
    }

    #[test]
    fn ticks_are_hundredths() {
        assert_eq!(run(500, &[500, 501, 600]), [0, 10_000, 1_000_000]);
    }

    #[test]
    fn the_wrap_at_hz_100_loses_nothing() {
        let before = u32::MAX - 1; // reads as -2, which is no error
        assert_eq!(run(before, &[u32::MAX, 0, 1]), [10_000, 20_000, 30_000]);
    }

    #[test]
    fn the_wrap_at_hz_512_counts_as_no_time() {
        let readings = [838_860_796, 805_306_365, 805_306_366, 1_073_741_823, 0, 1, 101];
        let got = run(838_860_795, &readings);
        assert_eq!(got, [10_000, 10_000, 20_000, 20_000, 20_000, 30_000, 1_030_000]);
    }

    #[test]
    fn it_never_goes_back_whatever_the_kernel_says() {
        let mut counter = TickCounter::new(0);
        let (mut raw, mut last) = (1_u32, 0);
        for _ in 0..10_000 {
            raw = raw.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let now = counter.advance(raw);
            assert!(now >= last);
            last = now;
        }
    }

    #[test]
    fn both_sources_keep_pace_with_each_other() {
        let (mut a, mut b) = (Clock::start(), Clock::start_ticks());
        assert_eq!((a.granularity_us(), b.granularity_us()), (1, 10_000));
        let begin = (a.now(), b.now());
        super::super::poll::sleep_ms(120);
        let passed = (a.now().since(begin.0).as_millis(), b.now().since(begin.1).as_millis());
        assert!(passed.0 >= 115, "{passed:?}");
        assert!(passed.0.abs_diff(passed.1) <= 60, "{passed:?}");
    }

    #[test]
    fn the_calendar_is_that_of_the_wall_clock() {
        let calendar = WallTime::now().local();
        assert!(calendar.year >= 2024 && (1..=12).contains(&calendar.month));
        assert!((1..=31).contains(&calendar.day) && calendar.hour < 24);
    }
}
