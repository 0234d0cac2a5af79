//! From here on nothing goes wrong: does the pair come to rest, and where (DESIGN's L3)?
//!
//! All faults end, every script and write ends well, every frame comes, and nobody gives a command. The world is then
//! deterministic; it is followed until it repeats itself, and what it repeats must be a rest.

use super::actions::Action;
use super::case::Case;
use super::coarse::ENDLESS;
use super::rules::{Checked, broken};
use super::scripts::Oddity;
use super::world::World;
use hb_core::message::GroupState;
use hb_core::{Duration, Wait};
use std::collections::HashMap;

/// A failed start is tried again after 10 s, 20 s, 40 s, when nobody else can; a run has at most three such faults.
const RETRIES: Duration = Duration::from_secs(70);

/// What is known: how long it takes from a state to its rest.
#[derive(Default)]
pub(super) struct Fair {
    known: HashMap<u64, Duration, super::search::Plain>,
}

/// The longest that it may take: to meet or to find the peer dead, to solve a conflict and wait out its quiet time, to
/// move each group once for each of these (a stop, a start, each at its limit), and to try failed starts again.
fn bound(case: &Case) -> Duration {
    let silence = case.initdead(0).max(case.agreed_deadtime());
    let moves = super::case::SCRIPT_LIMIT.times(2).times(3);
    silence.times(2).plus(case.agreed_deadtime()).plus(super::case::DOG).plus(moves).plus(RETRIES)
}

impl Fair {
    /// How many states are known to come to rest.
    pub(super) fn states(&self) -> usize {
        self.known.len()
    }

    /// Follow a world to its rest.
    pub(super) fn check(&mut self, from: &World) -> Checked {
        let mut world = from.clone();
        world.cut = [false; 2];
        world.tape = [None, None];
        (world.armed, world.coarse) = ([None; 2], false);
        world.machines.iter_mut().for_each(|machine| machine.disk_broken = false);
        for host in 0..2 {
            world.odd(host, Oddity::Nothing)?;
        }
        let begin = world.now;
        let mut chain: Vec<(u64, Duration, Result<(), String>)> = Vec::new();
        let (rest, cycle) = loop {
            to_the_end_of_the_instant(&mut world)?;
            let (print, time) = (world.fingerprint(), world.now.since(begin));
            if let Some(left) = self.known.get(&print) {
                break (time.plus(*left), None);
            }
            if let Some(at) = chain.iter().position(|(other, ..)| *other == print) {
                break (chain[at].1, Some(at));
            }
            chain.push((print, time, at_rest(&world)));
            if time > bound(&world.case) {
                let reason = chain.last().and_then(|last| last.2.clone().err()).unwrap_or_default();
                return broken("L3", format!("no rest within {} ms: {reason}", time.as_millis()));
            }
            world.apply(Action::Time)?;
        };
        if rest > bound(&world.case) {
            return broken("L3", format!("rest only after {} ms", rest.as_millis()));
        }
        if let Some(at) = cycle
            && let Some(reason) = chain[at..].iter().find_map(|(_, _, rest)| rest.as_ref().err())
        {
            return broken("L3", format!("it goes on for ever, and {reason}"));
        }
        self.known.extend(chain.iter().map(|(print, time, _)| (*print, rest.minus(*time))));
        Ok(())
    }
}

/// Everything that can be done now is done, and well.
pub(super) fn to_the_end_of_the_instant(world: &mut World) -> Checked {
    let mut steps = Vec::new();
    for _ in 0..ENDLESS * 10 {
        steps.clear();
        world.free_steps(&mut steps);
        let next = steps
            .iter()
            .filter(|step| !matches!(step, Action::Time | Action::Replay(_) | Action::LeftEnds(_)))
            .min_by_key(|step| match step {
                Action::Bark(_) => 0,
                Action::Resume(_) | Action::Start(_) => 1,
                Action::Deliver(_) => 2,
                Action::Written(_) | Action::Finish(..) | Action::Fenced(_) | Action::PullEnds(_) => 3,
                _ => 4,
            });
        match next {
            Some(step) => world.apply(*step)?,
            None => return Ok(()),
        }
    }
    broken("L3", "an instant without an end: the nodes answer each other for ever")
}

/// Each group has one holder, or waits for something that a new event must bring; no script runs.
fn at_rest(world: &World) -> Result<(), String> {
    if world.machines.iter().any(|machine| !machine.scripts.calls.is_empty()) {
        return Err("a script runs".to_owned());
    }
    let states = |group| [world.shown(0, group), world.shown(1, group)];
    for group in world.groups() {
        let holders: Vec<usize> =
            (0..2).filter(|host| states(group)[*host] == Some(GroupState::Held)).collect();
        let stuck = states(group).contains(&Some(GroupState::Stuck));
        let wait = |host: usize| world.status(host).and_then(|status| status.groups[group].wait);
        match holders.as_slice() {
            [one] => {
                let other = states(group)[1 - one];
                let rests = [GroupState::Idle, GroupState::Failed, GroupState::Stuck];
                if !other.is_some_and(|state| rests.contains(&state)) {
                    return Err(format!("group {group} is held once, and the other is {other:?}"));
                }
                if !world.machines[*one].runs[group] {
                    return Err(format!("group {group} is held and does not run"));
                }
            }
            // The closed list.
            // A stop failed, and the other says that it waits for that.
            [] if stuck
                && (0..2).all(|host| {
                    states(group)[host] == Some(GroupState::Stuck) || wait(host) == Some(Wait::PeerStuck)
                }) => {}
            // The files differ, so nothing but a death moves a group that somebody yielded.
            [] if world.case.longer && (0..2).all(|host| wait(host) == Some(Wait::ConfigDiffers)) => {}
            _ => {
                let waits = [wait(0), wait(1)];
                return Err(format!("group {group} is {:?}, waiting for {waits:?}", states(group)));
            }
        }
    }
    Ok(())
}
