//! The names that must agree: this machine's own, and those that one line takes from another.

use super::finding::Report;
use super::ha_cf::{At, HaCf};
use super::haresources::host;
use super::settings::{FenceDevice, Group, Medium};
use core::net::Ipv4Addr;

/// Own and peer name, if `ha.cf` names two nodes and one of them is this one. `given` comes from `--node`,
/// `machine` from `uname -n`.
pub(super) fn own_and_peer(
    cf: &HaCf,
    given: Option<&str>,
    machine: &str,
    report: &mut Report<'_>,
) -> Option<(String, String)> {
    let [first, second] = cf.nodes.as_slice() else {
        match cf.nodes.as_slice() {
            _ if cf.bad_node => {}
            [only] => report.error(
                only.line,
                format_args!(
                    "`{}` is the only node; write a second `node` line with the other one",
                    only.value
                ),
            ),
            _ => {
                report.error(1, format_args!("there is no `node` line; write one for each of the two nodes"))
            }
        }
        return None;
    };
    short_beside_long(first, second, report);
    let name = given.unwrap_or(machine);
    if name == first.value {
        return Some((first.value.clone(), second.value.clone()));
    }
    if name == second.value {
        return Some((second.value.clone(), first.value.clone()));
    }
    let (a, b) = (&first.value, &second.value);
    if let Some(own) = cf.nodes.iter().find(|n| n.value.eq_ignore_ascii_case(name)) {
        let peer = if own.value == *a { b } else { a };
        report.warn(
            own.line,
            format_args!(
                "node `{0}` differs in case from this machine's name `{1}`, and is taken for it, as Heartbeat does",
                own.value,
                name.escape_default()
            ),
        );
        return Some((own.value.clone(), peer.clone()));
    }
    let near = cf.nodes.iter().find(|n| host(&n.value).eq_ignore_ascii_case(host(name)));
    // The name came from outside: no control character of it reaches a terminal.
    let shown = name.escape_default();
    match (given, near) {
        (Some(_), _) => report.error(
            first.line,
            format_args!("--node `{shown}` is not in ha.cf, which names `{a}` and `{b}`; write one of these"),
        ),
        (None, Some(near)) => report.error(
            near.line,
            format_args!(
                "current node `{shown}` (uname -n) is not in ha.cf, which names `{a}` and `{b}`; \
                 write `node {shown}` instead of `{}`, here and in haresources",
                near.value
            ),
        ),
        (None, None) => report.error(
            first.line,
            format_args!(
                "current node `{shown}` (uname -n) is not in ha.cf, which names `{a}` and `{b}`; \
                 write its name into a `node` line, or say which one this is with --node"
            ),
        ),
    }
    None
}

/// The two nodes make a cluster only if both files write the same two names, but for case. One file that names its own node by
/// its host name alone, and the other with a domain, is what a file looks like that does not.
fn short_beside_long(first: &At<String>, second: &At<String>, report: &mut Report<'_>) {
    let domain = |name: &str| name.len() > host(name).len();
    let (short, long) = match (domain(&first.value), domain(&second.value)) {
        (false, true) => (first, second),
        (true, false) => (second, first),
        _ => return,
    };
    report.warn(
        long.line,
        format_args!(
            "node `{}` has a domain and `{}` (line {}) has none: the other node's file must have the same two names, or the \
             two do not hear each other; write what `uname -n` prints on each",
            long.value, short.value, short.line
        ),
    );
}

/// What the lines of `ha.cf` say about each other and about the service addresses.
pub(super) fn cross(cf: &HaCf, groups: &[At<Group>], report: &mut Report<'_>) {
    let service = |ip: Ipv4Addr| {
        let of =
            |g: &At<Group>| g.value.resources.iter().any(|r| r.address.as_ref().is_some_and(|a| a.ip == ip));
        groups.iter().find(|g| of(g)).map(|g| g.line)
    };
    if !cf.any_medium {
        report.error(
            1,
            format_args!(
                "there is no heartbeat medium; write for example `bcast eth1` or `serial /dev/ttyS0`"
            ),
        );
    }
    for ping in &cf.pings {
        if cf.nodes.iter().any(|n| n.value.eq_ignore_ascii_case(&ping.value.name)) {
            report.error(
                ping.line,
                format_args!(
                    "`{}` is a node and cannot be a ping node; write a router's address",
                    ping.value.name
                ),
            );
        }
        for ip in &ping.value.members {
            if let Some(line) = service(*ip) {
                report.error(
                    ping.line,
                    format_args!(
                        "{ip} is a service address (haresources:{line}), which always answers its holder; \
                         write a router's address"
                    ),
                );
            }
        }
    }
    for link in &cf.links {
        if let Medium::Ucast { peer, iface, .. } = &link.value
            && let Some(line) = service(*peer)
        {
            report.error(
                link.line,
                format_args!(
                    "{peer} is a service address (haresources:{line}), which moves; \
                     write `ucast {iface}` and the peer's own address"
                ),
            );
        }
    }
    for host in &cf.stonith_hosts {
        let name = &host.value.0;
        if name != "*" && cf.nodes.iter().all(|n| !n.value.eq_ignore_ascii_case(name)) {
            report.error(
                host.line,
                format_args!("stonith_host: `{name}` is neither a node of ha.cf nor `*`; write one of these"),
            );
        }
        if let Some(fence) = &cf.fence {
            report.error(
                host.line,
                format_args!(
                    "line {} names another fence, and a node has one; keep one of the two",
                    fence.line
                ),
            );
        }
    }
    if let Some(At { value: FenceDevice::ModemLine { device, .. }, line }) = &cf.fence
        && cf.serial_rtscts.is_some_and(|rtscts| rtscts.value)
        && cf
            .links
            .iter()
            .any(|link| matches!(&link.value, Medium::Serial { device: of, .. } if of == device))
    {
        report.error(
            *line,
            format_args!(
                "`serial_rtscts on` moves RTS of {0}, which fires the fence; write `serial_rtscts off`, or another port",
                device.display()
            ),
        );
    }
    #[cfg(feature = "bridge")]
    super::bridge::faults(cf, report);
    let idle = [
        ("fence_delay", cf.fence_delay.map(|at| at.line)),
        ("fence_failed", cf.fence_failed.map(|at| at.line)),
        ("startup_fence", cf.startup_fence.map(|at| at.line)),
    ];
    for (name, line) in idle.into_iter().filter(|_| !cf.any_fence()) {
        if let Some(line) = line {
            report.warn(
                line,
                format_args!(
                    "`{name}` has no effect without a fence; write a `fence` line too, or remove this one"
                ),
            );
        }
    }
    if let Some(busy) = cf.watchdog_busy
        && cf.watchdog.is_none()
    {
        report.warn(
            busy.line,
            format_args!(
                "`watchdog_busy` has no effect without a watchdog; write `watchdog /dev/watchdog` too"
            ),
        );
    }
    if let Some(isolated) = cf.isolated
        && cf.pings.is_empty()
    {
        report.warn(
            isolated.line,
            format_args!(
                "`isolated` has no effect without a ping node; write for example `ping 192.168.2.1` too"
            ),
        );
    }
}
