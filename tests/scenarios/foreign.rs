//! The original Heartbeat of the Debian package `heartbeat` runs on the other side.

use crate::SOON;
use hb_hil::netns::{Builder, Node, Original, Rig, Times, skip};
use std::time::Duration;

const NAME: &str = "the original Heartbeat on the other side";

/// A rig on which the original serves on ha-1. Now and then it completes its start without having started anything; it
/// is not what is tested here, so it may try three times.
///
/// # Errors
/// Why there is none.
fn served_by_the_original() -> Result<Rig, String> {
    let original = Original::fetch()?;
    for _ in 0..3 {
        let times = Times::new("1", "3", "4", "10");
        let rig = Builder::new(NAME).times(times).build().ok_or("no namespaces")?;
        original.start(rig.machine(Node::Ha1))?;
        rig.note("the original Heartbeat started on ha-1");
        let serves = || rig.client().answered_by().as_deref() == Some("ha-1");
        if rig.within("the original serves", Duration::from_secs(30), serves).is_some() {
            return Ok(rig);
        }
    }
    panic!("the original Heartbeat started its resources in none of three tries");
}

#[test]
fn the_original_heartbeat_is_recognised_and_nothing_is_claimed_against_it() {
    let rig = match served_by_the_original() {
        Ok(rig) => rig,
        Err(why) => return skip(NAME, &why),
    };
    rig.start(Node::Ha2);
    rig.wait("ha-2 says that Heartbeat runs there", SOON, || {
        rig.status(Node::Ha2).is_some_and(|status| status.0.pointer("/peer/foreign") == Some(&true.into()))
    });
    rig.stays("ha-2 claims nothing, though initdead passes", Duration::from_secs(14), || {
        !matches!(rig.group(Node::Ha2).as_str(), "starting" | "held")
    });
    // Beside the original on one machine it does not start at all.
    let run = rig.hbd(Node::Ha1, &["run"]);
    assert!(run.code == Some(1) && run.stderr.contains("Linux-HA Heartbeat runs on this machine"), "{run:?}");
    let check = rig.hbd(Node::Ha2, &["check"]);
    assert!(check.stdout.contains("node ha-1 runs Linux-HA Heartbeat"), "{check:?}");
    assert!(rig.log(Node::Ha2).contains("Linux-HA Heartbeat"), "{}", rig.log(Node::Ha2));
    assert_eq!(rig.client().answered_by().as_deref(), Some("ha-1"));
    assert!(rig.address_spans(Node::Ha2).is_empty());
}
