//! Serial lines: raw, 8N1, never waiting, three wires enough.

use super::ioctl::{TIOCGICOUNT, TIOCOUTQ, ioctl};
use super::{Errno, Fd, Result, modem};
use core::ffi::{CStr, c_int};
use nix::sys::termios::{
    BaudRate, ControlFlags, FlushArg, InputFlags, LocalFlags, SetArg, Termios, cfmakeraw, cfsetspeed,
    tcdrain, tcflush, tcgetattr, tcsetattr,
};
#[cfg(feature = "monitor")]
use std::io::stdin;

/// Speeds that a line may have, in bit/s.
pub const BAUDS: [u32; 12] =
    [1200, 2400, 4800, 9600, 19200, 38400, 57600, 115_200, 230_400, 460_800, 500_000, 921_600];

/// The kernel's code for a speed.
fn speed(baud: u32) -> Option<BaudRate> {
    Some(match baud {
        1200 => BaudRate::B1200,
        2400 => BaudRate::B2400,
        4800 => BaudRate::B4800,
        9600 => BaudRate::B9600,
        19200 => BaudRate::B19200,
        38400 => BaudRate::B38400,
        57600 => BaudRate::B57600,
        115_200 => BaudRate::B115200,
        230_400 => BaudRate::B230400,
        460_800 => BaudRate::B460800,
        500_000 => BaudRate::B500000,
        921_600 => BaudRate::B921600,
        _ => return None,
    })
}

/// Open a serial line (or a pty) at `baud`, raw with 8 data bits, no parity, one stop bit. Modem lines are ignored, a
/// close does not drop them, breaks are ignored; `rtscts` asks for hardware flow control. What was queued is thrown
/// away. Opening waits for nothing. The device is locked (`flock`) before anything of it is changed.
///
/// # Errors
/// As `open(2)`; `EBUSY`: another program that asks for the lock has the line; `ENOTTY`: the file is no terminal;
/// `EINVAL`: not a speed of [`BAUDS`], or the driver took other settings than these.
pub fn open(device: &CStr, baud: u32, rtscts: bool) -> Result<Fd> {
    let speed = speed(baud).ok_or(Errno::INVALID)?;
    let fd = Fd::open(device, libc::O_RDWR | libc::O_NOCTTY | libc::O_NONBLOCK, 0)?;
    let mut wanted = tcgetattr(&fd)?;
    // A file system without locks is no reason to be without a line.
    if fd.try_lock() == Ok(false) {
        return Err(Errno::BUSY);
    }
    cfmakeraw(&mut wanted);
    wanted.input_flags.insert(InputFlags::IGNBRK);
    wanted.input_flags.remove(InputFlags::IXON | InputFlags::IXOFF | InputFlags::INPCK);
    let control = &mut wanted.control_flags;
    control.insert(ControlFlags::CS8 | ControlFlags::CLOCAL | ControlFlags::CREAD);
    control.remove(ControlFlags::HUPCL | ControlFlags::CRTSCTS | ControlFlags::CSTOPB | ControlFlags::PARENB);
    control.set(ControlFlags::CRTSCTS, rtscts);
    // One byte ends a read: so "nothing there" (EAGAIN) and "hung up" (0) differ.
    wanted.control_chars[libc::VMIN] = 1;
    wanted.control_chars[libc::VTIME] = 0;
    apply(&fd, wanted, speed)?;
    discard(&fd)?;
    Ok(fd)
}

/// Give an open line another speed, at once: what is still queued goes out at the new one.
///
/// # Errors
/// `EINVAL`: not a speed of [`BAUDS`], or the driver kept another one.
pub fn set_speed(fd: &Fd, baud: u32) -> Result<()> {
    apply(fd, tcgetattr(fd)?, speed(baud).ok_or(Errno::INVALID)?)
}

fn apply(fd: &Fd, mut wanted: Termios, speed: BaudRate) -> Result<()> {
    cfsetspeed(&mut wanted, speed)?;
    tcsetattr(fd, SetArg::TCSANOW, &wanted)?;
    let got = tcgetattr(fd)?;
    // tcsetattr succeeds if it could do anything at all. A pty forces some control bits, so only the speed and what
    // changes bytes are compared.
    let bits = |modes: &Termios| modes.control_flags & (ControlFlags::CBAUD | ControlFlags::CBAUDEX);
    if bits(&got) != bits(&wanted) || got.local_flags.contains(LocalFlags::ICANON) {
        return Err(Errno::INVALID);
    }
    Ok(())
}

/// Throw away what is queued in both directions.
///
/// # Errors
/// As `tcflush(3)`.
pub fn discard(fd: &Fd) -> Result<()> {
    Ok(tcflush(fd, FlushArg::TCIOFLUSH)?)
}

/// Wait until everything written has left the machine.
///
/// # Errors
/// As `tcdrain(3)`.
pub fn drain(fd: &Fd) -> Result<()> {
    Ok(tcdrain(fd)?)
}

/// Bytes that were written and have not left the machine.
///
/// # Errors
/// `ENOTTY`: the driver does not say.
pub fn output_queued(fd: &Fd) -> Result<usize> {
    let mut count = 0;
    ioctl(fd, &TIOCOUTQ, &mut count)?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// What the driver counted on a line since the machine started.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LineErrors {
    /// Bytes with a bad stop bit: wrong speed, or noise.
    pub frame: u32,
    /// Bytes that the hardware lost because nobody fetched them in time.
    pub overrun: u32,
    /// Bytes with bad parity.
    pub parity: u32,
    /// Breaks.
    pub breaks: u32,
    /// Bytes that the terminal layer's buffer had no room for.
    pub buffer_overrun: u32,
}

/// Read the line's error counters.
///
/// # Errors
/// `ENOTTY` or `EINVAL`: a device without them, such as a pty.
pub fn line_errors(fd: &Fd) -> Result<LineErrors> {
    let mut counters = [0; 20];
    ioctl(fd, &TIOCGICOUNT, &mut counters)?;
    let [.., frame, overrun, parity, breaks, buffer_overrun, _, _, _, _, _, _, _, _, _] =
        counters.map(|n| u32::try_from(n).unwrap_or(0));
    Ok(LineErrors { frame, overrun, parity, breaks, buffer_overrun })
}

/// The modem lines of a port, as the kernel reports them: `TIOCM_*` bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ModemLines(c_int);

impl ModemLines {
    /// The names of those that are on, each with a blank in front.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        const NAMES: [(c_int, &str); 5] = [
            (libc::TIOCM_DTR, " DTR (ours)"),
            (libc::TIOCM_RTS, " RTS (ours)"),
            (libc::TIOCM_CTS, " CTS"),
            (libc::TIOCM_DSR, " DSR"),
            (libc::TIOCM_CAR, " DCD"),
        ];
        NAMES.iter().filter(move |(bit, _)| self.0 & bit != 0).map(|(_, name)| *name)
    }

    /// Does the other end, or a bridge in the plug, drive one of ours?
    #[must_use]
    pub const fn sees_peer(self) -> bool {
        self.0 & (libc::TIOCM_CTS | libc::TIOCM_DSR | libc::TIOCM_CAR) != 0
    }
}

/// Read the modem lines.
///
/// # Errors
/// `ENOTTY` or `EINVAL`: a device without them, such as a pty.
pub fn modem_lines(fd: &Fd) -> Result<ModemLines> {
    modem::lines(fd).map(ModemLines)
}

/// Standard input as keys: each comes as it is pressed, and is not shown. As before when this goes.
#[cfg(feature = "monitor")]
#[derive(Debug)]
pub struct Keyboard(Termios);

#[cfg(feature = "monitor")]
impl Keyboard {
    /// Standard input.
    pub const FD: std::os::fd::RawFd = 0;

    /// From now on.
    ///
    /// # Errors
    /// `ENOTTY`: it is no terminal.
    pub fn open() -> Result<Self> {
        let before = tcgetattr(stdin())?;
        let mut wanted = before.clone();
        wanted.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
        (wanted.control_chars[libc::VMIN], wanted.control_chars[libc::VTIME]) = (1, 0);
        tcsetattr(stdin(), SetArg::TCSANOW, &wanted)?;
        Ok(Self(before))
    }

    /// The key that waits. Only when there is one, else it is waited for; `None`: the terminal is gone.
    #[must_use]
    pub fn key(&self) -> Option<u8> {
        let mut byte = [0];
        (nix::unistd::read(stdin(), &mut byte) == Ok(1)).then_some(byte[0])
    }

    /// Forget what was typed ahead.
    pub fn drain(&self) {
        let _ = tcflush(stdin(), FlushArg::TCIFLUSH);
    }
}

#[cfg(feature = "monitor")]
impl Drop for Keyboard {
    fn drop(&mut self) {
        let _ = tcsetattr(stdin(), SetArg::TCSANOW, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{PollFd, poll::poll, pty};

    #[test]
    fn a_raw_line_carries_every_byte_unchanged() {
        let (master, name) = pty::open().unwrap();
        let slave = open(&name, 19200, false).unwrap();
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(slave.write(&all), Ok(Some(256)));
        let mut got = Vec::new();
        let mut buf = [0; 300];
        while got.len() < 256 {
            let mut fds = [PollFd::readable(master.raw())];
            assert_eq!(poll(&mut fds, 2000), Ok(1));
            let n = master.read(&mut buf).unwrap().unwrap();
            got.extend_from_slice(&buf[..n]);
        }
        assert_eq!(got, all);
        master.write(&[3, 4, 10, 13, 17, 19, 26]).unwrap();
        let mut fds = [PollFd::readable(slave.raw())];
        assert_eq!(poll(&mut fds, 2000), Ok(1));
        assert_eq!(slave.read(&mut buf), Ok(Some(7)));
        assert_eq!(buf[..7], [3, 4, 10, 13, 17, 19, 26]);
        assert_eq!(slave.read(&mut buf), Ok(None));
        drop(master);
        assert!(!matches!(slave.read(&mut buf), Ok(None | Some(1..))));
    }

    #[test]
    fn what_is_no_line_is_refused() {
        assert_eq!(open(c"/dev/null", 9600, false).unwrap_err(), Errno::NOT_TTY);
        assert_eq!(open(c"/nonexistent/tty", 9600, false).unwrap_err(), Errno::NO_ENTRY);
        let (_master, name) = pty::open().unwrap();
        assert_eq!(open(&name, 1234, false).unwrap_err(), Errno::INVALID);
    }

    #[test]
    fn every_listed_speed_can_be_set() {
        let (_master, name) = pty::open().unwrap();
        for baud in BAUDS {
            let fd = open(&name, baud, true).unwrap();
            assert_eq!(output_queued(&fd), Ok(0));
            assert!(line_errors(&fd).is_err() && modem_lines(&fd).is_err());
            assert_eq!(set_speed(&fd, 9600), Ok(()));
        }
        assert_eq!(open(&name, 0, true).err(), Some(Errno::INVALID));
    }

    #[test]
    fn a_line_in_use_is_refused_and_left_as_it_is() {
        let (_master, name) = pty::open().unwrap();
        let first = open(&name, 19200, false).unwrap();
        assert_eq!(open(&name, 9600, false).unwrap_err(), Errno::BUSY);
        let now = tcgetattr(&first).unwrap();
        assert_eq!(nix::sys::termios::cfgetospeed(&now), BaudRate::B19200);
        drop(first);
        assert!(open(&name, 9600, false).is_ok());
    }
}
