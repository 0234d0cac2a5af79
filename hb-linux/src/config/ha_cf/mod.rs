//! `ha.cf`: one directive a line, each checked for itself and against the lines before it.
//!
//! What the directives mean together (the chain of times, own name, shared names) is judged later, on [`HaCf`].

#[cfg(feature = "data")]
mod data;
mod directive;
mod fence;
mod later;
mod logging;
mod media;
mod nodes;
mod own;
mod reload;
mod table;
#[cfg(test)]
mod tests;
mod timing;

use super::finding::Report;
use super::lexer::{self, Syntax};
use super::settings::{Facility, FenceDevice, Medium, Ping, WatchdogBusy};
#[cfg(feature = "data")]
pub(crate) use data::DataLines;
use directive::Directive;
use hb_core::Duration;
use hb_core::config::{Answered, FenceFailed, Isolated, MonitorConfig};
#[cfg(feature = "config-show")]
pub(super) use media::{DEFAULT_BAUD, DEFAULT_PORT};
pub(crate) use reload::Reload;
use std::path::PathBuf;
pub(crate) use table::{names, reloads};

/// A value and the line that gave it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct At<T> {
    /// What was given.
    pub(crate) value: T,
    /// Where.
    pub(crate) line: u32,
}

/// `ha.cf` as written: `None` and empty lists are what it does not say.
#[derive(Clone, Default)]
pub(crate) struct HaCf {
    pub(crate) nodes: Vec<At<String>>,
    /// A `node` line was refused, or may be in a line that was left out, so names cannot be counted on.
    pub(crate) bad_node: bool,
    pub(crate) keepalive: Option<At<Duration>>,
    pub(crate) warntime: Option<At<Duration>>,
    pub(crate) deadtime: Option<At<Duration>>,
    pub(crate) initdead: Option<At<Duration>>,
    pub(crate) deadping: Option<At<Duration>>,
    /// `auto_failback`, true for `on` and `legacy`.
    pub(crate) auto_failback: Option<At<bool>>,
    pub(crate) nice_failback: Option<At<bool>>,
    pub(crate) baud: Option<At<u32>>,
    pub(crate) udpport: Option<At<u16>>,
    pub(crate) serial_rtscts: Option<At<bool>>,
    pub(crate) links: Vec<At<Medium>>,
    /// Some medium was written, if only a wrong one.
    pub(crate) any_medium: bool,
    pub(crate) pings: Vec<At<Ping>>,
    pub(crate) watchdog: Option<At<PathBuf>>,
    pub(crate) watchdog_timeout: Option<At<u32>>,
    pub(crate) logfile: Option<At<PathBuf>>,
    pub(crate) debugfile: Option<At<PathBuf>>,
    /// `Some(None)` is `logfacility none`.
    pub(crate) facility: Option<At<Option<Facility>>>,
    pub(crate) rtprio: Option<At<u8>>,
    pub(crate) hopfudge: Option<At<u8>>,
    /// `script_timeout` for all verbs, then for start, stop, status.
    pub(crate) script_timeout: [Option<At<Duration>>; 4],
    /// `Some(None)` is `monitor off`.
    pub(crate) monitor: Option<At<Option<MonitorConfig>>>,
    pub(crate) isolated: Option<At<Isolated>>,
    /// The group of users that may ask for the status.
    pub(crate) status_group: Option<At<String>>,
    #[cfg(feature = "page")]
    pub(crate) page: Option<At<u16>>,
    /// `Some(None)` is `announce_every off`.
    pub(crate) announce_every: Option<At<Option<Duration>>>,
    pub(crate) answered: Option<At<Answered>>,
    pub(crate) watchdog_busy: Option<At<WatchdogBusy>>,
    /// The device of the serial line that the bridge is behind.
    pub(crate) bridge: Option<At<PathBuf>>,
    /// Of `fence` or `stonith`.
    pub(crate) fence: Option<At<FenceDevice>>,
    pub(crate) fence_delay: Option<At<Duration>>,
    pub(crate) fence_failed: Option<At<FenceFailed>>,
    pub(crate) startup_fence: Option<At<bool>>,
    /// The data of groups.
    #[cfg(feature = "data")]
    pub(crate) data: Vec<DataLines>,
    /// Users of `respawn`, and commands with their arguments.
    pub(crate) respawn: Vec<At<(String, Vec<String>)>>,
    /// The hosts of `stonith_host`, and their devices.
    pub(crate) stonith_hosts: Vec<At<(String, FenceDevice)>>,
}

/// Parse `ha.cf`. Everything that can be understood is in the result, also when something else is wrong.
pub(super) fn parse(bytes: &[u8], report: &mut Report<'_>) -> HaCf {
    let mut cf = HaCf::default();
    let (lines, left_out) = lexer::lines(bytes, Syntax::HaCf, report);
    // What may be in a line that could not be read is not called missing.
    (cf.bad_node, cf.any_medium) = (left_out, left_out);
    for line in lines {
        if let Some((name, args)) = line.split_first() {
            one(&mut cf, &Directive { name: name.text, line: name.line, args }, report);
        }
    }
    let rtscts = cf.serial_rtscts.is_some_and(|s| s.value);
    for link in &mut cf.links {
        if let Medium::Serial { rtscts: of_link, .. } = &mut link.value {
            *of_link = rtscts;
        }
    }
    cf
}

fn one(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    cf.any_medium |= matches!(d.name, "serial" | "bridge" | "bcast" | "udp" | "mcast" | "ucast");
    table::read(cf, d, report);
}
