//! The relay on in-memory ports: what passes, what does not, and how much a step does.

mod pipes;

use hb_core::frame::{Decoder, encode, max_encoded};
use hb_core::message::wire::LONGEST;
use hb_core::{BadFrame, Duration, Instant};
use hb_serial_bridge::{Bridge, STEP_BYTES, Stats};
use pipes::Pipe;
use proptest::prelude::*;

const MAX_AGE: Duration = Duration::from_millis(500);

fn bridge() -> (Pipe, Pipe, Bridge<Pipe, Pipe>) {
    let (a, b) = (Pipe::new(), Pipe::new());
    (a.clone(), b.clone(), Bridge::new(a, b, MAX_AGE))
}

fn frame(datagram: &[u8]) -> Vec<u8> {
    let mut out = vec![0; max_encoded(datagram.len())];
    let len = encode(datagram, &mut out).unwrap();
    out.truncate(len);
    out
}

/// The datagrams in `bytes`, as a node hears them.
fn heard(bytes: &[u8]) -> Vec<Result<Vec<u8>, BadFrame>> {
    let mut decoder = Decoder::<LONGEST>::new();
    let mut out = Vec::new();
    for byte in bytes {
        if let Some(result) = decoder.push(*byte) {
            out.push(result.map(<[u8]>::to_vec));
        }
    }
    out
}

fn settle(bridge: &mut Bridge<Pipe, Pipe>, now: Instant) {
    for _ in 0..10_000 {
        if !bridge.step(now) {
            return;
        }
    }
    panic!("the relay does not come to rest");
}

const T0: Instant = Instant::from_millis(1_000);

#[test]
fn frames_pass_both_ways_unchanged() {
    let (a, b, mut bridge) = bridge();
    let (from_a, from_b) = (frame(b"from a \0 to b"), frame(&[0; 40]));
    a.feed(&from_a);
    b.feed(&from_b);
    settle(&mut bridge, T0);
    assert_eq!(b.sent(), from_a);
    assert_eq!(a.sent(), from_b);
    let expected = |len: usize| Stats {
        bytes: u32::try_from(len).unwrap(),
        frames: 1,
        forwarded: 1,
        last_frame: Some(T0),
        ..Stats::default()
    };
    assert_eq!(*bridge.a_to_b(), expected(from_a.len()));
    assert_eq!(*bridge.b_to_a(), expected(from_b.len()));
}

#[test]
fn two_frames_in_one_read_both_pass() {
    let (a, b, mut bridge) = bridge();
    a.feed(&[frame(b"one"), frame(b"two")].concat());
    settle(&mut bridge, T0);
    assert_eq!(b.sent(), [frame(b"one"), frame(b"two")].concat());
}

#[test]
fn frames_keep_their_order_when_a_step_ends_between_them() {
    let (a, b, mut bridge) = bridge();
    let exact = frame(&[7; STEP_BYTES - 3]);
    assert_eq!(exact.len(), STEP_BYTES);
    b.line().room = 0;
    a.feed(&exact);
    settle(&mut bridge, T0);
    a.feed(&frame(b"second"));
    settle(&mut bridge, T0);
    b.line().room = usize::MAX;
    bridge.step(T0);
    a.feed(&frame(b"third"));
    settle(&mut bridge, T0);
    assert_eq!(b.sent(), [exact, frame(b"second"), frame(b"third")].concat());
}

#[test]
fn nothing_in_means_nothing_out_and_rest() {
    let (a, b, mut bridge) = bridge();
    assert!(!bridge.step(T0));
    assert_eq!((a.sent(), b.sent()), (vec![], vec![]));
}

#[test]
fn the_longest_frame_passes_and_a_longer_one_is_one_error() {
    let (a, b, mut bridge) = bridge();
    let longest = frame(&[0x55; LONGEST]);
    assert_eq!(longest.len(), 436, "also of versions to come");
    a.feed(&longest);
    settle(&mut bridge, T0);
    assert_eq!(b.sent(), longest);
    a.feed(&frame(&[0x55; LONGEST + 1]));
    a.feed(&[0x55; 5_000]);
    a.feed(&frame(b"next"));
    settle(&mut bridge, T0);
    assert_eq!(b.sent(), frame(b"next"));
    assert_eq!(bridge.a_to_b().malformed, 2);
}

#[test]
fn noise_and_text_are_counted_and_do_not_pass() {
    let (a, b, mut bridge) = bridge();
    a.feed(&[0]);
    for noise in [&b">>>\nt=status\nsrc=ha-1\n<<<\n"[..], &[0xFF; 3], &[9, 1, 2]] {
        a.feed(noise);
        a.feed(&frame(b"frame"));
        settle(&mut bridge, T0);
        assert_eq!(b.sent(), frame(b"frame"));
    }
    assert_eq!((bridge.a_to_b().malformed, bridge.a_to_b().text), (2, 1));
    assert_eq!(bridge.a_to_b().forwarded, 3);
}

#[test]
fn a_frame_cut_anywhere_does_not_cost_the_next_one() {
    let whole = frame(b"a frame that is cut");
    // Without its last delimiter alone it is whole: the next one's first delimiter ends it.
    for cut in 0..whole.len() - 1 {
        let (a, b, mut bridge) = bridge();
        a.feed(&whole[..cut]);
        settle(&mut bridge, T0);
        a.feed(&frame(b"next"));
        settle(&mut bridge, T0);
        assert_eq!(b.sent(), frame(b"next"), "cut at {cut}");
        assert_eq!(bridge.a_to_b().malformed, u32::from(cut > 1), "cut at {cut}");
    }
}

#[test]
fn a_port_that_takes_one_byte_at_a_time_gets_whole_frames() {
    let (a, b, mut bridge) = bridge();
    b.line().piece = 1;
    a.feed(&frame(&[0xA5; 200]));
    settle(&mut bridge, T0);
    assert_eq!(b.sent(), frame(&[0xA5; 200]));
}

#[test]
fn behind_a_stopped_port_only_the_newest_frame_waits() {
    let (a, b, mut bridge) = bridge();
    b.line().room = 4;
    a.feed(&frame(b"first"));
    settle(&mut bridge, T0);
    for n in 0..100_u8 {
        a.feed(&frame(&[b'n', n]));
        settle(&mut bridge, T0);
    }
    assert_eq!(bridge.a_to_b().replaced, 99);
    b.line().room = usize::MAX;
    settle(&mut bridge, T0);
    assert_eq!(heard(&b.sent()), [Ok(b"first".to_vec()), Ok(vec![b'n', 99])]);
    assert_eq!(bridge.a_to_b().forwarded, 2);
}

#[test]
fn frames_too_old_are_dropped_and_a_half_written_one_is_ended_by_the_next() {
    let (a, b, mut bridge) = bridge();
    b.line().room = 4;
    a.feed(&frame(b"half written"));
    a.feed(&frame(b"waits"));
    settle(&mut bridge, T0);
    let last = T0.plus(MAX_AGE);
    settle(&mut bridge, last);
    assert_eq!((bridge.a_to_b().cut, bridge.a_to_b().stale), (0, 0));
    let late = last.plus(Duration::from_micros(1));
    b.line().room = usize::MAX;
    settle(&mut bridge, late);
    assert_eq!((bridge.a_to_b().cut, bridge.a_to_b().stale), (1, 1));
    a.feed(&frame(b"fresh"));
    settle(&mut bridge, late);
    assert_eq!(heard(&b.sent()), [Err(BadFrame::Malformed), Ok(b"fresh".to_vec())]);
    assert_eq!(bridge.a_to_b().forwarded, 1);
}

#[test]
fn a_frame_that_was_not_begun_goes_stale_whole() {
    let (a, b, mut bridge) = bridge();
    b.line().room = 0;
    a.feed(&frame(b"late"));
    settle(&mut bridge, T0);
    b.line().room = usize::MAX;
    settle(&mut bridge, T0.plus(MAX_AGE.times(3)));
    assert_eq!(b.sent(), []);
    assert_eq!((bridge.a_to_b().stale, bridge.a_to_b().cut), (1, 0));
}

#[test]
fn a_step_is_bounded_and_neither_direction_waits_for_the_other() {
    let (a, b, mut bridge) = bridge();
    // One side floods with noise, with frames, or with delimiters; the other sends a frame now and then.
    for flood in [vec![0xFF; 40], frame(b"flood"), vec![0; 40]] {
        for _ in 0..1_000 {
            while a.line().incoming.len() < 10 * STEP_BYTES {
                a.feed(&flood);
            }
            b.feed(&frame(b"beat"));
            let before = a.line().incoming.len();
            bridge.step(T0);
            assert_eq!(before - a.line().incoming.len(), STEP_BYTES);
            assert!(b.sent().len() <= STEP_BYTES);
            assert_eq!(a.sent(), frame(b"beat"), "in the same step");
        }
    }
}

#[test]
fn a_read_error_drops_the_frame_under_way_and_no_other() {
    let (a, b, mut bridge) = bridge();
    let first = frame(b"first of all");
    a.feed(&first[..6]);
    settle(&mut bridge, T0);
    a.line().read_faults = 1;
    a.feed(&first[6..]);
    a.feed(&frame(b"second"));
    while !a.line().incoming.is_empty() {
        bridge.step(T0);
    }
    settle(&mut bridge, T0);
    assert_eq!(heard(&b.sent()), [Ok(b"second".to_vec())]);
    assert_eq!((bridge.a_to_b().read_errors, bridge.a_to_b().frames), (1, 1));
}

#[test]
fn after_a_write_error_the_frame_is_sent_again_whole() {
    let (a, b, mut bridge) = bridge();
    b.line().piece = 5;
    b.line().write_faults = 2;
    a.feed(&frame(b"again and again"));
    for _ in 0..20 {
        bridge.step(T0);
    }
    let heard = heard(&b.sent());
    assert_eq!(heard.last(), Some(&Ok(b"again and again".to_vec())));
    assert_eq!(heard.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!((bridge.a_to_b().write_errors, bridge.a_to_b().forwarded), (2, 1));
}

#[test]
fn a_port_that_always_fails_costs_one_error_a_step() {
    let (a, b, mut bridge) = bridge();
    b.line().write_faults = usize::MAX;
    a.feed(&frame(b"never"));
    for _ in 0..10 {
        bridge.step(T0);
    }
    assert_eq!(bridge.a_to_b().write_errors, 10);
    assert!(!bridge.step(T0.plus(MAX_AGE.times(2))), "given up in the end");
}

#[test]
fn the_relay_is_small() {
    let lanes = size_of::<Bridge<Pipe, Pipe>>() - 2 * size_of::<Pipe>();
    // Three frames of the longest kind and a text each way, a key, two fences.
    assert!(lanes <= 5000, "{lanes}");
}

proptest! {
    /// Frames, noise and cuts on both sides, ports that are ready in fits and starts: what comes out is a part of the
    /// frames that went in, in their order, whole; and the last one of each side is there.
    #[test]
    fn what_comes_out_went_in(
        pieces in prop::collection::vec((any::<bool>(), 0..4_u8, prop::collection::vec(any::<u8>(), 1..80)), 1..60),
        rooms in prop::collection::vec((0..90_usize, 0..90_usize), 60),
    ) {
        let (a, b, mut bridge) = bridge();
        let mut sent: [Vec<Vec<u8>>; 2] = Default::default();
        let ports = [&a, &b];
        for ((side, kind, bytes), room) in pieces.into_iter().zip(rooms) {
            let side = usize::from(side);
            match kind {
                0 => ports[side].feed(&bytes),
                1 => ports[side].feed(&frame(&bytes)[..bytes.len() / 2]),
                _ => {
                    ports[side].feed(&frame(&bytes));
                    sent[side].push(bytes);
                }
            }
            (a.line().room, b.line().room) = room;
            bridge.step(T0);
        }
        for (side, last) in [b"last of a", b"last of b"].into_iter().enumerate() {
            ports[side].feed(&frame(last));
            sent[side].push(last.to_vec());
            ports[side].line().room = usize::MAX;
        }
        settle(&mut bridge, T0);
        for (frames, port) in sent.iter().zip([&b, &a]) {
            let heard = heard(&port.sent());
            // Noise may look like a frame and pass; of the frames none is changed, doubled or out of order.
            let mut left = frames.iter();
            for datagram in heard.iter().filter_map(|result| result.as_ref().ok()) {
                if frames.contains(datagram) {
                    prop_assert!(left.any(|frame| frame == datagram), "out of order or twice");
                }
            }
            prop_assert!(heard.iter().all(Result::is_ok), "only whole frames are written");
            prop_assert_eq!(heard.last().cloned(), frames.last().cloned().map(Ok));
        }
    }
}
