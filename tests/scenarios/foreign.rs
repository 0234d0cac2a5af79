//! The original Heartbeat of the Debian package `heartbeat` runs on the other side, or somebody writes as if it did.

use crate::{A_WHILE, DEADTIME, SOON, never_both, settled};
use hb_hil::netns::{Builder, Cable, Node, Original, Rig, Stamp, Times, skip};
use hb_sim::keys;
use hb_sim::text::{beat, text};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

const NAME: &str = "the original Heartbeat on the other side";
const EVERYBODY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 255);
const SHA1: &str = "auth 1\n1 sha1 HI!\n";

/// A rig on which the original serves on ha-1. Now and then it completes its start without having started anything; it
/// is not what is tested here, so it may try three times.
///
/// # Errors
/// Why there is none.
fn served_by_the_original() -> Result<(Rig, Original), String> {
    let original = Original::fetch()?;
    for _ in 0..3 {
        let times = Times::new("1", "3", "4", "10");
        let rig = Builder::new(NAME).times(times).build().ok_or("no namespaces")?;
        original.start(rig.machine(Node::Ha1))?;
        rig.note("the original Heartbeat started on ha-1");
        let serves = || rig.client().answered_by().as_deref() == Some("ha-1");
        if rig.within("the original serves", Duration::from_secs(30), serves).is_some() {
            return Ok((rig, original));
        }
    }
    panic!("the original Heartbeat started its resources in none of three tries");
}

#[test]
fn the_original_heartbeat_is_recognised_and_nothing_is_claimed_against_it() {
    let (rig, original) = match served_by_the_original() {
        Ok(served) => served,
        Err(why) => return skip(NAME, &why),
    };
    rig.start(Node::Ha2);
    rig.wait("ha-2 says that Heartbeat runs there", SOON, || foreign(&rig, Node::Ha2));
    rig.stays("ha-2 claims nothing, though initdead passes", Duration::from_secs(14), || {
        !matches!(rig.group(Node::Ha2).as_str(), "starting" | "held")
    });
    let check = rig.hbd(Node::Ha2, &["check"]);
    assert!(check.stdout.contains("node ha-1 runs Linux-HA Heartbeat"), "{check:?}");
    assert!(rig.log(Node::Ha2).contains("Linux-HA Heartbeat"), "{}", rig.log(Node::Ha2));
    assert_eq!(rig.client().answered_by().as_deref(), Some("ha-1"));
    assert!(rig.address_spans(Node::Ha2).is_empty());
    there(&rig, &original);
    back(&rig, &original);
}

/// The holder is next: `heartbeat stop`, and what it released is served here at once; then hbd there too.
fn there(rig: &Rig, original: &Original) {
    let since = rig.note("heartbeat stop on ha-1");
    original.stop(rig.machine(Node::Ha1)).expect("it stops");
    rig.wait_answer(Node::Ha2, SOON);
    let released = rig.holding(Node::Ha1).last().expect("it served").until;
    let taken = rig.holding(Node::Ha2).last().expect("it serves").from;
    assert!(released != Stamp::NEVER && taken >= released, "{released:?} {taken:?}");
    let unheld = taken.since(released);
    let (outage, note) = (rig.client().longest_outage(since), "heartbeat stop to service by hbd");
    rig.note(format!("{note}: nobody held for {unheld:?}, the client waited {outage:?}"));
    // Of this, Heartbeat's own way from its last script to `shutdone` takes some 60 ms. Its silence would take 10 s.
    assert!(unheld < Duration::from_secs(1), "nobody held for {unheld:?}");
    assert!(outage < Duration::from_secs(2), "the client waited {outage:?}");
    assert!(!foreign(rig, Node::Ha2));
    rig.start(Node::Ha1);
    rig.wait("both run hbd", SOON, || {
        Node::BOTH
            .iter()
            .all(|node| rig.status(*node).is_some_and(|status| status.peer() == "up" && !foreign(rig, *node)))
    });
    rig.wait_answer(Node::Ha1, SOON);
    never_both(rig);
}

/// One node after the other goes back: the holder stops before the first Heartbeat's `initdead` is over.
fn back(rig: &Rig, original: &Original) {
    let out = rig.hbd(Node::Ha2, &["stop"]);
    assert_eq!(out.code, Some(0), "{out:?}");
    original.start(rig.machine(Node::Ha2)).expect("it starts");
    rig.wait("ha-1 says that Heartbeat runs there", SOON, || foreign(rig, Node::Ha1));
    assert_eq!(rig.client().answered_by().as_deref(), Some("ha-1"), "a holder goes on");
    let out = rig.hbd(Node::Ha1, &["stop"]);
    assert_eq!(out.code, Some(0), "{out:?}");
    rig.wait_answer(Node::Ha2, Duration::from_secs(40));
    never_both(rig);
}

fn foreign(rig: &Rig, node: Node) -> bool {
    rig.status(node).is_some_and(|status| status.0.pointer("/peer/foreign") == Some(&true.into()))
}

/// Say `make` of 0, 1, 2 ... to both nodes in the name of ha-1, ten times a second, until `story` ends.
fn while_said(rig: &Rig, make: impl Fn(u32) -> Vec<u8> + Sync, story: impl FnOnce(&AtomicU32)) {
    rig.mend(&[Cable::Intruder]);
    rig.intruder().become_host(Node::Ha1.cross_address()).expect("ip runs");
    let (end, said) = (AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while end.load(Relaxed) == 0 {
                let number = said.load(Relaxed);
                let send = |_| make(number);
                rig.intruder()
                    .flood("eth1", EVERYBODY, 10, Duration::from_millis(105), send)
                    .expect("a socket");
                said.fetch_add(1, Relaxed);
            }
        });
        // Ended also when the story fails, or the scope would wait for ever.
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| story(&said)));
        end.store(1, Relaxed);
        told.unwrap_or_else(|why| std::panic::resume_unwind(why));
    });
}

#[test]
fn text_that_no_key_signed_holds_neither_a_takeover_nor_an_operator_back() {
    let builder = Builder::new("unsigned text").edit(|files| files.with_keys(SHA1));
    let Some(rig) = settled(builder) else { return };
    let lost = rig.power_off(Node::Ha1);
    let make = |number| match number % 3 {
        0 => b">>>\nsrc=ha-1\n".to_vec(),
        1 => beat(&keys(b"wrong"), "ha-1", 9, number, "dt=3e8"),
        _ => b">>>\nt=status\nst=active\nsrc=ha-1\nseq=1\nhg=7\nts=1\nttl=3\n<<<\n\0".to_vec(),
    };
    while_said(&rig, make, |said| {
        rig.wait_answer(Node::Ha2, SOON);
        let gap = rig.client().longest_outage(lost);
        assert!(gap <= DEADTIME + Duration::from_millis(1500), "it delayed the takeover to {gap:?}");
        rig.stays("it runs no Heartbeat", A_WHILE, || {
            rig.status(Node::Ha2).is_some_and(|status| status.peer() == "dead") && !foreign(&rig, Node::Ha2)
        });
        assert!(rig.status(Node::Ha2).expect("an answer").counted("text") > 10, "it is counted");
        // A life of ha-2 that has met nobody waits for initdead; an operator need not.
        rig.kill_daemon(Node::Ha2);
        rig.start(Node::Ha2);
        rig.wait("ha-2 runs again", SOON, || rig.status(Node::Ha2).is_some());
        let out = rig.hbd(Node::Ha2, &["confirm-down", "ha-1"]);
        assert_eq!(out.code, Some(0), "{out:?}");
        rig.wait_group(Node::Ha2, "held", SOON);
        assert!(said.load(Relaxed) > 20, "hardly anything was said");
    });
    assert!(rig.log(Node::Ha2).contains("that no key of ours signed"), "{}", rig.log(Node::Ha2));
}

#[test]
fn text_that_a_key_signed_holds_back_until_its_shutdown() {
    let builder = Builder::new("signed text").edit(|files| files.with_keys(SHA1));
    let Some(rig) = builder.build() else { return };
    let shut = AtomicU32::new(0);
    let make = |number: u32| match shut.load(Relaxed) {
        0 => beat(&keys(b"HI!"), "ha-1", 9, number + 1, "dt=3e8"),
        _ => {
            text(&keys(b"HI!"), &format!("t=shutdone st=dead src=ha-1 seq={:x} hg=9 ts=1 ttl=3", number + 1))
        }
    };
    while_said(&rig, make, |_| {
        rig.start(Node::Ha2);
        rig.wait("ha-2 says that Heartbeat runs there", SOON, || foreign(&rig, Node::Ha2));
        rig.stays("ha-2 claims nothing, though initdead passes", Duration::from_secs(6), || {
            rig.group(Node::Ha2) != "held" && rig.client().answered_by().is_none()
        });
        let out = rig.hbd(Node::Ha2, &["confirm-down", "ha-1"]);
        assert_ne!(out.code, Some(0), "it lives: {out:?}");
        let since = rig.note("ha-1 says that it released everything");
        shut.store(1, Relaxed);
        rig.wait_answer(Node::Ha2, SOON);
        let taken = rig.holding(Node::Ha2).last().expect("it serves").from.since(since);
        assert!(taken < DEADTIME, "only after {taken:?}");
    });
    let log = rig.log(Node::Ha2);
    assert!(!foreign(&rig, Node::Ha2), "{log}");
    let (heard, after) = log.split_once("was shut down in order").expect("it is said");
    assert!(!heard.contains("nobody answers"), "its text is no silence: {heard}");
    assert!(
        after.contains("Heartbeat of node ha-1 was shut down in order") && !after.contains("is dead or was"),
        "{log}"
    );
}
