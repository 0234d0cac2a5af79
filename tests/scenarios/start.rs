//! How nodes start: together, alone, on a wrong configuration, on incomplete hardware.

use crate::{SOON, never_both, nothing_moves, settled};
use hb_hil::netns::{Builder, Files, Node, Times};
use std::fs;
use std::time::Duration;

#[test]
fn two_nodes_started_together_serve_without_a_fixed_wait() {
    let times = Times::new("1", "3", "4", "20");
    let Some(rig) = Builder::new("cold start").times(times).alone().build() else { return };
    let begin = rig.start_both();
    // An emulated processor takes its time to load them.
    let both = || Node::BOTH.into_iter().all(|node| rig.status(node).is_some());
    let up = rig.wait("both daemons answer", SOON, both);
    rig.wait_settled(Node::Ha1, SOON);
    let first = rig.client().good(begin).first().expect("an answer").0.since(up);
    // Three keepalives, and three seconds for the scripts on a busy or emulated machine; the original takes 14 s.
    assert!(first <= Duration::from_secs(3 + 3), "the first answer came after {first:?}");
    assert_eq!(rig.calls(Node::Ha2, "start", rig.born()), 0, "the standby started the service too");
    assert_eq!(rig.calls(Node::Ha1, "start", rig.born()), 1);
    never_both(&rig);
}

#[test]
fn a_node_alone_serves_after_initdead_and_not_before() {
    let Some(rig) = Builder::new("alone").build() else { return };
    let begin = rig.start(Node::Ha2);
    rig.wait("its daemon answers", SOON, || rig.status(Node::Ha2).is_some());
    rig.wait_answer(Node::Ha2, SOON);
    let first = rig.client().good(begin).first().expect("an answer").0.since(begin);
    assert!(first >= Duration::from_millis(2900), "it served {first:?} after the start, initdead is 3 s");
    // The other one comes late and gets its own back.
    rig.start(Node::Ha1);
    rig.wait_settled(Node::Ha1, SOON);
    never_both(&rig);
}

#[test]
fn the_seeds_files_disagree_and_check_says_where() {
    let Some(rig) = Builder::new("the seed's own files").build() else { return };
    let machine = rig.machine(Node::Ha1);
    Files::seed().write(machine).expect("the disk takes three files");
    let check = rig.hbd(Node::Ha1, &["check"]);
    assert_eq!(check.code, Some(6), "{check:?}");
    let said = format!("{}{}", check.stdout, check.stderr);
    let line =
        Files::seed().haresources.lines().position(|line| line.starts_with("ha-a ")).expect("a line") + 1;
    assert!(said.contains(&format!("haresources:{line}: ")), "{said}");
    assert!(said.contains("ha-a") && said.contains("ha-1") && said.contains("ha-2"), "{said}");
    let run = rig.hbd(Node::Ha1, &["run", "--foreground"]);
    assert_eq!(run.code, Some(6), "{run:?}");
    assert!(run.stderr.contains(&format!("haresources:{line}: ")), "{run:?}");
    for folder in ["lib", "run"] {
        let left: Vec<_> = fs::read_dir(machine.path(folder)).expect("a folder").flatten().collect();
        assert!(left.is_empty(), "it touched {left:?}");
    }
    assert!(rig.address_spans(Node::Ha1).is_empty());
}

#[test]
fn a_missing_interface_is_a_degraded_start_and_its_return_is_noticed() {
    let Some(rig) = Builder::new("missing interface").with_serial().build() else { return };
    let net = rig.machine(Node::Ha2).net();
    net.ip("link set eth1 down\nlink set eth1 name spare\n").expect("ip runs");
    let check = rig.hbd(Node::Ha2, &["check"]);
    let said = format!("{}{}", check.stdout, check.stderr);
    assert!(check.code == Some(1) && said.contains("eth1"), "{check:?}");
    rig.start_both();
    rig.wait_settled(Node::Ha1, SOON);
    assert_ne!(rig.status(Node::Ha2).expect("an answer").link_state("eth1"), "up");
    let log = rig.log(Node::Ha2);
    assert!(log.contains("eth1"), "the log does not name the missing interface: {log}");
    net.ip("link set spare name eth1\nlink set eth1 up\n").expect("ip runs");
    rig.wait("the link over eth1 is up on both", SOON, || {
        Node::BOTH
            .iter()
            .all(|&node| rig.status(node).is_some_and(|status| status.link_state("eth1") == "up"))
    });
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(1));
}

#[test]
fn a_missing_watchdog_is_said_and_does_not_stop_the_node() {
    let Some(rig) = settled(Builder::new("missing watchdog")) else { return };
    let check = rig.hbd(Node::Ha1, &["check"]);
    let said = format!("{}{}", check.stdout, check.stderr);
    assert!(check.code == Some(1), "a missing device is an environment finding: {check:?}");
    assert!(said.contains("/dev/watchdog") && said.contains("130"), "how to make it is not said: {said}");
    assert!(rig.log(Node::Ha1).contains("/dev/watchdog"), "{}", rig.log(Node::Ha1));
}

#[test]
fn a_node_whose_script_is_missing_leaves_the_group_to_the_other() {
    let Some(rig) = Builder::new("missing script").build() else { return };
    fs::remove_file(rig.machine(Node::Ha1).path("init.d/jdmail")).expect("it was there");
    rig.start_both();
    rig.wait_settled(Node::Ha2, SOON);
    assert!(rig.log(Node::Ha1).contains("jdmail"), "{}", rig.log(Node::Ha1));
    never_both(&rig);
}
