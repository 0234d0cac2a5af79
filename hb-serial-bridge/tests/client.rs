//! The client of a node against the bridge: what it asks for comes true, whatever the line loses; and what is not the bridge's
//! passes.

// Its own words are the client's here.
#[allow(dead_code)]
mod node;
mod pipes;

use hb_core::{Duration, Instant, Side};
use hb_serial_bridge::client::{Client, MAX_LINE, Outcome};
use hb_serial_bridge::fence::{Fate, Refusal};
use hb_serial_bridge::report::Page;
use hb_serial_bridge::{Bridge, Port};
use node::{CLUSTER, DEADTIME, Node, keys};
use pipes::Pipe;

/// B is a node with a client, A one that is heard or silent.
struct Bench {
    a: Node,
    b: Node,
    client: Client,
    bridge: Bridge<Pipe, Pipe>,
    now: Instant,
    /// Each so manieth frame to the client, and from it, is lost; 0 loses none.
    lose: u32,
    frames: u32,
    passed: Vec<u8>,
    pulses: u32,
}

impl Bench {
    fn new() -> Self {
        let (a, b) = (Pipe::new(), Pipe::new());
        let mut bridge = Bridge::new(a.clone(), b.clone(), Duration::from_millis(1000));
        bridge.guard(keys(), CLUSTER, 1);
        bridge.sense(Port::A, true);
        let client = Client::new(keys(), CLUSTER, Side::Odd);
        let (a, b) = (Node::even(a), Node::odd(b));
        let (now, passed) = (Instant::ZERO, Vec::new());
        Self { a, b, client, bridge, now, lose: 0, frames: 0, passed, pulses: 0 }
    }

    fn lost(&mut self) -> bool {
        self.frames += 1;
        self.lose > 0 && self.frames.is_multiple_of(self.lose)
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now.plus(time);
        while self.now < end {
            self.now = self.now.plus(Duration::from_millis(1));
            let mut line = [0; MAX_LINE];
            let len = self.client.say(self.now, &mut line);
            if len > 0 && !self.lost() {
                self.b.pipe.feed(&line[..len]);
            }
            let before = self.bridge.resets();
            while self.bridge.step(self.now) {}
            self.pulses += u32::from(self.bridge.resets()[0] && !before[0]);
            assert!(!self.bridge.resets()[1], "the asker is never reset");
            let bytes = self.b.pipe.sent();
            if !bytes.is_empty() && !self.lost() {
                for byte in bytes {
                    let passed = &mut self.passed;
                    self.client.take(byte, self.now, &mut |byte| passed.push(byte));
                }
            }
        }
    }

    /// Both showed themselves, and A fell silent for as long as it must.
    fn silent_a() -> Self {
        let mut bench = Self::new();
        bench.a.hello(7, 3);
        bench.b.hello(9, 5);
        bench.pass(DEADTIME.plus(Duration::from_millis(1)));
        bench
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_silent_node_is_reset_once_and_its_sense_proves_it_although_frames_are_lost() {
    for lose in [0, 3, 5] {
        let mut bench = Bench::silent_a();
        bench.lose = lose;
        bench.client.fire(bench.now, 0xABCD);
        for _ in 0..30_000 {
            bench.pass(Duration::from_millis(1));
            bench.bridge.sense(Port::A, !bench.bridge.resets()[0]);
            if bench.client.fired() {
                break;
            }
        }
        bench.pass(SECOND.doubled().doubled());
        assert_eq!(
            (bench.client.outcome(), bench.pulses),
            (Some(Outcome::Proven(Fate::Sensed)), 1),
            "{lose}"
        );
        assert_eq!(bench.client.outcome(), None, "it is told once");
        bench.pass(SECOND);
        assert_eq!(bench.pulses, 1);
    }
}

#[test]
fn a_node_that_is_heard_is_not_reset_until_it_is_silent() {
    let mut bench = Bench::new();
    bench.a.hello(7, 3);
    bench.client.fire(bench.now, 1);
    for _ in 0..10 {
        bench.pass(SECOND);
        bench.a.beat(false);
    }
    assert_eq!(
        (bench.client.outcome(), bench.client.refused(), bench.pulses),
        (None, Some(Refusal::Heard), 0)
    );
    bench.pass(DEADTIME.plus(SECOND));
    assert_eq!((bench.pulses, bench.client.fired()), (1, true));
    // Given up and asked for again: the pulse that was made is asked after, and a return proves it.
    bench.client.give_up();
    bench.client.fire(bench.now, 2);
    bench.pass(SECOND);
    bench.a.hello(8, 4);
    bench.pass(SECOND);
    assert_eq!((bench.client.outcome(), bench.pulses), (Some(Outcome::Proven(Fate::Returned)), 1));
}

#[test]
fn a_node_that_goes_on_was_not_reset_and_one_in_a_later_life_is_not_fired_at() {
    let mut bench = Bench::silent_a();
    bench.client.fire(bench.now, 1);
    bench.pass(Duration::from_millis(100));
    assert_eq!(bench.pulses, 1);
    bench.pass(Duration::from_millis(200));
    bench.a.beat(false);
    bench.pass(SECOND);
    assert_eq!(bench.client.outcome(), Some(Outcome::Not(Fate::Failed)));
    // Its next life is one that the client never saw.
    bench.a.hello(8, 4);
    while bench.bridge.step(bench.now) {}
    bench.b.pipe.sent();
    bench.pass(DEADTIME.plus(SECOND));
    bench.client.fire(bench.now, 2);
    bench.pass(SECOND);
    assert_eq!((bench.client.outcome(), bench.pulses), (Some(Outcome::OtherBoot), 1));
}

#[test]
fn a_bridge_that_was_reset_is_asked_anew() {
    let mut bench = Bench::silent_a();
    bench.client.fire(bench.now, 1);
    bench.pass(Duration::from_millis(50));
    assert_eq!(bench.pulses, 1);
    // The pulse ends there, and the new bridge knows of none; it hears everybody for as long as nobody announced a deadtime.
    bench.bridge = Bridge::new(bench.a.pipe.clone(), bench.b.pipe.clone(), SECOND);
    bench.bridge.guard(keys(), CLUSTER, 2);
    bench.pass(Duration::from_secs(40));
    assert_eq!((bench.pulses, bench.client.fired()), (2, true));
}

#[test]
fn the_counters_come_in_and_what_the_peer_says_passes() {
    let mut bench = Bench::new();
    assert!(!bench.client.answers(bench.now));
    for n in 0..20 {
        bench.a.hello(7, 3 + n);
        bench.pass(SECOND);
    }
    assert!(bench.client.answers(bench.now));
    let [up, ..] = bench.client.page(Page::Bridge).expect("it came");
    assert!((8..=20).contains(&up), "{up}");
    assert!(Page::ALL.into_iter().all(|page| bench.client.page(page).is_some()));
    let said: Vec<u8> = bench.a.recorded.concat();
    let strip = |bytes: &[u8]| bytes.iter().copied().filter(|byte| *byte != 0).collect::<Vec<u8>>();
    assert_eq!(strip(&bench.passed), strip(&said), "all of it, and nothing else");
    bench.lose = 1;
    bench.pass(SECOND.doubled().doubled().doubled());
    assert!(!bench.client.answers(bench.now));
}
