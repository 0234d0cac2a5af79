//! Keys change on two living nodes, one node at a time.

use crate::{SOON, never_both, nothing_moves, settled};
use hb_hil::netns::{Builder, Node, Rig, Stamp, Times};
use std::time::Duration;

const CRC: &str = "auth 1\n1 crc\n";
const BOTH_CRC_SIGNS: &str = "auth 1\n1 crc\n2 sha1 a-secret\n";
const BOTH_SHA1_SIGNS: &str = "auth 2\n1 crc\n2 sha1 a-secret\n";
const SHA1: &str = "auth 2\n2 sha1 a-secret\n";

fn pair(name: &str) -> Option<Rig> {
    settled(
        Builder::new(name).times(Times::new("100ms", "700ms", "2", "5")).edit(|files| files.with_keys(CRC)),
    )
}

/// `hbd reload` with this file; what it said, and its exit code.
fn reload(rig: &Rig, node: Node, keys: &str, force: &[&str]) -> (String, Option<i32>) {
    rig.machine(node).write("etc/authkeys", keys);
    rig.note(format!("{}: reload with {keys:?}", node.name()));
    let out = rig.hbd(node, &[&["reload"], force].concat());
    rig.note(format!("{}: {out:?}", node.name()));
    (out.stdout + &out.stderr, out.code)
}

/// No beat was lost and none came late since the daemons began.
fn no_beat_lost(rig: &Rig) {
    for node in Node::BOTH {
        let status = rig.status(node).expect("an answer");
        assert_eq!((status.counted("lost"), status.counted("bad")), (0, 0), "{status:?}");
    }
    none_late(rig);
}

/// None came late: of a trial that fails, every second one does not count.
fn none_late(rig: &Rig) {
    for node in Node::BOTH {
        assert_eq!(rig.status(node).expect("an answer").peer(), "up");
        assert!(!rig.log(node).contains("Late heartbeat"), "{}", rig.log(node));
    }
}

/// From `crc` to `sha1`: both keys everywhere, then the new one signs on `first` and then on the other, then the old one goes.
/// The standby's daemon is restarted while the two sign differently.
fn rotation(name: &str, first: Node) {
    let Some(rig) = pair(name) else { return };
    let order = [first, first.other()];
    let step = |node: Node, keys: &str| {
        let (said, code) = reload(&rig, node, keys, &[]);
        assert_eq!(code, Some(0), "{}: {keys:?}: {said}", node.name());
        nothing_moves(&rig, Node::Ha1, Duration::from_millis(500));
    };
    order.iter().for_each(|&node| step(node, BOTH_CRC_SIGNS));
    step(first, BOTH_SHA1_SIGNS);
    no_beat_lost(&rig);
    let since = Stamp::now();
    let out = rig.hbd(Node::Ha2, &["stop"]);
    assert_eq!(out.code, Some(0), "{out:?}");
    rig.start(Node::Ha2);
    rig.wait_settled(Node::Ha1, SOON);
    assert_eq!(rig.calls(Node::Ha2, "start", since) + rig.calls(Node::Ha1, "start", since), 0);
    step(first.other(), BOTH_SHA1_SIGNS);
    order.iter().for_each(|&node| step(node, SHA1));
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(3));
    for node in Node::BOTH {
        let status = rig.status(node).expect("an answer");
        assert_eq!((status.peer(), status.link_state("bcast")), ("up", "up"), "{status:?}");
        assert!(!rig.log(node).contains("is dead: no beat"), "{}", rig.log(node));
    }
    never_both(&rig);
    // And the new key is what a takeover rests on.
    rig.power_off(Node::Ha1);
    rig.wait_answer(Node::Ha2, SOON);
    never_both(&rig);
}

#[test]
fn from_crc_to_sha1_with_the_holder_first() {
    rotation("crc to sha1, holder first", Node::Ha1);
}

#[test]
fn from_crc_to_sha1_with_the_standby_first() {
    rotation("crc to sha1, standby first", Node::Ha2);
}

#[test]
fn a_key_that_the_other_node_lacks_is_taken_back_after_half_a_deadtime() {
    let Some(rig) = pair("a key on one node alone") else { return };
    for node in Node::BOTH {
        let begin = Stamp::now();
        let (said, code) = reload(&rig, node, BOTH_SHA1_SIGNS, &[]);
        let took = begin.elapsed();
        assert_ne!(code, Some(0), "{said}");
        assert!(said.contains(node.other().name()) && said.contains("it lacks the key"), "{said}");
        assert!(took < Duration::from_secs(2), "only after {took:?}");
        nothing_moves(&rig, Node::Ha1, Duration::from_secs(3));
        // What signs is the old one again, and the file is not taken.
        let (said, code) = reload(&rig, node, CRC, &[]);
        assert_eq!(code, Some(0), "{said}");
    }
    none_late(&rig);
    // A file without the key that the other node signs with would make it deaf to it.
    let (said, code) = reload(&rig, Node::Ha2, SHA1, &[]);
    assert_ne!(code, Some(0), "{said}");
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(3));
    none_late(&rig);
    never_both(&rig);
}
