//! A bridge between two daemons, in the place of the cable: the program of a board on two ptys (docs/bridge.md).

use crate::{A_WHILE, SOON, never_both};
use hb_hil::netns::{Builder, Files, HostBridge, Node, Rig};

/// Two daemons by Ethernet and the bridge, each with the bridge for its fence.
fn bridged(name: &str, more: &[(&'static str, &'static str)]) -> Option<(Rig, HostBridge)> {
    let bridge = HostBridge::new("2 sha1 HI!", "ha-1 ha-2").expect("two ptys");
    let more = more.to_vec();
    let files = move |files| more.iter().fold(files, |files, (name, value)| Files::with(files, name, value));
    let mut builder = Builder::new(name).edit(|files| files.with_keys("auth 2\n2 sha1 HI!\n")).edit(files);
    for node in Node::BOTH {
        let tty = bridge.path(node.index()).display().to_string();
        builder = builder.edit_on(node, move |files| {
            files.with("bridge", &tty).with("fence", "bridge").with("fence_delay", "0")
        });
    }
    let rig = builder.build()?;
    rig.start_both();
    rig.wait_settled(Node::Ha1, SOON);
    rig.wait("the bridge answers both", SOON, || {
        Node::BOTH.iter().all(|node| rig.status(*node).is_some_and(|s| s.flag("/bridge/answers")))
    });
    Some((rig, bridge))
}

#[test]
fn a_holder_that_lost_its_power_is_reset_by_the_bridge_once_and_its_sense_line_proves_it() {
    let Some((rig, bridge)) = bridged("fence by the bridge", &[]) else { return };
    let node = Node::Ha2;
    rig.wait("the counters come in", SOON, || {
        let count = |name| rig.status(node).and_then(|s| s.number(name)).unwrap_or(0);
        count("/bridge/from_here/frames") > 0 && count("/bridge/to_here/forwarded") > 0
    });
    rig.wait("the line is up", SOON, || rig.status(node).is_some_and(|s| s.link_state("serial") == "up"));
    assert_eq!(bridge.pulses(), [0, 0], "nobody was reset yet");
    rig.power_off(Node::Ha1);
    rig.wait_answer(node, SOON);
    assert_eq!(bridge.pulses(), [1, 0], "the one that was lost, once");
    let log = rig.log(node);
    for line in
        ["it answers", "Fence bridge: the reset begins", "the reset succeeded after", "node ha-1 now reset"]
    {
        assert!(log.contains(line), "{line}: {log}");
    }
    let said = rig.hbd(node, &["status"]).stdout;
    assert!(said.lines().any(|line| line.starts_with("bridge ") && line.contains("answers")), "{said}");
    never_both(&rig);
}

#[test]
fn a_bridge_that_is_dead_or_leads_nowhere_proves_nothing() {
    let more = [("script_timeout", "start 3")];
    let Some((rig, bridge)) = bridged("fence by a dead bridge", &more) else { return };
    let node = Node::Ha2;
    bridge.wire(false);
    rig.power_off(Node::Ha1);
    let said = |text: &'static str| move |rig: &Rig| rig.log(node).contains(text);
    let unproven = said("it said last: unproven: the pulse was made, and the node has not come back yet");
    rig.wait("the pulse proves nothing", SOON, || unproven(&rig));
    bridge.power(false);
    let dead = said("it said last: the bridge does not answer");
    rig.wait("nobody answers", SOON.saturating_mul(2), || dead(&rig));
    rig.stays("nothing is claimed", A_WHILE, || rig.calls(node, "start", rig.born()) == 0);
    assert_eq!(bridge.pulses(), [1, 0], "one pulse, however often it was asked after");
    never_both(&rig);
}
