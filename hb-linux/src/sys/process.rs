//! Processes: fork, ends of children, process groups, going into the background. What nix lacks: a `waitpid` that knows
//! real-time signals (nix's takes such a child away and answers `EINVAL`), an end without destructors, and a look at the
//! process's name that allocates nothing.

use super::errno::check;
use super::fd::{self, pipe};
use super::{Errno, Fd, Result, signal};
use core::ffi::c_int;
use nix::sys::signal::{Signal, kill};
use nix::sys::{prctl, stat};
use nix::unistd::{self, ForkResult};

/// A process, or with [`kill_group`] the process group of that leader.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Pid(pub(super) libc::pid_t);

impl Pid {
    /// The number, as `ps` shows it.
    #[must_use]
    pub const fn get(self) -> i32 {
        self.0
    }

    /// The process with this number: one that a file or the kernel named. `None` for 0, 1 and negative numbers, which
    /// mean something else to `kill`.
    #[must_use]
    pub const fn from_raw(raw: i32) -> Option<Self> {
        if raw > 1 { Some(Self(raw)) } else { None }
    }

    pub(super) const fn nix(self) -> unistd::Pid {
        unistd::Pid::from_raw(self.0)
    }

    /// The group that it leads, as `kill` takes it.
    const fn group(self) -> Self {
        Self(-self.0)
    }
}

/// How a child ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// It exited with this code.
    Code(u8),
    /// This signal killed it.
    Signal(u8),
}

/// This process.
#[must_use]
pub fn own_pid() -> Pid {
    Pid(unistd::getpid().as_raw())
}

/// The number of the process that made this one.
#[must_use]
pub fn parent_pid() -> i32 {
    unistd::getppid().as_raw()
}

/// The effective user; 0 is root.
#[must_use]
pub fn effective_uid() -> u32 {
    unistd::geteuid().as_raw()
}

/// Set the mask for new files; answers the old one.
pub fn umask(mask: u32) -> u32 {
    stat::umask(stat::Mode::from_bits_retain(mask)).bits()
}

/// Make a child that runs `body` and exits with what it returns; it never comes back from here. The parent gets its
/// number. Memory locks are not inherited; handlers and descriptors are.
///
/// The process must have one thread (`hbd` never has more); otherwise `body` may only do what a signal handler may.
///
/// # Errors
/// As `fork(2)`.
pub fn fork(body: impl FnOnce() -> i32) -> Result<Pid> {
    match split()? {
        Some(child) => Ok(child),
        None => exit_now(body()),
    }
}

/// The child's number in the parent, `None` in the child.
pub(super) fn split() -> Result<Option<Pid>> {
    // SAFETY: the process has one thread, so the child's copy of every lock and of the heap is consistent.
    match unsafe { unistd::fork() }? {
        ForkResult::Child => Ok(None),
        ForkResult::Parent { child } => Ok(Some(Pid(child.as_raw()))),
    }
}

/// End at once, without destructors or flushing.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit does not return.
    unsafe { libc::_exit(code) }
}

/// Take the next child that ended, without waiting. Call it until `None` after every `SIGCHLD`.
pub fn reap() -> Option<(Pid, Ended)> {
    wait(-1, libc::WNOHANG)
}

/// Wait for one child to end; for the command line and tests, never for the daemon's loop.
pub fn wait_for(child: Pid) -> Option<Ended> {
    wait(child.0, 0).map(|(_, ended)| ended)
}

/// See whether this child has ended, without waiting, and take it if so.
pub fn try_wait_for(child: Pid) -> Option<Ended> {
    wait(child.0, libc::WNOHANG).map(|(_, ended)| ended)
}

fn wait(which: libc::pid_t, flags: c_int) -> Option<(Pid, Ended)> {
    let mut status: c_int = 0;
    loop {
        // SAFETY: waitpid writes one int.
        match check(unsafe { libc::waitpid(which, &raw mut status, flags) }) {
            Ok(0) => return None,
            Ok(pid) => return Some((Pid(pid), ended(status))),
            // Who does not wait tries again later.
            Err(Errno::INTR) if flags & libc::WNOHANG == 0 => {}
            Err(_) => return None,
        }
    }
}

fn ended(status: c_int) -> Ended {
    let low = |n: c_int| u8::try_from(n & 0xff).unwrap_or(0);
    if libc::WIFSIGNALED(status) {
        Ended::Signal(low(libc::WTERMSIG(status)))
    } else {
        Ended::Code(low(libc::WEXITSTATUS(status)))
    }
}

/// Send `SIGKILL` to every process of the group that `leader` leads. A group that is gone is no error.
///
/// # Errors
/// As `kill(2)`, without `ESRCH`.
pub fn kill_group(leader: Pid) -> Result<()> {
    signal(leader.group(), Signal::SIGKILL)
}

/// Send `signal` to the group that `leader` leads. A group that is gone is no error.
///
/// # Errors
/// As `kill(2)`, without `ESRCH`.
pub fn signal_group(leader: Pid, with: Signal) -> Result<()> {
    signal(leader.group(), with)
}

/// Send `signal` to one process. A process that is gone is no error.
///
/// # Errors
/// As `kill(2)`, without `ESRCH`.
pub fn signal(process: Pid, signal: Signal) -> Result<()> {
    match kill(process.nix(), signal) {
        Ok(()) | Err(nix::errno::Errno::ESRCH) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

/// Is there such a process (a zombie counts)?
#[must_use]
pub fn exists(process: Pid) -> bool {
    kill(process.nix(), None) != Err(nix::errno::Errno::ESRCH)
}

/// Has this child ended? The question reaps it; one that was reaped elsewhere has ended too.
#[must_use]
pub fn has_ended(child: Pid) -> bool {
    try_wait_for(child).is_some() || !exists(child)
}

/// Is there any process left in the group that `leader` leads (a zombie counts)?
#[must_use]
pub fn group_exists(leader: Pid) -> bool {
    exists(leader.group())
}

/// Start a session of one's own: no terminal, no group in common with the parent.
pub fn new_session() {
    // It fails only for a leader, which needs none.
    let _ = unistd::setsid();
}

/// What `ps` and `killall` call this process, up to 15 bytes. Kernels without the call (2.4) keep the old name.
pub fn set_name(name: &core::ffi::CStr) {
    let _ = prctl::set_name(name);
}

/// Can a process take a name with [`set_name`]? Linux 2.6.11 and later.
#[must_use]
pub fn can_be_named() -> bool {
    let mut name = [0_u8; 16];
    // SAFETY: the call writes 16 bytes.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr(), 0, 0, 0) == 0 }
}

/// Have the kernel kill this process with `SIGKILL` when its parent ends. `parent` is the parent as it was before the
/// fork: if that one is gone already, the process ends here.
pub fn die_with(parent: Pid) {
    let _ = prctl::set_pdeathsig(Signal::SIGKILL);
    if parent_pid() != parent.0 {
        exit_now(0);
    }
}

/// Go into the background: this call returns in a grandchild with a session of its own, `/` as its directory, and the
/// write end of a pipe. In the process that was called, `wait` runs with the read end, and its answer is the exit code:
/// so the caller's shell sees whether the start went well.
///
/// # Errors
/// As `pipe(2)` and `fork(2)`, in the process that was called.
pub fn detach(wait: impl FnOnce(Fd) -> i32) -> Result<Fd> {
    let (read, write) = pipe()?;
    if let Some(child) = split()? {
        drop(write);
        let code = wait(read);
        wait_for(child);
        exit_now(code);
    }
    drop(read);
    new_session();
    // A session leader could be given a terminal by opening one; its child cannot.
    if split()?.is_some() {
        exit_now(0);
    }
    let _ = unistd::chdir(c"/");
    Ok(write)
}

/// In a child that stays this program: drop every descriptor but `keep`, point 0 and 1 at `/dev/null` (2 as well, unless
/// the child speaks to the `terminal`), and run at ordinary priority, deaf to requests to end.
pub fn become_helper(keep: &[i32], terminal: bool) {
    signal::ignore_requests();
    super::sched::ordinary();
    super::limit::any_file_size();
    fd::close_others(3, keep);
    let _ = fd::standard_to_null(if terminal { 2 } else { 3 });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_apart() {
        let child = fork(|| 7).unwrap();
        assert_eq!(wait_for(child), Some(Ended::Code(7)));
        let child = fork(|| {
            crate::sys::poll::sleep_ms(20_000);
            0
        })
        .unwrap();
        assert_eq!(try_wait_for(child), None);
        assert!(exists(child));
        signal(child, Signal::SIGKILL).unwrap();
        assert_eq!(wait_for(child), Some(Ended::Signal(9)));
        assert!(!exists(child));
        assert_eq!(signal(child, Signal::SIGKILL), Ok(()));
        // A real-time signal is an end like any other.
        let child = fork(|| {
            crate::sys::poll::sleep_ms(20_000);
            0
        })
        .unwrap();
        // SAFETY: kill touches no memory.
        unsafe { libc::kill(child.get(), libc::SIGRTMIN()) };
        assert_eq!(wait_for(child).map(|how| how == Ended::Signal(libc::SIGRTMIN() as u8)), Some(true));
    }

    #[test]
    fn numbers_that_mean_many_processes_are_no_pids() {
        assert_eq!([-1, 0, 1].map(Pid::from_raw), [None; 3]);
        assert_eq!(Pid::from_raw(2).map(Pid::get), Some(2));
    }
}
