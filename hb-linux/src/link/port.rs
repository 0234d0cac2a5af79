//! A serial port behind embedded-io's traits: so the bridge library runs on a host's line as on a microcontroller's.

use crate::sys::poll::{PollFd, poll};
use crate::sys::{Errno, Fd, Result, tty};
use core::ffi::CStr;
use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};
use std::os::fd::RawFd;

/// An open line. Its own methods never wait; embedded-io's `read`, `write` and `flush` do, as that crate defines them,
/// so a loop asks `read_ready` and `write_ready` first.
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

    fn wait(&self, write: bool, timeout_ms: i32) -> Result<PollFd> {
        let mut fds = [PollFd::new(self.fd.raw(), write)];
        poll(&mut fds, timeout_ms)?;
        Ok(fds[0])
    }
}

impl From<Fd> for SerialPort {
    /// Of a line that [`tty::open`] gave.
    fn from(fd: Fd) -> Self {
        Self { fd }
    }
}

impl ErrorType for SerialPort {
    type Error = Errno;
}

impl Read for SerialPort {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        loop {
            if let Some(n) = self.try_read(buf)? {
                return Ok(n);
            }
            self.wait(false, -1)?;
        }
    }
}

impl ReadReady for SerialPort {
    fn read_ready(&mut self) -> Result<bool> {
        Ok(self.wait(false, 0)?.can_read())
    }
}

impl Write for SerialPort {
    fn write(&mut self, buf: &[u8]) -> Result<usize> {
        loop {
            if let Some(n) = self.try_write(buf)? {
                return Ok(n);
            }
            self.wait(true, -1)?;
        }
    }

    fn flush(&mut self) -> Result<()> {
        tty::drain(&self.fd)
    }
}

impl WriteReady for SerialPort {
    fn write_ready(&mut self) -> Result<bool> {
        Ok(self.wait(true, 0)?.can_write())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::pty;

    #[test]
    fn the_traits_carry_bytes_both_ways() {
        let (master, name) = pty::open().unwrap();
        let mut port = SerialPort::open(&name, 19200, false).unwrap();
        assert_eq!(port.read_ready(), Ok(false));
        assert_eq!(port.write_ready(), Ok(true));
        port.write_all(b"beat").unwrap();
        let mut buf = [0; 8];
        poll(&mut [PollFd::readable(master.raw())], 2000).unwrap();
        assert_eq!(master.read(&mut buf), Ok(Some(4)));
        port.flush().unwrap();
        master.write(b"echo").unwrap();
        assert_eq!(port.read(&mut buf), Ok(4));
        assert_eq!(&buf[..4], b"echo");
        drop(master);
        assert_eq!(port.read_ready(), Ok(true));
        assert_eq!(port.read(&mut buf), Err(Errno::IO));
    }
}
