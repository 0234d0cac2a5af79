//! Sealed frames: what goes in comes out, and nothing else comes out.
#![cfg(all(feature = "md5", feature = "sha1", feature = "sha256"))]

mod common;

use common::*;
use hb_core::auth::{self, Authenticated, Key, Keyring, Method};
use hb_core::frame::{Decoder, MAX_FRAME, encode};
use hb_core::message::Message;
use hb_core::message::wire::{self, ECHO_UNIT, MAX_DATAGRAM, MAX_HOLD, MIN_DATAGRAM};
use hb_core::{BadFrame, Incarnation, Origin, Side, Stamp};
use proptest::prelude::*;

fn open(bytes: &[u8], to: &Message, keys: &Keyring) -> Result<Message, BadFrame> {
    auth::open(bytes, to.source.other(), CLUSTER, keys, Some(to.incarnation)).map(Authenticated::into_inner)
}

fn any_keys() -> impl Strategy<Value = Keyring> {
    (0..16_u8, prop::sample::select(&METHODS[..])).prop_map(|(index, method)| ring(index, method, "secret"))
}

/// Put the right tag of the CRC method behind `signed`.
fn tagged(life: [u8; 8], signed: &[u8]) -> Vec<u8> {
    let covered: Vec<u8> = life.iter().chain(signed).copied().collect();
    let tag = auth::tag::crc32(&covered).to_le_bytes();
    signed.iter().chain(&tag).copied().collect()
}

proptest! {
    #[test]
    fn a_message_survives_sealing(msg in any_message(), keys in any_keys()) {
        let bytes = sealed(&msg, &keys);
        prop_assert!((MIN_DATAGRAM..=MAX_DATAGRAM).contains(&bytes.len()));
        prop_assert_eq!(open(&bytes, &msg, &keys), Ok(msg));
    }

    #[test]
    fn a_message_survives_the_serial_line(msg in any_message(), keys in any_keys()) {
        let mut frame = [0; MAX_FRAME];
        let len = encode(&sealed(&msg, &keys), &mut frame).unwrap();
        let mut decoder = Decoder::<MAX_DATAGRAM>::new();
        let mut got = None;
        for byte in &frame[..len] {
            if let Some(bytes) = decoder.push(*byte) {
                got = Some(open(bytes.unwrap(), &msg, &keys));
            }
        }
        prop_assert_eq!(got, Some(Ok(msg)));
    }

    #[test]
    fn every_flipped_bit_is_seen(msg in any_message(), keys in any_keys()) {
        let good = sealed(&msg, &keys);
        for bit in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(open(&bytes, &msg, &keys).is_err(), "bit {}", bit);
        }
    }

    #[test]
    fn every_other_length_is_seen(msg in any_message(), keys in any_keys(), more in any::<[u8; 5]>()) {
        let good = sealed(&msg, &keys);
        for len in 0..good.len() {
            prop_assert!(open(&good[..len], &msg, &keys).is_err(), "cut to {}", len);
            prop_assert!(open(&good[good.len() - len..], &msg, &keys).is_err(), "last {}", len);
        }
        for len in 1..=more.len() {
            let longer: Vec<u8> = good.iter().chain(&more[..len]).copied().collect();
            prop_assert!(open(&longer, &msg, &keys).is_err(), "{} more", len);
        }
    }

    #[test]
    fn another_life_with_the_same_byte_is_not_this_one(msg in any_short(), keys in any_keys(), other in any_incarnation()) {
        let mut other = other;
        let differing = wire::life_byte(other) ^ wire::life_byte(msg.incarnation);
        other.nonce ^= u32::from(differing);
        prop_assume!(other != msg.incarnation);
        prop_assert_eq!(wire::life_byte(other), wire::life_byte(msg.incarnation));
        let got = auth::open(&sealed(&msg, &keys), msg.source.other(), CLUSTER, &keys, Some(other));
        prop_assert_eq!(got.unwrap_err(), BadFrame::BadTag);
    }

    #[test]
    fn noise_is_never_a_message(
        noise in prop::collection::vec(any::<u8>(), 0..300), keys in any_keys(), met in any_incarnation(),
    ) {
        prop_assert!(auth::open(&noise, Side::Odd, CLUSTER, &keys, Some(met)).is_err());
    }

    /// With a tag that anybody can make: the decoder itself meets every byte string, and what it takes it also says.
    #[test]
    fn a_tagged_body_of_any_bytes_is_refused_or_means_what_it_says(
        long in any::<bool>(), says in 0..8_u8, body in prop::collection::vec(any::<u8>(), 5..200),
    ) {
        let met = Incarnation { counter: 7, nonce: 9 };
        let keys = ring(1, Method::Crc, "");
        let [low, high] = CLUSTER.to_le_bytes();
        let mut signed = vec![0x11, if long { 2 } else { 0 } | says << 3, low, high];
        if !long {
            signed.push(wire::life_byte(met));
        }
        signed.extend(body);
        let life = if long { [0; 8] } else { wire::life_bytes(met) };
        match auth::open(&tagged(life, &signed), Side::Odd, CLUSTER, &keys, Some(met)) {
            Err(error) => prop_assert_eq!(error, BadFrame::BadBody),
            Ok(msg) => {
                let msg = msg.into_inner();
                prop_assert_eq!(open(&sealed(&msg, &keys), &msg, &keys), Ok(msg));
            }
        }
    }
}

#[test]
fn each_check_has_its_name() {
    let keys = ring(1, Method::Sha1, "secret");
    let msg = steady(1001, 1002, None);
    let bytes = sealed(&msg, &keys);
    let met = Some(msg.incarnation);
    let judge = |bytes: &[u8], me, cluster, keys: &Keyring, met| {
        auth::open(bytes, me, cluster, keys, met).map(Authenticated::into_inner)
    };
    assert_eq!(judge(&bytes, Side::Odd, CLUSTER, &keys, met), Ok(msg.clone()));
    assert_eq!(judge(&bytes, Side::Even, CLUSTER, &keys, met), Err(BadFrame::Own));
    assert_eq!(judge(&bytes, Side::Odd, CLUSTER ^ 1, &keys, met), Err(BadFrame::OtherCluster));
    assert_eq!(judge(&bytes, Side::Odd, CLUSTER, &keys, None), Err(BadFrame::NotMet));
    let other = Some(Incarnation { counter: 8, ..msg.incarnation });
    assert_eq!(judge(&bytes, Side::Odd, CLUSTER, &keys, other), Err(BadFrame::NotMet));
    let wrong = ring(1, Method::Sha1, "Secret");
    assert_eq!(judge(&bytes, Side::Odd, CLUSTER, &wrong, met), Err(BadFrame::BadTag));
    let method = ring(1, Method::Md5, "secret");
    assert_eq!(judge(&bytes, Side::Odd, CLUSTER, &method, met), Err(BadFrame::BadTag));
    let index = ring(2, Method::Sha1, "secret");
    assert_eq!(judge(&bytes, Side::Odd, CLUSTER, &index, met), Err(BadFrame::UnknownKey));
    let first = |byte: u8| [&[byte], &bytes[1..]].concat();
    for version in wire::VERSION + 1..16 {
        assert_eq!(judge(&first(version << 4 | 1), Side::Odd, CLUSTER, &keys, met), Err(BadFrame::BadTag));
        assert_eq!(judge(&first(version << 4 | 1), Side::Odd, 0, &keys, met), Err(BadFrame::Malformed));
    }
    assert_eq!(judge(&first(1), Side::Odd, CLUSTER, &keys, met), Err(BadFrame::Malformed));
    for bit in 3..6 {
        let flags = [&bytes[..1], &[bytes[1] | 1 << bit], &bytes[2..]].concat();
        assert_eq!(judge(&flags, Side::Odd, CLUSTER, &keys, met), Err(BadFrame::BadTag));
    }
    for bit in 6..8 {
        let flags = [&bytes[..1], &[bytes[1] | 1 << bit], &bytes[2..]].concat();
        assert_eq!(judge(&flags, Side::Odd, CLUSTER, &keys, met), Err(BadFrame::Malformed));
    }
    let long = [bytes.clone(), vec![0; MAX_DATAGRAM]].concat();
    assert_eq!(judge(&long, Side::Odd, CLUSTER, &keys, met), Err(BadFrame::Malformed));
    assert_eq!(judge(&bytes[..MIN_DATAGRAM - 1], Side::Odd, CLUSTER, &keys, met), Err(BadFrame::Malformed));
    assert_eq!(judge(b"", Side::Odd, CLUSTER, &keys, met), Err(BadFrame::Malformed));
}

/// Of a newer version the header, the front and the tag are what they are here, and nothing else is this version's to judge.
#[test]
fn a_newer_frame_is_told_from_noise() {
    let keys = ring(1, Method::Crc, "");
    let msg = steady(1001, 1002, None);
    let (met, life) = (Some(msg.incarnation), wire::life_bytes(msg.incarnation));
    let steady = sealed(&msg, &keys);
    let judge =
        |bytes: &[u8], me, met| auth::open(bytes, me, CLUSTER, &keys, met).map(Authenticated::into_inner);
    for version in wire::VERSION + 1..16 {
        let newer = |flags: u8, body: &[u8]| {
            tagged(life, &[&[version << 4 | 1, flags], &steady[2..5], body].concat())
        };
        let bytes = newer(0, &[0xE9, 0x07]);
        assert_eq!(judge(&bytes, Side::Odd, met), Err(BadFrame::NewerVersion));
        assert_eq!(judge(&bytes, Side::Even, met), Err(BadFrame::Own));
        assert_eq!(judge(&bytes, Side::Odd, None), Err(BadFrame::NotMet));
        for flags in [1 << 2, 1 << 6, 1 << 7, 0b1111_1100] {
            assert_eq!(
                judge(&newer(flags, &[0xE9, 0x07, 0xFF]), Side::Odd, met),
                Err(BadFrame::NewerVersion)
            );
        }
        assert_eq!(judge(&newer(0, &[1]), Side::Odd, met), Err(BadFrame::NewerVersion), "the least");
        let most = wire::LONGEST - 9;
        assert_eq!(judge(&newer(0, &vec![1; most]), Side::Odd, met), Err(BadFrame::NewerVersion), "the most");
        assert_eq!(judge(&newer(0, &vec![1; most + 1]), Side::Odd, met), Err(BadFrame::Malformed));
        assert_eq!(
            judge(&newer(0, &[0xFF; 6]), Side::Odd, met),
            Err(BadFrame::BadBody),
            "no sequence number"
        );
        let long = |rest: &[u8]| tagged([0; 8], &[&[version << 4 | 1, 2], &steady[2..4], rest].concat());
        let shake = [&[7, 9, 1][..], &[3; 8], &[1], &[4; 8], &[1, 5, 1]].concat();
        assert_eq!(judge(&long(&shake), Side::Odd, None), Err(BadFrame::NewerVersion));
        assert_eq!(judge(&long(&shake[..shake.len() - 1]), Side::Odd, None), Err(BadFrame::BadBody), "cut");
    }
}

#[test]
fn a_long_form_is_read_with_and_without_a_met_life() {
    let keys = ring(1, Method::Crc, "");
    let msg = largest();
    let bytes = sealed(&msg, &keys);
    let mut expected = msg.clone();
    let hello = expected.hello.as_mut().unwrap();
    let capped = hb_core::Duration::from_millis(u64::from(u32::MAX));
    (hello.keepalive, hello.deadtime, hello.watchdog) = (capped, capped, Some(capped));
    for met in [None, Some(Incarnation::default()), Some(msg.incarnation)] {
        let got = auth::open(&bytes, Side::Odd, CLUSTER, &keys, met).unwrap();
        assert_eq!(*got, expected);
    }
}

#[test]
fn every_listed_key_verifies_while_one_signs() {
    let key = |method, secret: &str| Key::new(method, secret.as_bytes()).unwrap();
    let listed = [(1, key(Method::Sha1, "old")), (2, key(Method::Sha256, "new")), (3, key(Method::Crc, ""))];
    let msg = steady(1001, 1002, None);
    for signer in 1..=3 {
        let bytes = sealed(&msg, &Keyring::new(&listed, signer).unwrap());
        assert_eq!(bytes[0] & 15, signer);
        assert_eq!(open(&bytes, &msg, &Keyring::new(&listed, 1).unwrap()), Ok(msg.clone()));
    }
}

#[test]
fn impossible_values_are_refused_behind_a_right_tag() {
    let keys = ring(1, Method::Crc, "");
    let msg = steady(1, 100, Some(50));
    let good = sealed(&msg, &keys);
    let signed = &good[..good.len() - 4];
    let life = wire::life_bytes(msg.incarnation);
    let try_with = |at: usize, byte: u8| {
        let mut signed = signed.to_vec();
        signed[at] = byte;
        open(&tagged(life, &signed), &msg, &keys)
    };
    // header 0-3, life 4, seq 5, beat flags 6, hears 7, counts 8, echo 9-11, group bits 12, epoch 13, epoch - mark 14
    assert_eq!(signed.len(), 15);
    assert_eq!(try_with(12, signed[12]), Ok(msg.clone()));
    let refused: [(&str, usize, u8); 8] = [
        ("phase 3", 6, signed[6] | 3),
        ("score 9", 8, 0x91),
        ("a group that is not there", 8, 0x12),
        ("a group too few: bytes are left", 8, 0x10),
        ("nine groups", 8, 0x19),
        ("state 7", 12, 7),
        ("wanted 5", 12, 1 | 5 << 3),
        ("a mark below zero", 14, 101),
    ];
    for (what, at, byte) in refused {
        assert_eq!(try_with(at, byte), Err(BadFrame::BadBody), "{what}");
    }
    let trailing = [signed, &[0]].concat();
    assert_eq!(open(&tagged(life, &trailing), &msg, &keys), Err(BadFrame::BadBody), "a byte too many");
    let long_hold = [&signed[..10], &[0xFF, 0xFF, 0x01], &signed[12..]].concat();
    assert_eq!(
        open(&tagged(life, &long_hold), &msg, &keys),
        Err(BadFrame::BadBody),
        "a hold above its limit"
    );
}

/// Stamps that no node has, and stamps of groups that are not there.
#[test]
fn impossible_stamps_are_refused_behind_a_right_tag() {
    let keys = ring(1, Method::Crc, "");
    let mut msg = steady(1, 100, None);
    let from = Some(Origin { epoch: 90, line: 3, last: true });
    msg.beat.stamps.push((0, Stamp { epoch: 100, line: 7, from, ..Stamp::NONE })).unwrap();
    let good = sealed(&msg, &keys);
    let signed = &good[..good.len() - 4];
    let life = wire::life_bytes(msg.incarnation);
    let judge = |signed: &[u8]| open(&tagged(life, signed), &msg, &keys);
    let try_with = |at: usize, byte: u8| judge(&[&signed[..at], &[byte], &signed[at + 1..]].concat());
    // which 14, flags 15, epoch 16, line 17-20, epoch - from's 21, from's line 22-25
    assert_eq!((signed.len(), &signed[14..]), (26, &[1, 0x1A, 100, 7, 0, 0, 0, 10, 3, 0, 0, 0][..]));
    assert_eq!(try_with(14, 1), Ok(msg.clone()));
    let refused: [(&str, usize, u8); 12] = [
        ("no stamp at all", 14, 0),
        ("a group that is not there", 14, 2),
        ("another group that is not there", 14, 3),
        ("a flag that means nothing", 15, 0x3A),
        ("another", 15, 0x5A),
        ("another", 15, 0x9A),
        ("no origin, but its flag", 15, 0x12),
        ("bytes of an origin that there is not", 15, 0x02),
        ("epoch 0 with a line and an origin", 16, 0),
        ("line 0", 17, 0),
        ("an origin of its own epoch", 21, 0),
        ("an origin at epoch 0", 21, 100),
    ];
    for (what, at, byte) in refused {
        assert_eq!(try_with(at, byte), Err(BadFrame::BadBody), "{what}");
    }
    assert_eq!(try_with(21, 101), Err(BadFrame::BadBody), "an origin below 0");
    assert_eq!(try_with(22, 0), Err(BadFrame::BadBody), "an origin on line 0");
    let bare = |flags: u8| judge(&[&signed[..14], &[1, flags, 0]].concat());
    assert!(bare(0x02).is_ok() && bare(0x03).is_ok());
    assert_eq!(bare(0x00), Err(BadFrame::BadBody), "a copy without a stamp may be anything");
    assert_eq!(bare(0x06), Err(BadFrame::BadBody), "nobody wrote it: there was no last pull");
    let unflagged = [&signed[..1], &[0], &signed[2..]].concat();
    assert_eq!(judge(&unflagged), Err(BadFrame::BadBody), "stamps that the header does not announce");
    assert_eq!(judge(&signed[..14]), Err(BadFrame::BadBody), "announced, and not there");
}

/// A body of any bytes behind a right tag is refused, or is byte for byte what its message seals to: nothing can be said
/// in two ways, so nothing hides in the way in which it is said.
#[test]
fn a_body_has_one_form() {
    let keys = ring(1, Method::Crc, "");
    let mut taken = 0;
    let plain = steady(1001, 70_000, Some(69_000));
    let mut stamped = plain.clone();
    let from = Some(Origin { epoch: 69_000, line: 7, last: false });
    let stamp = Stamp { epoch: 70_000, line: 0x0100_0001, from, ..Stamp::NONE };
    stamped.beat.stamps.push((0, stamp)).unwrap();
    let mut unstamped = plain.clone();
    unstamped.beat.stamps.push((0, Stamp::NONE)).unwrap();
    for (msg, life) in [(plain, true), (stamped, true), (unstamped, true), (largest(), false)] {
        let life = if life { wire::life_bytes(msg.incarnation) } else { [0; 8] };
        let good = sealed(&msg, &keys);
        let signed = &good[..good.len() - 4];
        for at in 4..signed.len() {
            // Every other byte in its place; the byte with a continuation and zeros behind it; and without it.
            let mut bodies: Vec<Vec<u8>> =
                (0..=255).map(|byte| [&signed[..at], &[byte], &signed[at + 1..]].concat()).collect();
            for zeros in [&[0][..], &[0x80, 0], &[0x80, 0x80, 0], &[0x80, 0x80, 0x80, 0x80, 0x80, 0]] {
                bodies.push([&signed[..at], &[signed[at] | 0x80], zeros, &signed[at + 1..]].concat());
            }
            bodies.push([&signed[..at], &signed[at + 1..]].concat());
            for body in bodies {
                let bytes = tagged(life, &body);
                if let Ok(got) = auth::open(&bytes, Side::Odd, CLUSTER, &keys, Some(msg.incarnation)) {
                    assert_eq!(sealed(&got, &keys), bytes, "byte {at}");
                    taken += 1;
                }
            }
        }
    }
    assert!(taken > 1000, "only {taken} bodies were taken: the test proves nothing");
}

/// The tag comes first: a body that cannot be decoded behind a wrong tag is a wrong tag, whatever the body is.
#[test]
fn no_body_is_decoded_before_its_tag_was_checked() {
    for method in METHODS {
        let keys = ring(1, method, "secret");
        for msg in [steady(1001, 1002, None), largest()] {
            let good = sealed(&msg, &keys);
            let body = if msg.hello.is_some() { 4 } else { 5 };
            let mut room = auth::Room::new();
            for at in body..good.len() {
                let mut bytes = good.clone();
                // 0xFF is an impossible phase, state, flag and an unfinished number.
                bytes[at] = !bytes[at] | 0x80;
                let got = auth::open_in(&mut room, &bytes, Side::Odd, CLUSTER, &keys, Some(msg.incarnation));
                assert_eq!(got.err(), Some(BadFrame::BadTag), "{method:?}, byte {at}");
            }
            // Nothing was written where a message would have been.
            assert_eq!(format!("{room:?}"), format!("{:?}", auth::Room::new()));
        }
    }
}

#[test]
fn what_the_wire_cannot_say_is_refused_or_left_out() {
    let keys = ring(1, Method::Crc, "");
    let refused = |change: fn(&mut Message)| {
        let mut msg = largest();
        change(&mut msg);
        auth::seal(&msg, CLUSTER, &keys, &mut [0; MAX_DATAGRAM])
    };
    assert!(refused(|_| {}).is_some());
    assert_eq!(refused(|msg| msg.beat.link = 8), None);
    assert_eq!(refused(|msg| msg.beat.score = 9), None);
    assert_eq!(refused(|msg| msg.beat.groups.truncate(7)), None);

    let mut msg = steady(1, 10, Some(11));
    msg.beat.echo.as_mut().unwrap().hold = ECHO_UNIT.times(u64::from(MAX_HOLD) + 1);
    let got = open(&sealed(&msg, &keys), &msg, &keys).unwrap();
    assert_eq!(got.beat.echo, None, "held for too long");
    assert_eq!(got.beat.groups[0].mark, Some(10), "a mark above its epoch");
}

#[test]
fn a_short_buffer_is_refused() {
    for msg in [steady(1001, 1002, None), largest()] {
        let keys = ring(1, Method::Sha256, "secret");
        let len = sealed(&msg, &keys).len();
        for room in 0..len {
            assert_eq!(auth::seal(&msg, CLUSTER, &keys, &mut vec![0; room]), None);
        }
        assert_eq!(auth::seal(&msg, CLUSTER, &keys, &mut vec![0; len]), Some(len));
    }
}

#[test]
fn the_longest_message_is_as_long_as_the_limit_says() {
    let bytes = sealed(&largest(), &ring(15, Method::Sha256, "secret"));
    assert_eq!(bytes.len(), MAX_DATAGRAM);
    let mut without_groups = steady(1, 1, None);
    without_groups.beat.groups.clear();
    without_groups.beat.echo = None;
    assert_eq!(sealed(&without_groups, &ring(1, Method::Crc, "")).len(), MIN_DATAGRAM);
}

/// DESIGN §4: one group, two links, one ping node, sequence and epoch over 1000, peer met, everything included.
#[test]
fn a_steady_heartbeat_keeps_its_budget_on_the_serial_line() {
    for (method, budget) in METHODS.into_iter().zip([24, 36, 36, 36]) {
        let keys = ring(1, method, "secret");
        for seq in [1001, 16_383] {
            for epoch in [1001, 16_383] {
                for mark in [None, Some(epoch), Some(epoch - 127)] {
                    let mut frame = [0; MAX_FRAME];
                    let len = encode(&sealed(&steady(seq, epoch, mark), &keys), &mut frame).unwrap();
                    assert!(
                        len <= budget,
                        "{method:?}: {len} bytes, seq {seq}, epoch {epoch}, mark {mark:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn what_is_said_to_the_bridge_is_signed_and_is_never_a_heartbeat() {
    use hb_core::auth::{Key, Keyring, Method, sign, verify};
    let ring = |secret: &[u8]| Keyring::new(&[(2, Key::new(Method::Sha256, secret).unwrap())], 2).unwrap();
    let keys = ring(b"HI!");
    let mut out = [0x0B; 40];
    let len = sign(20, &keys, &mut out).expect("it fits");
    assert_eq!((len, verify(&out[..len], 2, &keys)), (36, Some(&[0x0B; 20][..])));
    for bit in 0..len * 8 {
        let mut bad = out;
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(verify(&bad[..len], 2, &keys), None, "bit {bit}");
    }
    assert_eq!((verify(&out[..len], 1, &keys), verify(&out[..len], 2, &ring(b"HO!"))), (None, None));
    // A heartbeat's first byte, and no room for the tag.
    for (first, room) in [(0x10, 40), (0x0B, 35)] {
        out[0] = first;
        assert_eq!(sign(20, &keys, &mut out[..room]), None);
    }
    out[0] = 0x12;
    assert_eq!(verify(&out[..len], 2, &keys), None);
}
