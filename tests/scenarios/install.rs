//! From one copied file and the manual's three to a served address, as a new user does it.

use crate::SOON;
use hb_hil::netns::{Builder, Files, Node, Output, Rig, skip};
use std::fs;
use std::process::Command;
use std::time::Duration;

/// As the machine's administrator, one line.
fn give(rig: &Rig, node: Node, line: &str) -> Output {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", line]).env_remove("NOTIFY_SOCKET");
    let output = rig.machine(node).run(&mut shell, Duration::from_secs(60));
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", node.name()));
    rig.note(format!("{}: {line}: {output:?}", node.name()));
    output
}

fn done(rig: &Rig, node: Node, line: &str) -> String {
    let output = give(rig, node, line);
    assert_eq!(output.code, Some(0), "{}: {line}: {output:?}", node.name());
    output.stdout
}

/// A machine with disks of its own, in the style of Red Hat 9, and a mail system that is there already. False where the
/// kernel has no overlays.
fn bare(rig: &Rig, node: Node) -> bool {
    let dir = rig.machine(node).path("");
    let dir = dir.display();
    let script = format!(
        "set -e\nmkdir -p {dir}/disks {dir}/copied\nmount -t tmpfs disks {dir}/disks\n\
         for d in etc usr var; do\n\
           mkdir {dir}/disks/$d {dir}/disks/$d.work\n\
           mount -t overlay -o lowerdir=/$d,upperdir={dir}/disks/$d,workdir={dir}/disks/$d.work $d /$d\n\
         done"
    );
    let made = give(rig, node, &script);
    if made.code != Some(0) {
        skip("a new user", &made.stderr);
        return false;
    }
    let red_hat = format!(
        "mount -t tmpfs run /run && mkdir -p /run/lock && mkdir -p /var/lock/subsys /etc/rc.d/init.d && \
         cp -p {dir}/init.d/jdmail /etc/rc.d/init.d/jdmail"
    );
    done(rig, node, &red_hat);
    true
}

#[test]
fn a_new_user_needs_five_commands_a_node() {
    let Some(rig) = Builder::new("a new user").build() else { return };
    let files = Files::seed();
    for node in Node::BOTH {
        if !bare(&rig, node) {
            return;
        }
        let machine = rig.machine(node);
        for (name, text) in
            [("ha.cf", &files.ha_cf), ("haresources", &files.haresources), ("authkeys", &files.authkeys)]
        {
            machine.write(&format!("copied/{name}"), text);
        }
        let copied = machine.path("copied/hbd");
        fs::copy(machine.program(), &copied).expect("the disk takes it");
        let commands = [
            format!("{} install", copied.display()),
            format!("cp {0}/ha.cf {0}/haresources {0}/authkeys /etc/ha.d", machine.path("copied").display()),
            // The manual's one slip, which `hbd check` names.
            "sed -i 's/^ha-a /ha-1 /' /etc/ha.d/haresources".to_owned(),
            "hbd check".to_owned(),
            "/etc/rc.d/init.d/heartbeat start".to_owned(),
        ];
        assert!(commands.len() <= 5);
        for line in &commands {
            let output = give(&rig, node, line);
            let degraded = line == "hbd check" && output.stdout.contains("configuration errors 0");
            assert!(output.code == Some(0) || degraded, "{}: {line}: {output:?}", node.name());
            if line.ends_with("heartbeat start") {
                let (front, peer) = ("started, pid ", node.other().name());
                let said = output.stdout;
                assert!(
                    said.contains(front)
                        && said.contains(&format!("serves when {peer} is met, at the latest in 120 s")),
                    "{said}"
                );
            }
        }
    }
    rig.wait_answer(Node::Ha1, SOON);
    // The original's names answer, and rc finds its mark.
    assert!(
        done(&rig, Node::Ha1, "/usr/lib/heartbeat/heartbeat -s; test -e /var/lock/subsys/heartbeat")
            .contains("is running")
    );
    assert_eq!(done(&rig, Node::Ha1, "cl_status rscstatus"), "local\n");
    assert_eq!(done(&rig, Node::Ha2, "cl_status nodestatus ha-1"), "active\n");
    // A restart hands over, and back: failback is on in the manual.
    let pid = done(&rig, Node::Ha1, "cat /var/run/heartbeat/hbd.pid");
    let restarted = done(&rig, Node::Ha1, "hbd restart");
    assert!(restarted.contains("stopped") && restarted.contains("started, pid"), "{restarted}");
    assert_ne!(done(&rig, Node::Ha1, "cat /var/run/heartbeat/hbd.pid"), pid);
    rig.wait_answer(Node::Ha1, SOON);
    // Files on which it could not start again stop nothing.
    let kept = done(
        &rig,
        Node::Ha1,
        "cat /var/run/heartbeat/hbd.pid; cp /etc/ha.d/ha.cf /etc/ha.d/kept; echo nonsense >>/etc/ha.d/ha.cf",
    );
    let refused = give(&rig, Node::Ha1, "hbd restart");
    assert!(refused.code == Some(6) && refused.stderr.contains("nothing was stopped"), "{refused:?}");
    assert_eq!(
        done(&rig, Node::Ha1, "mv /etc/ha.d/kept /etc/ha.d/ha.cf; cat /var/run/heartbeat/hbd.pid"),
        kept
    );
    // The stop is back when all is stopped.
    done(&rig, Node::Ha1, "/etc/rc.d/init.d/heartbeat stop");
    let left = give(
        &rig,
        Node::Ha1,
        "test -e /var/lock/subsys/heartbeat || ip addr show dev eth0 | grep 192.168.2.50",
    );
    assert_eq!(left.code, Some(1), "{left:?}");
    assert_eq!(give(&rig, Node::Ha1, "/etc/rc.d/init.d/heartbeat status").code, Some(3));
    rig.wait_answer(Node::Ha2, SOON);
    // Nothing is taken from under a daemon, and what is somebody's stays.
    assert!(give(&rig, Node::Ha2, "hbd install --uninstall").stderr.contains("hbd stop"));
    done(
        &rig,
        Node::Ha1,
        "hbd install --uninstall; test -s /etc/ha.d/authkeys && test -e /var/lib/heartbeat/state",
    );
    assert!(
        give(&rig, Node::Ha1, "ls /usr/sbin/hbd /etc/rc.d/init.d/heartbeat /usr/bin/cl_status")
            .stdout
            .is_empty()
    );
    done(&rig, Node::Ha2, "hbd stop");
}
