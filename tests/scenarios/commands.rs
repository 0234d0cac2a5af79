//! What an operator asks for.

use crate::{A_WHILE, SOON, never_both, nothing_moves, settled};
use hb_hil::netns::{Builder, Files, Node, Rig, Stamp, Times};
use nix::sys::signal::Signal;
use std::time::Duration;

fn slow_death() -> Times {
    Times::new("100ms", "5", "15", "15")
}

#[test]
fn standby_moves_the_group_and_it_stays_moved_though_failback_is_on() {
    let Some(rig) = settled(Builder::new("standby")) else { return };
    let asked = Stamp::now();
    let output = rig.hbd(Node::Ha1, &["standby"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    rig.wait_settled(Node::Ha2, SOON);
    let gap = rig.client().longest_outage(asked);
    assert!(gap <= Duration::from_millis(1000), "the move cost {gap:?}");
    nothing_moves(&rig, Node::Ha2, A_WHILE);
    // Another command moves it back.
    let output = rig.hbd(Node::Ha1, &["takeover"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    rig.wait_settled(Node::Ha1, SOON);
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(1));
    never_both(&rig);
}

#[test]
fn takeover_fetches_the_group_and_it_stays() {
    let Some(rig) = settled(Builder::new("takeover").with_serial()) else { return };
    let asked = Stamp::now();
    let output = rig.hbd(Node::Ha2, &["takeover", "foreign"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    rig.wait_settled(Node::Ha2, SOON);
    let gap = rig.client().longest_outage(asked);
    assert!(gap <= Duration::from_millis(1000), "the move cost {gap:?}");
    nothing_moves(&rig, Node::Ha2, A_WHILE);
    never_both(&rig);
}

#[test]
fn a_drill_goes_there_and_back_and_measures_what_the_client_missed() {
    let slow = |files: Files| Files {
        ha_cf: files.clone().without("watchdog").ha_cf,

        haresources: files.haresources.replace(" jdmail", " Delay::1 jdmail"),
        ..files
    };
    let Some(rig) = settled(Builder::new("drill").edit(slow)) else { return };
    let asked = Stamp::now();
    let html = rig.machine(Node::Ha2).path("drill.html");
    let html = html.to_str().expect("a path of text");
    let output = rig.hbd(Node::Ha2, &["drill", "--yes", "--port", "8025", "--json", "--html", html]);
    assert_eq!(output.code, Some(0), "{output:?}");
    rig.wait_settled(Node::Ha1, SOON);
    let report: serde_json::Value = serde_json::from_str(&output.stdout).expect("JSON");
    let missed = rig.client().without_service(asked, Duration::from_millis(500));
    assert_eq!(missed.len(), 2, "{missed:?}");
    for (step, missed, seen_by) in [(0, &missed[0], ["network", "own"]), (1, &missed[1], ["own", "network"])]
    {
        let outage = &report["steps"][step]["outages"][0];
        assert_eq!([&outage["begin_seen_by"], &outage["end_seen_by"]], seen_by, "{report}");
        // A second's script is the most of it; the rest is what both saw at their own moments.
        let measured = outage["outage_ms"].as_u64().expect("a time");
        let truth = missed.length().as_millis() as u64;
        assert!(
            measured >= 900 && measured.abs_diff(truth) <= 700,
            "{measured} ms, the client missed {truth} ms"
        );
    }
    assert!(rig.machine(Node::Ha2).read("drill.html").contains("well: there and back"));
    never_both(&rig);
}

#[test]
fn a_move_that_cannot_be_is_refused_with_the_reason() {
    let Some(rig) = settled(Builder::new("refusals")) else { return };
    let output = rig.hbd(Node::Ha2, &["standby"]);
    assert_eq!(output.code, Some(1), "it holds nothing: {output:?}");
    let output = rig.hbd(Node::Ha2, &["confirm-down", "ha-1"]);
    assert!(output.code == Some(1) && output.stderr.contains("alive"), "{output:?}");
    rig.power_off(Node::Ha2);
    rig.wait_peer(Node::Ha1, "dead", SOON);
    let output = rig.hbd(Node::Ha1, &["standby"]);
    assert!(output.code == Some(1) && output.stderr.contains("ha-2"), "{output:?}");
    assert_eq!(rig.group(Node::Ha1), "held");
}

fn leaves_in_order(rig: &Rig, leave: impl FnOnce()) {
    let asked = Stamp::now();
    leave();
    rig.wait("the daemon has ended", SOON, || rig.machine(Node::Ha1).daemon_exit().is_some());
    assert_eq!(rig.machine(Node::Ha1).daemon_exit().and_then(|status| status.code()), Some(0));
    // Far sooner than the deadtime of 15 s.
    rig.wait_answer(Node::Ha2, Duration::from_secs(5));
    let gap = rig.client().longest_outage(asked);
    assert!(gap <= Duration::from_millis(1000), "the move cost {gap:?}");
    // The client is answered before the last script has ended.
    rig.wait("ha-2 holds it", SOON, || rig.group(Node::Ha2) == "held");
    let status = rig.hbd(Node::Ha1, &["status"]);
    assert_eq!(status.code, Some(3), "{status:?}");
    never_both(rig);
}

#[test]
fn an_ordered_stop_hands_over_at_once() {
    let Some(rig) = settled(Builder::new("ordered stop").times(slow_death())) else { return };
    leaves_in_order(&rig, || {
        let output = rig.hbd(Node::Ha1, &["stop"]);
        assert_eq!(output.code, Some(0), "{output:?}");
    });
    // And a stopped node comes back into its own.
    rig.start(Node::Ha1);
    rig.wait_settled(Node::Ha1, SOON);
    never_both(&rig);
}

#[test]
fn sigterm_is_an_ordered_stop() {
    let Some(rig) = settled(Builder::new("SIGTERM").times(slow_death())) else { return };
    leaves_in_order(&rig, || {
        rig.machine(Node::Ha1).signal_daemon(Signal::SIGTERM);
    });
}

#[test]
fn a_stop_of_both_leaves_nothing_behind() {
    let Some(rig) = settled(Builder::new("stop of both")) else { return };
    for node in [Node::Ha2, Node::Ha1] {
        let output = rig.hbd(node, &["stop"]);
        assert_eq!(output.code, Some(0), "{output:?}");
    }
    for node in Node::BOTH {
        rig.wait("no daemon runs", SOON, || rig.machine(node).daemon_pid().is_none());
        let last = rig.holding(node).last().map(|span| span.until);
        assert!(last.is_none_or(|until| until != Stamp::NEVER), "{} still holds", node.name());
    }
    assert_eq!(rig.calls(Node::Ha2, "start", rig.born()), 0, "the leaving standby started it");
}

#[test]
fn a_stop_of_both_at_the_same_time_ends_both() {
    let Some(rig) = settled(Builder::new("simultaneous stop")) else { return };
    for node in Node::BOTH {
        rig.machine(node).signal_daemon(Signal::SIGTERM);
    }
    for node in Node::BOTH {
        rig.wait("the daemon has ended", SOON, || rig.machine(node).daemon_exit().is_some());
        assert_eq!(rig.machine(node).daemon_exit().and_then(|status| status.code()), Some(0));
        let last = rig.holding(node).last().map(|span| span.until);
        assert!(last.is_none_or(|until| until != Stamp::NEVER), "{} still holds", node.name());
    }
    never_both(&rig);
}

#[test]
fn a_reload_says_what_needs_a_restart_and_changes_nothing_else() {
    let Some(rig) = settled(Builder::new("reload")) else { return };
    let machine = rig.machine(Node::Ha1);
    let changed = machine.read("etc/ha.cf").replace("deadtime 1", "deadtime 2");
    machine.write("etc/ha.cf", &format!("{changed}\nmonitor 1\n"));
    let output = rig.hbd(Node::Ha1, &["reload"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(
        output.stdout.contains("a change of deadtime") && output.stdout.contains("next start"),
        "{output:?}"
    );
    assert!(output.stdout.contains("from now on as written there: monitor"), "{output:?}");
    let watched = Stamp::now();
    rig.wait("the service is watched from now on", SOON, || rig.calls(Node::Ha1, "status", watched) >= 2);
    rig.wait("the log says it too", SOON, || rig.log(Node::Ha1).contains("at the next start"));
    // Keys that cannot be used are refused with their line, and the daemon goes on with what it has.
    machine.write("etc/authkeys", "auth 1\n2 sha1 other\n");
    let output = rig.hbd(Node::Ha1, &["reload"]);
    let said = format!("{}{}", output.stdout, output.stderr);
    assert!(output.code == Some(1) && said.contains("authkeys:"), "{output:?}");
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(2));
}
