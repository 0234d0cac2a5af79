//! The questions for service addresses (DESIGN §7 O2c), on one packet socket that stays open: closing one takes 16 ms.
//!
//! A question is an ARP probe (RFC 5227: with no sender address, so that nobody's cache changes) to everybody, and one to
//! the machine that answered last. With it go questions to other hosts of the same network: the ping nodes, the gateways
//! and the last clients seen. One of these that answers shows that the network lives.

use crate::arp::{self, Packet};
use crate::config::{Settings, asked};
use crate::sys::iface::{self, IfName};
use crate::sys::{Errno, Fd, packet};
use core::net::Ipv4Addr;
use hb_core::{Asked, Duration, GroupId, Input, Instant, Unable};
use heapless::Vec;
use std::os::fd::RawFd;

/// Addresses at most: a bit each in the core.
const MAX_TARGETS: usize = 32;
/// Inputs that one round makes at most; what came beyond waits in the socket.
pub const MAX_INPUTS: usize = 64;
/// Frames that are read in one round.
const READS: usize = 256;
/// Ping nodes and gateways that are asked at most, and the last clients.
const FIXED: usize = 16;
const CLIENTS: usize = 6;
/// How long answers are taken in at once after a question; after that the socket is looked at now and then.
const ACTIVE: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_secs(5);

type Mac = [u8; 6];
/// What a round of the socket has told.
pub type Inputs = Vec<Input<'static>, MAX_INPUTS>;

/// A service address.
#[derive(Debug)]
struct Target {
    number: u8,
    group: u8,
    ip: Ipv4Addr,
    iface: Option<IfName>,
    /// Where it was asked for last: interface and own hardware address.
    at: Option<(i32, Mac)>,
    /// The machine that answered, or announced it, last.
    holder: Option<Mac>,
}

/// A host that asked for something.
#[derive(Clone, Copy, Debug)]
struct Client {
    ip: Ipv4Addr,
    mac: Mac,
    index: i32,
}

/// Asks, and takes in what is answered.
#[derive(Debug)]
pub struct Asker {
    fd: Option<Fd>,
    targets: Vec<Target, MAX_TARGETS>,
    /// Ping nodes and gateways.
    fixed: Vec<Ipv4Addr, FIXED>,
    /// The newest last.
    clients: Vec<Client, CLIENTS>,
    /// Of the last question: interface and address of the others that were asked.
    others: Vec<(i32, Ipv4Addr), { FIXED + CLIENTS }>,
    asked: Option<Instant>,
    look: Instant,
}

impl Asker {
    /// For the groups of `settings`; `gateways` are those of the machine. The socket is opened here, or, where that is
    /// refused, tried again with each question.
    #[must_use]
    pub fn new(settings: &Settings, gateways: impl Iterator<Item = Ipv4Addr>, now: Instant) -> Self {
        let mut targets = Vec::new();
        for (number, (group, address)) in (0_u8..).zip(asked(&settings.groups)) {
            let iface = address.iface.as_deref().and_then(IfName::new).map(|name| name.base());
            let target = Target { number, group, ip: address.ip, iface, at: None, holder: None };
            let _ = targets.push(target);
        }
        let pings = settings.pings.iter().flat_map(|ping| ping.members.iter().copied());
        let fixed = pings.chain(gateways).take(FIXED).collect();
        let fd = if targets.is_empty() { None } else { packet::open(true).ok() };
        Self {
            fd,
            targets,
            fixed,
            clients: Vec::new(),
            others: Vec::new(),
            asked: None,
            look: now.plus(LOOK),
        }
    }

    /// Ask for every address of `group`; what became of each question goes to `out`.
    pub fn ask(&mut self, now: Instant, group: GroupId, mut out: impl FnMut(Input<'static>)) {
        if self.asked.is_none_or(|at| now.since(at) > ACTIVE) {
            // What waits in the socket answers nothing that was asked now.
            let mut stale = Inputs::new();
            for _ in 0..8 {
                self.read(&mut stale);
                stale.clear();
            }
        }
        self.asked = Some(now);
        self.others.clear();
        for at in 0..self.targets.len() {
            let Some(target) = self.targets.get(at).filter(|target| target.group == group.0) else {
                continue;
            };
            let address = target.number;
            let what = match self.question(at) {
                Ok(()) => Asked::Left,
                Err(why) => Asked::Unable(why),
            };
            out(Input::Asked { address, what });
        }
    }

    fn question(&mut self, at: usize) -> core::result::Result<(), Unable> {
        let Some(target) = self.targets.get(at) else { return Ok(()) };
        let (ip, holder) = (target.ip, target.holder);
        let name = match target.iface {
            Some(name) => name,
            None => iface::toward(ip).map_err(|_| Unable::NoInterface)?,
        };
        let flags = iface::flags(&name).map_err(unable)?;
        if !flags.up() {
            return Err(Unable::Down);
        }
        // Nobody else can have it, or nobody would answer.
        if !flags.arp() {
            return Ok(());
        }
        if !flags.running() {
            return Err(Unable::NoCarrier);
        }
        let index = iface::index(&name).map_err(unable)?;
        let mac = iface::hardware_address(&name).map_err(unable)?;
        if self.fd.is_none() {
            self.fd = packet::open(true).ok();
        }
        let Some(fd) = &self.fd else { return Err(Unable::Refused) };
        send(fd, &arp::question(mac, arp::BROADCAST, ip), index)?;
        if let Some(holder) = holder {
            let _ = send(fd, &arp::question(mac, holder, ip), index);
        }
        if let Some(target) = self.targets.get_mut(at) {
            target.at = Some((index, mac));
        }
        self.ask_others(index, mac, &name);
        Ok(())
    }

    /// Ask the other hosts of the network behind an interface, once for each question.
    fn ask_others(&mut self, index: i32, mac: Mac, name: &IfName) {
        if self.others.iter().any(|(known, _)| *known == index) {
            return;
        }
        let Some(fd) = &self.fd else { return };
        let network = iface::network(name).ok();
        let here = |ip: &Ipv4Addr| network.is_some_and(|(own, mask)| *ip != own && inside(*ip, own, mask));
        let clients = self.clients.iter().rev().filter(|client| client.index == index);
        let clients = clients.filter(|client| !self.holds(client.mac)).map(|client| client.ip);
        let others: Vec<Ipv4Addr, { FIXED + CLIENTS }> =
            self.fixed.iter().copied().filter(here).chain(clients).take(FIXED + CLIENTS).collect();
        for ip in others {
            if send(fd, &arp::question(mac, arp::BROADCAST, ip), index).is_ok() {
                let _ = self.others.push((index, ip));
            }
        }
    }

    /// Answer for every address of `group`, as if it were here.
    pub fn defend(&mut self, group: GroupId) {
        let Some(fd) = &self.fd else { return };
        for target in self.targets.iter().filter(|target| target.group == group.0) {
            if let Some((index, mac)) = target.at {
                let _ = packet::send(fd, &arp::defence(mac, target.ip), index);
            }
        }
    }

    /// This machine has answered for a service address.
    fn holds(&self, mac: Mac) -> bool {
        self.targets.iter().any(|target| target.holder == Some(mac))
    }

    /// The open descriptor to wait on, while answers are to come.
    #[must_use]
    pub fn fd(&self, now: Instant) -> Option<RawFd> {
        self.asked.filter(|at| now.since(*at) <= ACTIVE)?;
        self.fd.as_ref().map(Fd::raw)
    }

    /// When [`Asker::service`] is due, if nothing comes before.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        if self.targets.is_empty() { Instant::NEVER } else { self.look }
    }

    /// Take in what arrived.
    pub fn service(&mut self, now: Instant) -> Inputs {
        let mut inputs = Inputs::new();
        if now >= self.look {
            self.look = now.plus(LOOK);
        }
        self.read(&mut inputs);
        if self.asked.is_none_or(|at| now.since(at) > ACTIVE) {
            inputs.clear();
        }
        inputs
    }

    fn read(&mut self, inputs: &mut Inputs) {
        let mut buf = [0; 64];
        for _ in 0..READS {
            if inputs.is_full() {
                return;
            }
            let Some(fd) = &self.fd else { return };
            let Ok(Some((n, index))) = packet::receive(fd, &mut buf) else { return };
            let Some(frame) = arp::packet(buf.get(..n).unwrap_or(&buf)) else { continue };
            let own = self.targets.iter().any(|t| t.at.is_some_and(|(_, mac)| mac == frame.mac));
            if !own {
                self.take(index, &frame, inputs);
            }
        }
    }

    fn take(&mut self, index: i32, frame: &Packet, inputs: &mut Inputs) {
        let mac = frame.mac;
        let known =
            self.targets.iter().position(|t| t.ip == frame.sender && t.at.is_some_and(|(i, _)| i == index));
        if let Some(target) = known.and_then(|at| self.targets.get_mut(at)) {
            target.holder = Some(mac);
            let (address, own) = (target.number, target.at.map(|(_, own)| own));
            let to_us = frame.reply && frame.target.is_unspecified();
            if to_us && frame.target_mac == arp::BROADCAST {
                let _ = inputs.push(Input::Asked { address, what: Asked::Defended { mac } });
            } else if to_us && Some(frame.target_mac) == own {
                let _ = inputs.push(Input::Asked { address, what: Asked::Answered { mac } });
            }
            return;
        }
        if !frame.reply && frame.sender.is_unspecified() {
            let asked =
                self.targets.iter().find(|t| t.ip == frame.target && t.at.is_some_and(|(i, _)| i == index));
            if let Some(target) = asked {
                let _ = inputs.push(Input::Asked { address: target.number, what: Asked::Question });
            }
            return;
        }
        if self.holds(mac) || frame.sender.is_unspecified() {
            return;
        }
        if frame.reply && self.others.contains(&(index, frame.sender)) {
            let here = |t: &&Target| t.at.is_some_and(|(i, own)| i == index && own == frame.target_mac);
            for target in self.targets.iter().filter(here) {
                let news = Input::Asked { address: target.number, what: Asked::Neighbour };
                let _ = inputs.push(news);
            }
        } else if !frame.reply {
            self.clients.retain(|client| client.ip != frame.sender);
            if self.clients.is_full() {
                self.clients.remove(0);
            }
            let _ = self.clients.push(Client { ip: frame.sender, mac, index });
        }
    }
}

fn send(fd: &Fd, frame: &[u8], index: i32) -> core::result::Result<(), Unable> {
    match packet::send(fd, frame, index) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(Unable::Refused),
        Err(why) => Err(unable(why)),
    }
}

fn unable(why: Errno) -> Unable {
    match why {
        Errno::NET_DOWN => Unable::Down,
        Errno::NO_DEVICE | Errno(libc::ENXIO) => Unable::NoInterface,
        _ => Unable::Refused,
    }
}

fn inside(ip: Ipv4Addr, own: Ipv4Addr, mask: Ipv4Addr) -> bool {
    let mask = u32::from(mask);
    u32::from(ip) & mask == u32::from(own) & mask
}

/// The gateways in the text of `/proc/net/route`.
pub fn gateways(text: &str) -> impl Iterator<Item = Ipv4Addr> + '_ {
    let of = |line: &str| {
        let raw = u32::from_str_radix(line.split_ascii_whitespace().nth(2)?, 16).ok()?;
        // The kernel writes it as a number in its own byte order.
        (raw != 0).then(|| Ipv4Addr::from(raw.to_ne_bytes()))
    };
    text.lines().skip(1).filter_map(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateways_are_read_from_the_routing_table() {
        let text = "Iface\tDestination\tGateway \tFlags\neth0\t00000000\t0102A8C0\t0003\neth0\t0002A8C0\t00000000\t0001\n";
        let expected: &[Ipv4Addr] = if cfg!(target_endian = "little") {
            &[Ipv4Addr::new(192, 168, 2, 1)]
        } else {
            &[Ipv4Addr::new(1, 2, 168, 192)]
        };
        assert_eq!(gateways(text).collect::<std::vec::Vec<_>>(), expected);
        assert_eq!(gateways("").count(), 0);
    }

    #[test]
    fn networks_are_told_apart() {
        let own = Ipv4Addr::new(192, 168, 2, 11);
        let mask = Ipv4Addr::new(255, 255, 255, 0);
        assert!(inside(Ipv4Addr::new(192, 168, 2, 1), own, mask));
        assert!(!inside(Ipv4Addr::new(192, 168, 3, 1), own, mask));
    }
}
