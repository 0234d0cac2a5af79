//! What the bridge says, out of the bytes of a line that also carries the other node's frames.
//!
//! A frame is `00`, COBS, `00`; the first byte of COBS is never a byte of the datagram, the second one is the datagram's first
//! unless the first one is `01`. So two bytes behind a delimiter say whose frame it is, and all others pass at once.

use crate::out::MAX_OWN;
use crate::report::MARK;
use hb_core::frame::Decoder;

/// Where in a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    /// In what is not the bridge's.
    Other,
    /// Behind a delimiter.
    Begin,
    /// Behind the first byte, this one, which is held back.
    First(u8),
    /// In a frame of the bridge's own.
    Own,
}

/// A stream as it comes in.
#[derive(Clone, Debug)]
pub(super) struct Strainer {
    at: At,
    own: Decoder<MAX_OWN>,
}

impl Strainer {
    pub(super) const fn new() -> Self {
        Self { at: At::Other, own: Decoder::new() }
    }

    /// The next byte: what is not the bridge's goes to `pass`. A datagram of the bridge's when this was its last byte.
    pub(super) fn push(&mut self, byte: u8, pass: &mut impl FnMut(u8)) -> Option<&[u8]> {
        let (next, held) = match (self.at, byte) {
            (At::Own, 1..) => (At::Own, None),
            (At::Own | At::Other | At::Begin, 0) => (At::Begin, None),
            (At::Begin, 2..) => (At::First(byte), None),
            (At::Begin | At::Other, _) => (At::Other, None),
            (At::First(_), MARK) => (At::Own, None),
            (At::First(first), 0) => (At::Begin, Some(first)),
            (At::First(first), _) => (At::Other, Some(first)),
        };
        let before = core::mem::replace(&mut self.at, next);
        if let Some(first) = held {
            pass(first);
        }
        match (before, next) {
            (At::First(first), At::Own) => {
                self.own.reset();
                [0, first].into_iter().for_each(|byte| {
                    let _ = self.own.push(byte);
                });
                let _ = self.own.push(byte);
                None
            }
            (At::Own, _) => {
                if byte == 0 {
                    // It ends the frame for both.
                    pass(byte);
                }
                self.own.push(byte).and_then(Result::ok)
            }
            (_, At::First(_)) => None,
            _ => {
                pass(byte);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{self, Page};
    use hb_core::frame::{encode, max_encoded};
    use proptest::prelude::*;
    use std::vec::Vec;

    fn coded(datagram: &[u8]) -> Vec<u8> {
        let mut out = vec![0; max_encoded(datagram.len())];
        let len = encode(datagram, &mut out).unwrap();
        out.truncate(len);
        out
    }

    /// What passes, decoded, and what is the bridge's.
    fn strained(line: &[u8]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let (mut strainer, mut decoder) = (Strainer::new(), Decoder::<432>::new());
        let (mut passed, mut own) = (Vec::new(), Vec::new());
        for byte in line {
            let found = strainer.push(*byte, &mut |byte| {
                if let Some(Ok(datagram)) = decoder.push(byte) {
                    passed.push(datagram.to_vec());
                }
            });
            own.extend(found.map(<[u8]>::to_vec));
        }
        (passed, own)
    }

    #[test]
    fn what_is_the_bridges_does_not_pass_and_all_else_does() {
        let report = report::report(Page::Bridge, [1, 2, 3]);
        let (beat, zero) = ([0x11, 0, 7, 0x0B, 0], [0, 0x0B, 1]);
        let line =
            [&b"login: "[..], &coded(&beat), &coded(&report), &coded(&zero), &coded(&report), &coded(&beat)];
        let (passed, own) = strained(&line.concat());
        assert_eq!(passed, [&beat[..], &zero, &beat]);
        assert_eq!(own, [report, report]);
    }

    proptest! {
        #[test]
        fn a_stream_without_a_bridge_passes_as_it_is(line in prop::collection::vec(any::<u8>(), 0..400)) {
            // No run behind a delimiter is one of a bridge.
            let mut line = line;
            line.iter_mut().filter(|byte| **byte == MARK).for_each(|byte| *byte = 0x0C);
            line.push(0);
            let (mut strainer, mut passed) = (Strainer::new(), Vec::new());
            for byte in &line {
                prop_assert!(strainer.push(*byte, &mut |byte| passed.push(byte)).is_none());
            }
            prop_assert_eq!(passed, line);
        }
    }
}
