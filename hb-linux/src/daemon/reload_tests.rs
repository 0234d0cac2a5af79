//! A reload with real children.

use super::*;
use crate::control::client::Client;
use crate::control::wire::{self, Front};
use crate::helper::{Helper, Setup};
use crate::log::Names;
use crate::sys::poll::{PollFd, poll, sleep_ms};
use crate::sys::unix;
use hb_core::Saved;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

const HA_CF: &str = "node a b\nkeepalive 1\ndeadtime 10\nserial /dev/ttyS0\n";
const T0: Instant = Instant::ZERO;

/// A directory with the three files, and the parts of a daemon that a reload touches.
struct Bench {
    dir: PathBuf,
    node: Node,
    voice: Voice,
    reload: Reload,
    caller: Option<Fd>,
}

impl Bench {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("hbd-reload-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        let write = |file: &str, text: &str| {
            fs::write(dir.join(file), text).unwrap();
            fs::set_permissions(dir.join(file), fs::Permissions::from_mode(0o600)).unwrap();
        };
        write("ha.cf", HA_CF);
        write("haresources", "a x\n");
        write("authkeys", "auth 1\n1 sha1 old\n");
        let paths = Paths::new(&dir);
        let settings = crate::config::load(&paths, Some("a")).0.expect("right");
        let setup = Setup {
            log: None,
            debug: None,
            facility: None,
            state_dir: dir.clone(),
            terminal: false,
            look: None,
        };
        let helper = Helper::start(setup, None).unwrap();
        let voice = Voice::new(helper, Names::of(&settings), false);
        let (core, keys) = (settings.core.clone(), settings.keys.clone());
        let node = Node::new(core, keys, &Saved::default(), [7; 16], T0).unwrap();
        let reload = Reload::new(&paths, &Rc::new(settings));
        Self { dir, node, voice, reload, caller: None }
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.dir.join(file), text).unwrap();
    }

    /// The end of the caller's socket that the daemon has.
    fn caller(&mut self) -> Option<Fd> {
        let (ours, theirs) = unix::pair().unwrap();
        self.caller = Some(ours);
        Some(theirs)
    }

    /// Serve until the answer is there; all lines, and whether it was *accepted*. At most 20 s.
    fn answer(&mut self, now: Instant) -> (Vec<String>, bool) {
        let mut left = 2000;
        while self.reload.fd().is_some() && left > 0 {
            let mut fds = [self.reload.fd().map_or(PollFd::NONE, PollFd::readable)];
            let _ = poll(&mut fds, 10);
            if fds[0].can_read() || self.reload.deadline() <= now {
                self.reload.service(now, &mut self.node, &mut self.voice);
            }
            left -= 1;
        }
        let mut buf = [0; 8192];
        let n = self.caller.as_ref().unwrap().read(&mut buf).unwrap().unwrap();
        let (mut rest, mut lines, mut accepted) = (&buf[..n], Vec::new(), None);
        while let Front::Whole(reply, used) = wire::decode::<Reply<String>>(rest) {
            match reply {
                Reply::Text(line) => lines.push(line),
                last => accepted = Some(last == Reply::Accepted),
            }
            rest = &rest[used..];
        }
        (lines, accepted.expect("an answer"))
    }

    fn read(&mut self) -> (Vec<String>, bool) {
        let (caller, tuning) = (self.caller(), self.node.tuning());
        self.reload.begin(T0, &tuning, caller, false).unwrap();
        self.answer(T0)
    }

    fn end(mut self) {
        self.voice.helper.stop(true, 2000, || ());
        fs::remove_dir_all(self.dir).unwrap();
    }
}

#[test]
fn what_concerns_this_node_alone_holds_at_once_and_of_the_rest_it_is_said() {
    let mut bench = Bench::new("right");
    bench.write("ha.cf", &format!("{HA_CF}# a comment\n"));
    let keys = String::from("authkeys was read again: its keys sign and verify from now on");
    assert_eq!(bench.read(), (Vec::from([keys.clone()]), true));
    bench.write("ha.cf", &format!("{HA_CF}monitor 7 failures 2\nscript_timeout 9\ninitdead 60\nrtprio 3\n"));
    bench.write("haresources", "a x y\n");
    bench.write("authkeys", "auth 2\n1 sha1 old\n2 sha256 new\n");
    let expected = [
        keys.as_str(),
        "ha.cf: from now on as written there: script_timeout, monitor",
        "ha.cf: a change of initdead, rtprio takes effect at the next start (hbd stop, then hbd run)",
        "haresources: its change takes effect at the next start (hbd stop, then hbd run)",
        "node b has not shown that it has these keys: see hbd status once it is heard",
    ];
    assert_eq!(bench.read(), (expected.map(String::from).into(), true));
    let tuning = bench.node.tuning();
    assert_eq!(tuning.monitor.map(|m| (m.period, m.failures)), Some((Duration::from_secs(7), 2)));
    assert_eq!([tuning.limits.start, tuning.limits.status], [Duration::from_secs(9); 2]);
    // Told once: it holds now.
    let again = bench.read();
    assert!(again.1 && !again.0.iter().any(|line| line.contains("monitor")));
    bench.end();
}

#[test]
fn a_file_that_is_wrong_or_none_at_all_changes_nothing() {
    let mut bench = Bench::new("wrong");
    let before = bench.node.tuning();
    bench.write("ha.cf", &format!("{HA_CF}monitor 7\nwarntime 10s\n"));
    let (lines, accepted) = bench.read();
    assert!(
        !accepted
            && lines[0]
                .ends_with("/ha.cf:6: warntime: `10s` has a unit that ha.cf does not know; write `10`")
    );
    assert_eq!(lines[1..], ["what was in use stays as it is"]);
    // A file that nobody writes to would hold up whoever opens it.
    fs::remove_file(bench.dir.join("ha.cf")).unwrap();
    let (read, _write) = fd::pipe().unwrap();
    let fifo = format!("/proc/{}/fd/{}", std::process::id(), read.raw());
    std::os::unix::fs::symlink(fifo, bench.dir.join("ha.cf")).unwrap();
    let (lines, accepted) = bench.read();
    assert!(!accepted && lines[0].contains("it is not a regular file"), "{lines:?}");
    assert_eq!(bench.node.tuning(), before);
    bench.end();
}

#[test]
fn a_disk_that_does_not_answer_is_given_up_and_holds_nothing_up() {
    let mut bench = Bench::new("disk");
    let caller = bench.caller();
    let stuck = |_: &Fd| {
        sleep_ms(60_000);
        0
    };
    bench.reload.reading = Some(launch(&mut bench.reload.children, T0, caller, stuck).unwrap());
    let tuning = bench.node.tuning();
    assert_eq!(bench.reload.begin(T0, &tuning, None, false), Err(Errno(libc::EBUSY)));
    assert!(!bench.reload.service(T0, &mut bench.node, &mut bench.voice));
    assert_eq!(bench.reload.deadline(), T0.plus(LIMIT));
    let (lines, accepted) = bench.answer(T0.plus(LIMIT));
    assert!(!accepted && lines[0] == "the files could not be read in 8 s", "{lines:?}");
    // The next one does not wait for the end of the killed child.
    assert!(bench.read().1);
    bench.end();
}

#[test]
fn a_child_that_ends_early_or_talks_nonsense_changes_nothing() {
    let mut bench = Bench::new("nonsense");
    for nonsense in [&b""[..], &[9; 3000], &[1, 0, 99, 7]] {
        let caller = bench.caller();
        let mut left = 1000;
        while bench.reload.children.iter().flatten().count() > 1 && left > 0 {
            sleep_ms(10);
            bench.reload.reap();
            left -= 1;
        }
        let speak = |pipe: &Fd| i32::from(pipe.write(nonsense).is_err());
        bench.reload.reading = Some(launch(&mut bench.reload.children, T0, caller, speak).unwrap());
        let (lines, accepted) = bench.answer(T0);
        assert!(!accepted && lines == ["what was in use stays as it is"], "{lines:?}");
    }
    assert!(Client::connect(&bench.dir).is_err(), "no daemon was made by all this");
    bench.end();
}
