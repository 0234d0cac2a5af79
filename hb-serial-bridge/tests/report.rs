//! What the bridge says when it is asked, and that it says nothing when it is not; Heartbeat's text under its switch.

mod pipes;

use hb_core::frame::{Decoder, encode, max_encoded};
use hb_core::message::wire::LONGEST;
use hb_core::{Duration, Instant};
use hb_serial_bridge::report::{self, NEVER, Page, Part};
use hb_serial_bridge::{About, Bridge};
use pipes::Pipe;

const T0: Instant = Instant::from_millis(10_000);

fn bridge() -> (Pipe, Pipe, Bridge<Pipe, Pipe>) {
    let (a, b) = (Pipe::new(), Pipe::new());
    let mut bridge = Bridge::new(a.clone(), b.clone(), Duration::from_millis(500));
    bridge.set_about(About { boot: 77, cause: 1 });
    (a, b, bridge)
}

fn frame(datagram: &[u8]) -> Vec<u8> {
    let mut out = vec![0; max_encoded(datagram.len())];
    let len = encode(datagram, &mut out).unwrap();
    out.truncate(len);
    out
}

fn heard(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut decoder = Decoder::<LONGEST>::new();
    bytes.iter().filter_map(|byte| Some(decoder.push(*byte)?.expect("a whole frame").to_vec())).collect()
}

/// The answer to one question.
fn answer(port: &Pipe, bridge: &mut Bridge<Pipe, Pipe>, page: Page, now: Instant) -> [u32; 3] {
    port.feed(&frame(&report::ask(page)));
    while bridge.step(now) {}
    let said = heard(&port.sent());
    assert_eq!(said.len(), 1, "one question, one answer");
    let (found, words) = report::read(&said[0]).expect("a page");
    assert_eq!(found, page);
    words
}

fn lane(to_asker: bool, part: Part) -> Page {
    Page::Lane { to_asker, part }
}

#[test]
fn unasked_it_says_nothing_but_what_the_nodes_say() {
    let (a, b, mut bridge) = bridge();
    for n in 0..200_u8 {
        a.feed(&frame(&[1, n]));
        b.feed(&[0xFF, 0, n, 0]);
        while bridge.step(T0.plus(Duration::from_millis(u64::from(n)))) {}
    }
    assert_eq!(heard(&b.sent()).len(), 200);
    assert_eq!((bridge.a_to_b().own, bridge.b_to_a().own), (0, 0));
}

#[test]
fn each_node_is_told_of_both_directions_as_it_sees_them() {
    let (a, b, mut bridge) = bridge();
    a.feed(&[frame(b"one"), frame(b"two"), vec![9, 9, 0]].concat());
    b.feed(&frame(b"three"));
    while bridge.step(T0) {}
    a.sent();
    b.sent();
    let later = T0.plus(Duration::from_millis(250));
    assert_eq!(answer(&a, &mut bridge, lane(false, Part::Carried), later)[1..], [2, 2]);
    assert_eq!(answer(&a, &mut bridge, lane(true, Part::Carried), later)[1..], [1, 1]);
    assert_eq!(answer(&b, &mut bridge, lane(false, Part::Carried), later)[1..], [1, 1]);
    assert_eq!(answer(&b, &mut bridge, lane(true, Part::Other), later), [1, 0, 1]);
    assert_eq!(answer(&a, &mut bridge, lane(true, Part::Errors), later), [0, 0, 250]);
    assert_eq!(answer(&b, &mut bridge, Page::Bridge, later), [10, 77, 1]);
    assert_eq!(bridge.a_to_b().asked + bridge.b_to_a().asked, 6, "none of the questions went on");
}

#[test]
fn a_silent_side_has_no_last_frame() {
    let (a, _, mut bridge) = bridge();
    assert_eq!(answer(&a, &mut bridge, lane(true, Part::Errors), T0)[2], NEVER);
}

#[test]
fn a_damaged_question_and_a_strange_one_get_no_answer_and_do_not_pass() {
    let (a, b, mut bridge) = bridge();
    let mut bad = report::ask(Page::Bridge);
    bad[2] ^= 1;
    a.feed(&[frame(&bad), frame(&[report::MARK]), frame(&[report::MARK, 9, 9, 9, 9, 9, 9])].concat());
    while bridge.step(T0) {}
    assert_eq!((a.sent(), b.sent(), bridge.a_to_b().malformed), (vec![], vec![], 3));
}

#[test]
fn a_flood_of_questions_leaves_the_relay_every_other_frame() {
    let (a, b, mut bridge) = bridge();
    let (question, beat) = (frame(&report::ask(Page::Bridge)), frame(b"a beat of the other node"));
    for n in 0..1000_u64 {
        a.feed(&question.repeat(6));
        b.feed(&beat);
        // The line to A takes one frame in this time.
        a.line().room = beat.len();
        bridge.step(T0.plus(Duration::from_millis(n)));
    }
    let said = heard(&a.sent());
    let relayed = said.iter().filter(|one| one.as_slice() == b"a beat of the other node").count();
    assert!(relayed * 2 >= said.len() - 1, "{relayed} of {}", said.len());
}

const TEXT: &[u8] = b">>>\nt=status\nst=active\nsrc=ha-1\n(1)srcuuid=x\nauth=1 7f6d8f2a\n<<<\n";

#[test]
fn text_passes_only_where_it_is_said() {
    for pass in [false, true] {
        let (a, b, mut bridge) = bridge();
        bridge.pass_text(pass);
        a.feed(&[frame(b"before"), TEXT.to_vec(), frame(b"behind")].concat());
        // A line that takes what comes: nothing has to wait.
        while bridge.step(T0) {}
        let expected = if pass {
            [frame(b"before"), TEXT.to_vec(), frame(b"behind")].concat()
        } else {
            [frame(b"before"), frame(b"behind")].concat()
        };
        // The step reads all of them before it writes: the newest stays beside the one under way.
        let sent = b.sent();
        assert!(sent == expected || bridge.a_to_b().replaced == 1, "{sent:?}");
        assert_eq!((bridge.a_to_b().text, bridge.a_to_b().malformed), (1, 0));
    }
}

#[test]
fn console_text_never_passes() {
    let (a, b, mut bridge) = bridge();
    bridge.pass_text(true);
    a.feed(b"\0\r\nDebian GNU/Linux ha-1 ttyS0\r\n\r\nha-1 login: root\r\nPassword: \r\n# >>> hello\r\n");
    a.feed(&frame(b"beat"));
    while bridge.step(T0) {}
    assert_eq!(b.sent(), frame(b"beat"));
    assert_eq!((bridge.a_to_b().malformed, bridge.a_to_b().text), (1, 0));
}
