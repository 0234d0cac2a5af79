//! Linux-HA Heartbeat itself, on this machine: it would start and stop the same services.

use crate::config::Paths;
use crate::config::files::read_text;
use crate::config::finding::Report;

/// The number of its running process. The file of that number may be left over, so the process must be one of its own.
#[must_use]
pub fn running(paths: &Paths) -> Option<u32> {
    let number = read_text(&paths.pid_dir.join("heartbeat.pid"));
    let pid: u32 = String::from_utf8_lossy(&number).trim().parse().ok()?;
    let stat = read_text(&paths.proc_dir.join(format!("{pid}/stat")));
    let stat = String::from_utf8_lossy(&stat);
    // Between brackets stands what the program is called; it may hold brackets itself.
    let name = stat.split_once('(')?.1.rsplit_once(')')?.0;
    (name == "heartbeat").then_some(pid)
}

pub(super) fn examine(paths: &Paths, report: &mut Report<'_>) {
    if let Some(pid) = running(paths) {
        report.lacks(
            1,
            format_args!(
                "Linux-HA Heartbeat runs on this machine [pid {pid}] and manages the same services; \
                 run `/etc/init.d/heartbeat stop`"
            ),
        );
    }
}
