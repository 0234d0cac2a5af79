//! May the watchdog be fed in this step (DESIGN §8)? Only in a step that sent a beat, only while the loop is on time,
//! and from the moment that the reset for a stuck group is on record ([`crate::cluster::group::Reset`]) never until it is
//! proven stopped: the peer takes silence behind *stuck* and *armed* for a reset. A link that is down or failing never
//! withholds a feed.

use crate::time::Duration;

/// What the step looked like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// The watchdog is armed by this daemon.
    pub(crate) armed: bool,
    /// A beat was composed and handed to the links in this step, however many links there are.
    pub(crate) beat: bool,
    /// How much later than promised this step began.
    pub(crate) late: Duration,
    /// The keepalive.
    pub(crate) keepalive: Duration,
    /// Some group is stuck here, or was and is not proven stopped since, and the reset for it is on the disk.
    pub(crate) stuck: bool,
}

/// The one place that decides it (DESIGN §7 O7.3, §8.5).
#[must_use]
pub(crate) fn may_feed(step: &Step) -> bool {
    step.armed && step.beat && step.late <= step.keepalive && !step.stuck
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_is_needed() {
        let good = Step {
            armed: true,
            beat: true,
            late: Duration::from_millis(100),
            keepalive: Duration::from_millis(100),
            stuck: false,
        };
        assert!(may_feed(&good));
        assert!(!may_feed(&Step { armed: false, ..good }));
        assert!(!may_feed(&Step { beat: false, ..good }));
        assert!(!may_feed(&Step { late: Duration::from_millis(101), ..good }));
        assert!(!may_feed(&Step { stuck: true, ..good }));
    }
}
