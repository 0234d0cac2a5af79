//! The IPv4 addresses of this machine, asked for and changed by `rtnetlink(7)`. Waits for the kernel's answer: for children,
//! never for the daemon's loop.
//!
//! Not every 2.4 kernel was built with it; those that are take these requests as they are.

use crate::sys::{Errno, Fd, Result, route};
use core::net::Ipv4Addr;

const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const RTM_GETADDR: u16 = 22;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// Request, acknowledge, whole list, list that was changed meanwhile, make, and make only.
const REQUEST: u16 = 0x1;
const ACK: u16 = 0x4;
const DUMP: u16 = 0x300;
const CHANGED: u16 = 0x10;
const CREATE: u16 = 0x600;

const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_LABEL: u16 = 3;
const IFA_BROADCAST: u16 = 4;
/// A further address of a subnet, in the flags of an address.
const SECONDARY: u8 = 1;

/// Bytes of a message's head, and of an address's.
const HEAD: usize = 16;
const BODY: usize = 8;
/// No answer of the kernel is longer.
const ANSWER: usize = 8192;
/// How often a list is asked for that is changed while it is told.
const TRIES: u8 = 8;
/// Bytes of a label at most.
const LABEL: usize = libc::IFNAMSIZ - 1;

/// An address of an interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The interface's number.
    pub index: i32,
    /// The address.
    pub local: Ipv4Addr,
    /// The other end's on a line between two machines, else the address again.
    pub peer: Ipv4Addr,
    /// Bits of the netmask, 0 to 32.
    pub bits: u8,
    /// As the kernel numbers it: 0 everywhere, 254 this machine.
    pub scope: u8,
    /// Not the first one of its subnet.
    pub secondary: bool,
    /// Where broadcasts go.
    pub broadcast: Option<Ipv4Addr>,
    /// `eth0`, or `eth0:` and a word.
    pub label: heapless::String<LABEL>,
}

/// A way to ask the kernel.
#[derive(Debug)]
pub struct Addresses {
    fd: Fd,
    number: u32,
}

impl Addresses {
    /// Open it.
    ///
    /// # Errors
    /// `EAFNOSUPPORT` or `EPROTONOSUPPORT`: this kernel was built without it.
    pub fn open() -> Result<Self> {
        Ok(Self { fd: route::requests()?, number: 0 })
    }

    /// Every address of this machine, also of interfaces that are off.
    ///
    /// # Errors
    /// As the kernel says; `EAGAIN`: they never stayed the same for long enough.
    pub fn list(&mut self) -> Result<Vec<Entry>> {
        for _ in 0..TRIES {
            let mut all = Vec::new();
            if self.ask(RTM_GETADDR, REQUEST | DUMP, None, &mut all)? {
                return Ok(all);
            }
        }
        Err(Errno::AGAIN)
    }

    /// Set an address up.
    ///
    /// # Errors
    /// As the kernel says: `EEXIST`, `ENODEV`, `EPERM`.
    pub fn add(&mut self, entry: &Entry) -> Result<()> {
        self.ask(RTM_NEWADDR, REQUEST | ACK | CREATE, Some(entry), &mut Vec::new()).map(drop)
    }

    /// Take an address away.
    ///
    /// # Errors
    /// As the kernel says: `EADDRNOTAVAIL`, `EPERM`.
    pub fn remove(&mut self, entry: &Entry) -> Result<()> {
        self.ask(RTM_DELADDR, REQUEST | ACK, Some(entry), &mut Vec::new()).map(drop)
    }

    /// Send a request and read its answer; was nothing changed while it was told?
    fn ask(&mut self, kind: u16, flags: u16, about: Option<&Entry>, all: &mut Vec<Entry>) -> Result<bool> {
        self.number = self.number.wrapping_add(1);
        let request = message(kind, flags, self.number, about);
        if self.fd.write(&request)? != Some(request.len()) {
            return Err(Errno::IO);
        }
        let (mut whole, mut buf) = (true, [0; ANSWER]);
        loop {
            let n = self.fd.read(&mut buf)?.ok_or(Errno::AGAIN)?;
            let mut rest = buf.get(..n).unwrap_or_default();
            while let Some(len) = word(rest, 0).map(|len| len as usize).filter(|&len| len >= HEAD) {
                let (one, behind) = rest.split_at_checked(len).ok_or(Errno::IO)?;
                rest = behind.get(len.next_multiple_of(4) - len..).unwrap_or_default();
                if word(one, 8) != Some(self.number) {
                    continue;
                }
                whole &= half(one, 6).is_some_and(|flags| flags & CHANGED == 0);
                match half(one, 4) {
                    Some(NLMSG_DONE) => return Ok(whole),
                    Some(NLMSG_ERROR) => {
                        // The error number, below zero; zero is an acknowledgement.
                        let code = word(one, HEAD).ok_or(Errno::IO)?.cast_signed();
                        return if code == 0 { Ok(whole) } else { Err(Errno(code.wrapping_neg())) };
                    }
                    Some(RTM_NEWADDR) => all.extend(entry(one)),
                    _ => {}
                }
            }
        }
    }
}

/// Two bytes in the order of this machine.
fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Four bytes in the order of this machine.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A request: its head, then an address's, then the parts of it, each with its length and padded to four bytes.
fn message(kind: u16, flags: u16, number: u32, about: Option<&Entry>) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEAD + BODY + 64);
    out.extend([0; 4]);
    out.extend(kind.to_ne_bytes());
    out.extend(flags.to_ne_bytes());
    out.extend(number.to_ne_bytes());
    out.extend([0; 4]);
    let (bits, scope, index) = about.map_or((0, 0, 0), |entry| (entry.bits, entry.scope, entry.index));
    out.extend([libc::AF_INET as u8, bits, 0, scope]);
    out.extend(index.to_ne_bytes());
    if let Some(entry) = about {
        let mut part = |name: u16, bytes: &[u8]| {
            // Parts are a few bytes.
            out.extend(((4 + bytes.len()) as u16).to_ne_bytes());
            out.extend(name.to_ne_bytes());
            out.extend(bytes);
            out.resize(out.len().next_multiple_of(4), 0);
        };
        part(IFA_LOCAL, &entry.local.octets());
        part(IFA_ADDRESS, &entry.peer.octets());
        if let Some(broadcast) = entry.broadcast {
            part(IFA_BROADCAST, &broadcast.octets());
        }
        let mut label = [0; LABEL + 1];
        label.iter_mut().zip(entry.label.bytes()).for_each(|(to, from)| *to = from);
        part(IFA_LABEL, label.get(..=entry.label.len()).unwrap_or(&label));
    }
    let len = (out.len() as u32).to_ne_bytes();
    out.iter_mut().zip(len).for_each(|(to, from)| *to = from);
    out
}

/// The address that a message tells of.
fn entry(message: &[u8]) -> Option<Entry> {
    let [family, bits, flags, scope] = *message.get(HEAD..)?.first_chunk()?;
    if i32::from(family) != libc::AF_INET {
        return None;
    }
    let index = word(message, HEAD + 4)?.cast_signed();
    let (mut local, mut peer, mut broadcast) = (None, None, None);
    let mut label = heapless::String::new();
    let mut rest = message.get(HEAD + BODY..)?;
    while let Some(len) = half(rest, 0).map(usize::from).filter(|&len| len >= 4) {
        let Some(bytes) = rest.get(4..len) else { break };
        let ip = || bytes.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets));
        match half(rest, 2) {
            Some(IFA_LOCAL) => local = ip(),
            Some(IFA_ADDRESS) => peer = ip(),
            Some(IFA_BROADCAST) => broadcast = ip(),
            Some(IFA_LABEL) => {
                let name = bytes.split(|&b| b == 0).next().unwrap_or_default();
                let _ = label.push_str(core::str::from_utf8(name).unwrap_or_default());
            }
            _ => {}
        }
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    let local = local.or(peer)?;
    let secondary = flags & SECONDARY != 0;
    Some(Entry { index, local, peer: peer.unwrap_or(local), bits, scope, secondary, broadcast, label })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_has_its_address() {
        let all = Addresses::open().unwrap().list().unwrap();
        let lo = all.iter().find(|entry| entry.local == Ipv4Addr::LOCALHOST).unwrap();
        assert_eq!((lo.bits, lo.scope, lo.label.as_str(), lo.secondary), (8, 254, "lo", false));
    }

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let mut want = Entry {
            index: 7,
            local: Ipv4Addr::new(10, 1, 2, 3),
            peer: Ipv4Addr::new(10, 1, 2, 4),
            bits: 30,
            scope: 0,
            secondary: false,
            broadcast: Some(Ipv4Addr::new(10, 1, 2, 255)),
            label: "fifteen-letter:".try_into().unwrap(),
        };
        let bytes = message(RTM_NEWADDR, REQUEST, 9, Some(&want));
        assert_eq!(word(&bytes, 0), Some(bytes.len() as u32));
        assert_eq!(entry(&bytes), Some(want.clone()));
        want.broadcast = None;
        assert_eq!(entry(&message(RTM_NEWADDR, REQUEST, 9, Some(&want))), Some(want));
        for len in 0..bytes.len() {
            // A cut one is none, or one without its last parts; nothing fails.
            let _ = entry(bytes.get(..len).unwrap());
        }
        assert_eq!(entry(&[]), None);
    }

    #[test]
    fn what_cannot_be_changed_says_why() {
        let none = Entry {
            index: 0x7fff_fff0,
            local: Ipv4Addr::new(198, 51, 100, 7),
            peer: Ipv4Addr::new(198, 51, 100, 7),
            bits: 24,
            scope: 0,
            secondary: false,
            broadcast: None,
            label: heapless::String::new(),
        };
        let mut addresses = Addresses::open().unwrap();
        assert!(addresses.add(&none).is_err());
        assert!(addresses.remove(&none).is_err());
        assert!(!addresses.list().unwrap().contains(&none));
    }
}
