//! This machine against the files: devices, interfaces, routes, scripts, the watchdog and the daemon's rights.
//!
//! Everything is read from `/proc`, `/etc` and file metadata. No device is opened: opening a watchdog would arm it.

mod crontab;
mod devices;
mod elsewhere;
mod getty;
mod machine;
mod network;
#[cfg(test)]
mod occupied_tests;
mod original;
mod places;
mod ports;
mod processes;
mod rights;
mod services;
#[cfg(test)]
mod tests;
mod texts;
#[cfg(feature = "systemd")]
mod units;

use super::finding::Report;
use super::{Findings, Parsed, Paths, Settings};
use crate::control::words::Whose;
use machine::Machine;
pub use original::running as original;
pub use rights::group_number;

/// What a daemon that runs on this machine says of itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Running {
    /// Its name.
    pub own: String,
    /// The peer, if it runs Linux-HA Heartbeat.
    pub foreign: Option<String>,
    /// The groups whose resources may run here.
    pub holds: Vec<String>,
    /// Another machine calls itself by this node's name.
    pub twin: bool,
    /// The groups whose epochs have come to their end.
    pub spent: Vec<String>,
    /// Ping nodes that are a node themselves, as the daemon found: which, and whose.
    pub mirrors: Vec<(String, Whose)>,
    /// Links on which frames come that no key here verifies.
    pub unsigned: Vec<String>,
}

/// Who looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Look<'a> {
    /// A daemon that begins: it takes what it names itself, and says what it could not get.
    Start,
    /// `hbd check`, with what a running daemon says.
    Check(Option<&'a Running>),
}

/// What this machine lacks of what the files name. All findings are of class `Environment` or `Warning`.
#[must_use]
pub fn examine(paths: &Paths, settings: &Settings) -> Findings {
    let mut findings = Findings::new();
    parsed(paths, &settings.source, Look::Start, &mut findings);
    findings
}

/// The same for files that have errors as well, as far as they could be understood.
pub(super) fn parsed(paths: &Paths, parsed: &Parsed, look: Look<'_>, findings: &mut Findings) {
    let machine = Machine::read(&paths.proc_dir);
    let (cf, groups) = (&parsed.ha_cf, parsed.groups.as_slice());
    {
        let report = &mut Report::new(&parsed.ha_cf_file, findings);
        original::examine(paths, report);
        devices::serial(paths, &machine, cf, report);
        devices::watchdog(&machine, cf, report);
        network::links(&machine, cf, report);
        network::pings(paths, &machine, cf, report);
        if let Look::Check(running) = look {
            places::examine(paths, report);
            // What holds the port or the address then is who should.
            if running.is_none() && original(paths).is_none() {
                ports::examine(paths, cf, report);
            }
        }
        rights::examine(&machine, cf, report);
        rights::status_group(paths, cf, report);
        services::helpers(paths, cf, report);
        services::fences(cf, report);
    }
    let report = &mut Report::new(&parsed.haresources_file, findings);
    network::services(paths, &machine, groups, report);
    if let Look::Check(running) = look
        && original(paths).is_none()
    {
        network::here(running, groups, report);
    }
    services::scripts(paths, cf, groups, report);
    if cfg!(feature = "guard") && matches!(look, Look::Check(_)) {
        crontab::examine(paths, cf, groups, findings);
    }
}
