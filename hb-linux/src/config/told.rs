//! What a daemon that runs on this machine has found out, and no file says: `hbd check` names it at the line that mends it.

use super::Parsed;
use super::environment::Running;
use super::finding::{Findings, Report};
use super::settings::Medium;
use crate::control::words::Whose;

pub(super) fn examine(parsed: &Parsed, daemon: &Running, findings: &mut Findings) {
    let cf = &parsed.ha_cf;
    let node = |name: &str| {
        let line = cf.nodes.iter().find(|n| n.value.eq_ignore_ascii_case(name)).map(|n| n.line);
        line.or(cf.nodes.first().map(|n| n.line)).unwrap_or(1)
    };
    // The file itself may have said so.
    let known: Vec<u32> =
        findings.as_slice().iter().filter(|f| f.text.starts_with("ping node ")).map(|f| f.line).collect();
    let report = &mut Report::new(&parsed.ha_cf_file, findings);
    if let Some(name) = &daemon.foreign {
        report.warn(
            node(name),
            format_args!(
                "node {name} runs Linux-HA Heartbeat, as the daemon here hears: nothing is claimed against it; \
                 install hbd there too"
            ),
        );
    }
    if daemon.twin {
        report.lacks(
            node(&daemon.own),
            format_args!(
                "another machine calls itself {}, as the daemon here hears, and nothing new is claimed here; stop hbd on the \
                 wrong one, and give it a name of its own (hostname, or --node)",
                daemon.own
            ),
        );
    }
    for (host, whose) in &daemon.mirrors {
        let Some(ping) = cf.pings.iter().find(|ping| ping.value.name == *host) else { continue };
        if known.contains(&ping.line) {
            continue;
        }
        let what = if *whose == Whose::Own { "this machine itself" } else { "the other node" };
        report.lacks(
            ping.line,
            format_args!(
                "ping node {host} is {what}, as the daemon here sees by the heartbeats, and does not count; write a router's \
                 address"
            ),
        );
    }
    for link in &daemon.unsigned {
        let of = |medium: &Medium| match medium {
            Medium::Serial { device, .. } => device.ends_with(link),
            Medium::Bcast { iface, .. } | Medium::Mcast { iface, .. } | Medium::Ucast { iface, .. } => {
                iface == link
            }
        };
        let line = cf.links.iter().find(|l| of(&l.value)).map_or(1, |l| l.line);
        report.lacks(
            line,
            format_args!(
                "frames come on {link}, none signed with a key of ours; make authkeys the same on both nodes, then run \
                 `hbd reload`"
            ),
        );
    }
    let report = &mut Report::new(&parsed.haresources_file, findings);
    for group in parsed.groups.iter().filter(|group| daemon.spent.contains(&group.value.name)) {
        report.lacks(
            group.line,
            format_args!(
                "the epochs of group {} are spent: it moves on death or by hand only; to begin anew, on both nodes: `hbd stop`, \
                 then `rm /var/lib/heartbeat/state`, then `hbd run`",
                group.value.name
            ),
        );
    }
}
