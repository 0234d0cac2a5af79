//! The requests of `/dev/watchdog`, by way of `ioctl.rs`: nix has no requests of this device.

use super::ioctl::{
    Request, WDIOC_GETBOOTSTATUS, WDIOC_GETSUPPORT, WDIOC_GETTIMEOUT, WDIOC_KEEPALIVE, WDIOC_SETTIMEOUT,
    ioctl,
};
use super::{Fd, Result};

/// What a driver says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Info {
    /// `WDIOF_*` bits.
    pub options: u32,
    /// The driver's or card's firmware version.
    pub firmware: u32,
    /// The driver's name, such as `Software Watchdog`.
    pub identity: heapless::String<32>,
}

impl Info {
    /// Bit of [`Info::options`]: the timeout can be set.
    pub const SET_TIMEOUT: u32 = 0x80;
    /// Bit of [`Info::options`]: a `V` before the close disarms.
    pub const MAGIC_CLOSE: u32 = 0x100;
    /// Bit of [`Info::options`] and of the boot status: the last reset was the card's.
    pub const CARD_RESET: u32 = 0x20;
}

fn request(fd: &Fd, code: &Request<i32>, mut value: i32) -> Result<i32> {
    ioctl(fd, code, &mut value)?;
    Ok(value)
}

/// Ask the driver what it is.
///
/// # Errors
/// `ENOTTY`: not a watchdog.
pub fn info(fd: &Fd) -> Result<Info> {
    let mut raw = [[0; 4]; 10];
    ioctl(fd, &WDIOC_GETSUPPORT, &mut raw)?;
    let [options, firmware, name @ ..] = raw;
    let mut identity = heapless::String::new();
    for &byte in name.as_flattened().iter().take_while(|&&b| b != 0) {
        let _ = identity.push(if byte.is_ascii_graphic() || byte == b' ' { byte as char } else { '?' });
    }
    Ok(Info { options: u32::from_ne_bytes(options), firmware: u32::from_ne_bytes(firmware), identity })
}

/// Ask for a timeout in seconds; answers what the driver took.
///
/// # Errors
/// `ENOTTY`: cannot be set. `EINVAL`: out of the driver's range.
pub fn set_timeout(fd: &Fd, secs: i32) -> Result<i32> {
    request(fd, &WDIOC_SETTIMEOUT, secs)
}

/// The timeout in seconds.
///
/// # Errors
/// `ENOTTY`: the driver does not say.
pub fn timeout(fd: &Fd) -> Result<i32> {
    request(fd, &WDIOC_GETTIMEOUT, 0)
}

/// Why the machine started last, as `WDIOF_*` bits.
///
/// # Errors
/// `ENOTTY`: the driver does not say.
pub fn boot_status(fd: &Fd) -> Result<u32> {
    request(fd, &WDIOC_GETBOOTSTATUS, 0).map(i32::cast_unsigned)
}

/// Feed it.
///
/// # Errors
/// `ENOTTY`: this driver is fed by writing.
pub fn keep_alive(fd: &Fd) -> Result<()> {
    request(fd, &WDIOC_KEEPALIVE, 0).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Errno;

    #[test]
    fn another_device_is_no_watchdog() {
        let fd = Fd::open(c"/dev/null", libc::O_WRONLY, 0).unwrap();
        assert_eq!(info(&fd).unwrap_err(), Errno::NOT_TTY);
        assert!(keep_alive(&fd).is_err());
    }
}
