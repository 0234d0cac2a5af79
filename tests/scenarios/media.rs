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
