//! The daemon itself is killed or frozen while its machine and its service go on.

use crate::{DEADTIME, SOON, never_both, nothing_moves, settled};
use hb_hil::faults::inject::{Fault, Span, inject};
use hb_hil::netns::{Builder, Node, NullModem, Stamp, Times};
use nix::sys::signal::Signal;
use std::thread;
use std::time::Duration;

#[test]
fn a_killed_daemon_comes_back_within_deadtime_and_never_do_both_serve() {
    let times = Times::new("200ms", "2", "5", "10");
    let Some(rig) = settled(Builder::new("kill -9 of the daemon alone").times(times)) else { return };
    let killed = rig.kill_daemon(Node::Ha1);
    rig.stays("the service goes on without its daemon", Duration::from_millis(500), || {
        rig.client().answered_by().as_deref() == Some("ha-1")
    });
    // Slow enough to be seen: what is left over is nobody's until it is proven stopped.
    rig.machine(Node::Ha1).write("slow-stop", "1000");
    rig.start(Node::Ha1);
    rig.wait_group(Node::Ha1, "unknown", SOON);
    assert_eq!(rig.group(Node::Ha2), "idle", "unknown counts as held for the peer");
    rig.wait_settled(Node::Ha1, SOON);
    // Stopped first, and only then started, where it belongs.
    assert_eq!(rig.calls(Node::Ha1, "stop", killed), 1);
    assert_eq!(rig.calls(Node::Ha1, "start", killed), 1);
    assert_eq!(rig.calls(Node::Ha2, "start", killed), 0, "the peer claimed what was not proven stopped");
    never_both(&rig);
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(2));
}

#[test]
fn a_killed_daemon_of_the_standby_is_no_matter() {
    let Some(rig) = settled(Builder::new("kill -9 of the standby's daemon")) else { return };
    rig.kill_daemon(Node::Ha2);
    rig.wait_peer(Node::Ha1, "dead", SOON);
    rig.start(Node::Ha2);
    rig.wait_settled(Node::Ha1, SOON);
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(1));
    never_both(&rig);
}

#[test]
fn a_frozen_holder_that_thaws_gives_way_at_once() {
    let builder = Builder::new("SIGSTOP and SIGCONT of the holder")
        .alone()
        .edit(|files| files.with("nice_failback", "on"));
    let Some(rig) = settled(builder) else { return };
    rig.freeze(Node::Ha1);
    rig.wait_answer(Node::Ha2, SOON);
    thread::sleep(DEADTIME);
    let thawed = rig.thaw(Node::Ha1);
    rig.wait_settled(Node::Ha2, SOON);
    thread::sleep(Duration::from_secs(1));
    // 100 ms and the stop script are the bar that the benchmark measures; here a busy machine gets more.
    let both = rig.overlap(thawed);
    assert!(both <= Duration::from_millis(600), "both held for {both:?} after the thaw");
    crate::unbroken(&rig, thawed, Duration::from_millis(150));
    nothing_moves(&rig, Node::Ha2, Duration::from_secs(1));
}

#[test]
fn a_short_freeze_moves_nothing() {
    let Some(rig) = settled(Builder::new("short freeze").with_serial()) else { return };
    for node in Node::BOTH {
        rig.freeze(node);
        thread::sleep(DEADTIME / 2);
        rig.thaw(node);
        nothing_moves(&rig, Node::Ha1, Duration::from_secs(2));
    }
}

#[test]
fn a_frozen_standby_takes_nothing_when_it_thaws() {
    let Some(rig) = settled(Builder::new("frozen standby")) else { return };
    let frozen = rig.freeze(Node::Ha2);
    thread::sleep(3 * DEADTIME);
    rig.thaw(Node::Ha2);
    rig.wait_settled(Node::Ha1, SOON);
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(2));
    assert_eq!(rig.calls(Node::Ha2, "start", frozen), 0, "its own gap was taken for the peer's death");
    never_both(&rig);
}

#[test]
fn a_stalled_disk_delays_no_heartbeat_and_no_takeover() {
    let Some(rig) = settled(Builder::new("stalled helper")) else { return };
    let helpers = Node::BOTH.map(|node| rig.machine(node).helper_pid().expect("a helper child"));
    for helper in helpers {
        rig.signal(helper, Signal::SIGSTOP);
    }
    nothing_moves(&rig, Node::Ha1, 3 * DEADTIME);
    for node in Node::BOTH {
        assert_eq!(rig.status(node).expect("an answer").peer(), "up");
    }
    let lost = rig.power_off(Node::Ha1);
    rig.wait_answer(Node::Ha2, SOON);
    let gap = rig.client().longest_outage(lost);
    assert!(gap <= DEADTIME + Duration::from_millis(1500), "the stalled disk made it {gap:?}");
    rig.signal(helpers[1], Signal::SIGCONT);
    rig.wait("the log says that the claim was unproven", SOON, || rig.log(Node::Ha2).contains("unproven"));
    never_both(&rig);
}

#[test]
fn more_lines_than_a_stalled_disk_takes_are_counted_and_delay_nothing() {
    let Some(rig) = settled(Builder::new("flooded helper")) else { return };
    let helpers = Node::BOTH.map(|node| rig.machine(node).helper_pid().expect("a helper child"));
    for (node, helper) in Node::BOTH.into_iter().zip(helpers) {
        rig.signal(helper, Signal::SIGSTOP);
        // Hundreds of lines with each reload: some megabytes of log in all, far more than the channel holds.
        let wrong = "auth 1\n".to_owned() + &"this is no key\n".repeat(500);
        rig.machine(node).write("etc/authkeys", &wrong);
    }
    for _ in 0..50 {
        for node in Node::BOTH {
            rig.machine(node).signal_daemon(Signal::SIGHUP);
        }
        thread::sleep(Duration::from_millis(20));
    }
    nothing_moves(&rig, Node::Ha1, 3 * DEADTIME);
    let lost = rig.power_off(Node::Ha1);
    rig.wait_answer(Node::Ha2, SOON);
    let gap = rig.client().longest_outage(lost);
    assert!(gap <= DEADTIME + Duration::from_millis(1500), "the flooded helper made it {gap:?}");
    rig.signal(helpers[1], Signal::SIGCONT);
    rig.wait("the log says that lines are missing", SOON, || {
        // The note goes with the next line that fits.
        rig.machine(Node::Ha2).signal_daemon(Signal::SIGHUP);
        rig.log(Node::Ha2).contains("log lines were lost")
    });
    never_both(&rig);
}

#[test]
fn a_daemon_is_not_started_twice() {
    let Some(rig) = settled(Builder::new("second daemon")) else { return };
    let before = rig.machine(Node::Ha1).daemon_pid();
    let since = Stamp::now();
    let second = rig.hbd(Node::Ha1, &["run", "--foreground"]);
    assert!(second.stderr.contains("running") || second.stdout.contains("running"), "{second:?}");
    assert_eq!(rig.machine(Node::Ha1).daemon_pid(), before);
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(1));
    assert_eq!(rig.calls(Node::Ha1, "stop", since), 0);
}

#[test]
fn a_killed_helper_costs_no_heartbeat() {
    let Some(rig) = settled(Builder::new("killed helper")) else { return };
    for node in Node::BOTH {
        let helper = rig.machine(node).helper_pid().expect("a helper child");
        rig.signal(helper, Signal::SIGKILL);
    }
    nothing_moves(&rig, Node::Ha1, 3 * DEADTIME);
    let lost = rig.power_off(Node::Ha1);
    rig.wait_answer(Node::Ha2, SOON);
    let gap = rig.client().longest_outage(lost);
    assert!(gap <= DEADTIME + Duration::from_millis(1500), "the lost helper made it {gap:?}");
    never_both(&rig);
}

#[test]
fn a_stop_with_a_hanging_helper_feeds_the_watchdog_to_the_end() {
    let times = Times::new("100ms", "900ms", "2500ms", "5");
    let Some(rig) = Builder::new("stop, hanging helper").times(times).build() else { return };
    let machine = rig.machine(Node::Ha1);
    let device = machine.path("lib/dog.fake");
    let files = machine.read("etc/ha.cf").replace("\nwatchdog", "\n#watchdog");
    machine.write("etc/ha.cf", &format!("{files}\nwatchdog {}\nwatchdog_timeout 1\n", device.display()));
    rig.start_both();
    rig.wait_settled(Node::Ha1, SOON);
    let helper = machine.helper_pid().expect("a helper child");
    rig.signal(helper, Signal::SIGSTOP);
    let watched = std::thread::scope(|scope| {
        let stop = scope.spawn(|| rig.hbd(Node::Ha1, &["stop"]));
        // Fed all the time: the file grows between any two looks that are a second apart.
        let mut fed = vec![machine.read("lib/dog.fake").len()];
        while !stop.is_finished() {
            thread::sleep(Duration::from_millis(800));
            fed.push(machine.read("lib/dog.fake").len());
        }
        assert_eq!(stop.join().expect("no panic").code, Some(0));
        fed
    });
    let last = watched.len().saturating_sub(2);
    assert!(watched[..=last].windows(2).all(|pair| pair[0] < pair[1]), "unfed meanwhile: {watched:?}");
    let is_over = || machine.read("lib/dog.fake").ends_with(".V");
    rig.wait("the magic character comes last", SOON, is_over);
    rig.stays("nothing would have reset it", Duration::from_secs(2), is_over);
    assert!(!std::path::Path::new(&format!("/proc/{helper}")).exists(), "the helper was left behind");
    rig.wait_answer(Node::Ha2, SOON);
    never_both(&rig);
}

/// Remove all that is in a folder, but not what the rig's mail service keeps there.
fn empty(folder: &std::path::Path) {
    for entry in std::fs::read_dir(folder).expect("it is there").flatten() {
        if entry.file_name() != "service.pid" {
            let path = entry.path();
            let gone = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir_all(&path));
            gone.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }
}

#[test]
fn an_emptied_run_directory_hides_no_daemon_and_is_filled_again() {
    let Some(rig) = settled(Builder::new("emptied run directory")) else { return };
    let machine = rig.machine(Node::Ha1);
    let since = rig.note("the run directory is emptied");
    empty(&machine.path("run"));
    let status = rig.hbd(Node::Ha1, &["status"]);
    assert!(status.code == Some(0) && status.stdout.contains("held"), "{status:?}");
    let second = rig.hbd(Node::Ha1, &["run", "--foreground"]);
    assert!(second.stderr.contains("already running"), "{second:?}");
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(1));
    assert_eq!(rig.calls(Node::Ha1, "stop", since), 0, "the second one touched the service");
    // What the stop script of the address needs is in there.
    rig.wait("the directory is filled again", SOON, || !machine.read("run/hbd.pid").is_empty());
    assert!(rig.log(Node::Ha1).contains("somebody emptied"), "{}", rig.log(Node::Ha1));
    let stop = rig.hbd(Node::Ha1, &["stop"]);
    assert_eq!(stop.code, Some(0), "{stop:?}");
    rig.wait_answer(Node::Ha2, SOON);
    assert_eq!(rig.hbd(Node::Ha1, &["status"]).code, Some(3));
    never_both(&rig);
    // And with the state directory gone as well, its abstract name still keeps a second one away.
    rig.start(Node::Ha1);
    rig.wait_settled(Node::Ha1, SOON);
    empty(&machine.path("run"));
    std::fs::remove_dir_all(machine.path("lib")).expect("it was there");
    let second = rig.hbd(Node::Ha1, &["run", "--foreground"]);
    assert!(second.stderr.contains("already running"), "{second:?}");
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(1));
    never_both(&rig);
}

#[test]
fn a_lock_on_the_pid_file_keeps_nobody_from_starting() {
    let Some(rig) = settled(Builder::new("locked pid file")) else { return };
    assert_eq!(rig.hbd(Node::Ha2, &["stop"]).code, Some(0));
    let file = rig.machine(Node::Ha2).path("run/hbd.pid");
    let mut stranger =
        std::process::Command::new("flock").arg(&file).args(["sleep", "30"]).spawn().expect("flock runs");
    thread::sleep(Duration::from_millis(300));
    rig.start(Node::Ha2);
    rig.wait_settled(Node::Ha1, SOON);
    let _ = stranger.kill();
    let _ = stranger.wait();
}

#[test]
fn a_control_socket_that_cannot_be_made_is_an_error_at_the_start() {
    let Some(rig) = Builder::new("no control socket").build() else { return };
    let machine = rig.machine(Node::Ha1);
    std::fs::create_dir_all(machine.path("run/control/full")).expect("the disk takes it");
    let run = rig.hbd(Node::Ha1, &["run", "--foreground"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("run/control: the socket for commands cannot be made"), "{run:?}");
    assert_eq!(rig.calls(Node::Ha1, "start", rig.born()), 0);
}

/// A start that fails says why, and where; and nobody is told of a daemon that died.
#[test]
fn a_start_that_fails_names_the_file_and_is_no_death() {
    let Some(rig) = Builder::new("failed starts").build() else { return };
    let machine = rig.machine(Node::Ha1);
    let fails = |word: &str| {
        let run = rig.hbd(Node::Ha1, &["run", "--foreground"]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stderr.contains(word), "{run:?}");
    };
    let pid = machine.path("run/hbd.pid");
    std::fs::create_dir_all(&pid).expect("the disk takes it");
    fails("run/hbd.pid: Is a directory");
    let check = rig.hbd(Node::Ha1, &["check"]);
    assert!(check.stdout.contains("run/hbd.pid is no file"), "{check:?}");
    std::fs::remove_dir(&pid).expect("it is empty");
    // The port of its only link.
    let port = machine.net().run(|| std::net::UdpSocket::bind("0.0.0.0:694")).expect("it is free");
    fails("no heartbeat link can be opened");
    drop(port);
    rig.start(Node::Ha1);
    rig.wait_answer(Node::Ha1, SOON);
    assert_eq!(rig.hbd(Node::Ha1, &["stop"]).code, Some(0));
    let log = rig.log(Node::Ha1);
    assert!(log.contains("no heartbeat link") && !log.contains("gone without"), "{log}");
}

#[test]
fn helpers_that_are_killed_leave_no_zombie() {
    let Some(rig) = settled(Builder::new("killed helpers")) else { return };
    let machine = rig.machine(Node::Ha1);
    let daemon = machine.daemon_pid().expect("a daemon");
    for _ in 0..4 {
        let helper = machine.helper_pid().expect("a helper child");
        rig.signal(helper, Signal::SIGKILL);
        rig.wait("another helper is there", SOON, || machine.helper_pid().is_some_and(|pid| pid != helper));
    }
    let zombies = || {
        let children = std::fs::read_to_string(format!("/proc/{daemon}/task/{daemon}/children"));
        let children = children.expect("the daemon runs");
        let dead = |pid: &&str| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
        };
        children.split_whitespace().filter(dead).count()
    };
    rig.wait("no zombie is left", SOON, || zombies() == 0);
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(1));
}

/// open, stat, lstat, access, execve, openat, newfstatat, statx
const LOOKS: [u64; 8] = [2, 4, 6, 21, 59, 257, 262, 332];

#[test]
fn the_loop_looks_at_no_file() {
    // Scripts, interface and watchdog are looked at all the time; the watchdog of the seed is not there.
    let builder = Builder::new("no file in the loop").edit(|files| files.with("monitor", "1"));
    let Some(rig) = settled(builder) else { return };
    let pid = rig.machine(Node::Ha1).daemon_pid().expect("a daemon");
    let time = Duration::from_secs(7);
    let made = thread::scope(|scope| {
        let count = scope.spawn(|| inject(pid, &[], Fault::Count, Span::For(time), time));
        for words in [&["status"][..], &["standby"], &["takeover"], &["reload"]] {
            let done = rig.hbd(Node::Ha1, words);
            assert_eq!(done.code, Some(0), "{words:?}: {done:?}");
        }
        count.join().expect("no panic").expect("it can be traced")
    });
    for call in LOOKS {
        assert!(!made.contains_key(&call), "call {call} in the loop: {made:?}");
    }
    assert!(made.contains_key(&7), "it polls: {made:?}");
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(1));
}

/// The open of a watchdog may load a driver: in the loop it is a child's.
#[test]
fn a_watchdog_that_is_held_is_tried_by_a_child() {
    let times = Times::new("100ms", "900ms", "2500ms", "5");
    let Some(rig) = Builder::new("held watchdog").times(times).build() else { return };
    let machine = rig.machine(Node::Ha1);
    let device = machine.path("lib/dog.fake");
    let files = machine.read("etc/ha.cf").replace("\nwatchdog", "\n#watchdog");
    machine.write("etc/ha.cf", &format!("{files}\nwatchdog {}\nwatchdog_timeout 1\n", device.display()));
    let mut stranger = std::process::Command::new("flock")
        .args(["-o".as_ref(), device.as_os_str(), "sleep".as_ref(), "60".as_ref()])
        .spawn()
        .expect("flock runs");
    rig.wait("it is held", SOON, || device.exists());
    rig.start_both();
    rig.wait("it is told", SOON, || rig.log(Node::Ha1).contains("dog.fake is not armed"));
    // It is told while the daemon still opens its sockets and locks its memory; an answer comes from its loop alone.
    rig.wait("the loop runs", SOON, || rig.status(Node::Ha1).is_some());
    let pid = machine.daemon_pid().expect("a daemon");
    let time = Duration::from_secs(4);
    let made = inject(pid, &[], Fault::Count, Span::For(time), time).expect("it can be traced");
    for call in LOOKS {
        assert!(!made.contains_key(&call), "call {call} in the loop: {made:?}");
    }
    // clone, fork
    assert!(made.contains_key(&56) || made.contains_key(&57), "a child tries it: {made:?}");
    let _ = stranger.kill();
    let _ = stranger.wait();
    rig.wait("it is armed", SOON, || rig.log(Node::Ha1).contains("dog.fake armed: 1 s"));
    rig.wait("it is fed", SOON, || machine.read("lib/dog.fake").starts_with(".."));
    assert_eq!(rig.hbd(Node::Ha1, &["stop"]).code, Some(0));
    assert!(machine.read("lib/dog.fake").ends_with(".V"), "and let go at the end");
}

/// The open of a line may load a driver, too, or wait for a cable: one that failed is tried by a child, and followed.
#[test]
fn a_serial_line_that_failed_is_tried_by_a_child() {
    let Some(rig) = Builder::new("serial line pulled").build() else { return };
    let machine = rig.machine(Node::Ha1);
    let line = machine.path("lib/line");
    let plug = |cable: &NullModem| {
        let _ = std::fs::remove_file(&line);
        std::os::unix::fs::symlink(cable.path(0), &line).expect("the disk takes it");
    };
    let cable = NullModem::new().expect("a pty");
    plug(&cable);
    machine.write("etc/ha.cf", &format!("{}\nserial {}\n", machine.read("etc/ha.cf"), line.display()));
    rig.start_both();
    rig.wait_settled(Node::Ha1, SOON);
    // Gone by name too: the next pty of another story would have the number of this one.
    std::fs::remove_file(&line).expect("a link");
    drop(cable);
    rig.wait("the line has failed", SOON, || rig.log(Node::Ha1).contains("lib/line"));
    let pid = machine.daemon_pid().expect("a daemon");
    let time = Duration::from_secs(4);
    let (before, since) = (rig.log(Node::Ha1).len(), Stamp::now());
    let (made, another) = thread::scope(|scope| {
        let count = scope.spawn(|| inject(pid, &[], Fault::Count, Span::For(time), time));
        thread::sleep(time / 2);
        let another = NullModem::new().expect("a pty");
        plug(&another);
        (count.join().expect("no panic").expect("it can be traced"), another)
    });
    for call in LOOKS {
        assert!(!made.contains_key(&call), "call {call} in the loop: {made:?}");
    }
    // clone, fork
    assert!(made.contains_key(&56) || made.contains_key(&57), "a child tries it: {made:?}");
    rig.wait("it is open again", SOON, || {
        another.log(since).iter().any(|chunk| chunk.from == 0)
            && rig.log(Node::Ha1).get(before..).is_some_and(|news| news.contains("lib/line"))
    });
    nothing_moves(&rig, Node::Ha1, Duration::from_secs(1));
}

/// Does anybody have the stand-in for a watchdog open?
fn is_open(device: &std::path::Path) -> bool {
    let words = ["-n".as_ref(), device.as_os_str(), "true".as_ref()];
    let tried = std::process::Command::new("flock").args(words).status().expect("flock runs");
    !tried.success()
}

/// A driver that stops at the last close, and a `killall -9` that meets daemon and helper: somebody has it open for all that.
#[test]
fn a_kill_that_meets_the_helper_too_leaves_the_watchdog_running() {
    let times = Times::new("100ms", "900ms", "2500ms", "5");
    let Some(rig) = Builder::new("killed by name").times(times).build() else { return };
    let device = |node| rig.machine(node).path("lib/dog.plain.fake");
    for node in Node::BOTH {
        let machine = rig.machine(node);
        let files = machine.read("etc/ha.cf").replace("\nwatchdog", "\n#watchdog");
        let watchdog = format!("watchdog {}\nwatchdog_timeout 1\n", device(node).display());
        machine.write("etc/ha.cf", &format!("{files}\n{watchdog}"));
    }
    rig.start_both();
    rig.wait_settled(Node::Ha1, SOON);
    let machine = rig.machine(Node::Ha1);
    let (daemon, helper) = (machine.daemon_pid().expect("a daemon"), machine.helper_pid().expect("a helper"));
    for pid in [helper, daemon] {
        rig.signal(pid, Signal::SIGKILL);
    }
    rig.wait("both are gone", SOON, || {
        [daemon, helper].iter().all(|pid| !std::path::Path::new(&format!("/proc/{pid}/exe")).exists())
    });
    rig.stays("it is held, and nobody feeds it", Duration::from_secs(2), || is_open(&device(Node::Ha1)));
    assert!(!machine.read("lib/dog.plain.fake").contains('V'), "it was let go");
    // An orderly stop lets go of it, and leaves nobody.
    assert_eq!(rig.hbd(Node::Ha2, &["stop"]).code, Some(0));
    rig.wait("nobody has it", SOON, || !is_open(&device(Node::Ha2)));
    assert!(rig.machine(Node::Ha2).read("lib/dog.plain.fake").ends_with(".V"));
}
