//! Service addresses in all the forms that `haresources` takes, and names of interfaces.
//!
//! ```text
//! ip    ip/24    ip/24/eth0    ip/24/192.168.2.255    ip/24/eth0/192.168.2.255
//! ```

use super::settings::ServiceAddress;
use core::fmt;
use core::net::Ipv4Addr;

/// Bytes of an interface name at most (`IFNAMSIZ` less its final zero).
const MAX_IFACE: usize = 15;

/// What is wrong with an address or an interface name. `Display` says what to write instead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum AddressFault<'a> {
    /// The first part is not an IPv4 address.
    Ip(&'a str),
    /// An address that no host can have for its clients.
    Use(Ipv4Addr),
    /// The second part is not 1 to 32; the number that a dotted mask means, if it is one.
    Prefix(&'a str, Option<u8>),
    /// An interface stands where the netmask belongs.
    NoPrefix(Ipv4Addr, &'a str),
    /// The address is the network's own or its broadcast address.
    Edge(Ipv4Addr, u8),
    /// Not the name of an interface.
    Iface(&'a str),
    /// The last part is not an IPv4 address.
    Broadcast(&'a str),
    /// The broadcast address is outside the address's network.
    Outside(Ipv4Addr, Ipv4Addr, u8),
    /// More than four parts, or a fourth after a broadcast address.
    TooMany(&'a str),
}

impl fmt::Display for AddressFault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(word) => {
                write!(
                    f,
                    "`{word}` is not an IPv4 address; write four numbers from 0 to 255, such as 192.168.2.50"
                )
            }
            Self::Use(ip) => write!(f, "{ip} cannot be a service address; write one of the clients' network"),
            Self::Prefix(word, Some(bits)) => {
                write!(f, "`{word}` is a mask, not a number of bits; write /{bits}")
            }
            Self::Prefix(word, None) => write!(f, "`{word}` is not a number of mask bits; write /1 to /32"),
            Self::NoPrefix(ip, iface) => {
                write!(f, "`{iface}` stands where the number of mask bits belongs; write `{ip}/24/{iface}`")
            }
            Self::Edge(ip, bits) => {
                write!(f, "{ip} is the first or last address of its /{bits} network; write one between them")
            }
            Self::Iface(word) => {
                write!(f, "`{word}` is not the name of an interface; write one such as eth0")
            }
            Self::Broadcast(word) => {
                write!(f, "`{word}` is not a broadcast address; write one such as 192.168.2.255")
            }
            Self::Outside(broadcast, ip, bits) => {
                write!(
                    f,
                    "broadcast address {broadcast} is outside {ip}/{bits}; write one inside it, or none"
                )
            }
            Self::TooMany(word) => {
                write!(
                    f,
                    "`{word}` is too much; write ADDRESS/BITS/INTERFACE/BROADCAST, or less of it from the right"
                )
            }
        }
    }
}

/// Is this word meant as an address rather than as a script's name? It begins with a digit and has at least two dots
/// in front of any slash; the original asks for three.
pub(super) fn is_address(word: &str) -> bool {
    let head = word.split('/').next().unwrap_or_default();
    head.starts_with(|c: char| c.is_ascii_digit()) && head.bytes().filter(|b| *b == b'.').count() >= 2
}

/// The interface under an alias such as `eth0:0`, which is no device of its own.
pub(super) fn under_alias(word: &str) -> Option<&str> {
    word.split_once(':').map(|(base, _)| base).filter(|base| !base.is_empty())
}

/// An interface name as the kernel takes it; of an alias, the interface under it.
pub(super) fn interface(word: &str) -> Result<&str, AddressFault<'_>> {
    let word = under_alias(word).unwrap_or(word);
    let plain = !word.is_empty() && word != "." && word != ".." && !word.contains(['/', ':']);
    // A number would be an address, or a netmask, in the wrong place.
    let letter = word.bytes().any(|b| b.is_ascii_alphabetic());
    if plain && letter && word.len() <= MAX_IFACE { Ok(word) } else { Err(AddressFault::Iface(word)) }
}

/// The parts of a service address. Two slashes in a row are one, and one at the end is none, as in Heartbeat since 2.0.
pub(super) fn parts(word: &str) -> impl Iterator<Item = &str> {
    word.split('/').enumerate().filter(|(at, part)| *at == 0 || !part.is_empty()).map(|(_, part)| part)
}

/// Parse one service address.
pub(super) fn parse(word: &str) -> Result<ServiceAddress, AddressFault<'_>> {
    let mut parts = parts(word);
    let head = parts.next().unwrap_or_default();
    let ip: Ipv4Addr = head.parse().map_err(|_| AddressFault::Ip(head))?;
    let octet = ip.octets()[0];
    if ip.is_multicast() || ip.is_loopback() || octet == 0 || octet >= 240 {
        return Err(AddressFault::Use(ip));
    }
    let mut address = ServiceAddress { ip, prefix: None, iface: None, broadcast: None };
    let Some(bits) = parts.next() else { return Ok(address) };
    let prefix = prefix(ip, bits)?;
    address.prefix = Some(prefix);
    if is_edge(ip, mask(prefix)) {
        return Err(AddressFault::Edge(ip, prefix));
    }
    if let Some(third) = parts.next() {
        if third.starts_with(|c: char| c.is_ascii_digit()) {
            address.broadcast = Some(broadcast(third, ip, prefix)?);
        } else {
            address.iface = Some(String::from(interface(third)?));
            if let Some(fourth) = parts.next() {
                address.broadcast = Some(broadcast(fourth, ip, prefix)?);
            }
        }
    }
    match parts.next() {
        Some(rest) => Err(AddressFault::TooMany(rest)),
        None => Ok(address),
    }
}

fn prefix(ip: Ipv4Addr, word: &str) -> Result<u8, AddressFault<'_>> {
    if let Ok(mask) = word.parse::<Ipv4Addr>() {
        let bits = u32::from(mask).leading_ones();
        let whole = u32::from(mask).count_ones() == bits && bits > 0;
        return Err(AddressFault::Prefix(word, u8::try_from(bits).ok().filter(|_| whole)));
    }
    if word.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(interface(word).map_or_else(|fault| fault, |iface| AddressFault::NoPrefix(ip, iface)));
    }
    let digits = word.bytes().all(|b| b.is_ascii_digit());
    word.parse().ok().filter(|bits| digits && (1..=32).contains(bits)).ok_or(AddressFault::Prefix(word, None))
}

/// The netmask of so many bits.
pub(super) const fn mask(bits: u8) -> u32 {
    match bits {
        0 => 0,
        1..=31 => u32::MAX << (32 - bits),
        _ => u32::MAX,
    }
}

/// The address of the network itself, or the broadcast address: of networks that have them, which are those of four addresses
/// and more. The mask of a default route is that of none.
pub(super) fn is_edge(ip: Ipv4Addr, mask: u32) -> bool {
    let hosts = !mask;
    let at = u32::from(ip) & hosts;
    mask != 0 && hosts > 1 && (at == 0 || at == hosts)
}

fn broadcast(word: &str, ip: Ipv4Addr, bits: u8) -> Result<Ipv4Addr, AddressFault<'_>> {
    let address: Ipv4Addr = word.parse().map_err(|_| AddressFault::Broadcast(word))?;
    if (u32::from(address) ^ u32::from(ip)) & mask(bits) != 0 {
        return Err(AddressFault::Outside(address, ip, bits));
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(
        ip: [u8; 4],
        prefix: Option<u8>,
        iface: Option<&str>,
        broadcast: Option<[u8; 4]>,
    ) -> ServiceAddress {
        ServiceAddress {
            ip: ip.into(),
            prefix,
            iface: iface.map(String::from),
            broadcast: broadcast.map(Ipv4Addr::from),
        }
    }

    #[test]
    fn the_forms_of_the_seeds_comments() {
        for (word, expected) in [
            ("192.168.2.50", service([192, 168, 2, 50], None, None, None)),
            ("135.9.8.7/24", service([135, 9, 8, 7], Some(24), None, None)),
            ("135.9.8.7/24/135.9.8.210", service([135, 9, 8, 7], Some(24), None, Some([135, 9, 8, 210]))),
            ("135.9.8.7/24/eth0", service([135, 9, 8, 7], Some(24), Some("eth0"), None)),
            (
                "135.9.8.7/24/eth0/135.9.8.210",
                service([135, 9, 8, 7], Some(24), Some("eth0"), Some([135, 9, 8, 210])),
            ),
            (
                "135.9.216.3/28/eth0/135.9.216.12",
                service([135, 9, 216, 3], Some(28), Some("eth0"), Some([135, 9, 216, 12])),
            ),
            ("10.0.0.0/32", service([10, 0, 0, 0], Some(32), None, None)),
            ("10.0.0.1/", service([10, 0, 0, 1], None, None, None)),
            ("10.0.0.1/24//", service([10, 0, 0, 1], Some(24), None, None)),
            ("10.0.0.1//24/eth0/", service([10, 0, 0, 1], Some(24), Some("eth0"), None)),
        ] {
            assert_eq!(parse(word), Ok(expected), "{word}");
        }
    }

    #[test]
    fn every_fault_says_what_to_write() {
        for (word, text) in [
            (
                "192.168.2",
                "`192.168.2` is not an IPv4 address; write four numbers from 0 to 255, such as 192.168.2.50",
            ),
            (
                "192.168.2.500",
                "`192.168.2.500` is not an IPv4 address; write four numbers from 0 to 255, such as 192.168.2.50",
            ),
            ("127.0.0.1", "127.0.0.1 cannot be a service address; write one of the clients' network"),
            ("225.0.0.1", "225.0.0.1 cannot be a service address; write one of the clients' network"),
            ("10.0.0.1/255.255.255.0", "`255.255.255.0` is a mask, not a number of bits; write /24"),
            ("10.0.0.1/255.0.255.0", "`255.0.255.0` is not a number of mask bits; write /1 to /32"),
            ("10.0.0.1/33", "`33` is not a number of mask bits; write /1 to /32"),
            ("10.0.0.1/0", "`0` is not a number of mask bits; write /1 to /32"),
            ("10.0.0.1/+8", "`+8` is not a number of mask bits; write /1 to /32"),
            (
                "10.0.0.1/eth0",
                "`eth0` stands where the number of mask bits belongs; write `10.0.0.1/24/eth0`",
            ),
            (
                "10.0.0.0/24",
                "10.0.0.0 is the first or last address of its /24 network; write one between them",
            ),
            (
                "10.0.0.255/24",
                "10.0.0.255 is the first or last address of its /24 network; write one between them",
            ),
            (
                "10.0.0.1/24/averyveryverylongname",
                "`averyveryverylongname` is not the name of an interface; write one such as eth0",
            ),
            ("10.0.0.1/24/10.0.0", "`10.0.0` is not a broadcast address; write one such as 192.168.2.255"),
            ("10.0.0.1/24/eth0/x", "`x` is not a broadcast address; write one such as 192.168.2.255"),
            (
                "10.0.0.1/24/10.0.1.255",
                "broadcast address 10.0.1.255 is outside 10.0.0.1/24; write one inside it, or none",
            ),
            (
                "10.0.0.1/24/10.0.0.255/eth0",
                "`eth0` is too much; write ADDRESS/BITS/INTERFACE/BROADCAST, or less of it from the right",
            ),
        ] {
            assert_eq!(parse(word).map_err(|fault| fault.to_string()), Err(String::from(text)), "{word}");
        }
    }

    #[test]
    fn a_word_is_taken_for_an_address_by_its_look() {
        assert!(is_address("192.168.2.50") && is_address("192.168.2") && is_address("1.2.3.4/24/eth0"));
        assert!(!is_address("jdmail") && !is_address("3.14") && !is_address("rc.d.x.y") && !is_address("7"));
    }

    #[test]
    fn the_ends_of_a_network_are_no_hosts() {
        let odd = |mask, last| is_edge(Ipv4Addr::new(192, 168, 2, last), mask);
        assert!(odd(0xFFFF_FF00, 0) && odd(0xFFFF_FF00, 255) && odd(0xFFFF_FFC0, 63));
        assert!(!odd(0xFFFF_FF00, 1) && !odd(0xFFFF_FF00, 63));
        // Networks of one or two addresses have hosts alone, and a default route is no network.
        assert!(!odd(0xFFFF_FFFF, 0) && !odd(0xFFFF_FFFE, 1) && !odd(0, 255));
    }
}
