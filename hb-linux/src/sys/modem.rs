//! The modem lines of a serial port: DTR and RTS go out, DSR comes in.

use super::ioctl::{TIOCMGET, TIOCMSET, ioctl};
use super::{Fd, Result};
use core::ffi::{CStr, c_int};
use nix::sys::termios::{ControlFlags, SetArg, tcgetattr, tcsetattr};

/// Open a port for its modem lines alone: no waiting, no change of its speed, and no lock, for the heartbeats may be on it.
/// A close leaves the lines as they are.
///
/// # Errors
/// As `open(2)`; `ENOTTY` and `EINVAL`: it has no modem lines (a pty).
pub fn open(device: &CStr) -> Result<Fd> {
    let fd = Fd::open(device, libc::O_RDWR | libc::O_NOCTTY | libc::O_NONBLOCK, 0)?;
    dsr(&fd)?;
    let mut wanted = tcgetattr(&fd)?;
    wanted.control_flags.insert(ControlFlags::CLOCAL);
    wanted.control_flags.remove(ControlFlags::HUPCL | ControlFlags::CRTSCTS);
    tcsetattr(&fd, SetArg::TCSANOW, &wanted)?;
    Ok(fd)
}

/// Set both outputs in one step (`TIOCMSET`).
///
/// # Errors
/// As `ioctl(2)`.
pub fn set(fd: &Fd, dtr: bool, rts: bool) -> Result<()> {
    // A PC's port raises its interrupt line by OUT2; other bits are inputs.
    let mut bits = lines(fd)? & KEPT;
    bits |= if dtr { libc::TIOCM_DTR } else { 0 };
    bits |= if rts { libc::TIOCM_RTS } else { 0 };
    ioctl(fd, &TIOCMSET, &mut bits)
}

/// Is the other side's DTR up?
///
/// # Errors
/// As `ioctl(2)`.
pub fn dsr(fd: &Fd) -> Result<bool> {
    Ok(lines(fd)? & libc::TIOCM_DSR != 0)
}

pub(super) fn lines(fd: &Fd) -> Result<c_int> {
    let mut bits = 0;
    ioctl(fd, &TIOCMGET, &mut bits)?;
    Ok(bits)
}

/// `TIOCM_OUT1`, `TIOCM_OUT2` and `TIOCM_LOOP` of `asm/termios.h`; libc has no names for them.
const KEPT: c_int = 0x2000 | 0x4000 | 0x8000;

#[cfg(test)]
mod tests {
    use super::super::{Errno, pty};
    use super::*;

    #[test]
    fn what_has_no_modem_lines_is_refused() {
        let (_master, name) = pty::open().unwrap();
        let refused = open(&name).unwrap_err();
        assert!(refused == Errno(libc::ENOTTY) || refused == Errno::INVALID, "{refused}");
        assert_eq!(open(c"/nonexistent/tty").unwrap_err(), Errno::NO_ENTRY);
    }
}
