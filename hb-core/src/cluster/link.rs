//! Health of one link: is it open, is the peer heard on it, what was lost, how long is the round trip.

use crate::auth::replay::Window;
use crate::event::BadFrame;
use crate::time::{Duration, Instant};

/// One link.
#[derive(Clone, Debug, Default)]
pub(crate) struct Link {
    /// The device is open.
    pub(crate) open: bool,
    /// The peer is heard on it: a beat within the deadtime.
    pub(crate) heard: bool,
    /// Running time of the last good beat on it.
    pub(crate) last_heard: Instant,
    /// The peer's number for this link.
    pub(crate) theirs: Option<u8>,
    /// Sequence numbers on this link, in the peer's met incarnation.
    pub(crate) seqs: Window,
    /// Good frames, frames sent, beats that never came, bad frames.
    pub(crate) rx: u32,
    pub(crate) tx: u32,
    pub(crate) lost: u32,
    pub(crate) bad: u32,
    /// Texts among the bad frames that are in the peer's name.
    pub(crate) text: u32,
    /// When a frame of the peer came last that no key of ours verifies.
    pub(crate) unsigned: Option<Instant>,
    /// Last round trip.
    pub(crate) rtt: Option<Duration>,
    /// Kinds of bad frames that were reported since the link was last clean, one bit each.
    reported: u16,
    /// Good frames in a row, to call the link clean.
    clean: u8,
}

/// Good frames in a row after which a bad frame is worth a report again.
const CLEAN_RUN: u8 = 100;

impl Link {
    /// A good beat of the met incarnation came. Gives `true` when the link was not heard before.
    pub(crate) fn good(&mut self, now: Instant, seq: u32, theirs: u8) -> bool {
        self.rx = self.rx.saturating_add(1);
        self.clean = self.clean.saturating_add(1);
        if self.clean >= CLEAN_RUN {
            self.reported = 0;
        }
        let Some(skipped) = self.seqs.accept(seq) else { return false };
        self.lost = self.lost.saturating_add(skipped);
        self.theirs = Some(theirs);
        self.last_heard = now;
        !core::mem::replace(&mut self.heard, true)
    }

    /// A bad frame came. Gives `true` when this kind was not reported since the link was last clean.
    pub(crate) fn bad(&mut self, kind: BadFrame) -> bool {
        self.bad = self.bad.saturating_add(1);
        self.clean = 0;
        let bit = 1u16 << (kind as u16 % 16);
        let first = self.reported & bit == 0;
        self.reported |= bit;
        first
    }

    /// The peer begins a new incarnation: its numbers start anew, and it was not heard yet.
    pub(crate) fn forget_sequence(&mut self) {
        self.seqs = Window::default();
        self.theirs = None;
        self.heard = false;
    }
}

/// When the last beats were sent, to turn an echo into a round trip.
#[derive(Clone, Debug, Default)]
pub(crate) struct SendTimes {
    newest: u32,
    /// Of the newest eight beats, at their numbers' low bits.
    times: [Instant; 8],
}

impl SendTimes {
    /// Beat `seq` goes out: the number after the last one, or 1.
    pub(crate) fn sent(&mut self, seq: u32, now: Instant) {
        self.newest = seq;
        if let Some(slot) = self.times.get_mut(seq as usize % 8) {
            *slot = now;
        }
    }

    /// The number that ends in `low`, of the newest eight.
    pub(crate) fn number(&self, low: u8) -> Option<u32> {
        let age = u32::from((self.newest as u8).wrapping_sub(low));
        (age < 8 && age < self.newest).then(|| self.newest.saturating_sub(age))
    }

    /// The round trip of the beat whose number ends in `low`, held by the peer for `hold`.
    pub(crate) fn round_trip(&self, low: u8, hold: Duration, now: Instant) -> Option<Duration> {
        let age = u32::from((self.newest as u8).wrapping_sub(low));
        let known = age < 8 && age < self.newest;
        let at = self.times.get(usize::from(low) % 8).filter(|_| known)?;
        Some(now.since(*at).minus(hold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_count_as_lost_and_copies_do_not() {
        let mut link = Link::default();
        assert!(link.good(Instant::from_millis(1), 10, 2));
        assert!(!link.good(Instant::from_millis(2), 10, 2), "a copy");
        assert!(!link.good(Instant::from_millis(3), 14, 2));
        assert_eq!((link.rx, link.lost, link.seqs.newest()), (3, 3, 14));
        assert_eq!(link.last_heard, Instant::from_millis(3));
    }

    #[test]
    fn a_bad_kind_is_reported_once_per_run() {
        let mut link = Link::default();
        assert!(link.bad(BadFrame::BadTag));
        assert!(!link.bad(BadFrame::BadTag));
        assert!(link.bad(BadFrame::Malformed));
        for seq in 1..=u32::from(CLEAN_RUN) {
            link.good(Instant::ZERO, seq, 0);
        }
        assert!(link.bad(BadFrame::BadTag), "reported again after a clean run");
        assert_eq!(link.bad, 4);
    }

    #[test]
    fn the_round_trip_leaves_out_the_hold() {
        let mut times = SendTimes::default();
        assert_eq!(times.round_trip(0, Duration::ZERO, Instant::from_millis(1)), None, "nothing was sent");
        for seq in 1..0x1_05 {
            times.sent(seq, Instant::from_millis(u64::from(seq)));
        }
        times.sent(0x1_05, Instant::from_millis(400));
        let before = times.round_trip(0xFE, Duration::ZERO, Instant::from_millis(410));
        assert_eq!(before, Some(Duration::from_millis(156)), "seven beats ago");
        let mut times = SendTimes::default();
        times.sent(1, Instant::from_millis(5));
        assert_eq!(times.round_trip(0xFA, Duration::ZERO, Instant::from_millis(9)), None, "before the first");
        times.sent(0x1_05, Instant::from_millis(100));
        let rtt = times.round_trip(0x05, Duration::from_millis(20), Instant::from_millis(150));
        assert_eq!(rtt, Some(Duration::from_millis(30)));
        assert_eq!(times.round_trip(0x06, Duration::ZERO, Instant::from_millis(150)), None);
        assert_eq!(
            times.round_trip(0xFD, Duration::ZERO, Instant::from_millis(150)),
            None,
            "eight beats ago"
        );
    }
}
