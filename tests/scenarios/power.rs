//! A machine loses its power, and comes back.

use crate::{A_WHILE, DEADTIME, SOON, lost_and_back, never_both, nothing_moves, settled, unbroken};
use hb_hil::netns::{Builder, Node, Outage, Rig, Stamp};
use std::time::Duration;

/// The one outage that moved the service from `from` to the other node.
fn the_move(rig: &Rig, since: Stamp, from: Node) -> Outage {
    let outages = rig.client().outages(since, Duration::from_millis(20));
    let of = |outage: &&Outage| outage.from == from.name() && outage.to == from.other().name();
    outages.iter().find(of).unwrap_or_else(|| panic!("no move off {} in {outages:?}", from.name())).clone()
}

#[test]
fn the_standby_takes_over_when_the_holder_loses_its_power() {
    let Some(rig) = settled(Builder::new("power loss").with_serial().alone()) else { return };
    let lost = rig.power_off(Node::Ha1);
    rig.wait_answer(Node::Ha2, SOON);
    let gap = the_move(&rig, lost, Node::Ha1).length();
    // Not before the peer is dead; not long after, the scripts and a busy machine included.
    assert!(gap >= DEADTIME - Duration::from_millis(150), "it took over after {gap:?}: that was no death");
    assert!(gap <= DEADTIME + Duration::from_millis(1000), "it took over only after {gap:?}");
    let status = rig.status(Node::Ha2).expect("an answer");
    assert_eq!((status.peer(), status.group()), ("dead", "held"));
    // The client's ARP entry was put right, or it would not be answered; and it stays right.
    let after = Stamp::now();
    std::thread::sleep(Duration::from_secs(2));
    unbroken(&rig, after, Duration::from_millis(250));
    never_both(&rig);
}

#[test]
fn the_preferred_node_takes_its_group_back_when_it_returns() {
    let Some(rig) = settled(Builder::new("return and failback").with_serial()) else { return };
    rig.power_off(Node::Ha1);
    rig.wait_answer(Node::Ha2, SOON);
    rig.power_on(Node::Ha1);
    let back = rig.start(Node::Ha1);
    rig.wait_settled(Node::Ha1, SOON);
    let gap = the_move(&rig, back, Node::Ha2).length();
    assert!(gap <= Duration::from_millis(1000), "the failback cost {gap:?}");
    nothing_moves(&rig, Node::Ha1, A_WHILE);
    never_both(&rig);
}

#[test]
fn with_nice_failback_the_returning_node_leaves_the_group_where_it_is() {
    let builder = Builder::new("nice_failback on").edit(|files| files.with("nice_failback", "on"));
    let Some(rig) = settled(builder) else { return };
    rig.power_off(Node::Ha1);
    rig.wait_answer(Node::Ha2, SOON);
    let taken = Stamp::now();
    rig.power_on(Node::Ha1);
    rig.start(Node::Ha1);
    rig.wait_settled(Node::Ha2, SOON);
    nothing_moves(&rig, Node::Ha2, A_WHILE);
    unbroken(&rig, taken, Duration::from_millis(250));
    assert_eq!(rig.calls(Node::Ha1, "start", taken), 0);
    never_both(&rig);
}

#[test]
fn the_loss_of_the_standby_is_no_matter() {
    let Some(rig) = settled(Builder::new("loss of the standby")) else { return };
    let lost = rig.power_off(Node::Ha2);
    rig.wait_peer(Node::Ha1, "dead", SOON);
    rig.power_on(Node::Ha2);
    rig.start(Node::Ha2);
    rig.wait_settled(Node::Ha1, SOON);
    unbroken(&rig, lost, Duration::from_millis(250));
    assert_eq!(rig.calls(Node::Ha1, "stop", lost), 0);
    never_both(&rig);
}

#[test]
fn power_lost_on_both_nodes_comes_back_as_one_holder() {
    let Some(rig) = settled(Builder::new("power loss of both").with_serial()) else { return };
    rig.power_off(Node::Ha1);
    rig.power_off(Node::Ha2);
    for node in Node::BOTH {
        rig.power_on(node);
    }
    rig.start_both();
    rig.wait_settled(Node::Ha1, SOON);
    never_both(&rig);
}

/// The same sequence for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

#[test]
fn power_that_comes_and_goes_at_any_moment_never_makes_two_holders() {
    let Some(rig) = settled(Builder::new("flickering power").with_serial()) else { return };
    let mut dice = Dice(20_030_694);
    for _ in 0..14 {
        let node = if dice.below(2) == 0 { Node::Ha1 } else { Node::Ha2 };
        match dice.below(3) {
            0 if rig.machine(node).daemon_pid().is_some() => drop(rig.hbd(node, &["stop", "--no-wait"])),
            _ => drop(rig.power_off(node)),
        }
        std::thread::sleep(Duration::from_millis(dice.below(1500)));
        if rig.machine(node).daemon_pid().is_some() {
            rig.power_off(node);
        }
        rig.power_on(node);
        rig.start(node);
        std::thread::sleep(Duration::from_millis(dice.below(900)));
        never_both(&rig);
    }
    rig.wait_settled(Node::Ha1, SOON);
    never_both(&rig);
}

#[test]
fn power_lost_in_the_middle_of_a_handover_leaves_one_holder() {
    let Some(rig) = settled(Builder::new("power loss during a standby").with_serial()) else { return };
    // The giver dies while its stop script runs...
    rig.machine(Node::Ha1).write("slow-stop", "1000");
    let _ = rig.hbd(Node::Ha1, &["standby", "--no-wait"]);
    rig.wait_group(Node::Ha1, "stopping", SOON);
    lost_and_back(&rig, Node::Ha1);
    rig.wait_settled(Node::Ha1, SOON);
    // ...and the taker while its start script runs.
    std::fs::remove_file(rig.machine(Node::Ha1).path("slow-stop")).expect("it was there");
    rig.machine(Node::Ha2).write("slow-start", "1000");
    let _ = rig.hbd(Node::Ha1, &["standby", "--no-wait"]);
    rig.wait_group(Node::Ha2, "starting", SOON);
    rig.power_off(Node::Ha2);
    rig.wait_group(Node::Ha1, "held", SOON);
    rig.wait_answer(Node::Ha1, SOON);
    never_both(&rig);
}
