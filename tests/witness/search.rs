//! Every order of what can happen, step by step: each state of a step once.

use crate::world::{Left, Runs, WITNESS, World};
use hb_core::witness::{Ask, From, Held, State, Vote, Voter};
use std::collections::HashSet;
use std::hash::{Hash, Hasher};

/// What was seen.
#[derive(Default, Debug)]
pub(crate) struct Seen {
    pub(crate) states: usize,
    /// Each node held somewhere.
    pub(crate) held: [bool; 2],
    /// One node held after the other one did.
    pub(crate) moved: bool,
    /// A vote was renewed by the word of an earlier start.
    pub(crate) renewed: bool,
}

/// Everything that can happen from `first` on in so many steps.
///
/// # Errors
/// What is broken, and the way there.
pub(crate) fn search(first: World, steps: u32) -> Result<Seen, String> {
    let (mut seen, mut worlds) = (Seen::default(), vec![first]);
    for step in 0..=steps {
        for (at, phase) in (1..).zip(PHASES) {
            let (before, mut next) = (worlds.len(), Vec::new());
            for world in worlds {
                phase(world, &mut |world| next.push(world));
            }
            // What is lost makes states alike.
            if next.len() > before || at == PHASES.len() {
                let mut known = HashSet::with_capacity(next.len());
                next.retain(|world| known.insert(key(world)));
            }
            worlds = next;
            if let Some((world, what)) = worlds.iter().find_map(|w| Some((w, w.broken()?))) {
                return Err(format!("{what} after {step} steps: {world:#?}"));
            }
        }
        seen.states += worlds.len();
        for world in &mut worlds {
            for node in 0..2 {
                seen.held[node] |= world.runs_now(node);
            }
            // Even epochs are the one node's, odd ones the other's.
            seen.moved |= world.held & 0x5555_5555 != 0 && world.held & 0xAAAA_AAAA != 0;
            seen.renewed |= world.renewed;
            world.step();
        }
    }
    Ok(seen)
}

type Phase = fn(World, &mut dyn FnMut(World));

/// What can happen in one step, in this order; what would come before something of an earlier phase comes in the next step.
const PHASES: [Phase; 17] = [
    |w, f| hear(w, 0, f),
    |w, f| hear(w, 1, f),
    |w, f| decide(w, 0, f),
    |w, f| decide(w, 1, f),
    |w, f| beat(w, 0, f),
    |w, f| beat(w, 1, f),
    |w, f| ask(w, 0, 0, f),
    |w, f| ask(w, 1, 0, f),
    // The witness hears either first.
    |w, f| ask(w, 0, 1, f),
    |w, f| ask(w, 1, 1, f),
    |w, f| ask(w, 0, 1, f),
    |w, f| answer(w, 0, f),
    |w, f| answer(w, 1, f),
    |w, f| start(w, 0, f),
    |w, f| start(w, 1, f),
    |w, f| start(w, WITNESS, f),
    lose,
];

fn with(world: &World, change: impl FnOnce(&mut World), found: &mut dyn FnMut(World)) {
    let mut world = *world;
    change(&mut world);
    found(world);
}

/// A node hears of the last start of another member, sooner or later.
fn hear(world: World, node: usize, found: &mut dyn FnMut(World)) {
    for (place, from) in [From::Peer, From::Witness].into_iter().enumerate() {
        let boot = world.boot(node, place);
        if world.nodes[node].heard[place] != boot {
            with(&world, |w| w.nodes[node].hear(from, boot), found);
        }
    }
    found(world);
}

/// A node wants to hold, by a new epoch or by its last one once more; or holds no longer; or has stopped.
fn decide(world: World, node: usize, found: &mut dyn FnMut(World)) {
    let member = &world.nodes[node];
    let (side, last) = (member.tenure.side, member.tenure.epoch);
    match member.state {
        State::Out if world.left.stands > 0 && world.runs[node] == Runs::Nothing => {
            let known = world.nodes.iter().map(|n| n.tenure.epoch).max().unwrap_or_default();
            for epoch in [last, side.epoch_above(known)] {
                let mut other = world;
                if other.nodes[node].stand(epoch) {
                    other.left.stands -= 1;
                    found(other);
                }
            }
        }
        State::Holding | State::Ending if world.left.orders > 0 => {
            // By order, or since all is stopped.
            for sent in [[true, true], [true, false], [false, true]] {
                let mut other = world;
                other.left.orders -= 1;
                other.stopped(node, sent);
                found(other);
            }
        }
        State::Ending if world.runs[node] == Runs::Nothing => {
            with(&world, |w| w.stopped(node, [false; 2]), found);
        }
        State::Asking if world.left.orders > 0 => with(
            &world,
            |w| {
                w.left.orders -= 1;
                w.nodes[node].withdraw();
            },
            found,
        ),
        State::Out | State::Asking | State::Holding | State::Ending => {}
    }
    found(world);
}

fn beat(world: World, node: usize, found: &mut dyn FnMut(World)) {
    if !matches!(world.nodes[node].state, State::Asking | State::Holding) {
        return found(world);
    }
    for sent in [[false, false], [true, false], [false, true], [true, true]] {
        with(&world, |w| w.beat(node, sent), found);
    }
}

fn ask(world: World, node: usize, to: usize, found: &mut dyn FnMut(World)) {
    if world.asks[node][to].is_some() {
        with(&world, |w| w.asked(node, to), found);
    }
    found(world);
}

fn answer(world: World, node: usize, found: &mut dyn FnMut(World)) {
    for first in 0..2 {
        if world.answers[node][first].is_some() {
            with(&world, |w| w.answered(node, first), found);
        }
    }
    if world.answers[node].iter().all(Option::is_some) {
        let both = |w: &mut World| {
            w.answered(node, 0);
            w.answered(node, 1);
        };
        with(&world, both, found);
    }
    found(world);
}

/// What is still on the way is lost, or late.
fn lose(world: World, found: &mut dyn FnMut(World)) {
    let all = |w: &World| {
        w.asks
            .as_flattened()
            .iter()
            .map(Option::is_some)
            .chain(w.answers.as_flattened().iter().map(Option::is_some))
            .collect::<Vec<_>>()
    };
    let there = all(&world);
    for kept in 0..1_u32 << there.len() {
        let is_kept = |place: usize| kept >> place & 1 == 1;
        if (kept & !world.late).count_ones() > u32::from(world.left.late)
            || (0..there.len()).any(|p| is_kept(p) && !there[p])
        {
            continue;
        }
        let mut other = world;
        for place in (0..there.len()).filter(|place| !is_kept(*place)) {
            match place {
                0..4 => other.asks.as_flattened_mut()[place] = None,
                _ => other.answers.as_flattened_mut()[place - 4] = None,
            }
        }
        // One that is late already stays so at no cost.
        other.left.late = world.left.late - (kept & !world.late).count_ones() as u8;
        other.late = kept;
        found(other);
    }
}

fn start(world: World, member: usize, found: &mut dyn FnMut(World)) {
    if world.left.starts[member] > 0 {
        let begin = |w: &mut World| {
            w.left.starts[member] -= 1;
            w.start(member);
        };
        with(&world, begin, found);
    }
    found(world);
}

/// Two numbers that tell a state from every other one; the clocks are the same for all of a step.
fn key(world: &World) -> (u64, u64) {
    let mut to = Mix(0, 0);
    for (node, runs) in world.nodes.iter().zip(&world.runs) {
        (node.state as u32, node.tenure.epoch, node.tenure.life.nonce, node.number, node.heard).hash(&mut to);
        voter(&node.own, &mut to);
        if node.state != State::Out {
            node.own_until.as_micros().hash(&mut to);
            node.sent.map(|sent| sent.as_micros()).hash(&mut to);
            node.votes
                .map(|held| held.map(|Held { vote, until }| (self::vote(&vote), until.as_micros())))
                .hash(&mut to);
        }
        match runs {
            Runs::Nothing => 0,
            Runs::Group => 1,
            Runs::Until(end) => *end,
        }
        .hash(&mut to);
    }
    voter(&world.witness, &mut to);
    for Ask { tenure, number, length, heard, token } in world.asks.as_flattened().iter().flatten() {
        (tenure.epoch, tenure.life.nonce, number, length.as_micros(), heard).hash(&mut to);
        token.as_ref().map(vote).hash(&mut to);
    }
    for place in 0..4 {
        let (ask, answer) = (world.asks.as_flattened()[place], world.answers.as_flattened()[place]);
        (ask.is_some(), answer.as_ref().map(vote)).hash(&mut to);
    }
    let Left { starts, stands, orders, late } = world.left;
    (starts, stands, orders, late, world.late, world.held, world.renewed).hash(&mut to);
    (to.0, to.1)
}

fn vote(vote: &Vote) -> (u32, u32, u32, u32) {
    (vote.boot, vote.tenure.epoch, vote.tenure.life.nonce, vote.number)
}

fn voter(voter: &Voter, to: &mut Mix) {
    (voter.boot, voter.muted.as_micros()).hash(to);
    voter.lease.map(|l| (l.tenure.epoch, l.tenure.life.nonce, l.number, l.until.as_micros())).hash(to);
}

/// 128 bits of what is put in, quickly.
struct Mix(u64, u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let word = chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
            self.write_u64(word);
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517C_C1B7_2722_0A95);
        self.1 = (self.1 ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_u8(&mut self, word: u8) {
        self.write_u64(u64::from(word));
    }
}
