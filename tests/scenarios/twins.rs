//! Configurations that are not the twins they should be (DESIGN §7 O10).

use crate::{A_WHILE, SOON, never_both, nothing_moves, settled};
use hb_hil::netns::{Builder, Node, Stamp, Times};
use std::time::Duration;

#[test]
fn a_group_that_differs_is_taken_over_on_death_but_never_moved() {
    let Some(rig) = settled(Builder::new("different haresources")) else { return };
    assert_eq!(rig.hbd(Node::Ha2, &["stop"]).code, Some(0));
    rig.machine(Node::Ha2).write("etc/haresources", "ha-1 192.168.2.50 jdmail::quick\n");
    rig.start(Node::Ha2);
    rig.wait_settled(Node::Ha1, SOON);
    for node in Node::BOTH {
        rig.wait("the difference is said", SOON, || rig.log(node).contains("haresources differs"));
        let status = rig.status(node).expect("an answer");
        assert_eq!(status.0.pointer("/peer/config_match"), Some(&false.into()), "{status:?}");
    }
    let refused = rig.hbd(Node::Ha1, &["standby"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    nothing_moves(&rig, Node::Ha1, A_WHILE);
    rig.power_off(Node::Ha1);
    rig.wait_answer(Node::Ha2, SOON);
    // No failback either while they differ.
    rig.power_on(Node::Ha1);
    rig.start(Node::Ha1);
    rig.wait_settled(Node::Ha2, SOON);
    nothing_moves(&rig, Node::Ha2, A_WHILE);
    never_both(&rig);
}

#[test]
fn the_larger_deadtime_counts_when_the_times_differ() {
    let builder = Builder::new("different deadtime")
        .edit_on(Node::Ha1, |files| files.with_times(&Times::new("100ms", "2", "4", "6")));
    let Some(rig) = settled(builder) else { return };
    for node in Node::BOTH {
        rig.wait("the difference is said", SOON, || rig.log(node).contains("times in ha.cf differ"));
    }
    let lost = rig.power_off(Node::Ha1);
    rig.wait_answer(Node::Ha2, SOON);
    let gap = rig.client().outages(lost, Duration::from_millis(100)).first().expect("an outage").length();
    assert!(gap >= Duration::from_millis(3800), "it took over after {gap:?}; the peer asked for 4 s");
    assert!(gap <= Duration::from_millis(5500), "it took over only after {gap:?}");
    never_both(&rig);
}

#[test]
fn two_groups_live_on_both_nodes_and_meet_on_the_survivor() {
    let lines = "ha-1 192.168.2.50 jdmail\nha-2 192.168.2.51\n";
    let builder = Builder::new("two groups").edit(move |mut files| {
        lines.clone_into(&mut files.haresources);
        files
    });
    let Some(rig) = builder.build() else { return };
    rig.start_both();
    let states = |node: Node| {
        let status = rig.status(node)?;
        Some((status.text("/groups/0/state").to_owned(), status.text("/groups/1/state").to_owned()))
    };
    let both = |first: &str, second: &str| Some((first.to_owned(), second.to_owned()));
    rig.wait("each node holds its own group", SOON, || {
        states(Node::Ha1) == both("held", "idle") && states(Node::Ha2) == both("idle", "held")
    });
    let lost = rig.power_off(Node::Ha1);
    rig.wait("the survivor holds both", SOON, || states(Node::Ha2) == both("held", "held"));
    rig.wait_answer(Node::Ha2, SOON);
    rig.power_on(Node::Ha1);
    rig.start(Node::Ha1);
    rig.wait("each has its own again", SOON, || {
        states(Node::Ha1) == both("held", "idle") && states(Node::Ha2) == both("idle", "held")
    });
    assert!(lost < Stamp::now());
    never_both(&rig);
}

#[test]
fn nodes_that_each_prefer_themselves_do_not_both_serve() {
    let builder = Builder::new("preferences differ").edit_on(Node::Ha2, |mut files| {
        "ha-2 192.168.2.50 jdmail\n".clone_into(&mut files.haresources);
        files
    });
    let Some(rig) = builder.build() else { return };
    rig.start_both();
    rig.wait("one of them serves", SOON, || rig.client().answered_by().is_some());
    rig.stays("one holds and the other does not", A_WHILE, || {
        let states = Node::BOTH.map(|node| rig.group(node));
        states.iter().filter(|state| *state == "held").count() == 1
    });
    for node in Node::BOTH {
        rig.wait("the difference is said", SOON, || rig.log(node).contains("haresources differs"));
    }
    never_both(&rig);
}

#[test]
fn nodes_that_start_together_with_different_lines_serve_all_the_same() {
    let builder = Builder::new("different lines from the start").edit_on(Node::Ha2, |mut files| {
        "ha-1 192.168.2.50 jdmail::quick\n".clone_into(&mut files.haresources);
        files
    });
    let Some(rig) = builder.build() else { return };
    rig.start_both();
    rig.wait("one of them serves", SOON, || rig.client().answered_by().is_some());
    never_both(&rig);
}
