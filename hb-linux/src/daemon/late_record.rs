//! The record of lateness: the histogram of [`super::late`] over all lives, in the file `late` of the state directory.
//!
//! ```text
//! hbd-late 1
//! since 1795460608
//! counts 17 4 0 0 0 1 0 0 0 0 0
//! sum_us 2042001
//! worst_us 40000
//! worst_at 1795467000
//! crc 0badcafe
//! ```
//! `since` and `worst_at` are seconds since 1970. The bounds of the counts belong to the version in the first line. `crc` is the
//! CRC-32 of all bytes before its line. Read once at the start; written by a child of the helper, every ten minutes, soon after
//! a lateness above all before, and at the end. The loop only sends the text, and not if the channel is full.

use super::late::Lateness;
use super::voice::Voice;
use crate::control::wire::{LATE_BOUNDS_US, LateRecordReply};
use crate::helper::{Helper, Level, keep};
use crate::state::{crc32, read_plain};
use crate::sys::Errno;
use crate::sys::clock::WallTime;
use core::fmt::Write as _;
use hb_core::{Duration, Instant};
use std::io;
use std::path::Path;

/// The first line.
const VERSION: &str = "hbd-late 1";
/// Between two writings.
const EVERY: Duration = Duration::from_secs(600);
/// A new worst is written this much later: a machine that stands still now and then must not write all the time.
const SOON: Duration = Duration::from_secs(60);
/// Bytes of the file at most: eleven counts, two times, two durations, their names and the checksum.
const MAX_BYTES: usize = 400;
type Text = heapless::String<MAX_BYTES>;
type Counts = [u64; LATE_BOUNDS_US.len() + 1];

/// What is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Kept {
    since: i64,
    counts: Counts,
    sum_us: u64,
    worst_us: u64,
    worst_at: i64,
}

/// The record, and when it is written next.
#[derive(Clone, Copy, Debug)]
pub(super) struct LateRecord {
    /// Of the lives before this one.
    before: Kept,
    /// The worst that this life has noticed, and when.
    worst: Duration,
    worst_at: i64,
    due: Instant,
}

impl LateRecord {
    /// Read what the lives before have left.
    pub(super) fn load(dir: &Path, now: Instant, voice: &mut Voice) -> Self {
        let fresh = || Kept { since: WallTime::now().secs, ..Kept::default() };
        let path = dir.join(keep::FILE);
        let before = match read_plain(&path) {
            Ok(bytes) => decode(&bytes).unwrap_or_else(|| {
                voice.say(
                    Level::Warn,
                    format_args!(
                        "{}: torn, or no record of lateness: it is begun anew, and how late the loop was before is forgotten",
                        path.display()
                    ),
                );
                fresh()
            }),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    let why = Errno::from(&error);
                    voice.say(
                        Level::Warn,
                        format_args!("{}: the record of lateness cannot be read, and is begun anew: {why}", path.display()),
                    );
                }
                fresh()
            }
        };
        Self { before, worst: Duration::ZERO, worst_at: before.since, due: now.plus(EVERY) }
    }

    /// Once a round, when all else is done.
    pub(super) fn tick(&mut self, now: Instant, late: &Lateness, helper: &mut Helper) {
        if late.worst() > self.worst {
            (self.worst, self.worst_at) = (late.worst(), WallTime::now().secs);
            if self.worst.as_micros() > self.before.worst_us {
                self.due = self.due.min(now.plus(SOON));
            }
        }
        if self.due <= now && self.write(late, helper) {
            self.due = now.plus(EVERY);
        }
    }

    /// Hand it to the helper; `false`: it takes nothing now.
    pub(super) fn write(&self, late: &Lateness, helper: &mut Helper) -> bool {
        helper.keep(encode(&self.all(late)).as_bytes())
    }

    /// For the status.
    pub(super) fn reply(&self, late: &Lateness) -> LateRecordReply {
        let all = self.all(late);
        LateRecordReply {
            since: all.since,
            counts: all.counts,
            sum_us: all.sum_us,
            worst_us: all.worst_us,
            worst_at: all.worst_at,
            deadtime_ms: late.allows(Duration::from_micros(all.worst_us)),
        }
    }

    fn all(&self, late: &Lateness) -> Kept {
        let (before, own) = (self.before, late.reply());
        let mut all = Kept { sum_us: before.sum_us.saturating_add(own.sum_us), ..before };
        for (count, own) in all.counts.iter_mut().zip(own.counts) {
            *count = count.saturating_add(own);
        }
        if self.worst.as_micros() > before.worst_us {
            (all.worst_us, all.worst_at) = (self.worst.as_micros(), self.worst_at);
        }
        all
    }
}

fn encode(kept: &Kept) -> Text {
    let mut text = Text::new();
    // MAX_BYTES holds the longest numbers, which a test proves.
    let _ = write!(text, "{VERSION}\nsince {}\ncounts", kept.since);
    for count in kept.counts {
        let _ = write!(text, " {count}");
    }
    for (name, number) in [("sum_us", kept.sum_us), ("worst_us", kept.worst_us)] {
        let _ = write!(text, "\n{name} {number}");
    }
    let _ = write!(text, "\nworst_at {}\n", kept.worst_at);
    let crc = crc32(text.as_bytes());
    let _ = writeln!(text, "crc {crc:08x}");
    text
}

/// `None`: it is not what [`encode`] wrote.
fn decode(bytes: &[u8]) -> Option<Kept> {
    let text = core::str::from_utf8(bytes).ok()?;
    let (body, crc) = text.split_at(text.rfind("crc ")?);
    let mut lines = body.lines();
    let mut next = |name: &str| lines.next()?.strip_prefix(name);
    next(VERSION).filter(|rest| rest.is_empty())?;
    let mut kept = Kept { since: next("since ")?.parse().ok()?, ..Kept::default() };
    let mut words = next("counts ")?.split(' ');
    for count in &mut kept.counts {
        *count = words.next()?.parse().ok()?;
    }
    kept.sum_us = next("sum_us ")?.parse().ok()?;
    kept.worst_us = next("worst_us ")?.parse().ok()?;
    kept.worst_at = next("worst_at ")?.parse().ok()?;
    // Whatever else stands there is not of this version.
    let same = words.next().is_none() && encode(&kept).as_bytes() == bytes;
    (same && crc.starts_with("crc ")).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: Kept = Kept {
        since: 1_795_460_608,
        counts: [17, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0],
        sum_us: 2_042_001,
        worst_us: 40_000,
        worst_at: 1_795_467_000,
    };

    #[test]
    fn it_is_read_as_it_was_written_and_a_torn_or_foreign_file_is_none() {
        let text = encode(&KEPT);
        assert!(text.starts_with("hbd-late 1\nsince 1795460608\ncounts 17 4 0 "), "{text}");
        assert_eq!(decode(text.as_bytes()), Some(KEPT));
        for cut in 0..text.len() {
            assert_eq!(decode(&text.as_bytes()[..cut]), None, "cut at {cut}");
        }
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut bytes = text.as_bytes().to_vec();
                bytes[at] ^= 1 << bit;
                assert_eq!(decode(&bytes), None, "byte {at}, bit {bit}");
            }
        }
        for foreign in
            ["", "hbd-state 1\ncounter 1\ncrc 00000000\n", &text.replace("-late 1", "-late 2"), "crc \n"]
        {
            assert_eq!(decode(foreign.as_bytes()), None, "{foreign}");
        }
        let most = Kept {
            since: i64::MIN,
            counts: [u64::MAX; 11],
            sum_us: u64::MAX,
            worst_us: u64::MAX,
            worst_at: i64::MIN,
        };
        assert_eq!(decode(encode(&most).as_bytes()), Some(most));
    }

    #[test]
    fn a_life_adds_to_those_before_and_the_worst_keeps_its_day() {
        let mut late = Lateness::new(Duration::from_millis(100));
        let mut record = LateRecord { before: KEPT, worst: Duration::ZERO, worst_at: 0, due: Instant::NEVER };
        assert_eq!(record.all(&late), KEPT);
        let due = Instant::from_millis(1000);
        late.note(due.plus(Duration::from_millis(30)), due);
        (record.worst, record.worst_at) = (late.worst(), 1_800_000_000);
        let all = record.all(&late);
        assert_eq!((all.counts[5], all.sum_us), (2, 2_072_001));
        assert_eq!((all.worst_us, all.worst_at), (KEPT.worst_us, KEPT.worst_at), "an earlier one was worse");
        assert_eq!(record.reply(&late).deadtime_ms, 300 + 80 + 1);
        late.note(due.plus(Duration::from_millis(90)), due);
        record.worst = late.worst();
        let reply = record.reply(&late);
        assert_eq!((reply.worst_us, reply.worst_at, reply.deadtime_ms), (90_000, 1_800_000_000, 481));
        assert_eq!(reply.since, KEPT.since);
    }
}
