//! Bytes to message, once the tag was checked.

use super::{
    ABLE, ARMED, BRANCHED, DIVERGED, ECHO_UNIT, ECHOES, FROM_LAST, HEADER, Header, LAST, MARKED, MAX_GROUPS,
    MAX_HOLD, MAX_SCORE, MAX_STAMPS, PARTIAL, Says, UNCONFIRMED,
};
use crate::ids::{Incarnation, Side};
use crate::message::{Beat, Echo, GroupBeat, GroupName, GroupState, Hello, Message, Phase, Reason};
use crate::stamp::{Origin, Stamp};
use crate::time::Duration;
use heapless::Vec;

/// The unread rest of a body. It takes what `postcard` would, but for one thing: of the ways to write a number only the
/// shortest is taken, so that a message has one body and no other.
///
/// What is not there, or cannot be, reads as zero and is remembered in `bad`, which is looked at once, at the end.
pub(super) struct Reader<'a> {
    pub(super) rest: &'a [u8],
    pub(super) bad: bool,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(rest: &'a [u8]) -> Self {
        Self { rest, bad: false }
    }

    #[cfg_attr(not(feature = "large"), inline(never))]
    pub(super) fn byte(&mut self) -> u8 {
        match self.rest.split_first() {
            Some((byte, rest)) => {
                self.rest = rest;
                *byte
            }
            None => {
                self.bad = true;
                0
            }
        }
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.iter_mut().for_each(|byte| *byte = self.byte());
        bytes
    }

    /// Seven bits a byte, the lowest first, the top bit set in all but the last.
    #[cfg_attr(not(feature = "large"), inline(never))]
    pub(super) fn varint(&mut self) -> u32 {
        // Most are of one byte.
        if let Some((byte @ ..0x80, rest)) = self.rest.split_first() {
            self.rest = rest;
            return u32::from(*byte);
        }
        let (mut value, mut shift) = (0_u32, 0_u32);
        loop {
            let byte = self.byte();
            // Four bits are left for the fifth byte, and none for a sixth.
            self.bad |= shift == 28 && byte > 0x0F;
            value |= u32::from(byte & 0x7F).wrapping_shl(shift);
            if byte < 0x80 || self.bad {
                // Zeros above the value say nothing.
                self.bad |= byte == 0 && shift != 0;
                return value;
            }
            shift = shift.wrapping_add(7);
        }
    }

    #[cfg_attr(not(feature = "large"), inline(never))]
    fn flag(&mut self) -> bool {
        let byte = self.byte();
        self.bad |= byte > 1;
        byte == 1
    }

    #[cfg_attr(not(feature = "large"), inline(never))]
    fn millis(&mut self) -> Duration {
        Duration::from_millis(u64::from(self.varint()))
    }

    /// The whole of it was read, and was possible.
    const fn end(&self) -> Option<()> {
        if self.bad || !self.rest.is_empty() { None } else { Some(()) }
    }
}

/// A message that says nothing yet: what [`decode`] writes over.
#[must_use]
pub(crate) const fn blank(source: Side) -> Message {
    Message {
        source,
        incarnation: Incarnation { counter: 0, nonce: 0 },
        seq: 0,
        beat: Beat {
            phase: Phase::Joining,
            unconfirmed: false,
            armed: false,
            link: 0,
            hears: 0,
            score: 0,
            echo: None,
            groups: Vec::new(),
            stamps: Vec::new(),
        },
        hello: None,
    }
}

/// Read the body of a datagram whose tag was checked over `msg` (in place: a message is large, and to hand it up by
/// value would cost more than to decode it). `signed` is the datagram without its tag, `short` the met incarnation
/// that a short form belongs to.
///
/// `None` if it is not exactly one message with possible values; `msg` is then partly overwritten.
#[must_use]
pub(crate) fn decode(
    header: &Header,
    signed: &[u8],
    short: Option<Incarnation>,
    msg: &mut Message,
) -> Option<()> {
    let mut reader = Reader::new(signed.get(HEADER..)?);
    take_front(header, &mut reader, short, msg);
    take_beat(&mut reader, &mut msg.beat)?;
    // A later version's bits are what its sender decided.
    if !header.read.is_next() && Says::of(&msg.beat) != header.says {
        return None;
    }
    msg.beat.stamps.clear();
    if header.stamped {
        take_stamps(&mut reader, &mut msg.beat)?;
    }
    #[cfg(feature = "next-wire")]
    if header.read.is_next() {
        reader.bad |= reader.byte() != super::next::served(&msg.beat);
    }
    if let Some(hello) = &mut msg.hello {
        take_hello(&mut reader, msg.beat.groups.len(), hello);
    }
    reader.end()
}

/// Read a word of the next version: the front, and the link. The rest of `msg` says nothing.
#[cfg(feature = "next-wire")]
#[must_use]
pub(crate) fn decode_word(
    header: &Header,
    signed: &[u8],
    short: Option<Incarnation>,
    msg: &mut Message,
) -> Option<()> {
    let mut reader = Reader::new(signed.get(HEADER..)?);
    *msg = blank(header.source);
    // Whoever was not met has nothing to say but who it is.
    short?;
    take_front(header, &mut reader, short, msg);
    super::next::take_word(&mut reader, &mut msg.beat);
    reader.end()
}

/// Read what a frame of a newer version has in common with this one. The rest of `msg` says nothing, but for the phase.
#[must_use]
#[cold]
pub(crate) fn decode_front(
    header: &Header,
    signed: &[u8],
    short: Option<Incarnation>,
    msg: &mut Message,
) -> Option<()> {
    let mut reader = Reader::new(signed.get(HEADER..)?);
    *msg = blank(header.source);
    msg.beat.phase = header.says.phase();
    take_front(header, &mut reader, short, msg);
    (!reader.bad).then_some(())
}

/// The front of every version: who, in which life, the number, and in a long form what introduces the two lives.
fn take_front(header: &Header, reader: &mut Reader<'_>, short: Option<Incarnation>, msg: &mut Message) {
    msg.source = header.source;
    match short {
        Some(met) => {
            _ = reader.byte();
            msg.incarnation = met;
        }
        None => msg.incarnation = Incarnation { counter: reader.varint(), nonce: reader.varint() },
    }
    msg.seq = reader.varint();
    msg.hello = None;
    if short.is_none() {
        take_shake(reader, &mut msg.hello);
    }
}

fn take_beat(reader: &mut Reader<'_>, beat: &mut Beat) -> Option<()> {
    let (flags, hears, counts) = (reader.byte(), reader.byte(), reader.byte());
    beat.phase = match flags & 3 {
        0 => Phase::Joining,
        1 => Phase::Up,
        2 => Phase::Leaving,
        _ => return None,
    };
    beat.unconfirmed = flags & UNCONFIRMED != 0;
    beat.armed = flags & ARMED != 0;
    beat.link = flags >> 4 & 7;
    beat.hears = hears;
    beat.score = counts >> 4;
    let count = counts & 15;
    if usize::from(beat.score) > MAX_SCORE || usize::from(count) > MAX_GROUPS {
        return None;
    }
    beat.echo = if flags & ECHOES == 0 { None } else { Some(take_echo(reader)?) };
    beat.groups.clear();
    for _ in 0..count {
        beat.groups.push(take_group(reader)?).ok()?;
    }
    Some(())
}

fn take_echo(reader: &mut Reader<'_>) -> Option<Echo> {
    let (seq, hold) = (reader.byte(), reader.varint());
    (hold <= u32::from(MAX_HOLD)).then_some(Echo {
        seq,
        hold: Duration::from_micros(ECHO_UNIT.as_micros().wrapping_mul(u64::from(hold))),
    })
}

fn take_group(reader: &mut Reader<'_>) -> Option<GroupBeat> {
    let (bits, epoch) = (reader.byte(), reader.varint());
    let state = match bits & 7 {
        0 => GroupState::Unknown,
        1 => GroupState::Idle,
        2 => GroupState::Starting,
        3 => GroupState::Held,
        4 => GroupState::Stopping,
        5 => GroupState::Failed,
        6 => GroupState::Stuck,
        _ => return None,
    };
    let wanted = match bits >> 3 & 7 {
        0 => None,
        1 => Some(Reason::Failback),
        2 => Some(Reason::Ping),
        3 => Some(Reason::Failed),
        4 => Some(Reason::Operator),
        _ => return None,
    };
    let mark = if bits & MARKED == 0 { None } else { Some(epoch.checked_sub(reader.varint())?) };
    Some(GroupBeat { state, wanted, able: bits & ABLE != 0, epoch, mark })
}

/// Which groups have a stamp, at least one, and the stamps in the order of the groups.
#[cold]
fn take_stamps(reader: &mut Reader<'_>, beat: &mut Beat) -> Option<()> {
    let which = reader.byte();
    reader.bad |= which == 0;
    let mut rest = which;
    while rest != 0 {
        let at = rest.trailing_zeros() as u8;
        if MAX_STAMPS == 0 {
            skip_stamp(reader);
        } else {
            beat.stamps.push((at, take_stamp(reader)?)).ok()?;
        }
        rest &= rest.wrapping_sub(1);
    }
    let groups = u32::try_from(beat.groups.len()).ok()?;
    (which.leading_zeros().saturating_add(groups) >= u8::BITS).then_some(())
}

/// Without data a stamp is of no account, but what follows it is.
fn skip_stamp(reader: &mut Reader<'_>) {
    let (flags, epoch) = (reader.byte(), reader.varint());
    if epoch != 0 {
        reader.bytes::<4>();
    }
    if flags & BRANCHED != 0 {
        reader.varint();
        reader.bytes::<4>();
    }
}

fn take_stamp(reader: &mut Reader<'_>) -> Option<Stamp> {
    let (flags, epoch) = (reader.byte(), reader.varint());
    if flags & !(PARTIAL | DIVERGED | LAST | BRANCHED | FROM_LAST) != 0 {
        return None;
    }
    let last = flags & FROM_LAST != 0;
    let stamp = Stamp {
        epoch,
        line: if epoch == 0 { 0 } else { u32::from_le_bytes(reader.bytes()) },
        from: if flags & BRANCHED != 0 {
            let epoch = epoch.checked_sub(reader.varint())?;
            Some(Origin { epoch, line: u32::from_le_bytes(reader.bytes()), last })
        } else if last {
            return None;
        } else {
            None
        },
        partial: flags & PARTIAL != 0,
        diverged: flags & DIVERGED != 0,
        last: flags & LAST != 0,
    };
    stamp.is_sound().then_some(stamp)
}

/// What introduces two lives to each other. Fields are read in the order in which they stand here.
pub(super) fn take_shake(reader: &mut Reader<'_>, place: &mut Option<Hello>) {
    *place = Some(Hello {
        boot: 0,
        challenge: reader.bytes(),
        echo: if reader.flag() { Some(reader.bytes()) } else { None },
        met: if reader.flag() { Some(reader.varint()) } else { None },
        known: reader.flag(),
        keepalive: Duration::ZERO,
        deadtime: Duration::ZERO,
        watchdog: None,
        timing_digest: 0,
        groups: Vec::new(),
    });
}

/// The static view, of `count` groups.
pub(super) fn take_hello(reader: &mut Reader<'_>, count: usize, hello: &mut Hello) {
    hello.boot = reader.varint();
    hello.keepalive = reader.millis();
    hello.deadtime = reader.millis();
    hello.watchdog = if reader.flag() { Some(reader.millis()) } else { None };
    hello.timing_digest = reader.varint();
    for _ in 0..count {
        let (hash, digest) = (reader.varint(), reader.varint());
        let preferred = if reader.flag() { Side::Odd } else { Side::Even };
        reader.bad |= hello.groups.push(GroupName { hash, digest, preferred }).is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(bytes: &[u8]) -> Option<(u32, usize)> {
        let mut reader = Reader::new(bytes);
        let value = reader.varint();
        (!reader.bad).then_some((value, bytes.len() - reader.rest.len()))
    }

    /// A number in as many bytes as it is told to.
    fn padded(value: u32, len: usize) -> std::vec::Vec<u8> {
        let group = |at: usize| (u64::from(value) >> (7 * at)) as u8 & 0x7F;
        (0..len).map(|at| group(at) | if at + 1 < len { 0x80 } else { 0 }).collect()
    }

    proptest! {
        /// `postcard` and this reader take the same numbers, but for those written longer than needed.
        #[test]
        fn numbers_are_read_as_postcard_reads_them(bytes in prop::collection::vec(any::<u8>(), 0..8)) {
            let theirs = postcard::take_from_bytes::<u32>(&bytes).ok().map(|(value, rest)| (value, bytes.len() - rest.len()));
            let shortest = theirs.filter(|(value, len)| *len == 1 || value >> (7 * (len - 1)) != 0);
            prop_assert_eq!(number(&bytes), shortest);
        }

        #[test]
        fn one_number_has_one_form(value: u32, shift in 0..32) {
            let value = value >> shift;
            let needed = (1..=5).find(|len| *len == 5 || value >> (7 * len) == 0).unwrap();
            for len in 1..=10 {
                let expected = (len == needed).then_some((value, len));
                if len >= needed {
                    prop_assert_eq!(number(&padded(value, len)), expected, "{} bytes", len);
                }
            }
        }
    }

    #[test]
    fn a_number_above_32_bits_is_none() {
        assert_eq!(number(&[0xFF, 0xFF, 0xFF, 0xFF, 0x0F]), Some((u32::MAX, 5)));
        assert_eq!(number(&[0xFF, 0xFF, 0xFF, 0xFF, 0x1F]), None);
        assert_eq!(number(&[0x80, 0x80, 0x80, 0x80, 0x10]), None, "bit 32");
        assert_eq!(number(&[0x80; 64]), None, "without an end");
        assert_eq!(number(&[]), None);
    }

    #[test]
    fn what_is_not_there_spoils_all_that_was_read() {
        let mut reader = Reader::new(&[1, 0x80]);
        assert_eq!((reader.byte(), reader.end()), (1, None), "something is left");
        assert_eq!(reader.varint(), 0);
        assert!(reader.bad && reader.rest.is_empty() && reader.end().is_none());
        assert_eq!((reader.byte(), reader.bytes(), reader.end()), (0, [0; 3], None));
    }

    #[test]
    fn a_flag_is_0_or_1() {
        let flag = |byte| {
            let bytes = [byte];
            let mut reader = Reader::new(&bytes);
            let flag = reader.flag();
            reader.end().map(|()| flag)
        };
        assert_eq!([0, 1].map(flag), [Some(false), Some(true)]);
        assert!((2..=255).all(|byte| flag(byte).is_none()));
    }
}
