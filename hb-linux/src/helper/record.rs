//! What travels between daemon and helper, both of which are the same program: so numbers are in native order. Each is a piece
//! of [`crate::framing`], with its kind for the tag. To the helper:
//!
//! ```text
//! log    level, targets, 8 bytes seconds since 1970, 4 bytes microseconds, the text
//! state  4 bytes serial, the file's bytes
//! stop   1: close the watchdog's descriptor; else 0
//! hold   1: stand-in, else 0; 4 bytes timeout in seconds; the descriptor travels with the first byte
//! look   nothing
//! keep   the file's bytes
//! ```
//! Replies have 9 bytes: which file, 4 bytes serial, 4 bytes error number.

use super::line::Level;
use crate::framing::{self, Front, HEAD};
use crate::sys::clock::WallTime;
use heapless::Vec;

/// Bytes of a log line's text at most.
pub const TEXT_MAX: usize = 1024;
/// Bytes of a body at most.
pub const BODY_MAX: usize = TEXT_MAX + 64;
/// Bytes of a record at most.
pub const RECORD_MAX: usize = HEAD + BODY_MAX;
/// Bytes of a reply.
pub(super) const REPLY: usize = HEAD + 9;

const LOG: u8 = 1;
const STATE: u8 = 2;
const STOP: u8 = 3;
const HOLD: u8 = 4;
const LOOK: u8 = 5;
#[cfg(feature = "late-record")]
const KEEP: u8 = 6;

/// Where a line goes: any sum of these.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Targets(u8);

impl Targets {
    /// `logfile`.
    pub const LOG: Self = Self(1);
    /// `debugfile`.
    pub const DEBUG: Self = Self(2);
    /// `logfacility`.
    pub const SYSLOG: Self = Self(4);
    /// The event ring, for post-mortem.
    pub const RING: Self = Self(8);
    /// What operators should read: everywhere.
    pub const ALL: Self = Self(15);
    /// What only a search for a fault needs: the debug file (and the terminal).
    pub const TRACE: Self = Self(2);

    /// All of `other` among these?
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// One record's bytes.
pub(super) type Bytes = Vec<u8, RECORD_MAX>;

/// The beginning of `text` of at most `max` bytes, at a character's border.
pub(super) fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}

/// What the daemon gives the helper.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record<'a> {
    Log {
        at: WallTime,
        level: Level,
        to: Targets,
        text: &'a str,
    },
    State {
        serial: u32,
        bytes: &'a [u8],
    },
    Stop {
        disarm: bool,
    },
    Hold {
        timeout_s: u32,
        fake: bool,
    },
    /// Look at the scripts now, and say what was seen.
    Look,
    /// The record of lateness.
    #[cfg(feature = "late-record")]
    Keep {
        bytes: &'a [u8],
    },
    /// Of a kind that this program does not know: impossible, skipped.
    Unknown,
}

impl Record<'_> {
    /// Its bytes. What does not fit is cut: a text at a character, and callers keep a state within [`BODY_MAX`].
    pub(super) fn encode(&self) -> Bytes {
        match self {
            Self::Log { at, level, to, text } => {
                let stamp = (at.secs.to_ne_bytes(), at.micros.to_ne_bytes());
                let text = cut(text, TEXT_MAX);
                piece(LOG, &[&[level.code(), to.0], &stamp.0, &stamp.1, text.as_bytes()])
            }
            Self::State { serial, bytes } => piece(STATE, &[&serial.to_ne_bytes(), bytes]),
            Self::Stop { disarm } => piece(STOP, &[&[u8::from(*disarm)]]),
            Self::Hold { timeout_s, fake } => piece(HOLD, &[&[u8::from(*fake)], &timeout_s.to_ne_bytes()]),
            Self::Look => piece(LOOK, &[]),
            #[cfg(feature = "late-record")]
            Self::Keep { bytes } => piece(KEEP, &[bytes]),
            Self::Unknown => Bytes::new(),
        }
    }
}

fn piece(kind: u8, parts: &[&[u8]]) -> Bytes {
    let mut bytes = Bytes::new();
    let _ = bytes.extend_from_slice(&[0; HEAD]);
    for part in parts {
        let room = bytes.capacity() - bytes.len();
        let _ = bytes.extend_from_slice(part.get(..room).unwrap_or(part));
    }
    let _ = framing::close(&mut bytes, kind);
    bytes
}

/// Take the first record off `bytes`: it and its length. `None`: not all there yet.
pub(super) fn parse(bytes: &[u8]) -> Option<(Record<'_>, usize)> {
    match framing::front(bytes, BODY_MAX, 0..=u8::MAX) {
        Front::Partial => None,
        Front::Whole((kind, body), used) => Some((read(kind, body).unwrap_or(Record::Unknown), used)),
        Front::Foreign => Some((Record::Unknown, bytes.len())),
    }
}

fn read(kind: u8, body: &[u8]) -> Option<Record<'_>> {
    Some(match (kind, body) {
        (LOG, [level, targets, rest @ ..]) => {
            let (secs, rest) = rest.split_first_chunk::<8>()?;
            let (micros, text) = rest.split_first_chunk::<4>()?;
            let at = WallTime { secs: i64::from_ne_bytes(*secs), micros: u32::from_ne_bytes(*micros) };
            let text = core::str::from_utf8(text).unwrap_or("(a line that was not UTF-8)");
            Record::Log { at, level: Level::from_code(*level), to: Targets(*targets), text }
        }
        (STATE, body) => {
            let (serial, bytes) = body.split_first_chunk::<4>()?;
            Record::State { serial: u32::from_ne_bytes(*serial), bytes }
        }
        (STOP, [disarm]) => Record::Stop { disarm: *disarm == 1 },
        (HOLD, [fake, secs @ ..]) => {
            Record::Hold { timeout_s: u32::from_ne_bytes(*secs.first_chunk()?), fake: *fake == 1 }
        }
        (LOOK, []) => Record::Look,
        #[cfg(feature = "late-record")]
        (KEEP, bytes) => Record::Keep { bytes },
        _ => return None,
    })
}

/// Which file a failure is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Output {
    /// `logfile`.
    Log,
    /// `debugfile`.
    Debug,
    /// The system's logger.
    Syslog,
    /// The event ring.
    Ring,
}

/// What the helper tells the daemon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reply {
    /// The state with this serial is on the disk, and so is every earlier one's content or better.
    Persisted {
        /// As given to [`super::Helper::persist`].
        serial: u32,
    },
    /// The state with this serial could not be written.
    PersistFailed {
        /// As given to [`super::Helper::persist`].
        serial: u32,
        /// Why.
        why: crate::sys::Errno,
    },
    /// Lines cannot be written there now; told once, until it works again.
    OutputFailed {
        /// Where.
        output: Output,
        /// Why.
        why: crate::sys::Errno,
    },
    /// Lines can be written there again.
    OutputRestored {
        /// Where.
        output: Output,
    },
    /// What the disk has of the scripts. Told when it changes, and after [`super::Helper::look`].
    Scripts {
        /// Of these groups (bit 0 is the first one) every script is there.
        mask: u16,
        /// No file stands in the way of the addresses of these groups: the daemon's own word counts.
        own: u16,
    },
    /// Everything up to this record was written, counted from the helper's start.
    Wrote {
        /// Lines and states.
        count: u32,
    },
    /// The helper ended. Given once.
    Gone,
}

impl Reply {
    pub(super) fn encode(self) -> [u8; REPLY] {
        let (kind, output, serial, errno) = match self {
            Self::Persisted { serial } => (1, 0, serial, 0),
            Self::PersistFailed { serial, why } => (2, 0, serial, why.0),
            Self::OutputFailed { output, why } => (3, output as u8, 0, why.0),
            Self::OutputRestored { output } => (4, output as u8, 0, 0),
            Self::Gone => (5, 0, 0, 0),
            Self::Scripts { mask, own } => (6, 0, u32::from(own) << 16 | u32::from(mask), 0),
            Self::Wrote { count } => (7, 0, count, 0),
        };
        let ([s0, s1, s2, s3], [e0, e1, e2, e3]) = (serial.to_ne_bytes(), errno.to_ne_bytes());
        let [low, high, tag] = framing::head(kind, (REPLY - HEAD) as u16);
        [low, high, tag, output, s0, s1, s2, s3, e0, e1, e2, e3]
    }

    pub(super) fn decode(bytes: [u8; REPLY]) -> Option<Self> {
        let Front::Whole((kind, body), _) = framing::front(&bytes, REPLY - HEAD, 1..=7) else { return None };
        let &[output, s0, s1, s2, s3, e0, e1, e2, e3] = body else { return None };
        let serial = u32::from_ne_bytes([s0, s1, s2, s3]);
        let why = crate::sys::Errno(i32::from_ne_bytes([e0, e1, e2, e3]));
        let output = match output {
            0 => Output::Log,
            1 => Output::Debug,
            2 => Output::Syslog,
            _ => Output::Ring,
        };
        Some(match kind {
            1 => Self::Persisted { serial },
            2 => Self::PersistFailed { serial, why },
            3 => Self::OutputFailed { output, why },
            4 => Self::OutputRestored { output },
            6 => Self::Scripts { mask: (serial & 0xFFFF) as u16, own: (serial >> 16) as u16 },
            7 => Self::Wrote { count: serial },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Errno;

    const AT: WallTime = WallTime { secs: -5, micros: 999_999 };

    #[test]
    fn records_come_out_as_they_went_in() {
        let mut stream = std::vec::Vec::new();
        let want = [
            Record::Log { at: AT, level: Level::Warn, to: Targets::ALL, text: "grüße" },
            Record::State { serial: 9, bytes: b"bytes" },
            Record::Hold { timeout_s: 8, fake: true },
            Record::Look,
            #[cfg(feature = "late-record")]
            Record::Keep { bytes: b"record" },
            Record::Stop { disarm: true },
        ];
        want.iter().for_each(|record| stream.extend_from_slice(&record.encode()));
        let mut rest = &stream[..];
        for record in want {
            for short in 0..parse(rest).unwrap().1 {
                assert_eq!(parse(&rest[..short]), None);
            }
            let (got, used) = parse(rest).unwrap();
            assert_eq!(got, record);
            rest = &rest[used..];
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn long_lines_are_cut_at_a_character() {
        let long = "é".repeat(2000);
        let bytes = Record::Log { at: AT, level: Level::Info, to: Targets::LOG, text: &long }.encode();
        let Some((Record::Log { text, .. }, used)) = parse(&bytes) else { panic!() };
        assert_eq!((text.len(), used), (1024, bytes.len()));
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("", 0), "");
    }

    #[test]
    fn replies_come_out_as_they_went_in() {
        for reply in [
            Reply::Persisted { serial: u32::MAX },
            Reply::PersistFailed { serial: 3, why: Errno::NO_SPACE },
            Reply::OutputFailed { output: Output::Ring, why: Errno::IO },
            Reply::OutputRestored { output: Output::Syslog },
            Reply::Scripts { mask: 0x81, own: 0x8001 },
            Reply::Wrote { count: 77 },
        ] {
            assert_eq!(Reply::decode(reply.encode()), Some(reply));
        }
        assert_eq!(Reply::decode([0; REPLY]), None);
    }
}
