//! Golden frames of version 1, byte for byte.
//!
//! Never edit a vector that fails: a node in the field sends these bytes. Frames that differ need a new version number
//! (`hb_core::message::wire::VERSION`) and vectors of their own beside these. What is in front of the beat never differs.
#![cfg(all(feature = "md5", feature = "sha1", feature = "sha256"))]

use hb_core::auth::{self, Key, Keyring, Method};
use hb_core::frame::{Decoder, MAX_FRAME, encode};
use hb_core::message::wire::MAX_DATAGRAM;
use hb_core::message::{Beat, Echo, GroupBeat, GroupName, GroupState, Hello, Message, Phase, Reason};
use hb_core::{Duration, Incarnation, Origin, Side, Stamp};

const CLUSTER: u16 = 0xC5A3;

/// The keys of the vectors: the index is in the frame.
fn key(index: u8) -> Key {
    let (method, secret): (_, &[u8]) = match index {
        1 => (Method::Crc, b""),
        2 => (Method::Md5, b"Hello!"),
        3 => (Method::Sha1, b"HI!"),
        _ => (Method::Sha256, b"a secret of the two nodes"),
    };
    Key::new(method, secret).unwrap()
}

fn keys(signer: u8) -> Keyring {
    Keyring::new(&[1, 2, 3, 4].map(|index| (index, key(index))), signer).unwrap()
}

/// A heartbeat of ha-1 in service, on its second link, that holds its only group and has a mark from long ago.
fn short() -> Message {
    Message {
        source: Side::Even,
        incarnation: Incarnation { counter: 7, nonce: 0x1234_5678 },
        seq: 1001,
        beat: Beat {
            phase: Phase::Up,
            unconfirmed: false,
            armed: true,
            link: 1,
            hears: 0b11,
            score: 1,
            echo: Some(Echo { seq: 0x5A, hold: Duration::from_micros(128 * 7000) }),
            groups: [GroupBeat {
                state: GroupState::Held,
                wanted: None,
                able: true,
                epoch: 1002,
                mark: Some(1000),
            }]
            .into_iter()
            .collect(),
            stamps: Default::default(),
        },
        hello: None,
    }
}

/// The first beat of ha-2 that has heard a challenge: joining, three groups in different states.
fn long() -> Message {
    let group = |state, wanted, able, epoch, mark| GroupBeat { state, wanted, able, epoch, mark };
    let name = |hash, digest, preferred| GroupName { hash, digest, preferred };
    Message {
        source: Side::Odd,
        incarnation: Incarnation { counter: 300, nonce: 0xFEDC_BA98 },
        seq: 2,
        beat: Beat {
            phase: Phase::Joining,
            unconfirmed: true,
            armed: false,
            link: 0,
            hears: 0b1,
            score: 0,
            echo: None,
            groups: [
                group(GroupState::Unknown, None, false, 0, None),
                group(GroupState::Idle, Some(Reason::Operator), true, 70_001, Some(69_801)),
                group(GroupState::Stuck, Some(Reason::Failback), true, u32::MAX, Some(u32::MAX)),
            ]
            .into_iter()
            .collect(),
            stamps: Default::default(),
        },
        hello: Some(Hello {
            boot: 0x0102_0304,
            challenge: [0, 1, 2, 3, 4, 5, 6, 7],
            echo: Some([0xF8, 0xF9, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF]),
            met: Some(0x00AB_CDEF),
            known: true,
            keepalive: Duration::from_millis(2000),
            deadtime: Duration::from_millis(10_000),
            watchdog: Some(Duration::from_millis(8000)),
            timing_digest: 0xCBF4_3926,
            groups: [
                name(0xDEAD_BEEF, 1, Side::Even),
                name(0x0000_0100, 0x7FFF_FFFF, Side::Odd),
                name(0, u32::MAX, Side::Even),
            ]
            .into_iter()
            .collect(),
        }),
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `golden` is what `msg` seals to with key `index`, and opens to it.
#[track_caller]
fn check(msg: &Message, index: u8, golden: &str) {
    let mut out = [0xEE; MAX_DATAGRAM];
    let len = auth::seal(msg, CLUSTER, &keys(index), &mut out).unwrap();
    let golden = hex(golden);
    assert_eq!(text(&out[..len]), text(&golden));
    let opened = auth::open(&golden, msg.source.other(), CLUSTER, &keys(1), Some(msg.incarnation)).unwrap();
    assert_eq!(*opened, *msg);
}

#[test]
fn short_crc() {
    check(&short(), 1, "1100a3c50fe9079903115ad836c3ea07027d31fbd4");
}

#[test]
fn short_md5() {
    check(&short(), 2, "1200a3c50fe9079903115ad836c3ea0702fd52d01bdfd79f275c9bafaa");
}

#[test]
fn short_sha1() {
    check(&short(), 3, "1300a3c50fe9079903115ad836c3ea070289d2ff93e367477251c473f5");
}

#[test]
fn short_sha256() {
    check(&short(), 4, "1400a3c50fe9079903115ad836c3ea0702a3385caedbdb317a5bfe6e5667b9cdb6");
}

#[test]
fn long_crc() {
    check(
        &long(),
        1,
        "1123a3c5ac0298f5f2f60f02000102030405060701f8f9fafbfcfdfeff01ef9baf05010401030000\
        e1f1a204c801ceffffffff0f0084868808d00f904e01c03ea6f2d0df0ceffdb6f50d01008002ffff\
        ffff070100ffffffff0f0016dbba8a",
    );
}

#[test]
fn long_md5() {
    check(
        &long(),
        2,
        "1223a3c5ac0298f5f2f60f02000102030405060701f8f9fafbfcfdfeff01ef9baf05010401030000\
        e1f1a204c801ceffffffff0f0084868808d00f904e01c03ea6f2d0df0ceffdb6f50d01008002ffff\
        ffff070100ffffffff0f00f2fa5755f495ebb8ae0a81e3",
    );
}

#[test]
fn long_sha1() {
    check(
        &long(),
        3,
        "1323a3c5ac0298f5f2f60f02000102030405060701f8f9fafbfcfdfeff01ef9baf05010401030000\
        e1f1a204c801ceffffffff0f0084868808d00f904e01c03ea6f2d0df0ceffdb6f50d01008002ffff\
        ffff070100ffffffff0f002f14166407c3f9e129fe4667",
    );
}

#[test]
fn long_sha256() {
    check(
        &long(),
        4,
        "1423a3c5ac0298f5f2f60f02000102030405060701f8f9fafbfcfdfeff01ef9baf05010401030000\
        e1f1a204c801ceffffffff0f0084868808d00f904e01c03ea6f2d0df0ceffdb6f50d01008002ffff\
        ffff070100ffffffff0f00bdfb96a5a2477be5a363f9b231a08412",
    );
}

/// The heartbeat of `short`, of a group with data: the copy that this node writes, begun on one pulled after the peer's
/// last stop.
fn short_with_data() -> Message {
    let mut msg = short();
    let from = Some(Origin { epoch: 999, line: 0x0BAD_CAFE, last: true });
    let stamp = Stamp { epoch: 1002, line: 0x1122_3344, from, partial: false, diverged: false, last: false };
    msg.beat.stamps.push((0, stamp)).unwrap();
    msg
}

/// The beat of `long`, with a copy that never had a stamp, a group without data, and a copy that a pull left partial.
fn long_with_data() -> Message {
    let mut msg = long();
    let partial = Stamp { epoch: 70_002, line: 1, from: None, partial: true, diverged: true, last: false };
    msg.beat.stamps.extend([(0, Stamp::NONE), (2, partial)]);
    msg
}

#[test]
fn short_with_data_crc() {
    check(&short_with_data(), 1, "1104a3c50fe9079903115ad836c3ea07020118ea074433221103fecaad0be4c35c0f");
}

#[test]
fn short_with_data_sha256() {
    check(
        &short_with_data(),
        4,
        "1404a3c50fe9079903115ad836c3ea07020118ea074433221103fecaad0b6de8a7eb8d3facf8240b7fb91b85fa14",
    );
}

#[test]
fn long_with_data_crc() {
    check(
        &long_with_data(),
        1,
        "1127a3c5ac0298f5f2f60f02000102030405060701f8f9fafbfcfdfeff01ef9baf05010401030000\
        e1f1a204c801ceffffffff0f0005020003f2a2040100000084868808d00f904e01c03ea6f2d0df0c\
        effdb6f50d01008002ffffffff070100ffffffff0f0061f8fa24",
    );
}

/// The short form on a serial line, and the long one, whose challenge has a zero byte.
#[test]
fn on_a_serial_line() {
    for (msg, golden) in [
        (short(), "00021114a3c50fe9079903115ad836c3ea07027d31fbd400"),
        (
            long(),
            "000d1123a3c5ac0298f5f2f60f021a0102030405060701f8f9fafbfcfdfeff01ef9baf0501040103\
        010de1f1a204c801ceffffffff0f1784868808d00f904e01c03ea6f2d0df0ceffdb6f50d01098002\
        ffffffff070106ffffffff0f0516dbba8a00",
        ),
    ] {
        let mut datagram = [0xEE; MAX_DATAGRAM];
        let len = auth::seal(&msg, CLUSTER, &keys(1), &mut datagram).unwrap();
        let mut frame = [0xEE; MAX_FRAME];
        let framed = encode(&datagram[..len], &mut frame).unwrap();
        assert_eq!(text(&frame[..framed]), text(&hex(golden)));
        let mut decoder = Decoder::<MAX_DATAGRAM>::new();
        let mut got = Vec::new();
        for byte in hex(golden) {
            if let Some(result) = decoder.push(byte) {
                got.push(result.unwrap().to_vec());
            }
        }
        assert_eq!(got, [datagram[..len].to_vec()]);
    }
}
