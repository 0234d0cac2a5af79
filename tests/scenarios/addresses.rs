//! Interfaces and addresses change behind the daemon's back.

use crate::{SOON, never_both, nothing_moves, settled};
use hb_hil::netns::{Builder, Node, Reply, Rig, Stamp};
use std::thread;
use std::time::Duration;

fn ip(rig: &Rig, node: Node, lines: &str) {
    rig.machine(node).net().ip(lines).expect("ip");
}

#[test]
fn an_address_that_went_with_its_interface_is_put_back_in_place() {
    let Some(rig) = settled(Builder::new("ifdown and ifup of the holder").with_serial()) else { return };
    let gone = Stamp::now();
    ip(&rig, Node::Ha1, "link set eth0 down\naddr flush dev eth0\n");
    thread::sleep(Duration::from_millis(400));
    ip(&rig, Node::Ha1, "addr add 192.168.2.2/24 broadcast + dev eth0\nlink set eth0 up\n");
    rig.wait("it was started anew", SOON, || rig.calls(Node::Ha1, "start", gone) > 0);
    rig.wait_answer(Node::Ha1, SOON);
    rig.wait_settled(Node::Ha1, SOON);
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(1));
    assert!(rig.log(Node::Ha1).contains("eth0 is off or gone"), "{}", rig.log(Node::Ha1));
    never_both(&rig);
}

#[test]
fn an_address_that_somebody_took_away_is_put_back_as_often_as_it_goes() {
    let Some(rig) = settled(Builder::new("address taken away").with_serial()) else { return };
    for _ in 0..3 {
        let gone = Stamp::now();
        ip(&rig, Node::Ha1, "addr del 192.168.2.50/24 dev eth0\n");
        rig.wait("it was started anew", SOON, || rig.calls(Node::Ha1, "start", gone) > 0);
        rig.wait_group(Node::Ha1, "held", SOON);
        rig.wait_answer(Node::Ha1, SOON);
        rig.wait_settled(Node::Ha1, SOON);
    }
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(1));
    never_both(&rig);
}

#[test]
fn an_interface_that_stays_off_does_not_keep_the_service() {
    let Some(rig) = settled(Builder::new("interface of the holder stays off").with_serial()) else { return };
    ip(&rig, Node::Ha1, "link set eth0 down\n");
    rig.wait_answer(Node::Ha2, SOON);
    rig.wait_group(Node::Ha2, "held", SOON);
    never_both(&rig);
}

#[test]
fn a_neighbours_table_that_somebody_spoilt_heals() {
    let builder = Builder::new("poisoned table").edit(|files| files.with("announce_every", "1"));
    let Some(rig) = settled(builder) else { return };
    // Valid for half a minute at least, if nobody tells the truth.
    let lie = "neigh replace 192.168.2.50 lladdr 02:00:00:00:00:99 dev eth0 nud reachable\n";
    rig.client_net().ip(lie).expect("ip");
    let spoilt = Stamp::now();
    rig.wait("the client is answered again", Duration::from_secs(8), || {
        // What was asked before it may be answered after it.
        rig.client().samples().iter().any(|s| s.sent > spoilt && matches!(s.reply, Reply::Good(_)))
    });
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(1));
}

/// Both nodes' heartbeat network becomes another one, one node after the other.
#[test]
fn a_broadcast_link_follows_its_interface() {
    let Some(rig) = settled(Builder::new("eth1 renumbered").with_serial()) else { return };
    for (node, address) in [(Node::Ha1, "10.9.9.1"), (Node::Ha2, "10.9.9.2")] {
        ip(&rig, node, &format!("addr flush dev eth1\naddr add {address}/24 broadcast + dev eth1\n"));
    }
    let up = |rig: &Rig| {
        Node::BOTH.iter().all(|&n| rig.status(n).is_some_and(|status| status.link_state("eth1") == "up"))
    };
    rig.wait("eth1 is up again", SOON, || up(&rig));
    // New address added, old one taken away: never without one.
    for (node, old, new) in [(Node::Ha1, "10.9.9.1", "10.8.8.1"), (Node::Ha2, "10.9.9.2", "10.8.8.2")] {
        ip(&rig, node, &format!("addr add {new}/24 broadcast + dev eth1\naddr del {old}/24 dev eth1\n"));
    }
    rig.wait("both have said what they did", SOON, || {
        Node::BOTH.iter().all(|&n| rig.log(n).contains("opened anew, sending to 10.8.8.255"))
    });
    rig.wait("eth1 is up again", SOON, || up(&rig));
    // Off and on.
    ip(&rig, Node::Ha1, "link set eth1 down\n");
    rig.wait("the link is closed while it is down", SOON, || {
        rig.status(Node::Ha1).is_some_and(|status| status.link_state("eth1") != "up")
    });
    ip(&rig, Node::Ha1, "link set eth1 up\n");
    rig.wait("eth1 is up again", SOON, || up(&rig));
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(1));
    never_both(&rig);
}

/// Neither takes the other's directed broadcasts.
#[test]
fn netmasks_that_differ_do_not_cost_the_link() {
    let Some(rig) = Builder::new("netmasks of eth1 differ").with_serial().build() else { return };
    ip(&rig, Node::Ha2, "addr flush dev eth1\naddr add 10.0.0.2/25 broadcast + dev eth1\n");
    rig.start_both();
    rig.wait_settled(Node::Ha1, SOON);
    rig.wait("eth1 is up by the other broadcast address", SOON, || {
        Node::BOTH.iter().all(|&n| rig.status(n).is_some_and(|status| status.link_state("eth1") == "up"))
    });
    assert!(rig.log(Node::Ha1).contains("and to 255.255.255.255"), "{}", rig.log(Node::Ha1));
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(2));
    never_both(&rig);
}
