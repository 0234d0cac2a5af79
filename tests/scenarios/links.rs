//! Cables are cut and mended.

use crate::{A_WHILE, SOON, lost_and_back, never_both, nothing_moves, settled, unbroken};
use hb_hil::netns::{Builder, Cable, Node, Rig, Stamp, noise};
use std::thread;
use std::time::Duration;

#[test]
fn the_cut_of_one_link_of_two_moves_nothing() {
    let Some(rig) = settled(Builder::new("cut of one link of two").with_serial()) else { return };
    for (cable, name) in [(Cable::Cross, "eth1"), (Cable::Serial, "serial")] {
        rig.cut(&[cable]);
        nothing_moves(&rig, Node::Ha1, A_WHILE);
        for node in Node::BOTH {
            let status = rig.status(node).expect("an answer");
            assert_ne!(status.link_state(name), "up", "{} does not see that {name} is dead", node.name());
            assert_eq!(status.peer(), "up");
        }
        rig.mend(&[cable]);
        rig.wait(&format!("{name} is up again"), SOON, || {
            Node::BOTH
                .iter()
                .all(|&node| rig.status(node).is_some_and(|status| status.link_state(name) == "up"))
        });
    }
    never_both(&rig);
}

#[test]
fn one_broken_wire_of_the_null_modem_moves_nothing_while_the_other_link_lives() {
    let Some(rig) = settled(Builder::new("broken wire").with_serial()) else { return };
    rig.cut(&[Cable::SerialFrom(Node::Ha1)]);
    nothing_moves(&rig, Node::Ha1, A_WHILE);
    assert_ne!(rig.status(Node::Ha2).expect("an answer").link_state("serial"), "up");
    assert_ne!(rig.status(Node::Ha1).expect("an answer").link_state("serial"), "up", "one way is not up");
    never_both(&rig);
}

#[test]
fn after_a_full_partition_the_newer_holder_goes_on_without_a_gap() {
    let builder =
        Builder::new("partition").with_serial().alone().edit(|files| files.with("nice_failback", "on"));
    let Some(rig) = settled(builder) else { return };
    rig.cut(&[Cable::Cross, Cable::Serial]);
    rig.wait_group(Node::Ha2, "held", SOON);
    rig.wait_answer(Node::Ha2, SOON);
    thread::sleep(Duration::from_secs(1));
    assert_eq!(rig.group(Node::Ha1), "held", "nobody told it to stop");
    let epoch = rig.status(Node::Ha2).expect("an answer").epoch();
    let healed = rig.mend(&[Cable::Cross, Cable::Serial]);
    rig.wait_settled(Node::Ha2, SOON);
    nothing_moves(&rig, Node::Ha2, A_WHILE);
    assert!(rig.status(Node::Ha2).expect("an answer").epoch() >= epoch);
    unbroken(&rig, healed, Duration::from_millis(150));
    assert_eq!(rig.calls(Node::Ha2, "stop", healed), 0, "the winner stopped its service");
    let both = rig.overlap(healed);
    assert!(both < Duration::from_secs(3), "both held for {both:?} after the healing");
}

#[test]
fn after_a_full_partition_the_preferred_node_gets_its_group_back_in_quiet() {
    let Some(rig) = settled(Builder::new("partition with failback").with_serial()) else { return };
    rig.cut(&[Cable::Cross, Cable::Serial]);
    rig.wait_group(Node::Ha2, "held", SOON);
    rig.mend(&[Cable::Cross, Cable::Serial]);
    rig.wait("the older holder has stopped", SOON, || rig.group(Node::Ha1) == "idle");
    let quiet = Stamp::now();
    rig.wait_settled(Node::Ha1, Duration::from_secs(60));
    assert_eq!(rig.overlap(quiet), Duration::ZERO, "the failback was no handover");
}

/// Only what was heard can fall silent.
fn ping_answers(rig: &Rig) {
    rig.wait("the ping node answers both", SOON, || {
        Node::BOTH.iter().all(|&node| {
            rig.status(node).is_some_and(|status| status.0.pointer("/ping/0/alive") == Some(&true.into()))
        })
    });
}

#[test]
fn a_node_cut_off_from_everything_knows_that_it_is_the_isolated_one() {
    let Some(rig) = settled(Builder::new("isolation").with_serial()) else { return };
    let everything = [Cable::Lan(Node::Ha2), Cable::Cross, Cable::Serial];
    ping_answers(&rig);
    let cut = rig.cut(&everything);
    rig.wait_peer(Node::Ha2, "dead", SOON);
    rig.stays("the isolated node claims nothing", A_WHILE, || rig.group(Node::Ha2) == "idle");
    let status = rig.status(Node::Ha2).expect("an answer");
    assert_eq!(status.0.pointer("/isolated"), Some(&true.into()), "{status:?}");
    assert!(rig.log(Node::Ha2).contains("isolated"), "{}", rig.log(Node::Ha2));
    rig.mend(&everything);
    rig.wait_settled(Node::Ha1, SOON);
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(1));
    assert_eq!(rig.calls(Node::Ha2, "start", cut), 0);
    unbroken(&rig, cut, Duration::from_millis(250));
    never_both(&rig);
}

#[test]
fn an_isolated_node_takes_the_operators_word() {
    let Some(rig) = settled(Builder::new("isolation and the operator")) else { return };
    ping_answers(&rig);
    rig.cut(&[Cable::Lan(Node::Ha2), Cable::Cross]);
    rig.wait("it knows that it is isolated", SOON, || {
        rig.status(Node::Ha2).is_some_and(|status| status.0.pointer("/isolated") == Some(&true.into()))
    });
    rig.power_off(Node::Ha1);
    let output = rig.hbd(Node::Ha2, &["confirm-down", "ha-1"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    rig.wait_group(Node::Ha2, "held", SOON);
    rig.mend(&[Cable::Lan(Node::Ha2)]);
    rig.wait_answer(Node::Ha2, SOON);
    never_both(&rig);
}

#[test]
fn noise_on_the_serial_line_is_counted_and_moves_nothing() {
    let Some(rig) = settled(Builder::new("noise").with_serial()) else { return };
    rig.cut(&[Cable::Cross]);
    let begin = Stamp::now();
    let mut round = 0;
    while begin.elapsed() < A_WHILE {
        for from in [0, 1] {
            rig.serial().inject(from, &noise(round * 2 + from as u64, 200));
        }
        round += 1;
        thread::sleep(Duration::from_millis(20));
        if round % 20 == 0 {
            assert_eq!((rig.group(Node::Ha1).as_str(), rig.group(Node::Ha2).as_str()), ("held", "idle"));
        }
    }
    for node in Node::BOTH {
        let status = rig.status(node).expect("an answer");
        assert!(status.counted("bad") > 50, "{status:?}");
        assert!(rig.log(node).len() < 10_000, "the noise filled the log of {}", node.name());
    }
    unbroken(&rig, begin, Duration::from_millis(250));
    rig.mend(&[Cable::Cross]);
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(1));
    never_both(&rig);
}

#[test]
fn a_null_modem_alone_at_its_real_speed_carries_a_failover() {
    let builder = Builder::new("serial only").with_serial().edit(|files| files.without("bcast"));
    let Some(rig) = builder.build() else { return };
    rig.serial().set_baud(19_200);
    rig.start_both();
    rig.wait_settled(Node::Ha1, SOON);
    nothing_moves(&rig, Node::Ha1, A_WHILE);
    lost_and_back(&rig, Node::Ha1);
    rig.wait_settled(Node::Ha1, SOON);
    never_both(&rig);
}

/// `ping` names the peer's heartbeat address: it dies with the peer, and may not make the survivor the isolated one.
#[test]
fn a_ping_node_that_is_the_peer_is_named_and_does_not_keep_the_survivor() {
    let of = |node: Node| format!("{}", node.other().cross_address());
    let builder = Builder::new("ping node is the peer")
        .edit_on(Node::Ha1, move |files| files.with("ping", &of(Node::Ha1)))
        .edit_on(Node::Ha2, move |files| files.with("ping", &of(Node::Ha2)));
    let Some(rig) = settled(builder) else { return };
    rig.wait("both daemons notice it", SOON, || {
        Node::BOTH
            .iter()
            .all(|&node| rig.status(node).is_some_and(|status| status.text("/ping/0/is_node") == "peer"))
    });
    let check = rig.hbd(Node::Ha2, &["check"]);
    assert!(check.stdout.contains("ping node 10.0.0.1 is the other node"), "{check:?}");
    assert!(rig.log(Node::Ha2).contains("ping node 10.0.0.1 is ha-1 itself"), "{}", rig.log(Node::Ha2));
    let lost = rig.power_off(Node::Ha1);
    rig.wait_answer(Node::Ha2, SOON);
    let outage = rig.client().longest_outage(lost);
    assert!(outage <= crate::DEADTIME + Duration::from_millis(1500), "{outage:?}");
    assert!(!rig.log(Node::Ha2).contains("isolated"), "{}", rig.log(Node::Ha2));
    never_both(&rig);
}
