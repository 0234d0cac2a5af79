//! The node's own running time: silence is counted only while the node itself was running (DESIGN §6).
//!
//! Every timer of the node lives in *running time*: the caller's clock less the time that the own loop stood still.
//! A node that wakes up from a long stop therefore never takes its own absence for the silence of its peer.

use crate::time::{Duration, Instant};

/// Turns the caller's clock into running time, and notices when the loop stood still.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    last: Instant,
    promised: Instant,
    stalled: Duration,
    worst: Duration,
    tolerance: Duration,
}

/// What a reading of the clock says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reading {
    /// Now, in running time.
    pub(crate) now: Instant,
    /// How much later than promised this input comes; zero when it is on time.
    pub(crate) late: Duration,
    /// Since the input before, when the loop stood still for longer than one keepalive beyond its promise.
    pub(crate) gap: Option<Duration>,
}

impl Clock {
    pub(crate) fn new(now: Instant, keepalive: Duration) -> Self {
        Self {
            last: now,
            promised: Instant::NEVER,
            stalled: Duration::ZERO,
            worst: Duration::ZERO,
            tolerance: keepalive,
        }
    }

    /// Take a reading. Time that goes backwards is held (DESIGN §6.2).
    pub(crate) fn read(&mut self, real: Instant) -> Reading {
        let real = real.max(self.last);
        let late = real.since(self.promised);
        let gap = if late > self.tolerance { Some(real.since(self.last)) } else { None };
        if gap.is_some() {
            self.stalled = self.stalled.plus(late);
        }
        self.worst = self.worst.max(late);
        self.last = real;
        // The same lateness is not counted twice within one round of inputs.
        self.promised = self.promised.max(real);
        Reading { now: real.minus(self.stalled), late, gap }
    }

    /// Remember what the shell is told, to measure the next input against; gives it in the caller's time (DESIGN §6.5).
    pub(crate) fn promise(&mut self, deadline: Instant) {
        self.promised =
            if deadline == Instant::NEVER { deadline } else { deadline.plus(self.stalled).max(self.last) };
    }

    /// The deadline last promised, in the caller's time.
    pub(crate) fn promised(&self) -> Instant {
        self.promised
    }

    /// `real` in running time, without taking a reading.
    pub(crate) fn running(&self, real: Instant) -> Instant {
        real.max(self.last).minus(self.stalled)
    }

    /// The caller's time of the last reading: what goes on while the own loop stands still is reckoned in it.
    pub(crate) fn real(&self) -> Instant {
        self.last
    }

    /// The longest lateness so far.
    pub(crate) fn worst(&self) -> Duration {
        self.worst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Instant {
        Instant::from_millis(n)
    }

    #[test]
    fn a_punctual_loop_runs_in_real_time() {
        let mut clock = Clock::new(ms(0), Duration::from_millis(100));
        for step in 1..50 {
            clock.promise(ms(step * 100));
            let reading = clock.read(ms(step * 100 + 3));
            assert_eq!(reading.now, ms(step * 100 + 3));
            assert_eq!(reading.gap, None);
        }
    }

    #[test]
    fn a_gap_is_not_running_time() {
        let mut clock = Clock::new(ms(0), Duration::from_millis(100));
        clock.promise(ms(100));
        let reading = clock.read(ms(5000));
        assert_eq!(reading.now, ms(100));
        assert_eq!(reading.late, Duration::from_millis(4900));
        assert_eq!(reading.gap, Some(Duration::from_millis(5000)));
        let again = clock.read(ms(5001));
        assert_eq!((again.now, again.gap), (ms(101), None), "one gap is counted once");
        clock.promise(ms(200));
        assert_eq!(clock.promised(), ms(5100), "promises are in the caller's time");
    }

    #[test]
    fn time_that_goes_backwards_is_held() {
        let mut clock = Clock::new(ms(50), Duration::from_millis(100));
        assert_eq!(clock.read(ms(10)).now, ms(50));
    }
}
