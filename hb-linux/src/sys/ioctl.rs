//! `ioctl(2)`. nix's macros make unsafe functions of requests; here a request carries the type that the kernel reads and
//! writes, and there are none but these.

use super::errno::check;
use super::{Fd, Result};
use core::ffi::c_int;
use core::marker::PhantomData;

/// A number for `ioctl`, and what the kernel reads from and writes to: integers, so any bytes are valid.
pub(super) struct Request<T> {
    code: u32,
    of: PhantomData<T>,
}

impl<T> Request<T> {
    const fn new(code: u32) -> Self {
        Self { code, of: PhantomData }
    }
}

/// Modem lines: `TIOCM_*`.
pub(super) const TIOCMGET: Request<c_int> = Request::new(0x5415);
pub(super) const TIOCMSET: Request<c_int> = Request::new(0x5418);
/// Bytes that wait to be sent.
pub(super) const TIOCOUTQ: Request<c_int> = Request::new(0x5411);
/// `struct serial_icounter_struct`: cts dsr rng dcd rx tx frame overrun parity brk buf_overrun reserved\[9\].
pub(super) const TIOCGICOUNT: Request<[c_int; 20]> = Request::new(0x545d);
/// Lifts `TIOCEXCL`; the value is not looked at.
pub(super) const TIOCNXCL: Request<c_int> = Request::new(0x540d);
/// Unlocks the other end of a pty, and tells its number.
pub(super) const TIOCSPTLCK: Request<c_int> = Request::new(0x4004_5431);
pub(super) const TIOCGPTN: Request<c_int> = Request::new(0x8004_5430);

/// `struct watchdog_info`: options and firmware, then the identity.
pub(super) const WDIOC_GETSUPPORT: Request<[[u8; 4]; 10]> = Request::new(0x8028_5700);
pub(super) const WDIOC_GETBOOTSTATUS: Request<c_int> = Request::new(0x8004_5702);
pub(super) const WDIOC_KEEPALIVE: Request<c_int> = Request::new(0x8004_5705);
pub(super) const WDIOC_SETTIMEOUT: Request<c_int> = Request::new(0xc004_5706);
pub(super) const WDIOC_GETTIMEOUT: Request<c_int> = Request::new(0x8004_5707);

/// `struct ifreq`: an interface's name, and what is asked of it.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Interface {
    pub(super) name: [u8; libc::IFNAMSIZ],
    data: [u8; size_of::<libc::ifreq>() - libc::IFNAMSIZ],
}

pub(super) const SIOCGIFNAME: Request<Interface> = Request::new(0x8910);
pub(super) const SIOCGIFFLAGS: Request<Interface> = Request::new(0x8913);
pub(super) const SIOCGIFADDR: Request<Interface> = Request::new(0x8915);
pub(super) const SIOCGIFBRDADDR: Request<Interface> = Request::new(0x8919);
pub(super) const SIOCGIFNETMASK: Request<Interface> = Request::new(0x891b);
pub(super) const SIOCGIFHWADDR: Request<Interface> = Request::new(0x8927);
pub(super) const SIOCGIFINDEX: Request<Interface> = Request::new(0x8933);
const SIOCGIFCONF: u32 = 0x8912;

impl Interface {
    /// By its name, with a number for what is asked by number.
    pub(super) fn new(name: [u8; libc::IFNAMSIZ], index: c_int) -> Self {
        let mut new = Self { name, data: [0; size_of::<libc::ifreq>() - libc::IFNAMSIZ] };
        new.data.iter_mut().zip(index.to_ne_bytes()).for_each(|(to, from)| *to = from);
        new
    }

    /// `N` bytes of the answer.
    pub(super) fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        self.data.get(at..).and_then(|data| data.first_chunk()).copied().unwrap_or([0; N])
    }
}

/// Ask: `value` is what the kernel reads, then what it wrote.
pub(super) fn ioctl<T>(fd: &Fd, request: &Request<T>, value: &mut T) -> Result<()> {
    // SAFETY: of the requests above each one reads and writes its own type at most.
    check(unsafe { libc::ioctl(fd.raw(), request.code as libc::Ioctl, core::ptr::from_mut(value)) })?;
    Ok(())
}

/// Every interface or alias with its address (`SIOCGIFCONF`), as far as there is room; answers how many.
pub(super) fn configured(fd: &Fd, list: &mut [Interface]) -> Result<usize> {
    /// `struct ifconf`.
    #[repr(C)]
    struct List {
        len: c_int,
        first: *mut Interface,
    }
    let len = c_int::try_from(size_of_val(list)).unwrap_or(0);
    let mut list = List { len, first: list.as_mut_ptr() };
    // SAFETY: it writes at most `len` bytes to the list, and the length back.
    check(unsafe { libc::ioctl(fd.raw(), SIOCGIFCONF as libc::Ioctl, &raw mut list) })?;
    Ok(usize::try_from(list.len).unwrap_or(0) / size_of::<Interface>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requests_have_the_numbers_that_the_c_library_knows() {
        for (ours, theirs) in [
            (TIOCMGET.code, libc::TIOCMGET as u32),
            (TIOCMSET.code, libc::TIOCMSET as u32),
            (TIOCOUTQ.code, libc::TIOCOUTQ as u32),
            (TIOCNXCL.code, libc::TIOCNXCL as u32),
            (TIOCSPTLCK.code, libc::TIOCSPTLCK as u32),
            (TIOCGPTN.code, libc::TIOCGPTN as u32),
        ] {
            assert_eq!(ours, theirs);
        }
        assert_eq!(size_of::<Interface>(), size_of::<libc::ifreq>());
    }
}
