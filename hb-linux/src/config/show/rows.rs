//! The values, in the order of `docs/configuration.md`.

use super::super::ha_cf::At;
use super::super::haresources::Canonical;
use super::super::settings::{FenceDevice, Given, Medium, Script, WatchdogBusy};
use super::super::time::Written;
use super::super::{Loaded, build};
use core::fmt::{self, Display};
use hb_core::Duration;
use hb_core::config::{Answered, FenceFailed, Isolated};
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// Where a place begins.
const COLUMN: usize = 48;

/// One value and where it came from.
pub(super) struct Row {
    pub(super) text: String,
    pub(super) place: String,
}

impl Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<COLUMN$}  {}", self.text, self.place)
    }
}

/// Rows of one file.
pub(super) struct Rows<'a> {
    pub(super) file: &'a str,
    pub(super) all: Vec<Row>,
}

impl Rows<'_> {
    /// A value that stands in this line.
    pub(super) fn at(&mut self, text: String, line: u32) {
        self.all.push(Row { text, place: format!("{}:{line}", self.file) });
    }

    /// A value that no line gave, and the rule that did.
    pub(super) fn default(&mut self, text: String, rule: &str) {
        let place = if rule.is_empty() { String::from("default") } else { format!("default: {rule}") };
        self.all.push(Row { text, place });
    }

    /// `name value`, from `line` if there is one.
    pub(super) fn value(&mut self, name: &str, value: impl Display, line: Option<u32>, rule: &str) {
        let text = format!("{name} {value}");
        match line {
            Some(line) => self.at(text, line),
            None => self.default(text, rule),
        }
    }

    fn time(&mut self, name: &str, time: Duration, given: Option<At<Duration>>, rule: &str) {
        self.value(name, Written(time), given.map(|at| at.line), rule);
    }
}

/// Everything.
pub(super) fn of(loaded: &Loaded) -> Vec<Row> {
    let mut rows = Rows { file: &loaded.parsed.ha_cf_file, all: Vec::new() };
    nodes(loaded, &mut rows);
    times(loaded, &mut rows);
    media(loaded, &mut rows);
    guards(loaded, &mut rows);
    surroundings(loaded, &mut rows);
    #[cfg(feature = "data")]
    super::data::rows(&loaded.parsed.ha_cf, loaded.settings.as_ref(), &mut rows);
    groups(loaded, &mut rows);
    rows.all
}

fn nodes(loaded: &Loaded, rows: &mut Rows<'_>) {
    let cf = &loaded.parsed.ha_cf;
    for node in &cf.nodes {
        rows.at(format!("node {}", node.value), node.line);
    }
    for ping in &cf.pings {
        let members: Vec<String> = ping.value.members.iter().map(ToString::to_string).collect();
        let text = match members.as_slice() {
            [one] if *one == ping.value.name => format!("ping {one}"),
            _ => format!("ping_group {} {}", ping.value.name, members.join(" ")),
        };
        rows.at(text, ping.line);
    }
    if cf.pings.is_empty() {
        rows.default("ping none".into(), "");
    }
}

fn times(loaded: &Loaded, rows: &mut Rows<'_>) {
    let (cf, times) = (&loaded.parsed.ha_cf, &loaded.times);
    let t = &times.timing;
    rows.time("keepalive", t.keepalive, cf.keepalive, "");
    rows.time("warntime", t.warntime, cf.warntime, "half of deadtime");
    rows.time("deadtime", t.deadtime, cf.deadtime, "");
    rows.time("initdead", t.initdead, cf.initdead, "by deadtime");
    rows.time("deadping", t.deadping, cf.deadping, "deadtime");
    let line = cf.auto_failback.or(cf.nice_failback).map(|at| at.line);
    rows.value("auto_failback", on(build::failback(cf)), line, "");
    let [all, start, stop, status] = cf.script_timeout;
    let limits = &times.limits;
    for (verb, time, own) in
        [("start", limits.start, start), ("stop", limits.stop, stop), ("status", limits.status, status)]
    {
        rows.time(&format!("script_timeout {verb}"), time, own.or(all), "");
    }
    let line = cf.monitor.map(|at| at.line);
    match times.monitor {
        Some(m) => {
            rows.value("monitor", format_args!("{} failures {}", Written(m.period), m.failures), line, "")
        }
        None => rows.value("monitor", "off", line, ""),
    }
}

fn media(loaded: &Loaded, rows: &mut Rows<'_>) {
    for link in &loaded.parsed.ha_cf.links {
        let text = match &link.value {
            Medium::Serial { baud, rtscts, .. } => {
                format!("{} (baud {baud}, serial_rtscts {})", link.value, on(*rtscts))
            }
            Medium::Bcast { port, .. } | Medium::Ucast { port, .. } => {
                format!("{} (udpport {port})", link.value)
            }
            Medium::Mcast { port, ttl, loopback, .. } => {
                format!("{} {port} {ttl} {}", link.value, u8::from(*loopback))
            }
        };
        rows.at(text, link.line);
    }
    let cf = &loaded.parsed.ha_cf;
    match &cf.bridge {
        Some(bridge) => rows.at(format!("bridge {}", bridge.value.display()), bridge.line),
        None => rows.default("bridge none".into(), ""),
    }
    let baud = cf.baud.map_or(super::super::ha_cf::DEFAULT_BAUD, |at| at.value);
    rows.value("baud", baud, cf.baud.map(|at| at.line), "");
    let port = cf.udpport.map_or(super::super::ha_cf::DEFAULT_PORT, |at| at.value);
    rows.value("udpport", port, cf.udpport.map(|at| at.line), "");
    let rtscts = cf.serial_rtscts;
    rows.value("serial_rtscts", on(rtscts.is_some_and(|at| at.value)), rtscts.map(|at| at.line), "");
}

fn guards(loaded: &Loaded, rows: &mut Rows<'_>) {
    let cf = &loaded.parsed.ha_cf;
    match &cf.watchdog {
        Some(device) => rows.at(format!("watchdog {}", device.value.display()), device.line),
        None => rows.default("watchdog none".into(), ""),
    }
    if let Some(seconds) = loaded.times.watchdog {
        let line = cf.watchdog_timeout.map(|at| at.line);
        rows.value("watchdog_timeout", seconds, line, "what fits into deadtime - keepalive");
    }
    let wait = |wait: bool| if wait { "wait" } else { "claim" };
    let busy = match cf.watchdog_busy.map(|at| at.value) {
        Some(WatchdogBusy::Wait) => "wait",
        Some(WatchdogBusy::Serve) | None => "serve",
    };
    rows.value("watchdog_busy", busy, cf.watchdog_busy.map(|at| at.line), "");
    let isolated = cf.isolated.is_none_or(|at| at.value == Isolated::Wait);
    rows.value("isolated", wait(isolated), cf.isolated.map(|at| at.line), "");
    match cf.answered {
        Some(at) => rows.at(format!("answered {}", wait(at.value == Answered::Wait)), at.line),
        None => rows.default("answered by what protects the peer".into(), "wait with a watchdog or a fence"),
    }
    for host in &cf.stonith_hosts {
        rows.at(format!("stonith_host {} {}", host.value.0, device(&host.value.1)), host.line);
    }
    match &cf.fence {
        Some(fence) => rows.at(device(&fence.value), fence.line),
        None if cf.stonith_hosts.is_empty() => rows.default("fence none".into(), ""),
        None => {}
    }
    let fence = build::fence(cf, &loaded.times);
    rows.time("fence_delay", fence.delay, cf.fence_delay, "the larger of 2 s and two keepalives");
    let line = cf.fence_failed.map(|at| at.line);
    rows.value("fence_failed", wait(fence.failed == FenceFailed::Wait), line, "");
    rows.value("startup_fence", on(fence.startup), cf.startup_fence.map(|at| at.line), "");
}

/// The parameters of `stonith` may hold a password.
fn device(device: &FenceDevice) -> String {
    match device {
        FenceDevice::External { args, .. } => {
            args.iter().fold(format!("fence {device}"), |all, arg| format!("{all} {arg}"))
        }
        FenceDevice::Bridge => format!("fence {device}"),
        FenceDevice::ModemLine { pulse, .. } => format!("fence {device} pulse {}", Written(*pulse)),
        FenceDevice::Stonith { given: Given::File(file), .. } => format!("{device} {}", file.display()),
        FenceDevice::Stonith { given: Given::Parameters(_), .. } => format!("{device} (parameters)"),
    }
}

fn surroundings(loaded: &Loaded, rows: &mut Rows<'_>) {
    let cf = &loaded.parsed.ha_cf;
    let targets = build::log_targets(cf);
    for (name, given, target) in
        [("logfile", &cf.logfile, targets.logfile), ("debugfile", &cf.debugfile, targets.debugfile)]
    {
        let text = target.map_or(String::from("none"), |path| path.display().to_string());
        rows.value(
            name,
            text,
            given.as_ref().map(|at| at.line),
            if cf.facility.is_some() { "with logfacility" } else { "" },
        );
    }
    let facility = targets.facility.map_or("none", |facility| facility.name);
    rows.value("logfacility", facility, cf.facility.map(|at| at.line), "");
    rows.value("rtprio", cf.rtprio.map_or(1, |at| at.value), cf.rtprio.map(|at| at.line), "");
    let every = cf.announce_every.map_or(Some(build::ANNOUNCE_EVERY), |at| at.value);
    let every = every.map_or(String::from("off"), |time| Written(time).to_string());
    rows.value("announce_every", every, cf.announce_every.map(|at| at.line), "");
    match &cf.status_group {
        Some(group) => rows.at(format!("status_group {}", group.value), group.line),
        None => rows.default("status_group none".into(), "root alone"),
    }
    #[cfg(feature = "page")]
    match cf.page {
        Some(port) => rows.at(format!("page {}", port.value), port.line),
        None => rows.default("page none".into(), "off"),
    }
    for respawn in &cf.respawn {
        let (user, words) = &respawn.value;
        rows.at(format!("respawn {user} {}", words.join(" ")), respawn.line);
    }
}

fn groups(loaded: &Loaded, rows: &mut Rows<'_>) {
    let mut of = Rows { file: &loaded.parsed.haresources_file, all: Vec::new() };
    for group in &loaded.parsed.groups {
        of.at(format!("group {} prefers {}", group.value.name, group.value.preferred), group.line);
        for resource in &group.value.resources {
            let script = match &resource.script {
                Script::File(path) => path.display().to_string(),
                Script::Embedded => "carried by hbd".into(),
                Script::Missing => "missing".into(),
            };
            of.at(format!("  {} ({script})", Canonical(resource)), resource.line);
        }
    }
    rows.all.append(&mut of.all);
}

pub(super) fn on(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
