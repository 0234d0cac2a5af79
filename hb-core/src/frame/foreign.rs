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

    fn next(&mut self, byte: u8, name: &[u8]) -> (State, bool) {
        const START: State = State::Marker { netstring: false, at: 0 };
        let line_end = byte == b'\n' || byte == b'\r';
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
            None if byte == b'\n' || byte == b'\r' => {
                self.seen = 0;
                if netstring { State::Length { value: 0 } } else { State::Line { at: 0 } }
            }
            _ if byte == b'\n' || byte == b'\r' => State::Marker { netstring: false, at: 0 },
            _ => State::Skip,
        }
    }
}

impl Default for Matcher {
    fn default() -> Self {
        Self::new()
    }
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
