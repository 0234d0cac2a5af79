//! Network interfaces: index, state and addresses, by the `SIOCGIF*` requests that every kernel has.

use super::ioctl::{
    Interface, Request, SIOCGIFADDR, SIOCGIFBRDADDR, SIOCGIFFLAGS, SIOCGIFHWADDR, SIOCGIFINDEX, SIOCGIFNAME,
    SIOCGIFNETMASK, configured, ioctl,
};
use super::udp::{bind_to_interface, source_toward};
use super::{Errno, Fd, Result, socket};
pub use crate::ifname::IfName;
use core::net::Ipv4Addr;
use nix::sys::socket::{AddressFamily, SockType};

/// Room for the addresses of an ordinary machine, and for those of one with very many of them.
const ADDRESSES: usize = 128;
const MANY_ADDRESSES: usize = 4096;

fn probe() -> Result<Fd> {
    socket::open(AddressFamily::Inet, SockType::Datagram, None)
}

/// A socket to ask about `name`, which is there. For an interface that is not, the questions below have the kernel call
/// modprobe, and wait for it, before they say so; this one does not. Without root it is refused, and then no module would
/// be loaded either.
fn probe_of(name: &IfName) -> Result<Fd> {
    let probe = probe()?;
    let bound = bind_to_interface(&probe, &name.base());
    if bound == Err(Errno::NO_DEVICE) { Err(Errno::NO_DEVICE) } else { Ok(probe) }
}

fn request(probe: &Fd, name: &IfName, code: &Request<Interface>) -> Result<Interface> {
    let mut request = Interface::new(*name.raw(), 0);
    ioctl(probe, code, &mut request)?;
    Ok(request)
}

fn address(probe: &Fd, name: &IfName, code: &Request<Interface>) -> Result<Ipv4Addr> {
    request(probe, name, code).map(|answer| inet(&answer))
}

/// The IPv4 address in an answer: a socket address, whose first four bytes are family and port.
fn inet(answer: &Interface) -> Ipv4Addr {
    Ipv4Addr::from(answer.bytes::<4>(4))
}

fn flags_of(probe: &Fd, name: &IfName) -> Result<Flags> {
    let answer = request(probe, name, &SIOCGIFFLAGS)?;
    Ok(Flags(i16::from_ne_bytes(answer.bytes(0)).into()))
}

fn index_of(probe: &Fd, name: &IfName) -> Result<i32> {
    let answer = request(probe, name, &SIOCGIFINDEX)?;
    Ok(i32::from_ne_bytes(answer.bytes(0)))
}

/// The interface's number.
///
/// # Errors
/// `ENODEV`: there is none of this name.
pub fn index(name: &IfName) -> Result<i32> {
    index_of(&probe()?, name)
}

/// The name of the interface with this number.
///
/// # Errors
/// `ENODEV`: there is none.
pub fn name(index: i32) -> Result<IfName> {
    let mut request = Interface::new([0; libc::IFNAMSIZ], index);
    ioctl(&probe()?, &SIOCGIFNAME, &mut request)?;
    Ok(IfName::from_raw(request.name))
}

/// What an interface is and can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flags(i32);

impl Flags {
    /// It is switched on.
    #[must_use]
    pub const fn up(self) -> bool {
        self.0 & libc::IFF_UP != 0
    }

    /// Switched on and with a carrier, as far as the driver knows.
    #[must_use]
    pub const fn running(self) -> bool {
        self.0 & libc::IFF_RUNNING != 0
    }

    /// It resolves addresses by ARP.
    #[must_use]
    pub const fn arp(self) -> bool {
        self.0 & (libc::IFF_NOARP | libc::IFF_LOOPBACK | libc::IFF_POINTOPOINT) == 0
    }

    /// It is the loopback.
    #[must_use]
    pub const fn loopback(self) -> bool {
        self.0 & libc::IFF_LOOPBACK != 0
    }
}

/// The interface's flags.
///
/// # Errors
/// `ENODEV`: there is none of this name.
pub fn flags(name: &IfName) -> Result<Flags> {
    flags_of(&probe_of(name)?, name)
}

/// The first IPv4 address of the interface, and its netmask.
///
/// # Errors
/// `ENODEV`: no such interface. `EADDRNOTAVAIL`: it has no address.
pub fn network(name: &IfName) -> Result<(Ipv4Addr, Ipv4Addr)> {
    let probe = probe()?;
    Ok((address(&probe, name, &SIOCGIFADDR)?, address(&probe, name, &SIOCGIFNETMASK)?))
}

/// Can IPv4 be spoken on it now: it is there, switched on, and has an address?
///
/// # Errors
/// What is wrong: `ENODEV`, `ENETDOWN` or `EADDRNOTAVAIL`.
pub fn usable(name: &IfName) -> Result<()> {
    let probe = match probe_of(name) {
        // It could not be asked, which is nothing about the interface.
        Err(why) if why.is_shortage() => return Ok(()),
        other => other?,
    };
    if !flags_of(&probe, name)?.up() {
        return Err(Errno::NET_DOWN);
    }
    address(&probe, name, &SIOCGIFADDR).map(drop)
}

/// What a link must know of its interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Facts {
    /// Its number: another one means another interface of the same name.
    pub index: i32,
    /// Its first address.
    pub address: Ipv4Addr,
    /// As [`network`].
    pub broadcast: Ipv4Addr,
}

/// Ask for the [`Facts`] of an interface that IPv4 can be spoken on. `probe` is any IPv4 socket: what runs short
/// meanwhile is no reason not to know.
///
/// # Errors
/// As [`usable`].
pub fn facts(probe: &Fd, name: &IfName) -> Result<Facts> {
    if probe_of(name).err() == Some(Errno::NO_DEVICE) {
        return Err(Errno::NO_DEVICE);
    }
    if !flags_of(probe, name)?.up() {
        return Err(Errno::NET_DOWN);
    }
    let index = index_of(probe, name)?;
    let address_now = address(probe, name, &SIOCGIFADDR)?;
    let broadcast = if name.is_loopback() {
        Ipv4Addr::new(127, 255, 255, 255)
    } else {
        let set = address(probe, name, &SIOCGIFBRDADDR)?;
        if set.is_unspecified() { Ipv4Addr::BROADCAST } else { set }
    };
    Ok(Facts { index, address: address_now, broadcast })
}

/// The Ethernet address of the interface.
///
/// # Errors
/// `ENODEV`: no such interface. `EINVAL`: it is no Ethernet.
pub fn hardware_address(name: &IfName) -> Result<[u8; 6]> {
    let answer = request(&probe()?, name, &SIOCGIFHWADDR)?;
    if u16::from_ne_bytes(answer.bytes(0)) == libc::ARPHRD_ETHER {
        Ok(answer.bytes(2))
    } else {
        Err(Errno::INVALID)
    }
}

/// What an address of this machine, of the interface (or alias label) that has it, is looked at by.
type Look<'a> = dyn FnMut(&Fd, &IfName, Ipv4Addr) -> bool + 'a;

/// The interface (not an alias) of the first IPv4 address of this machine that `look` says yes to.
fn find(look: &mut Look<'_>) -> Result<Option<IfName>> {
    let probe = probe()?;
    match find_among::<ADDRESSES>(&probe, look) {
        Err(Errno(libc::E2BIG)) => find_among::<MANY_ADDRESSES>(&probe, look),
        other => other,
    }
}

/// As [`find`], on a machine with fewer than `N` addresses.
///
/// # Errors
/// `E2BIG`: it may have more, and what was looked for is not among the first.
#[inline(never)]
fn find_among<const N: usize>(probe: &Fd, look: &mut Look<'_>) -> Result<Option<IfName>> {
    search(probe, &mut [Interface::new([0; libc::IFNAMSIZ], 0); N], look)
}

fn search(probe: &Fd, list: &mut [Interface], look: &mut Look<'_>) -> Result<Option<IfName>> {
    let count = configured(probe, list)?;
    for entry in list.iter().take(count) {
        let name = IfName::from_raw(entry.name);
        if i32::from(u16::from_ne_bytes(entry.bytes(0))) == libc::AF_INET && look(probe, &name, inet(entry)) {
            return Ok(Some(name.base()));
        }
    }
    // A full list may have been cut off.
    if count < list.len() { Ok(None) } else { Err(Errno(libc::E2BIG)) }
}

/// The interface that has the address `ip` now.
///
/// # Errors
/// As `socket(2)`.
pub fn holding(ip: Ipv4Addr) -> Result<Option<IfName>> {
    find(&mut |_, _, address| address == ip)
}

/// As [`holding`], without the loopback.
///
/// # Errors
/// As `socket(2)`.
pub fn holding_outside(ip: Ipv4Addr) -> Result<Option<IfName>> {
    find(&mut |_, owner, address| address == ip && !owner.is_loopback())
}

/// Has this interface (not an alias) the address `ip` now, among its others?
///
/// # Errors
/// As `socket(2)`.
pub fn has_address(name: &IfName, ip: Ipv4Addr) -> Result<bool> {
    Ok(find(&mut |_, owner, address| address == ip && owner.base() == *name)?.is_some())
}

/// The interface that packets to `ip` leave by: one with `ip` in its subnet, else the one that the routing table says.
///
/// # Errors
/// `ENETUNREACH`: there is no route.
pub fn toward(ip: Ipv4Addr) -> Result<IfName> {
    let direct = find(&mut |probe, name, own| {
        let mask = address(probe, name, &SIOCGIFNETMASK).map_or(0, u32::from);
        mask != 0 && mask != u32::MAX && u32::from(own) & mask == u32::from(ip) & mask
    })?;
    match direct {
        Some(name) => Ok(name),
        None => holding(source_toward(ip)?)?.ok_or(Errno(libc::ENETUNREACH)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lo() -> IfName {
        IfName::new("lo").unwrap()
    }

    #[test]
    fn the_loopback_is_there() {
        assert!(index(&lo()).unwrap() > 0);
        assert_eq!(name(index(&lo()).unwrap()), Ok(lo()));
        assert!(
            flags(&lo()).unwrap().up() && flags(&lo()).unwrap().loopback() && !flags(&lo()).unwrap().arp()
        );
        assert_eq!(network(&lo()), Ok((Ipv4Addr::LOCALHOST, Ipv4Addr::new(255, 0, 0, 0))));
        assert_eq!(usable(&lo()), Ok(()));
        assert_eq!(hardware_address(&lo()), Err(Errno::INVALID));
        assert_eq!(holding(Ipv4Addr::LOCALHOST), Ok(Some(lo())));
        assert_eq!(toward(Ipv4Addr::new(127, 1, 2, 3)), Ok(lo()));
    }

    #[test]
    fn what_is_not_there_says_so() {
        let none = IfName::new("nosuchif0").unwrap();
        assert_eq!(index(&none), Err(Errno::NO_DEVICE));
        assert_eq!((usable(&none), flags(&none)), (Err(Errno::NO_DEVICE), Err(Errno::NO_DEVICE)));
        // Before any question that would have the kernel look for a driver: this file answers none.
        let file = Fd::open(c"/dev/null", libc::O_RDWR, 0).unwrap();
        assert_eq!(facts(&file, &none), Err(Errno::NO_DEVICE));
        assert_eq!(holding(Ipv4Addr::new(198, 51, 100, 77)), Ok(None));
    }
}
