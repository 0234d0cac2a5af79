//! Stamps and notes as text: the stamp in the directory, and what this node itself remembers of it.
//!
//! ```text
//! hbd-stamp 1 EPOCH LINE FROM-EPOCH FROM-LINE FLAGS CRC
//! hbd-copy 1 EPOCH LINE FROM-EPOCH FROM-LINE FLAGS LIVE PULLED CRC
//! ```
//! Lines are hexadecimal; flags are `p`artial, `d`iverged, `l`ast, and `f` for a [`Origin::last`], or `-`. `CRC` is the
//! CRC-32 of everything before it.

use crate::state::crc32;
use core::fmt::Write as _;
use hb_core::{Origin, Stamp};

/// Longest text of either.
pub const MAX: usize = 128;
/// One line of text.
pub type Text = heapless::String<MAX>;

const STAMP: &str = "hbd-stamp 1";
const NOTE: &str = "hbd-copy 1";

/// What this node knows of its copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Note {
    /// The stamp that was written last.
    pub stamp: Stamp,
    /// A tenure under it began, and was not proven stopped since.
    pub live: bool,
    /// Begin of the last whole pull in seconds of this machine's calendar; 0 when there was none.
    pub pulled: u64,
}

fn seal(mut text: Text) -> Text {
    let crc = crc32(text.as_bytes());
    let _ = writeln!(text, "{crc:08x}");
    text
}

/// Put the fields of a stamp.
fn put(text: &mut Text, stamp: &Stamp) {
    let (epoch, line) = stamp.from.map_or((0, 0), |from| (from.epoch, from.line));
    let _ = write!(text, "{} {:08x} {epoch} {line:08x} ", stamp.epoch, stamp.line);
    let flags = [
        (stamp.partial, 'p'),
        (stamp.diverged, 'd'),
        (stamp.last, 'l'),
        (stamp.from.is_some_and(|from| from.last), 'f'),
    ];
    for (_, letter) in flags.iter().filter(|(on, _)| *on) {
        let _ = text.push(*letter);
    }
    if !flags.iter().any(|(on, _)| *on) {
        let _ = text.push('-');
    }
    let _ = text.push(' ');
}

/// Take the fields of a stamp. `None`: these are none.
pub fn take<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Stamp> {
    let mut number = |radix| u32::from_str_radix(words.next()?, radix).ok();
    let (epoch, line, from_epoch, from_line) = (number(10)?, number(16)?, number(10)?, number(16)?);
    let flags = words.next()?;
    if !flags.chars().all(|letter| matches!(letter, 'p' | 'd' | 'l' | 'f' | '-')) {
        return None;
    }
    let origin = Origin { epoch: from_epoch, line: from_line, last: flags.contains('f') };
    let stamp = Stamp {
        epoch,
        line,
        from: (from_epoch != 0).then_some(origin),
        partial: flags.contains('p'),
        diverged: flags.contains('d'),
        last: flags.contains('l'),
    };
    stamp.is_sound().then_some(stamp)
}

/// The words between the head and a right checksum.
fn open<'a>(bytes: &'a [u8], head: &str) -> Option<&'a str> {
    let text = core::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let (front, crc) = text.split_at_checked(text.rfind(' ')? + 1)?;
    let right = crc.len() == 8 && u32::from_str_radix(crc, 16).ok() == Some(crc32(front.as_bytes()));
    front.strip_prefix(head)?.strip_prefix(' ').filter(|_| right)
}

/// The text of `DIR/.hbd/stamp`.
#[must_use]
pub fn encode_stamp(stamp: &Stamp) -> Text {
    let mut text = Text::new();
    let _ = write!(text, "{STAMP} ");
    put(&mut text, stamp);
    seal(text)
}

/// Read back what [`encode_stamp`] wrote; `None` if it is damaged.
#[must_use]
pub fn decode_stamp(bytes: &[u8]) -> Option<Stamp> {
    let mut words = open(bytes, STAMP)?.split_ascii_whitespace();
    let stamp = take(&mut words)?;
    words.next().is_none().then_some(stamp)
}

/// The text of this node's note.
#[must_use]
pub fn encode_note(note: &Note) -> Text {
    let mut text = Text::new();
    let _ = write!(text, "{NOTE} ");
    put(&mut text, &note.stamp);
    let _ = write!(text, "{} {} ", u8::from(note.live), note.pulled);
    seal(text)
}

/// Read back what [`encode_note`] wrote; `None` if it is damaged.
#[must_use]
pub fn decode_note(bytes: &[u8]) -> Option<Note> {
    let mut words = open(bytes, NOTE)?.split_ascii_whitespace();
    let stamp = take(&mut words)?;
    let live = match words.next()? {
        "0" => false,
        "1" => true,
        _ => return None,
    };
    let pulled = words.next()?.parse().ok()?;
    words.next().is_none().then_some(Note { stamp, live, pulled })
}

/// The fields of a stamp alone, for the pipe to the daemon.
#[must_use]
pub fn fields(stamp: &Stamp) -> Text {
    let mut text = Text::new();
    put(&mut text, stamp);
    text
}

/// What a life begins with: the stamp that the directory has, `None` if it has none or a damaged one, against what this
/// node wrote there last.
///
/// A tenure that was not proven stopped, and a stamp that is not the one that this node knows, may lack what another copy
/// has of the same line (a power cut, a backup): *diverged*, so the next tenure begins a line of its own (DESIGN §9.3).
#[must_use]
pub fn reconcile(found: Option<Stamp>, note: Option<Note>) -> Stamp {
    let Some(found) = found else { return Stamp::NONE };
    let known = note.is_some_and(|note| note.stamp == found && !note.live);
    Stamp { diverged: found.diverged || !known, ..found }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> [Stamp; 4] {
        let from = |last| Some(Origin { epoch: 3, line: 0xdead_beef, last });
        [
            Stamp::NONE,
            Stamp { epoch: 4, line: 7, from: from(true), partial: false, diverged: false, last: false },
            Stamp {
                epoch: u32::MAX,
                line: u32::MAX,
                from: from(false),
                partial: true,
                diverged: true,
                last: true,
            },
            Stamp { epoch: 5, line: 1, from: None, partial: false, diverged: false, last: true },
        ]
    }

    #[test]
    fn what_is_written_is_read_back_and_each_damage_is_seen() {
        for stamp in samples() {
            let text = encode_stamp(&stamp);
            assert_eq!(decode_stamp(text.as_bytes()), Some(stamp), "{text}");
            let note = Note { stamp, live: stamp.last, pulled: u64::MAX };
            let long = encode_note(&note);
            assert_eq!(decode_note(long.as_bytes()), Some(note), "{long}");
            assert!(decode_note(text.as_bytes()).is_none() && decode_stamp(long.as_bytes()).is_none());
            for at in 0..text.len() {
                assert_eq!(decode_stamp(&text.as_bytes()[..at]), None, "cut at {at}");
                let mut bad = text.as_bytes().to_vec();
                bad[at] ^= 1;
                assert_eq!(decode_stamp(&bad), None, "byte {at} of {text}");
            }
            assert_eq!(take(&mut fields(&stamp).split_ascii_whitespace()), Some(stamp));
        }
        assert_eq!(decode_stamp(b""), None);
    }

    #[test]
    fn only_a_known_stamp_of_a_tenure_that_ended_in_order_is_taken_as_it_is() {
        let [_, stamp, _, other] = samples();
        let note = |stamp, live| Some(Note { stamp, live, pulled: 0 });
        assert_eq!(reconcile(Some(stamp), note(stamp, false)), stamp);
        let diverged = Stamp { diverged: true, ..stamp };
        assert_eq!(reconcile(Some(stamp), note(stamp, true)), diverged, "a power cut");
        assert_eq!(reconcile(Some(stamp), note(other, false)), diverged, "a backup");
        assert_eq!(reconcile(Some(stamp), None), diverged, "the state of this node is gone");
        assert_eq!(reconcile(None, note(stamp, false)), Stamp::NONE, "not mounted");
    }
}
