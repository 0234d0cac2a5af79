//! What is said first of a pair.

use super::*;
use crate::control::snapshot::{Own, Peer, Ping, Watchdog};
use crate::control::wire::{Failing, HelperReply};

fn pair() -> Snapshot {
    let group = |name: &str, state: &str, peer: &str| Group {
        name: name.into(),
        state: state.into(),
        peer_state: Some(peer.into()),
        config_match: Some(true),
        ..Group::default()
    };
    Snapshot {
        own: Own { name: "ha-1".into(), phase: "up".into(), realtime: true, ..Own::default() },
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
        pings: vec![Ping { host: "router".into(), alive: true, mirror: None }],
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
            |s| {
                (s.groups[0].state, s.own.phase) = ("stuck".into(), "leaving".into());
                s.groups[0].trouble = Some("web stop: return code 1; mend it, then: hbd clear web".into());
            },
            "CRITICAL: web is stuck here: web stop: return code 1; mend it, then: hbd clear web; \
             this node was asked to end, and waits for what is not known to be stopped; to end all the same: hbd stop",
        ),
        (
            |s| s.groups[1].peer_state = Some("stuck".into()),
            "CRITICAL: ftp is stuck on ha-2: there, mend it, then hbd clear ftp",
        ),
        (
            |s| s.own.isolated = true,
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
        (
            |s| s.links[0] = Link { state: "dead".into(), unsigned: true, ..s.links[0].clone() },
            "frames come on eth1, none signed with a key of ours: make authkeys the same on both nodes, then: hbd reload",
        ),
        (
            |s| s.pings[0].mirror = Some("peer".into()),
            "ping node router: it is ha-2 itself and does not count: write a router's address",
        ),
        (
            |s| s.pings[0].mirror = Some("own".into()),
            "ping node router: it is this machine itself and does not count: write a router's address",
        ),
        (|s| s.own.twin = true, "another machine calls itself ha-1: nothing new is claimed here"),
        (|s| s.peer.twins = true, "two machines call themselves ha-2: nothing new is claimed here"),
        (
            |s| s.groups[0].spent = true,
            "web: its epochs are spent: it runs on where it is, and moves on death or by hand; to begin anew, on both \
             nodes: hbd stop, then rm /var/lib/heartbeat/state, then hbd run",
        ),
        (|s| s.pings[0].alive = false, "ping node router does not answer"),
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
        (|s| s.own.realtime = false, "not locked in memory or not real-time: a loaded node beats late"),
        (
            |s| s.groups[0].peer_state = Some("failed".into()),
            "web failed on ha-2: there, mend it, then hbd clear web",
        ),
        (|s| s.own.phase = "leaving".into(), "this node leaves"),
        (|s| s.helper.alive = false, "the helper process is gone: nothing is logged or kept"),
        (
            |s| (s.helper.last_write_ms, s.helper.backlog) = (Some(2000), 1),
            "the helper process does not come to write: the disk hangs, or it stands still",
        ),
        (
            |s| s.helper.failing = Failing { state: true, log: true },
            "the state file cannot be written (disk full?): the next life would not know what this one started",
        ),
        (
            |s| s.helper.failing.log = true,
            "the logfile cannot be written (disk full?): nothing is logged there",
        ),
    ] {
        assert_eq!(said(change), format!("WARNING: {text}"));
    }
}

#[test]
fn while_it_moves_it_is_a_warning() {
    assert_eq!(said(|s| s.groups[0].state = "starting".into()), "WARNING: web starts");
    assert_eq!(said(|s| s.groups[0].state = "stopping".into()), "WARNING: web moves or stops");
    let joining = |s: &mut Snapshot| {
        s.own.phase = "joining".into();
        s.groups.truncate(1);
        s.groups[0].state = "idle".into();
        s.peer.state = "unknown".into();
    };
    assert_eq!(
        said(joining),
        "WARNING: web does not run yet: the nodes begin; no standby: ha-2 was never met"
    );
}
