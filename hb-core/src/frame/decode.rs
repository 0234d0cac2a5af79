//! Stream bytes to datagrams, one byte at a time, whatever came before.

use crate::event::BadFrame;

/// Takes a byte stream apart into datagrams of at most `N` bytes. It is `N` + 6 bytes large (rounded up to 8).
///
/// It starts silent, up to the first zero byte: what it hears before is the end of a frame that began earlier. Then
/// every run of bytes between two zero bytes is either a datagram or one error; runs of zero bytes are neither.
#[derive(Clone, Debug)]
pub struct Decoder<const N: usize> {
    buf: [u8; N],
    len: u16,
    /// Bytes of the current block still to come.
    left: u8,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Before the first delimiter.
    Hunting,
    /// Right after a delimiter.
    Empty,
    /// Inside a frame.
    Inside {
        /// The current block stands for a zero byte at its end, unless the frame ends there.
        zero: bool,
    },
    /// Inside a frame that is already known to be too long.
    TooLong,
}

impl<const N: usize> Decoder<N> {
    /// At the start of a stream, or after a reopened device.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(N <= 0xFFFF) };
        Self { buf: [0; N], len: 0, left: 0, state: State::Hunting }
    }

    /// Take in one byte in constant time. A datagram or an error comes out at the zero byte that ends it; a datagram
    /// stays readable until the next call.
    ///
    /// `Err` is always [`BadFrame::Malformed`]: too long for `N`, or not COBS.
    pub fn push(&mut self, byte: u8) -> Option<Result<&[u8], BadFrame>> {
        if byte == 0 {
            return self.end();
        }
        match self.state {
            State::Hunting | State::TooLong => {}
            State::Empty => {
                self.len = 0;
                self.block(byte);
            }
            State::Inside { zero } if self.left == 0 => {
                if zero {
                    self.store(0);
                }
                self.block(byte);
            }
            State::Inside { .. } => {
                self.left = self.left.saturating_sub(1);
                self.store(byte);
            }
        }
        None
    }

    fn block(&mut self, code: u8) {
        if self.state != State::TooLong {
            self.left = code.saturating_sub(1);
            self.state = State::Inside { zero: code != 0xFF };
        }
    }

    fn store(&mut self, byte: u8) {
        match self.buf.get_mut(usize::from(self.len)) {
            Some(slot) => {
                *slot = byte;
                self.len = self.len.saturating_add(1);
            }
            None => self.state = State::TooLong,
        }
    }

    fn end(&mut self) -> Option<Result<&[u8], BadFrame>> {
        let (state, left) = (self.state, self.left);
        self.state = State::Empty;
        match state {
            State::Hunting | State::Empty => None,
            State::Inside { .. } if left == 0 && self.len > 0 => {
                self.buf.get(..usize::from(self.len)).map(Ok)
            }
            State::Inside { .. } | State::TooLong => Some(Err(BadFrame::Malformed)),
        }
    }
}

impl<const N: usize> Default for Decoder<N> {
    fn default() -> Self {
        Self::new()
    }
}
