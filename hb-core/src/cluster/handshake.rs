//! Which incarnation of the peer lives now (DESIGN §4): not the one with the higher number, but the one that answers
//! a challenge that was never used before. A recording can never do that, so a lost state file costs one round trip
//! and an old packet never passes for life.

use crate::ids::Incarnation;
use crate::message::Hello;
use crate::time::{Duration, Instant};

/// Challenges given and taken.
///
/// Two lives that meet need three frames, each a hello with the sender's challenge and the echo of the receiver's:
/// ```text
///  A (new): challenge a, met nobody              ->
///                  <-  B: challenge b, echo a           A admits B, and uses up a
///  A:       challenge a', echo b, met B          ->     B admits A, and knows that A has met it
///                  <-  B: met A, knows it               A knows that B has met it: short forms from now on
/// ```
/// The long form goes on while one of the two does not know that the other has met it.
#[derive(Clone, Debug)]
pub(crate) struct Handshake {
    state: u64,
    /// Ours, outstanding: used once, then replaced.
    challenge: [u8; 8],
    /// The last one that a peer's life showed, to be echoed.
    theirs: Option<[u8; 8]>,
    /// The met life of the peer has met ours.
    pub(crate) knows_us: bool,
    /// The peer's last frame was a hello that did not know that we have met it.
    lacks: bool,
    /// When the last answer went out, to bound answers under a flood of replayed frames.
    answered: Option<Instant>,
    spacing: Duration,
}

impl Handshake {
    /// `entropy` must be unpredictable; `keepalive` bounds how often a hello is answered.
    pub(crate) fn new(entropy: [u8; 16], keepalive: Duration) -> Self {
        let (low, high) = entropy.split_at(8);
        let word = |half: &[u8]| half.iter().fold(0u64, |word, byte| (word << 8) | u64::from(*byte));
        let mut handshake = Self {
            state: word(low),
            challenge: [0; 8],
            theirs: None,
            knows_us: false,
            lacks: false,
            answered: None,
            spacing: keepalive.divided(4).min(Duration::from_millis(50)),
        };
        handshake.state = handshake.random() ^ word(high);
        handshake.renew();
        handshake
    }

    /// A number that was not used before (SplitMix64 over the start-up entropy).
    pub(crate) fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    fn renew(&mut self) {
        self.challenge = self.random().to_le_bytes();
    }

    /// The outstanding challenge, for our hello.
    pub(crate) fn challenge(&self) -> [u8; 8] {
        self.challenge
    }

    /// The peer's challenge, for our hello.
    pub(crate) fn echo(&self) -> Option<[u8; 8]> {
        self.theirs
    }

    /// Does one of the two still lack something that only a hello can tell?
    pub(crate) fn unfinished(&self) -> bool {
        !self.knows_us || self.lacks
    }

    /// A hello came, of a life that is met or not; `ours` is the nonce of our own life. `true` when it answers the
    /// outstanding challenge and was not met: that life lives now.
    pub(crate) fn hello(
        &mut self,
        life: Incarnation,
        hello: &Hello,
        met: Option<Incarnation>,
        ours: u32,
    ) -> bool {
        self.theirs = Some(hello.challenge);
        let answers = hello.echo == Some(self.challenge);
        let admits = met != Some(life) && answers;
        if admits {
            self.renew();
        }
        if admits || met == Some(life) {
            self.knows_us = hello.met == Some(ours);
            self.lacks = !hello.known;
        }
        admits
    }

    /// A short form came: the peer lacks nothing.
    pub(crate) fn short(&mut self) {
        self.lacks = false;
    }

    /// May a hello be answered now? Bounded to one answer in a quarter keepalive, 50 ms at most.
    pub(crate) fn may_answer(&mut self, now: Instant) -> bool {
        match self.answered {
            Some(last) if now.since(last) < self.spacing => false,
            Some(_) | None => {
                self.answered = Some(now);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heapless::Vec;

    fn hello(challenge: [u8; 8], echo: Option<[u8; 8]>) -> Hello {
        Hello {
            boot: 1,
            challenge,
            echo,
            met: None,
            known: false,
            keepalive: Duration::from_secs(1),
            deadtime: Duration::from_secs(10),
            watchdog: None,
            timing_digest: 0,
            groups: Vec::new(),
        }
    }

    const LIFE: Incarnation = Incarnation { counter: 7, nonce: 42 };

    #[test]
    fn only_the_outstanding_challenge_admits_and_only_once() {
        let mut shake = Handshake::new([3; 16], Duration::from_secs(1));
        let ours = shake.challenge();
        assert!(!shake.hello(LIFE, &hello([9; 8], None), None, 1), "no echo");
        assert!(!shake.hello(LIFE, &hello([9; 8], Some([1; 8])), None, 1), "another challenge");
        assert!(shake.hello(LIFE, &hello([9; 8], Some(ours)), None, 1));
        assert!(!shake.hello(LIFE, &hello([9; 8], Some(ours)), None, 1), "a recording of the echo");
        assert_eq!(shake.echo(), Some([9; 8]));
    }

    const LIVES: [Incarnation; 2] =
        [Incarnation { counter: 1, nonce: 10 }, Incarnation { counter: 1, nonce: 20 }];

    /// Two lives on perfect links, each frame answered by the next: what the receiver admits at each step.
    fn meet(
        steps: usize,
        mut between: impl FnMut(usize, &mut Handshake, Option<Incarnation>),
    ) -> Vec<usize, 64> {
        let mut shakes = [1u8, 2].map(|seed| Handshake::new([seed; 16], Duration::from_secs(1)));
        let mut met = [None; 2];
        let mut admitted = Vec::new();
        for step in 0..steps {
            let (from, to) = (step % 2, 1 - step % 2);
            between(step, &mut shakes[to], met[to]);
            if !shakes[from].unfinished() {
                shakes[to].short();
                continue;
            }
            let mut message = hello(shakes[from].challenge(), shakes[from].echo());
            message.met = met[from].map(|life: Incarnation| life.nonce);
            message.known = shakes[from].knows_us;
            if shakes[to].hello(LIVES[from], &message, met[to], LIVES[to].nonce) {
                met[to] = Some(LIVES[from]);
                admitted.push(step).unwrap();
            }
        }
        assert!(shakes.iter().all(|shake| !shake.unfinished()), "the long form never ends: {shakes:?}");
        admitted
    }

    #[test]
    fn three_hellos_introduce_two_lives() {
        assert_eq!(meet(6, |_, _, _| {}).as_slice(), [1, 2]);
    }

    #[test]
    fn a_recording_between_the_frames_of_a_meeting_only_delays_it() {
        let admitted = meet(40, |step, shake, met| {
            if step % 3 == 0 {
                assert!(!shake.hello(LIFE, &hello([7; 8], Some([6; 8])), met, 10));
            }
        });
        assert_eq!(admitted.len(), 2);
    }

    #[test]
    fn answers_are_bounded_under_a_flood() {
        let mut shake = Handshake::new([3; 16], Duration::from_secs(1));
        let answers = (0..20_000u64).filter(|i| shake.may_answer(Instant::from_micros(i * 50))).count();
        assert!((1..=21).contains(&answers), "{answers} answers in one second");
    }

    #[test]
    fn challenges_do_not_repeat() {
        let mut shake = Handshake::new([0; 16], Duration::from_secs(1));
        let mut seen = std::collections::HashSet::new();
        assert!((0..10_000).all(|_| seen.insert(shake.random())));
        let other = Handshake::new([1; 16], Duration::from_secs(1));
        assert_ne!(other.challenge(), Handshake::new([0; 16], Duration::from_secs(1)).challenge());
    }
}
