//! Interfaces and routes for links, ping nodes and service addresses.

use super::machine::{Machine, Right};
use super::{Running, elsewhere};
use crate::config::Paths;
use crate::config::address;
use crate::config::files::read_text;
use crate::config::finding::Report;
use crate::config::ha_cf::{At, HaCf};
use crate::config::settings::{Group, Medium};
use crate::sys::errno::Errno;
use crate::sys::iface::{self, IfName};
use core::fmt;
use core::net::Ipv4Addr;

/// The interface of each link exists, and its port may be bound.
pub(super) fn links(machine: &Machine, cf: &HaCf, report: &mut Report<'_>) {
    for link in &cf.links {
        let (port, peer) = match &link.value {
            Medium::Serial { .. } => continue,
            Medium::Bcast { port, .. } | Medium::Mcast { port, .. } => (*port, None),
            Medium::Ucast { port, peer, .. } => (*port, Some(*peer)),
        };
        let found = link.value.iface().is_none_or(|iface| interface(machine, iface, link.line, report));
        if let Some(ip) = peer.filter(|ip| found && machine.route_to(*ip).is_none()) {
            report.lacks(
                link.line,
                format_args!(
                    "no route leads to {ip}; bring the interface up, or write an address on its network"
                ),
            );
        }
        if port < 1024 && !machine.may(Right::NetBindService) {
            report.lacks(
                link.line,
                format_args!("`{}` takes UDP port {port}, which only root may; run as root", link.value),
            );
        }
    }
}

/// A route leads to each ping node, ICMP may be sent, and an answer says something: neither this machine nor the peer
/// is asked.
pub(super) fn pings(paths: &Paths, machine: &Machine, cf: &HaCf, report: &mut Report<'_>) {
    for ping in &cf.pings {
        for ip in &ping.value.members {
            if ip.is_loopback() || matches!(iface::holding(*ip), Ok(Some(_))) {
                report.lacks(
                    ping.line,
                    format_args!(
                        "ping node {ip} is this machine itself, which always answers: a node that is cut off would never \
                         know; write a router's address"
                    ),
                );
            } else if let Some(from) = of_the_peer(paths, cf, *ip) {
                report.lacks(
                    ping.line,
                    format_args!(
                        "ping node {ip} is the other node ({from}): when that dies, this one would take itself for the \
                         isolated one and claim nothing; write a router's address"
                    ),
                );
            } else if let Some(route) = machine.route_to(*ip) {
                if address::is_edge(*ip, route.mask) {
                    report.lacks(
                        ping.line,
                        format_args!(
                            "ping node {ip} is a network's own address or its broadcast address, which no host has; write a \
                             router's address"
                        ),
                    );
                }
            } else {
                report.lacks(
                    ping.line,
                    format_args!(
                        "no route leads to ping node {ip}; write an address that this machine reaches"
                    ),
                );
            }
        }
        if !machine.may(Right::NetRaw) {
            report.lacks(
                ping.line,
                format_args!("`ping {}` sends ICMP, which only root may; run as root", ping.value.name),
            );
        }
    }
}

/// Where it stands that `ip` is a node's address: a `ucast` line, or the machine's table of hosts.
fn of_the_peer(paths: &Paths, cf: &HaCf, ip: Ipv4Addr) -> Option<String> {
    let link = |l: &&At<Medium>| matches!(l.value, Medium::Ucast { peer, .. } if peer == ip);
    if let Some(link) = cf.links.iter().find(link) {
        return Some(format!("line {}", link.line));
    }
    let hosts = paths.etc_dir.join("hosts");
    let text = String::from_utf8_lossy(&read_text(&hosts)).into_owned();
    let names = |line: &str| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let here = words.next().and_then(|word| word.parse().ok()) == Some(ip);
        let node = |word: &str| cf.nodes.iter().any(|node| node.value.eq_ignore_ascii_case(word));
        here && words.any(|word| node(word) || word.split('.').next().is_some_and(node))
    };
    let at = text.lines().position(names)? + 1;
    Some(format!("{}:{at}", hosts.display()))
}

/// No service address is on this machine while nobody has put it there: the peer could not use it.
pub(super) fn here(running: Option<&Running>, groups: &[At<Group>], report: &mut Report<'_>) {
    for group in groups {
        if running.is_some_and(|daemon| daemon.holds.contains(&group.value.name)) {
            continue;
        }
        for resource in &group.value.resources {
            let Some(address) = &resource.address else { continue };
            let ip = address.ip;
            if let Ok(Some(iface)) = iface::holding(ip) {
                report.lacks(
                    resource.line,
                    format_args!(
                        "service address {ip} is on {iface} of this machine now, and no hbd put it there: two machines \
                         would answer for it; write an address that no machine has of its own, or take it away with \
                         `ip addr del {ip} dev {iface}`"
                    ),
                );
            }
        }
    }
}

/// There is an interface for each service address, and nobody else sets the address.
pub(super) fn services(paths: &Paths, machine: &Machine, groups: &[At<Group>], report: &mut Report<'_>) {
    for resource in groups.iter().flat_map(|g| &g.value.resources) {
        let Some(address) = &resource.address else { continue };
        let ip = address.ip;
        if !machine.may(Right::NetAdmin) {
            report.lacks(
                resource.line,
                format_args!("service address {ip} can be set by root only; run as root"),
            );
        }
        if let Some((file, at)) = elsewhere::fixed(&paths.etc_dir, ip) {
            report.lacks(
                resource.line,
                format_args!(
                    "service address {ip} is set at every boot ({}:{at}), on the standby node as well; \
                     take it out there, for hbd sets it",
                    file.display()
                ),
            );
        }
        if let Some(iface) = &address.iface {
            interface(machine, iface, resource.line, report);
            continue;
        }
        match machine.route_to(ip) {
            None => report.lacks(
                resource.line,
                format_args!(
                    "no route leads to service address {ip}, so it has no interface; \
                     bring the interface up, or write `{ip}/24/eth0`"
                ),
            ),
            Some(route) if route.mask == address::mask(0) || route.gateway => report.warn(
                resource.line,
                format_args!(
                    "only a route through a router leads to service address {ip}, by {0}; \
                     write `{ip}/24/{0}` with the right number of mask bits",
                    route.iface
                ),
            ),
            Some(_) => {}
        }
    }
}

fn interface(machine: &Machine, name: &str, line: u32, report: &mut Report<'_>) -> bool {
    if machine.interfaces.iter().any(|i| i == name) {
        return match IfName::new(name).map(|n| iface::usable(&n)) {
            Some(Err(Errno::NET_DOWN)) => {
                report.lacks(line, format_args!("interface `{name}` is down; run `ifconfig {name} up`"));
                false
            }
            Some(Err(Errno::NO_ADDRESS)) => {
                report.lacks(
                    line,
                    format_args!("interface `{name}` has no IPv4 address; run `ifconfig {name} ADDRESS`"),
                );
                false
            }
            _ => true,
        };
    }
    let names = Names(machine.interfaces.iter().filter(|i| *i != "lo").collect());
    report.lacks(line, format_args!("interface `{name}` is not there; {names}"));
    false
}

/// The interfaces that there are, as advice.
struct Names<'a>(Vec<&'a String>);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, rest)) = self.0.split_first() else { return f.write_str("load its driver") };
        write!(f, "load its driver, or write one that is: {first}")?;
        // A machine with hundreds of virtual ones does not need them all in every line.
        rest.iter().take(7).try_for_each(|name| write!(f, ", {name}"))
    }
}
