//! The requests of `/dev/watchdog`.

use super::errno::check;
use super::{Fd, Result};
use core::ffi::c_int;

/// `_IOR('W', number, size)` and `_IOWR`, as on every architecture that is not mips, powerpc, sparc or alpha.
const fn ior(number: u32, size: u32) -> u32 {
    (2 << 30) | (size << 16) | ((b'W' as u32) << 8) | number
}
const fn iowr(number: u32, size: u32) -> u32 {
    (3 << 30) | (size << 16) | ((b'W' as u32) << 8) | number
}

const GET_SUPPORT: u32 = ior(0, 40);
const GET_BOOT_STATUS: u32 = ior(2, 4);
const KEEP_ALIVE: u32 = ior(5, 4);
const SET_TIMEOUT: u32 = iowr(6, 4);
const GET_TIMEOUT: u32 = ior(7, 4);

/// `struct watchdog_info`.
#[repr(C)]
struct RawInfo {
    options: u32,
    firmware: u32,
    identity: [u8; 32],
}

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

fn request(fd: &Fd, code: u32, value: c_int) -> Result<c_int> {
    let mut value = value;
    // SAFETY: the requests used with this read and write one int.
    check(unsafe { libc::ioctl(fd.raw(), code as libc::Ioctl, &raw mut value) })?;
    Ok(value)
}

/// Ask the driver what it is.
///
/// # Errors
/// `ENOTTY`: not a watchdog.
pub fn info(fd: &Fd) -> Result<Info> {
    let mut raw = RawInfo { options: 0, firmware: 0, identity: [0; 32] };
    // SAFETY: WDIOC_GETSUPPORT writes one watchdog_info of 40 bytes.
    check(unsafe { libc::ioctl(fd.raw(), GET_SUPPORT as libc::Ioctl, &raw mut raw) })?;
    let mut identity = heapless::String::new();
    for &byte in raw.identity.iter().take_while(|&&b| b != 0) {
        let _ = identity.push(if byte.is_ascii_graphic() || byte == b' ' { byte as char } else { '?' });
    }
    Ok(Info { options: raw.options, firmware: raw.firmware, identity })
}

/// Ask for a timeout in seconds; answers what the driver took.
///
/// # Errors
/// `ENOTTY`: cannot be set. `EINVAL`: out of the driver's range.
pub fn set_timeout(fd: &Fd, secs: i32) -> Result<i32> {
    request(fd, SET_TIMEOUT, secs)
}

/// The timeout in seconds.
///
/// # Errors
/// `ENOTTY`: the driver does not say.
pub fn timeout(fd: &Fd) -> Result<i32> {
    request(fd, GET_TIMEOUT, 0)
}

/// Why the machine started last, as `WDIOF_*` bits.
///
/// # Errors
/// `ENOTTY`: the driver does not say.
pub fn boot_status(fd: &Fd) -> Result<u32> {
    request(fd, GET_BOOT_STATUS, 0).map(i32::cast_unsigned)
}

/// Feed it.
///
/// # Errors
/// `ENOTTY`: this driver is fed by writing.
pub fn keep_alive(fd: &Fd) -> Result<()> {
    request(fd, KEEP_ALIVE, 0).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Errno;

    #[test]
    fn the_requests_have_their_published_numbers() {
        assert_eq!(GET_SUPPORT, 0x8028_5700);
        assert_eq!(GET_BOOT_STATUS, 0x8004_5702);
        assert_eq!(KEEP_ALIVE, 0x8004_5705);
        assert_eq!(SET_TIMEOUT, 0xc004_5706);
        assert_eq!(GET_TIMEOUT, 0x8004_5707);
        assert_eq!(size_of::<RawInfo>(), 40);
    }

    #[test]
    fn another_device_is_no_watchdog() {
        let fd = Fd::open(c"/dev/null", libc::O_WRONLY, 0).unwrap();
        assert_eq!(info(&fd).unwrap_err(), Errno::NOT_TTY);
        assert!(keep_alive(&fd).is_err());
    }
}
