//! May the daemon lock its memory and run in real time, and who may ask it?

use super::machine::{Machine, Right};
use crate::config::Paths;
use crate::config::files::read_text;
use crate::config::finding::Report;
use crate::config::ha_cf::HaCf;

/// Bytes that daemon and helper must be able to lock.
const LOCKED: u64 = 1024 * 1024;

/// By capability, or by a limit that was raised for this user.
pub(super) fn examine(machine: &Machine, cf: &HaCf, report: &mut Report<'_>) {
    let line = cf.rtprio.map_or(1, |p| p.line);
    if !machine.may(Right::IpcLock) && machine.lock_limit < LOCKED {
        report.lacks(
            1,
            format_args!(
                "memory cannot be locked, and a swapping node beats late; run as root, or raise `ulimit -l` to 1024 KB"
            ),
        );
    }
    let priority = cf.rtprio.map_or(1, |p| p.value);
    if !machine.may(Right::SysNice) && machine.rt_limit < u64::from(priority) {
        report.lacks(
            line,
            format_args!(
                "real-time priority {priority} is refused, and a loaded node beats late; \
                 run as root, or raise `ulimit -r` to {priority}"
            ),
        );
    }
}

/// The group of `status_group` is there.
pub(super) fn status_group(paths: &Paths, cf: &HaCf, report: &mut Report<'_>) {
    if let Some(group) = &cf.status_group
        && group_number(paths, &group.value).is_none()
    {
        report.lacks(
            group.line,
            format_args!(
                "status_group: there is no group `{0}`, so only root may ask; run `groupadd {0}`, or write another",
                group.value
            ),
        );
    }
}

/// The number of a group of users, as the machine's own table has it.
#[must_use]
pub fn group_number(paths: &Paths, name: &str) -> Option<u32> {
    let text = String::from_utf8_lossy(&read_text(&paths.etc_dir.join("group"))).into_owned();
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.trim().parse().ok()).flatten()
    })
}
