//! One direction: bytes in, whole frames out, at most one waiting.

use crate::out::{Out, What};
use crate::stats::{Stats, add, count};
#[cfg(feature = "linux-ha")]
use crate::text::Text;
use embedded_io::{Read, ReadReady, Write, WriteReady};
use hb_core::frame::Decoder;
use hb_core::message::wire::LONGEST;
use hb_core::{Duration, Instant};

/// Bytes asked of a port at once.
const CHUNK: usize = 16;

/// What becomes of a whole datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pass {
    /// It goes to the other node.
    On,
    /// It was for the bridge.
    Taken,
    /// It looked as if it was for the bridge, and makes no sense.
    Bad,
}

/// The state of one direction.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    decoder: Decoder<LONGEST>,
    #[cfg(feature = "linux-ha")]
    text: Text,
    /// A whole text came since the last delimiter.
    run_had_text: bool,
    #[cfg(feature = "linux-ha")]
    pub(crate) pass_text: bool,
    pub(crate) out: Out,
    pub(crate) stats: Stats,
}

impl Lane {
    pub(crate) const fn new(max_age: Duration) -> Self {
        Self {
            decoder: Decoder::new(),
            #[cfg(feature = "linux-ha")]
            text: Text::new(),
            run_had_text: false,
            #[cfg(feature = "linux-ha")]
            pass_text: false,
            out: Out::new(max_age),
            stats: Stats::NONE,
        }
    }

    /// Read what is there, `limit` bytes at most. Each whole datagram is shown to `meet`. Gives how many were read.
    pub(crate) fn read<P: Read + ReadReady>(
        &mut self,
        port: &mut P,
        limit: usize,
        now: Instant,
        meet: &mut dyn FnMut(&[u8]) -> Pass,
    ) -> usize {
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
                    room.iter().take(got).for_each(|byte| self.take(*byte, now, meet));
                }
                Err(_) => {
                    count(&mut self.stats.read_errors);
                    self.decoder.reset();
                    self.take_text(0, now);
                    break;
                }
            }
        }
        add(&mut self.stats.bytes, total);
        total
    }

    fn take(&mut self, byte: u8, now: Instant, meet: &mut dyn FnMut(&[u8]) -> Pass) {
        self.take_text(byte, now);
        match self.decoder.push(byte) {
            None => {}
            Some(Err(_)) if self.run_had_text => {}
            Some(Err(_)) => count(&mut self.stats.malformed),
            Some(Ok(datagram)) => match meet(datagram) {
                Pass::Taken => count(&mut self.stats.asked),
                Pass::Bad => count(&mut self.stats.malformed),
                Pass::On => {
                    count(&mut self.stats.frames);
                    self.stats.last_frame = Some(now);
                    self.out.relay(What::Datagram(datagram), now, &mut self.stats);
                }
            },
        }
        if byte == 0 {
            self.run_had_text = false;
        }
    }

    #[cfg(feature = "linux-ha")]
    fn take_text(&mut self, byte: u8, now: Instant) {
        if let Some(text) = self.text.push(byte) {
            count(&mut self.stats.text);
            self.run_had_text = true;
            if self.pass_text {
                self.out.relay(What::Text(text), now, &mut self.stats);
            }
        }
    }

    /// A build without the feature takes text for noise.
    #[cfg(not(feature = "linux-ha"))]
    fn take_text(&mut self, _: u8, _: Instant) {}

    /// Write what the port takes, `limit` bytes at most. Gives how many were written.
    pub(crate) fn write<P: Write + WriteReady>(&mut self, port: &mut P, limit: usize, now: Instant) -> usize {
        self.out.write(port, limit, now, &mut self.stats)
    }
}
