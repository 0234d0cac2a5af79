//! Which incarnation of the peer lives now (DESIGN §4): not the one with the higher number, but the one that answers
//! a challenge that was never used before. A recording can never do that, so a lost state file costs one round trip
//! and an old packet never passes for life.

use crate::message::Hello;
use crate::time::{Duration, Instant};

/// An answer may take this long whatever the times are: a busy machine does not run its loop to the millisecond.
const LEAST_LIFE: Duration = Duration::from_millis(250);

/// What a hello proves of the life that sent it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    /// Nothing: it may be a recording, or its sender does not hear us yet.
    Nothing,
    /// It is the met life, which owes no answer.
    Met,
    /// It answers a challenge of ours: it lives now.
    Answers,
}

/// A challenge, and when it was last sent.
#[derive(Clone, Copy, Debug)]
struct Challenge {
    bytes: [u8; 8],
    sent: Instant,
}

/// Challenges given and taken.
///
/// A challenge is answered once, and not for ever: while nobody answers, a new one takes its place after [`Self::life`]
/// of being sent, and the one before is good for as long again. So is the last one that was sent when none is sent any more.
/// One that was given before a death is never answered after it.
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
    challenge: Challenge,
    /// Since when it is the one.
    since: Instant,
    /// The one before, while an answer to it may still be on its way.
    before: Option<Challenge>,
    /// How long an answer may take: more than two of the longest hellos and two keepalives.
    life: Duration,
    /// The last one that a peer's life showed, to be echoed.
    theirs: Option<[u8; 8]>,
    /// The met life of the peer has met ours.
    pub(crate) knows_us: bool,
    /// The peer's last frame was a hello that did not know that we have met it.
    lacks: bool,
    /// When the last answer went out, to bound answers under a flood of replayed frames.
    answered: Option<Instant>,
    spacing: Duration,
    /// When all admissions so far are paid for, at one in half a deadtime.
    paid: Instant,
}

impl Handshake {
    /// `entropy` must be unpredictable; `keepalive` bounds how often a hello is answered, and with the time that the
    /// longest hello takes on the slowest line how long an answer may take.
    pub(crate) fn new(entropy: [u8; 16], keepalive: Duration, line_time: Duration) -> Self {
        let (low, high) = entropy.split_at(8);
        let word = |half: &[u8]| half.iter().fold(0u64, |word, byte| (word << 8) | u64::from(*byte));
        let mut handshake = Self {
            state: word(low),
            challenge: Challenge { bytes: [0; 8], sent: Instant::ZERO },
            since: Instant::ZERO,
            before: None,
            life: keepalive.times(3).plus(line_time.doubled()).max(LEAST_LIFE),
            theirs: None,
            knows_us: false,
            lacks: false,
            answered: None,
            paid: Instant::ZERO,
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

    /// No answer to what was asked so far counts any more: one was taken, or the peer died.
    pub(crate) fn renew(&mut self) {
        self.before = None;
        self.replace(Instant::ZERO);
    }

    /// A new challenge, that was not sent yet.
    fn replace(&mut self, now: Instant) {
        self.challenge = Challenge { bytes: self.random().to_le_bytes(), sent: now };
        self.since = Instant::ZERO;
    }

    /// A hello goes out: what has stood for too long without an answer is replaced first (DESIGN §4.25).
    pub(crate) fn sends(&mut self, now: Instant) {
        if self.since == Instant::ZERO {
            self.since = now;
        } else if now.since(self.since) >= self.life {
            self.before = Some(self.challenge);
            self.replace(now);
            self.since = now;
        }
        self.challenge.sent = now;
    }

    /// Is that a challenge of ours that may still be answered?
    fn asked(&self, answer: [u8; 8], now: Instant) -> bool {
        let asked = |one: &Challenge| one.bytes == answer && now.since(one.sent) <= self.life;
        self.since != Instant::ZERO && asked(&self.challenge) || self.before.as_ref().is_some_and(asked)
    }

    /// The outstanding challenge, for our hello.
    pub(crate) fn challenge(&self) -> [u8; 8] {
        self.challenge.bytes
    }

    /// The peer's challenge, for our hello.
    pub(crate) fn echo(&self) -> Option<[u8; 8]> {
        self.theirs
    }

    /// Does one of the two still lack something that only a hello can tell?
    pub(crate) fn unfinished(&self) -> bool {
        !self.knows_us || self.lacks
    }

    /// A hello came; `met`: of the met life, which owes no answer. `ours` is the nonce of our own life.
    pub(crate) fn hello(&mut self, hello: &Hello, met: bool, ours: u32, now: Instant) -> Heard {
        self.theirs = Some(hello.challenge);
        let heard = match hello.echo {
            _ if met => Heard::Met,
            Some(answer) if self.asked(answer, now) => Heard::Answers,
            Some(_) | None => return Heard::Nothing,
        };
        if heard == Heard::Answers {
            self.renew();
        }
        self.knows_us = hello.met == Some(ours);
        self.lacks = !hello.known;
        heard
    }

    /// A hello of the own side and another life: does it answer the outstanding challenge? That is used up then (DESIGN §4.13).
    pub(crate) fn twin_answers(&mut self, hello: &Hello, now: Instant) -> bool {
        let answers = hello.echo.is_some_and(|answer| self.asked(answer, now));
        if answers {
            self.renew();
        }
        answers
    }

    /// A short form came: the peer lacks nothing.
    pub(crate) fn short(&mut self) {
        self.lacks = false;
    }

    /// May one more life be admitted now? Three at once, then one in half a deadtime: two lives of one node that both
    /// answer would be admitted in turns for ever, each time with a beat, lines in the log and a write. Nobody is taken
    /// for dead by waiting: the last one that was admitted was heard less than a deadtime ago.
    pub(crate) fn may_admit(&self, now: Instant, deadtime: Duration) -> bool {
        self.paid.since(now) <= deadtime
    }

    /// A life was admitted.
    pub(crate) fn admitted(&mut self, now: Instant, deadtime: Duration) {
        self.paid = self.paid.max(now).plus(deadtime.divided(2));
    }

    /// A hello that may not be taken yet: its challenge is echoed in time.
    pub(crate) fn later(&mut self, hello: &Hello) {
        self.theirs = Some(hello.challenge);
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
    use crate::ids::Incarnation;
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
        let mut shake = fresh(3);
        let ours = shake.challenge();
        let mut heard = |echo| shake.hello(&hello([9; 8], echo), false, 1, NOW);
        assert_eq!(heard(Some(ours)), Heard::Nothing, "it was never sent");
        shake.sends(NOW);
        let mut heard = |echo| shake.hello(&hello([9; 8], echo), false, 1, NOW);
        assert_eq!(heard(None), Heard::Nothing, "no echo");
        assert_eq!(heard(Some([1; 8])), Heard::Nothing, "another challenge");
        assert_eq!(heard(Some(ours)), Heard::Answers);
        assert_eq!(heard(Some(ours)), Heard::Nothing, "a recording of the echo");
        assert_eq!(shake.echo(), Some([9; 8]));
        assert_eq!(shake.hello(&hello([9; 8], None), true, 1, NOW), Heard::Met);
    }

    /// Asked again each second, for as long as nobody answers.
    #[test]
    fn a_challenge_is_good_for_its_time_and_no_longer() {
        let answered_after = |wait: u64, asking: bool| {
            let mut shake = fresh(3);
            let at = |secs: u64| NOW.plus(Duration::from_secs(secs));
            shake.sends(at(0));
            let ours = shake.challenge();
            (1..=wait).filter(|_| asking).for_each(|secs| shake.sends(at(secs)));
            shake.hello(&hello([9; 8], Some(ours)), false, 1, at(wait)) == Heard::Answers
        };
        let life = 3 + 2 * 4;
        for asking in [false, true] {
            assert!(answered_after(life, asking), "as long as an answer may take");
        }
        assert!(!answered_after(life + 1, false), "nobody asked since");
        assert!(answered_after(2 * life - 1, true), "it was sent until then, and the answer takes its time");
        assert!(!answered_after(2 * life + 1, true), "for ever");
        let mut shake = fresh(3);
        shake.sends(NOW);
        let ours = shake.challenge();
        shake.renew();
        shake.sends(NOW);
        assert_ne!(shake.challenge(), ours);
        assert_eq!(
            shake.hello(&hello([9; 8], Some(ours)), false, 1, NOW),
            Heard::Nothing,
            "before the death"
        );
    }

    const NOW: Instant = Instant::from_millis(1000);

    fn fresh(seed: u8) -> Handshake {
        Handshake::new([seed; 16], Duration::from_secs(1), Duration::from_secs(4))
    }

    const LIVES: [Incarnation; 2] =
        [Incarnation { counter: 1, nonce: 10 }, Incarnation { counter: 1, nonce: 20 }];

    /// Two lives on perfect links, each frame answered by the next: what the receiver admits at each step.
    fn meet(
        steps: usize,
        mut between: impl FnMut(usize, &mut Handshake, Option<Incarnation>),
    ) -> Vec<usize, 64> {
        let mut shakes = [1u8, 2].map(fresh);
        let mut met = [None; 2];
        let mut admitted = Vec::new();
        for step in 0..steps {
            let (from, to) = (step % 2, 1 - step % 2);
            between(step, &mut shakes[to], met[to]);
            if !shakes[from].unfinished() {
                shakes[to].short();
                continue;
            }
            shakes[from].sends(NOW);
            let mut message = hello(shakes[from].challenge(), shakes[from].echo());
            message.met = met[from].map(|life: Incarnation| life.nonce);
            message.known = shakes[from].knows_us;
            let known = met[to] == Some(LIVES[from]);
            if shakes[to].hello(&message, known, LIVES[to].nonce, NOW) == Heard::Answers {
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
                let known = met == Some(LIFE);
                assert_eq!(shake.hello(&hello([7; 8], Some([6; 8])), known, 10, NOW), Heard::Nothing);
            }
        });
        assert_eq!(admitted.len(), 2);
    }

    #[test]
    fn answers_are_bounded_under_a_flood() {
        let mut shake = fresh(3);
        let answers = (0..20_000u64).filter(|i| shake.may_answer(Instant::from_micros(i * 50))).count();
        assert!((1..=21).contains(&answers), "{answers} answers in one second");
    }

    #[test]
    fn three_lives_at_once_and_then_one_in_half_a_deadtime() {
        let (mut shake, deadtime) = (fresh(3), Duration::from_secs(10));
        let admitted: Vec<u64, 64> = (0..1000)
            .filter(|i| {
                let now = NOW.plus(Duration::from_millis(i * 100));
                let may = shake.may_admit(now, deadtime);
                if may {
                    shake.admitted(now, deadtime);
                }
                may
            })
            .collect();
        assert_eq!(admitted.get(..5), Some([0, 1, 2, 50, 100].as_slice()));
        assert_eq!(admitted.len(), 22);
    }

    #[test]
    fn challenges_do_not_repeat() {
        let mut shake = fresh(0);
        let mut seen = std::collections::HashSet::new();
        assert!((0..10_000).all(|_| seen.insert(shake.random())));
        assert_ne!(fresh(1).challenge(), fresh(0).challenge());
    }
}
