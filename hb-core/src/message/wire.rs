//! Message bytes: header and body without the tag. The layout, byte by byte, is in `docs/spec/wire.md`.
//!
//! ```text
//! short: version|key  flags  cluster(2)  life(1)  seq  beat
//! long:  version|key  flags  cluster(2)  counter  nonce  seq  beat  hello
//! beat:  flags  hears  score|groups  [echo seq, hold]  groups x (bits, epoch, [epoch - mark])
//! ```
//!
//! Everything after the cluster is coded by `postcard` (varints, least significant bits first). Nothing here trusts a
//! byte, and nothing here is called for a received frame before its tag was checked ([`crate::auth::open`]).

use super::{Beat, Echo, GroupBeat, GroupName, GroupState, Hello, Message, Phase, Reason};
use crate::auth::tag::MAX_TAG;
use crate::config::{MAX_GROUPS, MAX_LINKS, MAX_PINGS};
use crate::event::BadFrame;
use crate::ids::{Incarnation, Side};
use crate::time::Duration;
use heapless::Vec;
use serde::{Deserialize, Serialize};

/// The protocol version that this build speaks.
pub const VERSION: u8 = 1;
/// Step of [`super::Echo::hold`] on the wire.
pub const ECHO_UNIT: Duration = Duration::from_micros(128);
/// Longest hold that an echo can say, in [`ECHO_UNIT`]s: 2.097 s. It fits two bytes.
pub const MAX_HOLD: u16 = 0x3FFF;
/// Bytes of the longest datagram: a long form with [`MAX_GROUPS`] groups and a 16-byte tag.
pub const MAX_DATAGRAM: usize = max_datagram(MAX_GROUPS);
/// Bytes of the shortest datagram: a short form without groups and a 4-byte tag.
pub const MIN_DATAGRAM: usize = HEADER + 1 + 1 + HEAD + 4;

/// Version and key, flags, cluster.
const HEADER: usize = 4;
/// Beat flags, hears, score and group count.
const HEAD: usize = 3;
/// A `u32` as a varint at most.
const VARINT: usize = 5;

const FROM_ODD: u8 = 1;
const LONG: u8 = 2;

const UNCONFIRMED: u8 = 1 << 2;
const ARMED: u8 = 1 << 3;
const ECHOES: u8 = 1 << 7;

const ABLE: u8 = 1 << 6;
const MARKED: u8 = 1 << 7;

/// Bytes of the longest datagram with that many groups.
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
const _: () = assert!(MAX_LINKS <= 8 && MAX_GROUPS <= 15 && MAX_PINGS <= 15 && VERSION <= 15);

/// The fixed part of a frame: all that is looked at before the tag is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Index of the key that the tag was made with.
    pub key: u8,
    /// Who sent it.
    pub source: Side,
    /// A short form: [`life_byte`] of the sender's incarnation.
    pub life: Option<u8>,
}

impl Header {
    /// Read the header of a datagram that came to a node of `cluster`.
    ///
    /// Version and cluster have their place in every version to come, so that a newer frame of this cluster can be
    /// named as one, and noise or a stranger's text is not.
    ///
    /// # Errors
    /// [`BadFrame::NewerVersion`], [`BadFrame::OtherCluster`], or [`BadFrame::Malformed`] for all that no frame of this
    /// version can be.
    pub fn parse(datagram: &[u8], cluster: u16) -> Result<Self, BadFrame> {
        let [first, flags, low, high, life, ..] = *datagram else { return Err(BadFrame::Malformed) };
        let ours = u16::from_le_bytes([low, high]) == cluster;
        match first >> 4 {
            VERSION if ours => {}
            VERSION => return Err(BadFrame::OtherCluster),
            newer if ours && newer > VERSION => return Err(BadFrame::NewerVersion),
            _ => return Err(BadFrame::Malformed),
        }
        let possible = (MIN_DATAGRAM..=MAX_DATAGRAM).contains(&datagram.len());
        if !possible || flags & !(FROM_ODD | LONG) != 0 {
            return Err(BadFrame::Malformed);
        }
        Ok(Self {
            key: first & 15,
            source: if flags & FROM_ODD == 0 { Side::Even } else { Side::Odd },
            life: (flags & LONG == 0).then_some(life),
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

#[derive(Serialize, Deserialize)]
struct HelloWire {
    boot: u32,
    challenge: [u8; 8],
    echo: Option<[u8; 8]>,
    met: Option<u32>,
    known: bool,
    keepalive: u32,
    deadtime: u32,
    watchdog: Option<u32>,
    timing_digest: u32,
}

/// The unwritten rest of a buffer.
struct Writer<'a>(&'a mut [u8]);

impl Writer<'_> {
    /// What `put(&byte)` for each of `bytes` would write.
    fn bytes(&mut self, bytes: &[u8]) -> Option<()> {
        let (room, rest) = core::mem::take(&mut self.0).split_at_mut_checked(bytes.len())?;
        room.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        self.0 = rest;
        Some(())
    }

    fn put<T: Serialize>(&mut self, value: &T) -> Option<()> {
        let used = postcard::to_slice(value, self.0).ok()?.len();
        let (_, rest) = core::mem::take(&mut self.0).split_at_mut_checked(used)?;
        self.0 = rest;
        Some(())
    }
}

/// The unread rest of a body.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// What `take::<u8>()` would give, without the detour: a heartbeat is mostly single bytes.
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn take<T: Deserialize<'a>>(&mut self) -> Option<T> {
        let (value, rest) = postcard::take_from_bytes(self.0).ok()?;
        self.0 = rest;
        Some(value)
    }
}

/// Write header and body of `msg` to the front of `out`: the bytes that a tag then covers and follows.
///
/// `None` if `out` is too short or a field is out of its range.
#[must_use]
pub fn encode(msg: &Message, cluster: u16, key: u8, out: &mut [u8]) -> Option<usize> {
    let room = out.len();
    let mut writer = Writer(out);
    let from = match msg.source {
        Side::Even => 0,
        Side::Odd => FROM_ODD,
    };
    let form = if msg.hello.is_some() { LONG } else { 0 };
    let [low, high] = cluster.to_le_bytes();
    if key > 15 {
        return None;
    }
    writer.bytes(&[VERSION << 4 | key, from | form, low, high])?;
    match &msg.hello {
        None => writer.bytes(&[life_byte(msg.incarnation)])?,
        Some(_) => writer.put(&msg.incarnation)?,
    }
    writer.put(&msg.seq)?;
    put_beat(&mut writer, &msg.beat)?;
    if let Some(hello) = &msg.hello {
        if hello.groups.len() != msg.beat.groups.len() {
            return None;
        }
        put_hello(&mut writer, hello)?;
    }
    room.checked_sub(writer.0.len())
}

/// A message that says nothing yet: what [`decode`] writes over.
#[must_use]
pub const fn blank(source: Side) -> Message {
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
pub fn decode(header: &Header, signed: &[u8], short: Option<Incarnation>, msg: &mut Message) -> Option<()> {
    msg.source = header.source;
    let mut reader = Reader(signed.get(HEADER..)?);
    match short {
        Some(met) => {
            _ = reader.byte()?;
            msg.incarnation = met;
        }
        None => msg.incarnation = Incarnation { counter: reader.take()?, nonce: reader.take()? },
    }
    msg.seq = reader.take()?;
    take_beat(&mut reader, &mut msg.beat)?;
    msg.hello = None;
    if short.is_none() {
        msg.hello = Some(take_hello(&mut reader, msg.beat.groups.len())?);
    }
    reader.0.is_empty().then_some(())
}

fn put_beat(writer: &mut Writer<'_>, beat: &Beat) -> Option<()> {
    if usize::from(beat.link) >= MAX_LINKS || usize::from(beat.score) > MAX_PINGS {
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
    writer.bytes(&[flags, beat.hears, beat.score << 4 | groups])?;
    if let Some((seq, hold)) = echo {
        writer.bytes(&[seq])?;
        writer.put(&hold)?;
    }
    beat.groups.iter().try_for_each(|group| put_group(writer, group))
}

fn take_beat(reader: &mut Reader<'_>, beat: &mut Beat) -> Option<()> {
    let (flags, hears, counts) = (reader.byte()?, reader.byte()?, reader.byte()?);
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
    if usize::from(beat.score) > MAX_PINGS || usize::from(count) > MAX_GROUPS {
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
    let (seq, hold): (_, u16) = (reader.byte()?, reader.take()?);
    (hold <= MAX_HOLD).then_some(Echo { seq, hold: ECHO_UNIT.times(u64::from(hold)) })
}

fn put_group(writer: &mut Writer<'_>, group: &GroupBeat) -> Option<()> {
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
    writer.bytes(&[bits])?;
    writer.put(&group.epoch)?;
    match group.mark {
        // A mark is never above the epoch beside it; if it were, it would be sent as that epoch.
        Some(mark) => writer.put(&group.epoch.saturating_sub(mark)),
        None => Some(()),
    }
}

fn take_group(reader: &mut Reader<'_>) -> Option<GroupBeat> {
    let (bits, epoch): (_, u32) = (reader.byte()?, reader.take()?);
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
    let mark = if bits & MARKED == 0 { None } else { Some(epoch.checked_sub(reader.take()?)?) };
    Some(GroupBeat { state, wanted, able: bits & ABLE != 0, epoch, mark })
}

fn put_hello(writer: &mut Writer<'_>, hello: &Hello) -> Option<()> {
    writer.put(&HelloWire {
        boot: hello.boot,
        challenge: hello.challenge,
        echo: hello.echo,
        met: hello.met,
        known: hello.known,
        keepalive: millis(hello.keepalive),
        deadtime: millis(hello.deadtime),
        watchdog: hello.watchdog.map(millis),
        timing_digest: hello.timing_digest,
    })?;
    hello.groups.iter().try_for_each(|name| writer.put(name))
}

fn take_hello(reader: &mut Reader<'_>, count: usize) -> Option<Hello> {
    let hello: HelloWire = reader.take()?;
    let mut groups: Vec<GroupName, MAX_GROUPS> = Vec::new();
    for _ in 0..count {
        groups.push(reader.take()?).ok()?;
    }
    let millis = |ms: u32| Duration::from_millis(u64::from(ms));
    Some(Hello {
        boot: hello.boot,
        challenge: hello.challenge,
        echo: hello.echo,
        met: hello.met,
        known: hello.known,
        keepalive: millis(hello.keepalive),
        deadtime: millis(hello.deadtime),
        watchdog: hello.watchdog.map(millis),
        timing_digest: hello.timing_digest,
        groups,
    })
}

const fn flag(set: bool, bit: u8) -> u8 {
    if set { bit } else { 0 }
}

/// Whole milliseconds, at most 49 days.
fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
