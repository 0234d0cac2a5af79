//! What the kernel tells about interfaces and their addresses without being asked: `rtnetlink(7)`, groups of links and of
//! IPv4 addresses. Not every 2.4 kernel was built with it.

use super::{Fd, Result, socket};
use nix::sys::socket::{AddressFamily, NetlinkAddr, SockProtocol, SockType};

/// `RTMGRP_LINK` and `RTMGRP_IPV4_IFADDR`.
const GROUPS: u32 = 0x1 | 0x10;
/// Messages that are taken from the socket in one go; what is left keeps it readable.
const MAX_READS: usize = 64;

/// A socket that can be read whenever an interface or an IPv4 address of this machine came, changed or went.
///
/// # Errors
/// `EAFNOSUPPORT` or `EPROTONOSUPPORT`: this kernel tells nobody.
pub fn open() -> Result<Fd> {
    let fd = socket::open(AddressFamily::Netlink, SockType::Raw, Some(SockProtocol::NetlinkRoute))?;
    socket::bind(&fd, &NetlinkAddr::new(0, GROUPS))?;
    Ok(fd)
}

/// A socket for requests, which waits for their answers.
///
/// # Errors
/// As [`open`].
pub fn requests() -> Result<Fd> {
    let fd = socket::open(AddressFamily::Netlink, SockType::Raw, Some(SockProtocol::NetlinkRoute))?;
    fd.set_nonblocking(false)?;
    Ok(fd)
}

/// Take what is there; answers whether there was anything. That messages were lost for want of room (`ENOBUFS`) counts
/// too: who is told asks the kernel how things are, and does not go by the messages.
pub fn take(fd: &Fd) -> bool {
    let mut buf = [0; 4096];
    let mut told = false;
    for _ in 0..MAX_READS {
        match fd.read(&mut buf) {
            Ok(None | Some(0)) => break,
            Ok(Some(_)) | Err(_) => told = true,
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_without_root_and_says_nothing_of_itself() {
        let fd = open().unwrap();
        assert!(!take(&fd) || !take(&fd), "a machine whose interfaces never rest");
    }
}
