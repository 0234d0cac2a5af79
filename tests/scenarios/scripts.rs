//! Scripts that fail, hang or lie.

use crate::{A_WHILE, SOON, never_both, settled};
use hb_hil::netns::{Builder, Files, Node, Rig, Stamp};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

const GROUP: &str = "192.168.2.50";

fn knob(rig: &Rig, node: Node, name: &str, text: Option<&str>) {
    match text {
        Some(text) => rig.machine(node).write(name, text),
        None => {
            let _ = fs::remove_file(rig.machine(node).path(name));
        }
    }
    rig.note(format!("{}: {name} {}", node.name(), text.map_or("removed", |_| "set")));
}

fn short_limits(files: Files) -> Files {
    files.with("script_timeout", "2")
}

#[test]
fn a_start_that_fails_goes_to_the_other_node_and_stays_there() {
    let Some(rig) = Builder::new("start script fails").build() else { return };
    knob(&rig, Node::Ha1, "fail-start", Some(""));
    rig.start_both();
    rig.wait("ha-2 serves and ha-1 says that its start failed", SOON, || {
        rig.group(Node::Ha2) == "held" && rig.group(Node::Ha1) == "failed"
    });
    rig.wait_answer(Node::Ha2, SOON);
    assert!(
        rig.address_spans(Node::Ha1).last().is_none_or(|span| span.until != Stamp::NEVER),
        "the address was left"
    );
    assert!(rig.log(Node::Ha1).contains("jdmail"), "{}", rig.log(Node::Ha1));
    rig.stays("it is not tried again", A_WHILE, || rig.group(Node::Ha1) == "failed");
    assert_eq!(rig.calls(Node::Ha1, "start", rig.born()), 1);
    let refused = rig.hbd(Node::Ha1, &["takeover"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    // Mended and cleared, it goes back to where it belongs.
    knob(&rig, Node::Ha1, "fail-start", None);
    let cleared = rig.hbd(Node::Ha1, &["clear", GROUP]);
    assert_eq!(cleared.code, Some(0), "{cleared:?}");
    rig.wait_settled(Node::Ha1, SOON);
    never_both(&rig);
}

/// ha-1's stop script hangs during a standby; its group is stuck there.
fn stuck(rig: &Rig) {
    knob(rig, Node::Ha1, "hang-stop", Some(""));
    let output = rig.hbd(Node::Ha1, &["standby"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    rig.wait_group(Node::Ha1, "stuck", SOON);
    rig.stays("the other node keeps its hands off", A_WHILE, || rig.group(Node::Ha2) == "idle");
    assert_eq!(rig.calls(Node::Ha2, "start", rig.born()), 0);
    let log = rig.log(Node::Ha1);
    assert!(log.contains("stuck") && log.contains("jdmail"), "{log}");
}

#[test]
fn a_stop_that_hangs_blocks_the_peer_until_it_is_cleared() {
    let Some(rig) = settled(Builder::new("stop script hangs, cleared").edit(short_limits)) else { return };
    stuck(&rig);
    knob(&rig, Node::Ha1, "hang-stop", None);
    let cleared = rig.hbd(Node::Ha1, &["clear", GROUP]);
    assert_eq!(cleared.code, Some(0), "{cleared:?}");
    rig.wait_settled(Node::Ha2, SOON);
    never_both(&rig);
}

#[test]
fn a_stop_that_hangs_blocks_the_peer_also_in_silence_until_an_operator_vouches() {
    let Some(rig) = settled(Builder::new("stop script hangs, confirmed").edit(short_limits)) else { return };
    stuck(&rig);
    rig.power_off(Node::Ha1);
    rig.wait_peer(Node::Ha2, "dead", SOON);
    rig.stays("silence proves nothing", A_WHILE, || rig.group(Node::Ha2) == "idle");
    let output = rig.hbd(Node::Ha2, &["confirm-down", "ha-1"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    rig.wait_group(Node::Ha2, "held", SOON);
    rig.wait_answer(Node::Ha2, SOON);
    never_both(&rig);
}

#[test]
fn a_stop_that_hangs_is_over_with_the_next_boot() {
    let Some(rig) = settled(Builder::new("stop script hangs, rebooted").edit(short_limits)) else { return };
    stuck(&rig);
    rig.power_off(Node::Ha1);
    rig.wait_peer(Node::Ha2, "dead", SOON);
    knob(&rig, Node::Ha1, "hang-stop", None);
    rig.power_on(Node::Ha1);
    rig.start(Node::Ha1);
    rig.wait("one of the two serves again", SOON, || {
        Node::BOTH.iter().any(|&node| rig.group(node) == "held" && rig.group(node.other()) == "idle")
    });
    rig.wait("the client is answered", SOON, || rig.client().answered_by().is_some());
    never_both(&rig);
}

#[test]
fn a_slow_start_is_shown_and_waited_for() {
    let Some(rig) = settled(Builder::new("slow start")) else { return };
    knob(&rig, Node::Ha2, "slow-start", Some("2500"));
    rig.power_off(Node::Ha1);
    rig.wait_group(Node::Ha2, "starting", SOON);
    // The preferred node returns in the middle of it: never both.
    rig.power_on(Node::Ha1);
    rig.start(Node::Ha1);
    rig.wait_settled(Node::Ha1, SOON);
    never_both(&rig);
}

#[test]
fn a_stop_that_lies_is_stuck() {
    let Some(rig) = settled(Builder::new("lying stop script").edit(short_limits)) else { return };
    knob(&rig, Node::Ha1, "idle-stop", Some(""));
    let output = rig.hbd(Node::Ha1, &["standby"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    rig.wait_group(Node::Ha1, "stuck", SOON);
    rig.stays("the other node keeps its hands off", Duration::from_secs(2), || {
        rig.group(Node::Ha2) == "idle"
    });
    never_both(&rig);
}

#[test]
fn a_start_that_fails_everywhere_is_retried_with_pauses() {
    let Some(rig) = Builder::new("start fails on both").build() else { return };
    for node in Node::BOTH {
        knob(&rig, node, "fail-start", Some(""));
    }
    rig.start_both();
    rig.wait("both say that their start failed", SOON, || {
        Node::BOTH.iter().all(|&node| rig.group(node) == "failed")
    });
    for node in Node::BOTH {
        knob(&rig, node, "fail-start", None);
    }
    rig.wait("one of them serves without being asked", Duration::from_secs(90), || {
        Node::BOTH.iter().any(|&node| rig.group(node) == "held")
    });
    rig.wait("the client is answered", SOON, || rig.client().answered_by().is_some());
    never_both(&rig);
}

#[test]
fn a_monitored_service_is_restarted_in_place_and_then_handed_over() {
    let builder = Builder::new("monitor").edit(|files| files.with("monitor", "200ms failures 2"));
    let Some(rig) = settled(builder) else { return };
    let kill = |rig: &Rig| {
        let pid = rig.machine(Node::Ha1).read("run/service.pid");
        let line = format!("kill -9 {pid}");
        let mut command = std::process::Command::new("sh");
        let output = rig.machine(Node::Ha1).run(command.args(["-c", &line]), SOON).expect("the shell ends");
        assert_eq!(output.code, Some(0), "{output:?}");
        rig.note("the service was killed");
    };
    let begin = Stamp::now();
    kill(&rig);
    rig.wait("it was restarted in place", SOON, || rig.calls(Node::Ha1, "start", begin) >= 1);
    rig.wait_settled(Node::Ha1, SOON);
    assert_eq!(rig.calls(Node::Ha2, "start", rig.born()), 0);
    // It does not last: from now on nothing shows that it runs.
    knob(&rig, Node::Ha1, "mute-status", Some(""));
    rig.wait("handed over", Duration::from_secs(30), || {
        rig.group(Node::Ha2) == "held" && rig.group(Node::Ha1) == "failed"
    });
    rig.wait_answer(Node::Ha2, SOON);
    knob(&rig, Node::Ha1, "mute-status", None);
    rig.stays("it sticks, also against failback", A_WHILE, || rig.group(Node::Ha2) == "held");
    never_both(&rig);
}

/// A stop that says no is excused by nothing but a plain *stopped*; and who it was is named, with the next command.
#[test]
fn a_stop_that_says_no_while_status_is_silent_is_stuck_and_named() {
    let Some(rig) = settled(Builder::new("refused stop, silent status").edit(short_limits)) else { return };
    knob(&rig, Node::Ha1, "refuse-stop", Some(""));
    knob(&rig, Node::Ha1, "mute-status", Some(""));
    let output = rig.hbd(Node::Ha1, &["standby"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    rig.wait_group(Node::Ha1, "stuck", SOON);
    assert!(rig.calls(Node::Ha1, "stop", rig.born()) > 2, "it was asked again");
    rig.stays("the other node keeps its hands off", A_WHILE, || rig.group(Node::Ha2) == "idle");
    assert_eq!(rig.calls(Node::Ha2, "start", rig.born()), 0);
    let status = rig.hbd(Node::Ha1, &["status"]).stdout;
    let log = rig.log(Node::Ha1);
    for text in [&status, &log] {
        for word in ["jdmail stop: return code 1", "umount: /mail: device is busy", "hbd clear 192.168.2.50"]
        {
            assert!(text.contains(word), "{word} in {text}");
        }
    }
    for name in ["refuse-stop", "mute-status"] {
        knob(&rig, Node::Ha1, name, None);
    }
    let cleared = rig.hbd(Node::Ha1, &["clear", GROUP]);
    assert_eq!(cleared.code, Some(0), "{cleared:?}");
    rig.wait_settled(Node::Ha2, SOON);
    never_both(&rig);
}

/// The interpreter of a script goes away, on the holder or on the peer: no standby in either case.
#[test]
fn a_script_that_lost_its_interpreter_is_as_good_as_missing() {
    let Some(rig) = settled(Builder::new("script without its interpreter")) else { return };
    for node in Node::BOTH {
        let machine = rig.machine(node);
        let text = machine.read("init.d/jdmail");
        let first = text.lines().next().expect("a script");
        machine.write("init.d/jdmail", &text.replacen(first, "#!/nonexistent/sh", 1));
        rig.wait("it is seen", SOON, || rig.log(node).contains("not claimable here"));
        // A few beats, for the peer to hear of it.
        std::thread::sleep(A_WHILE);
        let refused = rig.hbd(Node::Ha1, &["standby"]);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert_eq!(rig.group(Node::Ha1), "held", "it goes on");
        machine.write("init.d/jdmail", &text);
        rig.wait("a standby goes through again", SOON, || rig.hbd(Node::Ha1, &["standby"]).code == Some(0));
        rig.wait_settled(Node::Ha2, SOON);
        assert_eq!(rig.hbd(Node::Ha1, &["takeover"]).code, Some(0));
        rig.wait_settled(Node::Ha1, SOON);
    }
    never_both(&rig);
}

/// The script of a running service loses its run bit: no standby, and after the daemon's death the group stays unknown here
/// and is nobody's, until the script can be asked.
#[test]
fn a_script_that_lost_its_run_bit_proves_nothing() {
    let Some(rig) = settled(Builder::new("script without its run bit")) else { return };
    let script = rig.machine(Node::Ha1).path("init.d/jdmail");
    let run_bit = |mode| fs::set_permissions(&script, fs::Permissions::from_mode(mode)).expect("chmod");
    run_bit(0o644);
    let refused = rig.hbd(Node::Ha1, &["standby"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert_eq!(rig.group(Node::Ha1), "held", "it goes on");
    // It is back before it counts as dead.
    rig.kill_daemon(Node::Ha1);
    rig.start(Node::Ha1);
    rig.wait_group(Node::Ha1, "unknown", SOON);
    rig.wait("the log names it", SOON, || {
        rig.log(Node::Ha1).contains("jdmail status (group 192.168.2.50): could not be run")
    });
    rig.stays("nobody takes it for stopped", A_WHILE, || {
        rig.group(Node::Ha1) == "unknown" && rig.group(Node::Ha2) == "idle"
    });
    run_bit(0o755);
    rig.wait("one of the two serves, and the other one knows", SOON, || {
        Node::BOTH.iter().any(|&node| rig.group(node) == "held" && rig.group(node.other()) == "idle")
    });
    rig.wait("the client is answered", SOON, || rig.client().answered_by().is_some());
}
