//! `data GROUP KEY VALUE ...`: the data that follows a group (DESIGN §9). All lines of a group add up.

use super::directive::{Directive, switch};
use super::timing::DAY;
use super::{At, HaCf};
use crate::config::finding::Report;
use crate::config::lexer::Word;
use hb_core::Duration;
use hb_core::config::StalePolicy;
use std::path::PathBuf;

/// What the lines of one group say.
#[derive(Clone, Debug)]
pub(crate) struct DataLines {
    /// The group, and its first line.
    pub(crate) group: At<String>,
    pub(crate) directory: Option<At<PathBuf>>,
    /// Node and address.
    pub(crate) addresses: Vec<At<(String, String)>>,
    /// `transport rsync`, not `transport ssh`.
    pub(crate) daemon: Option<At<bool>>,
    pub(crate) module: Option<At<String>>,
    pub(crate) command: Option<At<String>>,
    pub(crate) excludes: Vec<At<String>>,
    pub(crate) interval: Option<At<Duration>>,
    pub(crate) limit: Option<At<Duration>>,
    pub(crate) stale_after: Option<At<Duration>>,
    pub(crate) stale: Option<At<StalePolicy>>,
    pub(crate) mountpoint: Option<At<bool>>,
    pub(crate) max_delete: Option<At<u8>>,
    /// Something in them was refused.
    pub(crate) bad: bool,
}

const KEYS: &str = "directory, address, transport, module, command, exclude, interval, limit, stale_after, stale, \
                    mountpoint or max_delete";

/// `data GROUP KEY VALUE [KEY VALUE]...`
pub(super) fn data(cf: &mut HaCf, d: &Directive<'_>, report: &mut Report<'_>) {
    let [group, words @ ..] = d.args else {
        report.error(
            d.line,
            format_args!("`data` names no group; write for example `data 192.168.2.50 directory /jdmail`"),
        );
        return;
    };
    let at = cf.data.iter().position(|lines| lines.group.value == group.text);
    let at = at.unwrap_or_else(|| {
        cf.data.push(DataLines::new(group.text, d.line));
        cf.data.len() - 1
    });
    if let Some(lines) = cf.data.get_mut(at)
        && lines.take(d, words, report).is_none()
    {
        lines.bad = true;
    }
}

impl DataLines {
    fn new(group: &str, line: u32) -> Self {
        Self {
            group: At { value: String::from(group), line },
            directory: None,
            addresses: Vec::new(),
            daemon: None,
            module: None,
            command: None,
            excludes: Vec::new(),
            interval: None,
            limit: None,
            stale_after: None,
            stale: None,
            mountpoint: None,
            max_delete: None,
            bad: false,
        }
    }

    fn take(&mut self, d: &Directive<'_>, words: &[Word<'_>], report: &mut Report<'_>) -> Option<()> {
        let mut rest = words;
        if rest.is_empty() {
            report
                .error(d.line, format_args!("`data {}` says nothing; write one of {KEYS}", self.group.value));
            return None;
        }
        while let [key, after @ ..] = rest {
            let key = key.text;
            let [value, more @ ..] = after else {
                report.error(d.line, format_args!("data: `{key}` has no value; write one behind it"));
                return None;
            };
            let value = value.text;
            rest = more;
            let pair = Directive { name: key, line: d.line, args: &[] };
            let one = Duration::from_secs(1);
            match key {
                "directory" => {
                    let path = pair.path(value, "/jdmail", report).filter(|_| plain(&pair, value, report))?;
                    pair.set(&mut self.directory, path, report);
                }
                "address" => {
                    let [address, more @ ..] = more else {
                        report.error(
                            d.line,
                            format_args!("data: `address {value}` takes a node and its address; write `address {value} 10.0.0.1`"),
                        );
                        return None;
                    };
                    rest = more;
                    if !plain(&pair, address.text, report) {
                        return None;
                    }
                    let both = (String::from(value), String::from(address.text));
                    self.addresses.push(At { value: both, line: d.line });
                }
                "transport" => match value {
                    "ssh" => pair.set(&mut self.daemon, false, report),
                    "rsync" => pair.set(&mut self.daemon, true, report),
                    _ => {
                        report.error(d.line, format_args!("data: `transport {value}` is not known; write `transport ssh` or `transport rsync`"));
                        return None;
                    }
                },
                "module" => {
                    if !plain(&pair, value, report) {
                        return None;
                    }
                    pair.set(&mut self.module, String::from(value), report);
                }
                // The rest of the line.
                "command" => {
                    let all: Vec<&str> = after.iter().map(|word| word.text).collect();
                    pair.set(&mut self.command, all.join(" "), report);
                    rest = &[];
                }
                "exclude" => self.excludes.push(At { value: String::from(value), line: d.line }),
                "interval" if value == "off" => pair.set(&mut self.interval, NEVER, report),
                "interval" => pair.set(&mut self.interval, pair.time_of(value, one, DAY, report)?, report),
                "limit" => pair.set(&mut self.limit, pair.time_of(value, one, DAY, report)?, report),
                "stale_after" => {
                    pair.set(&mut self.stale_after, pair.time_of(value, one, MONTH, report)?, report)
                }
                "stale" => {
                    let policy = match value {
                        "refuse" => StalePolicy::Refuse,
                        "wait" => StalePolicy::Wait,
                        "accept" => StalePolicy::Accept,
                        _ => {
                            report.error(d.line, format_args!("data: `stale {value}` is not known; write `stale refuse`, `stale wait` or `stale accept`"));
                            return None;
                        }
                    };
                    pair.set(&mut self.stale, policy, report);
                }
                "mountpoint" => match switch(value) {
                    Some(on) => pair.set(&mut self.mountpoint, on, report),
                    None => {
                        report.error(
                            d.line,
                            format_args!(
                                "data: `mountpoint {value}` is neither yes nor no; write `mountpoint yes`"
                            ),
                        );
                        return None;
                    }
                },
                "max_delete" => {
                    let number = pair.number_of("", value, 1, 100, report)?;
                    pair.set(&mut self.max_delete, u8::try_from(number).unwrap_or(100), report);
                }
                _ => {
                    report.error(d.line, format_args!("data: `{key}` is not known; write {KEYS}"));
                    return None;
                }
            }
        }
        Some(())
    }
}

/// `interval off`: pulls come at a new holder, at a handover, and when they are asked for.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86_400);
/// A month: a copy that is older is old by any measure.
const MONTH: Duration = Duration::from_secs(31 * 86_400);

/// It goes through a shell on the other side, so it is made of plain letters.
fn plain(d: &Directive<'_>, word: &str, report: &mut Report<'_>) -> bool {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"/._-@".contains(&b);
    let good = word.bytes().all(fine) && !word.starts_with('-');
    if !good {
        report.error(
            d.line,
            format_args!("data: `{} {word}`: write letters, digits and / . _ - @ alone", d.name),
        );
    }
    good
}
