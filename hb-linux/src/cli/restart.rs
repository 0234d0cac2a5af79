//! `hbd restart`: out in order, in again. Nothing is stopped for a start that cannot be.

use super::args::Options;
use super::{EXIT_FAILURE, EXIT_NOT_CONFIGURED, EXIT_OK, EXIT_PERMISSION, ask, say, tell};
use crate::config::{self, Class, Paths};
use crate::daemon::{self, pidfile};

/// End the daemon and start it again. A leaving daemon stops its groups, and a peer that stands by starts them, before this
/// one comes back. `already`: see [`daemon::run`].
pub(super) fn restart(options: &Options, already: i32) -> i32 {
    let (settings, findings) = config::load(&Paths::new(&options.config_dir), options.node.as_deref());
    if settings.is_none() {
        for finding in findings.of(Class::Configuration) {
            tell(&format!("error: {finding}"));
        }
        tell("it could not start again with these files, so nothing was stopped");
        return if config::denied(&Paths::new(&options.config_dir)) {
            EXIT_PERMISSION
        } else {
            EXIT_NOT_CONFIGURED
        };
    }
    // Asked for every time: a unit whose daemon somebody else started again would count as dead.
    if pidfile::owner(&options.state_dir).is_some_and(is_unit) {
        say("systemctl restart heartbeat.service");
        if crate::install::restart_unit() {
            return EXIT_OK;
        }
        tell("systemd says that this failed: systemctl status heartbeat.service");
        return EXIT_FAILURE;
    }
    match ask::stop(options) {
        EXIT_OK => daemon::run(options, already),
        code => code,
    }
}

/// Was this process started by systemd for its unit?
fn is_unit(pid: u32) -> bool {
    std::fs::read(format!("/proc/{pid}/cgroup"))
        .is_ok_and(|text| String::from_utf8_lossy(&text).contains("/heartbeat.service"))
}
