//! The raw socket for ICMP echo.

use super::errno::transfer;
use super::{Fd, Result, socket};
use core::net::{Ipv4Addr, SocketAddrV4};
use nix::sys::socket::{AddressFamily, SockProtocol, SockType, SockaddrIn, recvfrom, setsockopt};
use nix::{setsockopt_impl, sockopt_impl};

const ICMP_FILTER: i32 = 1;
sockopt_impl!(
    /// Which kinds of message are not wanted: `ICMP_FILTER` of `SOL_RAW`.
    Filter, SetOnly, 255, ICMP_FILTER, u32
);

/// A socket that receives ICMP echo replies and nothing else. Needs root.
///
/// # Errors
/// As `socket(2)`: `EPERM` without root.
pub fn open() -> Result<Fd> {
    let fd = socket::open(AddressFamily::Inet, SockType::Raw, Some(SockProtocol::Icmp))?;
    // Bit n set: type n is not wanted. Only type 0, the echo reply, is.
    setsockopt(&fd, Filter, &!1)?;
    Ok(fd)
}

/// Send one ICMP message (the kernel puts the IP header in front). `None`: no room now.
///
/// # Errors
/// As `sendto(2)`.
pub fn send(fd: &Fd, message: &[u8], to: Ipv4Addr) -> Result<Option<usize>> {
    socket::send_to(fd, message, SocketAddrV4::new(to, 0))
}

/// Receive one packet, IP header included, with its sender. `None`: nothing there.
///
/// # Errors
/// As `recvfrom(2)`.
pub fn receive(fd: &Fd, buf: &mut [u8]) -> Result<Option<(usize, Ipv4Addr)>> {
    let mut from = Ipv4Addr::UNSPECIFIED;
    let read = transfer(|| {
        let (read, sender) = recvfrom::<SockaddrIn>(fd.raw(), buf)?;
        from = sender.map_or(from, |sender| sender.ip());
        Ok(read)
    })?;
    Ok(read.map(|n| (n, from)))
}
