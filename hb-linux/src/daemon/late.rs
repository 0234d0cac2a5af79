//! How late the loop woke when it had asked to be woken: a histogram over the daemon's life.

use crate::control::wire::{LATE_BOUNDS_US, LateReply};
use hb_core::{Duration, Instant};

/// The counts so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lateness {
    counts: LateReply,
    worst: Duration,
    keepalive: Duration,
}

impl Lateness {
    /// Nothing was late yet.
    pub(super) fn new(keepalive: Duration) -> Self {
        Self { counts: LateReply::default(), worst: Duration::ZERO, keepalive }
    }

    /// A wait until `deadline` has ended.
    pub(super) fn note(&mut self, now: Instant, deadline: Instant) {
        if now < deadline {
            // Something came before.
            return;
        }
        let late = now.since(deadline);
        let us = late.as_micros();
        let at = LATE_BOUNDS_US.iter().position(|bound| us <= *bound).unwrap_or(LATE_BOUNDS_US.len());
        if let Some(count) = self.counts.counts.get_mut(at) {
            *count = count.saturating_add(1);
        }
        self.counts.sum_us = self.counts.sum_us.saturating_add(us);
        self.worst = self.worst.max(late);
    }

    /// The longest so far.
    pub(super) const fn worst(&self) -> Duration {
        self.worst
    }

    /// The deadtime that this worst would allow, in milliseconds: a heartbeat may come late by it at both ends, and two in a
    /// row may be lost.
    pub(super) fn allows(&self, worst: Duration) -> u64 {
        let allowed = self.keepalive.plus(self.keepalive.doubled()).plus(worst.doubled());
        allowed.as_millis().saturating_add(1)
    }

    /// For the status.
    pub(super) fn reply(&self) -> LateReply {
        LateReply { deadtime_ms: self.allows(self.worst), ..self.counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wake_is_counted_once_and_the_worst_sets_the_deadtime() {
        let mut late = Lateness::new(Duration::from_millis(100));
        let due = Instant::from_millis(1000);
        late.note(due.minus(Duration::from_millis(3)), due);
        assert_eq!(late.reply().counts, [0; 11], "woken before, by something that came");
        late.note(Instant::ZERO, Instant::NEVER);
        for us in [0, 1000, 1001, 40_000, 2_000_000] {
            late.note(due.plus(Duration::from_micros(us)), due);
        }
        let reply = late.reply();
        assert_eq!(reply.counts, [2, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
        assert_eq!(reply.sum_us, 2_042_001);
        assert_eq!(reply.deadtime_ms, 300 + 4000 + 1);
    }
}
