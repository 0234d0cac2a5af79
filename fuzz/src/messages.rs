//! Messages of any content that the wire can say.

use arbitrary::Arbitrary;
use hb_core::message::wire::{ECHO_UNIT, MAX_GROUPS, MAX_HOLD, MAX_LINKS};
use hb_core::message::{Beat, Echo, GroupBeat, GroupName, GroupState, Hello, Message, Phase, Reason};
use hb_core::{Duration, Incarnation, Origin, Side, Stamp};

/// A group as it is beaten and named.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct AnyGroup {
    state: u8,
    wanted: u8,
    able: bool,
    epoch: u32,
    /// So far below the epoch.
    mark: Option<u32>,
    hash: u32,
    digest: u32,
    odd: bool,
}

/// A stamp of a copy.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct AnyStamp {
    epoch: u32,
    line: u32,
    /// So far below the epoch, the line, and whether it was the last.
    from: Option<(u32, u32, bool)>,
    partial: bool,
    diverged: bool,
    last: bool,
}

impl AnyStamp {
    /// The stamp, if a node could have it.
    pub fn stamp(&self) -> Option<Stamp> {
        let origin = |(below, line, last): (u32, u32, bool)| Origin {
            epoch: self.epoch.saturating_sub(below),
            line,
            last,
        };
        let stamp = Stamp {
            epoch: self.epoch,
            line: if self.epoch == 0 { 0 } else { self.line },
            from: self.from.map(origin),
            partial: self.partial,
            diverged: self.diverged,
            last: self.last,
        };
        stamp.is_sound().then_some(stamp)
    }
}

/// A beat.
#[derive(Arbitrary, Clone, Debug)]
pub struct AnyBeat {
    phase: u8,
    unconfirmed: bool,
    armed: bool,
    link: u8,
    hears: u8,
    score: u8,
    echo: Option<(u8, u16)>,
    groups: Vec<AnyGroup>,
    stamps: Vec<Option<AnyStamp>>,
}

/// A hello without its groups, which are the beat's.
#[derive(Arbitrary, Clone, Debug)]
pub struct AnyHello {
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

/// A message.
#[derive(Arbitrary, Clone, Debug)]
pub struct AnyMessage {
    odd: bool,
    counter: u32,
    nonce: u32,
    seq: u32,
    beat: AnyBeat,
    hello: Option<AnyHello>,
}

impl AnyGroup {
    /// As a beat shows it.
    pub fn beat(&self) -> GroupBeat {
        let states = [
            GroupState::Unknown,
            GroupState::Idle,
            GroupState::Starting,
            GroupState::Held,
            GroupState::Stopping,
            GroupState::Failed,
            GroupState::Stuck,
        ];
        let reasons = [Reason::Failback, Reason::Ping, Reason::Failed, Reason::Operator];
        GroupBeat {
            state: states[usize::from(self.state) % states.len()],
            wanted: reasons.get(usize::from(self.wanted) % (reasons.len() + 1)).copied(),
            able: self.able,
            epoch: self.epoch,
            mark: self.mark.map(|below| self.epoch.saturating_sub(below)),
        }
    }

    fn name(&self) -> GroupName {
        GroupName { hash: self.hash, digest: self.digest, preferred: side(self.odd) }
    }
}

impl AnyBeat {
    /// The beat with `groups`.
    pub fn with(&self, groups: impl Iterator<Item = GroupBeat>) -> Beat {
        let groups: Vec<GroupBeat> = groups.take(MAX_GROUPS).collect();
        let stamps = (0..).zip(&self.stamps).take(groups.len());
        let stamps = stamps.filter_map(|(at, stamp)| Some((at, stamp.as_ref()?.stamp()?)));
        Beat {
            phase: [Phase::Joining, Phase::Up, Phase::Leaving][usize::from(self.phase) % 3],
            unconfirmed: self.unconfirmed,
            armed: self.armed,
            link: self.link % MAX_LINKS as u8,
            hears: self.hears,
            score: self.score % 9,
            echo: self
                .echo
                .map(|(seq, hold)| Echo { seq, hold: ECHO_UNIT.times(u64::from(hold.min(MAX_HOLD))) }),
            stamps: stamps.collect(),
            groups: groups.into_iter().collect(),
        }
    }

    /// The groups.
    pub fn groups(&self) -> impl Iterator<Item = &AnyGroup> {
        self.groups.iter().take(MAX_GROUPS)
    }
}

impl AnyHello {
    /// The hello that names `groups`.
    pub fn with(&self, groups: impl Iterator<Item = GroupName>) -> Hello {
        let millis = |ms: u32| Duration::from_millis(u64::from(ms));
        Hello {
            boot: self.boot,
            challenge: self.challenge,
            echo: self.echo,
            met: self.met,
            known: self.known,
            keepalive: millis(self.keepalive),
            deadtime: millis(self.deadtime),
            watchdog: self.watchdog.map(millis),
            timing_digest: self.timing_digest,
            groups: groups.take(MAX_GROUPS).collect(),
        }
    }
}

impl AnyMessage {
    /// The message that it stands for.
    pub fn message(&self) -> Message {
        let beat = self.beat.with(self.beat.groups().map(AnyGroup::beat));
        let hello = self.hello.as_ref().map(|hello| hello.with(self.beat.groups().map(AnyGroup::name)));
        Message {
            source: side(self.odd),
            incarnation: Incarnation { counter: self.counter, nonce: self.nonce },
            seq: self.seq,
            beat,
            hello,
        }
    }
}

/// One of the two.
pub fn side(odd: bool) -> Side {
    if odd { Side::Odd } else { Side::Even }
}
