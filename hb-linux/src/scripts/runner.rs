//! Script calls under way: at most [`MAX_CALLS`], each a child that leads its own process group.
//!
//! ```text
//!  start --> running --(the child ends)--> drain its output --> one Ended
//!               |                               ^
//!             kill: SIGTERM to the group, after [`GRACE`] SIGKILL
//! ```
//! A call ends when its child ends, not when its output does: a service that the script has started may keep the
//! pipe open for ever.

use super::Answer;
use super::output::Lines;
use super::program::Programs;
use crate::sys::process::{Ended, Pid, try_wait_for};
use crate::sys::spawn::{Child, Program, spawn};
use crate::sys::{Fd, PollFd, fd, process};
use hb_core::{Duration, GroupId, Instant, Outcome, Token, Verb};

/// Calls at a time: one per group, and one to spare for each that is being killed.
pub const MAX_CALLS: usize = 16;
/// From `SIGTERM` to `SIGKILL`.
pub const GRACE: Duration = Duration::from_millis(300);
/// Reads of one call's output in one round: a flood must not hold up the loop.
const READS_A_ROUND: usize = 4;
/// Reads after the child's end: more than a pipe holds.
const READS_AT_END: usize = 130;

/// One call under way.
#[derive(Debug)]
struct Call {
    token: Token,
    what: What,
    child: Child,
    /// Closed (none) when the script has closed its own end before it ends.
    output: Option<Fd>,
    answer: Answer,
    lines: Lines,
    begun: Instant,
    /// Asked to end; when it is killed outright, and then never again.
    killed: Option<Instant>,
}

/// Which call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct What {
    /// The group.
    pub group: GroupId,
    /// Position in the group.
    pub resource: u8,
    /// The verb.
    pub verb: Verb,
}

/// A call that ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Finished {
    /// As given to [`Runner::start`].
    pub token: Token,
    /// Which call.
    pub what: What,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
}

/// The calls under way.
#[derive(Debug)]
pub struct Runner {
    programs: Programs,
    calls: [Option<Call>; MAX_CALLS],
}

impl Runner {
    /// None under way.
    #[must_use]
    pub const fn new(programs: Programs) -> Self {
        Self { programs, calls: [const { None }; MAX_CALLS] }
    }

    /// What can be executed.
    #[must_use]
    pub const fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Begin a call. If it comes to nothing, the answer is its end.
    pub fn start(&mut self, now: Instant, token: Token, what: What) -> Option<Finished> {
        let not_run = Finished { token, what, outcome: Outcome::NotRun, took: Duration::ZERO };
        let Some(slot) = self.calls.iter_mut().find(|slot| slot.is_none()) else { return Some(not_run) };
        let Some(call) = self.programs.call(what.group, what.resource, what.verb) else {
            return Some(not_run);
        };
        let (output, child_end) = match fd::pipe() {
            Ok((read, write)) if read.set_nonblocking(true).is_ok() => (Some(read), Some(write)),
            _ => (None, None),
        };
        // Without a pipe a status could not be read; start and stop could, but something is badly wrong.
        let Some(child_end) = child_end else { return Some(not_run) };
        let program = Program {
            path: call.path,
            argv: call.argv,
            envp: call.envp,
            stdout: Some(&child_end),
            stderr: Some(&child_end),
            die_with_us: false,
        };
        let Ok(child) = spawn(&program) else { return Some(not_run) };
        *slot = Some(Call {
            token,
            what,
            child,
            output,
            answer: Answer::new(),
            lines: Lines::new(),
            begun: now,
            killed: None,
        });
        None
    }

    /// End a call: its whole group is asked, and killed after [`GRACE`]. A call that ended already is left alone.
    pub fn kill(&mut self, now: Instant, token: Token) {
        for call in self.calls.iter_mut().flatten().filter(|c| c.token == token && c.killed.is_none()) {
            call.killed = Some(now.plus(GRACE));
            let _ = process::signal_group(call.child.pid, libc::SIGTERM);
        }
    }

    /// End every call at once, without its outcome: for a daemon that goes.
    pub fn kill_all(&mut self) {
        for call in self.calls.iter().flatten() {
            let _ = process::kill_group(call.child.pid);
        }
    }

    /// When [`Runner::tick`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.calls.iter().flatten().filter_map(|c| c.killed).min().unwrap_or(Instant::NEVER)
    }

    /// Kill what did not end when it was asked to.
    pub fn tick(&mut self, now: Instant) {
        for call in self.calls.iter_mut().flatten() {
            if call.killed.is_some_and(|at| now >= at) {
                call.killed = Some(Instant::NEVER);
                let _ = process::kill_group(call.child.pid);
            }
        }
    }

    /// Is any call under way?
    #[must_use]
    pub fn busy(&self) -> bool {
        self.calls.iter().any(Option::is_some)
    }

    /// The outputs to wait for, by slot.
    pub fn poll_fds(&self, fds: &mut [PollFd]) {
        for (slot, call) in fds.iter_mut().zip(&self.calls) {
            let output = call.as_ref().and_then(|c| c.output.as_ref());
            *slot = output.map_or(PollFd::NONE, |fd| PollFd::readable(fd.raw()));
        }
    }

    /// Read what the ready outputs hold; `tell` gets each line.
    pub fn read(&mut self, fds: &[PollFd], mut tell: impl FnMut(What, &str)) {
        for (ready, call) in fds.iter().zip(&mut self.calls) {
            if let Some(call) = call
                && ready.can_read()
            {
                call.read(READS_A_ROUND, &mut tell);
            }
        }
    }

    /// After `SIGCHLD`: take the next call whose child ended. Call it until `None`. Children that are none of the
    /// runner's are left to others.
    pub fn reap(&mut self, now: Instant, mut tell: impl FnMut(What, &str)) -> Option<Finished> {
        for slot in &mut self.calls {
            let Some(call) = slot else { continue };
            let Some(ended) = try_wait_for(call.child.pid) else { continue };
            if call.killed.is_some() {
                // Whatever of the group outlived its leader.
                let _ = process::kill_group(call.child.pid);
            }
            call.read(READS_AT_END, &mut tell);
            let what = call.what;
            call.lines.end(|line| tell(what, line));
            let outcome = call.outcome(ended);
            let finished = Finished { token: call.token, what, outcome, took: now.since(call.begun) };
            *slot = None;
            return Some(finished);
        }
        None
    }

    /// The process groups of the calls under way.
    pub fn pids(&self) -> impl Iterator<Item = Pid> {
        self.calls.iter().flatten().map(|c| c.child.pid)
    }
}

impl Call {
    fn read(&mut self, most: usize, tell: &mut impl FnMut(What, &str)) {
        let what = self.what;
        let mut buf = [0; 1024];
        for _ in 0..most {
            let Some(output) = &self.output else { return };
            match output.read(&mut buf) {
                Ok(Some(n)) if n > 0 => {
                    let piece = buf.get(..n).unwrap_or_default();
                    self.answer.feed(piece);
                    self.lines.feed(piece, |line| tell(what, line));
                }
                Ok(None) => return,
                Ok(Some(_)) | Err(_) => self.output = None,
            }
        }
    }

    fn outcome(&self, ended: Ended) -> Outcome {
        if self.killed.is_some() {
            return Outcome::Killed;
        }
        if self.child.exec_error().is_some() {
            return Outcome::NotRun;
        }
        match (self.what.verb, ended) {
            (Verb::Status, _) => self.answer.outcome(),
            (_, Ended::Code(0)) => Outcome::Ok,
            (_, Ended::Code(code)) => Outcome::Failed(code),
            (_, Ended::Signal(signal)) => Outcome::Failed(signal.saturating_add(128)),
        }
    }
}

#[cfg(test)]
#[path = "runner_tests.rs"]
mod tests;
