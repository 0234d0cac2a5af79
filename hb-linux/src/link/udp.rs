//! Heartbeats on UDP: broadcast, multicast and unicast, each bound to its interface, one frame per datagram.
//!
//! A frame that cannot be sent does not close the link as long as the interface can be used, for it may still receive.
//! An interface that is gone, down or without address closes it; it opens again when the interface is back.

use super::health::Health;
use super::{Incoming, Outgoing};
use crate::sys::iface::{self, IfName};
use crate::sys::{Errno, Fd, Result, udp};
use core::net::{Ipv4Addr, SocketAddrV4};
use hb_core::Instant;
use std::os::fd::RawFd;

/// To whom a link speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cast {
    /// Everybody on the wire.
    Broadcast,
    /// Everybody who joined the group.
    Multicast {
        /// 224.0.0.0 to 239.255.255.255.
        group: Ipv4Addr,
        /// Hops, 0 to 255.
        ttl: u8,
        /// This machine as well.
        loopback: bool,
    },
    /// One address.
    Unicast {
        /// The peer's.
        peer: Ipv4Addr,
    },
}

/// A UDP link that opens itself again.
#[derive(Debug)]
pub struct UdpLink {
    iface: IfName,
    port: u16,
    cast: Cast,
    socket: Option<(Fd, SocketAddrV4)>,
    pub(super) health: Health,
}

impl UdpLink {
    pub(super) fn new(iface: IfName, port: u16, cast: Cast) -> Self {
        Self { iface, port, cast, socket: None, health: Health::default() }
    }

    pub(super) fn name(&self) -> &str {
        self.iface.as_str()
    }

    pub(super) fn medium(&self) -> &'static str {
        match self.cast {
            Cast::Broadcast => "bcast",
            Cast::Multicast { .. } => "mcast",
            Cast::Unicast { .. } => "ucast",
        }
    }

    pub(super) fn fd(&self) -> Option<RawFd> {
        self.socket.as_ref().map(|(fd, _)| fd.raw())
    }

    pub(super) fn deadline(&self) -> Instant {
        self.health.retry_at()
    }

    pub(super) fn service(&mut self, now: Instant) {
        if self.health.is_due(now) {
            let _ = self.try_open(now);
        }
    }

    pub(super) fn try_open(&mut self, now: Instant) -> Result<()> {
        if self.socket.is_some() {
            return Ok(());
        }
        match open(&self.iface, self.port, self.cast) {
            Ok(socket) => {
                self.socket = Some(socket);
                self.health.opened();
                Ok(())
            }
            Err(why) => {
                self.health.failed(now, why);
                Err(why)
            }
        }
    }

    pub(super) fn read(&mut self, now: Instant, buf: &mut [u8]) -> Incoming {
        let Some((fd, _)) = &self.socket else { return Incoming::Empty };
        match udp::receive(fd, buf) {
            Ok(Some((n, _))) => Incoming::Bytes(n),
            Ok(None) => Incoming::Empty,
            // What an earlier datagram met on its way; the socket is as good as before.
            Err(_) if iface::usable(&self.iface).is_ok() => Incoming::Empty,
            Err(why) => {
                self.fail(now, why);
                Incoming::Failed(why)
            }
        }
    }

    pub(super) fn send(&mut self, now: Instant, frame: &[u8]) -> Outgoing {
        let Some((fd, to)) = &self.socket else { return Outgoing::Dropped(Errno::NO_DEVICE) };
        let why = match udp::send_to(fd, frame, *to) {
            Ok(Some(_)) => {
                self.health.sent();
                return Outgoing::Sent;
            }
            Ok(None) => Errno::AGAIN,
            Err(why) => why,
        };
        // A socket bound to an interface that was removed never works again, even if one of that name comes back.
        let lost = matches!(why, Errno::NO_DEVICE | Errno(libc::ENXIO));
        match iface::usable(&self.iface) {
            Ok(()) if !lost => {
                self.health.dropped(why);
                Outgoing::Dropped(why)
            }
            Ok(()) => {
                self.fail(now, why);
                Outgoing::Failed(why)
            }
            Err(state) => {
                self.fail(now, state);
                Outgoing::Failed(state)
            }
        }
    }

    fn fail(&mut self, now: Instant, why: Errno) {
        self.socket = None;
        self.health.failed(now, why);
    }

    pub(super) fn close(&mut self) {
        self.socket = None;
        self.health.retire();
    }
}

/// Make the socket, and say where it sends.
fn open(name: &IfName, port: u16, cast: Cast) -> Result<(Fd, SocketAddrV4)> {
    iface::usable(name)?;
    let fd = udp::open()?;
    match udp::bind_to_interface(&fd, name) {
        // The demo runs without root; what is bound to a loopback address cannot be reached from outside anyway.
        Err(Errno::PERM) if name.is_loopback() => {}
        other => other?,
    }
    let (local, remote) = match cast {
        Cast::Broadcast => {
            udp::allow_broadcast(&fd)?;
            let everybody = iface::broadcast_address(name)?;
            if name.is_loopback() {
                (everybody, everybody)
            } else {
                // A wish: without it the own beat comes back and is thrown away one layer higher.
                let _ = udp::ignore_sender(&fd, iface::first_address(name)?);
                (Ipv4Addr::UNSPECIFIED, everybody)
            }
        }
        Cast::Multicast { group, ttl, loopback } => {
            let index = iface::index(name)?;
            udp::join(&fd, group, index)?;
            udp::set_multicast(&fd, index, ttl, loopback)?;
            (group, group)
        }
        Cast::Unicast { peer } if name.is_loopback() => (loopback_pair(peer), peer),
        Cast::Unicast { peer } => (Ipv4Addr::UNSPECIFIED, peer),
    };
    udp::bind(&fd, SocketAddrV4::new(local, port))?;
    Ok((fd, SocketAddrV4::new(remote, port)))
}

/// The own address when the peer is on the same machine: the two share a port, so they need an address each.
/// 127.0.0.1 and 127.0.0.2 are a pair, 127.0.0.5 and 127.0.0.6 are one, and so on: the last two bits are swapped over.
fn loopback_pair(peer: Ipv4Addr) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(peer) ^ 3)
}

#[cfg(test)]
mod tests {
    use super::super::Change;
    use super::*;
    use crate::sys::poll::{PollFd, poll};

    const NOW: Instant = Instant::from_millis(1);

    /// A port that other tests and other runs hardly use.
    fn port(salt: u16) -> u16 {
        20_000 + (std::process::id() as u16 % 4000) * 10 + salt
    }

    fn lo() -> IfName {
        IfName::new("lo").unwrap()
    }

    fn opened(cast: Cast, port: u16) -> UdpLink {
        let mut link = UdpLink::new(lo(), port, cast);
        link.try_open(NOW).unwrap();
        assert_eq!(link.health.take_change(), Some(Change::Opened));
        link
    }

    fn take(link: &mut UdpLink) -> Option<Vec<u8>> {
        let mut buf = [0; 64];
        poll(&mut [PollFd::readable(link.fd()?)], 2000).unwrap();
        match link.read(NOW, &mut buf) {
            Incoming::Bytes(n) => Some(buf[..n].to_vec()),
            _ => None,
        }
    }

    #[test]
    fn broadcasts_on_the_loopback_reach_both_daemons() {
        let (mut a, mut b) = (opened(Cast::Broadcast, port(0)), opened(Cast::Broadcast, port(0)));
        assert_eq!(a.send(NOW, b"hello"), Outgoing::Sent);
        assert_eq!(take(&mut b).as_deref(), Some(&b"hello"[..]));
        assert_eq!(take(&mut a).as_deref(), Some(&b"hello"[..]));
        assert_eq!(b.read(NOW, &mut [0; 8]), Incoming::Empty);
    }

    #[test]
    fn multicast_on_the_loopback_reaches_who_joined() {
        let cast = Cast::Multicast { group: Ipv4Addr::new(225, 0, 0, 1), ttl: 1, loopback: true };
        let (mut a, mut b) = (opened(cast, port(1)), opened(cast, port(1)));
        assert_eq!(a.send(NOW, b"group"), Outgoing::Sent);
        assert_eq!(take(&mut b).as_deref(), Some(&b"group"[..]));
        assert_eq!(b.send(NOW, b""), Outgoing::Sent);
        assert_eq!(take(&mut a).as_deref(), Some(&b"group"[..]));
        assert_eq!(take(&mut a).as_deref(), Some(&b""[..]));
    }

    #[test]
    fn two_daemons_on_one_machine_speak_unicast() {
        let peer = |n| Cast::Unicast { peer: Ipv4Addr::new(127, 0, 0, n) };
        let (mut a, mut b) = (opened(peer(2), port(2)), opened(peer(1), port(2)));
        assert_eq!(a.send(NOW, b"to b"), Outgoing::Sent);
        assert_eq!(b.send(NOW, b"to a"), Outgoing::Sent);
        assert_eq!(take(&mut a).as_deref(), Some(&b"to a"[..]));
        assert_eq!(take(&mut b).as_deref(), Some(&b"to b"[..]));
    }

    #[test]
    fn a_missing_interface_is_a_link_that_is_down_and_tried_again() {
        let mut link = UdpLink::new(IfName::new("nosuchif0").unwrap(), port(3), Cast::Broadcast);
        assert_eq!(link.try_open(NOW), Err(Errno::NO_DEVICE));
        assert_eq!(link.health.take_change(), Some(Change::Failed(Errno::NO_DEVICE)));
        assert_eq!(link.deadline(), Instant::from_millis(1001));
        link.service(Instant::from_millis(1001));
        assert_eq!((link.health.take_change(), link.deadline()), (None, Instant::from_millis(2001)));
        assert_eq!(link.send(NOW, b"x"), Outgoing::Dropped(Errno::NO_DEVICE));
    }

    #[test]
    fn a_frame_that_cannot_go_does_not_close_what_can_receive() {
        let mut link = opened(Cast::Broadcast, port(4));
        // Longer than any datagram: EMSGSIZE stands in for what a packet filter or a full queue answers.
        assert!(matches!(link.send(NOW, &[0; 70_000]), Outgoing::Dropped(_)));
        assert!(matches!(link.health.take_change(), Some(Change::SendFailing(_))));
        assert!(link.fd().is_some());
        assert_eq!(link.send(NOW, b"again"), Outgoing::Sent);
        assert_eq!(link.health.take_change(), Some(Change::SendRestored));
    }
}
