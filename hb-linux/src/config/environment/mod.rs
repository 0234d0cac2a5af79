//! This machine against the files: devices, interfaces, routes, scripts, the watchdog and the daemon's rights.
//!
//! Everything is read from `/proc`, `/etc` and file metadata. No device is opened: opening a watchdog would arm it.

mod devices;
mod machine;
mod network;
mod original;
mod rights;
mod services;
#[cfg(test)]
mod tests;

use super::finding::Report;
use super::{Findings, Parsed, Paths, Settings};
use machine::Machine;
pub use original::running as original;

/// What this machine lacks of what the files name. All findings are of class `Environment` or `Warning`.
#[must_use]
pub fn examine(paths: &Paths, settings: &Settings) -> Findings {
    let mut findings = Findings::new();
    parsed(paths, &settings.source, &mut findings);
    findings
}

/// The same for files that have errors as well, as far as they could be understood.
pub(super) fn parsed(paths: &Paths, parsed: &Parsed, findings: &mut Findings) {
    let machine = Machine::read(&paths.proc_dir);
    let (cf, groups) = (&parsed.ha_cf, parsed.groups.as_slice());
    {
        let report = &mut Report::new(&parsed.ha_cf_file, findings);
        original::examine(paths, report);
        devices::serial(paths, &machine, cf, report);
        devices::watchdog(&machine, cf, report);
        network::links(&machine, cf, report);
        network::pings(&machine, cf, report);
        rights::examine(&machine, cf, report);
        services::helpers(paths, cf, report);
    }
    let report = &mut Report::new(&parsed.haresources_file, findings);
    network::services(paths, &machine, groups, report);
    services::scripts(paths, cf, groups, report);
}
