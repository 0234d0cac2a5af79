//! A serial port of the test machine: raw, 8N1, never waiting.

use nix::fcntl::{Flock, FlockArg, OFlag, open};
use nix::sys::stat::Mode;
use nix::sys::termios::{
    BaudRate, ControlFlags, FlushArg, SetArg, cfmakeraw, cfsetspeed, tcflush, tcgetattr, tcsetattr,
};
use std::fs::File;
use std::io;
use std::path::Path;

/// Opens `device` at `baud` and locks it, as the daemon and `hbd linktest` do.
///
/// # Errors
/// It is not there, no serial device, in use, or not a speed.
pub(super) fn open_port(device: &Path, baud: u32) -> io::Result<Flock<File>> {
    let told = |e: io::Error| io::Error::other(format!("{}: {e}", device.display()));
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let fd = open(device, flags, Mode::empty()).map_err(|e| told(e.into()))?;
    let port = Flock::lock(File::from(fd), FlockArg::LockExclusiveNonblock)
        .map_err(|_| told(io::Error::other("in use by another program")))?;
    let mut settings = tcgetattr(&*port)?;
    cfmakeraw(&mut settings);
    settings.control_flags |= ControlFlags::CLOCAL | ControlFlags::CREAD;
    settings.control_flags &= !(ControlFlags::HUPCL | ControlFlags::CRTSCTS);
    cfsetspeed(&mut settings, speed(baud).ok_or_else(|| told(io::Error::other("not a speed")))?)?;
    tcsetattr(&*port, SetArg::TCSANOW, &settings)?;
    tcflush(&*port, FlushArg::TCIOFLUSH)?;
    Ok(port)
}

fn speed(baud: u32) -> Option<BaudRate> {
    Some(match baud {
        1200 => BaudRate::B1200,
        2400 => BaudRate::B2400,
        4800 => BaudRate::B4800,
        9600 => BaudRate::B9600,
        19_200 => BaudRate::B19200,
        38_400 => BaudRate::B38400,
        57_600 => BaudRate::B57600,
        115_200 => BaudRate::B115200,
        230_400 => BaudRate::B230400,
        _ => return None,
    })
}
