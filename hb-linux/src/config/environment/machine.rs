//! What `/proc` says about this machine. These files are the same from kernel 2.4 to today.

use crate::config::files::read_text;
use core::net::Ipv4Addr;
use std::path::Path;

/// Capability numbers of `linux/capability.h`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Right {
    NetBindService = 10,
    NetAdmin = 12,
    NetRaw = 13,
    IpcLock = 14,
    SysNice = 23,
}

/// One line of `/proc/net/route`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Route {
    pub(super) iface: String,
    pub(super) network: u32,
    pub(super) mask: u32,
    /// Not directly on the interface, but behind a router.
    pub(super) gateway: bool,
}

/// The facts.
#[derive(Clone, Default, Debug)]
pub(super) struct Machine {
    /// Names of all interfaces; none if `/proc/net/dev` cannot be read.
    pub(super) interfaces: Vec<String>,
    /// The IPv4 routes that are up.
    pub(super) routes: Vec<Route>,
    /// Whether some driver registered itself as the watchdog, 10:130.
    pub(super) watchdog_driver: bool,
    /// The kernel's version, such as `2.4.20-8`; empty if it cannot be read.
    pub(super) release: String,
    /// The kernel's command line.
    pub(super) cmdline: String,
    capabilities: u64,
    /// Inside a user namespace, where capabilities count less than they look.
    namespaced: bool,
    /// `ulimit -l` in bytes.
    pub(super) lock_limit: u64,
    /// `ulimit -r`.
    pub(super) rt_limit: u64,
}

impl Machine {
    /// Read the facts below `proc`.
    pub(super) fn read(proc: &Path) -> Self {
        let text = |name: &str| String::from_utf8_lossy(&read_text(&proc.join(name))).into_owned();
        let limits = text("self/limits");
        let status = text("self/status");
        let capabilities = status.lines().find_map(|l| l.strip_prefix("CapEff:"));
        let uid_map = text("self/uid_map");
        Self {
            interfaces: interfaces(&text("net/dev")),
            routes: text("net/route").lines().skip(1).filter_map(route).collect(),
            watchdog_driver: text("misc").lines().any(|l| l.split_whitespace().eq(["130", "watchdog"])),
            release: text("sys/kernel/osrelease").trim().to_owned(),
            cmdline: text("cmdline"),
            capabilities: capabilities.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0),
            namespaced: !uid_map.is_empty() && !uid_map.split_whitespace().eq(["0", "0", "4294967295"]),
            lock_limit: limit(&limits, "Max locked memory"),
            rt_limit: limit(&limits, "Max realtime priority"),
        }
    }

    /// May a process of ours do this by its capabilities?
    pub(super) fn may(&self, right: Right) -> bool {
        // These two are asked for outside of any user namespace.
        let outside = matches!(right, Right::IpcLock | Right::SysNice);
        self.capabilities >> (right as u32) & 1 == 1 && !(outside && self.namespaced)
    }

    /// The most specific route to an address.
    pub(super) fn route_to(&self, ip: Ipv4Addr) -> Option<&Route> {
        let to = |r: &&Route| u32::from(ip) & r.mask == r.network;
        self.routes.iter().filter(to).max_by_key(|r| r.mask)
    }
}

fn interfaces(dev: &str) -> Vec<String> {
    dev.lines().filter_map(|l| l.rsplit_once(':')).map(|(name, _)| String::from(name.trim())).collect()
}

fn route(line: &str) -> Option<Route> {
    // The kernel prints the network-order words as native numbers.
    let address = |hex: &str| Some(u32::from_be_bytes(u32::from_str_radix(hex, 16).ok()?.to_ne_bytes()));
    let mut fields = line.split_whitespace();
    let (iface, network) = (fields.next()?, address(fields.next()?)?);
    let flags = u32::from_str_radix(fields.nth(1)?, 16).ok()?;
    let mask = address(fields.nth(3)?)?;
    let (up, gateway, reject) = (flags & 1 != 0, flags & 2 != 0, flags & 0x200 != 0);
    (up && !reject).then(|| Route { iface: String::from(iface), network, mask, gateway })
}

/// The soft limit of this name; 0 where there is no such file or line.
fn limit(limits: &str, name: &str) -> u64 {
    let soft =
        limits.lines().find_map(|l| l.strip_prefix(name)).and_then(|rest| rest.split_whitespace().next());
    match soft {
        Some("unlimited") => u64::MAX,
        Some(number) => number.parse().unwrap_or(0),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_of_both_spacings() {
        let dev = "Inter-|   Receive  |  Transmit\n face |bytes packets|bytes\n    lo:1000 1\n  eth0: 5 1\neth1:5 1\n";
        assert_eq!(interfaces(dev), ["lo", "eth0", "eth1"]);
        assert!(interfaces("").is_empty());
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn routes_as_the_kernel_prints_them() {
        let line = "eth0\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0";
        let expected =
            Route { iface: String::from("eth0"), network: 0xC0A8_0200, mask: 0xFFFF_FF00, gateway: false };
        assert_eq!(route(line), Some(expected.clone()));
        assert_eq!(route("eth0\t0002A8C0\t00000000\t0201\t0\t0\t0\t00FFFFFF\t0\t0\t0"), None);
        assert_eq!(route("eth0 x"), None);
        let default = Route { iface: String::from("eth1"), network: 0, mask: 0, gateway: true };
        let machine = Machine { routes: vec![default.clone(), expected.clone()], ..Machine::default() };
        assert_eq!(machine.route_to(Ipv4Addr::new(192, 168, 2, 50)), Some(&expected));
        assert_eq!(machine.route_to(Ipv4Addr::new(10, 0, 0, 1)), Some(&default));
    }

    #[test]
    fn limits_and_capabilities() {
        let text = "Limit   Soft  Hard  Units\nMax locked memory         65536  65536  bytes\nMax realtime priority     unlimited unlimited\n";
        assert_eq!(
            (limit(text, "Max locked memory"), limit(text, "Max realtime priority")),
            (65_536, u64::MAX)
        );
        assert_eq!(limit("", "Max locked memory"), 0);
        let mut machine = Machine { capabilities: 1 << 14 | 1 << 13, ..Machine::default() };
        assert!(machine.may(Right::IpcLock) && machine.may(Right::NetRaw) && !machine.may(Right::SysNice));
        machine.namespaced = true;
        assert!(!machine.may(Right::IpcLock) && machine.may(Right::NetRaw));
    }
}
