//! Every medium of `ha.cf` carries the pair on its own.

use crate::{SOON, lost_and_back, never_both, nothing_moves};
use hb_hil::netns::{Builder, Files, Node};
use std::time::Duration;

/// Cold start, a quiet second, a power loss and the return.
fn a_life(builder: Builder) {
    let Some(rig) = builder.build() else { return };
    let check = rig.hbd(Node::Ha1, &["check"]);
    // The watchdog is missing here, and nothing else.
    assert!(matches!(check.code, Some(0 | 1)), "{check:?}");
    rig.start_both();
    rig.wait_settled(Node::Ha1, SOON);
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(1));
    lost_and_back(&rig, Node::Ha1);
    rig.wait_settled(Node::Ha1, SOON);
    never_both(&rig);
}

/// Another medium in place of the seed's `bcast eth1`.
fn instead(files: Files, medium: &str, value: &str) -> Files {
    files.without("bcast").with(medium, value)
}

#[test]
fn multicast_carries_the_pair() {
    a_life(Builder::new("mcast").edit(|files| instead(files, "mcast", "eth1 225.0.0.1 694 1 0")));
}

#[test]
fn unicast_carries_the_pair() {
    let builder = Builder::new("ucast")
        .edit_on(Node::Ha1, |files| instead(files, "ucast", "eth1 10.0.0.2"))
        .edit_on(Node::Ha2, |files| instead(files, "ucast", "eth1 10.0.0.1"));
    a_life(builder);
}

#[test]
fn one_file_with_both_unicast_lines_serves_both_nodes() {
    let both = |files: Files| {
        let mut files = instead(files, "ucast", "eth1 10.0.0.1");
        files.ha_cf += "ucast eth1 10.0.0.2\n";
        files
    };
    a_life(Builder::new("ucast, identical files").edit(both));
}

#[test]
fn broadcast_on_the_lan_and_the_crossover_cable_carries_the_pair() {
    a_life(Builder::new("two bcast").edit(|files| files.with("bcast", "eth0 eth1")));
}

/// On one interface and port, in this order.
fn together(files: Files, lines: &[&str]) -> Files {
    let mut files = files.without("bcast");
    for line in lines {
        files.ha_cf += line;
        files.ha_cf.push('\n');
    }
    files
}

const MCAST: &str = "mcast eth1 225.0.0.1 694 1 0";

#[test]
fn three_media_on_one_interface_are_told_apart() {
    let lines = |ucast| move |files: Files| together(files, &["bcast eth1", MCAST, ucast]);
    let turned = |files: Files| together(files, &["ucast eth1 10.0.0.1", MCAST, "bcast eth1"]);
    let builder = Builder::new("three media on one interface")
        .edit_on(Node::Ha1, lines("ucast eth1 10.0.0.2"))
        .edit_on(Node::Ha2, turned);
    let Some(rig) = builder.build() else { return };
    rig.start_both();
    rig.wait_settled(Node::Ha1, SOON);
    for node in Node::BOTH {
        rig.wait("all three are up", SOON, || {
            rig.status(node)
                .is_some_and(|s| ["bcast", "mcast", "ucast"].iter().all(|m| s.link_state(m) == "up"))
        });
    }
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(1));
    for node in Node::BOTH {
        let status = rig.status(node).expect("an answer");
        assert_eq!(status.counted("bad"), 0, "{status:?}");
    }
}

#[test]
fn a_medium_that_is_dead_is_not_shown_up_by_one_beside_it() {
    for turned in [false, true] {
        let mut lines = [MCAST, "bcast eth1", "ucast eth1 10.0.0.2"];
        if turned {
            lines.reverse();
        }
        // The other node speaks multicast alone.
        let builder = Builder::new("dead media beside a living one")
            .edit_on(Node::Ha1, move |files| together(files, &lines))
            .edit_on(Node::Ha2, |files| together(files, &[MCAST]));
        let Some(rig) = builder.build() else { return };
        rig.start_both();
        rig.wait_settled(Node::Ha1, SOON);
        rig.stays("only what is heard is up", Duration::from_secs(3), || {
            let status = rig.status(Node::Ha1).expect("an answer");
            status.link_state("mcast") == "up"
                && ["bcast", "ucast"].iter().all(|medium| status.link_state(medium) != "up")
        });
    }
}

#[test]
fn every_signature_method_carries_the_pair() {
    for keys in ["auth 3\n3 md5 Hello!\n", "auth 1\n1 sha256 a-longer-secret\n"] {
        let Some(rig) = Builder::new("signatures").with_serial().edit(|files| files.with_keys(keys)).build()
        else {
            return;
        };
        rig.start_both();
        rig.wait_settled(Node::Ha1, SOON);
        rig.power_off(Node::Ha1);
        rig.wait_answer(Node::Ha2, SOON);
        never_both(&rig);
    }
}
