//! What a node keeps on its disk is lost or damaged.

use crate::{SOON, lost_and_back, never_both, nothing_moves, settled};
use hb_hil::netns::{Builder, Files, Node, Rig};
use std::fs;
use std::time::Duration;

/// Has this build the record of lateness? The one for i586 has it not; one that has it says since when.
fn keeps_lateness(rig: &Rig, node: Node) -> bool {
    rig.status(node).expect("an answer").number("/late_record/since").is_some_and(|since| since > 0)
}

/// How many rounds of the loop the record on the disk counts.
fn lateness_kept(rig: &Rig, node: Node) -> u64 {
    let record = rig.machine(node).read("lib/late");
    let counts =
        record.lines().find_map(|line| line.strip_prefix("counts ")).expect("it was written at the end");
    counts.split(' ').map(|count| count.parse::<u64>().expect("a count")).sum()
}

#[test]
fn a_lost_state_file_costs_nothing() {
    let Some(rig) = settled(Builder::new("lost state file")) else { return };
    // The standby first, then the holder.
    for node in [Node::Ha2, Node::Ha1] {
        let keeps = keeps_lateness(&rig, node);
        assert_eq!(rig.hbd(node, &["stop"]).code, Some(0));
        fs::remove_file(rig.machine(node).path("lib/state")).expect("the state file was there");
        let before = keeps.then(|| lateness_kept(&rig, node));
        rig.start(node);
        rig.wait_settled(Node::Ha1, SOON);
        // The record of lateness has a file of its own, and goes on.
        let status = rig.status(node).expect("an answer");
        let now: u64 = (0..11).filter_map(|at| status.number(&format!("/late_record/counts/{at}"))).sum();
        let life: u64 = (0..11).filter_map(|at| status.number(&format!("/late/counts/{at}"))).sum();
        assert!(
            before.is_none_or(|before| before > 0 && now == before + life),
            "{now} now, {before:?} before, {life} in this life"
        );
    }
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(2));
    never_both(&rig);
}

#[test]
fn a_node_that_lost_its_state_can_still_take_over() {
    let Some(rig) = settled(Builder::new("takeover without state")) else { return };
    // Let the epochs grow first.
    for verb in ["standby", "takeover"] {
        assert_eq!(rig.hbd(Node::Ha1, &[verb]).code, Some(0));
    }
    rig.wait_settled(Node::Ha1, SOON);
    let before = rig.status(Node::Ha1).expect("an answer").epoch();
    assert_eq!(rig.hbd(Node::Ha2, &["stop"]).code, Some(0));
    fs::remove_file(rig.machine(Node::Ha2).path("lib/state")).expect("the state file was there");
    rig.start(Node::Ha2);
    rig.wait_settled(Node::Ha1, SOON);
    rig.power_off(Node::Ha1);
    rig.wait_answer(Node::Ha2, SOON);
    let after = rig.status(Node::Ha2).expect("an answer").epoch();
    assert!(after > before, "epoch {after} is not above {before}");
    never_both(&rig);
}

#[test]
fn a_corrupt_state_file_is_named_and_kept_aside() {
    let Some(rig) = settled(Builder::new("corrupt state file")) else { return };
    let keeps = keeps_lateness(&rig, Node::Ha2);
    assert_eq!(rig.hbd(Node::Ha2, &["stop"]).code, Some(0));
    let corrupt = "hbd-state 1\ncounter 7\nepoch ffffffff 4294967295\ncrc 00000000\n";
    rig.machine(Node::Ha2).write("lib/state", corrupt);
    if keeps {
        let record = rig.machine(Node::Ha2).read("lib/late");
        rig.machine(Node::Ha2).write("lib/late", record.get(..record.len() / 2).expect("plain text"));
    }
    rig.start(Node::Ha2);
    rig.wait_settled(Node::Ha1, SOON);
    let folder = rig.machine(Node::Ha2).path("lib");
    let kept = fs::read_dir(folder).expect("the folder").flatten().any(|entry| {
        entry.file_name() != "state" && fs::read_to_string(entry.path()).is_ok_and(|text| text == corrupt)
    });
    assert!(kept, "the damaged file was not kept");
    let log = rig.log(Node::Ha2);
    assert!(log.contains("lib/state"), "the log does not name it: {log}");
    assert!(!keeps || log.contains("torn, or no record of lateness"), "nor the torn record: {log}");
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(1));
    never_both(&rig);
}

#[test]
fn a_full_disk_under_the_logs_stops_nobody() {
    let full = |files: Files| files.with("logfile", "/dev/full").with("debugfile", "/dev/full");
    let builder = Builder::new("full log disk").edit(full);
    let Some(rig) = settled(builder) else { return };
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(2));
    rig.wait("status says so", SOON, || fails(&rig, Node::Ha1, "logfile"));
    lost_and_back(&rig, Node::Ha1);
    rig.wait_settled(Node::Ha1, SOON);
    never_both(&rig);
}

/// Does the status name this among what the helper could not write?
fn fails(rig: &Rig, node: Node, what: &str) -> bool {
    let status = rig.status(node);
    let failing = status.as_ref().and_then(|s| s.0.pointer("/helper/failing")?.as_array());
    failing.is_some_and(|names| names.iter().any(|name| name.as_str() == Some(what)))
}

#[test]
fn a_disk_without_room_for_the_state_stops_nobody() {
    let Some(rig) = settled(Builder::new("state folder gone")) else { return };
    // A folder where the file should be: every write fails from now on.
    let lib = rig.machine(Node::Ha2).path("lib");
    fs::remove_dir_all(&lib).expect("the folder was there");
    fs::write(&lib, "").expect("the disk takes a file");
    rig.power_off(Node::Ha1);
    rig.wait_answer(Node::Ha2, SOON);
    assert_eq!(rig.group(Node::Ha2), "held");
    rig.wait("status says so", SOON, || fails(&rig, Node::Ha2, "state"));
    never_both(&rig);
}

#[test]
fn a_log_that_nobody_reads_holds_up_neither_the_state_nor_the_end() {
    let Some(rig) = Builder::new("log is a fifo").build() else { return };
    let machine = rig.machine(Node::Ha1);
    let fifo = machine.path("log/fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs").success());
    let files = machine.read("etc/ha.cf");
    let lines = files.lines().filter(|line| !line.trim_start().starts_with("logf"));
    let files = lines.collect::<Vec<_>>().join("\n");
    machine.write("etc/ha.cf", &format!("{files}\nlogfile {}\n", fifo.display()));
    rig.start_both();
    rig.wait_settled(Node::Ha1, SOON);
    assert!(machine.read("lib/state").contains("crc "), "the state waits behind the log");
    let status = rig.status(Node::Ha1).expect("an answer");
    assert_eq!(status.0.pointer("/helper/alive").and_then(|alive| alive.as_bool()), Some(true));
    let helper = machine.helper_pid().expect("a helper child");
    assert_eq!(rig.hbd(Node::Ha1, &["stop"]).code, Some(0));
    rig.wait("nobody is left behind", SOON, || !std::path::Path::new(&format!("/proc/{helper}")).exists());
    rig.wait_answer(Node::Ha2, SOON);
    never_both(&rig);
}

#[test]
fn a_torn_byte_in_the_event_ring_costs_one_line() {
    let Some(rig) = settled(Builder::new("torn event ring")) else { return };
    let machine = rig.machine(Node::Ha2);
    assert_eq!(rig.hbd(Node::Ha2, &["stop"]).code, Some(0));
    let lines = |bytes: &[u8]| {
        let slots = bytes.chunks(256).filter(|slot| !slot.starts_with(b"00000000")).map(<[u8]>::to_vec);
        slots.collect::<Vec<_>>()
    };
    let mut bytes = fs::read(machine.path("lib/events")).expect("the ring is there");
    let before = lines(&bytes);
    bytes[600] = 0xff;
    fs::write(machine.path("lib/events"), &bytes).expect("the disk takes it");
    rig.start(Node::Ha2);
    rig.wait_settled(Node::Ha1, SOON);
    let after = lines(&fs::read(machine.path("lib/events")).expect("the ring is there"));
    let lost = before.iter().filter(|slot| !after.contains(slot)).count();
    assert!(before.len() > 5 && lost <= 1, "{lost} of {} lines are gone", before.len());
}
