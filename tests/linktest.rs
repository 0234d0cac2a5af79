//! `hbd linktest` as two real processes on a null-modem that does what it is told: what they report must be what it did.

use hb_hil::netns::{Faults, NullModem, Programs, Stamp};
use std::fs::OpenOptions;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Start one end.
fn start(device: &Path, words: &[&str]) -> Child {
    start_on(Stdio::piped(), device, words)
}

/// Start one end that speaks to `screen`.
fn start_on(screen: Stdio, device: &Path, words: &[&str]) -> Child {
    let programs = Programs::build().expect("the programs build");
    let mut command = Command::new(programs.hbd);
    command.args(["linktest", "--run-dir", "/nonexistent"]).args(words).arg(device);
    command.env("TERM", "vt100").env_remove("NO_COLOR");
    command.stdin(Stdio::null()).stdout(screen).stderr(Stdio::piped()).spawn().expect("hbd starts")
}

/// What one end said, and its exit code; it is ended by force after `limit` seconds.
fn end(mut child: Child, limit: u64) -> (Option<i32>, String) {
    let begun = Instant::now();
    let code = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status.code();
        }
        if begun.elapsed() > Duration::from_secs(limit) {
            let _ = child.kill();
            break None;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let mut text = String::new();
    let _ = child.stdout.take().map(|mut out| out.read_to_string(&mut text));
    let _ = child.stderr.take().map(|mut out| out.read_to_string(&mut text));
    let _ = child.wait();
    (code, text)
}

/// Both ends on `cable`; what they said.
fn both(cable: &NullModem, words: &[&str], limit: u64) -> [(Option<i32>, String); 2] {
    // Chosen on one end only: the other one follows.
    let ends = [start(cable.path(0), words), start(cable.path(1), &["--wait", "20"])];
    let said = ends.map(|child| end(child, limit));
    for (code, text) in &said {
        println!("---- {code:?}\n{text}");
    }
    said
}

/// The number behind `before` in the line of `direction` (`out` or `in `) of the only speed.
fn number(text: &str, direction: &str, before: &str) -> f64 {
    let line = text.lines().find(|line| line.trim_start().starts_with(direction)).expect("the line");
    let rest = &line[line.find(before).expect("the words") + before.len()..];
    let word: String = rest.chars().take_while(|c| c.is_ascii_digit() || ".e-".contains(*c)).collect();
    word.trim_end_matches('.').parse().expect("a number")
}

fn trips(text: &str) -> [f64; 4] {
    let line = text.lines().find(|line| line.contains("round trip: min")).expect("the line");
    ["min ", "median ", "p99 ", "max "].map(|name| {
        let rest = &line[line.find(name).expect("the word") + name.len()..];
        rest.split(' ').next().and_then(|word| word.parse().ok()).expect("a number")
    })
}

#[test]
fn a_clean_line_holds_and_its_round_trip_is_that_of_the_bits() {
    let cable = NullModem::new().expect("ptys");
    cable.follow_speed();
    for from in [0, 1] {
        cable.set_faults(from, Faults { delay: Duration::from_millis(10), ..Faults::default() });
    }
    for (code, text) in both(&cable, &["--baud", "19200", "--seconds", "4", "--wait", "20"], 60) {
        assert_eq!(code, Some(0));
        assert!(text.contains("19200 baud holds"), "{text}");
        for direction in ["out", "in "] {
            assert_eq!(number(&text, direction, "lost "), 0.0);
            assert_eq!(number(&text, direction, "damaged "), 0.0);
            // 4 s of a line that is busy: 192 frames; a late wake-up costs some, and a late end adds some.
            let frames = number(&text, direction, ": ");
            assert!(frames >= 120.0, "{frames}");
        }
        // Twice 20.8 ms and twice 10 ms, and what two busy processes add.
        let [min, median, _, max] = trips(&text);
        assert!((61.0..75.0).contains(&min) && median < 90.0 && max >= median, "{text}");
        assert!(text.contains("    baud 19200\n    keepalive 1"), "{text}");
    }
}

#[test]
fn wrong_bits_and_lost_bytes_are_those_that_the_wire_made() {
    let cable = NullModem::new().expect("ptys");
    cable.follow_speed();
    cable.set_faults(0, Faults { flip_one_in: 400, ..Faults::default() });
    cable.set_faults(1, Faults { drop_one_in: 400, ..Faults::default() });
    let said = both(&cable, &["--baud", "115200", "--seconds", "6", "--wait", "20"], 90);
    for (end, (code, text)) in said.iter().enumerate() {
        assert_eq!(*code, Some(1), "a line with errors does not hold");
        assert!(text.contains("115200 baud does NOT hold"), "{text}");
        let [flips, drops] = if end == 0 { ["out", "in "] } else { ["in ", "out"] };
        // Bits: the wire's own rate over all bytes, as measured on those that could be compared.
        let wire = cable.damage(0);
        let rate = f64::from(wire.flipped) / (f64::from(wire.bytes) * 8.0);
        let measured = number(text, flips, "bit error rate ");
        assert!((measured / rate - 1.0).abs() < 0.25, "{measured} for {rate}");
        assert!(number(text, flips, "lost ") <= number(text, flips, "damaged ") / 2.0, "{text}");
        // Bytes: all but those that were lost while the ends agreed.
        let dropped = f64::from(cable.damage(1).dropped);
        let measured = lost_bytes(text, drops);
        assert!(measured <= dropped && measured >= dropped * 0.85, "{measured} of {dropped}");
    }
}

fn lost_bytes(text: &str, direction: &str) -> f64 {
    let line = text.lines().find(|line| line.trim_start().starts_with(direction)).expect("the line");
    let part =
        line.split("; ").find(|part| part.ends_with(" bytes") && part.starts_with("lost")).expect("the part");
    part.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a number")
}

#[test]
fn the_fastest_speed_that_holds_is_found_and_the_advice_stays_below_it() {
    let cable = NullModem::new().expect("ptys");
    cable.follow_speed();
    for from in [0, 1] {
        cable.set_faults(from, Faults { ceiling: 57_600, ..Faults::default() });
    }
    for (code, text) in both(&cable, &["--seconds", "1", "--wait", "20"], 90) {
        assert_eq!(code, Some(0));
        assert!(text.contains("fastest speed that holds: 57600 baud"), "{text}");
        assert!(text.contains("115200 baud") && !text.contains("115200 baud holds"), "{text}");
        assert!(!text.contains("460800 baud"), "two that fail are enough: {text}");
        assert!(text.contains("\n    baud 38400\n"), "{text}");
    }
}

#[test]
fn a_terminal_sees_the_test_move() {
    let (cable, screen) = (NullModem::new().expect("ptys"), NullModem::new().expect("ptys"));
    cable.follow_speed();
    let tty = OpenOptions::new().write(true).open(screen.path(0)).expect("a terminal");
    let words = ["--baud", "19200", "--seconds", "3", "--wait", "20"];
    let ends = [start_on(tty.into(), cable.path(0), &words), start(cable.path(1), &words)];
    let codes = ends.map(|child| end(child, 60));
    std::thread::sleep(Duration::from_millis(200));
    let bytes: Vec<u8> = screen.log(Stamp::default()).into_iter().flat_map(|chunk| chunk.bytes).collect();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    println!("{text}");
    assert_eq!([codes[0].0, codes[1].0], [Some(0); 2], "{}", codes[1].1);
    // The line is drawn over itself: how far the test is, and how many frames went out.
    let drawn: Vec<Vec<u32>> = text
        .split('\r')
        .filter(|line| line.starts_with("  19200 baud") && line.contains(" %: "))
        .map(|line| line.split_whitespace().filter_map(|word| word.parse().ok()).collect())
        .collect();
    let moving: Vec<(u32, u32)> = drawn.iter().map(|numbers| (numbers[1], numbers[2])).collect();
    let in_test: Vec<&(u32, u32)> = moving.iter().filter(|(percent, _)| *percent > 0).collect();
    assert!(in_test.len() >= 3 && in_test.windows(2).all(|w| w[0].1 <= w[1].1), "{moving:?}");
    assert!(in_test.iter().any(|(percent, _)| *percent >= 50), "{moving:?}");
    // What stays is not drawn over: it begins on a cleared line.
    assert!(text.contains("\r\x1b[K  19200 baud holds"), "{text}");
    // On anything but a terminal nothing moves.
    assert!(!codes[1].1.contains('\r'), "{}", codes[1].1);
}

#[test]
fn an_end_alone_says_what_to_check() {
    let cable = NullModem::new().expect("ptys");
    let (code, text) = end(start(cable.path(0), &["--wait", "1"]), 20);
    assert_eq!(code, Some(1));
    assert!(text.contains("no answer, not one byte") && text.contains("null-modem"), "{text}");
    cable.set_cut(0, true);
    let said = [start(cable.path(0), &["--wait", "2"]), start(cable.path(1), &["--wait", "2"])];
    let [(_, deaf), (_, hears)] = said.map(|child| end(child, 20));
    assert!(deaf.contains("is heard but does not hear this one"), "{deaf}");
    assert!(hears.contains("not one byte"), "{hears}");
}

#[test]
fn a_cable_pulled_in_the_middle_ends_both() {
    let cable = NullModem::new().expect("ptys");
    let words = ["--baud", "115200", "--seconds", "3", "--wait", "20"];
    let ends = [start(cable.path(0), &words), start(cable.path(1), &words)];
    std::thread::sleep(Duration::from_millis(2500));
    cable.set_cut(0, true);
    cable.set_cut(1, true);
    for child in ends {
        let (code, text) = end(child, 40);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains("the other end fell silent"), "{text}");
    }
}

#[test]
fn devices_that_cannot_be_tested_are_named_with_the_reason() {
    let cable = NullModem::new().expect("ptys");
    let first = start(cable.path(0), &["--wait", "5"]);
    std::thread::sleep(Duration::from_millis(500));
    let (code, text) = end(start(cable.path(0), &["--wait", "1"]), 20);
    assert_eq!((code, text.contains("in use by another program")), (Some(1), true), "{text}");
    for (device, words) in [("/dev/no-such-line", "not there"), ("/dev/null", "not a serial device")] {
        let (code, text) = end(start(Path::new(device), &[]), 20);
        assert_eq!((code, text.contains(words)), (Some(1), true), "{text}");
    }
    let _ = end(first, 0);
}
