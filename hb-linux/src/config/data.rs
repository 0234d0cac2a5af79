//! The `data` lines against the rest of the files: which group, which side is the other one, what is missing.

use super::finding::Report;
use super::ha_cf::{At, DataLines, HaCf};
use super::settings::{DataSettings, Group, Transport};
use hb_core::Duration;
use hb_core::config::{DataConfig, StalePolicy};
use std::path::Path;

/// The manual's five minutes.
const INTERVAL: Duration = Duration::from_secs(300);
const LIMIT: Duration = Duration::from_secs(600);
const STALE_AFTER: Duration = Duration::from_secs(3600);
/// Per cent of the files that a pull may delete.
const MAX_DELETE: u8 = 20;
const COMMAND: &str = "ssh -o BatchMode=yes";
/// What a mail server has under its directory that is of the machine and not of the mail.
const EXCLUDES: [&str; 5] = ["*.pid", "/control/.shutdown", "/sdtemp", "/web/work", "/web/logs"];

/// What `ha.cf` says of the groups' data, by group of `haresources`; findings for what is missing or wrong.
pub(super) fn resolve(
    cf: &HaCf,
    groups: &[At<Group>],
    names: Option<(&str, &str)>,
    report: &mut Report<'_>,
) -> Vec<Option<DataSettings>> {
    let mut all: Vec<Option<DataSettings>> = groups.iter().map(|_| None).collect();
    for lines in &cf.data {
        let line = lines.group.line;
        let Some(at) = groups.iter().position(|group| group.value.name == lines.group.value) else {
            if !groups.is_empty() {
                let known: Vec<&str> = groups.iter().map(|group| group.value.name.as_str()).collect();
                report.error(
                    line,
                    format_args!(
                        "data: `{}` is no group of haresources; write its first resource, one of: {}",
                        lines.group.value,
                        known.join(" ")
                    ),
                );
            }
            continue;
        };
        if let (Some(names), false) = (names, lines.bad)
            && let Some(settings) = one(lines, names, report)
            && let Some(place) = all.get_mut(at)
        {
            *place = Some(settings);
        }
    }
    apart(cf, report);
    all
}

fn one(lines: &DataLines, (own, peer): (&str, &str), report: &mut Report<'_>) -> Option<DataSettings> {
    let (line, group) = (lines.group.line, &lines.group.value);
    let Some(directory) = &lines.directory else {
        report.error(
            line,
            format_args!("data: group `{group}` has no directory; write `data {group} directory /jdmail`"),
        );
        return None;
    };
    for At { value: (node, _), line } in &lines.addresses {
        if node != own && node != peer {
            report.error(
                *line,
                format_args!("data: `address {node}` is neither of the nodes; write {own} or {peer}"),
            );
            return None;
        }
    }
    let of = |node: &str| {
        let mut found = lines.addresses.iter().filter(|at| at.value.0 == node);
        found.next().filter(|_| found.next().is_none()).map(|at| at.value.1.clone())
    };
    let (Some(_), Some(address)) = (of(own), of(peer)) else {
        report.error(
            line,
            format_args!(
                "data: group `{group}` needs one address of each node, for either may be the one that pulls; \
                 write `data {group} address {own} 10.0.0.1 address {peer} 10.0.0.2`"
            ),
        );
        return None;
    };
    let daemon = lines.daemon.is_some_and(|daemon| daemon.value);
    let transport = match (daemon, &lines.module, &lines.command) {
        (true, Some(module), None) => Transport::Rsync { module: module.value.clone() },
        (true, None, _) => {
            report.error(line, format_args!("data: `transport rsync` needs the name of a module of rsyncd.conf; write `data {group} module mail`"));
            return None;
        }
        (true, Some(_), Some(command)) => {
            report.error(command.line, format_args!("data: `command` goes with `transport ssh`; remove it"));
            return None;
        }
        (false, Some(module), _) => {
            report.error(
                module.line,
                format_args!("data: `module` goes with `transport rsync`; write that too, or remove it"),
            );
            return None;
        }
        (false, None, _) => Transport::Ssh,
    };
    let excludes =
        EXCLUDES.iter().map(ToString::to_string).chain(lines.excludes.iter().map(|at| at.value.clone()));
    let value = |time: &Option<At<Duration>>, usual| time.map_or(usual, |time| time.value);
    Some(DataSettings {
        directory: directory.value.clone(),
        peer: address,
        transport,
        command: lines.command.as_ref().map_or(String::from(COMMAND), |command| command.value.clone()),
        excludes: excludes.collect(),
        mountpoint: lines.mountpoint.is_some_and(|on| on.value),
        max_delete: lines.max_delete.map_or(MAX_DELETE, |share| share.value),
        core: DataConfig {
            interval: value(&lines.interval, INTERVAL),
            limit: value(&lines.limit, LIMIT),
            stale_after: value(&lines.stale_after, STALE_AFTER),
            stale: lines.stale.map_or(StalePolicy::AcceptAge, |stale| stale.value),
        },
    })
}

/// Two groups' directories, one in the other: each pull would destroy what the other brought. And a whole system is no
/// group's data.
fn apart(cf: &HaCf, report: &mut Report<'_>) {
    let dirs: Vec<&At<std::path::PathBuf>> =
        cf.data.iter().filter_map(|lines| lines.directory.as_ref()).collect();
    for (n, dir) in dirs.iter().enumerate() {
        if system(&dir.value) {
            report.error(
                dir.line,
                format_args!(
                    "data: `{}` is a directory of the system; write one of the service's own",
                    dir.value.display()
                ),
            );
        }
        let inside = |other: &&&At<std::path::PathBuf>| {
            dir.value.starts_with(&other.value) || other.value.starts_with(&dir.value)
        };
        if let Some(other) = dirs.iter().take(n).find(inside) {
            report.error(
                dir.line,
                format_args!(
                    "data: `{}` and `{}` (line {}) are one in the other; give each group its own directory",
                    dir.value.display(),
                    other.value.display(),
                    other.line
                ),
            );
        }
    }
}

fn system(dir: &Path) -> bool {
    let odd = dir.components().any(|part| matches!(part, std::path::Component::ParentDir));
    odd || [
        "/", "/etc", "/usr", "/var", "/bin", "/sbin", "/lib", "/dev", "/proc", "/root", "/boot", "/tmp",
        "/var/lib", "/var/run",
    ]
    .iter()
    .any(|own| dir == Path::new(own))
}

#[cfg(test)]
#[path = "data_tests.rs"]
mod tests;
