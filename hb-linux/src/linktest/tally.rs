//! Counting what arrives in one step: frames, bytes, bits, silence, round trips.
//!
//! A run is what stands between two zero bytes. A run that is no whole frame counts as damaged; where it has the length
//! of a data frame, it is compared with the frame that was due, bit by bit.

use super::frame::{Frame, MAX_PLAIN, MAX_WIRE, Report, WIRE};
use crate::sys::tty::BAUDS;
use hb_core::frame::Decoder;
use hb_core::{Duration, Instant};

/// A run that differs from the frame that was due in more bits than this is another frame, or two halves of two:
/// bits that have nothing to do with each other differ in half of the places.
const ALIKE: u32 = (WIRE * 8 / 4) as u32;
/// Round trips kept for the statistics.
const TRIPS: usize = 4096;
/// Frames to be echoed that may be on their way.
const ASKED: usize = 8;

/// Everything counted in one step at one speed.
#[derive(Debug)]
pub(super) struct Tally {
    step: u8,
    decoder: Decoder<MAX_PLAIN>,
    run: [u8; WIRE - 2],
    /// Bytes of the run under way, those that did not fit included.
    len: usize,
    /// The frame that is due next, if all damaged runs since the last whole frame are frames.
    due: u32,
    /// The frame after the last whole one.
    after: u32,
    /// Since the last whole frame: bytes, and damaged runs.
    since: (u32, u32),
    /// The last whole frame.
    last: Option<Instant>,
    /// The other end has said that it is done, after so many frames.
    pub(super) total: Option<u32>,
    pub(super) report: Report,
    /// Frames sent that the other end is to echo: number, and when the first bit left.
    asked: [(u32, Instant); ASKED],
    /// A frame of the other end that is to be echoed, and when it came.
    owed: Option<(u32, Instant)>,
    /// In microseconds, in the order in which they came.
    trips: Vec<u32>,
}

/// What a byte completed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    /// A frame of a test, whatever step it belongs to.
    Frame(Frame),
    /// Damage, or somebody else's frame: its first byte.
    Other(u8),
}

/// Round trips in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Trips {
    /// How many were measured.
    pub(super) count: usize,
    /// The shortest, the median, the 99th percentile and the longest.
    pub(super) min_median_p99_max: [u32; 4],
}

impl Tally {
    /// Nothing counted yet in `step`.
    pub(super) fn new(step: u8) -> Self {
        Self {
            step,
            decoder: Decoder::new(),
            run: [0; WIRE - 2],
            len: 0,
            due: 0,
            after: 0,
            since: (0, 0),
            last: None,
            total: None,
            report: Report::default(),
            asked: [(u32::MAX, Instant::ZERO); ASKED],
            owed: None,
            trips: Vec::new(),
        }
    }

    /// Every so manieth frame of this step is to be echoed: all the more of them where frames are short in time.
    fn every(&self) -> u32 {
        if BAUDS.get(usize::from(self.step)).is_some_and(|baud| *baud > 38_400) { 8 } else { 4 }
    }

    /// Is this frame to be echoed? Both ends know it from its number.
    fn is_question(&self, seq: u32) -> bool {
        seq.is_multiple_of(self.every())
    }

    /// Is the next frame one whose time of leaving counts?
    pub(super) fn is_timed(&self) -> bool {
        self.owed.is_some() || self.is_question(self.report.sent)
    }

    /// The frame that the next one is to echo. One that is to be echoed itself echoes none: all of them are data frames.
    pub(super) fn take_owed(&mut self) -> Option<(u32, Instant)> {
        if self.is_question(self.report.sent) { None } else { self.owed.take() }
    }

    fn place(&self, seq: u32) -> usize {
        (seq / self.every()) as usize % ASKED
    }

    /// Frame `seq` leaves at `at`.
    #[inline(never)]
    pub(super) fn sent(&mut self, seq: u32, at: Instant) {
        self.report.sent = seq.wrapping_add(1);
        let place = self.place(seq);
        if self.is_question(seq)
            && let Some(asked) = self.asked.get_mut(place)
        {
            *asked = (seq, at);
        }
    }

    /// Take in one byte that came at `now`.
    #[inline(never)]
    pub(super) fn push(&mut self, now: Instant, byte: u8) -> Option<Heard> {
        self.since.0 = self.since.0.saturating_add(1);
        let heard = match self.decoder.push(byte) {
            None => None,
            Some(Ok(plain)) => Some(
                Frame::decode(plain)
                    .map_or_else(|| Heard::Other(plain.first().copied().unwrap_or(0)), Heard::Frame),
            ),
            Some(Err(_)) => Some(Heard::Other(0)),
        };
        if byte != 0 {
            if let Some(slot) = self.run.get_mut(self.len) {
                *slot = byte;
            }
            self.len += 1;
        }
        match heard {
            Some(Heard::Frame(frame)) => self.frame(now, &frame),
            Some(Heard::Other(_)) if self.total.is_none() => self.damaged(),
            _ => {}
        }
        if byte == 0 {
            self.len = 0;
        }
        heard
    }

    #[inline(never)]
    fn frame(&mut self, now: Instant, frame: &Frame) {
        match *frame {
            Frame::Sync { step, .. } if step == self.step => {
                // The test has not begun: what came so far is not part of it.
                (self.report.bad, self.since) = (0, (0, 0));
            }
            Frame::Data { step, seq } | Frame::Echo { step, seq, .. }
                if step == self.step && self.total.is_none() =>
            {
                if self.report.good == 0 {
                    // Where the first of its bytes began is not known.
                    self.add_bytes(self.damaged_of(seq).saturating_add(1).saturating_mul(WIRE as u32));
                } else {
                    self.add_bytes(self.since.0);
                }
                self.since = (0, 0);
                self.report.good = self.report.good.saturating_add(1);
                if let Some(last) = self.last {
                    self.report.gap_us = self.report.gap_us.max(micros(now.since(last)));
                }
                self.last = Some(now);
                self.after = seq.wrapping_add(1);
                self.due = self.after;
                if let Frame::Echo { echo, hold_us, .. } = *frame {
                    self.echoed(now, echo, hold_us);
                } else {
                    self.report.compared = self.report.compared.saturating_add(1);
                    if self.is_question(seq) {
                        self.owed = Some((seq, now));
                    }
                }
            }
            Frame::End { step, total } if step == self.step && self.total.is_none() => {
                self.total = Some(total);
                let last = self.damaged_of(total.saturating_sub(self.after));
                self.add_bytes(last.saturating_mul(WIRE as u32));
            }
            _ => {}
        }
    }

    fn add_bytes(&mut self, bytes: u32) {
        self.report.bytes = self.report.bytes.saturating_add(bytes);
    }

    /// How many of these frames at the edge of the test are among the damaged runs there.
    fn damaged_of(&self, frames: u32) -> u32 {
        self.since.1.min(frames)
    }

    #[inline(never)]
    fn echoed(&mut self, now: Instant, echo: u32, hold_us: u32) {
        let Some(&(seq, at)) = self.asked.get(self.place(echo)) else { return };
        if seq == echo && self.is_question(echo) {
            let trip = micros(now.since(at)).saturating_sub(hold_us).max(1);
            self.report.worst_us = self.report.worst_us.max(trip);
            if self.trips.len() < TRIPS {
                self.trips.push(trip);
            }
        }
    }

    /// The run that just ended is no frame.
    #[inline(never)]
    fn damaged(&mut self) {
        self.report.bad = self.report.bad.saturating_add(1);
        self.since.1 = self.since.1.saturating_add(1);
        let mut wire = [0; MAX_WIRE];
        let len = Frame::Data { step: self.step, seq: self.due }.encode(&mut wire);
        self.due = self.due.wrapping_add(1);
        if self.len != self.run.len() {
            return;
        }
        let expected = wire.get(1..len.saturating_sub(1)).unwrap_or(&[]);
        let wrong = self.run.iter().zip(expected).map(|(a, b)| (a ^ b).count_ones()).sum();
        if wrong <= ALIKE {
            self.report.compared = self.report.compared.saturating_add(1);
            self.report.wrong = self.report.wrong.saturating_add(wrong);
        }
    }

    /// The last sign of life of the other end in this step's test.
    pub(super) const fn last(&self) -> Option<Instant> {
        self.last
    }

    /// Bytes since the last frame of a test, or since the beginning.
    pub(super) const fn uncounted(&self) -> u32 {
        self.since.0
    }

    /// The statistics of the round trips so far.
    #[inline(never)]
    pub(super) fn trips(&self) -> Trips {
        let mut sorted = self.trips.clone();
        sorted.sort_unstable();
        let at =
            |part: usize| sorted.get((sorted.len() * part).div_ceil(100).max(1) - 1).copied().unwrap_or(0);
        Trips { count: sorted.len(), min_median_p99_max: [at(0), at(50), at(99), self.report.worst_us] }
    }
}

impl Report {
    /// Frames of the other end, which sent `sent`, that did not come through whole.
    pub(super) const fn missing(&self, sent: u32) -> u32 {
        sent.saturating_sub(self.good)
    }

    /// Bytes of those that never came at all.
    pub(super) const fn lost_bytes(&self, sent: u32) -> u32 {
        sent.saturating_mul(WIRE as u32).saturating_sub(self.bytes)
    }

    /// Bits that were compared.
    pub(super) const fn bits(&self) -> u64 {
        self.compared as u64 * (WIRE as u64 - 2) * 8
    }
}

pub(super) fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    fn wire(frame: &Frame) -> Vec<u8> {
        let mut out = [0; MAX_WIRE];
        let len = frame.encode(&mut out);
        out[..len].to_vec()
    }

    fn feed(tally: &mut Tally, now: Instant, bytes: &[u8]) {
        for byte in bytes {
            tally.push(now, *byte);
        }
    }

    /// A step of 100 frames in which `change` has its way with each.
    fn step(mut change: impl FnMut(u32, &mut Vec<u8>)) -> Report {
        let mut tally = Tally::new(2);
        feed(&mut tally, at(0), &[0x55; 30]);
        feed(&mut tally, at(0), &wire(&Frame::Sync { step: 2, hears: true }));
        for seq in 0..100 {
            let mut bytes = wire(&Frame::Data { step: 2, seq });
            change(seq, &mut bytes);
            feed(&mut tally, at(10 * u64::from(seq)), &bytes);
        }
        feed(&mut tally, at(1000), &wire(&Frame::End { step: 2, total: 100 }));
        feed(&mut tally, at(1000), &wire(&Frame::End { step: 2, total: 100 }));
        feed(&mut tally, at(1000), &[1, 2, 3, 0]);
        assert_eq!(tally.total, Some(100));
        tally.report
    }

    #[test]
    fn a_clean_step_counts_every_frame_and_nothing_else() {
        let r = step(|_, _| {});
        assert_eq!((r.good, r.bad, r.bytes, r.compared, r.wrong, r.gap_us), (100, 0, 4000, 100, 0, 10_000));
        assert_eq!((r.missing(100), r.lost_bytes(100)), (0, 0));
    }

    #[test]
    fn wrong_bits_are_counted_one_by_one() {
        let mut flipped = 0;
        let r = step(|seq, bytes| {
            // In a byte that neither was nor becomes a delimiter.
            for (offset, mask) in [(9, 0x81), (20, 0x10)] {
                if seq % 10 == 3 && bytes[offset] != mask {
                    bytes[offset] ^= mask;
                    flipped += mask.count_ones();
                }
            }
        });
        assert!(flipped >= 27);
        assert_eq!((r.good, r.bad, r.wrong, r.compared), (90, 10, flipped, 100));
        assert_eq!((r.missing(100), r.lost_bytes(100), r.bits()), (10, 0, 100 * 38 * 8));
    }

    #[test]
    fn a_damaged_sync_or_end_is_no_data_frame_with_wrong_bits() {
        let mut tally = Tally::new(2);
        let damaged = |frame: &Frame| {
            let mut bytes = wire(frame);
            bytes[30] ^= if bytes[30] == 0x20 { 0x40 } else { 0x20 };
            bytes
        };
        for hears in [false, true, true] {
            feed(&mut tally, at(0), &damaged(&Frame::Sync { step: 2, hears }));
        }
        for seq in 0..10 {
            feed(&mut tally, at(10), &wire(&Frame::Data { step: 2, seq }));
        }
        feed(&mut tally, at(20), &damaged(&Frame::End { step: 2, total: 10 }));
        feed(&mut tally, at(20), &wire(&Frame::End { step: 2, total: 10 }));
        assert_eq!((tally.report.good, tally.report.compared, tally.report.wrong), (10, 10, 0));
    }

    #[test]
    fn lost_bytes_and_lost_frames_are_counted_but_not_compared() {
        let r = step(|seq, bytes| match seq {
            5 => drop(bytes.drain(10..14)),
            40..=42 => bytes.clear(),
            _ => {}
        });
        assert_eq!((r.good, r.bad, r.compared, r.wrong), (96, 1, 96, 0));
        assert_eq!((r.missing(100), r.lost_bytes(100)), (4, 4 + 3 * 40));
        assert_eq!(r.gap_us, 40_000);
    }

    #[test]
    fn damage_at_the_edges_of_a_step_is_damage_and_no_loss() {
        let r = step(|seq, bytes| {
            if [0, 1, 99].contains(&seq) {
                bytes[20] ^= 0x40;
            }
        });
        assert_eq!((r.good, r.bad, r.lost_bytes(100)), (97, 3, 0));
    }

    #[test]
    fn damage_after_a_loss_is_not_compared_with_the_wrong_frame() {
        let r = step(|seq, bytes| match seq {
            50 => bytes.clear(),
            51 => bytes[12] ^= 0x42,
            _ => {}
        });
        assert_eq!((r.good, r.bad, r.compared, r.wrong), (98, 1, 98, 0));
    }

    #[test]
    fn noise_of_another_step_is_not_this_ones() {
        let mut tally = Tally::new(1);
        feed(&mut tally, at(0), &wire(&Frame::Data { step: 0, seq: 7 }));
        assert_eq!((tally.report.good, tally.due, tally.last), (0, 0, None));
    }

    #[test]
    fn round_trips_are_those_of_the_line_without_the_time_that_the_other_end_held_them() {
        let mut tally = Tally::new(0);
        let mut now = 0;
        for n in 0..100 {
            let seq = 4 * n;
            tally.sent(seq, at(now));
            let trip = if n == 7 { 90 } else { 10 + u64::from(n) / 10 };
            let echo = Frame::Echo { step: 0, seq: n, echo: seq, hold_us: 5000 };
            feed(&mut tally, at(now + trip + 5), &wire(&echo));
            now += 100;
        }
        // An echo of what was never asked, or long ago, says nothing.
        feed(&mut tally, at(now), &wire(&Frame::Echo { step: 0, seq: 100, echo: 0, hold_us: 0 }));
        feed(&mut tally, at(now), &wire(&Frame::Echo { step: 0, seq: 101, echo: 397, hold_us: 0 }));
        let trips = tally.trips();
        assert_eq!((trips.count, trips.min_median_p99_max), (100, [10_000, 15_000, 19_000, 90_000]));
        assert_eq!(tally.report.sent, 397);
    }

    #[test]
    fn a_question_is_owed_an_answer() {
        let mut tally = Tally::new(0);
        feed(&mut tally, at(3), &wire(&Frame::Data { step: 0, seq: 8 }));
        feed(&mut tally, at(4), &wire(&Frame::Data { step: 0, seq: 9 }));
        assert_eq!(tally.owed, Some((8, at(3))));
    }
}
