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
///  A (new): a1, -   ->
///                   <-  B: b1, a1      A admits B, and uses up a1
///  A:       a2, b1  ->                 B admits A, uses up b1, and sees that A used up a1: A has met B
///                   <-  B: b2, a2      A sees that B used up b1: B has met A; nobody lacks anything
/// ```
/// A challenge is used up by its echo. So a peer that shows another challenge than the one echoed to it has met us, and
/// one that echoes our current challenge has seen that we met it: then the short form is enough for both.
#[derive(Debug)]
pub(crate) struct Handshake {
    state: u64,
    /// Ours, outstanding: used once, then replaced.
    challenge: [u8; 8],
    /// The last one that a peer's life showed, to be echoed, and whether that was done.
    theirs: Option<Theirs>,
    /// The met life of the peer has met ours.
    pub(crate) knows_us: bool,
    /// The peer's last hello does not echo our current challenge.
    lacks: bool,
    /// When the last answer went out, to bound answers under a flood of replayed frames.
    answered: Option<Instant>,
    spacing: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Theirs {
    life: Incarnation,
    challenge: [u8; 8],
    /// The challenge of that life that was last sent back to it.
    echoed: Option<[u8; 8]>,
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
        self.theirs.map(|theirs| theirs.challenge)
    }

    /// A hello of ours goes out.
    pub(crate) fn sent(&mut self) {
        if let Some(theirs) = &mut self.theirs {
            theirs.echoed = Some(theirs.challenge);
        }
    }

    /// Does one of the two still lack something that only a hello can tell?
    pub(crate) fn unfinished(&self) -> bool {
        !self.knows_us || self.lacks
    }

    /// A hello came, of a life that is met or not. `true` when it answers the outstanding challenge and was not met:
    /// that life lives now.
    pub(crate) fn hello(&mut self, life: Incarnation, hello: &Hello, met: Option<Incarnation>) -> bool {
        let before = self.theirs.filter(|theirs| theirs.life == life);
        let echoed = before.and_then(|theirs| theirs.echoed);
        self.theirs = Some(Theirs { life, challenge: hello.challenge, echoed });
        let answers = hello.echo == Some(self.challenge);
        if answers {
            self.renew();
        }
        if met != Some(life) && !answers {
            return false;
        }
        let used_up = echoed.is_some_and(|echoed| echoed != hello.challenge);
        self.knows_us = used_up || (self.knows_us && met == Some(life));
        // The renewed challenge of an admission is news to the peer; that of a met life is not.
        self.lacks = !answers || met != Some(life);
        met != Some(life)
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
        assert!(!shake.hello(LIFE, &hello([9; 8], None), None), "no echo");
        assert!(!shake.hello(LIFE, &hello([9; 8], Some([1; 8])), None), "another challenge");
        assert!(shake.hello(LIFE, &hello([9; 8], Some(ours)), None));
        assert!(!shake.hello(LIFE, &hello([9; 8], Some(ours)), None), "a recording of the echo");
        assert_eq!(shake.echo(), Some([9; 8]));
    }

    /// Two lives on perfect links, hello by hello: who has met whom, and when does the long form end?
    #[test]
    fn three_hellos_introduce_two_lives_and_a_fourth_ends_the_long_form() {
        let lives = [Incarnation { counter: 1, nonce: 10 }, Incarnation { counter: 1, nonce: 20 }];
        let mut shakes = [Handshake::new([1; 16], Duration::from_secs(1)), Handshake::new([2; 16], Duration::from_secs(1))];
        let mut met = [None, None];
        let mut admitted = Vec::<usize, 8>::new();
        for step in 0..4 {
            let (from, to) = (step % 2, 1 - step % 2);
            let message = hello(shakes[from].challenge(), shakes[from].echo());
            shakes[from].sent();
            if shakes[to].hello(lives[from], &message, met[to]) {
                met[to] = Some(lives[from]);
                admitted.push(step).unwrap();
            }
        }
        assert_eq!(admitted.as_slice(), [1, 2]);
        assert!(!shakes[0].unfinished(), "{shakes:?}");
        shakes[1].short();
        assert!(!shakes[1].unfinished(), "{shakes:?}");
    }

    #[test]
    fn a_recording_between_the_frames_of_a_meeting_only_delays_it() {
        let lives = [Incarnation { counter: 1, nonce: 10 }, Incarnation { counter: 1, nonce: 20 }];
        let mut shakes = [Handshake::new([1; 16], Duration::from_secs(1)), Handshake::new([2; 16], Duration::from_secs(1))];
        let mut met = [None, None];
        for step in 0..40 {
            let (from, to) = (step % 2, 1 - step % 2);
            if step % 3 == 0 {
                let recording = hello([7; 8], Some([6; 8]));
                assert!(!shakes[to].hello(LIFE, &recording, met[to]));
            }
            if shakes[from].unfinished() {
                let message = hello(shakes[from].challenge(), shakes[from].echo());
                shakes[from].sent();
                if shakes[to].hello(lives[from], &message, met[to]) {
                    met[to] = Some(lives[from]);
                }
            } else {
                shakes[to].short();
            }
        }
        assert_eq!(met, [Some(lives[1]), Some(lives[0])]);
        assert!(!shakes[0].unfinished() && !shakes[1].unfinished(), "{shakes:?}");
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
