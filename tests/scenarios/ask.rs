//! The heartbeat is gone and both machines live: the service address is asked before it is taken (DESIGN §7 O2c).

use crate::{A_WHILE, DEADTIME, SOON, never_both, nothing_moves, settled, unbroken};
use hb_hil::netns::{Builder, Cable, Files, Namespace, Node, Rig, SERVICE_ADDRESS, Stamp, Times};
use hb_linux::tested::{Errno, IfName, hardware_address, index, packet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

/// What a pair with armed watchdogs does by itself: these machines have none.
fn waits(files: Files) -> Files {
    files.with("answered", "wait")
}

fn builder(name: &str) -> Builder {
    Builder::new(name).edit(waits)
}

/// ha-1 in service, and ha-2 up beside it without ever having met it.
fn strangers(rig: &Rig) {
    rig.start(Node::Ha1);
    rig.wait_group(Node::Ha1, "held", SOON);
    rig.wait_answer(Node::Ha1, SOON);
    rig.start(Node::Ha2);
    rig.wait("ha-2 sees that its address answers", SOON, || {
        rig.log(Node::Ha2).contains("is still answered by")
    });
    rig.stays("ha-2 claims nothing", A_WHILE, || {
        rig.group(Node::Ha2) == "idle" && rig.group(Node::Ha1) == "held"
    });
    never_both(rig);
}

#[test]
fn the_only_heartbeat_cable_is_cut_and_nothing_moves_until_the_holder_is_off() {
    let Some(rig) = settled(builder("eth1 cut, both live")) else { return };
    // The seed has the one link. Both hold 0 ms, outage 0 ms.
    let cut = rig.cut(&[Cable::Cross]);
    rig.wait_peer(Node::Ha2, "dead", SOON);
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(12));
    unbroken(&rig, cut, Duration::from_millis(250));
    assert_eq!(rig.calls(Node::Ha2, "start", cut), 0);
    let log = rig.log(Node::Ha2);
    assert!(log.contains("ha-1 is silent on every link, but 192.168.2.50 is still answered by"), "{log}");
    assert_eq!(log.matches("is still answered by").count(), 1, "said once");
    never_both(&rig);
    // And while it is still cut, the holder loses its power.
    let lost = rig.power_off(Node::Ha1);
    rig.wait_answer(Node::Ha2, SOON);
    let outage = rig.client().longest_outage(lost);
    let bound = DEADTIME + Duration::from_millis(200) + Duration::from_millis(500);
    assert!(outage <= bound, "served after {outage:?}, bound {bound:?}");
    never_both(&rig);
}

#[test]
fn another_key_on_one_node_doubles_nobody() {
    let files = |files: Files| files.with_keys("auth 1\n1 sha1 not-the-same-secret\n");
    let Some(rig) = builder("another key").edit_on(Node::Ha2, files).build() else { return };
    strangers(&rig);
}

#[test]
fn another_port_on_one_node_doubles_nobody() {
    let files = |files: Files| files.with("udpport", "695");
    let Some(rig) = builder("another port").edit_on(Node::Ha2, files).build() else { return };
    strangers(&rig);
}

#[test]
fn a_firewall_on_both_nodes_moves_nothing_and_hides_no_death() {
    let Some(rig) = settled(builder("firewall on both")) else { return };
    let since = rig.note("694 is dropped on both");
    Node::BOTH.iter().for_each(|&node| _ = rig.firewall(node, true));
    rig.wait_peer(Node::Ha2, "dead", SOON);
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(6));
    unbroken(&rig, since, Duration::from_millis(250));
    let lost = rig.power_off(Node::Ha1);
    rig.wait_answer(Node::Ha2, SOON);
    let outage = rig.client().longest_outage(lost);
    assert!(outage <= DEADTIME + Duration::from_millis(700), "{outage:?}");
    // It boots behind the firewall, which the machine keeps, and finds its service elsewhere.
    rig.power_on(Node::Ha1);
    rig.start(Node::Ha1);
    rig.wait("ha-1 sees that its address answers", SOON, || {
        rig.log(Node::Ha1).contains("is still answered by")
    });
    rig.stays("ha-2 serves alone", A_WHILE, || {
        rig.group(Node::Ha1) == "idle" && rig.group(Node::Ha2) == "held"
    });
    Node::BOTH.iter().for_each(|&node| _ = rig.firewall(node, false));
    rig.wait_peer(Node::Ha2, "up", SOON);
    never_both(&rig);
}

/// With the seed's directives: an armed watchdog, and nothing said of `answered`.
#[test]
fn an_armed_watchdog_makes_an_answer_count() {
    let times = Times::new("200ms", "1500ms", "2500ms", "8");
    let Some(rig) = Builder::new("seed, watchdog armed").times(times).build() else { return };
    for node in Node::BOTH {
        let machine = rig.machine(node);
        let files = machine.read("etc/ha.cf").replace("\nwatchdog", "\n#watchdog");
        let device = machine.path("lib/dog.fake");
        machine.write("etc/ha.cf", &format!("{files}\nwatchdog {}\n", device.display()));
        assert!(!files.contains("answered"), "{files}");
    }
    rig.start_both();
    rig.wait_settled(Node::Ha1, SOON);
    let status = rig.status(Node::Ha1).expect("an answer");
    let watchdog = status.number("/watchdog/timeout_s").expect("it is armed");
    let cut = rig.cut(&[Cable::Cross]);
    rig.wait_peer(Node::Ha2, "dead", SOON);
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(15));
    unbroken(&rig, cut, Duration::from_millis(250));
    assert_eq!(rig.calls(Node::Ha2, "start", cut), 0);
    // Who answers is in the status, for people and for programs.
    let status = rig.status(Node::Ha2).expect("an answer");
    assert_eq!(status.text("/groups/0/wait"), "answered");
    assert_eq!(status.text("/groups/0/answered_by").len(), "00:00:00:00:00:00".len(), "{status:?}");
    let shown = rig.hbd(Node::Ha2, &["status"]).stdout;
    assert!(shown.contains(status.text("/groups/0/answered_by")), "{shown}");
    let lost = rig.power_off(Node::Ha1);
    rig.wait_answer(Node::Ha2, SOON);
    let outage = rig.client().longest_outage(lost);
    let bound = Duration::from_millis(2500) + Duration::from_secs(watchdog) + Duration::from_millis(400);
    rig.note(format!("served after {outage:?}, bound {bound:?}"));
    assert!(outage <= bound, "served after {outage:?}, bound {bound:?}");
    never_both(&rig);
}

#[test]
fn a_holder_whose_interface_comes_back_finds_its_address_elsewhere_and_gives_up() {
    let Some(rig) = settled(builder("ifdown, the other claims, ifup")) else { return };
    let ip = |lines: &str| _ = rig.machine(Node::Ha1).net().ip(lines).expect("ip");
    rig.cut(&[Cable::Cross]);
    ip("link set eth0 down\naddr flush dev eth0\n");
    rig.wait_answer(Node::Ha2, SOON);
    rig.wait_group(Node::Ha2, "held", SOON);
    let back = Stamp::now();
    ip("addr add 192.168.2.2/24 broadcast + dev eth0\nlink set eth0 up\n");
    rig.wait("ha-1 gives up", SOON, || rig.group(Node::Ha1) == "idle");
    rig.stays("ha-2 serves alone", A_WHILE, || {
        rig.group(Node::Ha1) == "idle" && rig.group(Node::Ha2) == "held"
    });
    // Nobody had the address twice, and no client saw the old holder.
    let spans = rig.address_spans(Node::Ha1);
    assert!(spans.iter().all(|span| span.until < back), "it was put back: {spans:?}");
    assert!(rig.client().good(back).iter().all(|(_, by)| by == "ha-2"));
    unbroken(&rig, back, Duration::from_millis(250));
    assert!(rig.log(Node::Ha1).contains("has its address"), "{}", rig.log(Node::Ha1));
    rig.mend(&[Cable::Cross]);
    // Heard again, the preferred node gets it back in order.
    rig.wait_settled(Node::Ha1, SOON);
}

/// An ARP answer that nobody asked for: this address is at `mac`. To the machine with the hardware address `to`.
fn unasked(to: [u8; 6], mac: [u8; 6], address: [u8; 4]) -> Vec<u8> {
    let head = [&to[..], &mac, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 2]].concat();
    [&head[..], &mac, &address, &to, &[0, 0, 0, 0]].concat()
}

#[test]
fn a_stream_of_answers_that_nobody_asked_for_counts_for_nothing() {
    let Some(rig) = settled(builder("forged ARP answers").alone()) else { return };
    let eth0 = IfName::new("eth0").expect("a name");
    let own = |net: &Namespace| {
        net.run(|| hardware_address(&eth0).map_err(|why| std::io::Error::other(why.to_string())))
    };
    let to = own(rig.machine(Node::Ha2).net()).expect("it has one");
    let me = own(rig.intruder().net()).expect("it has one");
    let (end, sent) = (AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            let stream = || -> std::io::Result<()> {
                let other = |why: Errno| std::io::Error::other(why.to_string());
                let (socket, index) = (packet::open(false).map_err(other)?, index(&eth0).map_err(other)?);
                while !end.load(Relaxed) {
                    packet::send(&socket, &unasked(to, me, SERVICE_ADDRESS), index).map_err(other)?;
                    sent.fetch_add(1, Relaxed);
                    thread::sleep(Duration::from_millis(3));
                }
                Ok(())
            };
            rig.intruder().net().run(stream).expect("it can send");
        });
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            nothing_moves(&rig, Node::Ha1, Duration::from_secs(2));
            let lost = rig.power_off(Node::Ha1);
            rig.wait_answer(Node::Ha2, SOON);
            let outage = rig.client().longest_outage(lost);
            assert!(outage <= DEADTIME + Duration::from_millis(700), "it was held back for {outage:?}");
        }));
        end.store(true, Relaxed);
        told.unwrap_or_else(|why| std::panic::resume_unwind(why));
    });
    assert!(sent.load(Relaxed) > 300, "hardly anything was forged");
    assert!(rig.log(Node::Ha2).contains("that nobody asked for"), "{}", rig.log(Node::Ha2));
    never_both(&rig);
}

#[test]
fn two_cold_starts_behind_a_cut_cable_have_one_holder() {
    let Some(rig) = builder("two cold starts").build() else { return };
    rig.cut(&[Cable::Cross]);
    rig.start_both();
    rig.wait("one of them holds", SOON, || Node::BOTH.iter().any(|&node| rig.group(node) == "held"));
    thread::sleep(A_WHILE);
    let held = Node::BOTH.iter().filter(|&&node| rig.group(node) == "held").count();
    assert_eq!(held, 1, "{} | {}", rig.log(Node::Ha1), rig.log(Node::Ha2));
}

#[test]
fn under_wait_a_frozen_holder_keeps_what_its_kernel_answers_for() {
    let Some(rig) = settled(builder("SIGSTOP of the holder, answered wait")) else { return };
    let frozen = rig.freeze(Node::Ha1);
    rig.wait_peer(Node::Ha2, "dead", SOON);
    rig.stays("ha-2 claims nothing", A_WHILE, || rig.group(Node::Ha2) == "idle");
    assert_eq!(rig.calls(Node::Ha2, "start", frozen), 0);
    unbroken(&rig, frozen, Duration::from_millis(250));
    rig.thaw(Node::Ha1);
    rig.wait_settled(Node::Ha1, SOON);
    never_both(&rig);
}

#[test]
fn a_power_loss_with_whole_links_is_taken_over_soon_after_the_deadtime() {
    let Some(rig) = settled(builder("power loss, asked meanwhile").alone()) else { return };
    let lost = rig.power_off(Node::Ha1);
    rig.wait_answer(Node::Ha2, SOON);
    let outage = rig.client().longest_outage(lost);
    assert!(outage <= DEADTIME + Duration::from_millis(400), "{outage:?}");
    assert!(!rig.log(Node::Ha2).contains("is still answered by"), "{}", rig.log(Node::Ha2));
    never_both(&rig);
}

/// The address comes up last, and its next holder answers for it from the first script on.
#[test]
fn a_cable_cut_in_the_middle_of_a_slow_start_doubles_nobody() {
    let last = |files: Files| Files {
        haresources: files.haresources.replace(" 192.168.2.50", " Delay::5 192.168.2.50"),
        ..waits(files)
    };
    let Some(rig) = settled(Builder::new("cut in a slow start").edit(last)) else { return };
    let said = rig.hbd(Node::Ha1, &["standby", "--no-wait"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    rig.wait_group(Node::Ha2, "starting", SOON);
    let cut = rig.cut(&[Cable::Cross]);
    rig.wait_peer(Node::Ha1, "dead", SOON);
    rig.wait_answer(Node::Ha2, SOON);
    nothing_moves(&rig, Node::Ha2, A_WHILE);
    assert_eq!(rig.calls(Node::Ha1, "start", cut), 0, "{}", rig.log(Node::Ha1));
    let log = rig.log(Node::Ha1);
    assert!(log.contains("ha-2 is silent on every link, but 192.168.2.50 is still answered by"), "{log}");
    never_both(&rig);
}
