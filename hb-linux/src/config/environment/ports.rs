//! The UDP ports of the links: is somebody else on them?

use super::processes;
use crate::config::Paths;
use crate::config::finding::Report;
use crate::config::ha_cf::HaCf;
use crate::config::settings::Medium;
use core::fmt;

/// No other program has a socket on the port of a link. (NIS, NFS and CUPS take whatever port below 1024 is free.)
pub(super) fn examine(paths: &Paths, cf: &HaCf, report: &mut Report<'_>) {
    for link in &cf.links {
        let port = match &link.value {
            Medium::Serial { .. } => continue,
            Medium::Bcast { port, .. } | Medium::Mcast { port, .. } | Medium::Ucast { port, .. } => *port,
        };
        let sockets = processes::udp_sockets(&paths.proc_dir, port);
        if sockets.is_empty() {
            continue;
        }
        let owner = processes::owner(&paths.proc_dir, &sockets);
        report.lacks(
            link.line,
            format_args!(
                "UDP port {port} of `{}` is taken by {}; end it, or write another `udpport` before the link, the same \
                 on both nodes",
                link.value,
                By(owner.as_ref())
            ),
        );
    }
}

/// Who has it.
struct By<'a>(Option<&'a processes::Process>);

impl fmt::Display for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(process) => write!(f, "{} [pid {}]", process.name(), process.pid),
            None => f.write_str("the kernel, or by a process that this user may not look into"),
        }
    }
}
