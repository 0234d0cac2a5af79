//! The first line of `hbd status`, and `hbd status --nagios`: is all well, and what is not?

use crate::control::Snapshot;
use crate::control::snapshot::{Group, Link};
use core::fmt;
use std::format;
use std::string::String;
use std::vec::Vec;

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
    found.extend(of_peer(s).map(|text| (Level::Warning, text)));
    for link in &s.links {
        found.extend(of_link(s, link).map(|text| (Level::Warning, text)));
    }
    for (host, _) in s.pings.iter().filter(|(_, alive)| !alive) {
        found.push((Level::Warning, format!("ping node {host} does not answer")));
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
pub(super) fn theirs<'a>(s: &Snapshot, group: &'a Group) -> Option<&'a str> {
    let there = matches!(s.peer.state.as_str(), "up" | "late");
    group.peer_state.as_deref().filter(|_| there)
}

fn of_group(s: &Snapshot, group: &Group) -> Option<(Level, String)> {
    let (name, here, peer) = (&group.name, group.state.as_str(), theirs(s, group));
    let there = &s.peer.name;
    let found = match (here, peer) {
        ("held", Some("held")) => (Level::Critical, format!("{name} is held on both nodes")),
        ("stuck", _) => {
            let told = group.trouble.clone();
            let told = told.unwrap_or_else(|| format!("a stop failed; mend it, then: hbd clear {name}"));
            (Level::Critical, format!("{name} is stuck here: {told}"))
        }
        (_, Some("stuck")) => {
            (Level::Critical, format!("{name} is stuck on {there}: there, mend it, then hbd clear {name}"))
        }
        ("failed", Some("held")) => {
            (Level::Warning, format!("{name} failed here: mend it, then hbd clear {name}"))
        }
        ("held", Some("failed")) => {
            (Level::Warning, format!("{name} failed on {there}: there, mend it, then hbd clear {name}"))
        }
        ("held", _) | (_, Some("held")) => return None,
        ("starting", _) | (_, Some("starting")) => (Level::Warning, format!("{name} starts")),
        ("stopping", _) | (_, Some("stopping")) => (Level::Warning, format!("{name} moves or stops")),
        _ if s.peer.foreign => return None,
        _ if s.phase == "joining" => (Level::Warning, format!("{name} does not run yet: {}", waits(group))),
        ("failed", _) => {
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
    if s.isolated {
        let text = format!(
            "this node is cut off from all links and ping nodes; if {0} is off: hbd confirm-down {0}",
            s.peer.name
        );
        return Some((Level::Critical, text));
    }
    if s.phase == "leaving" {
        return Some((Level::Warning, String::from("this node leaves")));
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
    (!s.realtime).then(|| {
        (Level::Warning, String::from("not locked in memory or not real-time: a loaded node beats late"))
    })
}

fn of_peer(s: &Snapshot) -> Option<String> {
    let p = &s.peer;
    let name = &p.name;
    if p.foreign {
        return Some(format!("{name} runs Linux-HA Heartbeat: nothing is claimed against it"));
    }
    let alone = match (p.state.as_str(), p.phase.as_deref()) {
        _ if p.one_way => "is not met: a one-way link or a replay",
        ("unknown", _) => "was never met",
        ("dead", _) if p.left => "is stopped",
        ("dead", _) => "is dead",
        (_, Some("joining")) => "joins",
        (_, Some("leaving")) => "leaves",
        _ if p.deaf => "does not hear this node",
        ("late", _) => "is late",
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
    match link.state.as_str() {
        "up" => None,
        "down" => Some(format!("link {name} is not open")),
        _ if !matches!(s.peer.state.as_str(), "up" | "late") => None,
        "one_way" => Some(format!("link {name} carries one way only")),
        _ => Some(format!("link {name} is dead: nothing is heard on it")),
    }
}

fn well(s: &Snapshot) -> String {
    let names = |held: &dyn Fn(&Group) -> bool| {
        let names: Vec<&str> = s.groups.iter().filter(|g| held(g)).map(|g| g.name.as_str()).collect();
        names.join(", ")
    };
    let here = names(&|g| g.state == "held");
    let there = names(&|g| g.state != "held");
    let (own, peer) = (&s.node, &s.peer.name);
    match (here.is_empty(), there.is_empty()) {
        (true, true) => format!("{own} and {peer} are up, and there is no group"),
        (false, true) => format!("{own} holds {here}, {peer} stands by"),
        (true, false) => format!("{peer} holds {there}, {own} stands by"),
        (false, false) => format!("{own} holds {here}, {peer} holds {there}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::snapshot::{Peer, Watchdog};
    use crate::control::wire::HelperReply;

    fn pair() -> Snapshot {
        let group = |name: &str, state: &str, peer: &str| Group {
            name: name.into(),
            state: state.into(),
            peer_state: Some(peer.into()),
            config_match: Some(true),
            ..Group::default()
        };
        Snapshot {
            node: "ha-1".into(),
            phase: "up".into(),
            realtime: true,
            peer: Peer {
                name: "ha-2".into(),
                state: "up".into(),
                phase: Some("up".into()),
                timing_match: Some(true),
                ..Peer::default()
            },
            links: ["eth1", "ttyS0"]
                .map(|name| Link { name: name.into(), state: "up".into(), ..Link::default() })
                .into(),
            groups: vec![group("web", "held", "idle"), group("ftp", "idle", "held")],
            watchdog: Some(Watchdog { timeout_s: Some(8), ..Watchdog::default() }),
            pings: vec![("router".into(), true)],
            helper: HelperReply { alive: true, ..HelperReply::default() },
            ..Snapshot::default()
        }
    }

    /// What is said of a pair that was changed so.
    fn said(change: impl Fn(&mut Snapshot)) -> String {
        let mut s = pair();
        change(&mut s);
        judge(&s).to_string()
    }

    #[test]
    fn a_pair_that_is_well_says_who_serves() {
        assert_eq!(said(|_| ()), "OK: ha-1 holds web, ha-2 holds ftp");
        assert_eq!(said(|s| s.groups.truncate(1)), "OK: ha-1 holds web, ha-2 stands by");
        assert_eq!(said(|s| _ = s.groups.remove(0)), "OK: ha-2 holds ftp, ha-1 stands by");
        assert_eq!(said(|s| s.groups.clear()), "OK: ha-1 and ha-2 are up, and there is no group");
    }

    #[test]
    fn what_does_not_run_is_critical_and_names_the_next_command() {
        for (change, text) in [
            (
                (|s| s.groups[0].state = "failed".into()) as fn(&mut Snapshot),
                "CRITICAL: web runs nowhere: a start failed; mend it, then hbd clear web",
            ),
            (
                |s| (s.groups[0].state, s.groups[0].wait_text) = ("idle".into(), "for something".into()),
                "CRITICAL: web runs nowhere: for something",
            ),
            (|s| s.groups[0].peer_state = Some("held".into()), "CRITICAL: web is held on both nodes"),
            (
                |s| s.groups[0].state = "stuck".into(),
                "CRITICAL: web is stuck here: a stop failed; mend it, then: hbd clear web",
            ),
            (
                |s| s.groups[1].peer_state = Some("stuck".into()),
                "CRITICAL: ftp is stuck on ha-2: there, mend it, then hbd clear ftp",
            ),
            (
                |s| s.isolated = true,
                "CRITICAL: this node is cut off from all links and ping nodes; if ha-2 is off: hbd confirm-down ha-2",
            ),
        ] {
            assert_eq!(said(change), text);
        }
    }

    #[test]
    fn a_dead_peers_last_words_are_no_service() {
        let dead = |s: &mut Snapshot| {
            s.peer.state = "dead".into();
            s.links.iter_mut().for_each(|link| link.state = "dead".into());
        };
        assert_eq!(said(dead), "CRITICAL: ftp runs nowhere: the nodes begin; no standby: ha-2 is dead");
        let stopped = |s: &mut Snapshot| {
            dead(s);
            s.peer.left = true;
            s.groups.truncate(1);
        };
        assert_eq!(said(stopped), "WARNING: no standby: ha-2 is stopped");
    }

    #[test]
    fn what_protects_the_service_is_a_warning() {
        for (change, text) in [
            ((|s| s.peer.deaf = true) as fn(&mut Snapshot), "no standby: ha-2 does not hear this node"),
            (|s| s.links[1].state = "dead".into(), "link ttyS0 is dead: nothing is heard on it"),
            (|s| s.links[1].state = "one_way".into(), "link ttyS0 carries one way only"),
            (|s| s.links[0].state = "down".into(), "link eth1 is not open"),
            (|s| s.pings[0].1 = false, "ping node router does not answer"),
            (
                |s| s.watchdog = Some(Watchdog::default()),
                "the watchdog is not armed: a hung node would not be reset",
            ),
            (
                |s| s.peer.timing_match = Some(false),
                "keepalive, deadtime or deadping differ from those of ha-2: make the files the same",
            ),
            (
                |s| s.groups[1].config_match = Some(false),
                "haresources differs from that of ha-2: make the files the same",
            ),
            (|s| s.peer.phase = Some("joining".into()), "no standby: ha-2 joins"),
            (|s| s.realtime = false, "not locked in memory or not real-time: a loaded node beats late"),
            (
                |s| s.groups[0].peer_state = Some("failed".into()),
                "web failed on ha-2: there, mend it, then hbd clear web",
            ),
            (|s| s.phase = "leaving".into(), "this node leaves"),
            (|s| s.helper.alive = false, "the helper process is gone: nothing is logged or kept"),
        ] {
            assert_eq!(said(change), format!("WARNING: {text}"));
        }
    }

    #[test]
    fn while_it_moves_it_is_a_warning() {
        assert_eq!(said(|s| s.groups[0].state = "starting".into()), "WARNING: web starts");
        assert_eq!(said(|s| s.groups[0].state = "stopping".into()), "WARNING: web moves or stops");
        let joining = |s: &mut Snapshot| {
            s.phase = "joining".into();
            s.groups.truncate(1);
            s.groups[0].state = "idle".into();
            s.peer.state = "unknown".into();
        };
        assert_eq!(
            said(joining),
            "WARNING: web does not run yet: the nodes begin; no standby: ha-2 was never met"
        );
    }
}
