//! Interfaces and routes for links, ping nodes and service addresses.

use super::machine::{Machine, Right};
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
use std::fs;
use std::path::{Path, PathBuf};
use std::string::String;
use std::vec::Vec;

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

/// A route leads to each ping node, and ICMP may be sent.
pub(super) fn pings(machine: &Machine, cf: &HaCf, report: &mut Report<'_>) {
    for ping in &cf.pings {
        for ip in &ping.value.members {
            if machine.route_to(*ip).is_none() {
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
        if let Some((file, at)) = fixed(&paths.etc_dir, ip) {
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

/// Where the network's own configuration (Red Hat's, Debian's) sets this address, and in which line.
fn fixed(etc: &Path, ip: Ipv4Addr) -> Option<(PathBuf, usize)> {
    let scripts = fs::read_dir(etc.join("sysconfig/network-scripts")).into_iter().flatten().flatten();
    let named = scripts.map(|entry| entry.path()).filter(|path| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("ifcfg-"))
    });
    let mut files: Vec<PathBuf> = named.collect();
    files.sort();
    files.push(etc.join("network/interfaces"));
    let sets = |line: &str| {
        let line = line.trim_start();
        let value = match line.split_once('=') {
            Some((name, value)) if name.starts_with("IPADDR") => value,
            _ => line.strip_prefix("address").unwrap_or_default(),
        };
        let value = value.trim().trim_matches(['"', '\'']);
        value.split('/').next().and_then(|word| word.parse().ok()) == Some(ip)
    };
    files.into_iter().find_map(|file| {
        let text = String::from_utf8_lossy(&read_text(&file)).into_owned();
        let at = text.lines().position(sets)? + 1;
        Some((file, at))
    })
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
