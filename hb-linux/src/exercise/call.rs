//! One call of a script, as the daemon makes it, and all that can be seen of it.

use crate::config::Shown;
use crate::scripts::Programs;
use crate::scripts::answer::{Answer, judge};
use crate::scripts::leftover::marked;
use crate::scripts::output::{Last, Lines};
use crate::scripts::program::mark;
use crate::sys::clock::Clock;
use crate::sys::poll::sleep_ms;
use crate::sys::process::{self, Ended, Pid, try_wait_for};
use crate::sys::spawn::{Program, spawn};
use crate::sys::{Errno, Fd, fd};
use core::fmt;
use hb_core::{Duration, GroupId, Outcome, Verb};
use std::fs;
use std::path::Path;

/// How often is looked, in milliseconds.
const LOOK: i32 = 10;
/// What the children of a call have to end after it, in looks.
const LINGER: u32 = 30;

/// What was seen.
#[derive(Debug)]
pub(super) struct Called {
    pub(super) verb: Verb,
    /// `None`: it was still running at its limit, and was killed.
    pub(super) ended: Option<Ended>,
    pub(super) took: Duration,
    pub(super) answer: Answer,
    pub(super) last: Last,
    /// Somebody still has its output open.
    pub(super) kept: Option<Fd>,
    /// Processes of its group are still there.
    pub(super) left: bool,
    leader: Pid,
}

impl Called {
    /// How its words and code are read.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.ended.map(|ended| judge(self.answer.words(), ended, false))
    }

    /// It is a `status` that says so.
    pub(super) fn running(&self) -> bool {
        self.verb == Verb::Status && self.outcome() == Some(Outcome::Running)
    }

    /// End what it left.
    pub(super) fn end(&self) {
        let _ = process::kill_group(self.leader);
    }
}

impl fmt::Display for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ended {
            Some(Ended::Code(code)) => write!(f, "exit {code}")?,
            Some(Ended::Signal(signal)) => write!(f, "signal {signal}")?,
            None => f.write_str("killed")?,
        }
        write!(f, " after {}", Shown(self.took))?;
        if self.last.is_empty() { Ok(()) } else { write!(f, ", `{}`", self.last) }
    }
}

/// Call it, for `limit` at most.
///
/// # Errors
/// It could not be run.
pub(super) fn call(
    programs: &Programs,
    clock: &mut Clock,
    (group, resource, verb): (GroupId, u8, Verb),
    limit: Duration,
) -> Result<Called, String> {
    let told = |why: Errno| why.to_string();
    let (read, write) = fd::pipe().map_err(told)?;
    read.set_nonblocking(true).map_err(told)?;
    let (errors, error_end) = fd::pipe().map_err(told)?;
    errors.set_nonblocking(true).map_err(told)?;
    let choose = || programs.choose(group, resource, verb);
    let program = Program {
        choose: &choose,
        stdin: None,
        stdout: Some(&write),
        stderr: Some(if verb == Verb::Status { &error_end } else { &write }),
        held: &[],
        die_with_us: false,
    };
    let begun = clock.now();
    let child = spawn(&program).map_err(told)?;
    drop((write, error_end));
    let (mut answer, mut lines) = (Answer::new(), Lines::new());
    let mut take = |fd: &Fd, counts: bool| -> bool {
        let mut buf = [0; 1024];
        while let Ok(Some(n)) = fd.read(&mut buf) {
            let piece = buf.get(..n).unwrap_or_default();
            if piece.is_empty() {
                return true;
            }
            if counts {
                answer.feed(piece);
            }
            lines.feed(piece, |_| ());
        }
        false
    };
    let ended = loop {
        let ended = try_wait_for(child.pid);
        take(&read, true);
        take(&errors, false);
        if ended.is_some() || clock.now().since(begun) > limit {
            break ended;
        }
        sleep_ms(LOOK);
    };
    let took = clock.now().since(begun);
    if ended.is_none() {
        let _ = process::kill_group(child.pid);
        process::wait_for(child.pid);
    }
    if let Some(why) = child.exec_error() {
        return Err(why.to_string());
    }
    // What ends with it ends soon.
    let mut looks = 0;
    while looks < LINGER && (process::group_exists(child.pid) || !take(&read, true)) {
        looks += 1;
        sleep_ms(LOOK);
    }
    let at_end = take(&read, true);
    lines.end(|_| ());
    Ok(Called {
        verb,
        ended,
        took,
        answer,
        last: lines.last(),
        kept: (!at_end).then_some(read),
        left: process::group_exists(child.pid),
        leader: child.pid,
    })
}

/// The processes that scripts of this run directory have left, by number and name; this program's own are none.
pub(super) fn strays(run_dir: &Path) -> Vec<(i32, String)> {
    let own = std::env::current_exe().ok();
    let proc_dir = Path::new("/proc");
    let named = |pid: Pid| {
        let about = proc_dir.join(pid.get().to_string());
        let is_own = fs::read_link(about.join("exe")).ok() == own;
        let name = fs::read_to_string(about.join("comm")).unwrap_or_default();
        (!is_own).then(|| (pid.get(), name.trim_end().to_string()))
    };
    marked(mark(run_dir).as_bytes(), proc_dir).into_iter().filter_map(named).collect()
}

/// The same, once what ends soon has ended.
pub(super) fn settled(run_dir: &Path) -> Vec<(i32, String)> {
    let mut found = strays(run_dir);
    for _ in 0..20 {
        if found.is_empty() {
            break;
        }
        sleep_ms(100);
        found = strays(run_dir);
    }
    found
}
