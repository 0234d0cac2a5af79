//! UDP sockets over IPv4.

use super::iface::IfName;
pub use super::sockaddr::Received;
use super::sockaddr::receive_with_target;
use super::sockaddr::{bind_raw, connect_raw, in_addr, len_of, own_address, set_option, socket};
use super::sockaddr::{send_to_raw, to_raw};
use super::{Fd, Result};
use core::ffi::c_int;
use core::net::{Ipv4Addr, SocketAddrV4};

/// A new socket: not waiting, several may share a port, and marked for low delay.
///
/// # Errors
/// As `socket(2)`.
pub fn open() -> Result<Fd> {
    let fd = socket(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
    let on: c_int = 1;
    set_option(&fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, &on)?;
    // A wish: short queues where the driver has several.
    let low_delay: c_int = 0x10;
    let _ = set_option(&fd, libc::IPPROTO_IP, libc::IP_TOS, &low_delay);
    Ok(fd)
}

/// Allow sending to broadcast addresses.
///
/// # Errors
/// As `setsockopt(2)`.
pub fn allow_broadcast(fd: &Fd) -> Result<()> {
    let on: c_int = 1;
    set_option(fd, libc::SOL_SOCKET, libc::SO_BROADCAST, &on)
}

/// Send and receive on this interface only.
///
/// # Errors
/// `EPERM`: needs root. `ENODEV`: no such interface.
pub fn bind_to_interface(fd: &Fd, name: &IfName) -> Result<()> {
    set_option(fd, libc::SOL_SOCKET, libc::SO_BINDTODEVICE, name.raw())
}

/// Receive what is sent to this address and port.
///
/// # Errors
/// As `bind(2)`: `EACCES` for a port below 1024 without root.
pub fn bind(fd: &Fd, address: SocketAddrV4) -> Result<()> {
    bind_raw(fd, &to_raw(address), len_of::<libc::sockaddr_in>())
}

/// Join `group` on the interface with this index.
///
/// # Errors
/// As `setsockopt(2)`: `ENODEV` without such an interface.
pub fn join(fd: &Fd, group: Ipv4Addr, index: i32) -> Result<()> {
    let request = libc::ip_mreqn {
        imr_multiaddr: in_addr(group),
        imr_address: in_addr(Ipv4Addr::UNSPECIFIED),
        imr_ifindex: index,
    };
    set_option(fd, libc::IPPROTO_IP, libc::IP_ADD_MEMBERSHIP, &request)
}

/// Send multicast through the interface with this index, `ttl` hops far, and to this machine as well if `loopback`.
///
/// # Errors
/// As `setsockopt(2)`.
pub fn set_multicast(fd: &Fd, index: i32, ttl: u8, loopback: bool) -> Result<()> {
    let request = libc::ip_mreqn {
        imr_multiaddr: in_addr(Ipv4Addr::UNSPECIFIED),
        imr_address: in_addr(Ipv4Addr::UNSPECIFIED),
        imr_ifindex: index,
    };
    set_option(fd, libc::IPPROTO_IP, libc::IP_MULTICAST_IF, &request)?;
    set_option(fd, libc::IPPROTO_IP, libc::IP_MULTICAST_TTL, &c_int::from(ttl))?;
    set_option(fd, libc::IPPROTO_IP, libc::IP_MULTICAST_LOOP, &c_int::from(loopback))
}

/// Have the kernel drop datagrams whose source is `own`, before they wake anybody: the own broadcasts that come back.
///
/// # Errors
/// `ENOPROTOOPT`: a kernel without socket filters.
pub fn ignore_sender(fd: &Fd, own: Ipv4Addr) -> Result<()> {
    // SKF_NET_OFF: offsets from here count from the IP header, whose source address is at 12.
    const NETWORK_HEADER: u32 = (-0x10_0000_i32).cast_unsigned();
    let step = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
    let mut steps = [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, NETWORK_HEADER + 12),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, u32::from(own)),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, 0),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, 0xffff),
    ];
    let program = libc::sock_fprog { len: 4, filter: steps.as_mut_ptr() };
    set_option(fd, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
}

/// Send one datagram. `None`: no room now.
///
/// # Errors
/// As `sendto(2)`.
pub fn send_to(fd: &Fd, bytes: &[u8], to: SocketAddrV4) -> Result<Option<usize>> {
    send_to_raw(fd, bytes, &to_raw(to))
}

/// Have [`receive_from`] say where a datagram was sent to.
///
/// # Errors
/// As `setsockopt(2)`.
pub fn tell_target(fd: &Fd) -> Result<()> {
    let on: c_int = 1;
    set_option(fd, libc::IPPROTO_IP, libc::IP_PKTINFO, &on)
}

/// Receive one datagram with its sender, and with where it was sent to if [`tell_target`] was called. `None`: nothing
/// there. What does not fit `buf` is cut off. One system call.
///
/// # Errors
/// As `recvmsg(2)`; also an error that an earlier datagram met on its way.
pub fn receive_from(fd: &Fd, buf: &mut [u8]) -> Result<Option<Received>> {
    receive_with_target(fd, buf)
}

/// The own address that packets to `target` would leave with: asks the routing table, sends nothing.
///
/// # Errors
/// `ENETUNREACH`: there is no route.
pub fn source_toward(target: Ipv4Addr) -> Result<Ipv4Addr> {
    let fd = socket(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
    connect_raw(&fd, &to_raw(SocketAddrV4::new(target, 9)), len_of::<libc::sockaddr_in>())?;
    Ok(*own_address(&fd)?.ip())
}

/// The address and port that `fd` is bound to.
///
/// # Errors
/// As `getsockname(2)`.
#[cfg(test)]
pub fn local_address(fd: &Fd) -> Result<SocketAddrV4> {
    own_address(fd)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{PollFd, poll::poll};

    fn came(fd: &Fd, buf: &mut [u8]) -> Result<Option<(usize, SocketAddrV4)>> {
        Ok(receive_from(fd, buf)?.map(|came| (came.len, came.from)))
    }

    fn any_port(ip: Ipv4Addr) -> (Fd, SocketAddrV4) {
        let fd = open().unwrap();
        bind(&fd, SocketAddrV4::new(ip, 0)).unwrap();
        let address = local_address(&fd).unwrap();
        (fd, address)
    }

    #[test]
    fn a_datagram_arrives_whole_with_its_sender() {
        let (a, from) = any_port(Ipv4Addr::LOCALHOST);
        let (b, to) = any_port(Ipv4Addr::LOCALHOST);
        let mut buf = [0; 16];
        assert_eq!(came(&b, &mut buf), Ok(None));
        assert_eq!(send_to(&a, b"one", to), Ok(Some(3)));
        assert_eq!(send_to(&a, b"", to), Ok(Some(0)));
        let mut fds = [PollFd::readable(b.raw())];
        assert_eq!(poll(&mut fds, 2000), Ok(1));
        assert_eq!(came(&b, &mut buf), Ok(Some((3, from))));
        assert_eq!(came(&b, &mut buf), Ok(Some((0, from))));
        assert_eq!(came(&b, &mut buf), Ok(None));
    }

    #[test]
    fn the_target_of_a_datagram_is_told() {
        let (a, from) = any_port(Ipv4Addr::LOCALHOST);
        let (b, to) = any_port(Ipv4Addr::UNSPECIFIED);
        let other = Ipv4Addr::new(127, 0, 0, 9);
        let mut buf = [0; 16];
        let mut take = |target: Ipv4Addr| {
            send_to(&a, b"x", SocketAddrV4::new(target, to.port())).unwrap();
            poll(&mut [PollFd::readable(b.raw())], 2000).unwrap();
            receive_from(&b, &mut buf).unwrap().unwrap()
        };
        assert_eq!(take(other), Received { len: 1, from, to: None });
        tell_target(&b).unwrap();
        assert_eq!(take(other), Received { len: 1, from, to: Some((other, other)) });
        allow_broadcast(&a).unwrap();
        let all = Ipv4Addr::new(127, 255, 255, 255);
        let (target, own) = take(all).to.unwrap();
        assert_eq!((target, own == all), (all, false));
        assert_eq!(receive_from(&b, &mut [0; 16]), Ok(None));
    }

    #[test]
    fn own_datagrams_can_be_ignored_and_others_not() {
        let (a, _) = any_port(Ipv4Addr::LOCALHOST);
        let (b, to) = any_port(Ipv4Addr::LOCALHOST);
        ignore_sender(&b, Ipv4Addr::LOCALHOST).unwrap();
        let (c, from) = any_port(Ipv4Addr::new(127, 0, 0, 2));
        send_to(&a, b"own", to).unwrap();
        send_to(&c, b"other", to).unwrap();
        let mut buf = [0; 16];
        poll(&mut [PollFd::readable(b.raw())], 2000).unwrap();
        assert_eq!(came(&b, &mut buf), Ok(Some((5, from))));
        assert_eq!(came(&b, &mut buf), Ok(None));
    }

    #[test]
    fn the_routing_table_answers_for_the_loopback() {
        assert_eq!(source_toward(Ipv4Addr::LOCALHOST), Ok(Ipv4Addr::LOCALHOST));
    }
}
