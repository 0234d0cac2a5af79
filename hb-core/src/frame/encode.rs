//! Datagram to stream frame.

/// Code `datagram` for a byte stream: a zero byte, COBS, a zero byte. Gives the length of the frame in `out`.
///
/// `None` if `out` is too short ([`super::max_encoded`] suffices) or there is nothing to send.
#[must_use]
pub fn encode(datagram: &[u8], out: &mut [u8]) -> Option<usize> {
    if datagram.is_empty() {
        return None;
    }
    let room = out.len();
    let mut rest = put(out, &[0])?;
    let mut runs = datagram.split(|byte| *byte == 0).peekable();
    while let Some(mut run) = runs.next() {
        // A code byte of 255 stands for 254 bytes and no zero after them.
        while let Some((block, tail)) = run.split_at_checked(254) {
            rest = put_block(rest, block)?;
            run = tail;
            if run.is_empty() && runs.peek().is_none() {
                return finish(room, rest);
            }
        }
        rest = put_block(rest, run)?;
    }
    finish(room, rest)
}

fn finish(room: usize, rest: &mut [u8]) -> Option<usize> {
    let rest = put(rest, &[0])?;
    room.checked_sub(rest.len())
}

fn put_block<'a>(out: &'a mut [u8], block: &[u8]) -> Option<&'a mut [u8]> {
    let code = u8::try_from(block.len()).ok()?.checked_add(1)?;
    put(put(out, &[code])?, block)
}

fn put<'a>(out: &'a mut [u8], bytes: &[u8]) -> Option<&'a mut [u8]> {
    let (room, rest) = out.split_at_mut_checked(bytes.len())?;
    room.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Decoder, max_encoded};
    use proptest::prelude::*;
    use std::vec::Vec;

    fn encoded(datagram: &[u8]) -> Vec<u8> {
        let mut out = std::vec![0xEE; max_encoded(datagram.len())];
        let len = encode(datagram, &mut out).unwrap();
        out.truncate(len);
        out
    }

    /// `code`, the bytes `from` to `to`, and then `rest`.
    fn block(code: u8, from: u8, to: u8, rest: &[u8]) -> Vec<u8> {
        [code].into_iter().chain(from..=to).chain(rest.iter().copied()).collect()
    }

    #[test]
    fn the_examples_of_the_cobs_paper() {
        let cases: [(Vec<u8>, Vec<u8>); 11] = [
            ([0].to_vec(), [1, 1].to_vec()),
            ([0, 0].to_vec(), [1, 1, 1].to_vec()),
            ([0, 0x11, 0].to_vec(), [1, 2, 0x11, 1].to_vec()),
            ([0x11, 0x22, 0, 0x33].to_vec(), [3, 0x11, 0x22, 2, 0x33].to_vec()),
            ([0x11, 0x22, 0x33, 0x44].to_vec(), [5, 0x11, 0x22, 0x33, 0x44].to_vec()),
            ([0x11, 0, 0, 0].to_vec(), [2, 0x11, 1, 1, 1].to_vec()),
            ((1..=254).collect(), block(0xFF, 1, 254, &[])),
            ((0..=254).collect(), [1].into_iter().chain(block(0xFF, 1, 254, &[])).collect()),
            ((1..=255).collect(), block(0xFF, 1, 254, &[2, 0xFF])),
            ((2..=255).chain([0]).collect(), block(0xFF, 2, 255, &[1, 1])),
            ((3..=255).chain([0, 1]).collect(), block(0xFE, 3, 255, &[2, 1])),
        ];
        for (plain, coded) in cases {
            let expected: Vec<u8> = [0].into_iter().chain(coded).chain([0]).collect();
            assert_eq!(encoded(&plain), expected);
        }
    }

    #[test]
    fn nothing_and_a_short_buffer_are_refused() {
        assert_eq!(encode(&[], &mut [0; 8]), None);
        let exact = encoded(&[1, 0, 2]);
        for room in 0..exact.len() {
            assert_eq!(encode(&[1, 0, 2], &mut std::vec![0; room]), None);
        }
        assert_eq!(encode(&[1, 0, 2], &mut std::vec![0; exact.len()]), Some(exact.len()));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(datagram in proptest::collection::vec(
            prop_oneof![Just(0_u8), any::<u8>()], 1..700,
        )) {
            let frame = encoded(&datagram);
            prop_assert!(frame.len() <= max_encoded(datagram.len()));
            prop_assert!(frame[1..frame.len() - 1].iter().all(|byte| *byte != 0));
            let mut decoder = Decoder::<700>::new();
            let mut got = Vec::new();
            for byte in frame {
                if let Some(result) = decoder.push(byte) {
                    got.push(result.unwrap().to_vec());
                }
            }
            prop_assert_eq!(got, [datagram]);
        }

        #[test]
        fn a_frame_after_any_noise_is_received(
            noise in proptest::collection::vec(any::<u8>(), 0..400),
            datagram in proptest::collection::vec(any::<u8>(), 1..40),
        ) {
            let mut decoder = Decoder::<64>::new();
            let mut last = None;
            for byte in noise.into_iter().chain(encoded(&datagram)) {
                if let Some(result) = decoder.push(byte) {
                    last = Some(result.map(<[u8]>::to_vec));
                }
            }
            prop_assert_eq!(last, Some(Ok(datagram)));
        }
    }
}
