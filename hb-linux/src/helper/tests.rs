//! The helper as a real child: files, state, a stopped helper, a daemon that dies.

use super::*;
use crate::sys::Signal;
use crate::sys::clock::Clock;
use crate::sys::poll::sleep_ms;
use hb_core::Duration;
use std::ffi::CString;
use std::fs;
use std::path::Path;

fn folder(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("hbd-helper-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir(&dir).unwrap();
    dir
}

fn setup(dir: &Path) -> Setup {
    Setup {
        log: Some(dir.join("ha-log")),
        debug: Some(dir.join("ha-debug")),
        facility: None,
        state_dir: dir.to_owned(),
        terminal: false,
        look: None,
    }
}

/// The next reply, waited for up to five seconds.
fn wait_reply(helper: &mut Helper) -> Option<Reply> {
    for _ in 0..500 {
        helper.service();
        if let Some(reply) = helper.read() {
            return Some(reply);
        }
        sleep_ms(10);
    }
    None
}

fn wait_for(what: impl Fn() -> bool) -> bool {
    (0..500).any(|_| {
        let there = what();
        if !there {
            sleep_ms(10);
        }
        there
    })
}

#[test]
fn lines_and_state_reach_their_files() {
    let dir = folder("files");
    let mut helper = Helper::start(setup(&dir), None).unwrap();
    helper.log(WallTime::now(), Level::Info, Targets::ALL, "for everybody");
    helper.log(WallTime::now(), Level::Debug, Targets::TRACE, "for the curious");
    helper.persist(3, b"the state");
    assert_eq!(wait_reply(&mut helper), Some(Reply::Persisted { serial: 3 }));
    assert_eq!(fs::read(dir.join("state")).unwrap(), b"the state");
    helper.log(WallTime::now(), Level::Warn, Targets::ALL, "the last one");
    assert!(helper.stop(true, 5000, || ()));
    let log = fs::read_to_string(dir.join("ha-log")).unwrap();
    let debug = fs::read_to_string(dir.join("ha-debug")).unwrap();
    assert_eq!((log.lines().count(), debug.lines().count()), (2, 3));
    assert!(log.ends_with("WARN: the last one\n") && debug.contains(" debug: for the curious\n"));
    let ring = ring::read(&dir);
    assert!(ring.len() == 2 && ring[1].ends_with("WARN: the last one"), "{ring:?}");
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_stopped_helper_delays_nothing_and_loses_no_state() {
    let dir = folder("stopped");
    let mut helper = Helper::start(setup(&dir), None).unwrap();
    helper.persist(1, b"one");
    assert_eq!(wait_reply(&mut helper), Some(Reply::Persisted { serial: 1 }));
    process::signal(helper.pid(), Signal::SIGSTOP).unwrap();
    let (mut clock, mut worst) = (Clock::start(), Duration::ZERO);
    for number in 0..20_000_u32 {
        let before = clock.now();
        helper.log(WallTime::default(), Level::Info, Targets::ALL, &format!("line {number}"));
        if number % 100 == 0 {
            helper.persist(number + 2, b"newer");
        }
        assert_eq!(helper.read(), None);
        worst = worst.max(clock.now().since(before));
    }
    // One that waited for the helper would wait for ever; what is allowed here is the machine's.
    assert!(worst < Duration::from_secs(2), "a call took {worst:?}");
    assert!(helper.lost() > 1000 && helper.wants_write());
    process::signal(helper.pid(), Signal::SIGCONT).unwrap();
    let mut last = 0;
    while last != 19_902 {
        match wait_reply(&mut helper) {
            Some(Reply::Persisted { serial }) => last = serial,
            other => panic!("{other:?} after {last}"),
        }
    }
    assert_eq!(fs::read(dir.join("state")).unwrap(), b"newer");
    let lost = helper.lost();
    helper.log(WallTime::now(), Level::Info, Targets::ALL, "again");
    assert!(helper.stop(true, 5000, || ()));
    let log = fs::read_to_string(dir.join("ha-log")).unwrap();
    assert!(log.contains(&format!("WARN: {lost} log lines were lost")), "no note on {lost} lost lines");
    assert_eq!(log.lines().count() + lost as usize, 20_000 + 2);
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_disk_that_fails_is_told_and_named_when_it_works_again() {
    let dir = folder("disk");
    let mut given = setup(&dir);
    given.log = Some(dir.join("missing/ha-log"));
    let mut helper = Helper::start(given, None).unwrap();
    helper.log(WallTime::now(), Level::Info, Targets::LOG, "one");
    helper.log(WallTime::now(), Level::Info, Targets::LOG, "two");
    let failed = Reply::OutputFailed { output: record::Output::Log, why: Errno::NO_ENTRY };
    assert_eq!(wait_reply(&mut helper), Some(failed));
    fs::create_dir(dir.join("missing")).unwrap();
    helper.log(WallTime::now(), Level::Info, Targets::LOG, "three");
    assert_eq!(wait_reply(&mut helper), Some(Reply::OutputRestored { output: record::Output::Log }));
    assert!(helper.stop(true, 5000, || ()));
    let log = fs::read_to_string(dir.join("missing/ha-log")).unwrap();
    assert!(log.contains("info: three\n") && log.contains("2 lines before"), "{log}");
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_state_that_cannot_be_written_is_told() {
    let dir = folder("nostate");
    let mut given = setup(&dir);
    given.state_dir = dir.join("gone");
    let mut helper = Helper::start(given, None).unwrap();
    let ring = Reply::OutputFailed { output: record::Output::Ring, why: Errno::NO_ENTRY };
    assert_eq!(wait_reply(&mut helper), Some(ring));
    helper.persist(4, b"x");
    let failed = Reply::PersistFailed { serial: 4, why: Errno::NO_ENTRY };
    assert_eq!(wait_reply(&mut helper), Some(failed));
    assert!(helper.stop(true, 5000, || ()));
    fs::remove_dir_all(dir).unwrap();
}

/// Run `body` as a daemon of its own that has armed the stand-in and started a helper; then it dies at once.
fn dead_daemon(dir: &Path, early: bool) -> (PathBuf, CString) {
    let device = dir.join("watchdog.fake");
    let name = CString::new(device.to_str().unwrap()).unwrap();
    let (given, path) = (setup(dir), name.clone());
    let daemon = process::fork(move || {
        let (mut helper, mut watchdog);
        if early {
            watchdog = Watchdog::open(&path, 1).unwrap();
            helper = Helper::start(given, Some(&watchdog)).unwrap();
        } else {
            helper = Helper::start(given, None).unwrap();
            watchdog = Watchdog::open(&path, 1).unwrap();
            helper.hold(&watchdog).unwrap();
        }
        watchdog.feed().unwrap();
        helper.log(WallTime::now(), Level::Info, Targets::ALL, "about to die");
        0
    })
    .unwrap();
    process::wait_for(daemon);
    (device, name)
}

#[test]
fn a_dead_daemon_leaves_its_watchdog_running() {
    for early in [true, false] {
        let dir = folder(if early { "dead-early" } else { "dead-late" });
        let (device, name) = dead_daemon(&dir, early);
        assert_eq!(Watchdog::open(&name, 1).unwrap_err(), crate::watchdog::Problem::Busy, "early {early}");
        assert!(wait_for(|| fs::read(&device).is_ok_and(|b| b == b".R")), "early {early}");
        assert!(wait_for(|| Watchdog::open(&name, 1).is_ok()));
        let log = fs::read_to_string(dir.join("ha-log")).unwrap();
        assert!(log.contains("info: about to die\n") && log.contains("CRIT: hbd is gone"), "{log}");
        fs::remove_dir_all(dir).unwrap();
    }
}

#[test]
fn an_orderly_stop_disarms_and_one_without_it_does_not() {
    let dir = folder("stop");
    let device = dir.join("watchdog.fake");
    let name = CString::new(device.to_str().unwrap()).unwrap();
    let watchdog = Watchdog::open(&name, 1).unwrap();
    let mut helper = Helper::start(setup(&dir), Some(&watchdog)).unwrap();
    watchdog.disarm();
    assert_eq!(Watchdog::open(&name, 1).unwrap_err(), crate::watchdog::Problem::Busy);
    assert!(helper.stop(true, 5000, || ()));
    // Other tests' children may have a copy of the descriptor for a moment.
    assert!(wait_for(|| Watchdog::open(&name, 1).is_ok()));
    assert_eq!(fs::read(&device).unwrap(), b"V");
    let watchdog = Watchdog::open(&name, 1).unwrap();
    let mut helper = Helper::start(setup(&dir), Some(&watchdog)).unwrap();
    assert!(helper.stop(false, 5000, || ()));
    drop(watchdog);
    assert!(wait_for(|| fs::read(&device).is_ok_and(|b| b == b"VR")));
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_killed_helper_is_noticed_and_can_be_replaced() {
    let dir = folder("killed");
    let mut helper = Helper::start(setup(&dir), None).unwrap();
    process::signal(helper.pid(), Signal::SIGKILL).unwrap();
    assert_eq!(wait_reply(&mut helper), Some(Reply::Gone));
    process::wait_for(helper.pid());
    helper.log(WallTime::now(), Level::Info, Targets::ALL, "unheard");
    helper.restart(None).unwrap();
    helper.log(WallTime::now(), Level::Info, Targets::ALL, "heard");
    assert!(helper.stop(true, 5000, || ()));
    let log = fs::read_to_string(dir.join("ha-log")).unwrap();
    assert!(log.contains("WARN: 1 log lines were lost") && log.ends_with("info: heard\n"), "{log}");
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn it_looks_at_the_scripts_when_it_is_asked() {
    let dir = folder("look");
    let mut given = setup(&dir);
    assert!(!Helper::start(given.clone(), None).unwrap().look(), "there is nothing to look at");
    given.look = Some(Rc::new(Look { programs: Programs::of_texts(&["true"]), run_dir: dir.join("run") }));
    let mut helper = Helper::start(given, None).unwrap();
    assert_eq!(wait_reply(&mut helper), Some(Reply::Scripts { mask: 1, own: 0 }));
    assert_eq!(helper.read(), None);
    // The same answer again: of its own accord it tells none twice.
    for _ in 0..3 {
        assert!(helper.look());
        let answer = core::iter::repeat_with(|| wait_reply(&mut helper))
            .find(|r| !matches!(r, Some(Reply::Wrote { .. })));
        assert_eq!(answer.flatten(), Some(Reply::Scripts { mask: 1, own: 0 }));
    }
    assert!(helper.stop(true, 5000, || ()));
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn requests_to_end_do_not_end_it() {
    let dir = folder("deaf");
    let mut helper = Helper::start(setup(&dir), None).unwrap();
    helper.persist(1, b"x");
    assert_eq!(wait_reply(&mut helper), Some(Reply::Persisted { serial: 1 }));
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        process::signal(helper.pid(), signal).unwrap();
    }
    helper.persist(2, b"y");
    assert_eq!(wait_reply(&mut helper), Some(Reply::Persisted { serial: 2 }));
    assert!(helper.stop(true, 5000, || ()));
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn who_waits_for_a_helper_that_hangs_goes_on_feeding_and_lets_go_last() {
    let dir = folder("hangs");
    let device = dir.join("watchdog.fake");
    let name = CString::new(device.to_str().unwrap()).unwrap();
    let mut watchdog = Watchdog::open(&name, 1).unwrap();
    let mut helper = Helper::start(setup(&dir), Some(&watchdog)).unwrap();
    process::signal(helper.pid(), Signal::SIGSTOP).unwrap();
    let (mut clock, mut last, mut longest) = (Clock::start(), hb_core::Instant::ZERO, Duration::ZERO);
    let mut feed = || {
        let now = clock.now();
        longest = longest.max(now.since(last));
        last = now;
        watchdog.feed().unwrap();
    };
    assert!(!helper.stop(true, 300, &mut feed), "it is stopped and holds the descriptor");
    helper.kill(&mut feed);
    assert!(!process::exists(helper.pid()), "it is gone, and no zombie is left");
    assert!(longest < Duration::from_millis(900), "unfed for {longest:?}");
    watchdog.disarm();
    let fed = fs::read(&device).unwrap();
    assert!(fed.len() > 5 && fed.ends_with(b".V"), "{fed:?}");
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_state_waits_for_no_line_that_is_on_its_way_to_a_slow_disk() {
    let dir = folder("slow");
    ring::SLOW_MS.set(120_000);
    let mut helper = Helper::start(setup(&dir), None).unwrap();
    ring::SLOW_MS.set(0);
    helper.log(WallTime::now(), Level::Warn, Targets::ALL, "late heartbeat");
    // The line is in the file, and the ring on its way.
    let there = || fs::read_to_string(dir.join("ha-log")).is_ok_and(|log| log.contains("late heartbeat"));
    assert!((0..1000).any(|_| {
        sleep_ms(20);
        there()
    }));
    sleep_ms(200);
    let mut clock = Clock::start();
    let begin = clock.now();
    helper.persist(1, b"epoch");
    assert_eq!(wait_reply(&mut helper), Some(Reply::Persisted { serial: 1 }));
    assert!(clock.now().since(begin) < Duration::from_secs(60));
    assert_eq!(helper.progress().0, None, "the ring is not on the disk, and nobody says so");
    helper.kill(|| ());
    fs::remove_dir_all(dir).unwrap();
}
