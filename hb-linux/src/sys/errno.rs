//! Error numbers as values that can be compared, kept and shown without allocating. nix's own `Errno` has no place for a
//! number that it does not know (a driver's 524), and its texts would be a second table beside the C library's.

use super::Result;
use core::ffi::{CStr, c_int};
use core::fmt;

/// An error number of the kernel, such as `ENODEV`. Shown as the C library's text for it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

impl Errno {
    /// Try again: nothing there yet, or no room.
    pub const AGAIN: Self = Self(libc::EAGAIN);
    /// A signal came first.
    pub const INTR: Self = Self(libc::EINTR);
    /// Not permitted.
    pub const PERM: Self = Self(libc::EPERM);
    /// Access denied.
    pub const ACCESS: Self = Self(libc::EACCES);
    /// Argument out of range or not understood.
    pub const INVALID: Self = Self(libc::EINVAL);
    /// Input or output failed; also a line that was hung up.
    pub const IO: Self = Self(libc::EIO);
    /// No such file.
    pub const NO_ENTRY: Self = Self(libc::ENOENT);
    /// No such device.
    pub const NO_DEVICE: Self = Self(libc::ENODEV);
    /// In use.
    pub const BUSY: Self = Self(libc::EBUSY);
    /// The interface is down.
    pub const NET_DOWN: Self = Self(libc::ENETDOWN);
    /// The address is not configured here.
    pub const NO_ADDRESS: Self = Self(libc::EADDRNOTAVAIL);
    /// The address is taken.
    pub const ADDRESS_IN_USE: Self = Self(libc::EADDRINUSE);
    /// The other end is closed.
    pub const PIPE: Self = Self(libc::EPIPE);
    /// The call does not exist on this kernel.
    pub const NO_CALL: Self = Self(libc::ENOSYS);
    /// The device does not know this request.
    pub const NOT_TTY: Self = Self(libc::ENOTTY);
    /// No space left on the device.
    pub const NO_SPACE: Self = Self(libc::ENOSPC);
    /// A name that is too long.
    pub const NAME_TOO_LONG: Self = Self(libc::ENAMETOOLONG);
    /// The file system is mounted read-only.
    pub const READ_ONLY: Self = Self(libc::EROFS);

    /// Something runs short for now (memory, descriptors, a buffer) or a signal came: it says nothing about what was
    /// asked for, and the same call may do at the next try.
    #[must_use]
    pub const fn is_shortage(self) -> bool {
        matches!(
            self.0,
            libc::EINTR | libc::EAGAIN | libc::ENOMEM | libc::ENOBUFS | libc::EMFILE | libc::ENFILE
        )
    }

    /// The error number that the last failed call of the C library left.
    #[must_use]
    pub fn last() -> Self {
        Self(nix::errno::Errno::last_raw())
    }

    /// The C library's text, in English and without allocation.
    #[must_use]
    pub fn text(self) -> &'static str {
        // SAFETY: strerror gives a valid C string for every number; the process has one thread, and for the numbers
        // that the kernel uses both glibc and musl answer from static tables.
        let text = unsafe { CStr::from_ptr(libc::strerror(self.0)) };
        text.to_str().unwrap_or("unknown error")
    }
}

impl From<nix::errno::Errno> for Errno {
    fn from(errno: nix::errno::Errno) -> Self {
        match errno {
            nix::errno::Errno::UnknownErrno => Self::last(),
            known => Self(known as i32),
        }
    }
}

impl From<&std::io::Error> for Errno {
    /// Errors that std made up itself, without a number, become `EIO`.
    fn from(error: &std::io::Error) -> Self {
        Self(error.raw_os_error().unwrap_or(libc::EIO))
    }
}

impl From<std::io::Error> for Errno {
    fn from(error: std::io::Error) -> Self {
        Self::from(&error)
    }
}

impl From<Errno> for std::io::Error {
    fn from(errno: Errno) -> Self {
        Self::from_raw_os_error(errno.0)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Errno({}: {})", self.0, self.text())
    }
}

impl core::error::Error for Errno {}

/// The value of a call that answers -1 on failure.
pub(super) fn check(value: c_int) -> Result<c_int> {
    if value == -1 { Err(Errno::last()) } else { Ok(value) }
}

/// How often a call is made that a signal cuts short. More in a row mean that something is wrong: no loop without an end.
pub(super) const TRIES: u8 = 8;

/// A count of bytes, `None` for "not now". `EINTR` runs the call again, a few times.
pub(super) fn transfer(mut call: impl FnMut() -> nix::Result<usize>) -> Result<Option<usize>> {
    for _ in 0..TRIES {
        match call() {
            Ok(count) => return Ok(Some(count)),
            Err(nix::errno::Errno::EINTR) => {}
            Err(nix::errno::Errno::EAGAIN) => return Ok(None),
            Err(other) => return Err(other.into()),
        }
    }
    Err(Errno::INTR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::errno::Errno as Number;

    #[test]
    fn numbers_have_words() {
        assert_eq!(Errno::NO_DEVICE.to_string(), "No such device");
        assert_eq!(format!("{:?}", Errno::AGAIN), "Errno(11: Resource temporarily unavailable)");
        let io: std::io::Error = Errno::PERM.into();
        assert_eq!(Errno::from(io), Errno::PERM);
        // One that nix does not know stays what the kernel said.
        Number::set_raw(524);
        assert_eq!((Errno::from(Number::last()), Errno::from(Number::EPERM)), (Errno(524), Errno::PERM));
    }

    #[test]
    fn a_transfer_runs_again_after_a_signal_only() {
        let mut calls = 0;
        let result = transfer(|| {
            calls += 1;
            if calls < 3 { Err(Number::EINTR) } else { Ok(7) }
        });
        assert_eq!((result, calls), (Ok(Some(7)), 3));
        let mut calls = 0;
        let endless = transfer(|| {
            calls += 1;
            Err(Number::EINTR)
        });
        assert_eq!((endless, calls), (Err(Errno::INTR), TRIES));
        assert_eq!(transfer(|| Err(Number::EAGAIN)), Ok(None));
    }
}
