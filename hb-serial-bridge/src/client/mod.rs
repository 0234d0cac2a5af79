//! The node's side: the counters, asked for one page a second, and the fence as the node at one port asks for it.
//!
//! Pure as the bridge is: bytes and the time come in, bytes to be written come out. What is lost is said again; the bridge
//! answers the same thing twice without a second pulse.

mod strainer;

use crate::fence::{Fate, Named, Refusal, Word, words};
use crate::out::MAX_OWN;
use crate::report::{self, Page};
use hb_core::auth::{self, Keyring, Room};
use hb_core::frame::{Decoder, encode, max_encoded};
use hb_core::message::wire::LONGEST;
use hb_core::{Duration, Instant, Side};
use strainer::Strainer;

/// Bytes of the longest frame that is said to the bridge.
pub const MAX_LINE: usize = max_encoded(MAX_OWN);
/// Between two questions for counters.
const ASK: Duration = Duration::from_secs(1);
/// A bridge that has said nothing for so long does not answer.
const SILENCE: Duration = Duration::from_secs(5);
/// What is not answered is said again: well within the time that a *fire* counts.
const AGAIN: Duration = Duration::from_millis(150);
/// After a refusal.
const LATER: Duration = Duration::from_millis(400);
/// While a pulse and its proof are waited for, which the bridge tells of by itself.
const LOST: Duration = Duration::from_secs(2);

/// What is being asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Turn {
    Rest,
    Arm([u8; 4]),
    Fire([u8; 8]),
    /// It was fired; what comes of it is waited for.
    Watch([u8; 8]),
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The victim was reset.
    Proven(Fate),
    /// It was fired, and nothing shows that the victim was reset.
    Not(Fate),
    /// It was not fired: the victim is in a later life than any that this node knows of.
    OtherBoot,
}

/// The bridge, as a node sees it.
#[derive(Debug)]
pub struct Client {
    keys: Keyring,
    cluster: u16,
    side: Side,
    strainer: Strainer,
    relayed: Decoder<LONGEST>,
    pages: [Option<[u32; 3]>; Page::ALL.len()],
    asked: usize,
    ask_at: Instant,
    /// When the first question was asked.
    begun: Instant,
    heard: Option<Instant>,
    /// The other node's last life that it showed.
    victim: Named,
    turn: Turn,
    /// When it is said, or said again.
    say_at: Instant,
    outcome: Option<Outcome>,
    refused: Option<Refusal>,
}

impl Client {
    /// For the node `side` of `cluster`.
    #[must_use]
    pub const fn new(keys: Keyring, cluster: u16, side: Side) -> Self {
        Self {
            keys,
            cluster,
            side,
            strainer: Strainer::new(),
            relayed: Decoder::new(),
            pages: [None; Page::ALL.len()],
            asked: 0,
            ask_at: Instant::ZERO,
            begun: Instant::NEVER,
            heard: None,
            victim: Named { boot: 0, counter: 0 },
            turn: Turn::Rest,
            say_at: Instant::NEVER,
            outcome: None,
            refused: None,
        }
    }

    /// The node has other keys now.
    pub fn set_keys(&mut self, keys: Keyring) {
        self.keys = keys;
    }

    /// A byte came on the line: what is not the bridge's goes to `pass`.
    pub fn take(&mut self, byte: u8, now: Instant, pass: &mut impl FnMut(u8)) {
        let (relayed, mut shown) = (&mut self.relayed, None);
        let (keys, cluster, side) = (&self.keys, self.cluster, self.side);
        let own = self.strainer.push(byte, &mut |byte| {
            pass(byte);
            if let Some(Ok(datagram)) = relayed.push(byte) {
                shown = life(datagram, keys, cluster, side);
            }
        });
        let mut told = None;
        if let Some(datagram) = own {
            if let Some((page, words)) = report::read(datagram) {
                let at = Page::ALL.iter().position(|one| *one == page);
                if let Some(place) = at.and_then(|at| self.pages.get_mut(at)) {
                    *place = Some(words);
                }
                self.heard = Some(now);
            } else if let Some((to, word)) = words::open(datagram, cluster, keys)
                && to == side
            {
                self.heard = Some(now);
                told = Some(word);
            }
        }
        self.note(shown);
        if let Some(word) = told {
            self.told(word, now);
        }
    }

    /// The other node said this on another medium.
    pub fn meet(&mut self, datagram: &[u8]) {
        self.note(life(datagram, &self.keys, self.cluster, self.side));
    }

    fn note(&mut self, shown: Option<Named>) {
        if let Some(named) = shown.filter(|named| named.counter > self.victim.counter) {
            self.victim = named;
        }
    }

    /// Ask for the other node's reset. `random` differs from one call to the next. A pulse whose proof is still waited for is
    /// asked after, not made again.
    pub fn fire(&mut self, now: Instant, random: u32) {
        self.turn = match self.turn {
            Turn::Watch(nonce) => Turn::Fire(nonce),
            Turn::Rest | Turn::Arm(_) | Turn::Fire(_) => Turn::Arm(random.to_le_bytes()),
        };
        (self.say_at, self.outcome, self.refused) = (now, None, None);
    }

    /// Nobody waits for it any longer.
    pub fn give_up(&mut self) {
        if !matches!(self.turn, Turn::Watch(_)) {
            self.turn = Turn::Rest;
        }
        self.say_at = Instant::NEVER;
    }

    /// What came of [`Self::fire`], once.
    pub const fn outcome(&mut self) -> Option<Outcome> {
        self.outcome.take()
    }

    /// Why nothing was fired so far, as the bridge said last.
    #[must_use]
    pub const fn refused(&self) -> Option<Refusal> {
        self.refused
    }

    /// It was fired, and what comes of it is waited for.
    #[must_use]
    pub const fn fired(&self) -> bool {
        matches!(self.turn, Turn::Watch(_))
    }

    /// The words of a page, as they came last.
    #[must_use]
    pub fn page(&self, page: Page) -> Option<[u32; 3]> {
        let at = Page::ALL.iter().position(|one| *one == page)?;
        *self.pages.get(at)?
    }

    /// It has said something of late.
    #[must_use]
    pub fn answers(&self, now: Instant) -> bool {
        self.heard.is_some_and(|heard| now.since(heard) < SILENCE)
    }

    /// Until then nobody needs to be told that a bridge has said nothing yet, which was asked from the first question on.
    #[must_use]
    pub fn patience(&self) -> Instant {
        self.begun.plus(SILENCE)
    }

    /// When [`Self::say`] has something.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.ask_at.min(self.say_at)
    }

    /// The frame that is to be written now; 0 bytes if there is none.
    #[must_use]
    pub fn say(&mut self, now: Instant, out: &mut [u8; MAX_LINE]) -> usize {
        let word = match self.turn {
            _ if now < self.say_at => None,
            Turn::Rest => None,
            Turn::Arm(challenge) => Some((Word::Arm { challenge }, AGAIN)),
            Turn::Fire(nonce) => Some((Word::Fire { nonce, victim: self.victim }, AGAIN)),
            Turn::Watch(nonce) => Some((Word::Fire { nonce, victim: self.victim }, LOST)),
        };
        if let Some((word, again)) = word {
            self.say_at = now.plus(again);
            let mut datagram = [0; MAX_OWN];
            let len = words::seal(word, self.side, self.cluster, &self.keys, &mut datagram).unwrap_or(0);
            return datagram.get(..len).and_then(|datagram| encode(datagram, out)).unwrap_or(0);
        }
        if now < self.ask_at {
            return 0;
        }
        self.ask_at = now.plus(ASK);
        self.begun = self.begun.min(now);
        let page = Page::ALL.get(self.asked).or(Page::ALL.first()).copied().unwrap_or(Page::Bridge);
        self.asked = self.asked.wrapping_add(1) % Page::ALL.len();
        encode(&report::ask(page), out).unwrap_or(0)
    }

    fn told(&mut self, word: Word, now: Instant) {
        let front = |nonce: [u8; 8]| {
            let [a, b, c, d, ..] = nonce;
            [a, b, c, d]
        };
        match (self.turn, word) {
            (Turn::Arm(asked), Word::Armed { challenge, nonce }) if asked == challenge => {
                (self.turn, self.say_at) = (Turn::Fire(nonce), now);
            }
            (Turn::Arm(asked), Word::Refused { challenge, why }) if asked == challenge => {
                (self.refused, self.say_at) = (Some(why), now.plus(LATER));
            }
            (Turn::Fire(nonce) | Turn::Watch(nonce), Word::Refused { challenge, why })
                if front(nonce) == challenge =>
            {
                self.refused = Some(why);
                if why == Refusal::OtherBoot {
                    self.end(Outcome::OtherBoot);
                } else {
                    // Too late, or the bridge was reset: anew, with another number.
                    let anew = u32::from_le_bytes(challenge).wrapping_add(1);
                    (self.turn, self.say_at) = (Turn::Arm(anew.to_le_bytes()), now.plus(AGAIN));
                }
            }
            (Turn::Fire(asked) | Turn::Watch(asked), Word::Fate { nonce, fate }) if asked == nonce => {
                match fate {
                    Fate::Held | Fate::Watched => {
                        (self.turn, self.say_at) = (Turn::Watch(nonce), now.plus(LOST))
                    }
                    Fate::Sensed | Fate::Returned => self.end(Outcome::Proven(fate)),
                    Fate::Failed | Fate::Unproven => self.end(Outcome::Not(fate)),
                }
            }
            _ => {}
        }
    }

    const fn end(&mut self, outcome: Outcome) {
        (self.turn, self.say_at, self.outcome) = (Turn::Rest, Instant::NEVER, Some(outcome));
    }
}

/// The life that a hello of the other node shows.
fn life(datagram: &[u8], keys: &Keyring, cluster: u16, me: Side) -> Option<Named> {
    let mut room = Room::new();
    let message = auth::open_in(&mut room, datagram, me, cluster, keys, None).ok()?;
    let hello = message.hello.as_ref()?;
    Some(Named { boot: hello.boot, counter: message.incarnation.counter })
}
