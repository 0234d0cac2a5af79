//! `hbd events`: what the event ring holds, for people and for programs; with or without a daemon.

use super::args::{self, Usage};
use super::json::Json;
use super::{EXIT_FAILURE, EXIT_OK, EXIT_PERMISSION, Options, refuse, tell};
use crate::helper::ring;
use crate::state::read_plain;
use crate::sys::clock::{Calendar, WallTime};
use crate::sys::host;
use crate::sys::poll::sleep_ms;
use lexopt::{Arg, Parser, ValueExt};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Between two looks of `--follow`.
const LOOK_MS: i32 = 300;

/// What was asked for.
#[derive(Debug, Default)]
struct Wish {
    options: Options,
    /// Only what is not before this stamp.
    since: String,
    follow: bool,
    /// The ring of the other node, copied here.
    both: Option<PathBuf>,
}

/// One line of a ring.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Line {
    /// Local time, as in the log: it sorts as text.
    stamp: String,
    number: u32,
    /// Where it was written; empty where one ring is shown.
    node: String,
    level: String,
    text: String,
}

/// `hbd events`, with the words behind it.
pub(super) fn main(words: Vec<OsString>, options: &Options) -> i32 {
    match read(words, options.clone(), WallTime::now()) {
        Ok(wish) => show(&wish),
        Err(usage) => refuse(&usage),
    }
}

fn read(words: Vec<OsString>, options: Options, now: WallTime) -> Result<Wish, Usage> {
    let mut parser = Parser::from_args(words);
    let mut wish = Wish { options, ..Wish::default() };
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("since") => wish.since = since(&parser.value()?.string()?, now)?,
            Arg::Long("follow") | Arg::Short('f') => wish.follow = true,
            Arg::Long("both") => wish.both = Some(PathBuf::from(parser.value()?)),
            Arg::Long(name) => {
                let name = name.to_string();
                args::common(&name, &mut parser, &mut wish.options)?;
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if wish.follow && wish.both.is_some() {
        return Err(Usage::new("--follow and --both: a copied file does not grow; choose one"));
    }
    Ok(wish)
}

/// The stamp of `10m` (or s, h, d) before `now`, or of a moment that is written as a stamp, whole or its beginning.
fn since(word: &str, now: WallTime) -> Result<String, Usage> {
    let wrong = || {
        Usage::new(format!("--since {word:?}: write 30m, 12h, 7d, 22:13 or 2026/11/23_22:13, as in the log"))
    };
    let digits = word.trim_end_matches(['s', 'm', 'h', 'd']);
    let unit = match word.strip_prefix(digits) {
        Some("s") => 1,
        Some("m") => 60,
        Some("h") => 3600,
        Some("d") => 86_400,
        Some("") => 0,
        _ => return Err(wrong()),
    };
    if unit > 0 {
        let back = digits.parse::<u32>().map_err(|_| wrong())?;
        let secs = now.secs.saturating_sub(i64::from(back) * unit);
        return Ok(stamp(WallTime { secs, ..now }.local()));
    }
    let known = |c: char| c.is_ascii_digit() || "/-_T: .".contains(c);
    if !word.starts_with(|c: char| c.is_ascii_digit()) || !word.chars().all(known) || word.len() < 5 {
        return Err(wrong());
    }
    // A time of day is one of today.
    if word.get(2..3) == Some(":") {
        let today = stamp(now.local());
        return Ok(format!("{}_{word}", today.split('_').next().unwrap_or_default()));
    }
    Ok(word.replace('-', "/").replace(['T', ' '], "_"))
}

fn stamp(t: Calendar) -> String {
    format!("{:04}/{:02}/{:02}_{:02}:{:02}:{:02}", t.year, t.month, t.day, t.hour, t.minute, t.second)
}

/// Take a ring's lines apart.
fn lines(bytes: &[u8]) -> Vec<Line> {
    let parts = |(number, line): (u32, String)| {
        let (stamp, rest) = line.split_once(": ")?.1.split_once(' ')?;
        let (level, text) = rest.split_once(": ")?;
        let [stamp, level, text] = [stamp, level, text].map(ToString::to_string);
        Some(Line { stamp, number, node: String::new(), level, text })
    };
    ring::lines(bytes).into_iter().filter_map(parts).collect()
}

/// The node whose ring it is: it says so at each start.
fn whose(lines: &[Line]) -> Option<String> {
    let mut names = lines.iter().rev().filter_map(|line| {
        let rest = line.text.strip_prefix("Configuration validated. Starting hbd ")?;
        rest.split(' ').nth(3)
    });
    names.next().map(ToString::to_string)
}

/// The last lines of the ring in `dir`, short, for a screen.
#[cfg(feature = "monitor")]
pub(super) fn last_lines(dir: &Path, count: usize) -> Vec<String> {
    let all = read_plain(&dir.join(ring::FILE)).map(|bytes| lines(&bytes)).unwrap_or_default();
    let short = |line: &Line| {
        let time = line.stamp.get(5..19).unwrap_or(&line.stamp);
        let level = if line.level == "info" { String::new() } else { format!("{}: ", line.level) };
        format!("{time} {level}{}", line.text)
    };
    all.iter().skip(all.len().saturating_sub(count)).map(short).collect()
}

fn load(path: &Path) -> Result<Vec<Line>, i32> {
    match read_plain(path) {
        Ok(bytes) => Ok(lines(&bytes)),
        Err(error) => {
            let denied = error.kind() == io::ErrorKind::PermissionDenied;
            let hint = if denied { "; be root, as the daemon is" } else { "" };
            tell(&format!("{}: {error}{hint}", path.display()));
            Err(if denied { EXIT_PERMISSION } else { EXIT_FAILURE })
        }
    }
}

/// Both rings in one, each line with its node.
fn merge(mut own: Vec<Line>, mut theirs: Vec<Line>, name: &str) -> Vec<Line> {
    let (ours, other) = (whose(&own), whose(&theirs));
    let name_all = |lines: &mut Vec<Line>, name: &str| {
        lines.iter_mut().for_each(|line| name.clone_into(&mut line.node));
    };
    name_all(&mut own, ours.as_deref().unwrap_or(name));
    name_all(&mut theirs, other.as_deref().unwrap_or("other"));
    // What one node wrote stays in its order, also where its clock was set back.
    let (mut own, mut theirs) = (own.into_iter().peekable(), theirs.into_iter().peekable());
    let mut all = Vec::new();
    loop {
        let first = match (own.peek(), theirs.peek()) {
            (Some(ours), Some(other)) if ours.stamp > other.stamp => theirs.next(),
            (Some(_), _) => own.next(),
            (None, _) => theirs.next(),
        };
        let Some(line) = first else { return all };
        all.push(line);
    }
}

fn show(wish: &Wish) -> i32 {
    let path = wish.options.state_dir.join(ring::FILE);
    let mut all = match load(&path) {
        Ok(lines) => lines,
        Err(code) => return code,
    };
    if let Some(other) = &wish.both {
        let name = wish.options.node.clone().unwrap_or_else(host::node_name);
        all = match load(other) {
            Ok(theirs) => merge(all, theirs, &name),
            Err(code) => return code,
        };
    }
    let mut newest = 0;
    loop {
        for line in &all {
            if line.stamp.as_str() >= wish.since.as_str() && !print(line, wish.options.json) {
                return EXIT_OK;
            }
            newest = newest.max(line.number);
        }
        if !wish.follow {
            return EXIT_OK;
        }
        sleep_ms(LOOK_MS);
        all = load(&path).unwrap_or_default();
        // One that begins anew, with its file removed, is told from its beginning.
        if all.last().is_some_and(|line| line.number < newest) {
            newest = 0;
        }
        all.retain(|line| line.number > newest);
    }
}

/// `false`: nobody reads any more.
fn print(line: &Line, json: bool) -> bool {
    let text = if json { object(line) } else { plain(line) };
    writeln!(io::stdout(), "{text}").is_ok()
}

fn plain(line: &Line) -> String {
    let node = if line.node.is_empty() { String::new() } else { format!("{} ", line.node) };
    format!("{} {node}{}: {}", line.stamp, line.level, line.text)
}

fn object(line: &Line) -> String {
    let mut j = Json::new();
    let at = line.stamp.replace('/', "-").replace('_', "T");
    j.open('{').key("at").string(&at).key("level").string(&line.level.to_ascii_lowercase());
    if !line.node.is_empty() {
        j.key("node").string(&line.node);
    }
    j.key("text").string(&line.text).close('}');
    j.finish()
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
