//! Pseudo-terminals: a null-modem without hardware, for `hbd demo` and tests.

use super::errno::check;
use super::{Errno, Fd, Result};
use core::ffi::c_int;
use std::ffi::CString;

/// Open a new pty: its master end, raw and not waiting, and the path of its slave, which works as a serial device.
///
/// # Errors
/// As `open(2)` of `/dev/ptmx`, or `ENOTTY` where devpts is missing.
pub fn open() -> Result<(Fd, CString)> {
    let master = Fd::open(c"/dev/ptmx", libc::O_RDWR | libc::O_NOCTTY | libc::O_NONBLOCK, 0)?;
    let (unlock, mut number): (c_int, c_int) = (0, 0);
    // SAFETY: TIOCSPTLCK reads one int, TIOCGPTN writes one.
    unsafe {
        check(libc::ioctl(master.raw(), libc::TIOCSPTLCK, &raw const unlock))?;
        check(libc::ioctl(master.raw(), libc::TIOCGPTN, &raw mut number))?;
    }
    let name = CString::new(format!("/dev/pts/{number}")).map_err(|_| Errno::INVALID)?;
    Ok((master, name))
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_pty_is_another() {
        let (_a, first) = super::open().unwrap();
        let (_b, second) = super::open().unwrap();
        assert_ne!(first, second);
    }
}
