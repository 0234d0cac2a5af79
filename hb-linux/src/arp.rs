//! ARP: telling neighbours where a service address lives now, and asking whether anybody has it.
//!
//! Nothing is announced for an address that this machine does not have at that moment: repeats that outlive a move
//! would send clients to the wrong node.

use crate::sys::iface::{self, IfName};
use crate::sys::{Errno, Fd, Result, packet, poll};
use core::net::Ipv4Addr;
use hb_core::{Duration, Instant};
use heapless::Vec;
use std::os::fd::RawFd;

/// Addresses at most that one [`Prober`] or [`Announcer`] handles.
pub const MAX_ADDRESSES: usize = 32;

/// Ethernet header and ARP for IPv4 over Ethernet.
const FRAME: usize = 42;
pub(crate) const BROADCAST: [u8; 6] = [0xff; 6];
const REQUEST: u8 = 1;
const REPLY: u8 = 2;

/// Probes per address, their distance, and how long answers are waited for in all.
const PROBES: u8 = 3;
const PROBE_GAP: Duration = Duration::from_millis(200);
const PROBE_TIME: Duration = Duration::from_millis(1000);

/// Repeats of an announcement of the daemon's own, and their distance.
const REPEATS: u8 = 4;
const REPEAT_GAP: Duration = Duration::from_millis(250);
/// The same of an address that was just set up: five seconds.
const START_REPEATS: u8 = 10;
const START_GAP: Duration = Duration::from_millis(500);

/// An ARP frame to everybody.
fn frame(op: u8, mac: [u8; 6], sender: Ipv4Addr, target_mac: [u8; 6], target: Ipv4Addr) -> [u8; FRAME] {
    frame_to(BROADCAST, op, mac, sender, target_mac, target)
}

/// A probe for `ip`, to one machine or to everybody.
pub(crate) fn question(mac: [u8; 6], to: [u8; 6], ip: Ipv4Addr) -> [u8; FRAME] {
    frame_to(to, REQUEST, mac, Ipv4Addr::UNSPECIFIED, [0; 6], ip)
}

/// The answer of a node that is about to take `ip`. A kernel's answer names the one who asked; this one names everybody, and
/// no address, so that nobody's cache changes for one that was not asked.
pub(crate) fn defence(mac: [u8; 6], ip: Ipv4Addr) -> [u8; FRAME] {
    frame(REPLY, mac, ip, BROADCAST, Ipv4Addr::UNSPECIFIED)
}

/// An ARP frame.
fn frame_to(
    to: [u8; 6],
    op: u8,
    mac: [u8; 6],
    sender: Ipv4Addr,
    target_mac: [u8; 6],
    target: Ipv4Addr,
) -> [u8; FRAME] {
    let mut frame = [0; FRAME];
    // Hardware type Ethernet, protocol IPv4, lengths 6 and 4.
    let head = [0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, op];
    let parts: [&[u8]; 7] = [&to, &mac, &head, &mac, &sender.octets(), &target_mac, &target.octets()];
    for (to, &from) in frame.iter_mut().zip(parts.into_iter().flatten()) {
        *to = from;
    }
    frame
}

/// Operation, sender's MAC and sender's address of an ARP frame.
fn parse(bytes: &[u8]) -> Option<(u8, [u8; 6], Ipv4Addr)> {
    let bytes: &[u8; FRAME] = bytes.first_chunk()?;
    let [_, _, _, _, _, _, _, _, _, _, _, _, 8, 6, 0, 1, 8, 0, 6, 4, 0, op, rest @ ..] = bytes else {
        return None;
    };
    let [a, b, c, d, e, f, i, j, k, l, ..] = *rest;
    Some((*op, [a, b, c, d, e, f], Ipv4Addr::new(i, j, k, l)))
}

/// What an ARP frame says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Packet {
    /// An answer, not a question.
    pub(crate) reply: bool,
    /// The sender's hardware address, and its address.
    pub(crate) mac: [u8; 6],
    pub(crate) sender: Ipv4Addr,
    /// The same of whom it is for.
    pub(crate) target_mac: [u8; 6],
    pub(crate) target: Ipv4Addr,
}

/// Read an ARP frame.
pub(crate) fn packet(bytes: &[u8]) -> Option<Packet> {
    let (op, mac, sender) = parse(bytes)?;
    let [a, b, c, d, e, f, i, j, k, l] = *bytes.get(32..FRAME)?.first_chunk::<10>()?;
    matches!(op, REQUEST | REPLY).then_some(Packet {
        reply: op == REPLY,
        mac,
        sender,
        target_mac: [a, b, c, d, e, f],
        target: Ipv4Addr::new(i, j, k, l),
    })
}

/// Send one gratuitous request and one reply: old and new neighbours believe one or the other. On an interface without
/// ARP, such as the loopback, there is nobody to tell.
fn announce_on(fd: &Fd, name: &IfName, ip: Ipv4Addr) -> Result<()> {
    if !iface::flags(name)?.arp() {
        return Ok(());
    }
    let (index, mac) = (iface::index(name)?, iface::hardware_address(name)?);
    packet::send(fd, &frame(REQUEST, mac, ip, [0; 6], ip), index)?;
    packet::send(fd, &frame(REPLY, mac, ip, BROADCAST, ip), index)?;
    Ok(())
}

/// `hbd send-arp`: announce at once, then `repeat` times more, `interval_ms` apart, as long as this machine has the
/// address. Waits; for the command line.
///
/// # Errors
/// `EADDRNOTAVAIL`: this machine does not have the address on that interface. `EPERM`: not root.
pub fn send_arp(name: &IfName, ip: Ipv4Addr, interval_ms: i32, repeat: u32) -> Result<()> {
    let name = name.base();
    let here = || iface::has_address(&name, ip);
    if !here()? {
        return Err(Errno::NO_ADDRESS);
    }
    let fd = packet::open(false)?;
    announce_on(&fd, &name, ip)?;
    for _ in 0..repeat {
        poll::sleep_ms(interval_ms);
        if !here()? {
            break;
        }
        announce_on(&fd, &name, ip)?;
    }
    Ok(())
}

/// Announces from the daemon's own loop, without a child ([`hb_core::Action::Announce`]).
#[derive(Debug, Default)]
pub struct Announcer {
    fd: Option<Fd>,
    jobs: Vec<Job, MAX_ADDRESSES>,
}

/// Repeats that are left, their distance, and when the next one is due.
#[derive(Clone, Copy, Debug)]
struct Job {
    ip: Ipv4Addr,
    left: u8,
    gap: Duration,
    due: Instant,
}

impl Job {
    fn end(&self) -> Instant {
        self.due.plus(self.gap.times(u64::from(self.left)))
    }
}

impl Announcer {
    /// Nothing to announce yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { fd: None, jobs: Vec::new() }
    }

    /// Open the socket before it is needed, if that can be.
    pub fn open(&mut self) {
        if self.fd.is_none() {
            self.fd = packet::open(false).ok();
        }
    }

    /// Announce `ip` now, and a few times more within the next second.
    ///
    /// # Errors
    /// `EADDRNOTAVAIL`: this machine does not have it. `EPERM`: not root.
    pub fn announce(&mut self, now: Instant, ip: Ipv4Addr) -> Result<()> {
        self.begin(now, ip, REPEATS, REPEAT_GAP)
    }

    /// As [`Announcer::announce`], for five seconds: `ip` was just set up.
    ///
    /// # Errors
    /// As [`Announcer::announce`].
    pub fn started(&mut self, now: Instant, ip: Ipv4Addr) -> Result<()> {
        self.begin(now, ip, START_REPEATS, START_GAP)
    }

    fn begin(&mut self, now: Instant, ip: Ipv4Addr, left: u8, gap: Duration) -> Result<()> {
        self.tell(ip)?;
        let job = Job { ip, left, gap, due: now.plus(gap) };
        match self.jobs.iter_mut().find(|known| known.ip == ip) {
            // One that lasts longer goes on.
            Some(known) if known.end() >= job.end() => {}
            Some(known) => *known = job,
            // More addresses than that are announced once.
            None => drop(self.jobs.push(job)),
        }
        Ok(())
    }

    /// Announce `ip` once, if this machine has it.
    ///
    /// # Errors
    /// As [`Announcer::announce`].
    pub fn tell(&mut self, ip: Ipv4Addr) -> Result<()> {
        let name = iface::holding(ip)?.ok_or(Errno::NO_ADDRESS)?;
        if self.fd.is_none() {
            self.fd = Some(packet::open(false)?);
        }
        self.fd.as_ref().map_or(Ok(()), |fd| announce_on(fd, &name, ip))
    }

    /// When [`Announcer::service`] is due.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.jobs.iter().map(|job| job.due).min().unwrap_or(Instant::NEVER)
    }

    /// Send the repeats that are due. An address that went away is not announced any more, and neither is one whose
    /// repeat is late: the loop stood still meanwhile, and another node may have it by now (DESIGN §7 O8).
    pub fn service(&mut self, now: Instant) {
        self.jobs.retain(|job| now.since(job.due) <= REPEAT_GAP);
        let mut at = 0;
        while let Some(&job) = self.jobs.get(at) {
            if job.due > now {
                at += 1;
            } else if self.tell(job.ip).is_err() || job.left <= 1 {
                self.jobs.swap_remove(at);
            } else {
                if let Some(known) = self.jobs.get_mut(at) {
                    *known = Job { left: job.left - 1, due: now.plus(job.gap), ..job };
                }
                at += 1;
            }
        }
    }
}

/// What a [`Prober`] knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Probe {
    /// Answers are still waited for.
    Running,
    /// Somebody has this address.
    Answered(Ipv4Addr),
    /// Nobody has any of them.
    Silent,
    /// This address cannot be asked for here: take it as answered, for nothing is proven.
    Impossible(Ipv4Addr, Errno),
}

#[derive(Debug)]
struct Target {
    ip: Ipv4Addr,
    index: i32,
    mac: [u8; 6],
}

/// Asks by ARP probe (RFC 5227: with no sender address, so that nobody's cache changes) whether any of several addresses
/// is in use. Driven by the daemon's loop; takes a second, or less when somebody answers.
#[derive(Debug)]
pub struct Prober {
    fd: Option<Fd>,
    targets: Vec<Target, MAX_ADDRESSES>,
    sent: u8,
    started: Instant,
    result: Probe,
}

impl Prober {
    /// Ask for these addresses, each on its interface or on the one that leads to it; on the socket of an earlier one, if
    /// [`Prober::end_of`] gave one back.
    #[must_use]
    pub fn again(now: Instant, addresses: &[(Ipv4Addr, Option<IfName>)], fd: Option<Fd>) -> Self {
        let result = if addresses.is_empty() { Probe::Silent } else { Probe::Running };
        let mut buf = [0; 64];
        for _ in 0..4096 {
            // What waits in it is older than the first question.
            if !fd.as_ref().is_some_and(|fd| matches!(packet::receive(fd, &mut buf), Ok(Some(_)))) {
                break;
            }
        }
        let mut prober = Self { fd, targets: Vec::new(), sent: 0, started: now, result };
        for &(ip, name) in addresses {
            if let Err(why) = prober.add(ip, name) {
                prober.end(Probe::Impossible(ip, why));
                return prober;
            }
        }
        if prober.targets.is_empty() {
            prober.end(Probe::Silent);
        }
        prober.service(now);
        prober
    }

    fn add(&mut self, ip: Ipv4Addr, name: Option<IfName>) -> Result<()> {
        let name = match name {
            Some(name) => name.base(),
            None => iface::toward(ip)?,
        };
        let flags = iface::flags(&name)?;
        if !flags.up() {
            return Err(Errno::NET_DOWN);
        }
        // On the loopback, nobody else can have it.
        if flags.loopback() {
            return Ok(());
        }
        if self.fd.is_none() {
            self.fd = Some(packet::open(true)?);
        }
        let target = Target { ip, index: iface::index(&name)?, mac: iface::hardware_address(&name)? };
        self.targets.push(target).map_err(|_| Errno::INVALID)
    }

    fn end(&mut self, result: Probe) {
        if self.result == Probe::Running {
            self.result = result;
        }
    }

    /// It is over: its socket, for the next one. Closing it takes longer than the daemon's loop may.
    #[must_use]
    pub fn end_of(self) -> Option<Fd> {
        self.fd
    }

    /// The open descriptor to wait on.
    #[must_use]
    pub fn fd(&self) -> Option<RawFd> {
        self.fd.as_ref().filter(|_| self.result == Probe::Running).map(Fd::raw)
    }

    /// When [`Prober::service`] is due.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        if self.result != Probe::Running {
            Instant::NEVER
        } else if self.sent < PROBES {
            self.started.plus(PROBE_GAP.times(u64::from(self.sent)))
        } else {
            self.started.plus(PROBE_TIME)
        }
    }

    /// Send the next probes if they are due, take in answers, and end when the time is over.
    pub fn service(&mut self, now: Instant) {
        self.read();
        if now < self.deadline() || self.result != Probe::Running {
            return;
        }
        if self.sent == PROBES {
            self.end(Probe::Silent);
            return;
        }
        self.sent += 1;
        let Some(fd) = &self.fd else { return };
        for target in &self.targets {
            let probe = frame(REQUEST, target.mac, Ipv4Addr::UNSPECIFIED, [0; 6], target.ip);
            if let Err(why) = packet::send(fd, &probe, target.index) {
                let ip = target.ip;
                self.end(Probe::Impossible(ip, why));
                return;
            }
        }
    }

    /// Take in what arrived, a bounded number of frames at a time.
    fn read(&mut self) {
        let mut buf = [0; 64];
        for _ in 0..256 {
            let Some(fd) = self.fd.as_ref().filter(|_| self.result == Probe::Running) else { return };
            let Ok(Some((n, index))) = packet::receive(fd, &mut buf) else { return };
            let Some((op, mac, sender)) = parse(buf.get(..n).unwrap_or(&buf)) else { continue };
            let ours = |t: &Target| t.index == index && t.ip == sender && t.mac != mac;
            if matches!(op, REQUEST | REPLY) && self.targets.iter().any(ours) {
                self.end(Probe::Answered(sender));
            }
        }
    }

    /// What is known now.
    #[must_use]
    pub fn result(&self) -> Probe {
        self.result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IP: Ipv4Addr = Ipv4Addr::new(192, 168, 2, 50);
    const MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];

    #[test]
    fn frames_are_laid_out_as_rfc_826_has_them() {
        let reply = frame(REPLY, MAC, IP, BROADCAST, IP);
        assert_eq!(reply[..6], BROADCAST);
        assert_eq!(reply[6..12], MAC);
        assert_eq!(reply[12..22], [8, 6, 0, 1, 8, 0, 6, 4, 0, 2]);
        assert_eq!(reply[22..28], MAC);
        assert_eq!(reply[28..32], [192, 168, 2, 50]);
        assert_eq!(reply[32..38], BROADCAST);
        assert_eq!(reply[38..], [192, 168, 2, 50]);
        assert_eq!(parse(&reply), Some((REPLY, MAC, IP)));
        for len in 0..FRAME {
            assert_eq!(parse(&reply[..len]), None);
        }
        for at in 12..21 {
            let mut other = reply;
            other[at] ^= 1;
            assert_eq!(parse(&other), None, "byte {at}");
        }
    }

    #[test]
    fn nothing_is_announced_that_is_not_here() {
        let mut announcer = Announcer::new();
        assert_eq!(announcer.announce(Instant::ZERO, IP), Err(Errno::NO_ADDRESS));
        assert_eq!(announcer.deadline(), Instant::NEVER);
        let lo = IfName::new("lo").unwrap();
        assert_eq!(send_arp(&lo, IP, 0, 3), Err(Errno::NO_ADDRESS));
    }

    #[test]
    fn without_an_interface_nothing_is_proven() {
        let none = IfName::new("nosuchif0");
        let prober = Prober::again(Instant::ZERO, &[(IP, none)], None);
        assert_eq!(prober.result(), Probe::Impossible(IP, Errno::NO_DEVICE));
        assert_eq!((prober.fd(), prober.deadline()), (None, Instant::NEVER));
        assert_eq!(Prober::again(Instant::ZERO, &[], None).result(), Probe::Silent);
        let loopback = (Ipv4Addr::new(127, 0, 0, 9), None);
        assert_eq!(Prober::again(Instant::ZERO, &[loopback], None).result(), Probe::Silent);
    }
}
