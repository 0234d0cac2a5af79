//! The links: a serial line paces its bytes and keeps their order, a datagram link does neither; both may delay, lose,
//! double, disorder, damage, and carry noise.

use hb_core::config::LinkKind;
use hb_core::{Duration, Instant};

/// Bits on the line per byte: start, eight, stop.
const BITS: u64 = 10;

/// One direction of a link, from one sender. Chances are in a thousand frames.
#[derive(Clone, Copy, Debug, Default)]
pub struct Way {
    /// Frames lost.
    pub loss: u64,
    /// Frames that come twice (datagrams).
    pub twice: u64,
    /// Frames that come late by up to `late_by`, behind later ones (datagrams).
    pub late: u64,
    /// See `late`.
    pub late_by: Duration,
    /// Frames with one bit changed.
    pub flips: u64,
    /// Bursts of noise come.
    pub noise: bool,
    pub(crate) noise_comes: bool,
    pub(crate) busy_until: Instant,
    pub(crate) last_arrival: Instant,
    pub(crate) waiting: Option<u32>,
}

/// One link.
#[derive(Clone, Copy, Debug)]
pub struct Wire {
    /// Serial or datagrams.
    pub kind: LinkKind,
    /// Bits per second of a serial line; 0 paces nothing.
    pub baud: u64,
    /// From the last byte sent to its arrival.
    pub latency: Duration,
    /// Up to this much more, by chance.
    pub jitter: Duration,
    /// Bytes of a serial line come in two reads, by chance.
    pub split: bool,
    /// By sender.
    pub ways: [Way; 2],
}

impl Wire {
    /// A perfect link.
    #[must_use]
    pub fn new(kind: LinkKind, latency: Duration) -> Self {
        Self { kind, baud: 0, latency, jitter: Duration::ZERO, split: false, ways: [Way::default(); 2] }
    }

    /// How long `bytes` occupy the line.
    #[must_use]
    pub fn line_time(&self, bytes: usize) -> Duration {
        match (self.kind, self.baud) {
            (LinkKind::Datagram, _) | (LinkKind::Stream, 0) => Duration::ZERO,
            (LinkKind::Stream, baud) => {
                Duration::from_micros((bytes as u64 * BITS * 1_000_000).div_ceil(baud))
            }
        }
    }

    /// Does every frame of that sender arrive whole, as far as the line goes?
    #[must_use]
    pub fn clean(&self, sender: usize) -> bool {
        let way = &self.ways[sender];
        way.loss == 0 && way.flips == 0 && !way.noise && !way.noise_comes
    }

    /// From handing over a frame of `bytes` to its arrival at the latest: the frame before it on the line, itself,
    /// and the way. A frame that waits is replaced by a newer one, so no more than one is ahead.
    #[must_use]
    pub fn frame_time(&self, sender: usize, bytes: usize) -> Duration {
        let way = &self.ways[sender];
        let late = if way.late > 0 { way.late_by } else { Duration::ZERO };
        self.line_time(bytes).times(2).plus(self.latency).plus(self.jitter).plus(late)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_takes_ten_bits_per_byte() {
        let mut wire = Wire::new(LinkKind::Stream, Duration::ZERO);
        wire.baud = 9600;
        assert_eq!(wire.line_time(96), Duration::from_millis(100));
        assert_eq!(Wire { kind: LinkKind::Datagram, ..wire }.line_time(96), Duration::ZERO);
    }
}
