//! Stream bytes to datagrams, one byte at a time, whatever came before.

use crate::event::BadFrame;

/// Takes a byte stream apart into datagrams of at most `N` bytes. It is `N` + 6 bytes large at most.
///
/// It starts silent, up to the first zero byte: what it hears before is the end of a frame that began earlier. Then
/// every run of bytes between two zero bytes is either a datagram or one error; runs of zero bytes are neither.
#[derive(Clone, Debug)]
pub struct Decoder<const N: usize> {
    buf: [u8; N],
    /// Bytes of the datagram so far, those that did not fit included.
    len: u16,
    /// Bytes of the current block still to come.
    left: u8,
    /// A zero byte goes in front of the next block of the frame.
    zero: bool,
    /// A delimiter was seen.
    synced: bool,
}

impl<const N: usize> Decoder<N> {
    /// At the start of a stream, or after a reopened device.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(N < 0xFFFF, "a saturated length must show as too long") };
        Self { buf: [0; N], len: 0, left: 0, zero: false, synced: false }
    }

    /// Forget the frame that is under way: bytes of it were lost. Silent again up to the next zero byte.
    pub const fn reset(&mut self) {
        (self.len, self.left, self.zero, self.synced) = (0, 0, false, false);
    }

    /// Take in one byte in constant time. A datagram or an error comes out at the zero byte that ends it; a datagram
    /// stays readable until the next call.
    ///
    /// `Err` is always [`BadFrame::Malformed`]: too long for `N`, or not COBS.
    #[inline]
    pub fn push(&mut self, byte: u8) -> Option<Result<&[u8], BadFrame>> {
        if byte == 0 {
            return self.end();
        }
        if self.left != 0 {
            self.left = self.left.wrapping_sub(1);
            self.store(byte);
        } else {
            if self.zero {
                self.store(0);
            }
            self.left = byte.wrapping_sub(1);
            self.zero = byte != 0xFF;
        }
        None
    }

    /// Take in bytes of which none is zero: nothing comes out.
    pub(crate) fn skim(&mut self, run: &[u8]) {
        // Whole blocks at a time are for those who have the room.
        if !cfg!(feature = "large") {
            run.iter().for_each(|byte| _ = self.push(*byte));
            return;
        }
        let mut rest = run;
        while let Some((first, behind)) = rest.split_first() {
            let Some((block, tail)) = rest.split_at_checked(usize::from(self.left).min(rest.len())) else {
                return;
            };
            if block.is_empty() {
                let _ = self.push(*first);
                rest = behind;
                continue;
            }
            let room = self.buf.get_mut(usize::from(self.len)..).unwrap_or_default();
            let fits = room.len().min(block.len());
            if let (Some(to), Some(from)) = (room.get_mut(..fits), block.get(..fits)) {
                to.copy_from_slice(from);
            }
            // A block is as long as `left` at most, which is a byte.
            self.len = self.len.saturating_add(block.len() as u16);
            self.left = self.left.wrapping_sub(block.len() as u8);
            rest = tail;
        }
    }

    fn store(&mut self, byte: u8) {
        if let Some(slot) = self.buf.get_mut(usize::from(self.len)) {
            *slot = byte;
        }
        self.len = self.len.saturating_add(1);
    }

    fn end(&mut self) -> Option<Result<&[u8], BadFrame>> {
        let (len, left, zero, synced) = (usize::from(self.len), self.left, self.zero, self.synced);
        (self.len, self.left, self.zero, self.synced) = (0, 0, false, true);
        let begun = len != 0 || left != 0 || zero;
        if !synced || !begun {
            return None;
        }
        let whole = left == 0 && len != 0;
        Some(self.buf.get(..len).filter(|_| whole).ok_or(BadFrame::Malformed))
    }
}

impl<const N: usize> Default for Decoder<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// Everything that comes out of `bytes`.
    fn decode<const N: usize>(bytes: &[u8]) -> Vec<Result<Vec<u8>, BadFrame>> {
        let mut decoder = Decoder::<N>::new();
        let mut out = Vec::new();
        for byte in bytes {
            if let Some(result) = decoder.push(*byte) {
                out.push(result.map(<[u8]>::to_vec));
            }
        }
        out
    }

    const BAD: Result<Vec<u8>, BadFrame> = Err(BadFrame::Malformed);

    #[test]
    fn a_frame_comes_out_at_its_last_byte() {
        assert_eq!(decode::<8>(&[0, 3, 1, 2, 1, 0]), [Ok([1, 2, 0].to_vec())]);
        assert_eq!(decode::<8>(&[0, 3, 1, 2, 1]), []);
    }

    #[test]
    fn delimiters_alone_and_the_end_of_an_earlier_frame_are_silent() {
        assert_eq!(decode::<8>(&[0; 20]), []);
        assert_eq!(decode::<8>(&[9, 9, 9, 0, 0, 2, 7, 0, 0]), [Ok([7].to_vec())]);
    }

    #[test]
    fn each_damaged_frame_is_one_error() {
        // Cut inside a block, cut before any block, and nothing but a code.
        assert_eq!(decode::<8>(&[0, 5, 1, 2, 0, 0, 9, 0, 1, 0]), [BAD, BAD, BAD]);
    }

    #[test]
    fn a_frame_as_long_as_the_buffer_fits_and_one_byte_more_does_not() {
        assert_eq!(decode::<3>(&[0, 4, 1, 2, 3, 0]), [Ok([1, 2, 3].to_vec())]);
        assert_eq!(decode::<3>(&[0, 5, 1, 2, 3, 4, 0, 2, 6, 0]), [BAD, Ok([6].to_vec())]);
        // The byte too many is the zero that a block stands for.
        assert_eq!(decode::<3>(&[0, 4, 1, 2, 3, 1, 0, 2, 6, 0]), [BAD, Ok([6].to_vec())]);
    }

    #[test]
    fn endless_noise_without_a_delimiter_is_one_error() {
        let mut noise = [0x55; 100_000];
        noise[0] = 0;
        noise[99_999] = 0;
        assert_eq!(decode::<300>(&noise), [BAD]);
    }

    #[test]
    fn a_reset_forgets_the_frame_under_way() {
        let mut decoder = Decoder::<8>::new();
        for byte in [0, 4, 1, 2] {
            assert_eq!(decoder.push(byte), None);
        }
        decoder.reset();
        for byte in [3, 0, 2, 7] {
            assert_eq!(decoder.push(byte), None);
        }
        assert_eq!(decoder.push(0), Some(Ok(&[7][..])));
    }

    #[test]
    fn the_state_is_small() {
        assert!(size_of::<Decoder<267>>() <= 267 + 7);
    }
}
