//! The story: turns in the order of their times.

use super::draw::Dice;
use super::options::{Part, What, Wish};
use super::settings::Pair;
use hb_core::Duration;
use std::format;
use std::string::String;
use std::vec::Vec;

/// What one turn changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// The power of this machine goes.
    Off(usize),
    /// It comes back.
    On(usize),
    /// Every program of this machine stands still, or goes on.
    Freeze(usize, bool),
    /// This link, or every one, carries nothing, or carries again.
    Cut(Option<usize>, bool),
    /// The network of the service addresses falls apart between the nodes, or is whole again.
    Clients(bool),
    /// An operator moves everything away from this node, or to it.
    Standby(usize),
    /// See [`Turn::Standby`].
    Takeover(usize),
}

/// A turn and when it comes, from the story's begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct When {
    pub(crate) at: Duration,
    pub(crate) turn: Turn,
}

/// The turns that were asked for, and those that chance adds.
pub(crate) fn of(wish: &Wish, pair: &Pair) -> Result<Vec<When>, String> {
    let mut all = Vec::new();
    for part in &wish.parts {
        add(part, pair, &mut all)?;
    }
    if let Some((link, _)) = wish.loss.iter().find(|(link, _)| pair.link(link).is_none()) {
        return Err(format!("--loss {link:?}: the links are {}", pair.names().links.join(", ")));
    }
    if let Some(seed) = wish.seed {
        drawn(seed, pair, &mut all);
    }
    // Of equal times, in the order in which they were named.
    all.sort_by_key(|when| when.at);
    Ok(all)
}

fn add(part: &Part, pair: &Pair, all: &mut Vec<When>) -> Result<(), String> {
    let no_node = || {
        let [a, b] = pair.names.each_ref().map(|names| names.own.as_str());
        format!("--{} {:?}: the nodes are {a} and {b}", part.what.word(), part.whom)
    };
    let node = pair.node(&part.whom).ok_or_else(no_node);
    let (begin, end) = match part.what {
        What::Kill => node.map(|node| (Turn::Off(node), Turn::On(node)))?,
        What::Freeze => node.map(|node| (Turn::Freeze(node, true), Turn::Freeze(node, false)))?,
        What::Standby => node.map(|node| (Turn::Standby(node), Turn::Standby(node)))?,
        What::Takeover => node.map(|node| (Turn::Takeover(node), Turn::Takeover(node)))?,
        What::Cut if part.whom == "all" => (Turn::Cut(None, true), Turn::Cut(None, false)),
        What::Cut if part.whom == "clients" => (Turn::Clients(true), Turn::Clients(false)),
        What::Cut => {
            let link = pair.link(&part.whom).ok_or_else(|| {
                let links = pair.names().links.join(", ");
                format!("--cut {:?}: the links are {links}; or write all, or clients", part.whom)
            })?;
            (Turn::Cut(Some(link), true), Turn::Cut(Some(link), false))
        }
    };
    all.push(When { at: part.from, turn: begin });
    all.extend(part.to.map(|at| When { at, turn: end }));
    Ok(())
}

/// Faults that chance draws.
const FAULTS: u64 = 8;

/// One fault after another, each of which ends before the next one begins, or overlaps it. All are of the kinds that rules exist
/// for: power, links one by one and all together, programs that stand still, an operator.
fn drawn(seed: u64, pair: &Pair, all: &mut Vec<When>) {
    let [settings, _] = &pair.of;
    let (mut dice, mut at) = (Dice::new(seed), Duration::ZERO);
    let deadtime = settings.timing.deadtime.as_millis();
    let links = settings.links.len() as u64;
    for _ in 0..FAULTS {
        at = at.plus(Duration::from_millis(dice.below(deadtime * 6) + 1));
        let lasts = Duration::from_millis(dice.below(deadtime * 4) + deadtime / 2);
        let node = usize::from(dice.below(2) == 1);
        let link = usize::try_from(dice.below(links)).ok();
        let (begin, end) = match dice.below(10) {
            0 | 1 => (Turn::Off(node), Turn::On(node)),
            2 | 3 => (Turn::Freeze(node, true), Turn::Freeze(node, false)),
            4..=6 => (Turn::Cut(link, true), Turn::Cut(link, false)),
            7 => (Turn::Cut(None, true), Turn::Cut(None, false)),
            8 => (Turn::Standby(node), Turn::Standby(node)),
            _ => (Turn::Takeover(node), Turn::Takeover(node)),
        };
        all.push(When { at, turn: begin });
        if begin != end {
            all.push(When { at: at.plus(lasts), turn: end });
        }
    }
}
