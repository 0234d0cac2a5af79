//! The fence of one node: its reset output, asked for by the other node in two steps, and the proof that it was reset.
//!
//! Every doubt is decided for *no pulse*: a victim that may be heard is heard, a bridge that has not listened for a deadtime
//! hears everybody, and what is not proven is said to be unproven. [`state`] has the diagram.

pub mod state;
mod victim;
pub mod words;

use hb_core::auth::Keyring;
use hb_core::{Duration, Instant, Side};
use state::{Event, Say, step};
pub use state::{Fate, State};
use victim::{Heard, Victim};
pub use words::{Named, Refusal, Word};

/// A *fire* counts for so long after the first *arm*.
pub const WINDOW: Duration = Duration::from_millis(500);
/// The output is on for so long: what a reset button is held for, many times what a supervisor chip asks for.
pub const HOLD: Duration = Duration::from_millis(500);
/// What the victim's UART still had, and the line, when the output went on.
const GRACE: Duration = Duration::from_millis(50);
/// A victim that has not come back after that is not waited for any longer: an old server's boot, and its check of disks.
pub const RETURN: Duration = Duration::from_secs(900);

/// What the fences of a bridge share.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) keys: Keyring,
    pub(crate) cluster: u16,
    /// Mixed at each use; begins with what the board knows of chance.
    pub(crate) seed: u64,
}

impl Guard {
    fn nonce(&mut self, now: Instant, challenge: [u8; 4]) -> [u8; 8] {
        let came = u64::from(u32::from_le_bytes(challenge)) << 32;
        self.seed = mixed(self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15) ^ mixed(now.as_micros()) ^ came);
        mixed(self.seed).to_le_bytes()
    }
}

/// Every bit of it depends on every bit of `x` (the finalizer of splitmix64).
const fn mixed(x: u64) -> u64 {
    let x = (x ^ x >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ x >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ x >> 31
}

/// The fence of the node at one port.
#[derive(Debug)]
pub(crate) struct Fence {
    state: State,
    /// When the time of the state is over.
    until: Instant,
    nonce: [u8; 8],
    /// What came of the last *fire*; `None` until the nonce that stands was used.
    fate: Option<Fate>,
    /// Whom it was meant for.
    named: Named,
    /// Who is told.
    asker: Side,
    /// The sense input: high before the pulse, and low during it.
    was_up: bool,
    fell: bool,
    /// The victim was heard during the pulse.
    spoke: bool,
    victim: Victim,
}

impl Fence {
    pub(crate) const fn new() -> Self {
        Self {
            state: State::Rest,
            until: Instant::ZERO,
            nonce: [0; 8],
            fate: None,
            named: Named { boot: 0, counter: 0 },
            asker: Side::Even,
            was_up: false,
            fell: false,
            spoke: false,
            victim: Victim::new(),
        }
    }

    /// The output is on.
    pub(crate) const fn is_on(&self) -> bool {
        matches!(self.state, State::Held)
    }

    pub(crate) const fn state(&self) -> State {
        self.state
    }

    /// The node that announced this deadtime last: the one here.
    pub(crate) const fn deadtime(&self) -> Option<Duration> {
        self.victim.deadtime
    }

    /// The level of the sense input: high while the node has its supply, or is not in reset.
    pub(crate) const fn sense(&mut self, up: bool) {
        if !self.is_on() {
            self.was_up = up;
        } else if self.was_up && !up {
            self.fell = true;
        }
    }

    /// The node at this port said `datagram`. Who is told what, if anybody.
    pub(crate) fn hear(&mut self, datagram: &[u8], guard: &Guard, now: Instant) -> Option<(Side, Word)> {
        let heard = self.victim.hear(datagram, guard, now)?;
        if self.is_on() && now > self.until.minus(HOLD).plus(GRACE) {
            self.spoke = true;
        }
        let event = match (self.state, heard) {
            (State::Watched, Heard::Life(named)) if self.is_after(named) => Event::Returned,
            // What may be anybody's proves nothing about the victim's life.
            (State::Watched, Heard::Somebody) => return None,
            (State::Watched, Heard::Life(_) | Heard::Same) => Event::Heard,
            _ if self.victim.stuck => return None,
            _ => Event::Heard,
        };
        let (asker, nonce) = (self.asker, self.nonce);
        self.go(event, now).map(|fate| (asker, Word::Fate { nonce, fate }))
    }

    fn is_after(&self, life: Named) -> bool {
        life.boot != self.named.boot && life.counter > self.named.counter
    }

    /// Time passes. Who is told what, if anybody.
    pub(crate) fn tick(&mut self, now: Instant) -> Option<(Side, Word)> {
        if self.state == State::Rest || now < self.until {
            return None;
        }
        let event = match (self.fell, self.spoke) {
            (true, _) => Event::DueSensed,
            (false, true) => Event::DueHeard,
            (false, false) => Event::Due,
        };
        let fate = self.go(event, now)?;
        Some((self.asker, Word::Fate { nonce: self.nonce, fate }))
    }

    /// The node at the other port asks for this one's reset. What it is answered (DESIGN §7 O9.1).
    pub(crate) fn ask(
        &mut self,
        asker: Side,
        word: Word,
        silence: Duration,
        guard: &mut Guard,
        now: Instant,
    ) -> Option<Word> {
        match word {
            Word::Arm { challenge } => {
                if self.victim.is_heard(now, silence) {
                    return Some(Word::Refused { challenge, why: Refusal::Heard });
                }
                let from = self.state;
                let (next, say) = step(from, Event::Arm);
                if let Say::Busy = say {
                    return Some(Word::Refused { challenge, why: Refusal::Busy });
                }
                if from == State::Rest {
                    self.nonce = guard.nonce(now, challenge);
                    (self.asker, self.fate) = (asker, None);
                    self.until = now.plus(WINDOW);
                }
                self.state = next;
                Some(Word::Armed { challenge, nonce: self.nonce })
            }
            Word::Fire { nonce, victim } => Some(self.fire(nonce, victim, silence, now)),
            Word::Armed { .. } | Word::Fate { .. } | Word::Refused { .. } => None,
        }
    }

    fn fire(&mut self, nonce: [u8; 8], named: Named, silence: Duration, now: Instant) -> Word {
        let [a, b, c, d, ..] = nonce;
        let refused = |why| Word::Refused { challenge: [a, b, c, d], why };
        // A zero nonce is that of a bridge that was never asked.
        if nonce != self.nonce || self.state == State::Rest && self.fate.is_none() {
            return refused(Refusal::NotArmed);
        }
        if let (State::Rest, Some(fate)) = (self.state, self.fate) {
            return Word::Fate { nonce, fate };
        }
        if self.state == State::Armed {
            let against = if self.victim.is_heard(now, silence) {
                Some(Refusal::Heard)
            } else if self.victim.is_other(named) {
                Some(Refusal::OtherBoot)
            } else {
                None
            };
            if let Some(why) = against {
                self.go(Event::Heard, now);
                return refused(why);
            }
            self.named = named;
        }
        match self.go(Event::Fire, now) {
            Some(fate) => Word::Fate { nonce, fate },
            None => refused(Refusal::NotArmed),
        }
    }

    /// Go on by one event. The fate that is to be told.
    fn go(&mut self, event: Event, now: Instant) -> Option<Fate> {
        let from = self.state;
        let (next, say) = step(from, event);
        self.state = next;
        if next != from {
            match next {
                State::Held => {
                    self.until = now.plus(HOLD);
                    (self.fell, self.spoke) = (false, false);
                }
                State::Watched => self.until = now.plus(RETURN),
                State::Rest | State::Armed => {}
            }
        }
        let Say::Fate(fate) = say else { return None };
        self.fate = Some(fate);
        Some(fate)
    }
}
