//! Frames that are not the peer's: garbage, forged, wrongly signed, replayed.

use crate::{A_WHILE, DEADTIME, SOON, never_both, nothing_moves, settled};
use hb_hil::netns::{Builder, Cable, Files, Node, Recording, Rig, Stamp, Times, noise};
use nix::sys::signal::Signal;
use std::net::Ipv4Addr;
use std::thread;
use std::time::Duration;

const EVERYBODY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 255);
const SHA1: &str = "auth 1\n1 sha1 HI!\n";

fn sha1(files: Files) -> Files {
    files.with_keys(SHA1)
}

/// What is said on the crossover cable for two seconds, to someone who listens in.
fn overheard(rig: &Rig) -> Recording {
    rig.mend(&[Cable::Intruder]);
    let recording = rig.intruder().record("eth1", Duration::from_secs(2)).expect("a socket");
    assert!(recording.datagrams.len() > 20, "the intruder hears nothing: {recording:?}");
    recording
}

/// What ha-1 says of it.
fn recorded(rig: &Rig) -> Recording {
    overheard(rig).of(Node::Ha1.cross_address())
}

/// Play `recording` over and over from ha-1's own address while `story` runs.
fn while_replayed(rig: &Rig, recording: &Recording, story: impl FnOnce()) {
    let end = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        let stop = EndOnDrop(&end);
        scope.spawn(|| {
            while !end.load(std::sync::atomic::Ordering::Relaxed) {
                let _ = rig.intruder().replay("eth1", EVERYBODY, recording);
            }
        });
        story();
        drop(stop);
    });
}

/// Ends the other thread also when the story fails, or its scope would wait for ever.
struct EndOnDrop<'a>(&'a std::sync::atomic::AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn replayed_frames_do_not_hide_a_death_from_a_running_survivor() {
    let Some(rig) = settled(Builder::new("replay to a running survivor").edit(sha1)) else { return };
    let recording = recorded(&rig);
    let lost = rig.power_off(Node::Ha1);
    rig.intruder().become_host(Node::Ha1.cross_address()).expect("ip runs");
    while_replayed(&rig, &recording, || {
        rig.wait_answer(Node::Ha2, SOON);
        let gap = rig.client().longest_outage(lost);
        assert!(gap <= DEADTIME + Duration::from_millis(1500), "the replay delayed the takeover to {gap:?}");
        rig.stays("the dead peer stays dead", A_WHILE, || {
            rig.status(Node::Ha2).is_some_and(|status| status.peer() == "dead" && status.group() == "held")
        });
    });
    assert!(rig.status(Node::Ha2).expect("an answer").counted("bad") > 20, "replayed frames are counted");
}

#[test]
fn replayed_frames_do_not_hide_a_death_from_a_restarted_survivor() {
    let Some(rig) = settled(Builder::new("replay to a restarted survivor").edit(sha1)) else { return };
    let recording = recorded(&rig);
    rig.power_off(Node::Ha1);
    rig.intruder().become_host(Node::Ha1.cross_address()).expect("ip runs");
    while_replayed(&rig, &recording, || {
        rig.wait_answer(Node::Ha2, SOON);
        rig.kill_daemon(Node::Ha2);
        let again = rig.start(Node::Ha2);
        rig.wait_group(Node::Ha2, "held", SOON);
        rig.wait_answer(Node::Ha2, SOON);
        // initdead is 3 s; the address probe adds a little.
        assert!(again.elapsed() < Duration::from_secs(9), "it waited {:?}", again.elapsed());
        let status = rig.status(Node::Ha2).expect("an answer");
        assert_ne!(status.peer(), "up", "replayed frames count as life");
    });
    assert!(rig.log(Node::Ha2).contains("replay"), "the log does not name it: {}", rig.log(Node::Ha2));
}

#[test]
fn a_one_way_link_to_a_living_holder_is_not_mistaken_for_a_replay() {
    // ha-2 hears ha-1, which does not hear ha-2, and ha-1's address answers on the LAN: ha-2 must not claim.
    let builder = Builder::new("one-way link").with_serial().edit(|files| sha1(files).without("bcast"));
    let Some(rig) = settled(builder) else { return };
    rig.cut(&[Cable::SerialFrom(Node::Ha2)]);
    rig.kill_daemon(Node::Ha2);
    rig.start(Node::Ha2);
    rig.wait("ha-2 runs again", SOON, || rig.status(Node::Ha2).is_some());
    rig.stays("ha-2 claims nothing", Duration::from_secs(7), || {
        !matches!(rig.group(Node::Ha2).as_str(), "starting" | "held")
    });
    assert_eq!(rig.group(Node::Ha1), "held");
    rig.mend(&[Cable::SerialFrom(Node::Ha2)]);
    rig.wait_settled(Node::Ha1, SOON);
    never_both(&rig);
}

#[test]
fn a_peer_with_the_wrong_key_is_not_heard_and_the_log_says_why() {
    // An initdead that does not pass meanwhile: after it, a node that hears nobody serves.
    let times = Times::new("100ms", "500ms", "1", "30");
    let Some(rig) = settled(Builder::new("wrong key").times(times).edit(sha1)) else { return };
    let output = rig.hbd(Node::Ha2, &["stop"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    let files = Files::corrected().with_keys("auth 1\n1 sha1 another\n");
    rig.machine(Node::Ha2).write("etc/authkeys", &files.authkeys);
    rig.start(Node::Ha2);
    rig.wait("the wrong signatures are counted on both nodes", SOON, || {
        Node::BOTH.iter().all(|&node| rig.status(node).is_some_and(|status| status.counted("bad") > 3))
    });
    rig.wait_peer(Node::Ha1, "dead", SOON);
    rig.stays("they do not count as life, and nothing moves", A_WHILE, || {
        let (own, other) = (rig.status(Node::Ha1), rig.status(Node::Ha2));
        own.is_some_and(|status| status.peer() == "dead" && status.group() == "held")
            && other.is_some_and(|status| status.peer() == "unknown" && status.phase() == "joining")
    });
    for node in Node::BOTH {
        assert!(rig.log(node).contains("failed authentication"), "{}", rig.log(node));
    }
    // The right key, read on SIGHUP, and all is well.
    rig.machine(Node::Ha2).write("etc/authkeys", SHA1);
    rig.machine(Node::Ha2).signal_daemon(Signal::SIGHUP);
    rig.wait_settled(Node::Ha1, SOON);
}

#[test]
fn keys_are_rotated_without_a_moment_of_silence() {
    let Some(rig) = settled(Builder::new("key rotation").edit(sha1)) else { return };
    let steps = [
        "auth 1\n1 sha1 HI!\n2 sha256 a-longer-secret\n",
        "auth 2\n1 sha1 HI!\n2 sha256 a-longer-secret\n",
        "auth 2\n2 sha256 a-longer-secret\n",
    ];
    for keys in steps {
        for node in Node::BOTH {
            rig.machine(node).write("etc/authkeys", keys);
            rig.note(format!("{}: SIGHUP with {keys:?}", node.name()));
            rig.machine(node).signal_daemon(Signal::SIGHUP);
            thread::sleep(Duration::from_millis(300));
        }
        nothing_moves(&rig, Node::Ha1, Duration::from_millis(1500));
    }
    for node in Node::BOTH {
        let status = rig.status(node).expect("an answer");
        assert_eq!((status.peer(), status.counted("bad")), ("up", 0), "{status:?}");
        assert!(!rig.log(node).contains("Late heartbeat"), "{}", rig.log(node));
    }
    // A file that cannot be used is refused, and the old keys stay.
    rig.machine(Node::Ha1).write("etc/authkeys", "2 sha256 a-longer-secret\n");
    rig.machine(Node::Ha1).signal_daemon(Signal::SIGHUP);
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(2));
}

/// Ten seconds of 20,000 datagrams a second at both nodes: no state change, hardly a line of log.
fn flood(rig: &Rig, make: impl Fn(u64) -> Vec<u8> + Sync) {
    rig.mend(&[Cable::Intruder]);
    let logged = |rig: &Rig| {
        Node::BOTH.map(|node| {
            ["log/ha-log", "log/ha-debug", "log/stderr"]
                .iter()
                .map(|file| rig.machine(node).read(file).len())
                .sum::<usize>()
        })
    };
    let before = logged(rig);
    let begin = Stamp::now();
    let sent = thread::scope(|scope| {
        let sender = scope.spawn(|| {
            rig.intruder().flood("eth1", EVERYBODY, 20_000, Duration::from_secs(10), &make).expect("a socket")
        });
        nothing_moves(rig, Node::Ha1, Duration::from_secs(10));
        sender.join().expect("the sender does not panic")
    });
    rig.note(format!("{sent} datagrams in {:?}", begin.elapsed()));
    // A machine with other work does not manage them all.
    assert!(sent >= 50_000, "only {sent} datagrams were sent");
    for (node, (old, new)) in Node::BOTH.iter().zip(before.iter().zip(logged(rig))) {
        assert!(new - old <= 10_000, "{} logged {} bytes", node.name(), new - old);
        let status = rig.status(*node).expect("an answer");
        assert_eq!(status.peer(), "up");
        assert!(status.counted("bad") > 1_000, "{status:?}");
        let log = rig.log(*node);
        assert!(!log.contains("is dead"), "{log}");
    }
    never_both(rig);
}

#[test]
fn a_flood_of_garbage_changes_nothing() {
    let Some(rig) = settled(Builder::new("garbage flood").alone()) else { return };
    flood(&rig, |n| noise(n, 20 + usize::try_from(n % 200).unwrap_or(0)));
}

#[test]
fn a_flood_of_wrongly_signed_frames_changes_nothing() {
    let Some(rig) = settled(Builder::new("flood of wrong signatures").alone().edit(sha1)) else { return };
    let genuine = overheard(&rig);
    flood(&rig, |n| {
        let which = usize::try_from(n).unwrap_or(0) % genuine.datagrams.len();
        let mut bytes = genuine.datagrams[which].2.clone();
        if let Some(last) = bytes.last_mut() {
            *last ^= 1 + u8::try_from(n % 255).unwrap_or(0);
        }
        bytes
    });
}

#[test]
fn frames_of_every_odd_size_are_counted_and_change_nothing() {
    let Some(rig) = settled(Builder::new("odd sizes").edit(sha1)) else { return };
    let genuine = recorded(&rig);
    let bytes = &genuine.datagrams[0].2;
    let mut odd: Vec<Vec<u8>> = (0..bytes.len()).map(|length| bytes[..length].to_vec()).collect();
    odd.extend([
        vec![0; 1400],
        vec![0xff; 1472],
        noise(7, 1472),
        [bytes.as_slice(), &[0]].concat(),
        Vec::new(),
    ]);
    let count = u64::try_from(odd.len()).unwrap_or(0);
    rig.intruder()
        .flood("eth1", EVERYBODY, 500, Duration::from_secs(1), |n| {
            odd[usize::try_from(n % count).unwrap_or(0)].clone()
        })
        .expect("a socket");
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(2));
    assert!(rig.status(Node::Ha2).expect("an answer").counted("bad") > 100);
}
