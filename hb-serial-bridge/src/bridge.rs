//! Two ports and the two directions between them.

use crate::lane::Lane;
use crate::stats::Stats;
use embedded_io::{Read, ReadReady, Write, WriteReady};
use hb_core::{Duration, Instant};

/// Bytes that one [`Bridge::step`] reads, and writes, in each direction at most.
pub const STEP_BYTES: usize = 64;

/// A relay between port `A` and port `B`. Its two lanes take 1.8 KB.
#[derive(Debug)]
pub struct Bridge<A, B> {
    a: A,
    b: B,
    a_to_b: Lane,
    b_to_a: Lane,
}

impl<A, B> Bridge<A, B>
where
    A: Read + ReadReady + Write + WriteReady,
    B: Read + ReadReady + Write + WriteReady,
{
    /// A relay that forwards no frame later than `max_age` after it was read.
    ///
    /// A late beat is taken for life, so a node's death may be seen later by as much. The nodes' keepalive is a good
    /// value; it must not be shorter than the longest frame takes at the slower port (271 bytes: 283 ms at 9,600 baud,
    /// 142 ms at 19,200).
    #[must_use]
    pub const fn new(a: A, b: B, max_age: Duration) -> Self {
        Self { a, b, a_to_b: Lane::new(max_age), b_to_a: Lane::new(max_age) }
    }

    /// Move what can be moved at `now` without waiting: at most [`STEP_BYTES`] read and as many written in each
    /// direction, so neither direction can keep the other waiting, whatever comes in.
    ///
    /// True if anything was moved: call it again before going to sleep. A board sleeps until one of its ports is ready
    /// or a fraction of `max_age` has passed.
    pub fn step(&mut self, now: Instant) -> bool {
        let read =
            [self.a_to_b.read(&mut self.a, STEP_BYTES, now), self.b_to_a.read(&mut self.b, STEP_BYTES, now)];
        let written = [
            self.a_to_b.write(&mut self.b, STEP_BYTES, now),
            self.b_to_a.write(&mut self.a, STEP_BYTES, now),
        ];
        read != [0, 0] || written != [0, 0]
    }

    /// What went from `A` to `B`.
    #[must_use]
    pub const fn a_to_b(&self) -> &Stats {
        &self.a_to_b.stats
    }

    /// What went from `B` to `A`.
    #[must_use]
    pub const fn b_to_a(&self) -> &Stats {
        &self.b_to_a.stats
    }

    /// The two ports, and an end of the relay. Frames that wait are lost.
    pub fn into_ports(self) -> (A, B) {
        (self.a, self.b)
    }
}
