//! A node, for one group: it asks for votes, holds by two of three, and stops before the second one ends.
//!
//! ```text
//!          stand                    two of three               too little is left
//!   Out ───────────► Asking ─────────────────────► Holding ──────────────────────► Ending
//!    ▲ ◄── withdraw ──┘                               │ stopped                       │
//!    └────────────────────────────────────────────────┴───────────── stopped ─────────┘
//! ```

use super::{Ask, Rate, Tenure, Terms, Vote, Voter};
use crate::ids::{Incarnation, Side};
use crate::time::{Duration, Instant};

/// Beats whose answers are waited for.
const BEATS: usize = 4;

/// The two other members.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum From {
    /// The other node.
    Peer,
    /// The witness.
    Witness,
}

/// What a node does for its group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Nothing: the group is stopped here.
    Out,
    /// It asks for votes, and runs nothing.
    Asking,
    /// It may run the group.
    Holding,
    /// It must stop it.
    Ending,
}

/// A vote that came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    /// The voter's word.
    pub vote: Vote,
    /// It counts until then, by this node's clock.
    pub until: Instant,
}

/// A node's memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Member {
    /// Its own vote.
    pub own: Voter,
    /// What it does.
    pub state: State,
    /// Its last claim; of a higher epoch than all before.
    pub tenure: Tenure,
    /// How long its votes count.
    pub length: Duration,
    /// So long all stops take at most, or the watchdog in their place.
    pub stops: Duration,
    /// Votes of the peer and of the witness.
    pub votes: [Option<Held>; 2],
    /// Their last starts.
    pub heard: [u32; 2],
    /// Its own vote counts until then.
    pub own_until: Instant,
    /// The last beat.
    pub number: u32,
    /// When the last ones were sent.
    pub sent: [Instant; BEATS],
}

const fn place(from: From) -> usize {
    match from {
        From::Peer => 0,
        From::Witness => 1,
    }
}

impl Member {
    /// A node that starts now in this life. Votes count for `length`; all stops, or the watchdog, need `stops`. `last` is the
    /// highest epoch that it, or its peer as far as it knows, ever claimed by.
    #[must_use]
    pub const fn new(
        side: Side,
        life: Incarnation,
        last: u32,
        length: Duration,
        stops: Duration,
        now: Instant,
        terms: &Terms,
    ) -> Self {
        Self {
            own: Voter::new(life.nonce, now, terms),
            state: State::Out,
            tenure: Tenure { side, life, epoch: last },
            length,
            stops,
            votes: [None; 2],
            heard: [0; 2],
            own_until: Instant::ZERO,
            number: 0,
            sent: [Instant::ZERO; BEATS],
        }
    }

    /// Another member shows this start of it.
    pub fn hear(&mut self, from: From, boot: u32) {
        if let Some(heard) = self.heard.get_mut(place(from)) {
            *heard = boot;
        }
    }

    /// Ask for votes from now on. False where that cannot be: it holds already, or the epoch was used (DESIGN §7 O9.9).
    pub fn stand(&mut self, epoch: u32) -> bool {
        let may = self.state == State::Out && epoch > self.tenure.epoch;
        if may {
            self.tenure.epoch = epoch;
            self.votes = [None; 2];
            self.own_until = Instant::ZERO;
            self.state = State::Asking;
        }
        may
    }

    /// It does not want to any longer; only while nothing was begun.
    pub fn withdraw(&mut self) {
        if self.state == State::Asking {
            self.state = State::Out;
        }
    }

    /// Two of three votes count until then (DESIGN §7 O9.2).
    #[must_use]
    pub fn until(&self) -> Instant {
        let [peer, witness] = self.votes.map(|vote| vote.map_or(Instant::ZERO, |held| held.until));
        let own = self.own_until;
        // The second highest of three.
        own.min(peer).max(own.min(witness)).max(peer.min(witness))
    }

    /// Stops begin then at the latest, and a watchdog of at most `stops` is fed until then at the latest (DESIGN §7 O9.6).
    #[must_use]
    pub fn stop_at(&self) -> Instant {
        self.until().minus(self.stops)
    }

    /// Time passes: before anything else is done with it.
    pub fn tick(&mut self, now: Instant) {
        if self.state == State::Holding && now >= self.stop_at() {
            self.state = State::Ending;
        }
    }

    /// A beat is about to be sent: what is asked of both; `None` while nothing is. Its own vote comes first.
    pub fn beat(&mut self, now: Instant, terms: &Terms) -> Option<[Ask; 2]> {
        self.tick(now);
        if !matches!(self.state, State::Asking | State::Holding) {
            return None;
        }
        // A life has 4,000,000,000 beats; after them it asks no more.
        let number = self.number.checked_add(1)?;
        let (tenure, length) = (self.tenure, self.length);
        let own = Ask { tenure, number, length, heard: self.own.boot, token: None };
        self.own.ask(&own, Rate::Within, now, terms).ok()?;
        self.number = number;
        self.own_until = now.plus(length);
        *self.sent.get_mut(number as usize % BEATS)? = now;
        Some([From::Peer, From::Witness].map(|to| self.asked(own, to, now)))
    }

    /// The same of another member: with its word of an earlier start, while that counts (DESIGN §7 O9.8).
    fn asked(&self, own: Ask, to: From, now: Instant) -> Ask {
        let heard = self.heard.get(place(to)).copied().unwrap_or_default();
        let held = self.votes.get(place(to)).copied().flatten();
        let token = held.filter(|held| now < held.until && held.vote.boot != heard).map(|held| held.vote);
        Ask { heard, token, ..own }
    }

    /// A vote came.
    pub fn take(&mut self, from: From, vote: Vote, now: Instant) {
        self.tick(now);
        let asks = matches!(self.state, State::Asking | State::Holding);
        // The beat is one of the last ones.
        let age = self.number.wrapping_sub(vote.number);
        let Some(sent) = self.sent.get(vote.number as usize % BEATS).filter(|_| (age as usize) < BEATS)
        else {
            return;
        };
        if !asks || vote.tenure != self.tenure {
            return;
        }
        // From when the beat was sent, not from now: what the voter does is counted from later (DESIGN §7 O9.3).
        let until = sent.plus(self.length);
        if let Some(place) =
            self.votes.get_mut(place(from)).filter(|p| p.is_none_or(|held| held.until < until))
        {
            *place = Some(Held { vote, until });
        }
        if self.state == State::Asking && now < self.stop_at() {
            self.state = State::Holding;
        }
    }

    /// Every stop is proven. What gives the votes back, so that nobody has to wait for their end (DESIGN §7 O9.11).
    pub fn stopped(&mut self, now: Instant, terms: &Terms) -> Option<[Ask; 2]> {
        if !matches!(self.state, State::Holding | State::Ending) {
            return None;
        }
        self.state = State::Out;
        let number = self.number.checked_add(1)?;
        self.number = number;
        let back =
            Ask { tenure: self.tenure, number, length: Duration::ZERO, heard: self.own.boot, token: None };
        // It may vote for the other one at once.
        let _ = self.own.ask(&back, Rate::Within, now, terms);
        Some(self.heard.map(|heard| Ask { heard, ..back }))
    }
}
