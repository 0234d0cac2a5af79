//! Time since the start, from SysTick: 24 bits that count down at 12.5 MHz, looked at more often than they wrap (1.34 s).

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use hb_core::{Duration, Instant};

/// Of the processor and the UARTs.
pub const HZ: u32 = 12_500_000;
const TOP: u32 = 0x00FF_FFFF;

/// The time so far. Only one who has the timer can make it.
#[derive(Debug)]
pub struct Clock {
    last: u32,
    /// Ticks that are no whole two microseconds yet.
    rest: u32,
    now: Instant,
}

impl Clock {
    /// Zero is now.
    pub fn new(mut syst: SYST) -> Self {
        syst.set_clock_source(SystClkSource::Core);
        syst.set_reload(TOP);
        syst.clear_current();
        syst.enable_counter();
        Self { last: TOP, rest: 0, now: Instant::ZERO }
    }

    /// Microseconds since the start, in steps of two.
    pub fn now(&mut self) -> Instant {
        let found = SYST::get_current();
        let ticks = self.last.wrapping_sub(found) & TOP;
        self.last = found;
        let ticks = ticks.saturating_add(self.rest);
        self.rest = ticks % 25;
        self.now = self.now.plus(Duration::from_micros(u64::from(ticks / 25 * 2)));
        self.now
    }
}
