//! The directives: each one's name and what reads it, once for the parser, the guesses at misspelt ones, and the tests of
//! what the manual says. A new one is a row here, and a field of [`HaCf`].

use super::directive::Directive;
use super::{HaCf, fence, later, logging, media, nodes, own, timing};
use crate::config::finding::Report;
use crate::config::settings::WatchdogBusy;
use hb_core::config::{Answered, FenceFailed, Isolated};

#[cfg(feature = "data")]
use super::data::data;
#[cfg(not(feature = "data"))]
use super::later::data;

type Reader = fn(&mut HaCf, &Directive<'_>, &mut Report<'_>);

/// Every directive that has a meaning here.
#[rustfmt::skip]
const DIRECTIVES: &[(&str, Reader)] = &[
    ("node", nodes::node),
    ("ping", nodes::ping),
    ("ping_group", nodes::ping_group),
    ("keepalive", timing::time),
    ("warntime", timing::time),
    ("deadtime", timing::time),
    ("initdead", timing::time),
    ("deadping", timing::time),
    ("auto_failback", timing::auto_failback),
    ("nice_failback", timing::nice_failback),
    ("baud", media::baud),
    ("udpport", media::udpport),
    ("serial", media::serial),
    ("serial_rtscts", |cf, d, report| d.set_switch(&mut cf.serial_rtscts, report)),
    ("bcast", media::bcast),
    ("udp", media::udp),
    ("mcast", media::mcast),
    ("ucast", media::ucast),
    ("hopfudge", media::hopfudge),
    ("watchdog", |cf, d, report| d.set_path(&mut cf.watchdog, "/dev/watchdog", report)),
    ("watchdog_timeout", own::watchdog_timeout),
    ("watchdog_busy", |cf, d, report| {
        d.set_choice(&mut cf.watchdog_busy, [("serve", WatchdogBusy::Serve), ("wait", WatchdogBusy::Wait)], report);
    }),
    ("logfile", |cf, d, report| d.set_path(&mut cf.logfile, "/var/log/ha-log", report)),
    ("debugfile", |cf, d, report| d.set_path(&mut cf.debugfile, "/var/log/ha-debug", report)),
    ("logfacility", logging::facility),
    ("rtprio", own::rtprio),
    ("script_timeout", own::script_timeout),
    ("monitor", own::monitor),
    ("isolated", |cf, d, report| {
        d.set_choice(&mut cf.isolated, [("wait", Isolated::Wait), ("claim", Isolated::Claim)], report);
    }),
    ("announce_every", own::announce_every),
    ("status_group", own::status_group),
    ("answered", |cf, d, report| {
        d.set_choice(&mut cf.answered, [("wait", Answered::Wait), ("claim", Answered::Claim)], report);
    }),
    ("bridge", media::bridge),
    ("fence", fence::fence),
    ("fence_delay", fence::delay),
    ("fence_failed", |cf, d, report| {
        d.set_choice(&mut cf.fence_failed, [("wait", FenceFailed::Wait), ("claim", FenceFailed::Claim)], report);
    }),
    ("startup_fence", |cf, d, report| d.set_switch(&mut cf.startup_fence, report)),
    ("stonith", fence::stonith),
    ("stonith_host", fence::stonith_host),
    ("data", data),
    #[cfg(feature = "page")]
    ("page", own::page),
    ("respawn", later::respawn),
    ("crm", |_, d, report| later::crm(d, report)),
];

/// Their names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    DIRECTIVES.iter().map(|(name, _)| *name)
}

/// Read one line by its directive.
pub(super) fn read(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    match DIRECTIVES.iter().find(|(name, _)| *name == d.name) {
        Some((_, reader)) => reader(cf, d, report),
        None => later::other(d, report),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_directive_is_there_once_and_in_the_manual() {
        let manual = include_str!("../../../../docs/configuration.md");
        let mut seen = std::collections::BTreeSet::new();
        for name in super::names() {
            assert!(seen.insert(name), "{name} twice");
            let told = [" ", "`", "\n"].iter().any(|end| manual.contains(&format!("`{name}{end}")));
            assert!(told, "docs/configuration.md has no `{name}`");
        }
    }
}
