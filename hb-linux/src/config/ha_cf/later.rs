//! Directives without an effect: those of parts that are not active yet, and those of later Heartbeats.

use super::directive::{Directive, switch};
use super::{At, HaCf, names};
use crate::config::files::distance;
use crate::config::finding::Report;

/// Directives of later Heartbeats that are accepted, and why they do nothing here.
const NO_MEANING: &[(&str, &str)] = &[
    ("realtime", "the daemon always asks for real-time priority, see `rtprio`"),
    ("debug", "debug lines go to `debugfile`"),
    ("normalpoll", "there is one poll loop"),
    ("apiauth", "there is no client API; the control socket is for root"),
    ("msgfmt", "the nodes speak hbd's own frames"),
    ("use_logd", "a helper process writes the logs"),
    ("conn_logd_time", "a helper process writes the logs"),
    ("log_badpack", "bad packets are counted and shown by `hbd status`"),
    ("use_apphbd", "the daemon feeds `watchdog` itself"),
    ("syslogmsgfmt", "the log has one format"),
    ("coredumps", "the daemon's memory is locked and never dumped"),
    ("coreroot", "the daemon's memory is locked and never dumped"),
    ("uuidfrom", "nodes are known by name"),
    ("compression", "heartbeats are smaller than a compressed header"),
    ("compression_threshold", "heartbeats are smaller than a compressed header"),
    ("traditional_compression", "heartbeats are smaller than a compressed header"),
    ("max_rexmit_delay", "every heartbeat carries the whole state and none is sent again"),
    ("memreserve", "the daemon allocates nothing after its start"),
    ("cluster", "a cluster is known by its two node names"),
    ("quorum_server", "two nodes have no quorum server"),
    ("hbgenmethod", "a start is told apart by a counter and a random number"),
    ("hbversion", "frames carry their own version"),
    #[cfg(not(feature = "page"))]
    ("page", "this build of hbd has no page"),
    ("failfast", "it belongs to Pacemaker"),
    ("env", "it belongs to Pacemaker"),
    ("crm_daemon_dir", "it belongs to Pacemaker"),
    ("crmd_spawns_pengine", "it belongs to Pacemaker"),
    ("record_config_changes", "it belongs to Pacemaker"),
    ("record_pengine_inputs", "it belongs to Pacemaker"),
    ("enable_config_writes", "it belongs to Pacemaker"),
];

/// `data` in a build without it: half of it would be worse than none.
#[cfg(not(feature = "data"))]
pub(super) fn data(_: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    report.error(
        d.line,
        format_args!("this build of hbd has no `data`: remove the line, or take a build that has it"),
    );
}

/// `respawn USER COMMAND [ARGS]`
pub(super) fn respawn(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    let Some((user, command)) = d.args.split_first().filter(|(_, command)| !command.is_empty()) else {
        report.error(
            d.line,
            format_args!(
                "`respawn` takes a user and a command; \
                 write for example `respawn hacluster /usr/lib/heartbeat/ipfail`"
            ),
        );
        return;
    };
    let first = command.first().map_or("", |word| word.text);
    let Some(path) = d.path(first, "/usr/lib/heartbeat/ipfail", report) else { return };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if name == "ipfail" {
        report.warn(
            d.line,
            format_args!(
                "ipfail is not needed: hbd itself moves groups to the node that reaches \
                 more ping nodes; remove the line"
            ),
        );
        return;
    }
    let words = command.iter().map(|word| String::from(word.text)).collect();
    cf.respawn.push(At { value: (String::from(user.text), words), line: d.line });
    #[cfg(not(feature = "attend"))]
    report.warn(
        d.line,
        format_args!("this build of hbd has no `respawn`: {name} is not started; start it another way"),
    );
}

/// Everything that no other arm of the table took.
pub(super) fn other(d: &Directive<'_>, report: &mut Report<'_>) {
    match d.name {
        "pacemaker" => crm(d, report),
        "autojoin" => autojoin(d, report),
        "ucast6" | "mcast6" | "ping6" | "hbaping" | "tipc" | "rds" | "openais" => {
            let instead = if matches!(d.name, "ping6" | "hbaping") {
                "`ping`"
            } else {
                "`serial`, `bcast`, `mcast` or `ucast`"
            };
            report.error(d.line, format_args!("`{}` is not supported; use {instead} instead", d.name));
        }
        name => match NO_MEANING.iter().find(|(known, _)| *known == name) {
            Some((_, why)) => {
                report.warn(d.line, format_args!("`{name}` has no meaning here: {why}; remove the line"));
            }
            None => unknown(d, report),
        },
    }
}

/// `crm no`
pub(super) fn crm(d: &Directive<'_>, report: &mut Report<'_>) {
    let Some(word) = d.value("no", report) else { return };
    if switch(word) == Some(false) {
        report.warn(
            d.line,
            format_args!("`{}` has no meaning here: it belongs to Pacemaker; remove the line", d.name),
        );
    } else {
        report.error(
            d.line,
            format_args!(
                "`{} {word}` hands the resources to Pacemaker; remove the line and keep haresources, or use Pacemaker",
                d.name
            ),
        );
    }
}

fn autojoin(d: &Directive<'_>, report: &mut Report<'_>) {
    match d.value("none", report) {
        Some("none") => report.warn(
            d.line,
            format_args!(
                "`autojoin` has no meaning here: no node joins that `node` does not name; remove the line"
            ),
        ),
        Some(word @ ("any" | "other")) => report.error(
            d.line,
            format_args!(
                "`autojoin {word}` lets nodes join that no `node` line names, and hbd runs the two that are named; \
                 remove the line and write two `node` lines"
            ),
        ),
        Some(word) => report.error(
            d.line,
            format_args!("autojoin: `{word}` is not known, and no node joins that `node` does not name; remove the line"),
        ),
        None => {}
    }
}

fn unknown(d: &Directive<'_>, report: &mut Report<'_>) {
    let near = names()
        .map(|known| (distance(&d.name.to_ascii_lowercase(), known), known))
        .filter(|(distance, known)| *distance <= 2 && *distance * 2 < known.len())
        .min();
    match near {
        Some((0, known)) => {
            report.error(d.line, format_args!("`{}` is not known, as case matters; write `{known}`", d.name));
        }
        Some((_, known)) => {
            report.error(
                d.line,
                format_args!("`{}` is not known; write `{known}`, or remove the line", d.name),
            );
        }
        None => report.error(d.line, format_args!("`{}` is not known; remove the line", d.name)),
    }
}
