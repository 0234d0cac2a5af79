//! The times of the protocol, and failback.

use super::directive::{Directive, switch};
use super::{At, HaCf};
use crate::config::finding::Report;
use hb_core::Duration;

/// No time of `ha.cf` is longer than a day.
pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// `auto_failback on|off|legacy`; `legacy` is failback on, as it was before the directive existed.
pub(super) fn auto_failback(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    let Some(word) = d.value("on", report) else { return };
    let legacy = word.eq_ignore_ascii_case("legacy");
    match switch(word).or(legacy.then_some(true)) {
        Some(on) => {
            d.set(&mut cf.auto_failback, on, report);
            contradiction(cf, d, report);
        }
        None => report.error(
            d.line,
            format_args!(
                "auto_failback: `{word}` is not known; write `auto_failback on` or `auto_failback off`"
            ),
        ),
    }
}

/// `nice_failback on|off`: `on` means that nothing moves back.
pub(super) fn nice_failback(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    d.set_switch(&mut cf.nice_failback, report);
    if let [word] = d.args
        && word.text != "on"
        && switch(word.text) == Some(true)
    {
        report.warn(
            d.line,
            format_args!(
                "nice_failback: Heartbeat 1.x took `{}` for off, as only `on` was on, and here it is on; \
                 write `nice_failback on` or `nice_failback off`",
                word.text
            ),
        );
    }
    contradiction(cf, d, report);
}

fn contradiction(cf: &HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    if let (Some(At { value: auto, line: a }), Some(At { value: nice, line: n })) =
        (cf.auto_failback, cf.nice_failback)
        && auto == nice
    {
        let (other, word) = if d.line == a { (n, "nice_failback") } else { (a, "auto_failback") };
        let keep = if auto { "on" } else { "off" };
        report.error(
            d.line,
            format_args!(
                "`{}` contradicts `{word}` of line {other}: nice_failback on is auto_failback off; \
                 keep one, such as `auto_failback {keep}`",
                d.name
            ),
        );
    }
}
