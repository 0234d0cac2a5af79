//! The directives: each one's name, what reads it in which range, and what a reload does about it, once for the parser, the guesses
//! at misspelt ones, `hbd reload`, and the tests of what the manual says. A new one is a row here, and a field of [`HaCf`].

use super::directive::Directive;
use super::reload::{self as on, Reload};
use super::timing::DAY;
use super::{HaCf, fence, later, logging, media, nodes, own, timing};
use crate::config::finding::Report;
use crate::config::settings::WatchdogBusy;
use hb_core::Duration;
use hb_core::config::{Answered, FenceFailed, Isolated};

#[cfg(feature = "data")]
use super::data::data;
#[cfg(not(feature = "data"))]
use super::later::data;

const MS: Duration = Duration::from_millis(1);
const TEN_MS: Duration = Duration::from_millis(10);
const HOUR: Duration = Duration::from_secs(3600);

type Reader = fn(&mut HaCf, &Directive<'_>, &mut Report<'_>);

/// Every directive that has a meaning here.
#[rustfmt::skip]
const DIRECTIVES: &[(&str, Reader, Reload)] = &[
    ("node", nodes::node, on::NODES),
    ("ping", nodes::ping, on::PINGS),
    ("ping_group", nodes::ping_group, on::PINGS),
    ("keepalive", |cf, d, report| d.set_time(&mut cf.keepalive, TEN_MS, HOUR, report), on::KEEPALIVE),
    ("warntime", |cf, d, report| d.set_time(&mut cf.warntime, MS, DAY, report), on::WARNTIME),
    ("deadtime", |cf, d, report| d.set_time(&mut cf.deadtime, MS, DAY, report), on::DEADTIME),
    ("initdead", |cf, d, report| d.set_time(&mut cf.initdead, MS, DAY, report), on::INITDEAD),
    ("deadping", |cf, d, report| d.set_time(&mut cf.deadping, MS, DAY, report), on::DEADPING),
    ("auto_failback", timing::auto_failback, on::FAILBACK),
    ("nice_failback", timing::nice_failback, on::FAILBACK),
    ("baud", media::baud, on::LINKS),
    ("udpport", media::udpport, on::LINKS),
    ("serial", media::serial, on::LINKS),
    ("serial_rtscts", |cf, d, report| d.set_switch(&mut cf.serial_rtscts, report), on::LINKS),
    ("bcast", media::bcast, on::LINKS),
    ("udp", media::udp, on::LINKS),
    ("mcast", media::mcast, on::LINKS),
    ("ucast", media::ucast, on::LINKS),
    ("hopfudge", media::hopfudge, on::NOTHING),
    ("watchdog", |cf, d, report| d.set_path(&mut cf.watchdog, "/dev/watchdog", report), on::WATCHDOG),
    ("watchdog_timeout", own::watchdog_timeout, on::WATCHDOG),
    ("watchdog_busy", |cf, d, report| {
        d.set_choice(&mut cf.watchdog_busy, [("serve", WatchdogBusy::Serve), ("wait", WatchdogBusy::Wait)], report);
    }, on::WATCHDOG),
    ("logfile", |cf, d, report| d.set_path(&mut cf.logfile, "/var/log/ha-log", report), on::LOGS),
    ("debugfile", |cf, d, report| d.set_path(&mut cf.debugfile, "/var/log/ha-debug", report), on::LOGS),
    ("logfacility", logging::facility, on::LOGS),
    ("rtprio", own::rtprio, on::RTPRIO),
    ("script_timeout", own::script_timeout, on::SCRIPT_TIMEOUT),
    ("monitor", own::monitor, on::MONITOR),
    ("isolated", |cf, d, report| {
        d.set_choice(&mut cf.isolated, [("wait", Isolated::Wait), ("claim", Isolated::Claim)], report);
    }, on::ISOLATED),
    ("announce_every", own::announce_every, on::ANNOUNCE_EVERY),
    ("status_group", own::status_group, on::STATUS_GROUP),
    ("answered", |cf, d, report| {
        d.set_choice(&mut cf.answered, [("wait", Answered::Wait), ("claim", Answered::Claim)], report);
    }, on::ANSWERED),
    ("bridge", media::bridge, on::BRIDGE),
    ("fence", fence::fence, on::FENCE),
    ("fence_delay", fence::delay, on::FENCE),
    ("fence_failed", |cf, d, report| {
        d.set_choice(&mut cf.fence_failed, [("wait", FenceFailed::Wait), ("claim", FenceFailed::Claim)], report);
    }, on::FENCE),
    ("startup_fence", |cf, d, report| d.set_switch(&mut cf.startup_fence, report), on::FENCE),
    ("stonith", fence::stonith, on::FENCE),
    ("stonith_host", fence::stonith_host, on::FENCE),
    ("data", data, on::DATA),
    #[cfg(feature = "page")]
    ("page", own::page, on::PROGRAMS),
    ("respawn", later::respawn, on::PROGRAMS),
    ("crm", |_, d, report| later::crm(d, report), on::NOTHING),
];

/// Their names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    DIRECTIVES.iter().map(|(name, ..)| *name)
}

/// What a reload does about each.
pub(crate) fn reloads() -> impl Iterator<Item = Reload> {
    DIRECTIVES.iter().map(|(.., reload)| *reload)
}

/// Read one line by its directive.
pub(super) fn read(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    match DIRECTIVES.iter().find(|(name, ..)| *name == d.name) {
        Some((_, reader, _)) => reader(cf, d, report),
        None => later::other(d, report),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::finding::Findings;

    const MANUAL: &str = include_str!("../../../../docs/configuration.md");

    #[test]
    fn each_directive_is_there_once_and_in_the_manual() {
        let mut seen = std::collections::BTreeSet::new();
        for name in names() {
            assert!(seen.insert(name), "{name} twice");
            let told = [" ", "`", "\n"].iter().any(|end| MANUAL.contains(&format!("`{name}{end}")));
            assert!(told, "docs/configuration.md has no `{name}`");
        }
    }

    /// What is said of a value that is out of its range names the range, and so does the manual's row.
    #[test]
    fn the_manual_has_the_range_that_is_read() {
        let mut ranges = 0;
        for name in names() {
            let mut findings = Findings::new();
            super::super::parse(
                format!("{name} 9999999999.5\n").as_bytes(),
                &mut Report::new("ha.cf", &mut findings),
            );
            for finding in findings.as_slice() {
                let text = finding.text.as_str();
                let time = text.split_once("is out of range; write ").map(|(_, range)| range);
                let number =
                    text.split_once("is not a number from ").and_then(|(_, rest)| rest.split(';').next());
                let Some(range) = time.or(number) else { continue };
                let range = range.replace("86400 s", "1 day").replace("3600 s", "1 h");
                // Nothing has no unit there.
                let range = range.strip_prefix("0 ms to").map_or(range.clone(), |rest| format!("0 to{rest}"));
                let row = MANUAL.lines().find(|line| line.starts_with(&format!("| `{name} "))).expect(name);
                assert!(row.contains(&range), "docs/configuration.md: {name} does not say {range}");
                ranges += 1;
            }
        }
        assert!(ranges >= 7, "{ranges}");
    }
}
