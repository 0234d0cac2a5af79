//! The fence's frames: what a node says to the bridge, and what it is answered (docs/spec/bridge.md).
//!
//! ```text
//! head     0B kind  side|key  cluster(2)        arm     head  challenge(4)            tag
//!                                               armed   head  challenge(4) nonce(8)   tag
//!                                               fire    head  nonce(8) boot(4) counter(4)  tag
//!                                               fate    head  nonce(8) fate           tag
//!                                               refused head  challenge(4) reason     tag
//! ```

use super::state::Fate;
use crate::out::MAX_OWN;
use crate::report::MARK;
use hb_core::Side;
use hb_core::auth::{self, Keyring};

const HEAD: usize = 5;
const ODD: u8 = 0x10;

/// Why nothing happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Refusal {
    /// The bridge itself hears the victim, which does not say that it is stuck; or has not listened for long enough.
    Heard,
    /// A pulse, or the proof of one, is under way.
    Busy,
    /// There was no *arm*, it was too long ago, or it had another nonce.
    NotArmed,
    /// The victim is in another boot than the one that was named.
    OtherBoot,
}

impl Refusal {
    /// Every reason, in the order of their numbers on the wire.
    pub const ALL: [Self; 4] = [Self::Heard, Self::Busy, Self::NotArmed, Self::OtherBoot];
}

/// Whom a *fire* is meant for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Named {
    /// The boot that it is to lose.
    pub boot: u32,
    /// The counter of its last incarnation: what comes back has a higher one.
    pub counter: u32,
}

/// What is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Word {
    /// A node wants to reset the other one.
    Arm {
        /// Its own random number.
        challenge: [u8; 4],
    },
    /// It may, for 500 ms.
    Armed {
        /// That of the *arm*.
        challenge: [u8; 4],
        /// What the *fire* must bring.
        nonce: [u8; 8],
    },
    /// Now.
    Fire {
        /// That of the *armed*.
        nonce: [u8; 8],
        /// The victim, as its hello showed it.
        victim: Named,
    },
    /// What came of it.
    Fate {
        /// That of the *fire*.
        nonce: [u8; 8],
        /// See there.
        fate: Fate,
    },
    /// Nothing came of it.
    Refused {
        /// That of the *arm*, or the first four bytes of the nonce of the *fire*.
        challenge: [u8; 4],
        /// See there.
        why: Refusal,
    },
}

/// Code and sign `word` from or to the node `side`. Gives its length in `out`.
#[must_use]
pub fn seal(word: Word, side: Side, cluster: u16, keys: &Keyring, out: &mut [u8; MAX_OWN]) -> Option<usize> {
    let number = |at: Option<usize>| at.and_then(|at| u8::try_from(at).ok());
    let mut rest = [0; 16];
    let put = |rest: &mut [u8; 16], a: &[u8], b: &[u8]| {
        rest.iter_mut().zip(a.iter().chain(b)).for_each(|(to, from)| *to = *from);
        a.len().saturating_add(b.len())
    };
    let (kind, len) = match word {
        Word::Arm { challenge } => (3, put(&mut rest, &challenge, &[])),
        Word::Armed { challenge, nonce } => (4, put(&mut rest, &challenge, &nonce)),
        Word::Fire { nonce, victim: Named { boot, counter } } => {
            let named = [boot.to_le_bytes(), counter.to_le_bytes()];
            (5, put(&mut rest, &nonce, named.as_flattened()))
        }
        Word::Fate { nonce, fate } => {
            let at = number(Fate::ALL.iter().position(|one| *one == fate))?;
            (6, put(&mut rest, &nonce, &[at]))
        }
        Word::Refused { challenge, why } => {
            let at = number(Refusal::ALL.iter().position(|one| *one == why))?;
            (7, put(&mut rest, &challenge, &[at]))
        }
    };
    let side = match side {
        Side::Even => 0,
        Side::Odd => ODD,
    };
    let [low, high] = cluster.to_le_bytes();
    let head = [MARK, kind, side | keys.signer(), low, high];
    let all = head.iter().chain(rest.get(..len)?);
    out.iter_mut().zip(all).for_each(|(to, from)| *to = *from);
    auth::sign(HEAD.saturating_add(len), keys, out)
}

/// What `datagram` says, and from or to which node; `None` if it is none of these, or nobody with a key made it.
#[must_use]
pub fn open(datagram: &[u8], cluster: u16, keys: &Keyring) -> Option<(Side, Word)> {
    let [MARK, kind, who, low, high, ..] = *datagram else { return None };
    if u16::from_le_bytes([low, high]) != cluster || who & !(ODD | 15) != 0 || !matches!(kind, 3..=7) {
        return None;
    }
    let body = auth::verify(datagram, who & 15, keys)?.get(HEAD..)?;
    let side = if who & ODD == 0 { Side::Even } else { Side::Odd };
    let word = match (kind, body) {
        (3, challenge) => Word::Arm { challenge: challenge.try_into().ok()? },
        (4, [a, b, c, d, nonce @ ..]) => {
            Word::Armed { challenge: [*a, *b, *c, *d], nonce: nonce.try_into().ok()? }
        }
        (5, [nonce @ .., a, b, c, d, e, f, g, h]) => Word::Fire {
            nonce: nonce.try_into().ok()?,
            victim: Named {
                boot: u32::from_le_bytes([*a, *b, *c, *d]),
                counter: u32::from_le_bytes([*e, *f, *g, *h]),
            },
        },
        (6, [nonce @ .., fate]) => {
            Word::Fate { nonce: nonce.try_into().ok()?, fate: *Fate::ALL.get(usize::from(*fate))? }
        }
        (7, [challenge @ .., why]) => Word::Refused {
            challenge: challenge.try_into().ok()?,
            why: *Refusal::ALL.get(usize::from(*why))?,
        },
        _ => return None,
    };
    Some((side, word))
}
