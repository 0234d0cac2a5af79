//! The two nodes, and the ping nodes outside the cluster.

use super::directive::Directive;
use super::{At, HaCf};
use crate::config::finding::Report;
use crate::config::settings::Ping;
use core::net::Ipv4Addr;
use hb_core::config::{MAX_NAME, MAX_PINGS};

/// Members of a `ping_group` at most.
const MAX_MEMBERS: usize = 8;

/// `node NAME...`, two in all.
pub(super) fn node(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    if d.args.is_empty() {
        report.error(d.line, format_args!("`node` names nobody; write for example `node ha-1`"));
    }
    for word in d.args {
        let name = word.text;
        let fits = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
        if let Some(plain) = name.strip_suffix('.').filter(|_| fits) {
            cf.bad_node = true;
            report.error(
                d.line,
                format_args!("node `{name}` ends in a dot, and no machine's name does; write `{plain}`"),
            );
        } else if !fits || name.len() > MAX_NAME {
            cf.bad_node = true;
            report.error(
                d.line,
                format_args!(
                    "`{name}` is not a node name; write what `uname -n` prints, at most {MAX_NAME} bytes"
                ),
            );
        } else if let Some(first) = cf.nodes.iter().find(|n| n.value.eq_ignore_ascii_case(name)) {
            report.error(d.line, format_args!("node `{name}` is already in line {}; remove one", first.line));
        } else if let [first, second] = cf.nodes.as_slice() {
            report.error(
                d.line,
                format_args!(
                    "`{name}` is a third node beside {} and {}, and hbd runs two; remove it, or use Pacemaker",
                    first.value, second.value
                ),
            );
        } else {
            cf.nodes.push(At { value: String::from(name), line: d.line });
        }
    }
}

/// `ping ADDRESS...`
pub(super) fn ping(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    if d.args.is_empty() {
        report.error(d.line, format_args!("`ping` names no host; write for example `ping 192.168.2.1`"));
    }
    for word in d.args {
        if let Some(ip) = address(d, word.text, report) {
            add(cf, d, Ping { name: String::from(word.text), members: Vec::from([ip]) }, report);
        }
    }
}

/// `ping_group NAME ADDRESS...`
pub(super) fn ping_group(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    let [name, hosts @ ..] = d.args else {
        report.error(
            d.line,
            format_args!(
                "`ping_group` has no name; write for example `ping_group net 192.168.2.1 192.168.2.2`"
            ),
        );
        return;
    };
    let name = name.text;
    if hosts.is_empty() || hosts.len() > MAX_MEMBERS {
        report.error(
            d.line,
            format_args!("ping_group `{name}` has {} addresses; write 1 to {MAX_MEMBERS}", hosts.len()),
        );
        return;
    }
    let members: Vec<Ipv4Addr> = hosts.iter().filter_map(|w| address(d, w.text, report)).collect();
    if members.len() == hosts.len() {
        add(cf, d, Ping { name: String::from(name), members }, report);
    }
}

fn address(d: &Directive<'_>, word: &str, report: &mut Report<'_>) -> Option<Ipv4Addr> {
    let usable = |ip: &Ipv4Addr| !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast();
    let ip = word.parse::<Ipv4Addr>().ok().filter(usable);
    if ip.is_none() {
        report.error(
            d.line,
            format_args!(
                "{}: `{word}` is not the IPv4 address of a host, and names are not looked up; \
                 write for example `192.168.2.1`",
                d.name
            ),
        );
    }
    ip
}

fn add(cf: &mut HaCf, d: &Directive<'_>, mut ping: Ping, report: &mut Report<'_>) {
    ping.members.retain(|ip| {
        let first = cf.pings.iter().find(|p| p.value.members.contains(ip));
        if let Some(first) = first {
            report.warn(d.line, format_args!("{ip} is already pinged by line {}; remove one", first.line));
        }
        first.is_none()
    });
    if ping.members.is_empty() {
        return;
    }
    if let Some(first) = cf.pings.iter().find(|p| p.value.name == ping.name) {
        report.error(
            d.line,
            format_args!("`{}` is already the name of line {}; write another", ping.name, first.line),
        );
    } else if cf.pings.len() == MAX_PINGS {
        report.error(
            d.line,
            format_args!(
                "`{}` is one ping node too many; write at most {MAX_PINGS}, or a ping_group",
                ping.name
            ),
        );
    } else {
        cf.pings.push(At { value: ping, line: d.line });
    }
}
