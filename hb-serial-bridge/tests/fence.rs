//! The fence, as two nodes and a board meet it: what makes the one pulse, and that nothing else does.

mod node;
mod pipes;

use hb_core::{Duration, Instant};
use hb_serial_bridge::fence::{Fate, HOLD, Named, RETURN, Refusal, State, WINDOW, Word};
use hb_serial_bridge::{Bridge, Port};
use node::{CLUSTER, Node, keys};
use pipes::Pipe;

/// What the victim announces, so what must have been silent.
const DEADTIME: Duration = node::DEADTIME;

struct Bench {
    a: Node,
    b: Node,
    bridge: Bridge<Pipe, Pipe>,
    now: Instant,
    /// Microseconds for which the outputs were on, of A and B, and how often they went on.
    on: [u64; 2],
    pulses: [u32; 2],
}

impl Bench {
    fn new(seed: u64) -> Self {
        let (a, b) = (Pipe::new(), Pipe::new());
        let mut bridge = Bridge::new(a.clone(), b.clone(), Duration::from_millis(1000));
        bridge.guard(keys(), CLUSTER, seed);
        let (a, b) = (Node::even(a), Node::odd(b));
        Self { a, b, bridge, now: Instant::ZERO, on: [0; 2], pulses: [0; 2] }
    }

    /// Time passes, in steps of a millisecond.
    fn pass(&mut self, time: Duration) {
        let end = self.now.plus(time);
        while self.now < end {
            let before = self.bridge.resets();
            self.now = self.now.plus(Duration::from_millis(1));
            for (on, was) in self.on.iter_mut().zip(before) {
                *on += u64::from(was) * 1000;
            }
            while self.bridge.step(self.now) {}
            for ((pulses, was), is) in self.pulses.iter_mut().zip(before).zip(self.bridge.resets()) {
                *pulses += u32::from(is && !was);
            }
        }
    }

    fn ms(&mut self, ms: u64) {
        self.pass(Duration::from_millis(ms));
    }

    /// What B is told, when it says `word`.
    fn b_says(&mut self, word: Word) -> Vec<Word> {
        self.b.say(word);
        self.ms(1);
        self.b.told()
    }

    /// B arms, A has been silent for long enough: the nonce.
    fn arm(&mut self) -> [u8; 8] {
        match self.b_says(Word::Arm { challenge: [1, 2, 3, 4] })[..] {
            [Word::Armed { challenge: [1, 2, 3, 4], nonce }] => nonce,
            ref other => panic!("{other:?}"),
        }
    }

    /// Both said hello, then A fell silent; B is ready to arm.
    fn silent_a(seed: u64) -> Self {
        let mut bench = Self::new(seed);
        bench.a.hello(7, 3);
        bench.b.hello(9, 5);
        bench.pass(DEADTIME);
        bench.ms(1);
        bench.b.told();
        bench
    }
}

const A_BEFORE: Named = Named { boot: 7, counter: 3 };

#[test]
fn arm_and_fire_make_one_pulse_of_the_set_time_and_a_return_in_a_new_boot_proves_it() {
    let mut bench = Bench::silent_a(1);
    let nonce = bench.arm();
    let said = bench.b_says(Word::Fire { nonce, victim: A_BEFORE });
    assert_eq!(said, [Word::Fate { nonce, fate: Fate::Held }]);
    assert_eq!(bench.bridge.resets(), [true, false]);
    // Asked again, it says where it is, and goes on no longer for it.
    assert_eq!(
        bench.b_says(Word::Fire { nonce, victim: A_BEFORE }),
        [Word::Fate { nonce, fate: Fate::Held }]
    );
    bench.ms(600);
    assert_eq!(bench.b.told(), [Word::Fate { nonce, fate: Fate::Watched }]);
    assert_eq!((bench.on, bench.pulses), ([HOLD.as_micros(), 0], [1, 0]));
    assert_eq!(
        bench.b_says(Word::Arm { challenge: [9; 4] }),
        [Word::Refused { challenge: [9; 4], why: Refusal::Busy }]
    );
    bench.a.hello(8, 4);
    bench.ms(2);
    assert_eq!(bench.b.told(), [Word::Fate { nonce, fate: Fate::Returned }]);
    // A late copy of the fire gets the same answer, and nothing else.
    let late = bench.b_says(Word::Fire { nonce, victim: A_BEFORE });
    assert_eq!(late, [Word::Fate { nonce, fate: Fate::Returned }]);
    assert_eq!((bench.bridge.fence(Port::A), bench.pulses), (State::Rest, [1, 0]));
}

#[test]
fn refused_while_the_bridge_hears_the_victim_or_has_not_listened_for_long_enough() {
    let refused = [Word::Refused { challenge: [5; 4], why: Refusal::Heard }];
    let mut bench = Bench::new(1);
    assert_eq!(bench.b_says(Word::Arm { challenge: [5; 4] }), refused, "just started");
    let mut bench = Bench::silent_a(1);
    bench.a.beat(false);
    bench.pass(DEADTIME.minus(Duration::from_millis(2)));
    assert_eq!(bench.b_says(Word::Arm { challenge: [5; 4] }), refused);
    bench.ms(1);
    bench.arm();
    // It speaks between arm and fire.
    let mut bench = Bench::silent_a(1);
    let nonce = bench.arm();
    bench.a.beat(false);
    bench.ms(1);
    let said = bench.b_says(Word::Fire { nonce, victim: A_BEFORE });
    assert!(matches!(said[..], [Word::Refused { why: Refusal::NotArmed, .. }]), "{said:?}");
    assert_eq!(bench.pulses, [0, 0]);
}

#[test]
fn a_victim_that_says_itself_that_it_is_stuck_may_be_reset_while_it_is_heard() {
    let mut bench = Bench::silent_a(1);
    bench.a.beat(true);
    bench.ms(1);
    let nonce = bench.arm();
    bench.a.beat(true);
    bench.b_says(Word::Fire { nonce, victim: A_BEFORE });
    assert_eq!(bench.pulses, [1, 0]);
    // It goes on in the old life: it was not reset.
    bench.ms(100);
    bench.a.beat(true);
    bench.ms(500);
    assert_eq!(bench.b.told().last(), Some(&Word::Fate { nonce, fate: Fate::Failed }));
}

#[test]
fn a_fire_that_is_late_or_has_another_nonce_or_names_another_boot_does_nothing() {
    let refused = |nonce: [u8; 8], why| {
        let challenge = [nonce[0], nonce[1], nonce[2], nonce[3]];
        [Word::Refused { challenge, why }]
    };
    let mut bench = Bench::silent_a(1);
    let nonce = bench.arm();
    bench.pass(WINDOW);
    let late = bench.b_says(Word::Fire { nonce, victim: A_BEFORE });
    assert_eq!(late, refused(nonce, Refusal::NotArmed));
    assert_ne!(bench.arm(), nonce, "each arm from rest has a nonce of its own");
    let wrong = bench.b_says(Word::Fire { nonce, victim: A_BEFORE });
    assert_eq!(wrong, refused(nonce, Refusal::NotArmed));
    // The victim came back meanwhile: the bridge knows a later life than the one that is named.
    let mut bench = Bench::silent_a(1);
    bench.a.hello(8, 4);
    bench.pass(DEADTIME);
    bench.ms(1);
    let nonce = bench.arm();
    let other = bench.b_says(Word::Fire { nonce, victim: A_BEFORE });
    assert_eq!(other, refused(nonce, Refusal::OtherBoot));
    assert_eq!((bench.pulses, bench.bridge.fence(Port::A)), ([0, 0], State::Rest));
    // Nonces of two starts differ.
    let mut other = Bench::silent_a(2);
    assert_ne!(other.arm(), Bench::silent_a(1).arm());
}

#[test]
fn a_sense_input_that_falls_in_the_pulse_proves_it_and_one_that_was_never_high_does_not() {
    for (before, fate) in [(true, Fate::Sensed), (false, Fate::Watched)] {
        let mut bench = Bench::silent_a(1);
        bench.bridge.sense(Port::A, before);
        let nonce = bench.arm();
        bench.b_says(Word::Fire { nonce, victim: A_BEFORE });
        bench.bridge.sense(Port::A, false);
        bench.ms(600);
        assert_eq!(bench.b.told(), [Word::Fate { nonce, fate }]);
    }
}

#[test]
fn what_does_not_return_or_returns_as_it_was_is_not_proven() {
    let mut bench = Bench::silent_a(1);
    let nonce = bench.arm();
    bench.b_says(Word::Fire { nonce, victim: A_BEFORE });
    bench.ms(600);
    bench.b.told();
    // An old hello, played back.
    bench.a.hello(6, 2);
    bench.ms(2);
    assert_eq!(bench.b.told(), []);
    bench.pass(RETURN);
    assert_eq!(bench.b.told(), [Word::Fate { nonce, fate: Fate::Unproven }]);
}

#[test]
fn without_a_key_nothing_is_answered() {
    let (a, b) = (Pipe::new(), Pipe::new());
    let mut bridge = Bridge::new(a, b.clone(), Duration::from_millis(1000));
    let mut b = Node::odd(b);
    b.say(Word::Arm { challenge: [1; 4] });
    while bridge.step(Instant::from_millis(100_000)) {}
    assert_eq!((b.told(), bridge.resets()), (vec![], [false; 2]));
}

/// A generator that is the same each time.
fn dice(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

/// Noise, garbled commands and everything that was ever said, in any order and at any time, on both ports: 10,000 bursts,
/// 1,000 starts.
#[test]
fn ten_thousand_bursts_of_noise_and_replays_never_move_an_output() {
    // What a genuine fence said, both ways.
    let mut bench = Bench::silent_a(1);
    let nonce = bench.arm();
    bench.b_says(Word::Fire { nonce, victim: A_BEFORE });
    assert_eq!(bench.pulses, [1, 0]);
    let recorded: Vec<Vec<u8>> = bench.a.recorded.into_iter().chain(bench.b.recorded).collect();
    assert!(recorded.len() >= 6, "hellos, arm, armed, fire, fate");
    let mut next = dice(0x9E37_79B9_7F4A_7C15);
    let (mut bursts, mut armed) = (0, 0);
    for start in 0..1_000 {
        let mut bench = Bench::new(1000 + start);
        assert_eq!(bench.bridge.resets(), [false; 2], "at the start");
        for _ in 0..10 {
            for port in [&bench.a, &bench.b] {
                let mut bytes = recorded[next() as usize % recorded.len()].clone();
                match next() % 4 {
                    // As it was, damaged, or nothing but noise.
                    0 | 1 => {}
                    2 => {
                        let at = next() as usize % bytes.len();
                        bytes[at] ^= 1 << (next() % 8);
                    }
                    _ => bytes = (0..next() % 80).map(|_| next() as u8).collect(),
                }
                port.pipe.feed(&bytes);
            }
            bench.now = bench.now.plus(Duration::from_micros(next() % 12_000_000));
            bench.ms(2);
            armed += u32::from(bench.bridge.fence(Port::A) == State::Armed);
            bursts += 1;
        }
        assert_eq!(bench.pulses, [0, 0], "start {start}");
    }
    println!("{bursts} bursts, {armed} times armed by a replay, no output moved");
    assert!(bursts == 10_000 && armed > 10, "{armed}");
}
