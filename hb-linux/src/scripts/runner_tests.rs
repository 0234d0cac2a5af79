//! Real children of the runner.

use super::*;
use crate::sys::Signal;
use crate::sys::clock::Clock;
use crate::sys::poll::poll;

struct Bench {
    runner: Runner,
    clock: Clock,
    said: Vec<String>,
}

impl Bench {
    fn new(texts: &[&str]) -> Self {
        Self { runner: Runner::new(Programs::of_texts(texts)), clock: Clock::start(), said: Vec::new() }
    }

    fn start(&mut self, token: u32, resource: u8, verb: Verb) -> Option<Finished> {
        let now = self.clock.now();
        self.runner.start(now, Token(token), What { group: GroupId(0), resource, verb })
    }

    /// Drive the runner until a call has ended, 20 s at most.
    fn end(&mut self) -> Finished {
        let begun = self.clock.now();
        while self.clock.now().since(begun) < Duration::from_secs(20) {
            let mut fds = [PollFd::NONE; MAX_OUTPUTS];
            self.runner.poll_fds(self.clock.now(), &mut fds);
            poll(&mut fds, 5).unwrap();
            let now = self.clock.now();
            self.runner.tick(now);
            let said = &mut self.said;
            self.runner.read(now, &fds, |_, line| said.push(line.to_string()));
            if let Some(finished) = self.runner.reap(now, |_, line| said.push(line.to_string())) {
                return finished;
            }
        }
        panic!("no call ended");
    }

    fn outcome(&mut self, resource: u8, verb: Verb) -> Outcome {
        assert_eq!(self.start(9, resource, verb), None);
        let finished = self.end();
        assert_eq!(finished.token, Token(9));
        finished.outcome
    }
}

#[test]
fn codes_and_answers_become_outcomes() {
    let mut bench = Bench::new(&[
        "echo \"I say $1\"; echo running",
        "exit 3",
        "echo not running >&2; exit 0",
        "kill -9 $$",
        "echo running >&2; echo stopped",
    ]);
    assert_eq!(bench.outcome(0, Verb::Start), Outcome::Ok);
    assert_eq!(bench.said, ["I say start", "running"]);
    assert_eq!(bench.outcome(0, Verb::Status), Outcome::Running);
    assert_eq!(bench.outcome(1, Verb::Stop), Outcome::Failed(3));
    assert_eq!(bench.outcome(1, Verb::Status), Outcome::Stopped, "LSB");
    assert_eq!(bench.outcome(2, Verb::Status), Outcome::Unclear, "a tool's complaint is no answer");
    assert_eq!(bench.outcome(4, Verb::Status), Outcome::Stopped);
    assert_eq!(bench.outcome(3, Verb::Start), Outcome::Failed(137));
    assert!(!bench.runner.busy());
}

#[test]
fn a_service_that_keeps_the_pipe_open_holds_nothing_up() {
    let mut bench = Bench::new(&["sleep 30 & echo $!; echo started"]);
    assert_eq!(bench.start(1, 0, Verb::Start), None);
    let finished = bench.end();
    assert_eq!(finished.outcome, Outcome::Ok);
    assert!(finished.took < Duration::from_secs(10), "{finished:?}");
    assert_eq!(bench.said[1], "started");
    let service = bench.said[0].parse().ok().and_then(process::Pid::from_raw).unwrap();
    assert!(process::exists(service));
    process::signal(service, Signal::SIGKILL).unwrap();
}

#[test]
fn a_call_is_killed_with_its_group_even_if_it_will_not_hear() {
    let mut bench = Bench::new(&["trap '' TERM; sleep 60 & echo $!; wait; sleep 60"]);
    assert_eq!(bench.start(5, 0, Verb::Stop), None);
    while bench.said.is_empty() {
        let mut fds = [PollFd::NONE; MAX_OUTPUTS];
        let now = bench.clock.now();
        bench.runner.poll_fds(now, &mut fds);
        assert!(poll(&mut fds, 10_000).unwrap() > 0);
        let said = &mut bench.said;
        bench.runner.read(now, &fds, |_, line| said.push(line.to_string()));
    }
    let now = bench.clock.now();
    bench.runner.kill(now, Token(6));
    assert_eq!(bench.runner.deadline(), Instant::NEVER);
    bench.runner.kill(now, Token(5));
    assert_eq!(bench.runner.deadline(), now.plus(GRACE));
    let finished = bench.end();
    assert_eq!((finished.token, finished.outcome), (Token(5), Outcome::Killed));
    let grandchild = bench.said[0].parse().ok().and_then(process::Pid::from_raw).unwrap();
    for _ in 0..200 {
        // A zombie whose new parent has not looked yet is no longer running anything.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", grandchild.get())).unwrap_or_default();
        if stat.is_empty() || stat.contains(") Z ") {
            return;
        }
        crate::sys::poll::sleep_ms(10);
    }
    panic!("the grandchild lives");
}

#[test]
fn what_cannot_begin_ends_only_once() {
    let mut bench = Bench::new(&["sleep 30"]);
    assert_eq!(bench.outcome(7, Verb::Start), Outcome::NotRun);
    for token in 0..2 {
        assert_eq!(bench.start(token, 0, Verb::Start), None);
    }
    let third = bench.start(99, 0, Verb::Start).unwrap();
    assert_eq!(
        (third.outcome, third.why),
        (Outcome::NotRun, Some(Errno::BUSY)),
        "its group's places are taken"
    );
    bench.runner.kill_all();
    for _ in 0..2 {
        // Killed by another hand than `kill`: reported as what it was.
        assert_eq!(bench.end().outcome, Outcome::Failed(137));
    }
    assert!(!bench.runner.busy());
}

#[test]
fn a_flood_of_output_is_read_in_bounded_pieces() {
    let mut bench = Bench::new(&["head -c 1000000 /dev/zero | tr '\\0' 'x'; echo; echo Running"]);
    assert_eq!(bench.outcome(0, Verb::Status), Outcome::Running);
    assert!(bench.said.len() <= 101, "{}", bench.said.len());
}

/// A script that floods takes no core at real-time priority: its pipe is read a piece at a time.
#[test]
fn a_flood_without_end_is_throttled() {
    let mut bench = Bench::new(&["exec yes"]);
    assert_eq!(bench.start(1, 0, Verb::Start), None);
    let begun = bench.clock.now();
    let mut rounds = 0;
    while bench.clock.now().since(begun) < Duration::from_secs(1) {
        let mut fds = [PollFd::NONE; MAX_OUTPUTS];
        let now = bench.clock.now();
        bench.runner.poll_fds(now, &mut fds);
        let wait = bench.runner.deadline().since(now).as_millis().min(100) + 1;
        poll(&mut fds, i32::try_from(wait).unwrap()).unwrap();
        bench.runner.read(bench.clock.now(), &fds, |_, _| {});
        bench.runner.tick(bench.clock.now());
        rounds += 1;
    }
    assert!(rounds < 250, "{rounds} rounds in a second");
    let taken = bench.runner.calls[0].as_ref().unwrap().taken;
    assert!((FREELY..FREELY + 500_000).contains(&taken), "{taken} bytes in a second");
    bench.runner.kill_all();
    bench.end();
}

/// A service that writes to the output of its start script lives on when that script has ended.
#[test]
fn a_service_that_inherits_the_output_does_not_die_of_it() {
    let mut bench = Bench::new(&["(while echo served; do sleep 0.05; done) & echo $!"]);
    assert_eq!(bench.start(1, 0, Verb::Start), None);
    assert_eq!(bench.end().outcome, Outcome::Ok);
    let service =
        bench.said.iter().find_map(|line| line.parse().ok()).and_then(process::Pid::from_raw).unwrap();
    let begun = bench.clock.now();
    while bench.clock.now().since(begun) < Duration::from_secs(1) {
        bench.runner.tick(bench.clock.now());
        crate::sys::poll::sleep_ms(20);
    }
    assert!(process::exists(service), "it died");
    assert_eq!(bench.runner.drains.held(), 1);
    process::signal(service, Signal::SIGKILL).unwrap();
    for _ in 0..500 {
        bench.runner.tick(bench.clock.now());
        if bench.runner.drains.held() == 0 {
            assert_eq!(bench.runner.deadline(), Instant::NEVER);
            return;
        }
        crate::sys::poll::sleep_ms(20);
    }
    panic!("nobody holds the pipe, and it is still read");
}

/// A 0 without a word counts for a script that said no when it was proven stopped, and for no other.
#[test]
fn a_silent_zero_is_running_only_for_a_script_that_tells() {
    let state = std::env::temp_dir().join(format!("hbd-tells-{}", std::process::id()));
    let file = state.display();
    let texts = [
        format!("case $1 in start) :>{file};; stop) rm -f {file};; status) test -e {file};; esac"),
        format!("case $1 in start) :>{file};; stop) rm -f {file};; esac"),
    ];
    let mut bench = Bench::new(&[&texts[0], &texts[1]]);
    let _ = std::fs::remove_file(&state);
    assert_eq!(bench.outcome(0, Verb::Start), Outcome::Ok);
    assert_eq!(bench.outcome(0, Verb::Status), Outcome::Unclear, "not known to tell");
    assert_eq!(bench.outcome(0, Verb::Stop), Outcome::Ok);
    assert_eq!(bench.outcome(0, Verb::Status), Outcome::Unclear, "1, and no word");
    assert_eq!(bench.outcome(0, Verb::Start), Outcome::Ok);
    assert_eq!(bench.outcome(0, Verb::Status), Outcome::Running, "it said 1 when it was stopped");
    // The seed's jdmail answers a silent 0 to everything.
    for verb in [Verb::Stop, Verb::Start] {
        assert_eq!(bench.outcome(1, verb), Outcome::Ok);
        assert_eq!(bench.outcome(1, Verb::Status), Outcome::Unclear);
    }
    std::fs::remove_file(state).unwrap();
}

#[test]
fn the_last_line_and_the_reason_come_with_the_end() {
    let mut bench = Bench::new(&["echo first; echo 'umount: device is busy' >&2; exit 32"]);
    assert_eq!(bench.start(1, 0, Verb::Stop), None);
    let finished = bench.end();
    assert_eq!((finished.outcome, finished.last.as_str()), (Outcome::Failed(32), "umount: device is busy"));
    // The child finds that there is nothing to execute.
    assert_eq!(bench.start(1, 7, Verb::Stop), None);
    let absent = bench.end();
    assert_eq!((absent.outcome, absent.why), (Outcome::NotRun, Some(Errno::NO_ENTRY)));
}

/// What nothing can kill may still start something: until it has ended no answer proves anything.
#[test]
fn beside_a_script_of_an_earlier_life_its_groups_are_not_called() {
    let mut bench = Bench::new(&["echo stopped; exit 3"]);
    let sleeper = Programs::of_texts(&["sleep 60"]);
    let choose = || sleeper.choose(GroupId(0), 0, Verb::Start);
    let program =
        Program { choose: &choose, stdout: None, stderr: None, stdin: None, held: &[], die_with_us: false };
    let other = spawn(&program).unwrap();
    let left = |groups| Vec::from([Left { pid: other.pid, groups }]);
    bench.runner =
        Runner::new(Programs::of_texts(&["echo stopped; exit 3"])).beside(left(0b10), Path::new("/proc"));
    assert_eq!(bench.outcome(0, Verb::Status), Outcome::Stopped, "a script of another group");
    bench.runner =
        Runner::new(Programs::of_texts(&["echo stopped; exit 3"])).beside(left(0b01), Path::new("/proc"));
    for verb in [Verb::Status, Verb::Stop, Verb::Start] {
        let finished = bench.start(1, 0, verb).expect("it comes to nothing");
        assert_eq!((finished.outcome, finished.why), (Outcome::NotRun, Some(Errno::BUSY)));
    }
    process::kill_group(other.pid).unwrap();
    while try_wait_for(other.pid).is_none() {
        crate::sys::poll::sleep_ms(5);
    }
    assert_eq!(bench.outcome(0, Verb::Status), Outcome::Stopped);
}

/// The child of a `status` would say the same, some milliseconds later.
#[test]
fn an_address_that_no_file_stands_for_is_answered_without_a_child() {
    let mut bench = Bench::new(&[]);
    let addresses = [(core::net::Ipv4Addr::LOCALHOST, true)];
    bench.runner = Runner::new(Programs::of_addresses(&addresses, c"/nonexistent/IPaddr"));
    assert_eq!(bench.start(1, 0, Verb::Status), None, "nobody has looked yet");
    assert_eq!(bench.end().outcome, Outcome::Running);
    bench.runner.own_addresses(0b01);
    let finished = bench.start(2, 0, Verb::Status).expect("at once");
    assert_eq!((finished.token, finished.outcome, finished.why), (Token(2), Outcome::Running, None));
    bench.runner.own_addresses(0b10);
    assert_eq!(bench.start(3, 0, Verb::Status), None, "the file came back");
    assert_eq!(bench.end().outcome, Outcome::Running);
}
