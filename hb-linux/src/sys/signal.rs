//! Signals as readiness of a descriptor: the handler notes the signal and writes one byte to a pipe of our own.

use super::errno::check;
use super::fd::pipe;
use super::{Fd, Result};
use core::ffi::c_int;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::os::fd::RawFd;

/// Write end of the pipe, for the handler; -1 until [`Signals::install`].
static WAKE: AtomicI32 = AtomicI32::new(-1);
/// Bit *n*: signal *n* came since the last [`Signals::take`].
static CAUGHT: AtomicU32 = AtomicU32::new(0);

/// The signals that the daemon acts on.
const HANDLED: [c_int; 6] =
    [libc::SIGCHLD, libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2];

/// Signals whose default action ends or stops a process, and which nobody means to send to this one: a file-size or
/// processor-time limit that the caller's shell had set, somebody's timer, a terminal that is gone. The daemon and its
/// helper go on; what hit a limit shows as an error of the call. Scripts get the defaults back.
const IGNORED: [c_int; 11] = [
    libc::SIGPIPE,
    libc::SIGXFSZ,
    libc::SIGXCPU,
    libc::SIGALRM,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGIO,
    libc::SIGPWR,
    libc::SIGTTOU,
    libc::SIGTTIN,
    libc::SIGTSTP,
];

/// What came since the last look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Caught(u32);

impl Caught {
    const fn has(self, signal: c_int) -> bool {
        self.0 & (1 << signal) != 0
    }

    /// A child may have ended: reap until there is none.
    #[must_use]
    pub const fn child(self) -> bool {
        self.has(libc::SIGCHLD)
    }

    /// Leave in order: `SIGTERM` or `SIGINT`.
    #[must_use]
    pub const fn terminate(self) -> bool {
        self.has(libc::SIGTERM) || self.has(libc::SIGINT)
    }

    /// Read the files again: `SIGHUP`.
    #[must_use]
    pub const fn reload(self) -> bool {
        self.has(libc::SIGHUP)
    }

    /// `SIGUSR1`: more debug output, as with the original.
    #[must_use]
    pub const fn more_debug(self) -> bool {
        self.has(libc::SIGUSR1)
    }

    /// `SIGUSR2`: less debug output.
    #[must_use]
    pub const fn less_debug(self) -> bool {
        self.has(libc::SIGUSR2)
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
            action(signal, note as extern "C" fn(c_int) as usize)?;
        }
        for signal in IGNORED {
            action(signal, libc::SIG_IGN)?;
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
        // SAFETY: errno is the interrupted code's and is put back; write is async-signal-safe, takes one byte of a
        // live array, and fails harmlessly when the pipe is full.
        unsafe {
            let errno = *libc::__errno_location();
            libc::write(fd, [0_u8].as_ptr().cast(), 1);
            *libc::__errno_location() = errno;
        }
    }
}

fn action(signal: c_int, handler: libc::sighandler_t) -> Result<()> {
    // SAFETY: an all-zero sigaction is valid: integers, an empty mask, no restorer.
    let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
    action.sa_sigaction = handler;
    action.sa_flags = libc::SA_RESTART | libc::SA_NOCLDSTOP;
    // SAFETY: sigaction reads one struct; the handler is `note`, SIG_IGN or SIG_DFL.
    check(unsafe { libc::sigaction(signal, &raw const action, core::ptr::null_mut()) })?;
    Ok(())
}

fn unblock_all() {
    // SAFETY: sigemptyset fills the set before sigprocmask reads it.
    unsafe {
        let mut none: libc::sigset_t = core::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, core::ptr::null_mut());
    }
}

/// Give every signal its default action and an empty mask: in a child, before `execve`. Allocates nothing.
pub(super) fn reset() {
    WAKE.store(-1, Ordering::SeqCst);
    for signal in HANDLED.into_iter().chain(IGNORED) {
        let _ = action(signal, libc::SIG_DFL);
    }
    unblock_all();
}

/// Ignore what a shutdown or a terminal sends to all processes: the helper ends by its channel alone (DESIGN §8).
pub fn ignore_requests() {
    WAKE.store(-1, Ordering::SeqCst);
    let _ = action(libc::SIGCHLD, libc::SIG_DFL);
    let requests = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2, libc::SIGQUIT];
    for signal in requests.into_iter().chain(IGNORED) {
        let _ = action(signal, libc::SIG_IGN);
    }
    unblock_all();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::poll::{PollFd, poll};

    #[test]
    fn signals_become_readable_once() {
        let signals = Signals::install().unwrap();
        signals.take();
        for _ in 0..3 {
            // SAFETY: the handler for USR1 is installed.
            unsafe { libc::raise(libc::SIGUSR1) };
        }
        let mut fds = [PollFd::readable(signals.fd())];
        poll(&mut fds, 1000).unwrap();
        assert!(fds[0].can_read());
        let caught = signals.take();
        assert!(caught.more_debug() && !caught.terminate() && !caught.less_debug() && !caught.reload());
        assert!(!signals.take().more_debug());
    }
}
