//! The heartbeat media, and the two directives that must stand before them.

use super::directive::Directive;
use super::{At, HaCf};
use crate::config::address::interface;
use crate::config::finding::Report;
use crate::config::lexer::Word;
use crate::config::settings::Medium;
use core::fmt;
use core::net::Ipv4Addr;
use hb_core::config::MAX_LINKS;

/// The line speed that holds without `baud`.
pub(in crate::config) const DEFAULT_BAUD: u32 = 19_200;
/// The port that holds without `udpport`.
pub(in crate::config) const DEFAULT_PORT: u16 = 694;

/// The line speeds that can be set.
const SPEEDS: [u32; 10] = [1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800];

/// `baud SPEED`, before `serial`.
pub(super) fn baud(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    let Some(word) = d.value("19200", report) else { return };
    let Some(speed) = word.parse().ok().filter(|s| SPEEDS.contains(s)) else {
        report.error(
            d.line,
            format_args!(
                "baud: `{word}` is not a line speed; write 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, \
                 230400 or 460800"
            ),
        );
        return;
    };
    let early = cf.links.iter().find(|l| matches!(l.value, Medium::Serial { baud, .. } if baud != speed));
    if cf.baud.is_none()
        && let Some(link) = early
    {
        too_late(d, word, link, DEFAULT_BAUD, report);
    }
    d.set(&mut cf.baud, speed, report);
}

/// `udpport PORT`, before `bcast` and `ucast`.
pub(super) fn udpport(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    let Some(port) = d.number(1, 65_535, "694", report).and_then(|p| u16::try_from(p).ok()) else { return };
    let early = cf.links.iter().find(|l| match l.value {
        Medium::Bcast { port: of_link, .. } | Medium::Ucast { port: of_link, .. } => of_link != port,
        Medium::Serial { .. } | Medium::Mcast { .. } => false,
    });
    if cf.udpport.is_none()
        && let Some(link) = early
    {
        too_late(d, &port.to_string(), link, u32::from(DEFAULT_PORT), report);
    }
    d.set(&mut cf.udpport, port, report);
}

fn too_late(d: &Directive<'_>, word: &str, link: &At<Medium>, default: u32, report: &mut Report<'_>) {
    report.error(
        d.line,
        format_args!(
            "`{0} {word}` comes after `{1}` of line {2}, which takes {default}; write it before line {2}",
            d.name, link.value, link.line
        ),
    );
}

/// `serial DEVICE...`
pub(super) fn serial(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    if d.args.is_empty() {
        report.error(d.line, format_args!("`serial` names no device; write for example `serial /dev/ttyS0`"));
    }
    let baud = cf.baud.map_or(DEFAULT_BAUD, |b| b.value);
    for word in d.args {
        if let Some(device) = d.path(word.text, "/dev/ttyS0", report) {
            add(cf, d, Medium::Serial { device, baud, rtscts: false }, report);
        }
    }
}

/// `bridge DEVICE`: a serial line with a bridge behind it.
pub(super) fn bridge(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    if !cfg!(feature = "bridge") {
        report.error(
            d.line,
            format_args!("this build does not know `bridge`; write `serial`, or take hbd-full"),
        );
        return;
    }
    let Some(word) = d.value("/dev/ttyS0", report) else { return };
    let Some(device) = d.path(word, "/dev/ttyS0", report) else { return };
    let first = cf.bridge.is_none();
    d.set(&mut cf.bridge, device.clone(), report);
    if first {
        let baud = cf.baud.map_or(DEFAULT_BAUD, |b| b.value);
        add(cf, d, Medium::Serial { device, baud, rtscts: false }, report);
    }
}

/// `bcast INTERFACE...`
pub(super) fn bcast(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    if d.args.is_empty() {
        report.error(d.line, format_args!("`{}` names no interface; write for example `bcast eth1`", d.name));
    }
    let port = cf.udpport.map_or(DEFAULT_PORT, |p| p.value);
    for word in d.args {
        if let Some(iface) = iface(d, word.text, report) {
            add(cf, d, Medium::Bcast { iface, port }, report);
        }
    }
}

/// `udp INTERFACE...`: the oldest name of `bcast`.
pub(super) fn udp(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    report.warn(d.line, format_args!("`udp` is the old name of `bcast`; write `bcast`"));
    bcast(cf, d, report);
}

/// `mcast INTERFACE GROUP PORT TTL LOOP`
pub(super) fn mcast(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    let [dev, group, port, ttl, lo] = d.args else {
        report.error(
            d.line,
            format_args!(
                "`mcast` takes an interface, a group, a port, a ttl and a loop flag, and has {} of these 5; write `{}`",
                d.args.len(),
                Completed(d.args)
            ),
        );
        return;
    };
    let iface = iface(d, dev.text, report);
    let address = group.text.parse::<Ipv4Addr>().ok().filter(Ipv4Addr::is_multicast);
    if address.is_none() {
        report.error(
            d.line,
            format_args!(
                "mcast: `{}` is not a multicast group; write one of 224.0.0.0 to 239.255.255.255, such as 225.0.0.1",
                group.text
            ),
        );
    }
    let port = d.number_of("port", port.text, 1, 65_535, report).and_then(|n| u16::try_from(n).ok());
    let ttl = d.number_of("ttl", ttl.text, 0, 255, report).and_then(|n| u8::try_from(n).ok());
    let loopback = d.number_of("loop", lo.text, 0, 1, report).map(|n| n == 1);
    let (Some(iface), Some(group), Some(port), Some(ttl), Some(loopback)) =
        (iface, address, port, ttl, loopback)
    else {
        return;
    };
    if ttl == 0 {
        report.warn(d.line, format_args!("mcast: ttl 0 never leaves this machine; write ttl 1"));
    }
    add(cf, d, Medium::Mcast { iface, group, port, ttl, loopback }, report);
}

/// The words of an `mcast` line, cut to five or filled up with usual ones.
struct Completed<'a>(&'a [Word<'a>]);

impl fmt::Display for Completed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("mcast")?;
        let usual = ["eth1", "225.0.0.1", "694", "1", "0"];
        usual
            .iter()
            .enumerate()
            .try_for_each(|(at, usual)| write!(f, " {}", self.0.get(at).map_or(*usual, |word| word.text)))
    }
}

/// `ucast INTERFACE PEER`
pub(super) fn ucast(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    let [dev, host] = d.args else {
        report.error(
            d.line,
            format_args!(
                "`ucast` takes an interface and the peer's address, and has {} of these 2; \
                 write for example `ucast eth0 192.168.0.112`",
                d.args.len()
            ),
        );
        return;
    };
    let iface = iface(d, dev.text, report);
    let usable = |ip: &Ipv4Addr| !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast();
    let peer = host.text.parse::<Ipv4Addr>().ok().filter(usable);
    if peer.is_none() {
        report.error(
            d.line,
            format_args!(
                "ucast: `{}` is not the IPv4 address of a host, and names are not looked up; \
                 write for example `ucast {} 192.168.0.112`",
                host.text, dev.text
            ),
        );
    }
    if let (Some(iface), Some(peer)) = (iface, peer) {
        let port = cf.udpport.map_or(DEFAULT_PORT, |p| p.value);
        add(cf, d, Medium::Ucast { iface, peer, port }, report);
    }
}

/// `hopfudge N`: checked, and said to do nothing.
pub(super) fn hopfudge(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    let Some(hops) = d.number(0, 255, "1", report).and_then(|n| u8::try_from(n).ok()) else { return };
    d.set(&mut cf.hopfudge, hops, report);
    report.warn(
        d.line,
        format_args!(
            "`hopfudge` has no effect: heartbeats of two nodes are never forwarded; remove the line"
        ),
    );
}

fn iface(d: &Directive<'_>, word: &str, report: &mut Report<'_>) -> Option<String> {
    match interface(word) {
        Ok(name) => {
            if name != word {
                report.warn(
                    d.line,
                    format_args!(
                        "{}: `{word}` is an alias, which is no device of its own: `{name}` is used; write `{name}`",
                        d.name
                    ),
                );
            }
            Some(String::from(name))
        }
        Err(fault) => {
            report.error(d.line, format_args!("{}: {fault}", d.name));
            None
        }
    }
}

fn add(cf: &mut HaCf, d: &Directive<'_>, medium: Medium, report: &mut Report<'_>) {
    let name = medium.to_string();
    if let Some(first) = cf.links.iter().find(|l| l.value.to_string() == name) {
        // Heartbeat sent each beat twice then; once says the same.
        report.warn(
            d.line,
            format_args!(
                "`{name}` is already in line {}, and one link of it is used; remove one",
                first.line
            ),
        );
    } else if cf.links.len() == MAX_LINKS {
        report.error(d.line, format_args!("`{name}` is one link too many; write at most {MAX_LINKS}"));
    } else {
        cf.links.push(At { value: medium, line: d.line });
    }
}
