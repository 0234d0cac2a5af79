//! Signals as readiness of a descriptor: the handler notes the signal and writes one byte to a pipe of our own.

use super::fd::pipe;
use super::{Fd, Result};
use core::ffi::c_int;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use nix::errno::Errno as Number;
pub use nix::sys::signal::Signal;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, sigaction, sigprocmask};
use std::os::fd::RawFd;

/// Write end of the pipe, for the handler; -1 until [`Signals::install`].
static WAKE: AtomicI32 = AtomicI32::new(-1);
/// Bit *n*: signal *n* came since the last [`Signals::take`].
static CAUGHT: AtomicU32 = AtomicU32::new(0);

/// The signals that the daemon acts on.
const HANDLED: [Signal; 6] =
    [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2];

/// Signals whose default action ends or stops a process, and which nobody means to send to this one: a file-size or
/// processor-time limit that the caller's shell had set, somebody's timer, a terminal that is gone. The daemon and its
/// helper go on; what hit a limit shows as an error of the call. Scripts get the defaults back.
const IGNORED: [Signal; 11] = [
    Signal::SIGPIPE,
    Signal::SIGXFSZ,
    Signal::SIGXCPU,
    Signal::SIGALRM,
    Signal::SIGVTALRM,
    Signal::SIGPROF,
    Signal::SIGIO,
    Signal::SIGPWR,
    Signal::SIGTTOU,
    Signal::SIGTTIN,
    Signal::SIGTSTP,
];

/// What came since the last look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Caught(u32);

impl Caught {
    const fn has(self, signal: Signal) -> bool {
        self.0 & (1 << signal as c_int) != 0
    }

    /// A child may have ended: reap until there is none.
    #[must_use]
    pub const fn child(self) -> bool {
        self.has(Signal::SIGCHLD)
    }

    /// Leave in order: `SIGTERM` or `SIGINT`.
    #[must_use]
    pub const fn terminate(self) -> bool {
        self.has(Signal::SIGTERM) || self.has(Signal::SIGINT)
    }

    /// Read the files again: `SIGHUP`.
    #[must_use]
    pub const fn reload(self) -> bool {
        self.has(Signal::SIGHUP)
    }

    /// `SIGUSR1`: more debug output, as with the original.
    #[must_use]
    pub const fn more_debug(self) -> bool {
        self.has(Signal::SIGUSR1)
    }

    /// `SIGUSR2`: less debug output.
    #[must_use]
    pub const fn less_debug(self) -> bool {
        self.has(Signal::SIGUSR2)
    }
}

/// The pipe's read end. Keep it for the life of the process; one at a time.
#[derive(Debug)]
pub struct Signals {
    read: Fd,
    _write: Fd,
}

impl Signals {
    /// Catch `CHLD`, `TERM`, `INT`, `HUP`, `USR1` and `USR2`, ignore `PIPE` and what else nobody means to send, and
    /// unblock everything.
    ///
    /// # Errors
    /// As `pipe(2)` and `sigaction(2)`.
    pub fn install() -> Result<Self> {
        let (read, write) = pipe()?;
        read.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        CAUGHT.store(0, Ordering::SeqCst);
        WAKE.store(write.raw(), Ordering::SeqCst);
        for signal in HANDLED {
            action(signal, SigHandler::Handler(note))?;
        }
        for signal in IGNORED {
            action(signal, SigHandler::SigIgn)?;
        }
        unblock_all();
        Ok(Self { read, _write: write })
    }

    /// Becomes readable when a signal came.
    #[must_use]
    pub fn fd(&self) -> RawFd {
        self.read.raw()
    }

    /// What came since the last call. One system call or two.
    pub fn take(&self) -> Caught {
        let mut buf = [0; 64];
        while let Ok(Some(n)) = self.read.read(&mut buf) {
            if n < buf.len() {
                break;
            }
        }
        // After the drain: a signal between the two leaves a byte behind, and so another look.
        Caught(CAUGHT.swap(0, Ordering::SeqCst))
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        WAKE.store(-1, Ordering::SeqCst);
    }
}

/// The handler. Touches two atomics and calls `write`, all of which a handler may do.
extern "C" fn note(signal: c_int) {
    CAUGHT.fetch_or(1 << (signal & 31), Ordering::SeqCst);
    let fd = WAKE.load(Ordering::SeqCst);
    if fd >= 0 {
        // It is the interrupted code's, and is put back.
        let errno = Number::last_raw();
        // SAFETY: write is async-signal-safe, takes one byte of a live array, and fails harmlessly when the pipe is full.
        unsafe { libc::write(fd, [0_u8].as_ptr().cast(), 1) };
        Number::set_raw(errno);
    }
}

fn action(signal: Signal, handler: SigHandler) -> Result<()> {
    let action = SigAction::new(handler, SaFlags::SA_RESTART | SaFlags::SA_NOCLDSTOP, SigSet::empty());
    // SAFETY: the handler is `note`, which does only what a handler may, or none; the one before it is not used.
    unsafe { sigaction(signal, &action) }?;
    Ok(())
}

/// Ignore what ends a process at a limit that the caller's shell had set, or at a reader that is gone: for the daemon's start,
/// until [`Signals::install`].
pub fn ignore_limits() {
    for signal in [Signal::SIGXFSZ, Signal::SIGXCPU, Signal::SIGPIPE] {
        let _ = action(signal, SigHandler::SigIgn);
    }
}

fn unblock_all() {
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None);
}

/// Give every signal its default action and an empty mask: in a child, before `execve`. Allocates nothing.
pub(super) fn reset() {
    WAKE.store(-1, Ordering::SeqCst);
    for signal in HANDLED.into_iter().chain(IGNORED) {
        let _ = action(signal, SigHandler::SigDfl);
    }
    unblock_all();
}

/// Ignore what a shutdown or a terminal sends to all processes: the helper ends by its channel alone (DESIGN §8).
pub fn ignore_requests() {
    WAKE.store(-1, Ordering::SeqCst);
    let _ = action(Signal::SIGCHLD, SigHandler::SigDfl);
    let requests =
        [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGQUIT];
    for signal in requests.into_iter().chain(IGNORED) {
        let _ = action(signal, SigHandler::SigIgn);
    }
    unblock_all();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_limit_of_the_callers_shell_is_an_error_and_no_end() {
        const INSIDE: &str = "HBD_TEST_FILE_LIMIT";
        if let Some(path) = std::env::var_os(INSIDE) {
            ignore_limits();
            let why = std::fs::write(path, "x").expect_err("no file may have a byte");
            assert_eq!(why.raw_os_error(), Some(libc::EFBIG));
            return;
        }
        let path = std::env::temp_dir().join(format!("hbd-file-limit-{}", std::process::id()));
        let name = "sys::signal::tests::a_file_limit_of_the_callers_shell_is_an_error_and_no_end";
        let again = std::process::Command::new("sh")
            .args(["-c", "ulimit -f 0; exec \"$0\" --exact \"$1\""])
            .arg(std::env::current_exe().unwrap())
            .arg(name)
            .env(INSIDE, &path)
            .output()
            .unwrap();
        let _ = std::fs::remove_file(path);
        assert!(again.status.success(), "{again:?}");
    }
    use crate::sys::poll::{PollFd, poll};

    #[test]
    fn signals_become_readable_once() {
        let signals = Signals::install().unwrap();
        signals.take();
        for _ in 0..3 {
            nix::sys::signal::raise(Signal::SIGUSR1).unwrap();
        }
        let mut fds = [PollFd::readable(signals.fd())];
        poll(&mut fds, 1000).unwrap();
        assert!(fds[0].can_read());
        let caught = signals.take();
        assert!(caught.more_debug() && !caught.terminate() && !caught.less_debug() && !caught.reload());
        assert!(!signals.take().more_debug());
    }
}
