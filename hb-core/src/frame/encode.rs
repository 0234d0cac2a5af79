//! Datagram to stream frame.

/// Code `datagram` for a byte stream: a zero byte, COBS, a zero byte. Gives the length of the frame in `out`.
///
/// `None` if `out` is too short ([`super::max_encoded`] suffices) or there is nothing to send (DESIGN §4.1).
#[must_use]
pub fn encode(datagram: &[u8], out: &mut [u8]) -> Option<usize> {
    if datagram.is_empty() {
        return None;
    }
    *out.first_mut()? = 0;
    // A block: its code, which is its length and one, and the bytes up to a zero or to 254 of them.
    let (mut code_at, mut at, mut code) = (1_usize, 2_usize, 1_u8);
    let mut rest = datagram;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        if *byte != 0 {
            *out.get_mut(at)? = *byte;
            at = at.wrapping_add(1);
            code = code.wrapping_add(1);
        }
        // No zero stands behind a full block, so nothing follows one at the end.
        if *byte == 0 || (code == 0xFF && !rest.is_empty()) {
            *out.get_mut(code_at)? = code;
            (code_at, at, code) = (at, at.wrapping_add(1), 1);
        }
    }
    *out.get_mut(code_at)? = code;
    *out.get_mut(at)? = 0;
    Some(at.wrapping_add(1))
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
