//! May the daemon lock its memory and run in real time?

use super::machine::{Machine, Right};
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
