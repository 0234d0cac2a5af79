//! The raw socket for ICMP echo.

use super::sockaddr::{from_raw, receive_raw, send_to_raw, set_option, socket, to_raw};
use super::{Fd, Result};
use core::net::{Ipv4Addr, SocketAddrV4};

/// `SOL_RAW` and `ICMP_FILTER` of the kernel.
const SOL_RAW: i32 = 255;
const ICMP_FILTER: i32 = 1;

/// A socket that receives ICMP echo replies and nothing else. Needs root.
///
/// # Errors
/// As `socket(2)`: `EPERM` without root.
pub fn open() -> Result<Fd> {
    let fd = socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP)?;
    // Bit n set: type n is not wanted. Only type 0, the echo reply, is.
    let unwanted: u32 = !1;
    set_option(&fd, SOL_RAW, ICMP_FILTER, &unwanted)?;
    Ok(fd)
}

/// Send one ICMP message (the kernel puts the IP header in front). `None`: no room now.
///
/// # Errors
/// As `sendto(2)`.
pub fn send(fd: &Fd, message: &[u8], to: Ipv4Addr) -> Result<Option<usize>> {
    send_to_raw(fd, message, &to_raw(SocketAddrV4::new(to, 0)))
}

/// Receive one packet, IP header included, with its sender. `None`: nothing there.
///
/// # Errors
/// As `recvfrom(2)`.
pub fn receive(fd: &Fd, buf: &mut [u8]) -> Result<Option<(usize, Ipv4Addr)>> {
    let mut from = to_raw(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));
    Ok(receive_raw(fd, buf, &mut from)?.map(|n| (n, *from_raw(&from).ip())))
}
