//! The counters over the serial line: a node asks for a page, the bridge answers with it (docs/spec/bridge.md).
//!
//! ```text
//! ask     0B 01 page                    CRC-32     10 bytes on the line
//! report  0B 02 page  word word word    CRC-32     22 bytes on the line
//! ```
//!
//! The first byte is no version of the heartbeat protocol (its upper four bits are zero), so a node that knows nothing of
//! bridges counts such a frame as bad and does nothing else. Words and CRC have their lowest byte first; the CRC is that of
//! the method `crc` over all bytes before it. It is against damage: a report decides nothing.

use crate::bridge::About;
use crate::stats::Stats;
use hb_core::Instant;
use hb_core::auth::tag::crc32;

/// First byte of every frame that is said to the bridge or by it.
pub const MARK: u8 = 0x0B;
/// Second byte: a question for a page.
pub const ASK: u8 = 1;
/// Second byte: the page.
pub const REPORT: u8 = 2;
/// Bytes of a question before COBS.
pub const ASK_LEN: usize = 7;
/// Bytes of a page before COBS.
pub const REPORT_LEN: usize = 19;

/// No such time.
pub const NEVER: u32 = u32::MAX;

/// Which counters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Page {
    /// Of one direction.
    Lane {
        /// What the asking node is sent; else what came from it.
        to_asker: bool,
        /// Which three.
        part: Part,
    },
    /// The bridge itself: seconds since it started, the number of this start, why it started.
    Bridge,
}

/// Three counters of a direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Part {
    /// Bytes, frames, forwarded.
    Carried,
    /// Malformed, text, own.
    Other,
    /// Replaced, stale, cut.
    Dropped,
    /// Read errors, write errors, milliseconds since the last whole frame or [`NEVER`].
    Errors,
}

const TO_ASKER: u8 = 0x80;
const BRIDGE: u8 = 0x7F;

impl Page {
    /// Every page.
    pub const ALL: [Self; 9] = {
        const fn of(to_asker: bool, part: Part) -> Page {
            Page::Lane { to_asker, part }
        }
        [
            of(false, Part::Carried),
            of(false, Part::Other),
            of(false, Part::Dropped),
            of(false, Part::Errors),
            of(true, Part::Carried),
            of(true, Part::Other),
            of(true, Part::Dropped),
            of(true, Part::Errors),
            Self::Bridge,
        ]
    };

    /// Its number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Bridge => BRIDGE,
            Self::Lane { to_asker, part } => {
                let part = match part {
                    Part::Carried => 0,
                    Part::Other => 1,
                    Part::Dropped => 2,
                    Part::Errors => 3,
                };
                if to_asker { TO_ASKER | part } else { part }
            }
        }
    }

    /// The page of a number; `None` if there is none.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|page| page.number() == number)
    }
}

/// The datagram that asks for `page`.
#[must_use]
pub fn ask(page: Page) -> [u8; ASK_LEN] {
    let [a, b, c, d] = crc32(&[MARK, ASK, page.number()]).to_le_bytes();
    [MARK, ASK, page.number(), a, b, c, d]
}

/// The page that a datagram asks for; `None` if it is no such question.
#[must_use]
pub fn asked(datagram: &[u8]) -> Option<Page> {
    let page = Page::of(*datagram.get(2)?)?;
    (datagram == ask(page)).then_some(page)
}

/// The datagram that answers with `page`.
#[must_use]
pub fn report(page: Page, words: [u32; 3]) -> [u8; REPORT_LEN] {
    let mut out = [0; REPORT_LEN];
    let head = [MARK, REPORT, page.number()];
    let words = words.map(u32::to_le_bytes);
    let signed = head.iter().chain(words.as_flattened());
    out.iter_mut().zip(signed).for_each(|(to, from)| *to = *from);
    let tag = crc32(out.get(..REPORT_LEN - 4).unwrap_or_default()).to_le_bytes();
    out.iter_mut().rev().zip(tag.iter().rev()).for_each(|(to, from)| *to = *from);
    out
}

/// The page in a datagram; `None` if it is none, or damaged.
#[must_use]
pub fn read(datagram: &[u8]) -> Option<(Page, [u32; 3])> {
    let [MARK, REPORT, page, rest @ ..] = datagram else { return None };
    let page = Page::of(*page)?;
    let (words, _) = rest.as_chunks::<4>();
    let [a, b, c, _] = *words else { return None };
    let words = [a, b, c].map(u32::from_le_bytes);
    (report(page, words) == datagram).then_some((page, words))
}

/// What is on `page` at `now`. `from` is the direction from the asking node, `to` the one to it.
pub(crate) fn words(page: Page, from: &Stats, to: &Stats, about: About, now: Instant) -> [u32; 3] {
    let short = |long: u64| u32::try_from(long).unwrap_or(NEVER);
    match page {
        Page::Bridge => {
            [short(now.since(Instant::ZERO).as_millis()) / 1000, about.boot, u32::from(about.cause)]
        }
        Page::Lane { to_asker, part } => {
            let stats = if to_asker { to } else { from };
            match part {
                Part::Carried => [stats.bytes, stats.frames, stats.forwarded],
                Part::Other => [stats.malformed, stats.text, stats.own],
                Part::Dropped => [stats.replaced, stats.stale, stats.cut],
                Part::Errors => {
                    let age = stats.last_frame.map_or(NEVER, |at| short(now.since(at).as_millis()));
                    [stats.read_errors, stats.write_errors, age]
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hb_core::frame::max_encoded;

    #[test]
    fn every_page_has_its_number_and_is_asked_and_read_by_it() {
        for (at, page) in Page::ALL.into_iter().enumerate() {
            assert_eq!(Page::of(page.number()), Some(page));
            assert_eq!(asked(&ask(page)), Some(page));
            let words = [1, 0x0102_0304, u32::MAX - u32::try_from(at).unwrap()];
            assert_eq!(read(&report(page, words)), Some((page, words)));
        }
        assert_eq!(Page::of(4), None);
    }

    #[test]
    fn a_damaged_one_is_none() {
        let (ask, report) = (ask(Page::Bridge), report(Page::Bridge, [1, 2, 3]));
        for bit in 0..ASK_LEN * 8 {
            let mut bad = ask;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(asked(&bad), None, "bit {bit}");
        }
        for bit in 0..REPORT_LEN * 8 {
            let mut bad = report;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&bad), None, "bit {bit}");
        }
        for len in 0..REPORT_LEN {
            assert_eq!(read(&report[..len]), None);
            assert_eq!(asked(&ask[..len.min(ASK_LEN - 1)]), None);
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_document() {
        assert_eq!(ask(Page::Bridge)[..3], [0x0B, 0x01, 0x7F]);
        assert_eq!(
            report(Page::of(0x80).unwrap(), [258, 0, 1])[..15],
            [0x0B, 0x02, 0x80, 2, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]
        );
        // No longer than a steady beat, so a beat behind one waits for no longer than behind another beat.
        assert!(max_encoded(REPORT_LEN) <= 24);
    }
}
