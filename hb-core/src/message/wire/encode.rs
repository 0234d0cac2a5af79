//! Message to bytes.

use super::{
    ABLE, ARMED, BRANCHED, DIVERGED, ECHO_UNIT, ECHOES, FROM_LAST, FROM_ODD, LAST, LONG, MARKED, MAX_HOLD,
    MAX_LINKS, MAX_SCORE, MAX_STAMPS, PARTIAL, STAMPED, Style, UNCONFIRMED, life_byte,
};
use crate::ids::Side;
use crate::message::{Beat, GroupBeat, GroupState, Hello, Message, Phase, Reason};
use crate::stamp::Stamp;
use crate::time::Duration;

/// A buffer and how far it is written: beyond its end when it is too short, which is looked at once, at the end.
pub(super) struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(out: &'a mut [u8]) -> Self {
        Self { out, at: 0 }
    }

    #[cfg_attr(not(feature = "large"), inline(never))]
    pub(super) fn byte(&mut self, byte: u8) {
        if let Some(slot) = self.out.get_mut(self.at) {
            *slot = byte;
        }
        self.at = self.at.saturating_add(1);
    }

    /// What `postcard` writes for an array of bytes: the bytes.
    #[cfg_attr(not(feature = "large"), inline(never))]
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.byte(*byte));
    }

    /// What `postcard` writes for `value` and for every smaller unsigned type. Its own encoder keeps a panic in the
    /// machine code when it is compiled for size, and the core must not have one.
    #[cfg_attr(not(feature = "large"), inline(never))]
    pub(super) fn varint(&mut self, value: u32) {
        let mut rest = value;
        while rest >= 0x80 {
            self.byte(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.byte(rest as u8);
    }

    /// The length, if everything found room.
    pub(super) fn end(self) -> Option<usize> {
        (self.at <= self.out.len()).then_some(self.at)
    }
}

/// Write header and body of `msg` to the front of `out`: the bytes that a tag then covers and follows.
///
/// `None` if `out` is too short or a field is out of its range.
#[must_use]
pub(crate) fn encode(msg: &Message, style: Style, cluster: u16, key: u8, out: &mut [u8]) -> Option<usize> {
    let mut writer = Writer::new(out);
    let from = match msg.source {
        Side::Even => 0,
        Side::Odd => FROM_ODD,
    };
    let form = if msg.hello.is_some() { LONG } else { 0 };
    let [low, high] = cluster.to_le_bytes();
    if key > 15 {
        return None;
    }
    let stamped = flag(MAX_STAMPS != 0 && !msg.beat.stamps.is_empty(), STAMPED);
    let says = style.says(&msg.beat).bits();
    writer.bytes(&[style.speaks().version() << 4 | key, from | form | stamped | says, low, high]);
    match &msg.hello {
        None => writer.byte(life_byte(msg.incarnation)),
        Some(_) => {
            writer.varint(msg.incarnation.counter);
            writer.varint(msg.incarnation.nonce);
        }
    }
    writer.varint(msg.seq);
    if let Some(hello) = &msg.hello {
        put_shake(&mut writer, hello);
    }
    put_beat(&mut writer, &msg.beat)?;
    #[cfg(feature = "next-wire")]
    if style.speaks().is_next() {
        writer.byte(super::next::served(&msg.beat));
    }
    if let Some(hello) = &msg.hello {
        if hello.groups.len() != msg.beat.groups.len() {
            return None;
        }
        put_hello(&mut writer, hello);
    }
    writer.end()
}

fn put_beat(writer: &mut Writer<'_>, beat: &Beat) -> Option<()> {
    if usize::from(beat.link) >= MAX_LINKS || usize::from(beat.score) > MAX_SCORE {
        return None;
    }
    let echo = beat.echo.and_then(|echo| {
        let hold = echo.hold.as_micros().checked_div(ECHO_UNIT.as_micros())?;
        let hold = u16::try_from(hold).ok().filter(|hold| *hold <= MAX_HOLD)?;
        Some((echo.seq, hold))
    });
    let phase = match beat.phase {
        Phase::Joining => 0,
        Phase::Up => 1,
        Phase::Leaving => 2,
    };
    let flags = phase
        | flag(beat.unconfirmed, UNCONFIRMED)
        | flag(beat.armed, ARMED)
        | beat.link << 4
        | flag(echo.is_some(), ECHOES);
    let groups = u8::try_from(beat.groups.len()).ok()?;
    writer.bytes(&[flags, beat.hears, beat.score << 4 | groups]);
    if let Some((seq, hold)) = echo {
        writer.byte(seq);
        writer.varint(u32::from(hold));
    }
    beat.groups.iter().for_each(|group| put_group(writer, group));
    if MAX_STAMPS == 0 || beat.stamps.is_empty() { Some(()) } else { put_stamps(writer, beat) }
}

/// `None` for stamps of groups that are not there, or not in their order.
fn put_stamps(writer: &mut Writer<'_>, beat: &Beat) -> Option<()> {
    let mut which = 0_u8;
    for (at, _) in &beat.stamps {
        let bit = 1_u8.checked_shl(u32::from(*at))?;
        if usize::from(*at) >= beat.groups.len() || which >= bit {
            return None;
        }
        which |= bit;
    }
    writer.byte(which);
    beat.stamps.iter().try_for_each(|(_, stamp)| put_stamp(writer, stamp))
}

/// `None` for a stamp that no node has: the decoder refuses the same ones.
fn put_stamp(writer: &mut Writer<'_>, stamp: &Stamp) -> Option<()> {
    if !stamp.is_sound() {
        return None;
    }
    let flags = flag(stamp.partial, PARTIAL)
        | flag(stamp.diverged, DIVERGED)
        | flag(stamp.last, LAST)
        | flag(stamp.from.is_some(), BRANCHED)
        | flag(stamp.from.is_some_and(|from| from.last), FROM_LAST);
    writer.byte(flags);
    writer.varint(stamp.epoch);
    if stamp.epoch != 0 {
        writer.bytes(&stamp.line.to_le_bytes());
    }
    if let Some(from) = stamp.from {
        writer.varint(stamp.epoch.saturating_sub(from.epoch));
        writer.bytes(&from.line.to_le_bytes());
    }
    Some(())
}

fn put_group(writer: &mut Writer<'_>, group: &GroupBeat) {
    let state = match group.state {
        GroupState::Unknown => 0,
        GroupState::Idle => 1,
        GroupState::Starting => 2,
        GroupState::Held => 3,
        GroupState::Stopping => 4,
        GroupState::Failed => 5,
        GroupState::Stuck => 6,
    };
    let wanted = match group.wanted {
        None => 0,
        Some(Reason::Failback) => 1,
        Some(Reason::Ping) => 2,
        Some(Reason::Failed) => 3,
        Some(Reason::Operator) => 4,
    };
    let bits = state | wanted << 3 | flag(group.able, ABLE) | flag(group.mark.is_some(), MARKED);
    writer.byte(bits);
    writer.varint(group.epoch);
    if let Some(mark) = group.mark {
        // A mark is never above the epoch beside it; if it were, it would be sent as that epoch.
        writer.varint(group.epoch.saturating_sub(mark));
    }
}

/// What introduces two lives to each other: in every version in this place.
fn put_shake(writer: &mut Writer<'_>, hello: &Hello) {
    writer.bytes(&hello.challenge);
    writer.byte(u8::from(hello.echo.is_some()));
    if let Some(echo) = &hello.echo {
        writer.bytes(echo);
    }
    writer.byte(u8::from(hello.met.is_some()));
    if let Some(met) = hello.met {
        writer.varint(met);
    }
    writer.byte(u8::from(hello.known));
}

fn put_hello(writer: &mut Writer<'_>, hello: &Hello) {
    writer.varint(hello.boot);
    writer.varint(millis(hello.keepalive));
    writer.varint(millis(hello.deadtime));
    writer.byte(u8::from(hello.watchdog.is_some()));
    if let Some(watchdog) = hello.watchdog {
        writer.varint(millis(watchdog));
    }
    writer.varint(hello.timing_digest);
    for name in &hello.groups {
        writer.varint(name.hash);
        writer.varint(name.digest);
        writer.byte(match name.preferred {
            Side::Even => 0,
            Side::Odd => 1,
        });
    }
}

const fn flag(set: bool, bit: u8) -> u8 {
    if set { bit } else { 0 }
}

/// Whole milliseconds, at most 49 days.
fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::MAX_DATAGRAM;
    use super::super::decode::{Reader, take_hello, take_shake};
    use super::*;
    use crate::ids::Incarnation;
    use crate::message::GroupName;
    use proptest::prelude::*;
    use std::vec::Vec as StdVec;

    /// The part of a [`Hello`] in front of its groups, as `postcard` sees it.
    #[derive(serde::Serialize)]
    struct HelloWire {
        challenge: [u8; 8],
        echo: Option<[u8; 8]>,
        met: Option<u32>,
        known: bool,
        boot: u32,
        keepalive: u32,
        deadtime: u32,
        watchdog: Option<u32>,
        timing_digest: u32,
    }

    fn written(write: impl FnOnce(&mut Writer<'_>)) -> StdVec<u8> {
        let mut out = [0xEE; MAX_DATAGRAM];
        let mut writer = Writer::new(&mut out);
        write(&mut writer);
        let len = writer.end().unwrap();
        out[..len].to_vec()
    }

    fn postcard<T: serde::Serialize>(value: &T) -> StdVec<u8> {
        let mut out = [0xEE; MAX_DATAGRAM];
        postcard::to_slice(value, &mut out).unwrap().to_vec()
    }

    proptest! {
        #[test]
        fn what_is_written_is_postcard(value: u32, shift in 0..32, byte: u8) {
            let value = value >> shift;
            prop_assert_eq!(written(|w| w.varint(value)), postcard(&value));
            if let Ok(small) = u16::try_from(value) {
                prop_assert_eq!(written(|w| w.varint(value)), postcard(&small));
            }
            prop_assert_eq!(written(|w| w.bytes(&[byte])), postcard(&byte));
            let life = Incarnation { counter: value, nonce: !value };
            prop_assert_eq!(written(|w| { w.varint(value); w.varint(!value) }), postcard(&life));
        }

        #[test]
        fn a_hello_is_written_as_postcard(
            boot: u32, challenge: [u8; 8], echo: Option<[u8; 8]>, met: Option<u32>, known: bool, times: [u32; 2], watchdog: Option<u32>,
            digest: u32, odd: bool,
        ) {
            let time = |ms: u32| Duration::from_millis(u64::from(ms));
            let preferred = if odd { Side::Odd } else { Side::Even };
            let name = GroupName { hash: boot, digest, preferred };
            let hello = Hello {
                boot, challenge, echo, met, known, keepalive: time(times[0]), deadtime: time(times[1]),
                watchdog: watchdog.map(time), timing_digest: digest, groups: [name; 2].into_iter().collect(),
            };
            let wire = HelloWire {
                boot, challenge, echo, met, known, keepalive: times[0], deadtime: times[1], watchdog, timing_digest: digest,
            };
            let bytes = written(|w| { put_shake(w, &hello); put_hello(w, &hello) });
            prop_assert_eq!(&bytes, &postcard(&(wire, name, name)));
            let (mut reader, mut got) = (Reader::new(&bytes), None);
            take_shake(&mut reader, &mut got);
            take_hello(&mut reader, 2, got.as_mut().unwrap());
            prop_assert_eq!((got, reader.bad, reader.rest.len()), (Some(hello), false, 0));
        }
    }

    #[test]
    fn a_full_buffer_is_refused_and_not_overrun() {
        let mut out = [0xEE; 3];
        let (front, back) = out.split_at_mut(2);
        let mut writer = Writer::new(front);
        writer.varint(0x4000);
        assert_eq!(writer.end(), None);
        let mut writer = Writer::new(front);
        writer.bytes(&[1, 2]);
        assert_eq!(writer.end(), Some(2));
        assert_eq!(back, [0xEE]);
    }
}
