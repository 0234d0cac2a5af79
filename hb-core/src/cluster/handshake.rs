//! Which incarnation of the peer lives now (DESIGN §4): not the one with the higher number, but the one that answers
//! a challenge that was never used before. A recording can never do that, so a lost state file costs one round trip
//! and an old packet never passes for life.

use crate::ids::Incarnation;
use crate::message::Hello;
use crate::time::{Duration, Instant};

/// Challenges given and taken.
#[derive(Debug)]
pub(crate) struct Handshake {
    state: u64,
    /// Ours, outstanding: used once, then replaced.
    challenge: [u8; 8],
    /// The peer's last one, to be echoed.
    theirs: Option<[u8; 8]>,
    /// When the last answer went out, to bound answers under a flood of replayed frames.
    answered: Option<Instant>,
    spacing: Duration,
    /// An authentic frame of an unmet incarnation came at this time.
    pub(crate) unmet_at: Option<Instant>,
}

impl Handshake {
    /// `entropy` must be unpredictable; `keepalive` bounds how often an unmet frame is answered.
    pub(crate) fn new(entropy: [u8; 16], keepalive: Duration) -> Self {
        let (low, high) = entropy.split_at(8);
        let word = |half: &[u8]| half.iter().fold(0u64, |word, byte| (word << 8) | u64::from(*byte));
        let mut handshake = Self {
            state: word(low) ^ word(high).rotate_left(32),
            challenge: [0; 8],
            theirs: None,
            answered: None,
            spacing: keepalive.divided(4).min(Duration::from_millis(50)),
            unmet_at: None,
        };
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

    /// A hello came, of an incarnation that is met or not. `true` when it answers the outstanding challenge: that
    /// incarnation lives now, and the challenge is used up.
    pub(crate) fn hello(&mut self, incarnation: Incarnation, hello: &Hello, met: Option<Incarnation>, now: Instant) -> bool {
        self.theirs = Some(hello.challenge);
        if met == Some(incarnation) {
            return false;
        }
        if hello.echo == Some(self.challenge) {
            self.renew();
            self.unmet_at = None;
            return true;
        }
        self.unmet_at = Some(now);
        false
    }

    /// May an unmet frame be answered now? Bounded to one answer in a quarter keepalive, 50 ms at most.
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
        assert!(!shake.hello(LIFE, &hello([9; 8], None), None, Instant::ZERO), "no echo");
        assert!(!shake.hello(LIFE, &hello([9; 8], Some([1; 8])), None, Instant::ZERO), "another challenge");
        assert!(shake.hello(LIFE, &hello([9; 8], Some(ours)), None, Instant::ZERO));
        assert!(!shake.hello(LIFE, &hello([9; 8], Some(ours)), None, Instant::ZERO), "a recording of the echo");
        assert_eq!(shake.echo(), Some([9; 8]));
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
    }
}
