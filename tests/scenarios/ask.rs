//! The heartbeat is gone and both machines live: the service address is asked before it is taken (DESIGN §7 O2c).

use crate::{A_WHILE, DEADTIME, SOON, never_both, nothing_moves, settled, unbroken};
use hb_hil::netns::{Builder, Cable, Files, Node, Rig};
use std::thread;
use std::time::Duration;

/// What a pair with armed watchdogs does by itself: these machines have none.
fn waits(files: Files) -> Files {
    files.with("answered", "wait")
}

fn builder(name: &str) -> Builder {
    Builder::new(name).edit(waits)
}

/// ha-1 in service, and ha-2 up beside it without ever having met it.
fn strangers(rig: &Rig) {
    rig.start(Node::Ha1);
    rig.wait_group(Node::Ha1, "held", SOON);
    rig.wait_answer(Node::Ha1, SOON);
    rig.start(Node::Ha2);
    rig.wait("ha-2 sees that its address answers", SOON, || {
        rig.log(Node::Ha2).contains("is still answered by")
    });
    rig.stays("ha-2 claims nothing", A_WHILE, || {
        rig.group(Node::Ha2) == "idle" && rig.group(Node::Ha1) == "held"
    });
    never_both(rig);
}

#[test]
fn the_only_heartbeat_cable_is_cut_and_nothing_moves_until_the_holder_is_off() {
    let Some(rig) = settled(builder("eth1 cut, both live")) else { return };
    // The seed has the one link. Both hold 0 ms, outage 0 ms.
    let cut = rig.cut(&[Cable::Cross]);
    rig.wait_peer(Node::Ha2, "dead", SOON);
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(12));
    unbroken(&rig, cut, Duration::from_millis(250));
    assert_eq!(rig.calls(Node::Ha2, "start", cut), 0);
    let log = rig.log(Node::Ha2);
    assert!(log.contains("ha-1 is silent on every link, but 192.168.2.50 is still answered by"), "{log}");
    assert_eq!(log.matches("is still answered by").count(), 1, "said once");
    never_both(&rig);
    // And while it is still cut, the holder loses its power.
    let lost = rig.power_off(Node::Ha1);
    rig.wait_answer(Node::Ha2, SOON);
    let outage = rig.client().longest_outage(lost);
    let bound = DEADTIME + Duration::from_millis(200) + Duration::from_millis(500);
    assert!(outage <= bound, "served after {outage:?}, bound {bound:?}");
    never_both(&rig);
}

#[test]
fn another_key_on_one_node_doubles_nobody() {
    let files = |files: Files| files.with_keys("auth 1\n1 sha1 not-the-same-secret\n");
    let Some(rig) = builder("another key").edit_on(Node::Ha2, files).build() else { return };
    strangers(&rig);
}

#[test]
fn another_port_on_one_node_doubles_nobody() {
    let files = |files: Files| files.with("udpport", "695");
    let Some(rig) = builder("another port").edit_on(Node::Ha2, files).build() else { return };
    strangers(&rig);
}

#[test]
fn two_cold_starts_behind_a_cut_cable_have_one_holder() {
    let Some(rig) = builder("two cold starts").build() else { return };
    rig.cut(&[Cable::Cross]);
    rig.start_both();
    rig.wait("one of them holds", SOON, || Node::BOTH.iter().any(|&node| rig.group(node) == "held"));
    thread::sleep(A_WHILE);
    let held = Node::BOTH.iter().filter(|&&node| rig.group(node) == "held").count();
    assert_eq!(held, 1, "{} | {}", rig.log(Node::Ha1), rig.log(Node::Ha2));
}

#[test]
fn under_wait_a_frozen_holder_keeps_what_its_kernel_answers_for() {
    let Some(rig) = settled(builder("SIGSTOP of the holder, answered wait")) else { return };
    let frozen = rig.freeze(Node::Ha1);
    rig.wait_peer(Node::Ha2, "dead", SOON);
    rig.stays("ha-2 claims nothing", A_WHILE, || rig.group(Node::Ha2) == "idle");
    assert_eq!(rig.calls(Node::Ha2, "start", frozen), 0);
    unbroken(&rig, frozen, Duration::from_millis(250));
    rig.thaw(Node::Ha1);
    rig.wait_settled(Node::Ha1, SOON);
    never_both(&rig);
}

#[test]
fn a_power_loss_with_whole_links_is_taken_over_soon_after_the_deadtime() {
    let Some(rig) = settled(builder("power loss, asked meanwhile").alone()) else { return };
    let lost = rig.power_off(Node::Ha1);
    rig.wait_answer(Node::Ha2, SOON);
    let outage = rig.client().longest_outage(lost);
    assert!(outage <= DEADTIME + Duration::from_millis(400), "{outage:?}");
    assert!(!rig.log(Node::Ha2).contains("is still answered by"), "{}", rig.log(Node::Ha2));
    never_both(&rig);
}
