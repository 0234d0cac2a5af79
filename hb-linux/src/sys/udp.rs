//! UDP sockets over IPv4. Options that nix lacks are made by its own macro.

use super::iface::IfName;
use super::message::{Control, receive};
use super::{Fd, Result, socket};
use core::net::{Ipv4Addr, SocketAddrV4};
use nix::sys::socket::sockopt;
use nix::sys::socket::{AddressFamily, SockType, SockaddrIn, setsockopt};
use nix::{setsockopt_impl, sockopt_impl};

sockopt_impl!(
    /// The interface to speak on: nix's own wants its name allocated.
    Interface, SetOnly, libc::SOL_SOCKET, libc::SO_BINDTODEVICE, IfName
);
sockopt_impl!(
    /// A group and the number of the interface to join it on: nix's own has no number.
    Join, SetOnly, libc::IPPROTO_IP, libc::IP_ADD_MEMBERSHIP, libc::ip_mreqn
);
sockopt_impl!(
    /// The number of the interface that multicast leaves by.
    Outgoing, SetOnly, libc::IPPROTO_IP, libc::IP_MULTICAST_IF, libc::ip_mreqn
);
sockopt_impl!(
    /// What looks at a datagram before it wakes anybody.
    Filter, SetOnly, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, libc::sock_fprog
);

/// A new socket: not waiting, several may share a port, and marked for low delay.
///
/// # Errors
/// As `socket(2)`.
pub fn open() -> Result<Fd> {
    let fd = socket::open(AddressFamily::Inet, SockType::Datagram, None)?;
    setsockopt(&fd, sockopt::ReuseAddr, &true)?;
    // A wish: short queues where the driver has several.
    let _ = setsockopt(&fd, sockopt::Ipv4Tos, &0x10);
    Ok(fd)
}

/// Allow sending to broadcast addresses.
///
/// # Errors
/// As `setsockopt(2)`.
pub fn allow_broadcast(fd: &Fd) -> Result<()> {
    Ok(setsockopt(fd, sockopt::Broadcast, &true)?)
}

/// Send and receive on this interface only.
///
/// # Errors
/// `EPERM`: needs root. `ENODEV`: no such interface.
pub fn bind_to_interface(fd: &Fd, name: &IfName) -> Result<()> {
    Ok(setsockopt(fd, Interface, name)?)
}

/// Receive what is sent to this address and port.
///
/// # Errors
/// As `bind(2)`: `EACCES` for a port below 1024 without root.
pub fn bind(fd: &Fd, address: SocketAddrV4) -> Result<()> {
    socket::bind(fd, &SockaddrIn::from(address))
}

/// Join `group` on the interface with this index.
///
/// # Errors
/// As `setsockopt(2)`: `ENODEV` without such an interface.
pub fn join(fd: &Fd, group: Ipv4Addr, index: i32) -> Result<()> {
    Ok(setsockopt(fd, Join, &multicast(group, index))?)
}

fn multicast(group: Ipv4Addr, index: i32) -> libc::ip_mreqn {
    let in_addr = |ip: Ipv4Addr| libc::in_addr { s_addr: u32::from(ip).to_be() };
    let any = in_addr(Ipv4Addr::UNSPECIFIED);
    libc::ip_mreqn { imr_multiaddr: in_addr(group), imr_address: any, imr_ifindex: index }
}

/// Send multicast through the interface with this index, `ttl` hops far, and to this machine as well if `loopback`.
///
/// # Errors
/// As `setsockopt(2)`.
pub fn set_multicast(fd: &Fd, index: i32, ttl: u8, loopback: bool) -> Result<()> {
    setsockopt(fd, Outgoing, &multicast(Ipv4Addr::UNSPECIFIED, index))?;
    setsockopt(fd, sockopt::IpMulticastTtl, &ttl)?;
    Ok(setsockopt(fd, sockopt::IpMulticastLoop, &loopback)?)
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
    Ok(setsockopt(fd, Filter, &program)?)
}

/// Send one datagram. `None`: no room now.
///
/// # Errors
/// As `sendto(2)`.
pub fn send_to(fd: &Fd, bytes: &[u8], to: SocketAddrV4) -> Result<Option<usize>> {
    socket::send_to(fd, bytes, to)
}

/// Have [`receive_from`] say where a datagram was sent to.
///
/// # Errors
/// As `setsockopt(2)`.
pub fn tell_target(fd: &Fd) -> Result<()> {
    Ok(setsockopt(fd, sockopt::Ipv4PacketInfo, &true)?)
}

/// One datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Received {
    /// Its length.
    pub len: usize,
    /// Its sender.
    pub from: SocketAddrV4,
    /// The address that it was sent to, and the own address that stands for that one: the same for a unicast.
    pub to: Option<(Ipv4Addr, Ipv4Addr)>,
}

/// Receive one datagram with its sender, and with where it was sent to if [`tell_target`] was called. `None`: nothing
/// there. What does not fit `buf` is cut off. One system call.
///
/// # Errors
/// As `recvmsg(2)`; also an error that an earlier datagram met on its way.
pub fn receive_from(fd: &Fd, buf: &mut [u8]) -> Result<Option<Received>> {
    let mut from = SockaddrIn::new(0, 0, 0, 0, 0);
    let mut control = Control::new();
    let Some(len) = receive(fd, buf, Some(&mut from), &mut control)? else { return Ok(None) };
    // `struct in_pktinfo`: the interface's number, the own address that stands for the target, the target.
    let info = control.find(libc::IPPROTO_IP, libc::IP_PKTINFO);
    let ip = |at: usize| info?.get(at..)?.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets));
    Ok(Some(Received { len, from: from.into(), to: ip(8).zip(ip(4)) }))
}

/// The own address that packets to `target` would leave with: asks the routing table, sends nothing.
///
/// # Errors
/// `ENETUNREACH`: there is no route.
pub fn source_toward(target: Ipv4Addr) -> Result<Ipv4Addr> {
    let fd = socket::open(AddressFamily::Inet, SockType::Datagram, None)?;
    socket::connect(&fd, &SockaddrIn::from(SocketAddrV4::new(target, 9)))?;
    Ok(*socket::own_address(&fd)?.ip())
}

/// The address and port that `fd` is bound to.
///
/// # Errors
/// As `getsockname(2)`.
#[cfg(test)]
pub fn local_address(fd: &Fd) -> Result<SocketAddrV4> {
    socket::own_address(fd)
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
