//! What `hbd reload` does about a changed directive: follow it at once, or say that it needs a start. Directives of one kind, as
//! those of a link, share what is compared and what it is called.

use crate::config::settings::Settings;
use hb_core::config::Tuning;

/// One thing that is compared: what it is called, and does it differ?
pub(crate) struct Change<T: 'static> {
    pub(crate) what: &'static str,
    pub(crate) differs: fn(&T, &T) -> bool,
}

/// What a changed directive means for a daemon that runs.
#[derive(Clone, Copy)]
pub(crate) enum Reload {
    /// It holds at once.
    AtOnce(&'static Change<Tuning>),
    /// It holds from the next start on.
    AtStart(&'static Change<Settings>),
    /// It holds at once: the child that keeps the programs compares them with its own ([`crate::attend`]).
    Programs,
    /// It changes nothing by itself.
    Nothing,
}

const fn at_once(change: &'static Change<Tuning>) -> Reload {
    Reload::AtOnce(change)
}

const fn at_start(change: &'static Change<Settings>) -> Reload {
    Reload::AtStart(change)
}

macro_rules! reloads {
    ($($name:ident: $when:ident $what:literal, |$a:ident, $b:ident| $differs:expr;)*) => {
        $(pub(super) const $name: Reload = $when(&Change { what: $what, differs: |$a, $b| $differs });)*
    };
}

reloads! {
    WARNTIME: at_once "warntime", |a, b| a.warntime != b.warntime;
    FAILBACK: at_once "auto_failback", |a, b| a.failback != b.failback;
    ISOLATED: at_once "isolated", |a, b| a.isolated != b.isolated;
    ANSWERED: at_once "answered", |a, b| a.answered != b.answered;
    SCRIPT_TIMEOUT: at_once "script_timeout", |a, b| a.limits != b.limits;
    MONITOR: at_once "monitor", |a, b| a.monitor != b.monitor;
    NODES: at_start "node", |a, b| (&a.own, &a.peer) != (&b.own, &b.peer);
    KEEPALIVE: at_start "keepalive", |a, b| a.timing.keepalive != b.timing.keepalive;
    DEADTIME: at_start "deadtime", |a, b| a.timing.deadtime != b.timing.deadtime;
    INITDEAD: at_start "initdead", |a, b| a.timing.initdead != b.timing.initdead;
    DEADPING: at_start "deadping", |a, b| a.timing.deadping != b.timing.deadping;
    LINKS: at_start "the links", |a, b| a.links != b.links;
    PINGS: at_start "ping", |a, b| a.pings != b.pings;
    WATCHDOG: at_start "watchdog", |a, b| a.watchdog != b.watchdog;
    BRIDGE: at_start "bridge", |a, b| a.bridge != b.bridge;
    FENCE: at_start "the fence", |a, b| (&a.fence, a.core.fence) != (&b.fence, b.core.fence);
    DATA: at_start "data", |a, b| a.data != b.data;
    LOGS: at_start "the logs", |a, b| a.log != b.log;
    RTPRIO: at_start "rtprio", |a, b| a.rtprio != b.rtprio;
    ANNOUNCE_EVERY: at_start "announce_every", |a, b| a.announce_every != b.announce_every;
    STATUS_GROUP: at_start "status_group", |a, b| a.status_group != b.status_group;
}

/// Checked, and without effect here.
pub(super) const NOTHING: Reload = Reload::Nothing;

/// The programs that are kept running.
pub(super) const PROGRAMS: Reload = Reload::Programs;
