//! Messages and keys for the frame tests.

use hb_core::auth::{Key, Keyring, Method};
use hb_core::message::wire::{ECHO_UNIT, MAX_DATAGRAM, MAX_HOLD};
use hb_core::message::{Beat, Echo, GroupBeat, GroupName, GroupState, Hello, Message, Phase, Reason};
use hb_core::{Duration, Incarnation, Origin, Side, Stamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

pub(crate) const CLUSTER: u16 = 0xC5A3;
pub(crate) const METHODS: [Method; 4] = [Method::Crc, Method::Md5, Method::Sha1, Method::Sha256];

/// One key of `method` at `index`.
pub(crate) fn ring(index: u8, method: Method, secret: &str) -> Keyring {
    let secret = if method == Method::Crc { "" } else { secret };
    Keyring::new(&[(index, Key::new(method, secret.as_bytes()).unwrap())], index).unwrap()
}

pub(crate) fn sealed(msg: &Message, keys: &Keyring) -> Vec<u8> {
    let mut out = [0xEE; MAX_DATAGRAM];
    let len = hb_core::auth::seal(msg, CLUSTER, keys, &mut out).unwrap();
    out[..len].to_vec()
}

/// A heartbeat in steady service: two links, one ping node, one group.
pub(crate) fn steady(seq: u32, epoch: u32, mark: Option<u32>) -> Message {
    let group = GroupBeat { state: GroupState::Held, wanted: None, able: true, epoch, mark };
    Message {
        source: Side::Even,
        incarnation: Incarnation { counter: 7, nonce: 0x1234_5678 },
        seq,
        beat: Beat {
            phase: Phase::Up,
            unconfirmed: false,
            armed: true,
            link: 1,
            hears: 3,
            score: 1,
            echo: Some(Echo { seq: 0x5A, hold: ECHO_UNIT.times(7000) }),
            groups: [group].into_iter().collect(),
            stamps: Default::default(),
        },
        hello: None,
    }
}

pub(crate) fn any_message() -> impl Strategy<Value = Message> {
    prop_oneof![any_short(), any_long()]
}

pub(crate) fn any_short() -> impl Strategy<Value = Message> {
    (any_side(), any_incarnation(), any::<u32>(), any_beat(0..=8))
        .prop_map(|(source, incarnation, seq, beat)| Message { source, incarnation, seq, beat, hello: None })
}

pub(crate) fn any_long() -> impl Strategy<Value = Message> {
    (0..=8_usize).prop_flat_map(|groups| {
        (any_side(), any_incarnation(), any::<u32>(), any_beat(groups..=groups), any_hello(groups)).prop_map(
            |(source, incarnation, seq, beat, hello)| Message {
                source,
                incarnation,
                seq,
                beat,
                hello: Some(hello),
            },
        )
    })
}

fn any_side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Even), Just(Side::Odd)]
}

pub(crate) fn any_incarnation() -> impl Strategy<Value = Incarnation> {
    (any::<u32>(), any::<u32>()).prop_map(|(counter, nonce)| Incarnation { counter, nonce })
}

fn any_beat(groups: core::ops::RangeInclusive<usize>) -> impl Strategy<Value = Beat> {
    let phase = prop_oneof![Just(Phase::Joining), Just(Phase::Up), Just(Phase::Leaving)];
    let echo = option::of((any::<u8>(), 0..=MAX_HOLD))
        .prop_map(|echo| echo.map(|(seq, hold)| Echo { seq, hold: ECHO_UNIT.times(u64::from(hold)) }));
    let flags = (any::<bool>(), any::<bool>());
    let groups = vec((any_group(), option::of(any_stamp())), groups);
    (phase, flags, 0..8_u8, any::<u8>(), 0..=8_u8, echo, groups).prop_map(
        |(phase, (unconfirmed, armed), link, hears, score, echo, groups)| Beat {
            phase,
            unconfirmed,
            armed,
            link,
            hears,
            score,
            echo,
            stamps: (0..).zip(&groups).filter_map(|(at, (_, stamp))| Some((at, (*stamp)?))).collect(),
            groups: groups.into_iter().map(|(group, _)| group).collect(),
        },
    )
}

fn any_group() -> impl Strategy<Value = GroupBeat> {
    let state = prop_oneof![
        Just(GroupState::Unknown),
        Just(GroupState::Idle),
        Just(GroupState::Starting),
        Just(GroupState::Held),
        Just(GroupState::Stopping),
        Just(GroupState::Failed),
        Just(GroupState::Stuck),
    ];
    let reason =
        prop_oneof![Just(Reason::Failback), Just(Reason::Ping), Just(Reason::Failed), Just(Reason::Operator)];
    let epochs = prop_oneof![0..200_u32, any::<u32>()]
        .prop_flat_map(|epoch| (Just(epoch), option::of(prop_oneof![0..=epoch, Just(epoch)])));
    (state, option::of(reason), any::<bool>(), epochs)
        .prop_map(|(state, wanted, able, (epoch, mark))| GroupBeat { state, wanted, able, epoch, mark })
}

fn any_stamp() -> impl Strategy<Value = Stamp> {
    let none = any::<bool>().prop_map(|partial| Stamp { partial, ..Stamp::NONE });
    let from = |epoch: u32| {
        let origin = (1..epoch.max(2), 1..=u32::MAX, any::<bool>());
        let origin = origin.prop_map(|(epoch, line, last)| Origin { epoch, line, last });
        option::of(origin).prop_map(move |origin| origin.filter(|_| epoch > 1))
    };
    let epochs = prop_oneof![1..200_u32, 1..=u32::MAX].prop_flat_map(move |epoch| (Just(epoch), from(epoch)));
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let some = (epochs, 1..=u32::MAX, flags).prop_map(|((epoch, from), line, (partial, diverged, last))| {
        Stamp { epoch, line, from, partial, diverged, last }
    });
    prop_oneof![none, some]
}

fn any_hello(groups: usize) -> impl Strategy<Value = Hello> {
    let millis = || any::<u32>().prop_map(|ms| Duration::from_millis(u64::from(ms)));
    let name = (any::<u32>(), any::<u32>(), any_side()).prop_map(|(hash, digest, preferred)| GroupName {
        hash,
        digest,
        preferred,
    });
    let challenges =
        (any::<[u8; 8]>(), option::of(any::<[u8; 8]>()), option::of(any::<u32>()), any::<bool>());
    let times = (millis(), millis(), option::of(millis()));
    (any::<u32>(), challenges, times, any::<u32>(), vec(name, groups)).prop_map(
        |(boot, (challenge, echo, met, known), (keepalive, deadtime, watchdog), timing_digest, groups)| {
            Hello {
                boot,
                challenge,
                echo,
                met,
                known,
                keepalive,
                deadtime,
                watchdog,
                timing_digest,
                groups: groups.into_iter().collect(),
            }
        },
    )
}

/// A long form with the most and the longest of everything.
pub(crate) fn largest() -> Message {
    let group = GroupBeat {
        state: GroupState::Stuck,
        wanted: Some(Reason::Operator),
        able: true,
        epoch: u32::MAX,
        mark: Some(0),
    };
    let stamp = Stamp {
        epoch: u32::MAX,
        line: u32::MAX,
        from: Some(Origin { epoch: 1, line: u32::MAX, last: true }),
        partial: true,
        diverged: true,
        last: true,
    };
    let name = GroupName { hash: u32::MAX, digest: u32::MAX, preferred: Side::Odd };
    let forever = Duration::from_secs(u64::MAX);
    let mut msg = steady(u32::MAX, 0, None);
    msg.incarnation = Incarnation { counter: u32::MAX, nonce: u32::MAX };
    msg.beat.groups = [group; 8].into_iter().collect();
    msg.beat.stamps = (0..8).map(|at| (at, stamp)).collect();
    msg.beat.echo = Some(Echo { seq: 255, hold: ECHO_UNIT.times(u64::from(MAX_HOLD)) });
    msg.hello = Some(Hello {
        boot: u32::MAX,
        challenge: [0xFF; 8],
        echo: Some([0xFF; 8]),
        met: Some(u32::MAX),
        known: true,
        keepalive: forever,
        deadtime: forever,
        watchdog: Some(forever),
        timing_digest: u32::MAX,
        groups: [name; 8].into_iter().collect(),
    });
    msg
}
