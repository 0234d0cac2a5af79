//! Message bytes: header and body without the tag. The layout, byte by byte, is in `docs/spec/wire.md`.
//!
//! ```text
//! short: version|key  flags  cluster(2)  life(1)  seq  beat
//! long:  version|key  flags  cluster(2)  counter  nonce  seq  shake  beat  hello
//! beat:  flags  hears  score|groups  [echo seq, hold]  groups x (bits, epoch, [epoch - mark])  [which, stamps]
//! stamp: flags  epoch  [line(4)  [epoch - from  from's line(4)]]
//! ```
//!
//! All in front of the beat is the *front*: every version to come has it, so a node knows a newer peer for alive and reads
//! the three bits of [`Says`], whatever follows.
//!
//! Everything after the cluster is `postcard` (varints, least significant bits first). Nothing here trusts a byte; of a
//! received frame only the header is looked at before its tag was checked ([`crate::auth::open`]).

mod decode;
mod encode;
#[cfg(feature = "next-wire")]
mod next;
mod says;
mod version;

#[cfg(feature = "next-wire")]
pub(crate) use decode::decode_word;
pub(crate) use decode::{blank, decode, decode_front};
pub(crate) use encode::encode;
#[cfg(feature = "next-wire")]
pub(crate) use next::{Word, encode_word};
pub use says::Says;
pub use version::{NEWEST, OLDEST, Speaks, VERSION};
pub(crate) use version::{Read, Style};

use crate::auth::tag::MAX_TAG;
use crate::config;
use crate::event::BadFrame;
use crate::ids::{Incarnation, Side};
use crate::time::Duration;

/// Groups in one message at most, whatever the receiver has room for itself.
pub const MAX_GROUPS: usize = 8;
/// Stamps that a message has room for: one per group, and none in a build without data.
pub const MAX_STAMPS: usize = if cfg!(feature = "data") { MAX_GROUPS } else { 0 };
/// Links that a message can name at most.
pub const MAX_LINKS: usize = 8;
/// Ping nodes that a message can count at most, whatever the receiver has itself.
pub const MAX_SCORE: usize = 8;
/// Step of [`super::Echo::hold`] on the wire.
pub const ECHO_UNIT: Duration = Duration::from_micros(128);
/// Longest hold that an echo can say, in [`ECHO_UNIT`]s: 2.097 s. It fits two bytes.
pub const MAX_HOLD: u16 = 0x3FFF;
/// Bytes of the longest datagram: a long form with [`MAX_GROUPS`] groups, all with data, and a 16-byte tag.
pub const MAX_DATAGRAM: usize = max_datagram(MAX_GROUPS) + 1 + MAX_GROUPS * STAMP;
/// Bytes of the longest datagram of any version, for ever.
pub const LONGEST: usize = MAX_DATAGRAM + SPARE;
/// Bytes of the longest datagram that a node of this build sends.
pub const MAX_SENT: usize =
    if cfg!(feature = "data") { MAX_DATAGRAM } else { max_datagram(MAX_GROUPS) } + NEXT_FIELD;
/// Bytes of the longest datagram that a node takes from a byte stream. A build that has room for few groups and no data
/// does not understand its own peer's frames any better for it, and saves the room: the longest one without data.
pub const MAX_HEARD: usize =
    if cfg!(any(feature = "data", feature = "large")) { LONGEST } else { max_datagram(MAX_GROUPS) + SPARE };
/// Bytes of the shortest datagram: a short form without groups and a 4-byte tag.
pub const MIN_DATAGRAM: usize = HEADER + 1 + 1 + HEAD + 4;

/// What a later version may send more than this one.
const SPARE: usize = 12;
/// What the one of the feature `next-wire` does.
pub(crate) const NEXT_FIELD: usize = if NEWEST > VERSION { 1 } else { 0 };
/// Bytes of the shortest datagram of any version: header, life byte, sequence and a 4-byte tag.
const MIN_FRONT: usize = HEADER + 1 + 1 + 4;
/// Version and key, flags, cluster.
const HEADER: usize = 4;
/// Beat flags, hears, score and group count.
const HEAD: usize = 3;
/// A `u32` as a varint at most.
const VARINT: usize = 5;
/// A stamp at most: flags, epoch, line, and what it branched from.
const STAMP: usize = 1 + VARINT + 4 + VARINT + 4;

const FROM_ODD: u8 = 1;
const LONG: u8 = 2;
/// This and the two highest bits mean what the version says; in this one they are clear.
const STAMPED: u8 = 4;

const UNCONFIRMED: u8 = 1 << 2;
const ARMED: u8 = 1 << 3;
const ECHOES: u8 = 1 << 7;

const ABLE: u8 = 1 << 6;
const MARKED: u8 = 1 << 7;

const PARTIAL: u8 = 1;
const DIVERGED: u8 = 1 << 1;
const LAST: u8 = 1 << 2;
const BRANCHED: u8 = 1 << 3;
const FROM_LAST: u8 = 1 << 4;

/// Bytes of the longest datagram with that many groups, none of them with data (DESIGN §4.18).
#[must_use]
pub const fn max_datagram(groups: usize) -> usize {
    let lives = VARINT + VARINT + VARINT;
    let echo = 1 + 2;
    let beat = HEAD + echo + groups * (1 + VARINT + VARINT);
    let hello = VARINT
        + 8
        + (1 + 8)
        + (1 + VARINT)
        + 1
        + VARINT
        + VARINT
        + (1 + VARINT)
        + VARINT
        + groups * (VARINT + VARINT + 1);
    HEADER + lives + beat + hello + MAX_TAG
}

// The bit fields hold what the limits allow.
const _: () = assert!(config::MAX_LINKS <= MAX_LINKS && config::MAX_GROUPS <= MAX_GROUPS);
const _: () = assert!(MAX_LINKS <= 8 && MAX_GROUPS <= 15 && MAX_SCORE <= 15 && NEWEST <= 15);

/// The fixed part of a frame: all that is looked at before the tag is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    /// What every version says of its sender.
    pub(crate) says: Says,
    /// Index of the key that the tag was made with.
    pub(crate) key: u8,
    /// Who sent it.
    pub(crate) source: Side,
    /// A short form: [`life_byte`] of the sender's incarnation.
    pub(crate) life: Option<u8>,
    /// Stamps of the groups' data follow the groups.
    pub(crate) stamped: bool,
    /// What of it the receiver can read.
    pub(crate) read: Read,
}

impl Header {
    /// Read the header of a datagram that came to a node of `cluster`, which speaks the version `speaks`.
    ///
    /// Header and front have their place in every version to come, so that a newer frame of this cluster is told from
    /// noise and a stranger's text, and its sender is known for alive.
    ///
    /// # Errors
    /// [`BadFrame::OtherCluster`], or [`BadFrame::Malformed`] for all that no frame of this or a newer version can be.
    // DESIGN §4.16.
    pub(crate) fn parse(datagram: &[u8], cluster: u16, speaks: Speaks) -> Result<Self, BadFrame> {
        let [first, flags, low, high, life, ..] = *datagram else { return Err(BadFrame::Malformed) };
        let version = first >> 4;
        let read = Read::of(version, flags, speaks);
        let newer = read == Read::Front;
        match (u16::from_le_bytes([low, high]) == cluster, version) {
            (_, 0) => return Err(BadFrame::Malformed),
            (true, _) => {}
            (false, _) if newer => return Err(BadFrame::Malformed),
            (false, _) => return Err(BadFrame::OtherCluster),
        }
        let lengths = if newer || read.is_next() { MIN_FRONT..=LONGEST } else { MIN_DATAGRAM..=MAX_DATAGRAM };
        if !lengths.contains(&datagram.len())
            || !newer && flags & !(FROM_ODD | LONG | STAMPED | Says::BITS | read.own_bits()) != 0
        {
            return Err(BadFrame::Malformed);
        }
        Ok(Self {
            says: Says::from_bits(flags),
            key: first & 15,
            source: if flags & FROM_ODD == 0 { Side::Even } else { Side::Odd },
            life: (flags & LONG == 0).then_some(life),
            stamped: flags & STAMPED != 0,
            read,
        })
    }
}

/// An incarnation as the eight bytes that are tagged with a short form: counter, then nonce, little-endian.
#[must_use]
pub const fn life_bytes(life: Incarnation) -> [u8; 8] {
    let [a, b, c, d] = life.counter.to_le_bytes();
    let [e, f, g, h] = life.nonce.to_le_bytes();
    [a, b, c, d, e, f, g, h]
}

/// The one byte that a short form sends of an incarnation: all bytes of it, exclusive-ored. It only finds out early
/// that a life is not the one that was met; the tag proves that it is.
#[must_use]
pub fn life_byte(life: Incarnation) -> u8 {
    life_bytes(life).iter().fold(0, |all, byte| all ^ byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_known_by_all_of_its_bytes() {
        let life = Incarnation { counter: 0x0102_0304, nonce: 0x1020_4080 };
        assert_eq!(life_bytes(life), [4, 3, 2, 1, 0x80, 0x40, 0x20, 0x10]);
        assert_eq!(life_byte(life), 0xF4);
        for bit in 0..32 {
            assert_ne!(life_byte(Incarnation { counter: life.counter ^ 1 << bit, ..life }), 0xF4);
            assert_ne!(life_byte(Incarnation { nonce: life.nonce ^ 1 << bit, ..life }), 0xF4);
        }
    }
}
