//! The rig without a daemon: an operator's hand moves the service, and everything that the scenarios rely on is seen.

use hb_hil::netns::{Builder, Cable, Node, Rig, Stamp};
use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

/// What `IPaddr` and `jdmail` would do, by hand.
fn serve(rig: &Rig, node: Node, up: bool) {
    let verb = if up { "start" } else { "stop" };
    let ip = if up {
        "ip addr add 192.168.2.50/24 dev eth0 label eth0:0"
    } else {
        "ip addr del 192.168.2.50/24 dev eth0"
    };
    let jdmail = format!("/etc/init.d/jdmail {verb}");
    let lines = if up { format!("{ip} && {jdmail}") } else { format!("{jdmail} && {ip}") };
    shell(rig, node, &lines);
}

fn shell(rig: &Rig, node: Node, line: &str) -> String {
    let output = rig.machine(node).run(Command::new("sh").args(["-c", line]), SOON).expect("the shell ends");
    assert_eq!(output.code, Some(0), "{line}: {output:?}");
    output.stdout
}

/// The client learns of the new machine by its next question, for nobody announces it.
fn forget(rig: &Rig) {
    rig.client_net().ip("neigh flush dev eth0\n").expect("ip runs");
}

#[test]
fn a_hand_moves_the_service_and_the_rig_sees_it() {
    let Some(rig) = Builder::new("a hand moves the service").build() else { return };
    assert_eq!(shell(&rig, Node::Ha1, "uname -n").trim(), "ha-1");
    assert_ne!(
        shell(&rig, Node::Ha1, "cat /proc/sys/kernel/random/boot_id"),
        shell(&rig, Node::Ha2, "cat /proc/sys/kernel/random/boot_id"),
    );
    assert!(shell(&rig, Node::Ha1, "ls /etc/init.d").contains("jdmail"));
    serve(&rig, Node::Ha1, true);
    rig.wait_answer(Node::Ha1, SOON);
    let moved = Stamp::now();
    serve(&rig, Node::Ha1, false);
    // Long enough that no client can miss it.
    std::thread::sleep(Duration::from_millis(200));
    serve(&rig, Node::Ha2, true);
    forget(&rig);
    rig.wait_answer(Node::Ha2, SOON);
    let outages = rig.client().outages(moved, Duration::from_millis(20));
    assert!(outages.iter().any(|outage| outage.from == "ha-1" && outage.to == "ha-2"), "{outages:?}");
    assert_eq!(rig.overlap(rig.born()), Duration::ZERO);
    assert_eq!((rig.holding(Node::Ha1).len(), rig.holding(Node::Ha2).len()), (1, 1));

    // Both at once is seen as well.
    let both = Stamp::now();
    serve(&rig, Node::Ha1, true);
    std::thread::sleep(Duration::from_millis(100));
    serve(&rig, Node::Ha1, false);
    let overlap = rig.overlap(both);
    assert!(overlap > Duration::from_millis(100) && overlap < Duration::from_secs(3), "{overlap:?}");
    assert_eq!(rig.calls(Node::Ha1, "start", rig.born()), 2);
}

#[test]
fn a_power_loss_ends_everything_at_once_and_a_boot_begins_anew() {
    let Some(rig) = Builder::new("a power loss").build() else { return };
    let boot = shell(&rig, Node::Ha1, "cat /proc/sys/kernel/random/boot_id");
    serve(&rig, Node::Ha1, true);
    rig.wait_answer(Node::Ha1, SOON);
    shell(&rig, Node::Ha1, "sleep 1000 </dev/null >/dev/null 2>&1 & touch /tmp/nothing");
    let lost = rig.power_off(Node::Ha1);
    assert!(rig.machine(Node::Ha1).spawn(&mut Command::new("true")).is_err(), "a dead machine runs nothing");
    assert_eq!(rig.holding(Node::Ha1).len(), 1);
    assert!(rig.holding(Node::Ha1)[0].until.since(lost) < Duration::from_secs(1));
    rig.wait("the client gets no answer", SOON, || rig.client().answered_by().is_none());
    rig.power_on(Node::Ha1);
    assert_ne!(shell(&rig, Node::Ha1, "cat /proc/sys/kernel/random/boot_id"), boot);
    assert!(shell(&rig, Node::Ha1, "ps -e 2>/dev/null || true").matches("sleep").count() == 0);
    assert!(!shell(&rig, Node::Ha1, "ip addr show dev eth0").contains("192.168.2.50"));
    serve(&rig, Node::Ha1, true);
    rig.wait_answer(Node::Ha1, SOON);
}

#[test]
fn every_cable_can_be_cut_and_mended() {
    let Some(rig) = Builder::new("every cable").with_serial().build() else { return };
    let carrier = |node: Node| shell(&rig, node, "ip link show eth1").contains("LOWER_UP");
    assert!(carrier(Node::Ha1) && carrier(Node::Ha2));
    rig.cut(&[Cable::Cross]);
    assert!(!carrier(Node::Ha1) && !carrier(Node::Ha2));
    rig.mend(&[Cable::Cross]);
    assert!(carrier(Node::Ha1) && carrier(Node::Ha2));

    let tty = |node: Node| rig.serial().path(node.index()).display().to_string();
    let (near, far) = (tty(Node::Ha1), tty(Node::Ha2));
    let send = |rig: &Rig, word: &str| -> String {
        let listen = format!("timeout 1 head -c {} {far}", word.len());
        std::thread::scope(|scope| {
            let listener = scope.spawn(|| {
                let mut command = Command::new("sh");
                rig.machine(Node::Ha2).run(command.args(["-c", &listen]), SOON).expect("sh ends").stdout
            });
            std::thread::sleep(Duration::from_millis(200));
            shell(rig, Node::Ha1, &format!("printf %s {word} > {near}"));
            listener.join().expect("no panic")
        })
    };
    assert_eq!(send(&rig, "hello"), "hello");
    rig.cut(&[Cable::SerialFrom(Node::Ha1)]);
    assert_eq!(send(&rig, "lost"), "");
    rig.mend(&[Cable::SerialFrom(Node::Ha1)]);
    assert_eq!(send(&rig, "again"), "again");
    let log = rig.serial().log(rig.born());
    let said: Vec<(&[u8], bool)> =
        log.iter().map(|chunk| (chunk.bytes.as_slice(), chunk.delivered)).collect();
    assert_eq!(said, vec![(&b"hello"[..], true), (b"lost", false), (b"again", true)]);
}

#[test]
fn the_intruder_hears_and_speaks() {
    let Some(rig) = Builder::new("the intruder").build() else { return };
    rig.mend(&[Cable::Intruder]);
    let recording = std::thread::scope(|scope| {
        let recorder = scope.spawn(|| rig.intruder().record("eth1", Duration::from_secs(1)));
        std::thread::sleep(Duration::from_millis(200));
        let beat = rig.machine(Node::Ha1).net().run(|| {
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            socket.set_broadcast(true)?;
            socket.send_to(b"beat", "10.0.0.255:694")
        });
        assert!(beat.is_ok(), "{beat:?}");
        recorder.join().expect("no panic").expect("a socket")
    });
    if let [(_, from, bytes)] = recording.datagrams.as_slice() {
        assert_eq!((*from, bytes.as_slice()), (Node::Ha1.cross_address(), &b"beat"[..]));
    } else {
        panic!("{recording:?}");
    }
    let sent = rig
        .intruder()
        .flood("eth1", Node::Ha2.cross_address(), 20_000, Duration::from_millis(500), |n| {
            hb_hil::netns::noise(n, 40)
        })
        .expect("a socket");
    assert!((5_000..=11_000).contains(&sent), "{sent}");
}
