//! One direction: bytes in, whole frames out, at most one waiting.

use crate::stats::{Stats, add, count};
use embedded_io::{Read, ReadReady, Write, WriteReady};
use hb_core::frame::{Decoder, MAX_FRAME, encode};
use hb_core::message::wire::MAX_DATAGRAM;
use hb_core::{Duration, Instant};

/// Bytes asked of a port at once.
const CHUNK: usize = 16;

/// A coded frame and when it was read.
#[derive(Clone, Debug)]
struct Frame {
    bytes: [u8; MAX_FRAME],
    /// 0: there is none.
    len: usize,
    read_at: Instant,
}

impl Frame {
    const fn none() -> Self {
        Self { bytes: [0; MAX_FRAME], len: 0, read_at: Instant::ZERO }
    }
}

/// The state of one direction. A frame waits only while there is a current one.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    decoder: Decoder<MAX_DATAGRAM>,
    /// The frame that is being written.
    current: Frame,
    /// So much of it is.
    written: usize,
    /// The newest frame behind it.
    waiting: Frame,
    max_age: Duration,
    pub(crate) stats: Stats,
}

impl Lane {
    pub(crate) const fn new(max_age: Duration) -> Self {
        Self {
            decoder: Decoder::new(),
            waiting: Frame::none(),
            current: Frame::none(),
            written: 0,
            max_age,
            stats: Stats {
                bytes: 0,
                frames: 0,
                forwarded: 0,
                malformed: 0,
                replaced: 0,
                stale: 0,
                cut: 0,
                read_errors: 0,
                write_errors: 0,
                last_frame: None,
            },
        }
    }

    /// Read what is there, `limit` bytes at most. Gives how many were read.
    pub(crate) fn read<P: Read + ReadReady>(&mut self, port: &mut P, limit: usize, now: Instant) -> usize {
        let mut total = 0_usize;
        while let Some(left @ 1..) = limit.checked_sub(total) {
            let mut chunk = [0; CHUNK];
            let room = chunk.get_mut(..left.min(CHUNK)).unwrap_or_default();
            let got = match port.read_ready() {
                Ok(false) => break,
                Ok(true) => port.read(room),
                Err(error) => Err(error),
            };
            match got {
                Ok(0) => break,
                Ok(got) => {
                    total = total.saturating_add(got);
                    room.iter().take(got).for_each(|byte| self.take(*byte, now));
                }
                Err(_) => {
                    count(&mut self.stats.read_errors);
                    self.decoder.reset();
                    break;
                }
            }
        }
        add(&mut self.stats.bytes, total);
        total
    }

    fn take(&mut self, byte: u8, now: Instant) {
        match self.decoder.push(byte) {
            None => {}
            Some(Err(_)) => count(&mut self.stats.malformed),
            Some(Ok(datagram)) => {
                count(&mut self.stats.frames);
                self.stats.last_frame = Some(now);
                let place = if self.current.len == 0 { &mut self.current } else { &mut self.waiting };
                if place.len > 0 {
                    count(&mut self.stats.replaced);
                }
                // What was decoded always fits.
                place.len = encode(datagram, &mut place.bytes).unwrap_or(0);
                place.read_at = now;
            }
        }
    }

    /// Write what the port takes, `limit` bytes at most. Gives how many were written.
    pub(crate) fn write<P: Write + WriteReady>(&mut self, port: &mut P, limit: usize, now: Instant) -> usize {
        self.drop_old(now);
        let mut total = 0_usize;
        while let Some(left @ 1..) = limit.checked_sub(total) {
            let rest = self.current.bytes.get(self.written..self.current.len).unwrap_or_default();
            let piece = rest.get(..left).unwrap_or(rest);
            if piece.is_empty() {
                break;
            }
            let put = match port.write_ready() {
                Ok(false) => break,
                Ok(true) => port.write(piece),
                Err(error) => Err(error),
            };
            match put {
                Ok(0) => break,
                Ok(put) => {
                    total = total.saturating_add(put);
                    self.written = self.written.saturating_add(put);
                }
                Err(_) => {
                    // How much of the piece went out is not known: begin anew, the delimiter in front ends the rest.
                    count(&mut self.stats.write_errors);
                    self.written = 0;
                    break;
                }
            }
            if self.written >= self.current.len {
                count(&mut self.stats.forwarded);
                self.next();
            }
        }
        total
    }

    fn drop_old(&mut self, now: Instant) {
        // The waiting frame is the younger one.
        if self.waiting.len > 0 && now.since(self.waiting.read_at) > self.max_age {
            count(&mut self.stats.stale);
            self.waiting.len = 0;
        }
        if self.current.len > 0 && now.since(self.current.read_at) > self.max_age {
            count(if self.written > 0 { &mut self.stats.cut } else { &mut self.stats.stale });
            self.next();
        }
    }

    /// The current frame is done with: go on with the waiting one, if there is one.
    fn next(&mut self) {
        self.current.len = 0;
        self.written = 0;
        if self.waiting.len > 0 {
            core::mem::swap(&mut self.current, &mut self.waiting);
        }
    }
}
