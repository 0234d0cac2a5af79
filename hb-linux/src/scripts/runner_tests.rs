//! Real children of the runner.

use super::*;
use crate::sys::clock::Clock;
use crate::sys::poll::poll;
use std::string::{String, ToString};
use std::vec::Vec;

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
            let mut fds = [PollFd::NONE; MAX_CALLS];
            self.runner.poll_fds(&mut fds);
            poll(&mut fds, 5).unwrap();
            let now = self.clock.now();
            self.runner.tick(now);
            let said = &mut self.said;
            self.runner.read(&fds, |_, line| said.push(line.to_string()));
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
    ]);
    assert_eq!(bench.outcome(0, Verb::Start), Outcome::Ok);
    assert_eq!(bench.said, ["I say start", "running"]);
    assert_eq!(bench.outcome(0, Verb::Status), Outcome::Running);
    assert_eq!(bench.outcome(1, Verb::Stop), Outcome::Failed(3));
    assert_eq!(bench.outcome(1, Verb::Status), Outcome::Unclear);
    assert_eq!(bench.outcome(2, Verb::Status), Outcome::Stopped);
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
    process::signal(service, libc::SIGKILL).unwrap();
}

#[test]
fn a_call_is_killed_with_its_group_even_if_it_will_not_hear() {
    let mut bench = Bench::new(&["trap '' TERM; sleep 60 & echo $!; wait; sleep 60"]);
    assert_eq!(bench.start(5, 0, Verb::Stop), None);
    while bench.said.is_empty() {
        let mut fds = [PollFd::NONE; MAX_CALLS];
        bench.runner.poll_fds(&mut fds);
        assert!(poll(&mut fds, 10_000).unwrap() > 0);
        let said = &mut bench.said;
        bench.runner.read(&fds, |_, line| said.push(line.to_string()));
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
        let stat =
            std::fs::read_to_string(std::format!("/proc/{}/stat", grandchild.get())).unwrap_or_default();
        if stat.is_empty() || stat.contains(") Z ") {
            return;
        }
        crate::sys::poll::sleep_ms(10);
    }
    panic!("the grandchild lives");
}

#[test]
fn what_cannot_begin_ends_at_once_and_only_once() {
    let mut bench = Bench::new(&["sleep 30"]);
    assert_eq!(bench.start(1, 7, Verb::Start).map(|f| f.outcome), Some(Outcome::NotRun));
    for token in 0..u32::try_from(MAX_CALLS).unwrap() {
        assert_eq!(bench.start(token, 0, Verb::Start), None);
    }
    assert_eq!(bench.start(99, 0, Verb::Start).map(|f| f.outcome), Some(Outcome::NotRun));
    bench.runner.kill_all();
    for _ in 0..MAX_CALLS {
        // Killed by another hand than `kill`: reported as what it was.
        assert_eq!(bench.end().outcome, Outcome::Failed(137));
    }
    assert!(!bench.runner.busy());
}

#[test]
fn a_flood_of_output_is_read_in_bounded_pieces() {
    let mut bench = Bench::new(&["head -c 3000000 /dev/zero | tr '\\0' 'x'; echo; echo Running"]);
    assert_eq!(bench.outcome(0, Verb::Status), Outcome::Running);
    assert!(bench.said.len() <= 101, "{}", bench.said.len());
}
