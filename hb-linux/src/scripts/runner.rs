//! Script calls under way: at most [`MAX_CALLS`], each a child that leads its own process group.
//!
//! ```text
//!  start --> running --(the child ends)--> drain its output --> one Ended
//!               |                               ^
//!             kill: SIGTERM to the group, after [`GRACE`] SIGKILL
//! ```
//! A call ends when its child ends, not when its output does: a service that the script has started may keep the pipe
//! open for ever. As long as anybody does, it is read on and forgotten, so that such a service does not die of `EPIPE`
//! at its first line; a service whose output should be kept has to write it somewhere itself. Only the output of
//! `status` counts as its answer; what it complains about is logged.
//!
//! The daemon has real-time priority, so it reads of each call only [`FREELY`] as fast as it comes, and then a piece at
//! a time: a script that floods waits for its own pipe.

use super::answer::{Answer, judge};
use super::drains::Drains;
use super::leftover::Left;
use super::output::{Last, Lines};
use super::program::Programs;
use crate::ending::{Ending, Patience};
use crate::sys::process::{Ended, try_wait_for};
use crate::sys::spawn::{Child, Program, spawn};
use crate::sys::{Errno, Fd, PollFd, fd, process};
use hb_core::config::MAX_GROUPS;
use hb_core::{Duration, GroupId, Instant, Outcome, Token, Verb};
use std::path::{Path, PathBuf};
use std::vec::Vec;

/// Calls of one group at a time: one, and one that is being killed and may never end (a process in a driver). What
/// nothing can kill costs its own group's place, and no other's.
const MAX_CALLS_OF_A_GROUP: usize = 2;
/// Calls at a time.
pub const MAX_CALLS: usize = MAX_CALLS_OF_A_GROUP * MAX_GROUPS;
/// Descriptors to wait for: output and complaints of each call.
pub const MAX_OUTPUTS: usize = 2 * MAX_CALLS;
/// From `SIGTERM` to `SIGKILL`; what nothing can kill keeps its place.
pub const GRACE: Duration = Duration::from_millis(300);
const PATIENCE: Patience = Patience { grace: GRACE, give_up: None };
/// Bytes of one call that are read as they come.
pub const FREELY: usize = 65_536;
/// Pause after each round of reading beyond that: 200 KB a second.
const THROTTLE: Duration = Duration::from_millis(20);
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
    /// Of a `status`: its standard error.
    complaints: Option<Fd>,
    answer: Answer,
    lines: Lines,
    /// Bytes read, and when the next ones are.
    taken: usize,
    not_before: Instant,
    /// It is read again only then, whatever is there.
    paused: bool,
    /// Its output could not be read to the end.
    unread: bool,
    begun: Instant,
    ending: Ending,
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
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finished {
    /// As given to [`Runner::start`].
    pub token: Token,
    /// Which call.
    pub what: What,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
    /// The last line that it printed, if any.
    pub last: Last,
    /// Why it could not be run.
    pub why: Option<Errno>,
}

/// The calls under way.
#[derive(Debug)]
pub struct Runner {
    programs: Programs,
    calls: [Option<Call>; MAX_CALLS],
    drains: Drains,
    /// By group, one bit per resource: its `status` tells (see [`super::answer`]), and its last call was a `stop` that
    /// answered 0.
    tells: [u64; MAX_GROUPS],
    stopped: [u64; MAX_GROUPS],
    /// The groups whose addresses no file stands in the way of, one bit each.
    own: u16,
    /// Scripts of an earlier life that nothing could kill.
    left: Vec<Left>,
    proc_dir: PathBuf,
}

impl Runner {
    /// None under way.
    #[must_use]
    pub fn new(programs: Programs) -> Self {
        Self {
            left: Vec::new(),
            proc_dir: PathBuf::new(),
            programs,
            calls: [const { None }; MAX_CALLS],
            drains: Drains::new(),
            tells: [0; MAX_GROUPS],
            stopped: [0; MAX_GROUPS],
            own: 0,
        }
    }

    /// What can be executed.
    #[must_use]
    pub const fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Scripts of an earlier life are still there: until they have ended, nothing that `status` says proves that their
    /// groups are stopped, so none of these is called.
    #[must_use]
    pub fn beside(self, left: Vec<Left>, proc_dir: &Path) -> Self {
        Self { left, proc_dir: proc_dir.to_path_buf(), ..self }
    }

    /// The helper looked: for the addresses of these groups, one bit each, there is no file.
    pub const fn own_addresses(&mut self, groups: u16) {
        self.own = groups;
    }

    /// The `status` of an address, of the kernel itself.
    fn of_kernel(&mut self, what: What) -> Option<Outcome> {
        if !cfg!(feature = "address") || what.verb != Verb::Status || self.own >> what.group.0 & 1 == 0 {
            return None;
        }
        let outcome = self.programs.status_of_address(what.group, what.resource)?;
        if outcome == Outcome::Stopped {
            mark(&mut self.tells, what, true);
        }
        Some(outcome)
    }

    /// Begin a call. If it comes to nothing, the answer is its end.
    pub fn start(&mut self, now: Instant, token: Token, what: What) -> Option<Finished> {
        let not_run = |why| {
            let (outcome, took, last) = (Outcome::NotRun, Duration::ZERO, Last::default());
            Some(Finished { token, what, outcome, took, last, why })
        };
        self.left.retain(|left| left.lives(&self.proc_dir));
        if self.left.iter().any(|left| left.groups >> what.group.0 & 1 == 1) {
            return not_run(Some(Errno::BUSY));
        }
        let under_way = self.calls.iter().flatten().filter(|call| call.what.group == what.group).count();
        if under_way >= MAX_CALLS_OF_A_GROUP {
            return not_run(Some(Errno::BUSY));
        }
        if let Some(outcome) = self.of_kernel(what) {
            let (took, last, why) = (Duration::ZERO, Last::default(), None);
            return Some(Finished { token, what, outcome, took, last, why });
        }
        let Some(slot) = self.calls.iter_mut().find(|slot| slot.is_none()) else {
            return not_run(Some(Errno::BUSY));
        };
        // The child looks which file is there: the loop asks no disk.
        let programs = &self.programs;
        let choose = || programs.choose(what.group, what.resource, what.verb);
        // Without a pipe a status could not be read; start and stop could, but something is badly wrong.
        let (output, child_end) = match pipe() {
            Ok((read, write)) => (read, write),
            Err(why) => return not_run(Some(why)),
        };
        let (complaints, child_errors) = match what.verb {
            Verb::Start | Verb::Stop => (None, None),
            Verb::Status => match pipe() {
                Ok((read, write)) => (Some(read), Some(write)),
                Err(why) => return not_run(Some(why)),
            },
        };
        let program = Program {
            choose: &choose,
            stdout: Some(&child_end),
            stderr: Some(child_errors.as_ref().unwrap_or(&child_end)),
            stdin: None,
            held: &[],
            die_with_us: false,
        };
        let child = match spawn(&program) {
            Ok(child) => child,
            Err(why) => return not_run(Some(why)),
        };
        if what.verb != Verb::Status {
            mark(&mut self.stopped, what, false);
        }
        *slot = Some(Call {
            token,
            what,
            child,
            output: Some(output),
            complaints,
            answer: Answer::new(),
            lines: Lines::new(),
            taken: 0,
            not_before: now,
            paused: false,
            unread: false,
            begun: now,
            ending: Ending::at(Instant::NEVER, PATIENCE),
        });
        None
    }

    /// End a call: its whole group is asked, and killed after [`GRACE`]. A call that ended already is left alone.
    pub fn kill(&mut self, now: Instant, token: Token) {
        for call in self.calls.iter_mut().flatten().filter(|c| c.token == token) {
            call.ending.ask(now, call.child.pid);
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
        let kills = self.calls.iter().flatten().map(|c| c.ending.deadline());
        let reads = self.calls.iter().flatten().filter(|c| c.paused).map(|c| c.not_before);
        kills.chain(reads).min().unwrap_or(Instant::NEVER).min(self.drains.deadline())
    }

    /// Kill what did not end when it was asked to; read on what nobody wants to know.
    pub fn tick(&mut self, now: Instant) {
        self.drains.tick(now);
        for call in self.calls.iter_mut().flatten() {
            call.paused &= now < call.not_before;
            call.ending.service(now, call.child.pid);
        }
    }

    /// The outputs to wait for, two by slot.
    pub fn poll_fds(&self, now: Instant, fds: &mut [PollFd]) {
        for (pair, call) in fds.chunks_mut(2).zip(&self.calls) {
            let call = call.as_ref().filter(|call| !call.paused || now >= call.not_before);
            let of = |fd: Option<&Fd>| fd.map_or(PollFd::NONE, |fd| PollFd::readable(fd.raw()));
            let both = [call.and_then(|c| c.output.as_ref()), call.and_then(|c| c.complaints.as_ref())];
            pair.iter_mut().zip(both).for_each(|(slot, fd)| *slot = of(fd));
        }
    }

    /// Read what the ready outputs hold; `tell` gets each line.
    pub fn read(&mut self, now: Instant, fds: &[PollFd], mut tell: impl FnMut(What, &str)) {
        for (pair, call) in fds.chunks(2).zip(&mut self.calls) {
            if let Some(call) = call
                && pair.iter().any(PollFd::can_read)
            {
                call.read(READS_A_ROUND, &mut tell);
                if call.taken > FREELY {
                    (call.not_before, call.paused) = (now.plus(THROTTLE), true);
                }
            }
        }
    }

    /// After `SIGCHLD`: take the next call whose child ended. Call it until `None`. Children that are none of the
    /// runner's are left to others.
    pub fn reap(&mut self, now: Instant, mut tell: impl FnMut(What, &str)) -> Option<Finished> {
        for slot in &mut self.calls {
            let Some(call) = slot else { continue };
            let Some(ended) = try_wait_for(call.child.pid) else { continue };
            if call.ending.has_begun() {
                // Whatever of the group outlived its leader.
                let _ = process::kill_group(call.child.pid);
            }
            call.read(READS_AT_END, &mut tell);
            let what = call.what;
            call.lines.end(|line| tell(what, line));
            let why = call.child.exec_error();
            let tells = bit(&self.tells, what);
            let outcome = if why.is_some() { Outcome::NotRun } else { call.outcome(ended, tells) };
            let finished = Finished {
                token: call.token,
                what,
                outcome,
                took: now.since(call.begun),
                last: call.lines.last(),
                why,
            };
            let says_no = matches!(ended, Ended::Code(1 | 3));
            match (what.verb, outcome) {
                (Verb::Status, Outcome::Stopped) => mark(&mut self.tells, what, says_no),
                // Taken at its stop's word.
                (Verb::Status, Outcome::Unclear) if says_no && bit(&self.stopped, what) => {
                    mark(&mut self.tells, what, true);
                }
                (Verb::Stop, Outcome::Ok) => mark(&mut self.stopped, what, true),
                _ => {}
            }
            if let Some(call) = slot.take()
                && let Some(output) = call.output
            {
                self.drains.take(now, output);
            }
            return Some(finished);
        }
        None
    }
}

impl Call {
    fn read(&mut self, most: usize, tell: &mut dyn FnMut(What, &str)) {
        let what = self.what;
        let mut buf = [0; 1024];
        for _ in 0..most {
            let Some(n) = take(&mut self.output, &mut buf, &mut self.unread) else { break };
            let piece = buf.get(..n).unwrap_or_default();
            self.taken = self.taken.saturating_add(n);
            if what.verb == Verb::Status {
                self.answer.feed(piece);
            }
            self.lines.feed(piece, |line| tell(what, line));
        }
        for _ in 0..most {
            let Some(n) = take(&mut self.complaints, &mut buf, &mut false) else { break };
            self.taken = self.taken.saturating_add(n);
            self.lines.feed(buf.get(..n).unwrap_or_default(), |line| tell(what, line));
        }
    }

    fn outcome(&self, ended: Ended, tells: bool) -> Outcome {
        if self.ending.has_begun() {
            return Outcome::Killed;
        }
        match (self.what.verb, ended) {
            // What it said is not known: no answer.
            (Verb::Status, _) if self.unread => Outcome::NotRun,
            (Verb::Status, _) => judge(self.answer.words(), ended, tells),
            (_, Ended::Code(0)) => Outcome::Ok,
            (_, Ended::Code(code)) => Outcome::Failed(code),
            (_, Ended::Signal(signal)) => Outcome::Failed(signal.saturating_add(128)),
        }
    }
}

/// The next bytes of `fd`, which is closed at its end. `unread`: the last read failed, and what is in the pipe stays there.
fn take(fd: &mut Option<Fd>, buf: &mut [u8], unread: &mut bool) -> Option<usize> {
    let read = fd.as_ref()?.read(buf);
    *unread = read.is_err();
    match read {
        Ok(Some(n)) if n > 0 => Some(n),
        Ok(Some(_)) => {
            *fd = None;
            None
        }
        Ok(None) | Err(_) => None,
    }
}

fn pipe() -> Result<(Fd, Fd), Errno> {
    let (read, write) = fd::pipe()?;
    read.set_nonblocking(true)?;
    Ok((read, write))
}

/// One bit per resource.
fn mask(what: What) -> u64 {
    1_u64.checked_shl(what.resource.into()).unwrap_or(0)
}

fn bit(of: &[u64; MAX_GROUPS], what: What) -> bool {
    of.get(usize::from(what.group.0)).is_some_and(|bits| bits & mask(what) != 0)
}

fn mark(of: &mut [u64; MAX_GROUPS], what: What, on: bool) {
    if let Some(bits) = of.get_mut(usize::from(what.group.0)) {
        *bits = if on { *bits | mask(what) } else { *bits & !mask(what) };
    }
}

#[cfg(test)]
impl Runner {
    /// Is any call under way?
    #[must_use]
    pub fn busy(&self) -> bool {
        self.calls.iter().any(Option::is_some)
    }
}

#[cfg(test)]
#[path = "runner_tests.rs"]
mod tests;
