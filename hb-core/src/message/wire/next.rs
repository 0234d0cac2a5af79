//! What the next version has beside this one. It was never released and never will be as it is: an example of what a later
//! version may change, for the tests of two versions beside each other.
//!
//! ```text
//! beat: ... groups  [stamps]  served(1)
//! word: version|key  flags  cluster(2)  life(1)  seq  1|link<<4  number(varint)
//! ```

use super::decode::Reader;
use super::encode::Writer;
use super::{FROM_ODD, MAX_LINKS, NEWEST, Says, life_byte};
use crate::ids::{Incarnation, Side};
use crate::message::{Beat, GroupState};

/// Flag of the header: the frame is no beat, but a word.
pub(super) const WORD: u8 = 1 << 6;
/// The only kind of word.
const NUMBER: u8 = 1;

/// A word: the sender lives, and says a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Word {
    /// Who says it.
    pub(crate) source: Side,
    /// In which life of its daemon, which the receiver has met.
    pub(crate) incarnation: Incarnation,
    /// Its number among the beats.
    pub(crate) seq: u32,
    /// As the header of a beat would say it.
    pub(crate) says: Says,
    /// The sender's number of the link, 0 to 7.
    pub(crate) link: u8,
    /// Any.
    pub(crate) number: u32,
}

/// Write header and body of `word`, as [`super::encode`] does.
#[must_use]
pub(crate) fn encode_word(word: &Word, cluster: u16, key: u8, out: &mut [u8]) -> Option<usize> {
    if key > 15 || usize::from(word.link) >= MAX_LINKS {
        return None;
    }
    let from = match word.source {
        Side::Even => 0,
        Side::Odd => FROM_ODD,
    };
    let [low, high] = cluster.to_le_bytes();
    let mut writer = Writer::new(out);
    writer.bytes(&[
        NEWEST << 4 | key,
        from | WORD | word.says.bits(),
        low,
        high,
        life_byte(word.incarnation),
    ]);
    writer.varint(word.seq);
    writer.byte(NUMBER | word.link << 4);
    writer.varint(word.number);
    writer.end()
}

/// Read the body of a word behind its front: the link that it came on is all that the receiver keeps.
pub(super) fn take_word(reader: &mut Reader<'_>, beat: &mut Beat) {
    let kind = reader.byte();
    beat.link = kind >> 4;
    reader.bad |= kind & 15 != NUMBER || usize::from(beat.link) >= MAX_LINKS;
    reader.varint();
}

/// The field that a beat of the next version has at its end: how many groups the sender holds.
pub(super) fn served(beat: &Beat) -> u8 {
    let held = beat.groups.iter().filter(|group| group.state == GroupState::Held);
    held.fold(0, |count, _| count.saturating_add(1))
}
