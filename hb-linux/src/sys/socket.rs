//! What every socket shares.

use super::errno::transfer;
use super::{Errno, Fd, Result};
use core::net::SocketAddrV4;
use nix::sys::socket::{
    self, AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, SockaddrLike,
};

/// Callers that may wait to be taken.
const BACKLOG: i32 = 128;

/// A new socket, close-on-exec and not waiting.
pub(super) fn open(family: AddressFamily, kind: SockType, protocol: Option<SockProtocol>) -> Result<Fd> {
    let fd = Fd::adopt(socket::socket(family, kind, SockFlag::empty(), protocol)?)?;
    fd.set_nonblocking(true)?;
    Ok(fd)
}

/// Give it an address.
pub(super) fn bind(fd: &Fd, address: &dyn SockaddrLike) -> Result<()> {
    Ok(socket::bind(fd.raw(), address)?)
}

/// Call an address.
pub(super) fn connect(fd: &Fd, address: &dyn SockaddrLike) -> Result<()> {
    Ok(socket::connect(fd.raw(), address)?)
}

/// Take callers from now on.
pub(super) fn listen(fd: &Fd) -> Result<()> {
    Ok(socket::listen(fd, socket::Backlog::new(BACKLOG)?)?)
}

/// Send one datagram; `None` is "no room now".
pub(super) fn send_to(fd: &Fd, bytes: &[u8], to: SocketAddrV4) -> Result<Option<usize>> {
    let to = SockaddrIn::from(to);
    transfer(|| socket::sendto(fd.raw(), bytes, &to, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL))
}

/// Take a caller, not waiting on it either. `None`: nobody there.
///
/// # Errors
/// As `accept(2)`; a caller that is gone again is "nobody".
pub fn accept(listener: &Fd) -> Result<Option<Fd>> {
    match socket::accept(listener.raw()).map_err(Errno::from) {
        Ok(raw) => {
            let fd = Fd::adopt_raw(raw)?;
            fd.set_nonblocking(true)?;
            Ok(Some(fd))
        }
        Err(Errno::AGAIN | Errno::INTR | Errno(libc::ECONNABORTED)) => Ok(None),
        Err(other) => Err(other),
    }
}

/// The IPv4 address that a socket is bound to.
pub(super) fn own_address(fd: &Fd) -> Result<SocketAddrV4> {
    Ok(socket::getsockname::<SockaddrIn>(fd.raw())?.into())
}
