//! The chain of times: every relation between the directives, and a value that mends each one that does not hold.
//!
//! ```text
//! frame time on the line <= keepalive < warntime < deadtime <= initdead
//! 2 x keepalive < deadtime, deadping
//! keepalive + 1 s <= watchdog timeout <= deadtime - keepalive       (DESIGN §8)
//! ```
//!
//! DESIGN §8.12, §8.2.

#[cfg(test)]
mod tests;

use super::finding::Report;
use super::ha_cf::{At, HaCf};
use super::settings::Medium;
use super::time::{Shown, Written, round_down, round_up};
use hb_core::Duration;
use hb_core::config::{MonitorConfig, ScriptLimits, Timing};

/// Bytes of a steady heartbeat on a serial line, with room above the 24 to 36 that it is (DESIGN §4).
pub(crate) const STEADY: u64 = 40;
/// Bytes of the first heartbeat to a peer that is not met, with all groups.
const HELLO: u64 = 200;
/// Bits on the line for a byte: start, 8 data, stop.
const BITS: u64 = 10;
/// Line speeds to recommend.
const SPEEDS: [u32; 8] = [2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200, 230_400];
/// What a driver that counts whole seconds may be off.
const GRANULARITY: Duration = Duration::from_secs(1);

/// The times that hold: those given, and the rules for those that are not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Times {
    /// The protocol's times.
    pub(super) timing: Timing,
    /// Whole seconds, if a watchdog is configured.
    pub(super) watchdog: Option<u32>,
    /// Limits of script calls.
    pub(super) limits: ScriptLimits,
    /// Resource monitoring.
    pub(super) monitor: Option<MonitorConfig>,
}

/// Resolve all times of `cf`, and report each relation that does not hold.
pub(super) fn resolve(cf: &HaCf, report: &mut Report<'_>) -> Times {
    let usual = Timing::default();
    let standard = Timing::new(value(cf.keepalive, usual.keepalive), value(cf.deadtime, usual.deadtime));
    let mut timing = Timing {
        warntime: value(cf.warntime, standard.warntime),
        initdead: value(cf.initdead, standard.initdead),
        deadping: value(cf.deadping, standard.deadping),
        ..standard
    };
    silence(cf, &timing, report);
    // Heartbeat takes it, and never warns.
    if timing.warntime >= timing.deadtime {
        timing.warntime = standard.warntime;
    }
    meant_as_milliseconds(cf, report);
    for link in &cf.links {
        if let Medium::Serial { baud, .. } = link.value {
            line_speed(link, baud, &timing, report);
        }
    }
    let [all, start, stop, status] = cf.script_timeout;
    let limit = |own: Option<At<Duration>>, usual| value(own.or(all), usual);
    let usual = ScriptLimits::default();
    let limits = ScriptLimits {
        start: limit(start, usual.start),
        stop: limit(stop, usual.stop),
        status: limit(status, usual.status),
    };
    let monitor = cf.monitor.and_then(|m| m.value);
    if let Some(m) = monitor
        && m.period < timing.keepalive
    {
        report.warn(
            line_of(&cf.monitor),
            format_args!(
                "monitor {} is shorter than keepalive {}: scripts would run more often than heartbeats; \
                 write `monitor {}` or more",
                Shown(m.period),
                Shown(timing.keepalive),
                Written(round_up(timing.keepalive.times(5)))
            ),
        );
    }
    Times { timing, watchdog: watchdog(cf, &timing, report), limits, monitor }
}

fn value(given: Option<At<Duration>>, default: Duration) -> Duration {
    given.map_or(default, |g| g.value)
}

fn line_of<T>(given: &Option<At<T>>) -> u32 {
    given.as_ref().map_or(1, |g| g.line)
}

/// Nobody beats every few minutes: whoever writes 2000 means milliseconds.
fn meant_as_milliseconds(cf: &HaCf, report: &mut Report<'_>) {
    let minutes = Duration::from_secs(100);
    if cf.keepalive.is_none_or(|keepalive| keepalive.value < minutes) {
        return;
    }
    let times = [
        ("keepalive", cf.keepalive),
        ("warntime", cf.warntime),
        ("deadtime", cf.deadtime),
        ("initdead", cf.initdead),
        ("deadping", cf.deadping),
    ];
    for (name, time) in times.iter().filter_map(|(name, time)| Some((name, (*time)?))) {
        let seconds = time.value.as_micros() / 1_000_000;
        if time.value >= minutes && seconds * 1_000_000 == time.value.as_micros() {
            report.warn(
                time.line,
                format_args!(
                    "{name} {seconds} is {} min: a number without a unit means seconds; if milliseconds are meant, \
                     write `{name} {seconds}ms`",
                    seconds / 60
                ),
            );
        }
    }
}

/// `keepalive`, `warntime`, `deadtime`, `initdead`, `deadping` against each other.
fn silence(cf: &HaCf, t: &Timing, report: &mut Report<'_>) {
    let five = round_up(t.keepalive.times(5));
    let beats = t.keepalive.times(2);
    let (keepalive, deadtime) = (Shown(t.keepalive), Shown(t.deadtime));
    if t.deadtime <= beats {
        let line = line_of(&cf.deadtime.or(cf.keepalive));
        let shorter = round_down(t.deadtime.divided(5));
        if shorter >= Duration::from_millis(10) {
            report.error(
                line,
                format_args!(
                    "deadtime {deadtime} is not more than twice keepalive {keepalive}; write `deadtime {}` or \
                     `keepalive {}`",
                    Written(five),
                    Written(shorter)
                ),
            );
        } else {
            report.error(
                line,
                format_args!(
                    "deadtime {deadtime} is not more than twice keepalive {keepalive}; write `deadtime {}`",
                    Written(five)
                ),
            );
        }
    }
    let half = round_down(t.deadtime.divided(2));
    if t.warntime >= t.deadtime {
        report.warn(
            line_of(&cf.warntime),
            format_args!(
                "warntime {} is not below deadtime {deadtime}, and half of that is used; write `warntime {}`",
                Shown(t.warntime),
                Written(half)
            ),
        );
    } else if t.warntime <= t.keepalive && half > t.keepalive {
        report.warn(
            line_of(&cf.warntime),
            format_args!(
                "warntime {} is not above keepalive {keepalive}: every heartbeat would be reported late; \
                 write `warntime {}`",
                Shown(t.warntime),
                Written(half)
            ),
        );
    }
    let ten = Duration::from_secs(10);
    if t.initdead < t.deadtime {
        report.error(
            line_of(&cf.initdead),
            format_args!(
                "initdead {} is below deadtime {deadtime}; write `initdead {}`",
                Shown(t.initdead),
                Written(round_up(Timing::new(t.keepalive, t.deadtime).initdead))
            ),
        );
    } else if t.initdead < ten {
        report.warn(
            line_of(&cf.initdead),
            format_args!(
                "initdead {} is short: a network often needs 10 s after a boot; write `initdead 10` or more",
                Shown(t.initdead)
            ),
        );
    }
    if cf.deadping.is_some() && t.deadping <= beats {
        report.error(
            line_of(&cf.deadping),
            format_args!(
                "deadping {} is not more than twice keepalive {keepalive}; write `deadping {}`",
                Shown(t.deadping),
                Written(five)
            ),
        );
    }
}

/// How long `bytes` take on a serial line.
pub(super) fn line_time(bytes: u64, baud: u32) -> Duration {
    Duration::from_micros((bytes * BITS * 1_000_000).div_ceil(u64::from(baud.max(1))))
}

/// The time of a steady heartbeat and of a first one.
pub(crate) fn frame_times(baud: u32) -> (Duration, Duration) {
    (line_time(STEADY, baud), line_time(HELLO, baud))
}

fn line_speed(link: &At<Medium>, baud: u32, t: &Timing, report: &mut Report<'_>) {
    let (steady, hello) = frame_times(baud);
    let half = t.keepalive.divided(2);
    let room = t.deadtime.minus(t.keepalive);
    if steady <= half && hello < room {
        return;
    }
    let name = &link.value;
    let faster = SPEEDS.iter().find(|s| line_time(STEADY, **s) <= half && line_time(HELLO, **s) < room);
    if steady <= half {
        let dead = Written(round_up(t.keepalive.plus(hello.times(2))));
        match faster {
            Some(speed) => report.error(
                link.line,
                format_args!(
                    "`{name}` at {baud} baud takes {} for a first heartbeat, no less than deadtime less keepalive, {}; \
                     write `baud {speed}` before it, or `deadtime {dead}`",
                    Shown(hello),
                    Shown(room)
                ),
            ),
            None => report.error(
                link.line,
                format_args!(
                    "`{name}` at {baud} baud takes {} for a first heartbeat, no less than deadtime less keepalive, {}; \
                     write `deadtime {dead}`",
                    Shown(hello),
                    Shown(room)
                ),
            ),
        }
        return;
    }
    let slower = Written(round_up(steady.times(2)));
    let over = steady > t.keepalive;
    let part = if over { "more than" } else { "more than half of" };
    let mut say = |text: core::fmt::Arguments<'_>| {
        if over { report.error(link.line, text) } else { report.warn(link.line, text) }
    };
    match faster {
        Some(speed) => say(format_args!(
            "`{name}` at {baud} baud takes {} for a heartbeat, {part} keepalive {}; write `baud {speed}` before it, \
             or `keepalive {slower}`",
            Shown(steady),
            Shown(t.keepalive)
        )),
        None => say(format_args!(
            "`{name}` at {baud} baud takes {} for a heartbeat, {part} keepalive {}; write `keepalive {slower}`",
            Shown(steady),
            Shown(t.keepalive)
        )),
    }
}

/// The watchdog's timeout in whole seconds, if there is a watchdog.
fn watchdog(cf: &HaCf, t: &Timing, report: &mut Report<'_>) -> Option<u32> {
    let device = cf.watchdog.as_ref();
    if device.is_none() {
        if let Some(given) = cf.watchdog_timeout {
            report.warn(
                given.line,
                format_args!(
                    "`watchdog_timeout` has no effect without `watchdog`; write `watchdog /dev/watchdog` too"
                ),
            );
        }
        return None;
    }
    let room = t.deadtime.minus(t.keepalive);
    let whole = u32::try_from(room.as_micros() / 1_000_000).unwrap_or(u32::MAX).min(3600);
    let seconds = cf.watchdog_timeout.map_or(whole.max(1), |given| given.value);
    let line = cf.watchdog_timeout.map_or_else(|| line_of(&cf.watchdog), |given| given.line);
    let timeout = Duration::from_secs(u64::from(seconds));
    // With this deadtime the default fits on both sides.
    let fits = Written(whole_seconds_up(t.keepalive.times(2).plus(GRANULARITY)));
    if t.deadtime <= t.keepalive.times(2) {
        // Reported already, and any advice from here on would contradict the one given there.
    } else if timeout > room && seconds == 1 {
        report.warn(
            line,
            format_args!(
                "the watchdog's shortest timeout, 1 s, is longer than deadtime {} less keepalive {}: after a hang both \
                 nodes may hold for up to {}; write `deadtime {fits}` or more",
                Shown(t.deadtime),
                Shown(t.keepalive),
                Shown(timeout.plus(t.keepalive).minus(t.deadtime))
            ),
        );
    } else if timeout > room {
        report.error(
            line,
            format_args!(
                "watchdog_timeout {seconds} s is longer than deadtime {} less keepalive {}: after a hang both nodes \
                 would hold; write `watchdog_timeout {}` or `deadtime {}`",
                Shown(t.deadtime),
                Shown(t.keepalive),
                whole.max(1),
                Written(round_up(timeout.plus(t.keepalive)))
            ),
        );
    } else if timeout <= t.keepalive {
        report.error(
            line,
            format_args!(
                "the watchdog's timeout, {seconds} s, is not longer than keepalive {}: this node would be reset between \
                 two heartbeats; {}",
                Shown(t.keepalive),
                Longer { room, keepalive: t.keepalive }
            ),
        );
    } else if timeout < t.keepalive.plus(GRANULARITY) {
        report.warn(
            line,
            format_args!(
                "the watchdog's timeout, {seconds} s, is less than keepalive {} and its granularity, 1 s, together: some \
                 drivers would reset this node between two heartbeats; {}",
                Shown(t.keepalive),
                Longer { room, keepalive: t.keepalive }
            ),
        );
    }
    Some(seconds)
}

fn whole_seconds_up(time: Duration) -> Duration {
    Duration::from_secs(time.as_micros().div_ceil(1_000_000))
}

/// What to write for a longer watchdog timeout: the timeout itself where the deadtime has room for it.
struct Longer {
    room: Duration,
    keepalive: Duration,
}

impl core::fmt::Display for Longer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let needed = whole_seconds_up(self.keepalive.plus(GRANULARITY));
        if needed <= self.room {
            write!(f, "write `watchdog_timeout {}`", Written(needed))
        } else {
            write!(f, "write `deadtime {}` or more", Written(round_up(needed.plus(self.keepalive))))
        }
    }
}
