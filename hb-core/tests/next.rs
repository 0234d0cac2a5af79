//! Golden frames of the version after this one, as the feature `next-wire` has it. An example only: that version was never
//! released, and no node in the field sends these bytes. What they show is what a later version may change, and that a node
//! of this one reads header and front all the same.
#![cfg(feature = "next-wire")]

use hb_core::auth::next::{open_next, seal_next, seal_word};
use hb_core::auth::{self, Key, Keyring, Method};
use hb_core::message::wire::{NEWEST, Says, VERSION};
use hb_core::message::{Beat, Echo, GroupBeat, GroupState, Message, Phase};
use hb_core::{BadFrame, Duration, Incarnation, Side};

const CLUSTER: u16 = 0xC5A3;
const LIFE: Incarnation = Incarnation { counter: 7, nonce: 0x1234_5678 };
const NONE: Says = Says { leaving: false, nothing: false, take: false };

fn keys() -> Keyring {
    Keyring::new(&[(1, Key::new(Method::Crc, b"").unwrap())], 1).unwrap()
}

/// The heartbeat of `vectors.rs`: it holds its only group.
fn beat() -> Message {
    let held = GroupBeat { state: GroupState::Held, wanted: None, able: true, epoch: 1002, mark: Some(1000) };
    Message {
        source: Side::Even,
        incarnation: LIFE,
        seq: 1001,
        beat: Beat {
            phase: Phase::Up,
            unconfirmed: false,
            armed: true,
            link: 1,
            hears: 0b11,
            score: 1,
            echo: Some(Echo { seq: 0x5A, hold: Duration::from_micros(128 * 7000) }),
            groups: [held].into_iter().collect(),
            stamps: Default::default(),
        },
        hello: None,
    }
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sealed(seal: impl FnOnce(&mut [u8]) -> Option<usize>) -> Vec<u8> {
    let mut out = [0xEE; 64];
    let len = seal(&mut out).unwrap();
    out[..len].to_vec()
}

/// Node ha-2 reads it as the version that it speaks.
fn read(bytes: &[u8]) -> [Result<Message, BadFrame>; 2] {
    let (keys, met) = (keys(), Some(LIFE));
    [
        auth::open(bytes, Side::Odd, CLUSTER, &keys, met).map(|opened| opened.into_inner()),
        open_next(bytes, Side::Odd, CLUSTER, &keys, met).map(|opened| opened.into_inner()),
    ]
}

/// Version 2, the same front, and at the end of the beat how many groups the sender holds.
#[test]
fn a_beat_with_one_more_field() {
    let bytes = sealed(|out| seal_next(&beat(), NONE, CLUSTER, &keys(), out));
    assert_eq!(text(&bytes), "2100a3c50fe9079903115ad836c3ea07020183cd80f8");
    let [released, next] = read(&bytes);
    assert_eq!((released, next), (Err(BadFrame::NewerVersion), Ok(beat())));
    // One byte more than this version's own, which it reads as well.
    let own = sealed(|out| auth::seal(&beat(), CLUSTER, &keys(), out));
    assert_eq!((own.len() + 1, VERSION + 1), (bytes.len(), NEWEST));
    assert_eq!(read(&own), [Ok(beat()), Ok(beat())]);
}

/// Bit 6 of the flags: no beat, but a word, which is a sign of life.
#[test]
fn one_more_message() {
    let says = Says { leaving: true, nothing: true, take: true };
    let bytes = sealed(|out| seal_word(&beat(), says, 300, CLUSTER, &keys(), out));
    assert_eq!(text(&bytes), "2178a3c50fe90711ac02abddc7fe");
    let [released, next] = read(&bytes);
    assert_eq!(released, Err(BadFrame::NewerVersion));
    let next = next.unwrap();
    assert_eq!((next.seq, next.incarnation, next.beat.link), (1001, LIFE, 1));
    assert!(next.beat.groups.is_empty() && next.hello.is_none());
}

/// What this version refuses of its own it refuses of the next one too, once it speaks that.
#[test]
fn a_field_that_does_not_fit_the_beat_is_refused() {
    let mut bytes = sealed(|out| seal_next(&beat(), NONE, CLUSTER, &keys(), out));
    let at = bytes.len() - 5;
    bytes[at] = 2;
    let signed = bytes.len() - 4;
    let tag = auth::tag::crc32(&[&hb_core::message::wire::life_bytes(LIFE)[..], &bytes[..signed]].concat());
    bytes[signed..].copy_from_slice(&tag.to_le_bytes());
    assert_eq!(read(&bytes), [Err(BadFrame::NewerVersion), Err(BadFrame::BadBody)]);
}
