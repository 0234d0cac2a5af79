//! A fence proves a silent holder off before its group is claimed, or does not (DESIGN §7 O2).

use crate::{A_WHILE, SOON, never_both};
use hb_hil::netns::{Builder, Node, Rig};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

/// The holder has lost its power; ha-2 has a fence whose script is `text`, with its verb and node as `$1` and `$2`.
fn lost(name: &str, more: &[(&'static str, &'static str)], text: &str) -> Option<Rig> {
    let more = more.to_vec();
    let files = move |files| {
        more.iter().fold(files, |files, (name, value)| hb_hil::netns::Files::with(files, name, value))
    };
    let rig = Builder::new(name).edit(files).build()?;
    for node in Node::BOTH {
        let machine = rig.machine(node);
        let script = machine.path("etc/fence");
        machine.write(
            "etc/fence",
            &format!("#!/bin/sh\necho \"$1 $2\" >> {}/fenced\n{text}\n", machine.path("lib").display()),
        );
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("its own file");
        let files = machine.read("etc/ha.cf");
        machine.write("etc/ha.cf", &format!("{files}\nfence external {}\nfence_delay 0\n", script.display()));
    }
    rig.start_both();
    rig.wait_settled(Node::Ha1, SOON);
    assert_eq!(rig.machine(Node::Ha2).read("lib/fenced"), "", "nobody was reset yet");
    let status = rig.status(Node::Ha2).expect("an answer");
    assert!(status.text("/fence/device").starts_with("external /"), "{status:?}");
    rig.power_off(Node::Ha1);
    rig.wait("the fence is called", SOON, || {
        rig.machine(Node::Ha2).read("lib/fenced").starts_with("reset ha-1\n")
    });
    Some(rig)
}

#[test]
fn a_claim_waits_for_a_fence_that_works() {
    let text = "while ! test -e \"${0%/*}/go\"; do sleep 0.1; done; echo outlet 3 is off; echo done";
    let Some(rig) = lost("a_claim_waits_for_a_fence_that_works", &[], text) else { return };
    let waits = || rig.status(Node::Ha2).is_some_and(|status| status.text("/groups/0/wait") == "fence");
    // The script runs before the daemon has been asked.
    rig.wait("the status says what it waits for", SOON, waits);
    rig.stays("nothing runs before the fence has ended", A_WHILE, || {
        rig.calls(Node::Ha2, "start", rig.born()) == 0 && waits()
    });
    rig.machine(Node::Ha2).write("etc/go", "");
    rig.wait_answer(Node::Ha2, SOON);
    let log = rig.log(Node::Ha2);
    for line in ["the reset begins, 60000 ms at most", "the reset succeeded after", "node ha-1 now reset"] {
        assert!(log.contains(line), "{line}: {log}");
    }
    assert_eq!(rig.machine(Node::Ha2).read("lib/fenced").lines().count(), 1, "once");
    never_both(&rig);
}

#[test]
fn a_fence_that_fails_is_tried_again_until_an_operator_vouches() {
    let text = "echo no route to the outlet >&2; exit 7";
    let Some(rig) = lost("a_fence_that_fails_is_tried_again", &[], text) else { return };
    rig.wait("it is tried again", SOON, || rig.machine(Node::Ha2).read("lib/fenced").lines().count() >= 2);
    rig.wait("the status says so", SOON, || {
        rig.status(Node::Ha2).is_some_and(|s| s.text("/fence/said") == "no route to the outlet")
    });
    assert_eq!(rig.calls(Node::Ha2, "start", rig.born()), 0);
    let log = rig.log(Node::Ha2);
    assert!(log.contains("failed with exit code 7 after"), "{log}");
    assert!(log.contains("it said last: no route to the outlet"), "{log}");
    assert!(log.contains("hbd confirm-down ha-1"), "the next command: {log}");
    let said = rig.hbd(Node::Ha2, &["status"]);
    assert!(said.stdout.contains("FAILED") && said.stdout.contains("no route to the outlet"), "{said:?}");
    let word = rig.hbd(Node::Ha2, &["confirm-down", "ha-1"]);
    assert_eq!(word.code, Some(0), "{word:?}");
    rig.wait_answer(Node::Ha2, SOON);
    never_both(&rig);
}

#[test]
fn a_fence_that_is_not_there_is_not_waited_for_under_claim() {
    let more = [("fence_failed", "claim")];
    let text = "rm \"$0\"; exit 1";
    let Some(rig) = lost("not waited for under claim", &more, text) else { return };
    rig.wait_answer(Node::Ha2, SOON);
    let log = rig.log(Node::Ha2);
    assert!(log.contains("fence_failed says claim"), "{log}");
    assert!(log.contains("so it is decided again"), "{log}");
    assert_eq!(rig.machine(Node::Ha2).read("lib/fenced").lines().count(), 1, "not tried again");
    never_both(&rig);
}

#[test]
fn a_fence_that_hangs_is_ended_and_holds_up_nothing() {
    let more = [("script_timeout", "start 2")];
    let text = "trap '' TERM; while :; do sleep 1; done";
    let Some(rig) = lost("a_fence_that_hangs", &more, text) else { return };
    rig.wait("it is ended", SOON, || rig.log(Node::Ha2).contains("and was ended"));
    assert_eq!(rig.calls(Node::Ha2, "start", rig.born()), 0, "nothing is proven");
    // And a fence that cannot be run is none either.
    fs::remove_file(rig.machine(Node::Ha2).path("etc/fence")).expect("its own file");
    rig.wait("it is missed", SOON, || {
        rig.log(Node::Ha2).contains("it could not be run, so nobody was reset")
    });
    rig.stays("nothing is claimed", A_WHILE, || rig.calls(Node::Ha2, "start", rig.born()) == 0);
    let first = rig.log(Node::Ha2);
    assert!(!first.contains("The own loop stood still"), "{first}");
    // The other node is back, and serves.
    rig.power_on(Node::Ha1);
    rig.start(Node::Ha1);
    rig.wait_settled(Node::Ha1, SOON);
    never_both(&rig);
}

#[test]
fn a_drill_of_the_power_has_the_fence_reset_the_holder_and_measures_the_outage() {
    let files = |files: hb_hil::netns::Files| files.without("watchdog");
    let Some(rig) = Builder::new("a_drill_of_the_power").edit(files).build() else { return };
    let machine = rig.machine(Node::Ha2);
    // It could always, and a reset has ended when the plug is out.
    let text = "[ $1 = status ] || while ! test -e \"${0%/*}/out\"; do sleep 0.1; done";
    let said = machine.path("lib/fenced").display().to_string();
    machine.write("etc/fence", &format!("#!/bin/sh\necho \"$1 $2\" >> {said}\n{text}\n"));
    fs::set_permissions(machine.path("etc/fence"), fs::Permissions::from_mode(0o755)).expect("its own file");
    let ha_cf = machine.read("etc/ha.cf");
    machine.write("etc/ha.cf", &format!("{ha_cf}\nfence external {}\n", machine.path("etc/fence").display()));
    rig.start_both();
    rig.wait_settled(Node::Ha1, SOON);
    // ha-1 has no fence; on ha-2 nobody answers the question.
    for (node, why) in [(Node::Ha1, "no fence of this node"), (Node::Ha2, "Which node loses its power?")] {
        let refused = rig.hbd(node, &["drill", "--power", "--yes"]);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains(why) && refused.stderr.contains("nothing was moved"), "{refused:?}");
    }
    assert!(!machine.read("lib/fenced").contains("reset"), "its status was asked for alone");
    let mut drill = machine.hbd(&["drill", "--power", "--yes", "--json"]);
    drill.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut drill = machine.spawn(&mut drill).expect("it begins");
    drill.stdin.take().expect("piped").write_all(b"ha-1\n").expect("answered");
    let patience = Duration::from_secs(120);
    rig.wait("the fence is called", patience, || machine.read("lib/fenced").contains("reset ha-1\n"));
    rig.power_off(Node::Ha1);
    machine.write("etc/out", "");
    rig.wait_answer(Node::Ha2, patience);
    rig.power_on(Node::Ha1);
    rig.start(Node::Ha1);
    let output = drill.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told} {}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    let steps = report["steps"].as_array().expect("steps");
    let dead: Vec<_> = steps.iter().filter(|step| step["power"] == true).collect();
    let [dead] = dead.as_slice() else { panic!("{report}") };
    let outage = &dead["outages"][0];
    // A death is silence for a deadtime.
    assert!(outage["outage_ms"].as_u64().is_some_and(|ms| ms >= 500), "{report}");
    assert_eq!((&outage["end_seen_by"], &report["well"]), (&"own".into(), &true.into()), "{report}");
    rig.wait_settled(Node::Ha1, SOON);
    never_both(&rig);
}
