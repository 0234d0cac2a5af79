//! `poll(2)`: the one place where the daemon waits. nix's own borrows each descriptor, so it has no place that is skipped, which a
//! slot without a descriptor is here.

use super::errno::check;
use super::{Errno, Result};
use core::ffi::c_short;
use hb_core::Instant;
use std::os::fd::RawFd;

/// One descriptor to wait for. A negative number is skipped by the kernel.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct PollFd(libc::pollfd);

impl PollFd {
    /// An entry that waits for nothing.
    pub const NONE: Self = Self(libc::pollfd { fd: -1, events: 0, revents: 0 });

    /// Wait until `fd` can be read (or is closed or failed, which is always reported).
    #[must_use]
    pub const fn readable(fd: RawFd) -> Self {
        Self(libc::pollfd { fd, events: libc::POLLIN, revents: 0 })
    }

    /// Wait for reading, and for room to write if `write`.
    #[must_use]
    pub const fn new(fd: RawFd, write: bool) -> Self {
        let events = if write { libc::POLLIN | libc::POLLOUT } else { libc::POLLIN };
        Self(libc::pollfd { fd, events, revents: 0 })
    }

    /// Take it for ready: after a wait that failed, a read or write that does not wait finds out.
    pub const fn assume_ready(&mut self) {
        if self.0.fd >= 0 {
            self.0.revents = self.0.events;
        }
    }

    /// The last wait found something to read, an end or an error: read it to find out which.
    #[must_use]
    pub const fn can_read(&self) -> bool {
        const ANY: c_short = libc::POLLIN | libc::POLLPRI | libc::POLLERR | libc::POLLHUP | libc::POLLNVAL;
        self.0.revents & ANY != 0
    }

    /// The last wait found room to write, or an error that a write will show.
    #[must_use]
    pub const fn can_write(&self) -> bool {
        self.0.revents & (libc::POLLOUT | libc::POLLERR) != 0
    }

    /// The other end is gone.
    #[must_use]
    pub const fn hung_up(&self) -> bool {
        self.0.revents & libc::POLLHUP != 0
    }
}

impl core::fmt::Debug for PollFd {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "PollFd({} {:#x} -> {:#x})", self.0.fd, self.0.events, self.0.revents)
    }
}

/// Wait until something is ready or `timeout_ms` has passed (negative: for ever). Answers how many are ready; a signal
/// ends the wait early, with what is ready then.
///
/// # Errors
/// As `poll(2)`; `EINTR` if not even a look that does not wait comes to its end.
pub fn poll(fds: &mut [PollFd], timeout_ms: i32) -> Result<usize> {
    match poll_once(fds, timeout_ms) {
        // An interrupted wait says nothing of what is ready.
        Err(Errno::INTR) => poll_once(fds, 0),
        other => other,
    }
}

/// Places for descriptors that are waited for. The kernel looks at each place, and at these without asking for memory.
const SOME: usize = 64;

/// With the entries alone that wait for something: there are few, also where more places than files may be open.
fn poll_once(fds: &mut [PollFd], timeout_ms: i32) -> Result<usize> {
    let mut some = heapless::Vec::<PollFd, SOME>::new();
    for fd in fds.iter_mut() {
        fd.0.revents = 0;
        if fd.0.fd >= 0 && some.push(*fd).is_err() {
            return poll_all(fds, timeout_ms);
        }
    }
    // SAFETY: PollFd is a transparent pollfd; pointer and length are of a live, exclusively borrowed slice.
    let ready = unsafe { libc::poll(some.as_mut_ptr().cast(), some.len() as libc::nfds_t, timeout_ms) };
    let ready = check(ready)?;
    if ready > 0 {
        for (to, from) in fds.iter_mut().filter(|fd| fd.0.fd >= 0).zip(&some) {
            to.0.revents = from.0.revents;
        }
    }
    Ok(usize::try_from(ready).unwrap_or(0))
}

/// As [`poll_once`], with all entries.
#[inline(never)]
fn poll_all(fds: &mut [PollFd], timeout_ms: i32) -> Result<usize> {
    for fd in fds.iter_mut() {
        fd.0.revents = 0;
    }
    // The count's type is wide enough on every target.
    let count = fds.len() as libc::nfds_t;
    // SAFETY: as in `poll_once`.
    let ready = check(unsafe { libc::poll(fds.as_mut_ptr().cast(), count, timeout_ms) })?;
    Ok(usize::try_from(ready).unwrap_or(0))
}

/// The timeout for [`poll`] that ends at `deadline`, rounded up so that the loop never wakes too early; `-1` (for ever)
/// for [`Instant::NEVER`].
#[must_use]
pub fn timeout_until(now: Instant, deadline: Instant) -> i32 {
    if deadline == Instant::NEVER {
        return -1;
    }
    let us = deadline.since(now).as_micros();
    i32::try_from(us.div_ceil(1000)).unwrap_or(i32::MAX)
}

/// Wait without descriptors, and without `poll(2)`: it waits also where that call fails. The daemon's loop only ever waits
/// so for a few milliseconds. A signal ends it early.
pub fn sleep_ms(ms: i32) {
    let ms = ms.max(0);
    // The widths of time_t and long differ between targets.
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    time.tv_sec = (ms / 1000).into();
    time.tv_nsec = (ms % 1000 * 1_000_000).into();
    // SAFETY: nanosleep reads one timespec; the pointer for the rest may be null.
    unsafe { libc::nanosleep(&raw const time, core::ptr::null_mut()) };
}

/// Wait for the last part of a millisecond, which [`poll`] cannot. On a 2.4 kernel a real-time process is not put to sleep for so
/// short a time; it is not called there.
pub fn sleep_us(us: u64) {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // The width of long differs between targets; less than a second fits all of them.
    time.tv_nsec = (us.min(999_999) * 1000) as _;
    // SAFETY: nanosleep reads one timespec; the pointer for the rest may be null.
    unsafe { libc::nanosleep(&raw const time, core::ptr::null_mut()) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::fd::pipe;

    #[test]
    fn it_reports_what_is_ready_and_nothing_else() {
        let (read, write) = pipe().unwrap();
        let mut fds = [PollFd::readable(read.raw()), PollFd::NONE];
        assert_eq!(poll(&mut fds, 0), Ok(0));
        assert!(!fds[0].can_read());
        write.write(b"x").unwrap();
        assert_eq!(poll(&mut fds, 1000), Ok(1));
        assert!(fds[0].can_read() && !fds[0].hung_up() && !fds[1].can_read());
        drop(write);
        assert_eq!(poll(&mut fds, 0), Ok(1));
        assert!(fds[0].hung_up());
        // More than there are places for, and what was ready in an earlier wait is forgotten.
        let (idle, _idle_end) = pipe().unwrap();
        let mut many = [PollFd::readable(idle.raw()); SOME + 2];
        many[SOME + 1] = PollFd::readable(read.raw());
        many[0].assume_ready();
        assert_eq!(poll(&mut many, 0), Ok(1));
        assert!(many[SOME + 1].hung_up() && !many[0].can_read());
        let mut few = [PollFd::readable(idle.raw()), PollFd::NONE];
        few[0].assume_ready();
        assert_eq!((poll(&mut few, 0), few[0].can_read()), (Ok(0), false));
    }

    #[test]
    fn a_timeout_never_ends_before_its_deadline() {
        let at = Instant::from_micros;
        assert_eq!(timeout_until(at(0), Instant::NEVER), -1);
        assert_eq!(timeout_until(at(10), at(10)), 0);
        assert_eq!(timeout_until(at(20), at(10)), 0);
        assert_eq!(timeout_until(at(0), at(1)), 1);
        assert_eq!(timeout_until(at(0), at(1000)), 1);
        assert_eq!(timeout_until(at(0), at(1001)), 2);
        assert_eq!(timeout_until(at(0), at(u64::MAX - 1)), i32::MAX);
    }
}
