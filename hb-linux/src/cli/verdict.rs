//! The first line of `hbd status`, and `hbd status --nagios`: is all well, and what is not?

use super::notes;
use crate::control::Snapshot;
use crate::control::snapshot::{Group, Link};
use crate::control::words::LinkState;
use core::fmt;
use hb_core::PeerState;
use hb_core::message::{GroupState, Phase};

/// How bad it is, with the exit code that monitoring plugins use for it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// All is well.
    Ok = 0,
    /// The service runs, but what protects it does not.
    Warning = 1,
    /// A service does not run, or may run twice.
    Critical = 2,
}

/// What is to be said first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// The worst of all that is said.
    pub level: Level,
    /// What is wrong, the worst first; where nothing is, what is well.
    pub said: Vec<String>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.level {
            Level::Ok => "OK: ",
            Level::Warning => "WARNING: ",
            Level::Critical => "CRITICAL: ",
        })?;
        f.write_str(&self.said.join("; "))
    }
}

/// Judges everything that the snapshot shows.
#[must_use]
pub fn judge(s: &Snapshot) -> Verdict {
    let mut found: Vec<(Level, String)> = Vec::new();
    for group in &s.groups {
        found.extend(of_group(s, group));
    }
    found.extend(of_node(s));
    let also = notes::twin(s).into_iter().chain(s.groups.iter().filter_map(notes::spent));
    found.extend(also.map(|text| (Level::Warning, text)));
    found.extend(of_peer(s).map(|text| (Level::Warning, text)));
    for link in &s.links {
        found.extend(of_link(s, link).map(|text| (Level::Warning, text)));
    }
    for ping in &s.pings {
        let host = &ping.host;
        match &ping.mirror {
            Some(whose) => {
                found.push((Level::Warning, format!("ping node {host}: {}", notes::not_counted(s, whose.0))));
            }
            None if !ping.alive => {
                found.push((Level::Warning, format!("ping node {host} does not answer")));
            }
            None => {}
        }
    }
    if found.is_empty() {
        return Verdict { level: Level::Ok, said: Vec::from([well(s)]) };
    }
    // Stable: of one level, groups come before what protects them.
    found.sort_by_key(|(level, _)| core::cmp::Reverse(*level));
    let level = found.iter().map(|(level, _)| *level).max().unwrap_or(Level::Ok);
    Verdict { level, said: found.into_iter().map(|(_, text)| text).collect() }
}

/// The peer's part in a group, as far as it is known now: what a dead node showed last is not.
pub(super) fn theirs(s: &Snapshot, group: &Group) -> Option<GroupState> {
    group.peer_state.map(|state| state.0).filter(|_| s.peer.is_heard())
}

fn of_group(s: &Snapshot, group: &Group) -> Option<(Level, String)> {
    let (name, here, peer) = (&group.name, group.state.0, theirs(s, group));
    let there = &s.peer.name;
    let found = match (here, peer) {
        (GroupState::Held, Some(GroupState::Held)) => {
            (Level::Critical, format!("{name} is held on both nodes"))
        }
        (GroupState::Stuck, _) => {
            let told = group.trouble.clone();
            let told = told.unwrap_or_else(|| format!("a stop failed; mend it, then: hbd clear {name}"));
            (Level::Critical, format!("{name} is stuck here: {told}"))
        }
        (_, Some(GroupState::Stuck)) => {
            (Level::Critical, format!("{name} is stuck on {there}: there, mend it, then hbd clear {name}"))
        }
        (GroupState::Failed, Some(GroupState::Held)) => {
            (Level::Warning, format!("{name} failed here: mend it, then hbd clear {name}"))
        }
        (GroupState::Held, Some(GroupState::Failed)) => {
            (Level::Warning, format!("{name} failed on {there}: there, mend it, then hbd clear {name}"))
        }
        (GroupState::Held, _) | (_, Some(GroupState::Held)) => return None,
        (GroupState::Starting, _) | (_, Some(GroupState::Starting)) => {
            (Level::Warning, format!("{name} starts"))
        }
        (GroupState::Stopping, _) | (_, Some(GroupState::Stopping)) => {
            (Level::Warning, format!("{name} moves or stops"))
        }
        _ if s.peer.foreign => return None,
        _ if s.own.phase == Phase::Joining => {
            (Level::Warning, format!("{name} does not run yet: {}", waits(group)))
        }
        (GroupState::Failed, _) => {
            (Level::Critical, format!("{name} runs nowhere: a start failed; mend it, then hbd clear {name}"))
        }
        _ => (Level::Critical, format!("{name} runs nowhere: {}", waits(group))),
    };
    Some(found)
}

fn waits(group: &Group) -> &str {
    if group.wait_text.is_empty() { "the nodes begin" } else { &group.wait_text }
}

fn of_node(s: &Snapshot) -> Option<(Level, String)> {
    if s.own.isolated {
        let text = format!(
            "this node is cut off from all links and ping nodes; if {0} is off: hbd confirm-down {0}",
            s.peer.name
        );
        return Some((Level::Critical, text));
    }
    if s.own.phase == Phase::Leaving {
        let stands = |group: &Group| {
            matches!(group.state.0, GroupState::Stuck | GroupState::Unknown) && group.trouble.is_some()
        };
        let text = if s.groups.iter().any(stands) {
            "this node was asked to end, and waits for what is not known to be stopped; to end all the same: hbd stop"
        } else {
            "this node leaves"
        };
        return Some((Level::Warning, String::from(text)));
    }
    if s.watchdog.as_ref().is_some_and(|w| w.timeout_s.is_none()) {
        return Some((
            Level::Warning,
            String::from("the watchdog is not armed: a hung node would not be reset"),
        ));
    }
    if !s.helper.alive {
        return Some((Level::Warning, String::from("the helper process is gone: nothing is logged or kept")));
    }
    if s.helper.is_late() {
        let text = "the helper process does not come to write: the disk hangs, or it stands still";
        return Some((Level::Warning, String::from(text)));
    }
    if s.helper.failing.state {
        let text = "the state file cannot be written (disk full?): the next life would not know what this one started";
        return Some((Level::Warning, String::from(text)));
    }
    if s.helper.failing.log {
        let text = "the logfile cannot be written (disk full?): nothing is logged there";
        return Some((Level::Warning, String::from(text)));
    }
    (!s.own.realtime).then(|| {
        (Level::Warning, String::from("not locked in memory or not real-time: a loaded node beats late"))
    })
}

fn of_peer(s: &Snapshot) -> Option<String> {
    let p = &s.peer;
    let name = &p.name;
    if p.foreign {
        return Some(format!("{name} runs Linux-HA Heartbeat: nothing is claimed against it"));
    }
    let alone = match (p.state.0, p.phase.map(|phase| phase.0)) {
        _ if p.one_way => "is not met: a one-way link or a replay",
        (PeerState::Unknown, _) => "was never met",
        (PeerState::Dead, _) if p.left => "is stopped",
        (PeerState::Dead, _) => "is dead",
        (_, Some(Phase::Joining)) => "joins",
        (_, Some(Phase::Leaving)) => "leaves",
        _ if p.deaf => "does not hear this node",
        (PeerState::Late, _) => "is late",
        _ => {
            let differs = match (p.timing_match, s.groups.iter().any(|g| g.config_match == Some(false))) {
                (Some(false), _) => "keepalive, deadtime or deadping differ from those of",
                (_, true) => "haresources differs from that of",
                _ => return None,
            };
            return Some(format!("{differs} {name}: make the files the same"));
        }
    };
    Some(format!("no standby: {name} {alone}"))
}

/// A link that does not carry while the peer is there by another one.
fn of_link(s: &Snapshot, link: &Link) -> Option<String> {
    let name = &link.name;
    match link.state.0 {
        LinkState::Up => None,
        LinkState::Down => Some(format!("link {name} is not open")),
        _ if link.unsigned => notes::unsigned(link),
        _ if !s.peer.is_heard() => None,
        LinkState::OneWay => Some(format!("link {name} carries one way only")),
        LinkState::Dead => Some(format!("link {name} is dead: nothing is heard on it")),
    }
}

fn well(s: &Snapshot) -> String {
    let names = |held: &dyn Fn(&Group) -> bool| {
        let names: Vec<&str> = s.groups.iter().filter(|g| held(g)).map(|g| g.name.as_str()).collect();
        names.join(", ")
    };
    let here = names(&|g| g.state == GroupState::Held);
    let there = names(&|g| g.state != GroupState::Held);
    let (own, peer) = (&s.own.name, &s.peer.name);
    match (here.is_empty(), there.is_empty()) {
        (true, true) => format!("{own} and {peer} are up, and there is no group"),
        (false, true) => format!("{own} holds {here}, {peer} stands by"),
        (true, false) => format!("{peer} holds {there}, {own} stands by"),
        (false, false) => format!("{own} holds {here}, {peer} holds {there}"),
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
