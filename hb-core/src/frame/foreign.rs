//! Recognises Linux-HA Heartbeat on a link (DESIGN §4): its text, naming the peer, marks the peer *foreign*.
//!
//! Two shapes exist. *Classic*, on serial lines always: lines `>>>`, then `name=value`, then `<<<`; the sender is
//! `src=NAME`. *Netstring*, in datagrams of Heartbeat 3: `###`, then fields as `LEN:(TYPE)name=value,`, then `%%%`; the
//! sender is `12:(0)src=nodea,`. Names are compared without case, because Heartbeat 3 folds them.
//!
//! No native frame looks like either: as a datagram it begins with a byte of 0x10 to 0x1F, and on a stream the zero byte
//! on both of its ends takes the matcher back to the start.

/// Bytes of one message at most; a longer one is given up, so that lost line ends cannot glue two messages together.
const MAX_TEXT: u16 = 8192;

const CLASSIC: &[u8] = b">>>";
const NETSTRING: &[u8] = b"###";
const CLASSIC_FIELD: &[u8] = b"src=";
const NETSTRING_FIELD: &[u8] = b"(0)src=";

/// Watches a byte stream. Twelve bytes large, constant time per byte.
#[derive(Clone, Debug)]
pub struct Matcher {
    state: State,
    /// Bytes of the current message so far.
    seen: u16,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Inside a line that is nothing to us.
    Skip,
    /// At the begin of a line, outside of a message: so many marker bytes were seen.
    Marker { netstring: bool, at: u8 },
    /// In a classic message: so many bytes of the line agree with the field and the name.
    Line { at: u16 },
    /// In a classic message, in a line that is another field.
    OtherLine,
    /// In a netstring message, before a colon.
    Length { value: u16 },
    /// In a netstring: bytes left, and how many agreed; `None` when one did not.
    Field { left: u16, at: Option<u16> },
    /// Behind a netstring, where a comma must be.
    Comma { hit: bool },
}

/// What one byte is to the text that is looked for.
enum Step {
    Agrees,
    Differs,
}

impl Matcher {
    /// At the start of a stream.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: State::Marker { netstring: false, at: 0 }, seen: 0 }
    }

    /// Take in one byte. True when it completes the sender's name in a message of the node `name`.
    pub fn push(&mut self, byte: u8, name: &str) -> bool {
        let (state, hit) = self.next(byte, name.as_bytes());
        self.state = state;
        hit
    }

    /// Take in some bytes. True when one of them completes the sender's name.
    pub(crate) fn take(&mut self, bytes: &[u8], name: &str) -> bool {
        let mut hit = false;
        let mut rest = bytes;
        while let Some((byte, behind)) = rest.split_first() {
            // Most of what is no Heartbeat text is skipped to the end of a line.
            let skipped = if self.state == State::Skip { rest.iter().position(line_end) } else { Some(0) };
            match skipped {
                None => return hit,
                Some(0) => {
                    hit |= self.push(*byte, name);
                    rest = behind;
                }
                Some(n) => rest = rest.get(n..).unwrap_or_default(),
            }
        }
        hit
    }

    fn next(&mut self, byte: u8, name: &[u8]) -> (State, bool) {
        const START: State = State::Marker { netstring: false, at: 0 };
        let line_end = line_end(&byte);
        self.seen = self.seen.saturating_add(1);
        if self.seen > MAX_TEXT && !matches!(self.state, State::Skip | State::Marker { .. }) {
            return (if line_end { START } else { State::Skip }, false);
        }
        let state = match self.state {
            State::Skip if line_end => START,
            State::Skip => State::Skip,
            State::Marker { netstring, at } => self.marker(netstring, at, byte),
            // Classic text has no such byte; a zero byte ends a native frame.
            State::Line { .. } | State::OtherLine if byte == 0 => State::Skip,
            State::Line { at } if line_end => {
                let whole = CLASSIC_FIELD.len().saturating_add(name.len());
                return (State::Line { at: 0 }, !name.is_empty() && usize::from(at) == whole);
            }
            State::Line { at: 0 } if byte == b'<' => State::Skip,
            State::Line { at: 0 } if byte == b'>' => self.marker(false, 0, byte),
            State::Line { at } => match step(CLASSIC_FIELD, name, at, byte) {
                Step::Agrees => State::Line { at: at.saturating_add(1) },
                Step::Differs => State::OtherLine,
            },
            State::OtherLine if line_end => State::Line { at: 0 },
            State::OtherLine => State::OtherLine,
            State::Length { value } => match byte {
                b'0'..=b'9' => State::Length {
                    value: value.saturating_mul(10).saturating_add(u16::from(byte.wrapping_sub(b'0'))),
                },
                b':' if value > 0 && value < MAX_TEXT => State::Field { left: value, at: Some(0) },
                b'\n' | b'\r' if value == 0 => State::Length { value },
                _ => State::Skip,
            },
            State::Field { left, at } => {
                let at = at.filter(|at| matches!(step(NETSTRING_FIELD, name, *at, byte), Step::Agrees));
                let at = at.map(|at| at.saturating_add(1));
                let whole = NETSTRING_FIELD.len().saturating_add(name.len());
                match left.saturating_sub(1) {
                    0 => {
                        let hit = !name.is_empty() && at.is_some_and(|at| usize::from(at) == whole);
                        State::Comma { hit }
                    }
                    left => State::Field { left, at },
                }
            }
            State::Comma { hit } if byte == b',' => return (State::Length { value: 0 }, hit),
            State::Comma { .. } => State::Skip,
        };
        (state, false)
    }

    /// A byte at the begin of a line outside of a message.
    fn marker(&mut self, netstring: bool, at: u8, byte: u8) -> State {
        let netstring = if at == 0 { byte == b'#' } else { netstring };
        let text = if netstring { NETSTRING } else { CLASSIC };
        match text.get(usize::from(at)) {
            Some(expected) if *expected == byte => State::Marker { netstring, at: at.saturating_add(1) },
            None if line_end(&byte) => {
                self.seen = 0;
                if netstring { State::Length { value: 0 } } else { State::Line { at: 0 } }
            }
            _ if line_end(&byte) => State::Marker { netstring: false, at: 0 },
            _ => State::Skip,
        }
    }
}

impl Default for Matcher {
    fn default() -> Self {
        Self::new()
    }
}

/// Classic text ends a line with a line feed; a carriage return may stand before it.
fn line_end(byte: &u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Is this datagram a Heartbeat message of the node `name`?
#[must_use]
pub fn datagram(bytes: &[u8], name: &str) -> bool {
    if !bytes.starts_with(CLASSIC) && !bytes.starts_with(NETSTRING) {
        return false;
    }
    let mut matcher = Matcher::new();
    bytes.iter().any(|byte| matcher.push(*byte, name))
}

/// Is `byte` number `at` of `field` followed by `name`?
fn step(field: &[u8], name: &[u8], at: u16, byte: u8) -> Step {
    let at = usize::from(at);
    let expected = match at.checked_sub(field.len()) {
        None => field.get(at),
        Some(at) => name.get(at),
    };
    match expected {
        Some(expected) if expected.eq_ignore_ascii_case(&byte) => Step::Agrees,
        _ => Step::Differs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{encode, max_encoded};
    use proptest::prelude::*;
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    const CLASSIC_BEAT: &str = ">>>\nt=status\nst=active\nsrc=ha-2\nseq=1a2b\nhg=1a\nts=3f7a1b2c\n\
        ld=0.00 0.01 0.05 1/92 12345\nttl=3\nauth=1 1adb2328\n<<<\n";

    fn netstring_beat(src: &str) -> Vec<u8> {
        let mut text = b"###\n".to_vec();
        for field in ["(0)t=status", "(0)st=active", "(0)dt=7530", "(0)protocol=1", &format!("(0)src={src}")]
        {
            text.extend(format!("{}:{field},", field.len()).bytes());
        }
        text.extend(b"27:(1)srcuuid=\x00\x0a,src=ha-9\x00\x00\x00,");
        text.extend(b"%%%\n11:1 1adb2328aa,");
        text
    }

    fn hits(bytes: &[u8], name: &str) -> usize {
        let mut matcher = Matcher::new();
        bytes.iter().filter(|byte| matcher.push(**byte, name)).count()
    }

    #[test]
    fn classic_text_of_the_peer_is_recognised_on_a_stream_and_in_a_datagram() {
        assert_eq!(hits(CLASSIC_BEAT.as_bytes(), "ha-2"), 1);
        let mut with_nul = CLASSIC_BEAT.as_bytes().to_vec();
        with_nul.push(0);
        assert!(datagram(&with_nul, "ha-2"));
        assert_eq!(hits(CLASSIC_BEAT.repeat(3).as_bytes(), "ha-2"), 3);
        assert_eq!(hits(CLASSIC_BEAT.replace('\n', "\r").as_bytes(), "HA-2"), 1);
        assert_eq!(hits(CLASSIC_BEAT.replace('\n', "\r\n").as_bytes(), "ha-2"), 1);
    }

    #[test]
    fn netstrings_of_the_peer_are_recognised() {
        assert!(datagram(&netstring_beat("ha-2"), "ha-2"));
        assert!(datagram(&netstring_beat("ha-2"), "Ha-2"));
        assert_eq!(hits(&netstring_beat("ha-2").repeat(2), "ha-2"), 1, "no line end leads to the second");
    }

    #[test]
    fn another_name_is_not_the_peer() {
        for name in ["ha-1", "ha-", "ha-22", "a-2", "status", ""] {
            assert_eq!(hits(CLASSIC_BEAT.as_bytes(), name), 0, "{name}");
            assert!(!datagram(&netstring_beat("ha-2"), name), "{name}");
        }
        assert!(!datagram(&netstring_beat("ha-2"), "ha-9"), "inside a binary value");
    }

    #[test]
    fn the_name_must_be_the_sender_of_a_message() {
        for text in [
            "src=ha-2\n",
            ">>>\nt=status\n<<<\nsrc=ha-2\n",
            ">>>\ninfo=src=ha-2\n<<<\n",
            ">>>\nxsrc=ha-2\n<<<\n",
            ">>>\ndest=ha-2\n<<<\n",
            ">>\nsrc=ha-2\n",
            ">>>>\nsrc=ha-2\n",
            "x>>>\nsrc=ha-2\n",
            ">>>\nt=status\n\0src=ha-2\n",
            "###\n12:(0)src=ha-2;",
            "###\n11:(1)src=ha-2,",
            "###\n99999999999:(0)src=ha-2,",
            "###\n:(0)src=ha-2,",
            "###12:(0)src=ha-2,",
        ] {
            assert_eq!(hits(text.as_bytes(), "ha-2"), 0, "{text:?}");
        }
        assert!(!datagram(b"\n>>>\nsrc=ha-2\n<<<\n", "ha-2"), "a datagram begins with the marker");
        assert!(!datagram(b"", "ha-2"));
    }

    #[test]
    fn a_cut_message_does_not_hide_the_next_one() {
        for cut in 0..CLASSIC_BEAT.len() {
            let text = format!("{}\n{CLASSIC_BEAT}", CLASSIC_BEAT.get(..cut).unwrap());
            assert!(hits(text.as_bytes(), "ha-2") >= 1, "cut at {cut}");
        }
    }

    #[test]
    fn a_message_without_end_is_given_up_and_the_next_is_seen() {
        let mut text = String::from(">>>\n");
        while text.len() < 3 * usize::from(MAX_TEXT) {
            text.push_str("info=what is this\n");
        }
        text.push_str("src=ha-2\n");
        assert_eq!(hits(text.as_bytes(), "ha-2"), 0);
        text.push_str(CLASSIC_BEAT);
        assert_eq!(hits(text.as_bytes(), "ha-2"), 1);
    }

    #[test]
    fn the_state_is_small() {
        assert!(size_of::<Matcher>() <= 12);
    }

    proptest! {
        #[test]
        fn a_native_frame_is_never_taken_for_text(
            body in proptest::collection::vec(any::<u8>(), 12..200), key in 0_u8..16,
        ) {
            let mut bytes = [0x10 | key].to_vec();
            bytes.extend(body);
            prop_assert!(!datagram(&bytes, "ha-2"));
            let mut frame = std::vec![0; max_encoded(bytes.len())];
            let len = encode(&bytes, &mut frame).unwrap();
            prop_assert_eq!(hits(&frame[..len].repeat(3), "ha-2"), 0);
        }

        #[test]
        fn text_after_any_noise_and_a_line_end_is_recognised(
            noise in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let text: Vec<u8> = noise.into_iter().chain(*b"\n").chain(CLASSIC_BEAT.repeat(2).bytes()).collect();
            prop_assert!(hits(&text, "ha-2") >= 1);
        }
    }
}
