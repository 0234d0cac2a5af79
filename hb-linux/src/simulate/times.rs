//! How long scripts take: given, else as the debug log measured them last, else assumed.

use super::options::Wish;
use super::settings::Pair;
use crate::log::tale::Seconds;
use hb_core::{Duration, Verb};
use std::format;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::string::String;
use std::vec::Vec;

/// What is not known.
const ASSUMED: Duration = Duration::from_millis(500);
/// Of the debug log, from its end.
const TAIL: u64 = 1 << 20;

/// Start and stop of each resource of each group.
pub(crate) type Table = Vec<Vec<(Duration, Duration)>>;

/// The table, and what is to be said of it.
pub(crate) struct Times {
    pub(crate) table: Table,
    pub(crate) notes: Vec<String>,
}

/// Those of this wish.
pub(crate) fn of(wish: &Wish, pair: &Pair) -> Result<Times, String> {
    let [settings, _] = &pair.of;
    let log = settings.log.debugfile.as_deref().map(tail).unwrap_or_default();
    let names = pair.names();
    let mut notes = Vec::new();
    let mut table: Table = Vec::new();
    for group in &names.groups {
        let mut row = Vec::new();
        for resource in &group.resources {
            let mut one = |verb: Verb| {
                let (time, whence) = match measured(&log, resource, verb) {
                    Some(time) => (time, "as the debug log measured it last"),
                    None => (ASSUMED, "assumed; --slow-script says otherwise"),
                };
                if !given(wish, resource, verb) {
                    notes.push(format!("{resource} {}: {}, {whence}", verb.as_str(), Seconds(time)));
                }
                time
            };
            row.push((one(Verb::Start), one(Verb::Stop)));
        }
        table.push(row);
    }
    for slow in &wish.slow {
        let mut known = false;
        for (group, row) in names.groups.iter().zip(&mut table) {
            for (resource, (start, stop)) in group.resources.iter().zip(row) {
                if !is_of(resource, &slow.name) {
                    continue;
                }
                known = true;
                if slow.verb != Some(Verb::Stop) {
                    *start = slow.time;
                }
                if slow.verb != Some(Verb::Start) {
                    *stop = slow.time;
                }
            }
        }
        if !known {
            let all: Vec<&str> = names.groups.iter().flat_map(|g| &g.resources).map(String::as_str).collect();
            return Err(format!("--slow-script {:?}: the resources are {}", slow.name, all.join(", ")));
        }
        notes.push(format!("{}: {}, as given", slow.name, Seconds(slow.time)));
    }
    Ok(Times { table, notes })
}

fn given(wish: &Wish, resource: &str, verb: Verb) -> bool {
    wish.slow.iter().any(|slow| is_of(resource, &slow.name) && slow.verb.is_none_or(|only| only == verb))
}

/// A resource is named as it is written, or by its script.
fn is_of(resource: &str, name: &str) -> bool {
    resource == name || resource.split("::").next() == Some(name)
}

/// The last lines of a log; nothing of one that cannot be read.
fn tail(path: &Path) -> String {
    let read = || {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(size.saturating_sub(TAIL)))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        std::io::Result::Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

/// What the last call that ended well took.
fn measured(log: &str, resource: &str, verb: Verb) -> Option<Duration> {
    let begin = format!("script {resource} {} ends after ", verb.as_str());
    let line = log.lines().rev().find(|line| line.contains(&begin) && line.ends_with(": ok"))?;
    let number = line.split(&begin).nth(1)?.split(' ').next()?;
    number.parse().ok().map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_call_that_ended_well_counts() {
        let log = "hbd[1]: script web start ends after 100 us: ok\n\
                   hbd[1]: script web start ends after 2500000 us: ok\n\
                   hbd[1]: script web start ends after 9 us: failed with exit code 1\n\
                   hbd[1]: script webs stop ends after 7 us: ok\n";
        assert_eq!(measured(log, "web", Verb::Start), Some(Duration::from_millis(2500)));
        assert_eq!(measured(log, "web", Verb::Stop), None);
        assert_eq!(measured(log, "webs", Verb::Stop), Some(Duration::from_micros(7)));
    }

    #[test]
    fn a_resource_is_named_whole_or_by_its_script() {
        assert!(is_of("Filesystem::/dev/sda1::/data", "Filesystem") && is_of("jdmail", "jdmail"));
        assert!(is_of("IPaddr::10.0.0.5", "IPaddr::10.0.0.5") && !is_of("jdmail", "mail"));
    }
}
