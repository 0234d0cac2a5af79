//! Two nodes and the witness, each on a clock of its own, with what is on the way between them.
//!
//! The members are those of `hb_core::witness`; here is only what surrounds them: clocks, frames that are late or lost,
//! starts, and what runs on a node in truth.

use hb_core::witness::{Ask, From, Member, Rate, State, Terms, Vote, Voter};
use hb_core::{Duration, Incarnation, Instant, Side};

/// Units of a clock are microseconds: a step is five of a fast one and four of a slow one, which is the drift.
pub(crate) const TERMS: Terms = Terms { drift: 4, frame: Duration::from_micros(2), longest: LENGTH };
/// A vote counts for almost three steps of a slow clock: a voter that leaves a part of its promise out is free one step too early.
pub(crate) const LENGTH: Duration = Duration::from_micros(11);
/// What the stops take, or the watchdog in their place.
const STOPS: Duration = Duration::from_micros(4);
/// A node sees its clock late by so much, the voter not at all: a frame's time covers both.
const LAG: u64 = 2;
/// Every clock begins here, long after the start of its member.
const BEGIN: u64 = 1000;

/// The members, as clocks are numbered.
pub(crate) const WITNESS: usize = 2;

/// What runs on a node, whatever it says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Runs {
    Nothing,
    Group,
    /// The group, until this node's clock is there.
    Until(u64),
}

/// How often what may still happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Left {
    pub(crate) starts: [u8; 3],
    /// Claims.
    pub(crate) stands: u8,
    /// Stops by order, and claims that are withdrawn.
    pub(crate) orders: u8,
    /// Frames that come later than in the step that they were sent in.
    pub(crate) late: u8,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct World {
    /// Units that each clock goes on in a step.
    pub(crate) rates: [u64; 3],
    pub(crate) clocks: [u64; 3],
    pub(crate) nodes: [Member; 2],
    pub(crate) witness: Voter,
    pub(crate) runs: [Runs; 2],
    /// From each node to its peer and to the witness.
    pub(crate) asks: [[Option<Ask>; 2]; 2],
    /// Which of asks and answers were on the way at the end of the last step, as bits; they cost nothing more.
    pub(crate) late: u32,
    /// To each node from its peer and from the witness.
    pub(crate) answers: [[Option<Vote>; 2]; 2],
    /// Epochs by which somebody held, as bits.
    pub(crate) held: u32,
    /// One of them twice.
    pub(crate) twice: bool,
    /// Numbers of starts that were given out.
    pub(crate) boots: u32,
    pub(crate) left: Left,
    /// A renewal by a word of an earlier start was seen on the way here.
    pub(crate) renewed: bool,
}

pub(crate) const fn at(time: u64) -> Instant {
    Instant::from_micros(time)
}

impl World {
    /// All members run for long, nobody holds.
    pub(crate) fn new(rates: [u64; 3], left: Left) -> Self {
        let node = |side, nonce| {
            let life = Incarnation { counter: nonce, nonce };
            let mut node = Member::new(side, life, 0, LENGTH, STOPS, Instant::ZERO, &TERMS);
            node.hear(From::Peer, 3 - nonce);
            node.hear(From::Witness, 3);
            node
        };
        Self {
            rates,
            clocks: [BEGIN; 3],
            nodes: [node(Side::Even, 1), node(Side::Odd, 2)],
            witness: Voter::new(3, Instant::ZERO, &TERMS),
            runs: [Runs::Nothing; 2],
            asks: [[None; 2]; 2],
            answers: [[None; 2]; 2],
            late: 0,
            held: 0,
            twice: false,
            boots: 3,
            left,
            renewed: false,
        }
    }

    /// The truth about a node's clock, by any other one's: within the drift or not.
    fn rate(&self, node: usize) -> Rate {
        if matches!(self.rates[node], 4 | 5) { Rate::Within } else { Rate::Outside }
    }

    pub(crate) fn runs_now(&self, node: usize) -> bool {
        match self.runs[node] {
            Runs::Nothing => false,
            Runs::Group => true,
            Runs::Until(end) => self.clocks[node] < end,
        }
    }

    /// What is broken, if anything is.
    pub(crate) fn broken(&self) -> Option<String> {
        if self.runs_now(0) && self.runs_now(1) {
            return Some("both hold".to_owned());
        }
        self.twice.then(|| "an epoch is used twice".to_owned())
    }

    /// A step of time. A node that has too little left ends within it, as late as its clock lets it see that.
    pub(crate) fn step(&mut self) {
        for member in 0..3 {
            self.clocks[member] += self.rates[member];
        }
        for node in 0..2 {
            let stop_at = self.nodes[node].stop_at().as_micros();
            let before = self.nodes[node].state;
            self.nodes[node].tick(at(self.clocks[node] - LAG));
            self.ended(node, before, (stop_at + LAG).min(self.clocks[node]));
            if !self.runs_now(node) {
                self.runs[node] = Runs::Nothing;
            }
        }
    }

    /// If a node began to stop, its group is gone at the end of the stops.
    fn ended(&mut self, node: usize, before: State, since: u64) {
        if before == State::Holding && self.nodes[node].state == State::Ending {
            self.runs[node] = Runs::Until(since + STOPS.as_micros());
        }
    }

    /// The beat of a node: the frames of it that are not lost take the place of what was on the way.
    pub(crate) fn beat(&mut self, node: usize, sent: [bool; 2]) {
        let before = self.nodes[node].state;
        if before == State::Holding && at(self.clocks[node]) >= self.nodes[node].stop_at() {
            // It does not see its end yet, so this is no time for a beat either.
            return;
        }
        let asks = self.nodes[node].beat(at(self.clocks[node]), &TERMS);
        self.ended(node, before, self.clocks[node]);
        self.put(node, asks, sent);
    }

    pub(crate) fn put(&mut self, node: usize, asks: Option<[Ask; 2]>, sent: [bool; 2]) {
        for (to, ask) in asks.into_iter().flatten().enumerate() {
            if sent[to] {
                self.asks[node][to] = Some(ask);
                self.late &= !(1 << (2 * node + to));
            }
        }
    }

    /// An ask of a node comes to a voter: its peer (0) or the witness (1).
    pub(crate) fn asked(&mut self, node: usize, to: usize) {
        let Some(ask) = self.asks[node][to].take() else { return };
        let rate = self.rate(node);
        let (voter, clock) = match to {
            0 => (&mut self.nodes[1 - node].own, self.clocks[1 - node]),
            _ => (&mut self.witness, self.clocks[WITNESS]),
        };
        let known = voter.lease;
        if let Ok(vote) = voter.ask(&ask, rate, at(clock), &TERMS) {
            self.answers[node][to] = Some(vote);
            self.late &= !(1 << (4 + 2 * node + to));
            self.renewed |= known.is_none() && at(clock) < voter.muted;
        }
    }

    /// An answer comes back.
    pub(crate) fn answered(&mut self, node: usize, from: usize) {
        let Some(vote) = self.answers[node][from].take() else { return };
        let before = self.nodes[node].state;
        let from = if from == 0 { From::Peer } else { From::Witness };
        self.nodes[node].take(from, vote, at(self.clocks[node] - LAG));
        self.ended(node, before, self.clocks[node]);
        if before == State::Asking && self.nodes[node].state == State::Holding {
            self.runs[node] = Runs::Group;
            let epoch = 1 << self.nodes[node].tenure.epoch;
            self.twice |= self.held & epoch != 0;
            self.held |= epoch;
        }
    }

    /// A node stops by order, at once; or shows that its stops have ended.
    pub(crate) fn stopped(&mut self, node: usize, sent: [bool; 2]) {
        self.runs[node] = Runs::Nothing;
        let asks = self.nodes[node].stopped(at(self.clocks[node]), &TERMS);
        self.put(node, asks, sent);
    }

    /// A member's memory is gone. What runs on a node is ended by its watchdog, which was fed while it might hold.
    pub(crate) fn start(&mut self, member: usize) {
        self.boots += 1;
        let (boot, now) = (self.boots, at(self.clocks[member]));
        if member == WITNESS {
            self.witness = Voter::new(boot, now, &TERMS);
            return;
        }
        let node = &mut self.nodes[member];
        let (side, last) = (node.tenure.side, node.tenure.epoch);
        let life = Incarnation { counter: boot, nonce: boot };
        *node = Member::new(side, life, last, LENGTH, STOPS, now, &TERMS);
        if self.runs[member] == Runs::Group {
            self.runs[member] = Runs::Until(self.clocks[member] + STOPS.as_micros());
        }
    }

    /// The last start of what node `node` hears as `from`: its peer (0), the witness (1).
    pub(crate) fn boot(&self, node: usize, from: usize) -> u32 {
        if from == 0 { self.nodes[1 - node].own.boot } else { self.witness.boot }
    }
}
