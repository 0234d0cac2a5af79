//! A device is opened by a child, for an open may load a driver, or wait for a cable or a disk, and the loop must not. The
//! descriptor comes back through a pair of sockets, or the error number does.
//!
//! ```text
//! daemon --fork--> child: open --descriptor--> daemon --"taken"--> child ends
//!                                              daemon gone meanwhile: child writes `undo`, and ends
//! ```

use crate::sys::poll::{PollFd, poll};
use crate::sys::process::{self, Pid};
use crate::sys::{Errno, Fd, Result, guard, message, unix};
use std::os::fd::RawFd;

/// What the daemon answers.
const TAKEN: &[u8] = b"t";

/// One open at a time.
#[derive(Debug, Default)]
pub(crate) struct Opening {
    answer: Option<Fd>,
    child: Option<Pid>,
}

impl Opening {
    /// Begin: a child does what `open` does. `undo` is written to what it opened if nobody takes it: who opened a
    /// watchdog has armed it.
    ///
    /// # Errors
    /// No child can be made now; `EBUSY`: the last one still hangs at its device.
    pub(crate) fn begin(&mut self, open: impl FnOnce() -> Result<Fd>, undo: &[u8]) -> Result<()> {
        self.reap();
        if self.child.is_some() || self.answer.is_some() {
            return Err(Errno::BUSY);
        }
        let (ours, theirs) = unix::pair()?;
        // The child is a copy of the daemon until it ends; what it allocates is its own.
        guard::disarm();
        let forked = process::fork(move || child(open, undo, &theirs));
        guard::arm();
        self.child = Some(forked?);
        self.answer = Some(ours);
        Ok(())
    }

    /// What to wait on.
    pub(crate) fn fd(&self) -> Option<RawFd> {
        self.answer.as_ref().map(Fd::raw)
    }

    /// Is an open under way?
    pub(crate) const fn is_busy(&self) -> bool {
        self.answer.is_some()
    }

    /// What came of it, once.
    pub(crate) fn take(&mut self) -> Option<Result<Fd>> {
        let mut word = [0; 4];
        let answer = self.answer.as_ref()?;
        let came = match message::receive_with(answer, &mut word) {
            Ok(None) => return None,
            Err(why) if why.is_shortage() => return None,
            Ok(Some((4, Some(fd)))) => {
                let _ = unix::send(answer, TAKEN);
                Ok(fd)
            }
            Ok(Some((4, None))) => Err(match i32::from_ne_bytes(word) {
                // It came, and found no free number here.
                0 => Errno(libc::EMFILE),
                number => Errno(number),
            }),
            // Somebody ended the child.
            Ok(Some(_)) | Err(_) => Err(Errno::INTR),
        };
        self.answer = None;
        self.reap();
        Some(came)
    }

    /// What comes is not wanted any more.
    pub(crate) fn give_up(&mut self) {
        self.answer = None;
    }

    /// After `SIGCHLD`.
    pub(crate) fn reap(&mut self) {
        if self.child.is_some_and(process::has_ended) {
            self.child = None;
        }
    }
}

/// The child's life.
fn child(open: impl FnOnce() -> Result<Fd>, undo: &[u8], answer: &Fd) -> i32 {
    process::become_helper(&[answer.raw()], false);
    match open() {
        Ok(fd) => {
            let sent = message::send_with(answer, &0_i32.to_ne_bytes(), &fd);
            if !matches!(sent, Ok(Some(_))) || !is_taken(answer) {
                let _ = fd.write(undo);
            }
        }
        Err(why) => drop(unix::send(answer, &why.0.to_ne_bytes())),
    }
    0
}

/// Wait until the daemon has it, or is gone.
fn is_taken(answer: &Fd) -> bool {
    loop {
        let mut word = [0];
        match answer.read(&mut word) {
            Ok(Some(n)) => return n > 0,
            Err(why) if !why.is_shortage() => return false,
            Ok(None) | Err(_) => {
                let _ = poll(&mut [PollFd::readable(answer.raw())], 1000);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ffi::CStr;

    fn opened(path: &CStr) -> Result<Fd> {
        let mut opening = Opening::default();
        let open = || Fd::open(path, libc::O_RDWR, 0);
        opening.begin(open, b"").unwrap();
        assert!(opening.is_busy() && opening.begin(open, b"").is_err(), "one at a time");
        loop {
            poll(&mut [PollFd::readable(opening.fd().unwrap())], 5000).unwrap();
            if let Some(came) = opening.take() {
                assert!(opening.fd().is_none() && opening.take().is_none());
                return came;
            }
        }
    }

    #[test]
    fn a_descriptor_or_an_error_comes_back() {
        let null = opened(c"/dev/null").unwrap();
        assert_eq!(null.write(b"x"), Ok(Some(1)));
        assert_eq!(opened(c"/nonexistent/device").unwrap_err(), Errno::NO_ENTRY);
    }

    #[test]
    fn what_nobody_takes_is_undone() {
        let path = std::env::temp_dir().join(format!("hbd-opening-{}", std::process::id()));
        std::fs::write(&path, "").unwrap();
        let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        let flags = libc::O_WRONLY | libc::O_APPEND;
        for taken in [true, false] {
            let mut opening = Opening::default();
            opening.begin(|| Fd::open(&name, flags, 0), b"V").unwrap();
            let child = opening.child.unwrap();
            if taken {
                poll(&mut [PollFd::readable(opening.fd().unwrap())], 5000).unwrap();
                opening.take().unwrap().unwrap();
            }
            drop(opening);
            process::wait_for(child);
            assert_eq!(std::fs::read(&path).unwrap(), if taken { &b""[..] } else { &b"V"[..] });
        }
        std::fs::remove_file(path).unwrap();
    }
}
