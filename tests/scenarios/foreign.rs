//! The original Heartbeat of the Debian package `heartbeat` runs on the other side.

use crate::SOON;
use hb_hil::netns::{Builder, Node, Original, Times, skip};
use std::time::Duration;

const NAME: &str = "the original Heartbeat on the other side";

#[test]
fn the_original_heartbeat_is_recognised_and_nothing_is_claimed_against_it() {
    let times = Times::new("1", "3", "4", "10");
    let Some(rig) = Builder::new(NAME).times(times).build() else { return };
    let original = match Original::fetch() {
        Ok(original) => original,
        Err(why) => return skip(NAME, &why),
    };
    if let Err(why) = original.start(rig.machine(Node::Ha1)) {
        return skip(NAME, &why);
    }
    rig.note("the original Heartbeat started on ha-1");
    rig.wait_answer(Node::Ha1, Duration::from_secs(60));
    rig.start(Node::Ha2);
    rig.wait("ha-2 says that Heartbeat runs there", SOON, || {
        rig.status(Node::Ha2).is_some_and(|status| status.0.pointer("/peer/foreign") == Some(&true.into()))
    });
    rig.stays("ha-2 claims nothing, though initdead passes", Duration::from_secs(14), || {
        !matches!(rig.group(Node::Ha2).as_str(), "starting" | "held")
    });
    assert!(rig.log(Node::Ha2).contains("Linux-HA Heartbeat"), "{}", rig.log(Node::Ha2));
    assert_eq!(rig.client().answered_by().as_deref(), Some("ha-1"));
    assert!(rig.address_spans(Node::Ha2).is_empty());
}
