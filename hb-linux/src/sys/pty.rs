//! Pseudo-terminals: a serial line without a UART, for `hbd demo` and tests.

use super::ioctl::{TIOCGPTN, TIOCNXCL, TIOCSPTLCK, ioctl};
use super::{Errno, Fd, Result, tty};
use core::ffi::CStr;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use std::ffi::CString;

/// Open a new pty: its master end, not waiting, and the path of its slave, which works as a serial device.
///
/// # Errors
/// As `open(2)` of `/dev/ptmx`, or `ENOTTY` where devpts is missing.
pub fn open() -> Result<(Fd, CString)> {
    let master = Fd::open(c"/dev/ptmx", libc::O_RDWR | libc::O_NOCTTY | libc::O_NONBLOCK, 0)?;
    let mut number = 0;
    ioctl(&master, &TIOCSPTLCK, &mut number)?;
    ioctl(&master, &TIOCGPTN, &mut number)?;
    let name = CString::new(format!("/dev/pts/{number}")).map_err(|_| Errno::INVALID)?;
    Ok((master, name))
}

/// Both ends of one pseudo-terminal. The far end stays open here too: so the line never hangs up when the program
/// that uses it ends, just as a UART does not.
#[derive(Debug)]
pub struct Pty {
    near: Fd,
    far: Fd,
    path: CString,
}

impl Pty {
    /// A new line in raw mode, readable and writable by its owner. The near end never waits.
    ///
    /// # Errors
    /// There is no `/dev/ptmx`, `/dev/pts` is not mounted, or all lines are in use.
    pub fn open() -> Result<Self> {
        let (near, path) = open()?;
        let far = Fd::open(&path, libc::O_RDWR | libc::O_NOCTTY, 0)?;
        let pty = Self { near, far, path };
        pty.reset()?;
        Ok(pty)
    }

    /// The device that a program opens as its serial line, such as `/dev/pts/3`.
    #[must_use]
    pub fn path(&self) -> &CStr {
        &self.path
    }

    /// The end that the cable is on: what the program sends is read here, and what is written here it receives.
    #[must_use]
    pub const fn near(&self) -> &Fd {
        &self.near
    }

    /// As a power-up leaves the line: raw, nothing queued in either direction, open to everyone who may.
    ///
    /// # Errors
    /// As `tcsetattr(3)`.
    pub fn reset(&self) -> Result<()> {
        let mut modes = tcgetattr(&self.far)?;
        cfmakeraw(&mut modes);
        tcsetattr(&self.far, SetArg::TCSANOW, &modes)?;
        // It lifts what a user that was killed left behind.
        ioctl(&self.far, &TIOCNXCL, &mut 0)?;
        tty::discard(&self.far)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::poll::{PollFd, poll};

    #[test]
    fn every_pty_is_another() {
        let (_a, first) = open().unwrap();
        let (_b, second) = open().unwrap();
        assert_ne!(first, second);
    }

    #[test]
    fn bytes_pass_unchanged_in_both_directions() {
        let pty = Pty::open().unwrap();
        let user = Fd::open(pty.path(), libc::O_RDWR | libc::O_NOCTTY | libc::O_NONBLOCK, 0).unwrap();
        let sent = [0x00, 0x03, 0x0a, 0x0d, 0x11, 0x13, 0x7f, 0xff];
        let mut got = [0; 32];
        for (from, to) in [(&user, pty.near()), (pty.near(), &user)] {
            assert_eq!(from.write(&sent), Ok(Some(sent.len())));
            poll(&mut [PollFd::readable(to.raw())], 1000).unwrap();
            assert_eq!(to.read(&mut got), Ok(Some(sent.len())));
            assert_eq!(got[..sent.len()], sent);
        }
        assert_eq!(pty.near().read(&mut got), Ok(None), "nothing is echoed");
    }

    #[test]
    fn the_line_outlives_its_user_and_a_reset_empties_it() {
        let pty = Pty::open().unwrap();
        drop(Fd::open(pty.path(), libc::O_RDWR | libc::O_NOCTTY, 0).unwrap());
        let mut got = [0; 8];
        assert_eq!(pty.near().read(&mut got), Ok(None), "no hang-up");
        assert_eq!(pty.near().write(b"stale"), Ok(Some(5)));
        pty.reset().unwrap();
        let user = Fd::open(pty.path(), libc::O_RDWR | libc::O_NOCTTY | libc::O_NONBLOCK, 0).unwrap();
        assert_eq!(user.read(&mut got), Ok(None));
    }
}
