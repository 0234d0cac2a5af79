//! The search: every state that up to so many faults and commands can lead to, fewest faults first.
//!
//! Steps that cost nothing are followed to the end before the next fault is spent, so a state is first reached with as
//! few faults as can be, and what was seen with fewer needs no second look. States of the last level are explored as
//! they come, which keeps the worlds in memory to those of the levels before.
//!
//! **Long waits.** A failed start waits ten seconds and more, a hundred instants that differ by nothing but how far ahead its
//! end is. While that end is far (`canon::Marks::calm`), nothing compares with it: what can befall two such states, and what
//! follows within the next two seconds, is the same. So only the first of them is expanded, the one with the longest wait
//! left; from the others time goes on, step by step and with every rule checked, until something else is new or the end is
//! near. Left out is a row of events that begins in the far part of a wait and is still going on at its end.

use super::actions::{Action, kind};
use super::case::Case;
use super::fair::Fair;
use super::rules::Violation;
use super::world::World;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Fingerprints are hashes already.
#[derive(Default)]
pub(super) struct Straight(u64);

impl Hasher for Straight {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0 << 8 | u64::from(*byte));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

pub(super) type Plain = BuildHasherDefault<Straight>;

/// What a search came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// Different states.
    pub states: usize,
    /// Steps taken, to new states and to known ones.
    pub steps: u64,
    /// States that were followed to their rest, and the different states on the way.
    pub rests: u64,
    /// Different states on these ways.
    pub on_the_way: usize,
    /// Steps of the longest path that was the first to its state.
    pub depth: u32,
    /// How long it took.
    pub time: Duration,
    /// All of it was seen; `false` when the limit of states or time came first.
    pub complete: bool,
    /// The first broken rule, with the steps to it.
    pub violation: Option<(Violation, Vec<String>)>,
}

/// How close to look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grain {
    /// Frames, timers, scripts and writes of one instant come in every order, and faults between any two of them.
    Fine,
    /// The nodes' timers come in three orders, frames are read before anything else, writes are quick; faults and the
    /// ends of scripts come between instants. Each state costs as much, but there are far fewer for the same faults.
    Coarse,
}

/// How far to go.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Everything in an instant in every order, or the instants as wholes.
    pub grain: Grain,
    /// Every so many-th state between two instants is followed to its rest; 1 for all.
    pub rest_every: u64,
    /// Faults and commands in one run at most.
    pub faults: u8,
    /// Only these kinds, a bit for each of [`super::KINDS`].
    pub kinds: u32,
    /// Different states at most.
    pub states: usize,
}

impl Bounds {
    /// All that up to so many faults of every kind lead to.
    #[must_use]
    pub const fn new(grain: Grain, faults: u8) -> Self {
        Self { grain, rest_every: 1, faults, kinds: u32::MAX, states: usize::MAX }
    }

    /// The bits of kinds by their names, separated by commas.
    ///
    /// # Errors
    /// A name is unknown.
    pub fn kinds(names: &str) -> Result<u32, String> {
        let bit = |name| super::KINDS.iter().position(|kind| *kind == name).map(|at| 1 << at);
        names
            .split(',')
            .try_fold(0, |bits, name| Ok(bits | bit(name).ok_or_else(|| format!("no kind {name}"))?))
    }
}

/// Where a state came from.
#[derive(Clone, Copy)]
struct Step {
    from: u32,
    action: Action,
    depth: u32,
}

struct Search {
    seen: HashMap<u64, u8, Plain>,
    /// Of the states in which something is far ahead: with how many faults one of their kind was reached.
    calm: HashMap<u64, u8, Plain>,
    paths: Vec<Step>,
    fair: Fair,
    steps: u64,
    settled: u64,
    rests: u64,
    depth: u32,
    began: Instant,
    told: Instant,
    bounds: Bounds,
}

/// Why a search ended early.
enum End {
    Broken(Violation, Vec<Action>),
    Enough,
}

type Root = (Rc<World>, u32, Option<Action>);

/// Explore one case; `progress` is given a line every few seconds.
pub fn explore(case: Case, bounds: Bounds, progress: &mut dyn FnMut(String)) -> Report {
    let now = Instant::now();
    let mut search = Search {
        seen: HashMap::default(),
        calm: HashMap::default(),
        paths: Vec::new(),
        fair: Fair::default(),
        steps: 0,
        settled: 0,
        rests: 0,
        depth: 0,
        began: now,
        told: now,
        bounds,
    };
    let end = search.run(case, progress).err();
    let complete = end.is_none();
    let violation = end.and_then(|end| match end {
        End::Enough => None,
        End::Broken(violation, path) => {
            let story = super::story::tell(case, bounds.grain == Grain::Coarse, &path, &violation);
            Some((violation, story))
        }
    });
    Report {
        states: search.seen.len(),
        steps: search.steps,
        rests: search.rests,
        on_the_way: search.fair.states(),
        depth: search.depth,
        time: search.began.elapsed(),
        complete,
        violation,
    }
}

impl Search {
    fn run(&mut self, case: Case, progress: &mut dyn FnMut(String)) -> Result<(), End> {
        let mut world = World::new(case);
        world.coarse = self.bounds.grain == Grain::Coarse;
        self.seen.insert(world.fingerprint(), 0);
        self.paths.push(Step { from: 0, action: Action::Time, depth: 0 });
        // A level is the states that its faults lead to at once: a world, where it is on the paths, and what made it.
        let mut level: Vec<Root> = vec![(Rc::new(world), 0, None)];
        for cost in 0..=self.bounds.faults {
            let mut next: Vec<Root> = Vec::new();
            for (parent, at, action) in level {
                let mut world = (*parent).clone();
                drop(parent);
                if let Some(action) = action {
                    // It was checked when it was found.
                    let _ = world.apply(action);
                }
                self.level(world, at, cost, &mut next, progress)?;
            }
            level = next;
        }
        Ok(())
    }

    /// All that follows from one state at no cost, and the faults that may befall it then. Only the worlds that a later
    /// level begins with are kept.
    fn level(
        &mut self,
        world: World,
        at: u32,
        cost: u8,
        next: &mut Vec<Root>,
        progress: &mut dyn FnMut(String),
    ) -> Result<(), End> {
        let last = cost + 1 == self.bounds.faults;
        let mut queue = VecDeque::from([(world, at)]);
        while let Some((world, at)) = queue.pop_front() {
            self.expand(&world, at, cost, &mut queue)?;
            self.progress(cost, queue.len(), next.len(), progress);
            if cost == self.bounds.faults {
                continue;
            }
            let world = Rc::new(world);
            let mut actions = Vec::new();
            world.costly_steps(&mut actions);
            let wanted = |at| self.bounds.kinds >> at & 1 == 1;
            actions.retain(|action| kind(*action).is_some_and(wanted));
            for action in actions {
                let Some((child, child_at)) = self.step(&world, at, cost + 1, action)? else { continue };
                if last {
                    self.follow(child, child_at, cost + 1)?;
                } else {
                    next.push((Rc::clone(&world), child_at, Some(action)));
                }
            }
        }
        Ok(())
    }

    /// The last level: all that follows from one state at no cost.
    fn follow(&mut self, world: World, at: u32, cost: u8) -> Result<(), End> {
        let mut queue = VecDeque::from([(world, at)]);
        while let Some((world, at)) = queue.pop_front() {
            self.expand(&world, at, cost, &mut queue)?;
        }
        Ok(())
    }

    /// Take every step that costs nothing.
    fn expand(
        &mut self,
        world: &World,
        at: u32,
        cost: u8,
        queue: &mut VecDeque<(World, u32)>,
    ) -> Result<(), End> {
        let mut actions = Vec::new();
        world.free_steps(&mut actions);
        for action in actions {
            queue.extend(self.step(world, at, cost, action)?);
        }
        Ok(())
    }

    /// Take one step; gives the state when it is new, or was only reached with more faults so far.
    fn step(
        &mut self,
        world: &World,
        at: u32,
        cost: u8,
        action: Action,
    ) -> Result<Option<(World, u32)>, End> {
        self.steps += 1;
        let mut child = world.clone();
        child.apply(action).map_err(|violation| self.broken(violation, at, Some(action)))?;
        let (mut action, mut at) = (action, at);
        let before = loop {
            let marks = child.marks();
            let before = self.seen.get(&marks.state).copied();
            if before.is_some_and(|before| before <= cost) {
                return Ok(None);
            }
            self.seen.insert(marks.state, cost);
            at = self.path(at, action);
            // The wait goes on, and there is nothing that could happen in it that did not happen before.
            let Some(next) = self.waits(marks.calm, cost).then(|| child.waiting_step()).flatten() else {
                break before;
            };
            action = next;
            self.steps += 1;
            child.apply(action).map_err(|violation| self.broken(violation, at, Some(action)))?;
        };
        if before.is_none() && child.settled() {
            self.settled += 1;
            if self.settled.is_multiple_of(self.bounds.rest_every) {
                self.rests += 1;
                self.fair.check(&child).map_err(|violation| self.broken(violation, at, None))?;
            }
        }
        if self.seen.len() >= self.bounds.states {
            return Err(End::Enough);
        }
        Ok(Some((child, at)))
    }

    /// One more step on a path.
    fn path(&mut self, from: u32, action: Action) -> u32 {
        let depth = self.paths[from as usize].depth + 1;
        self.depth = self.depth.max(depth);
        let at = u32::try_from(self.paths.len()).unwrap_or(u32::MAX);
        self.paths.push(Step { from, action, depth });
        at
    }

    /// Nothing but how far ahead something is that is far ahead tells the state from one that was there before, with as
    /// few faults.
    fn waits(&mut self, calm: Option<u64>, cost: u8) -> bool {
        let Some(calm) = calm else { return false };
        let waits = self.calm.get(&calm).is_some_and(|before| *before <= cost);
        if !waits {
            self.calm.insert(calm, cost);
        }
        waits
    }

    fn broken(&self, violation: Violation, at: u32, last: Option<Action>) -> End {
        let mut path: Vec<Action> = last.into_iter().collect();
        let mut at = at;
        while at != 0 {
            let step = self.paths[at as usize];
            path.push(step.action);
            at = step.from;
        }
        path.reverse();
        End::Broken(violation, path)
    }

    fn progress(&mut self, cost: u8, queue: usize, roots: usize, progress: &mut dyn FnMut(String)) {
        if self.told.elapsed() < Duration::from_secs(5) {
            return;
        }
        self.told = Instant::now();
        let (states, time) = (self.seen.len(), self.began.elapsed().as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = states as f64 / time;
        progress(format!(
            "{states} states in {time:.0} s, {rate:.0}/s; level {cost}: {queue} to expand, {roots} for the next"
        ));
    }
}
