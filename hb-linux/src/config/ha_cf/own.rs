//! Directives that the original does not have, and those few whose value is a plain number.

use super::HaCf;
use super::directive::Directive;
use super::timing::DAY;
use crate::config::finding::Report;
use hb_core::Duration;
use hb_core::config::MonitorConfig;

/// Failures in a row that `monitor` waits for when it does not say.
const DEFAULT_FAILURES: u8 = 3;

/// `watchdog_timeout SECONDS`
pub(super) fn watchdog_timeout(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    if let Some(seconds) = d.number(1, 3600, "8", report) {
        d.set(&mut cf.watchdog_timeout, seconds, report);
    }
}

/// `rtprio N`: the range of SCHED_RR.
pub(super) fn rtprio(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    if let Some(priority) = d.number(1, 99, "1", report).and_then(|n| u8::try_from(n).ok()) {
        d.set(&mut cf.rtprio, priority, report);
    }
}

/// `script_timeout [start|stop|status] TIME`
pub(super) fn script_timeout(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    let (verb, word) = match d.args {
        [verb, time] => (verb.text, time.text),
        [time] => ("", time.text),
        _ => {
            report.error(
                d.line,
                format_args!(
                    "`script_timeout` takes a verb and a time; write for example `script_timeout stop 60`, \
                     or `script_timeout 60` for all verbs"
                ),
            );
            return;
        }
    };
    let Some(at) = ["", "start", "stop", "status"].iter().position(|v| *v == verb) else {
        report.error(
            d.line,
            format_args!(
                "script_timeout: `{verb}` is not a verb; write start, stop or status before the time"
            ),
        );
        return;
    };
    let time = d.time_of(word, Duration::from_millis(100), Duration::from_secs(3600), report);
    if let (Some(time), Some(slot)) = (time, cf.script_timeout.get_mut(at)) {
        d.set(slot, time, report);
    }
}

/// `monitor TIME [failures N]`, `monitor off`
pub(super) fn monitor(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    let (word, failures) = match d.args {
        [off] if off.text == "off" => {
            d.set(&mut cf.monitor, None, report);
            return;
        }
        [time] => (time.text, None),
        [time, keyword, count] if keyword.text == "failures" => (time.text, Some(count.text)),
        _ => {
            report.error(
                d.line,
                format_args!("`monitor` takes a time and a count; write for example `monitor 10 failures 3`"),
            );
            return;
        }
    };
    let period = d.time_of(word, Duration::from_millis(100), DAY, report);
    let failures = match failures {
        Some(count) => d.number_of("failures", count, 1, 255, report).and_then(|n| u8::try_from(n).ok()),
        None => Some(DEFAULT_FAILURES),
    };
    if let (Some(period), Some(failures)) = (period, failures) {
        d.set(&mut cf.monitor, Some(MonitorConfig { period, failures }), report);
    }
}

/// `announce_every TIME`, `announce_every off`
pub(super) fn announce_every(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    match d.args {
        [off] if off.text == "off" => d.set(&mut cf.announce_every, None, report),
        [time] => {
            if let Some(time) = d.time_of(time.text, Duration::from_secs(1), DAY, report) {
                d.set(&mut cf.announce_every, Some(time), report);
            }
        }
        _ => report.error(
            d.line,
            format_args!(
                "`announce_every` takes one time; write for example `announce_every 60`, or `announce_every off`"
            ),
        ),
    }
}

/// `page PORT`: on the loopback alone.
#[cfg(feature = "page")]
pub(super) fn page(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    if let Some(port) = d.number(1, 65_535, "8694", report).and_then(|n| u16::try_from(n).ok()) {
        d.set(&mut cf.page, port, report);
    }
}

/// `status_group GROUP`: who may ask for the status beside root.
pub(super) fn status_group(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    if let Some(name) = d.value("nagios", report) {
        d.set(&mut cf.status_group, String::from(name), report);
    }
}
