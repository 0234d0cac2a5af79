//! A serial port that never waits.

use crate::sys::{Errno, Fd, Result, tty};
use core::ffi::CStr;
use std::os::fd::RawFd;

/// An open line.
#[derive(Debug)]
pub struct SerialPort {
    fd: Fd,
}

impl SerialPort {
    /// Open `device`: raw, 8N1, see [`tty::open`].
    ///
    /// # Errors
    /// As [`tty::open`].
    pub fn open(device: &CStr, baud: u32, rtscts: bool) -> Result<Self> {
        Ok(Self { fd: tty::open(device, baud, rtscts)? })
    }

    /// For `poll`.
    #[must_use]
    pub fn raw(&self) -> RawFd {
        self.fd.raw()
    }

    /// The descriptor, for [`tty`]'s queries.
    #[must_use]
    pub fn fd(&self) -> &Fd {
        &self.fd
    }

    /// What is there. `None`: nothing now.
    ///
    /// # Errors
    /// The device failed; `EIO` also when it was hung up.
    pub fn try_read(&self, buf: &mut [u8]) -> Result<Option<usize>> {
        match self.fd.read(buf) {
            Ok(Some(0)) if !buf.is_empty() => Err(Errno::IO),
            other => other,
        }
    }

    /// Write a beginning of `bytes`. `None`: no room now.
    ///
    /// # Errors
    /// The device failed.
    pub fn try_write(&self, bytes: &[u8]) -> Result<Option<usize>> {
        Ok(self.fd.write(bytes)?.filter(|&n| n > 0 || bytes.is_empty()))
    }
}

impl From<Fd> for SerialPort {
    /// Of a line that [`tty::open`] gave.
    fn from(fd: Fd) -> Self {
        Self { fd }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::poll::{PollFd, poll};
    use crate::sys::pty;

    #[test]
    fn bytes_go_both_ways_and_nothing_waits() {
        let (master, name) = pty::open().unwrap();
        let port = SerialPort::open(&name, 19200, false).unwrap();
        let mut buf = [0; 8];
        assert_eq!(port.try_read(&mut buf), Ok(None));
        assert_eq!(port.try_write(b"beat"), Ok(Some(4)));
        poll(&mut [PollFd::readable(master.raw())], 2000).unwrap();
        assert_eq!(master.read(&mut buf), Ok(Some(4)));
        master.write(b"echo").unwrap();
        poll(&mut [PollFd::readable(port.raw())], 2000).unwrap();
        assert_eq!(port.try_read(&mut buf), Ok(Some(4)));
        assert_eq!(&buf[..4], b"echo");
        drop(master);
        assert_eq!(port.try_read(&mut buf), Err(Errno::IO));
    }
}
