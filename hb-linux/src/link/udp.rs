//! Heartbeats on UDP: broadcast, multicast and unicast, each bound to its interface, one frame per datagram.
//!
//! A frame that cannot be sent does not close the link as long as the interface can be used, for it may still receive.
//! An interface that is gone, down or without address closes it; it opens again when the interface is back, and anew when
//! the interface has another address. How it learns of that: whoever owns it calls `look` when the kernel tells of a
//! change; where the kernel tells nobody, it asks before each send. A link on which the peer is not heard, or says that it
//! does not hear, is opened anew once a deadtime, and broadcasts go to both broadcast addresses from then on.

use super::arrival::Arrival;
use super::health::{Health, Why};
use super::{Incoming, Outgoing};
use crate::sys::iface::{self, Facts, IfName};
use crate::sys::{Errno, Fd, Result, udp};
use core::net::{Ipv4Addr, SocketAddrV4};
use hb_core::{Duration, Instant};
use heapless::Vec;
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

/// The longest datagram of which a second copy is known again; longer ones are no heartbeats.
const COPY: usize = 256;

/// Where broadcasts go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reach {
    /// To the broadcast address of the interface.
    Directed,
    /// To that and to 255.255.255.255: nobody answered. Some packet filter passes one of the two only, some other machine
    /// has another netmask, and a kernel of the 2.4 line may have lost the way to the first for good (it asks for it by
    /// ARP when something is sent while the interface is down).
    Both,
    /// As `Both`, for good: the first one alone did not do.
    BothForGood,
}

#[derive(Debug)]
struct Open {
    fd: Fd,
    to: SocketAddrV4,
    facts: Facts,
}

/// The last datagram.
#[derive(Debug)]
struct Last {
    bytes: Vec<u8, COPY>,
    to: Ipv4Addr,
}

/// A UDP link that opens itself again.
#[derive(Debug)]
pub struct UdpLink {
    iface: IfName,
    port: u16,
    cast: Cast,
    socket: Option<Open>,
    pub(super) health: Health,
    watched: bool,
    reach: Reach,
    patience: Duration,
    /// When the next question about silence is due.
    silent_at: Instant,
    /// The silence was reported.
    told: bool,
    /// Until then a silence means that the one address alone did not do.
    trial_until: Instant,
    arrival: Arrival,
    /// Who sent the last datagram.
    sender: Ipv4Addr,
    last: Last,
}

impl UdpLink {
    pub(super) fn new(iface: IfName, port: u16, cast: Cast) -> Self {
        Self {
            iface,
            port,
            cast,
            socket: None,
            health: Health::default(),
            watched: true,
            reach: Reach::Directed,
            patience: Duration::ZERO,
            silent_at: Instant::NEVER,
            told: false,
            trial_until: Instant::ZERO,
            arrival: Arrival::Unknown,
            sender: Ipv4Addr::UNSPECIFIED,
            last: Last { bytes: Vec::new(), to: Ipv4Addr::UNSPECIFIED },
        }
    }

    pub(super) fn cast(&self) -> Cast {
        self.cast
    }

    /// Has the other one the same interface and port?
    pub(super) fn shares(&self, other: &Self) -> bool {
        self.iface == other.iface && self.port == other.port
    }

    // DESIGN §6.7.
    pub(super) fn arrival(&self) -> Arrival {
        self.arrival
    }

    pub(super) fn sender(&self) -> Ipv4Addr {
        self.sender
    }

    pub(super) fn fd(&self) -> Option<RawFd> {
        self.socket.as_ref().map(|open| open.fd.raw())
    }

    pub(super) fn deadline(&self) -> Instant {
        // Asked in whatever round comes next; each keepalive brings one, and none is made for it.
        self.health.retry_at().min(self.silent_at.plus(self.patience))
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
                self.wait_anew(now);
                Ok(())
            }
            Err(why) => {
                self.health.failed(now, why);
                Err(why)
            }
        }
    }

    pub(super) fn watched(&mut self, watched: bool) {
        self.watched = watched;
    }

    pub(super) fn patience(&mut self, now: Instant, patience: Duration) {
        self.patience = patience;
        if self.socket.is_some() {
            self.wait_anew(now);
        }
    }

    fn wait_anew(&mut self, now: Instant) {
        self.silent_at =
            if self.patience == Duration::ZERO { Instant::NEVER } else { now.plus(self.patience) };
    }

    /// Follow the interface: closed while it is gone, off or without address, opened anew when it has another address.
    /// DESIGN §6.8.
    pub(super) fn look(&mut self, now: Instant) {
        let Some(open) = &self.socket else {
            // A closed one that is not retired is opened as soon as it can be.
            if self.health.retry_at() != Instant::NEVER {
                let _ = self.try_open(now);
            }
            return;
        };
        match iface::facts(&open.fd, &self.iface) {
            Ok(facts) if facts == open.facts => {}
            Ok(facts) if facts.index == open.facts.index && self.cast != Cast::Broadcast => {
                if let Some(open) = &mut self.socket {
                    open.facts = facts;
                }
            }
            Ok(_) => {
                self.reach = Reach::Directed;
                if let Some(to) = self.open_anew(now) {
                    self.health.reopened(Why::Moved(to));
                }
            }
            // It could not be asked, which is nothing about the interface.
            Err(why) if why.is_shortage() => {}
            Err(why) => self.fail(now, why),
        }
    }

    /// Close it and open it; where it sends to now (DESIGN §6.9).
    fn open_anew(&mut self, now: Instant) -> Option<Ipv4Addr> {
        self.socket = None;
        match open(&self.iface, self.port, self.cast) {
            Ok(socket) => {
                let to = *socket.to.ip();
                self.socket = Some(socket);
                self.wait_anew(now);
                Some(to)
            }
            Err(why) => {
                self.fail(now, why);
                None
            }
        }
    }

    // DESIGN §6.10.
    pub(super) fn wants_ways(&self, now: Instant) -> bool {
        self.silent_at <= now
    }

    pub(super) fn ways(&mut self, now: Instant, both: bool, spare: bool) {
        self.wait_anew(now);
        let Some(open) = &self.socket else { return };
        let to = *open.to.ip();
        if both {
            self.told = false;
            // Nothing is tried with the only link there is.
            if self.reach == Reach::Both && spare {
                self.reach = Reach::Directed;
                self.trial_until = now.plus(self.patience.times(3));
                self.health.reopened(Why::Directed(to));
            }
            return;
        }
        let two = self.cast == Cast::Broadcast && !self.iface.is_loopback() && to != Ipv4Addr::BROADCAST;
        let Some(to) = self.open_anew(now) else { return };
        let told = core::mem::replace(&mut self.told, true);
        match self.reach {
            Reach::Directed if two => {
                self.reach = if now < self.trial_until { Reach::BothForGood } else { Reach::Both };
                self.health.reopened(Why::Both(self.patience, to));
            }
            _ if !told => self.health.reopened(Why::Silent(self.patience)),
            _ => {}
        }
    }

    pub(super) fn is_limited_too(&self) -> bool {
        self.socket.is_some() && self.reach != Reach::Directed
    }

    pub(super) fn read(&mut self, now: Instant, buf: &mut [u8]) -> Incoming {
        let Some(open) = &self.socket else { return Incoming::Empty };
        match udp::receive_from(&open.fd, buf) {
            Ok(Some(datagram)) => {
                self.sender = *datagram.from.ip();
                self.arrival = arrival(datagram.to, self.sender);
                if let (Arrival::Broadcast, Some((to, _))) = (self.arrival, datagram.to) {
                    // The peer sends to both broadcast addresses while it is not sure that it is heard.
                    let bytes = buf.get(..datagram.len).unwrap_or_default();
                    if to != self.last.to && !bytes.is_empty() && *bytes == *self.last.bytes {
                        return Incoming::Copy;
                    }
                    self.last.to = to;
                    self.last.bytes.clear();
                    let _ = self.last.bytes.extend_from_slice(bytes);
                }
                Incoming::Bytes(datagram.len)
            }
            Ok(None) => Incoming::Empty,
            // What an earlier datagram met on its way, or something runs short; the socket is as good as before.
            Err(why) if why.is_shortage() || iface::usable(&self.iface).is_ok() => Incoming::Unread(why),
            Err(why) => {
                self.fail(now, why);
                Incoming::Failed(why)
            }
        }
    }

    pub(super) fn send(&mut self, now: Instant, frame: &[u8]) -> Outgoing {
        if !self.watched {
            self.look(now);
        }
        let Some(open) = &self.socket else { return Outgoing::Dropped(Errno::NO_DEVICE) };
        let mut result = udp::send_to(&open.fd, frame, open.to);
        if self.reach != Reach::Directed {
            let limited = SocketAddrV4::new(Ipv4Addr::BROADCAST, self.port);
            let second = udp::send_to(&open.fd, frame, limited);
            if matches!(second, Ok(Some(_))) {
                result = second;
            }
        }
        let why = match result {
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
        self.silent_at = Instant::NEVER;
        self.health.failed(now, why);
    }

    pub(super) fn close(&mut self) {
        self.socket = None;
        self.silent_at = Instant::NEVER;
        self.health.retire();
    }
}

/// How a datagram was addressed, from where it was sent to and the own address that stands for that.
fn arrival(to: Option<(Ipv4Addr, Ipv4Addr)>, from: Ipv4Addr) -> Arrival {
    match to {
        None => Arrival::Unknown,
        Some((to, _)) if to.is_multicast() => Arrival::Multicast(to),
        Some((to, own)) if to == own => Arrival::Unicast(from),
        Some(_) => Arrival::Broadcast,
    }
}

/// Make the socket, and say where it sends.
fn open(name: &IfName, port: u16, cast: Cast) -> Result<Open> {
    let fd = udp::open()?;
    let facts = iface::facts(&fd, name)?;
    match udp::bind_to_interface(&fd, name) {
        // The demo runs without root; what is bound to a loopback address cannot be reached from outside anyway.
        Err(Errno::PERM) if name.is_loopback() => {}
        other => other?,
    }
    // A wish: without it a datagram counts for the link whose socket it came to.
    let _ = udp::tell_target(&fd);
    let (local, remote) = match cast {
        Cast::Broadcast => {
            udp::allow_broadcast(&fd)?;
            let everybody = facts.broadcast;
            if name.is_loopback() {
                (everybody, everybody)
            } else {
                // A wish: without it the own beat comes back and is thrown away one layer higher.
                let _ = udp::ignore_sender(&fd, facts.address);
                (Ipv4Addr::UNSPECIFIED, everybody)
            }
        }
        Cast::Multicast { group, ttl, loopback } => {
            udp::join(&fd, group, facts.index)?;
            udp::set_multicast(&fd, facts.index, ttl, loopback)?;
            (group, group)
        }
        Cast::Unicast { peer } if name.is_loopback() => (loopback_pair(peer), peer),
        Cast::Unicast { peer } => (Ipv4Addr::UNSPECIFIED, peer),
    };
    udp::bind(&fd, SocketAddrV4::new(local, port))?;
    Ok(Open { fd, to: SocketAddrV4::new(remote, port), facts })
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

    fn take(link: &mut UdpLink) -> Option<std::vec::Vec<u8>> {
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
