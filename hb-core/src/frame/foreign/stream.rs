//! Heartbeat's text out of a byte stream, between native frames and noise.

use super::{CLASSIC, MAX_TEXT, NETSTRING, line_end};

/// Collects one message at a time. Constant time for a byte; [`MAX_TEXT`] bytes of memory.
///
/// As Heartbeat's own reader it takes seven bits of each byte of classic text, and a carriage return or a line feed as the
/// end of a line; lines up to one that begins `>>>` are skipped.
#[derive(Clone, Debug)]
pub struct Collector {
    state: State,
    len: u16,
    bytes: [u8; MAX_TEXT],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Inside a line that is nothing to us.
    Skip,
    /// At the begin of a line, outside of a message: so many marker bytes were seen.
    Marker { netstring: bool, at: u8 },
    /// In a classic message, in a line that so far has only so many bytes of `<<<`, or of another `>>>`.
    Begin { again: bool, at: u8 },
    /// In a classic message, in any other line.
    Line,
    /// In a netstring message, before a colon. Behind `%%%` comes the last one.
    Length { value: u16, last: bool },
    /// In a netstring: bytes left.
    Field { left: u16, last: bool },
    /// Behind a netstring, where a comma must be.
    Comma { last: bool },
    /// So many bytes of `%%%` and its line feed.
    End { at: u8 },
    /// All of it is there.
    Whole,
}

const START: State = State::Marker { netstring: false, at: 0 };

impl Collector {
    /// At the start of a stream.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: START, len: 0, bytes: [0; MAX_TEXT] }
    }

    /// A native frame came to its end: what follows is the begin of a line.
    pub fn restart(&mut self) {
        if MAX_TEXT != 0 {
            self.state = START;
        }
    }

    /// At the begin of a line, with nothing collected: a zero byte changes nothing.
    pub(crate) fn idle(&self) -> bool {
        MAX_TEXT == 0 || self.state == START
    }

    /// The message whose last byte was just taken.
    #[must_use]
    pub fn message(&self) -> Option<&[u8]> {
        if self.state == State::Whole { self.bytes.get(..usize::from(self.len)) } else { None }
    }

    /// Take bytes up to the end of a message, and no further. Gives what is left of them; there is a
    /// [`Self::message`] if it ended one.
    pub fn take<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        if MAX_TEXT == 0 {
            return &[];
        }
        let mut rest = bytes;
        while let Some((byte, behind)) = rest.split_first() {
            // Most of what is no Heartbeat text is skipped to the end of a line.
            if self.state == State::Skip {
                match rest.iter().position(|byte| *byte <= b'\r' && (line_end(byte) || *byte == 0)) {
                    None => return &[],
                    Some(at) => rest = rest.get(at..).unwrap_or_default(),
                }
                self.state = START;
                continue;
            }
            self.state = self.next(*byte);
            rest = behind;
            if self.state == State::Whole {
                break;
            }
        }
        rest
    }

    fn next(&mut self, raw: u8) -> State {
        // The original's terminal strips the eighth bit; only netstrings may be binary.
        let byte = raw & 0x7F;
        match self.state {
            State::Skip | State::Whole if raw == 0 || line_end(&byte) => START,
            State::Skip => State::Skip,
            State::Whole => self.marker(false, 0, byte),
            State::Marker { netstring, at } => self.marker(netstring, at, byte),
            // Classic text has no such byte; a zero byte ends a native frame, and is how a break is read.
            State::Begin { .. } | State::Line if byte == 0 => START,
            State::Begin { again: true, at: 3 } if line_end(&byte) => self.begin(false),
            // One more empty line.
            State::Begin { at: 0, .. } if line_end(&byte) => State::Begin { again: false, at: 0 },
            State::Begin { again, at } => {
                let again = if at == 0 { byte == b'>' } else { again };
                let same = byte == if again { b'>' } else { b'<' };
                let state = match at.wrapping_add(1) {
                    3 if same && !again => State::Whole,
                    next if same && next <= 3 => State::Begin { again, at: next },
                    _ if line_end(&byte) => State::Begin { again: false, at: 0 },
                    _ => State::Line,
                };
                self.keep(if line_end(&byte) { b'\n' } else { byte }, state)
            }
            State::Line if line_end(&byte) => self.keep(b'\n', State::Begin { again: false, at: 0 }),
            State::Line => self.keep(byte, State::Line),
            State::Length { value, last } => {
                let state = match raw {
                    b'0'..=b'9' if value < 1000 => State::Length {
                        value: value.wrapping_mul(10).wrapping_add(u16::from(raw.wrapping_sub(b'0'))),
                        last,
                    },
                    b':' if value > 0 => State::Field { left: value, last },
                    b'%' if value == 0 && !last => State::End { at: 1 },
                    0 | b'\n' | b'\r' => return START,
                    _ => return State::Skip,
                };
                self.keep(raw, state)
            }
            State::Field { left: 0 | 1, last } => self.keep(raw, State::Comma { last }),
            State::Field { left, last } => self.keep(raw, State::Field { left: left.wrapping_sub(1), last }),
            State::Comma { last: true } if raw == b',' => self.keep(raw, State::Whole),
            State::Comma { last: false } if raw == b',' => {
                self.keep(raw, State::Length { value: 0, last: false })
            }
            State::Comma { .. } => Self::lost(raw),
            State::End { at: 3 } if raw == b'\n' => self.keep(raw, State::Length { value: 0, last: true }),
            State::End { at } if at < 3 && raw == b'%' => {
                self.keep(raw, State::End { at: at.wrapping_add(1) })
            }
            State::End { .. } => Self::lost(raw),
        }
    }

    /// A byte that is none of a message's.
    fn lost(raw: u8) -> State {
        if raw == 0 || line_end(&raw) { START } else { State::Skip }
    }

    /// A byte at the begin of a line outside of a message.
    fn marker(&mut self, netstring: bool, at: u8, byte: u8) -> State {
        let netstring = if at == 0 { byte == b'#' } else { netstring };
        let text = if netstring { NETSTRING } else { CLASSIC };
        match text.get(usize::from(at)) {
            Some(expected) if *expected == byte => State::Marker { netstring, at: at.wrapping_add(1) },
            None if line_end(&byte) => self.begin(netstring),
            _ => Self::lost(byte),
        }
    }

    /// The first line of a message is complete.
    fn begin(&mut self, netstring: bool) -> State {
        self.len = 0;
        for byte in if netstring { NETSTRING } else { CLASSIC } {
            self.keep(*byte, State::Skip);
        }
        let state = if netstring {
            State::Length { value: 0, last: false }
        } else {
            State::Begin { again: false, at: 0 }
        };
        self.keep(b'\n', state)
    }

    /// One more byte of the message, if there is room.
    fn keep(&mut self, byte: u8, state: State) -> State {
        match self.bytes.get_mut(usize::from(self.len)) {
            Some(slot) => {
                *slot = byte;
                self.len = self.len.wrapping_add(1);
                state
            }
            None => Self::lost(byte),
        }
    }
}

impl Default for Collector {
    fn default() -> Self {
        Self::new()
    }
}
