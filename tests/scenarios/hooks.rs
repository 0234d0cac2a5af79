//! Hooks and the programs of `respawn` beside a real daemon.

use crate::SOON;
use hb_hil::netns::{Builder, Node};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A move is told in order, its hook hangs and holds up nothing; the program of `respawn` ends behind the groups.
#[test]
fn hooks_are_told_of_a_move_and_a_program_ends_behind_the_groups() {
    let name = "hooks_are_told_of_a_move_and_a_program_ends_behind_the_groups";
    let Some(rig) = Builder::new(name).build() else { return };
    for node in Node::BOTH {
        let machine = rig.machine(node);
        let script = |path: &str, text: String| {
            let path = machine.path(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
        };
        let out = machine.path("log/hooks").display().to_string();
        let own = machine.path("log/client").display().to_string();
        script(
            "etc/notify.d/told",
            format!("echo \"$1 $HBD_GROUP$HBD_LINK $HBD_OLD $HBD_NEW $HBD_WHY\" >> {out}"),
        );
        script("etc/notify.d/zz-hangs", "[ \"$HBD_NEW\" = stopping ] && exec sleep 1000; :".to_owned());
        script("etc/rc.d/status", format!("echo \"rc $HA_src $HA_st $HA_CURHOST\" >> {out}"));
        let ha_cf = machine.read("etc/ha.cf");
        let client = machine.path("etc/client");
        script(
            "etc/client",
            format!(
                "trap 'echo ends $(cat /proc/uptime) >> {own}; exit' TERM; echo runs >> {own}; while :; do sleep 0.1; done"
            ),
        );
        machine.write("etc/ha.cf", &format!("{ha_cf}\nrespawn root {}\n", client.display()));
    }
    rig.start_both();
    rig.wait_settled(Node::Ha1, SOON);
    let log = |node| rig.machine(node).read("log/hooks");
    let client = |node| rig.machine(node).read("log/client");
    rig.wait("the program runs", SOON, || client(Node::Ha1) == "runs\n");
    rig.wait("the start is told", SOON, || log(Node::Ha1).contains("group 192.168.2.50 starting held"));
    assert!(log(Node::Ha1).contains("rc ha-2 active ha-1"), "{}", log(Node::Ha1));
    // The hook on ha-1 hangs as the group stops: nothing waits for it.
    assert_eq!(rig.hbd(Node::Ha1, &["standby"]).code, Some(0));
    rig.wait_group(Node::Ha2, "held", SOON);
    rig.wait("what came behind the hook that hangs is told", SOON, || {
        log(Node::Ha1).contains("group 192.168.2.50 stopping idle")
    });
    rig.wait("that is logged", SOON, || rig.log(Node::Ha1).contains("zz-hangs hangs and is ended"));
    let all = log(Node::Ha1);
    let at = |part: &str| all.find(part).unwrap_or_else(|| panic!("{part}: {all}"));
    assert!(at("held stopping handover") < at("stopping idle"), "{all}");
    // The program ends in order with the daemon, and is not left behind.
    assert_eq!(rig.hbd(Node::Ha2, &["stop"]).code, Some(0));
    assert!(client(Node::Ha2).starts_with("runs\nends "), "{}", client(Node::Ha2));
    rig.wait_group(Node::Ha1, "held", SOON);
}
