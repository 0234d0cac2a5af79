use super::*;
use crate::frame::{encode, max_encoded};
use proptest::prelude::*;
use std::format;
use std::string::String;
use std::vec::Vec;

const BEAT: &str = ">>>\nt=status\nst=active\nsrc=ha-2\nseq=1a2b\nhg=1a\nts=3f7a1b2c\n\
    ld=0.00 0.01 0.05 1/92 12345\nttl=3\nauth=1 1adb2328\n<<<\n";

fn netstrings(source: &str) -> Vec<u8> {
    let mut text = b"###\n".to_vec();
    for field in ["(0)t=status", "(0)dt=7530", &format!("(0)src={source}"), "(0)seq=1a2b", "(0)hg=1a"] {
        text.extend(format!("{}:{field},", field.len()).bytes());
    }
    text.extend(b"25:(1)srcuuid=\x00\x0a,src=ha-9\x00\x00\x00,");
    text.extend(b"%%%\n12:1 1adb2328aa,");
    text
}

/// What a stream of these bytes, in pieces of `piece`, makes of them.
fn collected(bytes: &[u8], piece: usize) -> Vec<Vec<u8>> {
    let mut collector = Collector::new();
    let mut all = Vec::new();
    for mut rest in bytes.chunks(piece) {
        while !rest.is_empty() {
            rest = collector.take(rest);
            all.extend(collector.message().map(<[u8]>::to_vec));
        }
    }
    all
}

fn sources(bytes: &[u8]) -> Vec<String> {
    let messages = collected(bytes, 7);
    assert_eq!(messages, collected(bytes, 1));
    messages.iter().map(|text| String::from_utf8_lossy(Text::parse(text).source).into_owned()).collect()
}

fn signed(text: &Text<'_>) -> Vec<u8> {
    let mut all = Vec::new();
    text.each_signed(&mut |part| all.extend(part));
    all
}

#[test]
fn classic_text_is_taken_apart() {
    let text = Text::parse(BEAT.as_bytes());
    assert!(text.whole);
    assert_eq!((text.source, text.kind), (&b"ha-2"[..], &b"status"[..]));
    assert_eq!((text.generation, text.seq, text.deadtime), (Some(0x1a), Some(0x1a2b), None));
    assert_eq!(text.auth(), Some((1, &b"1adb2328"[..])));
    let body = BEAT.replace(">>>\n", "").replace("auth=1 1adb2328\n<<<\n", "");
    assert_eq!(signed(&text), body.as_bytes());
    let mut with_nul = BEAT.as_bytes().to_vec();
    with_nul.push(0);
    assert!(Text::parse(&with_nul).whole);
    let held = Text::parse(b">>>\nt=resource\nrsc_hold=local\nrtype=full\ndt=1b58\n<<<\n");
    assert_eq!((held.holds, held.full), (Some(Holds { local: true, foreign: false }), true));
    assert_eq!((held.deadtime, held.auth()), (Some(7000), None));
}

#[test]
fn netstrings_are_taken_apart() {
    let bytes = netstrings("Ha-2");
    let text = Text::parse(&bytes);
    assert!(text.whole);
    assert_eq!((text.source, text.generation, text.seq), (&b"Ha-2"[..], Some(0x1a), Some(0x1a2b)));
    assert_eq!((text.deadtime, text.auth()), (Some(30_000), Some((1, &b"1adb2328aa"[..]))));
    assert_eq!(signed(&text), &bytes[..bytes.len() - 16]);
    assert_eq!(collected(&bytes.repeat(3), 5), [&bytes[..]; 3]);
    let lines = [&bytes[..], b"\n"].concat().repeat(3);
    assert_eq!(collected(&lines, 5), [&bytes[..]; 3]);
}

#[test]
fn what_is_no_message_is_not_whole() {
    for bytes in [
        &b""[..],
        b">>>",
        b">>>\n",
        b">>>\nsrc=ha-1\n",
        b">>>\nsrc=ha-1\n<<",
        b">>>\nsrc=ha-1\nnothing\n<<<\n",
        b">>>\n=ha-1\n<<<\n",
        b">>>\nsrc=ha-1\n<<<x\n",
        b">>>>\nsrc=ha-1\n<<<\n",
        b">>> \nsrc=ha-1\n<<<\n",
        b">>>\nauth=1 1\nauth=1 2\n<<<\n",
        b"###\n",
        b"###12:(0)src=ha-2,%%%\n3:1 1,",
        b"###\n12:(0)src=ha-2;%%%\n3:1 1,",
        b"###\n12:(0)src=ha-2,%%%\n",
        b"###\n12:(0)src=ha-2,%%%\n3:1 1",
        b"###\n12:(0)src=ha-2,%%%\n3:1 1,x",
        b"###\n99999:(0)src=ha-2,%%%\n3:1 1,",
        b"###\n999999:(0)src=ha-2,%%%\n3:1 1,",
        b"###\n:(0)src=ha-2,%%%\n3:1 1,",
    ] {
        let text = Text::parse(bytes);
        assert!(!text.whole && text.auth().is_none(), "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn odd_numbers_and_digests_are_none() {
    let text = |fields: &str| format!(">>>\n{fields}\n<<<\n");
    for number in ["", "1g", "123456789", "-1", "0x1"] {
        assert_eq!(Text::parse(text(&format!("seq={number}")).as_bytes()).seq, None, "{number}");
    }
    for auth in ["", "1", "x 1", "256 1", " 1"] {
        assert_eq!(Text::parse(text(&format!("auth={auth}")).as_bytes()).auth(), None, "{auth}");
    }
    let twice = text("src=ha-1\nsrc=ha-2\nseq=1\nseq=2");
    assert_eq!(Text::parse(twice.as_bytes()).seq, Some(1), "of two fields the first one counts");
    assert_eq!(Text::parse(twice.as_bytes()).source, b"ha-1");
}

#[test]
fn a_stream_may_end_its_lines_as_it_likes_and_has_seven_bits() {
    for end in ["\n", "\r", "\r\n", "\n\n"] {
        let lines = BEAT.replace('\n', end);
        let messages = collected(lines.repeat(2).as_bytes(), 3);
        assert_eq!(messages.len(), 2, "{end:?}");
        for message in messages {
            assert_eq!(signed(&Text::parse(&message)), signed(&Text::parse(BEAT.as_bytes())));
        }
    }
    let parity: Vec<u8> =
        BEAT.bytes().map(|byte| if byte.count_ones() % 2 == 1 { byte | 0x80 } else { byte }).collect();
    assert_eq!(sources(&parity), ["ha-2"]);
}

#[test]
fn only_whole_messages_come_out_of_a_stream() {
    for text in [
        "src=ha-2\n",
        ">>>\nt=status\n\0src=ha-2\n<<<\n",
        "x>>>\nsrc=ha-2\n<<<\n",
        ">>\nsrc=ha-2\n<<<\n",
        ">>>>\nsrc=ha-2\n<<<\n",
    ] {
        assert_eq!(sources(text.as_bytes()), [""; 0], "{text:?}");
    }
    assert_eq!(sources(format!("\0{BEAT}").as_bytes()), ["ha-2"], "behind a break");
    assert_eq!(sources(b">>>\nsrc=ha-1\n>>>\nsrc=ha-2\n<<<\n"), ["ha-2"], "the first one was cut");
}

#[test]
fn a_cut_message_does_not_hide_the_next_one() {
    for cut in 0..BEAT.len() {
        let text = format!("{}\n{BEAT}", BEAT.get(..cut).unwrap());
        assert_eq!(sources(text.as_bytes()).last().map(String::as_str), Some("ha-2"), "cut at {cut}");
    }
}

#[test]
fn a_message_without_end_is_given_up_and_the_next_is_seen() {
    let mut text = String::from(">>>\n");
    while text.len() < 3 * MAX_TEXT {
        text.push_str("info=what is this\n");
    }
    text.push_str("src=ha-2\n<<<\n");
    assert_eq!(sources(text.as_bytes()), [""; 0]);
    text.push_str(BEAT);
    assert_eq!(sources(text.as_bytes()), ["ha-2"]);
}

proptest! {
    #[test]
    fn a_native_frame_is_never_taken_for_text(
        body in proptest::collection::vec(any::<u8>(), 12..200), key in 0_u8..16,
    ) {
        let mut bytes = [0x10 | key].to_vec();
        bytes.extend(body);
        prop_assert!(!is_text(&bytes));
        let mut frame = std::vec![0; max_encoded(bytes.len())];
        let len = encode(&bytes, &mut frame).unwrap();
        prop_assert!(collected(&frame[..len].repeat(3), 64).is_empty());
        // And takes nothing from the text behind it.
        let both = [&frame[..len], BEAT.as_bytes(), &frame[..len]].concat();
        prop_assert_eq!(sources(&both), ["ha-2"]);
    }

    #[test]
    fn text_after_any_noise_and_a_line_end_is_recognised(
        noise in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let text: Vec<u8> = noise.into_iter().chain(*b"\n").chain(BEAT.repeat(8).bytes()).collect();
        prop_assert!(sources(&text).contains(&String::from("ha-2")));
    }

    #[test]
    fn any_bytes_are_taken_apart(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        for start in [&b""[..], b">>>\n", b"###\n"] {
            let bytes = [start, &bytes].concat();
            let text = Text::parse(&bytes);
            prop_assert!(signed(&text).len() <= bytes.len() + 1);
            for message in collected(&bytes, 11) {
                prop_assert!(message.len() <= MAX_TEXT);
            }
        }
    }
}

#[test]
fn a_byte_that_is_zero_in_seven_bits_ends_a_classic_message() {
    let mut bytes = BEAT.as_bytes().to_vec();
    let at = bytes.iter().position(|byte| *byte == b'7').expect("a digit");
    for zero in [0, 0x80] {
        bytes[at] = zero;
        assert_eq!(collected(&bytes, 5), Vec::<Vec<u8>>::new(), "{zero:#x}");
    }
}
