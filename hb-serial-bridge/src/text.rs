//! Text of Linux-HA Heartbeat out of a byte stream: whole messages, as they came.
//!
//! What of it counts, and who signed it, is for the nodes to say (`hb_core::frame::foreign`). Here its two forms are found by
//! their first and last lines: `>>>` to `<<<`, and `###` to `%%%`.

use crate::out::MAX_CODED;

/// Bytes of the longest message that passes: what has room where a frame has. Heartbeat's own beats take about 200.
const MAX_TEXT: usize = MAX_CODED;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// At the begin of a line, so many bytes of a marker seen; which one is in the first byte.
    Marker(u8),
    /// In a line that is nothing to us.
    Skip,
    /// Inside a message.
    Inside,
}

/// Collects one message at a time, in constant time for a byte.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    state: State,
    len: usize,
    bytes: [u8; MAX_TEXT],
}

impl Text {
    pub(crate) const fn new() -> Self {
        Self { state: State::Marker(0), len: 0, bytes: [0; MAX_TEXT] }
    }

    /// Take one byte; a whole message when it is the last one of it. A message too long for its place is none.
    pub(crate) fn push(&mut self, byte: u8) -> Option<&[u8]> {
        let ends_line = byte == b'\n' || byte == b'\r';
        if byte == 0 {
            self.restart();
            return None;
        }
        match self.state {
            State::Skip if ends_line => self.restart(),
            State::Skip => {}
            State::Marker(3) if ends_line => {
                self.keep(byte);
                self.state = State::Inside;
            }
            State::Marker(0) if ends_line => {}
            State::Marker(seen @ 0..=2) if self.is_marker(seen, byte) => {
                self.keep(byte);
                self.state = State::Marker(seen.wrapping_add(1));
            }
            State::Marker(_) => {
                self.restart();
                self.state = if ends_line { State::Marker(0) } else { State::Skip };
            }
            State::Inside => {
                if !self.keep(byte) {
                    self.restart();
                    self.state = if ends_line { State::Marker(0) } else { State::Skip };
                } else if ends_line && self.is_whole() {
                    self.state = State::Marker(0);
                    let len = core::mem::take(&mut self.len);
                    return self.bytes.get(..len);
                }
            }
        }
        None
    }

    fn restart(&mut self) {
        (self.state, self.len) = (State::Marker(0), 0);
    }

    fn keep(&mut self, byte: u8) -> bool {
        let slot = self.bytes.get_mut(self.len);
        let fits = slot.is_some();
        if let Some(slot) = slot {
            *slot = byte;
            self.len = self.len.wrapping_add(1);
        }
        fits
    }

    fn is_marker(&self, seen: u8, byte: u8) -> bool {
        matches!(byte, b'>' | b'#') && (seen == 0 || self.bytes.first() == Some(&byte))
    }

    /// Its last line, whose end was just kept, is the one that ends the message.
    fn is_whole(&self) -> bool {
        let Some([before @ .., a, b, c, _]) = self.bytes.get(..self.len) else { return false };
        let last = [*a, *b, *c];
        match self.bytes.first() {
            Some(b'>') => last == *b"<<<" && matches!(before.last(), Some(b'\n' | b'\r')),
            // Behind the last netstring's comma, or on a line of its own.
            _ => last == *b"%%%",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn texts(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut text = Text::new();
        bytes.iter().filter_map(|byte| text.push(*byte).map(<[u8]>::to_vec)).collect()
    }

    const CLASSIC: &[u8] = b">>>\nt=status\nst=active\nsrc=ha-1\nauth=1 7f6d8f2a\n<<<\n";
    const NETSTRING: &[u8] = b"###\n8:t=status,12:(0)src=ha-1,,%%%\n";

    #[test]
    fn both_forms_come_out_whole_and_in_their_order() {
        let stream = [CLASSIC, b"login: \r\n", NETSTRING, CLASSIC].concat();
        assert_eq!(texts(&stream), [CLASSIC, NETSTRING, CLASSIC]);
    }

    #[test]
    fn what_is_no_text_does_not_come_out() {
        for noise in
            [&b"login: >>>\nt=status\n<<<\n"[..], b">>\n<<<\n", b">>#\n<<<\n", b">>>>\n<<<\n", b"\xFF\xFE\n"]
        {
            assert_eq!(texts(noise), Vec::<Vec<u8>>::new(), "{noise:?}");
        }
    }

    #[test]
    fn a_delimiter_of_a_frame_ends_the_text_under_way() {
        let stream = [&CLASSIC[..20], &[0, 3, 1, 2, 0], CLASSIC].concat();
        assert_eq!(texts(&stream), [CLASSIC]);
    }

    #[test]
    fn a_message_as_long_as_its_place_passes_and_a_longer_one_is_passed_over() {
        let of = |len: usize| [b">>>\n", &vec![b'x'; len - 9][..], b"\n<<<\n"].concat();
        let (fits, long) = (of(MAX_TEXT), of(MAX_TEXT + 1));
        assert_eq!(texts(&[fits.clone(), long, CLASSIC.to_vec()].concat()), [fits, CLASSIC.to_vec()]);
    }
}
