//! Failing or late system calls of one running process, by ptrace: no program is changed, and what it starts is left alone.

use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// What becomes of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It is not made, and answers this error number.
    Errno(i32),
    /// It is made this much later.
    Late(Duration),
    /// Nothing: the calls are counted.
    Count,
}

/// To how many calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Span {
    /// To the next one.
    Once,
    /// To each one for this long.
    For(Duration),
}

/// What was met: each call's number, and how often it was touched (or made, with [`Fault::Count`]).
pub type Tally = BTreeMap<u64, u32>;

/// What a call answers at its entry stop, before it is made.
const NOT_MADE: i64 = -(libc::ENOSYS as i64);

/// Follows process `pid` for `span` (for at most `limit` if the call does not come), and touches the calls with these numbers;
/// all of them if there are none.
///
/// # Errors
/// The process cannot be traced: not root, or it is traced already, or gone.
pub fn inject(pid: u32, calls: &[u64], fault: Fault, span: Span, limit: Duration) -> io::Result<Tally> {
    let pid = Pid::from_raw(i32::try_from(pid).map_err(io::Error::other)?);
    ptrace::seize(pid, Options::PTRACE_O_TRACESYSGOOD)?;
    ptrace::interrupt(pid)?;
    let (mut tally, mut answering) = (Tally::new(), None);
    let until = Instant::now() + if let Span::For(time) = span { time } else { limit };
    loop {
        let mut signal = None;
        match waitpid(pid, Some(WaitPidFlag::__WALL))? {
            WaitStatus::PtraceSyscall(_) => {
                let mut regs = ptrace::getregs(pid)?;
                if let Some(errno) = answering.take() {
                    regs.rax = i64::cast_unsigned(-i64::from(errno));
                    ptrace::setregs(pid, regs)?;
                } else if regs.rax.cast_signed() == NOT_MADE
                    && (calls.is_empty() || calls.contains(&regs.orig_rax))
                    && (span != Span::Once || tally.is_empty())
                {
                    *tally.entry(regs.orig_rax).or_default() += 1;
                    match fault {
                        Fault::Errno(errno) => {
                            regs.orig_rax = u64::MAX;
                            ptrace::setregs(pid, regs)?;
                            answering = Some(errno);
                        }
                        Fault::Late(time) => thread::sleep(time),
                        Fault::Count => {}
                    }
                }
            }
            WaitStatus::Stopped(_, which) => signal = Some(which),
            WaitStatus::PtraceEvent(_, which, _) if which != Signal::SIGTRAP => signal = Some(which),
            WaitStatus::Exited(..) | WaitStatus::Signaled(..) => {
                return Err(io::Error::other("the process ended"));
            }
            _ => {}
        }
        let done = Instant::now() >= until || (span == Span::Once && !tally.is_empty());
        if done && answering.is_none() {
            ptrace::detach(pid, signal)?;
            return Ok(tally);
        }
        ptrace::syscall(pid, signal)?;
    }
}

/// The processor time that a process has taken so far.
///
/// # Errors
/// It is gone.
pub fn processor_time(pid: u32) -> io::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
    // Fields 14 and 15, in hundredths of a second.
    Ok(Duration::from_millis((ticks(11) + ticks(12)) * 10))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::process::{Command, Stdio};

    #[test]
    fn a_call_fails_as_long_as_it_is_told_to() {
        if !crate::paths::is_root() {
            return;
        }
        // A shell that reads a byte whenever it can: a failing read ends its loop.
        let mut child = Command::new("sh")
            .args([
                "-c",
                "echo go; while read -r line; do echo \"$line\"; done < /dev/zero >/dev/null; sleep 0.2; exit 7",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        // Before that word its reads are those of its own start, and a failing one ends it otherwise.
        let mut word = [0; 3];
        child.stdout.as_mut().expect("a pipe").read_exact(&mut word).expect("it begins");
        let tally = inject(child.id(), &[0], Fault::Errno(5), Span::Once, Duration::from_secs(5));
        let code = child.wait().expect("it ends").code();
        assert_eq!((tally.expect("traced").get(&0), code), (Some(&1), Some(7)));
    }
}
