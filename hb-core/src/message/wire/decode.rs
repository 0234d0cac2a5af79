//! Bytes to message, once the tag was checked.

use super::{ABLE, ARMED, ECHO_UNIT, ECHOES, HEADER, Header, MARKED, MAX_HOLD, UNCONFIRMED};
use crate::config::{MAX_GROUPS, MAX_PINGS};
use crate::ids::{Incarnation, Side};
use crate::message::{Beat, Echo, GroupBeat, GroupName, GroupState, Hello, Message, Phase, Reason};
use crate::time::Duration;
use heapless::Vec;
use serde::Deserialize;

/// The part of a [`Hello`] in front of its groups.
#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
pub(super) struct HelloWire {
    pub(super) boot: u32,
    pub(super) challenge: [u8; 8],
    pub(super) echo: Option<[u8; 8]>,
    pub(super) met: Option<u32>,
    pub(super) known: bool,
    pub(super) keepalive: u32,
    pub(super) deadtime: u32,
    pub(super) watchdog: Option<u32>,
    pub(super) timing_digest: u32,
}

/// The unread rest of a body.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

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

pub(super) fn take_hello(reader: &mut Reader<'_>, count: usize) -> Option<Hello> {
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
