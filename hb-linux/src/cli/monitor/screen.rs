//! What `hbd monitor` shows: 24 rows of printable ASCII.

use super::paint::{COLUMNS, ROWS};
use crate::cli::show::{micros, seconds};
use crate::cli::verdict;
use crate::control::Snapshot;
use crate::control::snapshot::{Group, Link};
use crate::control::words::{LinkState, Worded};
use hb_core::message::GroupState;
use std::collections::VecDeque;

/// Looks over which loss is counted.
const LOOKS: usize = 60;
/// Links and groups that find room.
const LINKS: usize = 5;
const GROUPS: usize = 6;
/// Characters of a bar.
const BAR: usize = 8;

/// What earlier looks counted, by link: heard and lost.
#[derive(Debug, Default)]
pub(super) struct Past(VecDeque<Vec<(u32, u32)>>);

impl Past {
    /// Take in another look.
    pub(super) fn note(&mut self, s: &Snapshot) {
        // After a restart of the daemon its counters begin anew.
        let counts: Vec<(u32, u32)> = s.links.iter().map(|link| (link.rx, link.lost)).collect();
        let anew = self.0.back().is_some_and(|last| {
            last.len() != counts.len() || last.iter().zip(&counts).any(|(old, new)| new.0 < old.0)
        });
        if anew {
            self.0.clear();
        }
        self.0.push_back(counts);
        if self.0.len() > LOOKS {
            self.0.pop_front();
        }
    }

    /// Of how many frames in the last minute how many were lost.
    fn lost(&self, at: usize) -> (u32, u32) {
        let ends = self.0.front().zip(self.0.back());
        let pair = ends.and_then(|(first, last)| first.get(at).copied().zip(last.get(at).copied()));
        let Some(((rx, lost), (rx_now, lost_now))) = pair else { return (0, 0) };
        let lost = lost_now.saturating_sub(lost);
        (rx_now.saturating_sub(rx).saturating_add(lost), lost)
    }
}

/// The rows for one look. `events`: the last lines of the event ring, the newest last; `foot`: the last row.
pub(super) fn screen(s: &Snapshot, past: &Past, events: &[String], foot: String) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    rows.extend(broken(&format!("{}", verdict::judge(s))).into_iter().take(2));
    rows.push(String::new());
    let latest = micros(s.own.worst_late_us);
    rows.push(format!(
        "node   {:<16} {:<12} for {}, start {}, latest by {latest}",
        s.own.name,
        s.own.phase,
        seconds(s.own.uptime_s),
        s.own.incarnation.0
    ));
    let heard = s.peer.last_heard_ms.map_or(String::new(), |ms| {
        // To the tenth: what changes at each look costs bytes.
        format!("heard {}.{} s ago", ms / 1000, ms % 1000 / 100)
    });
    rows.push(format!("peer   {:<16} {:<12} {heard}", s.peer.name, s.peer.state));
    rows.push(String::new());
    for (at, link) in s.links.iter().enumerate().take(LINKS) {
        rows.push(link_row(at, link, past.lost(at)));
    }
    further(&mut rows, s.links.len(), LINKS, "links");
    rows.push(String::new());
    for (at, group) in s.groups.iter().enumerate().take(GROUPS) {
        rows.push(group_row(at, s, group));
    }
    further(&mut rows, s.groups.len(), GROUPS, "groups");
    rows.push(String::new());
    rows.push(guards(s));
    let pings: Vec<String> = s
        .pings
        .iter()
        .map(|p| format!("{} {}", p.host, if p.alive { "answers" } else { "SILENT" }))
        .collect();
    if !pings.is_empty() {
        rows.push(format!("ping   {}", pings.join(", ")));
    }
    whole(rows, events, foot)
}

/// A whole screen: below these rows the last events that find room, and the foot.
fn whole(mut rows: Vec<String>, events: &[String], foot: String) -> Vec<String> {
    rows.push(String::new());
    let room = (ROWS - 1).saturating_sub(rows.len());
    rows.extend(events.iter().skip(events.len().saturating_sub(room)).cloned());
    rows.truncate(ROWS - 1);
    rows.resize(ROWS - 1, String::new());
    rows.push(foot);
    rows.iter().map(|row| printable(row)).collect()
}

/// The rows of a machine whose daemon does not answer.
pub(super) fn silent(why: &str, events: &[String], foot: String) -> Vec<String> {
    whole(broken(why), events, foot)
}

/// What is said where there is no terminal: a line for each thing that changes seldom.
pub(super) fn lines(s: &Snapshot) -> Vec<String> {
    let mut lines = Vec::from([format!("{}", verdict::judge(s))]);
    lines.push(format!("peer {}: {}", s.peer.name, s.peer.state));
    lines.extend(s.links.iter().map(|l| format!("link {}: {}", l.name, l.state)));
    lines.extend(s.groups.iter().map(|g| {
        let theirs = g.peer_state.unwrap_or_default();
        format!("group {}: {} here, {theirs} on {}: {}", g.name, g.state, s.peer.name, g.why)
    }));
    lines.iter().map(|line| line.chars().map(clean).collect()).collect()
}

fn first(at: usize, word: &'static str) -> &'static str {
    if at == 0 { word } else { "" }
}

fn further(rows: &mut Vec<String>, all: usize, shown: usize, what: &str) {
    if all > shown {
        rows.push(format!("       and {} {what} more: hbd status", all - shown));
    }
}

fn link_row(at: usize, link: &Link, (of, lost): (u32, u32)) -> String {
    let percent = if of == 0 { 0 } else { u64::from(lost) * 100 / u64::from(of) };
    let filled = if lost == 0 { 0 } else { 1 + percent * (BAR as u64 - 1) / 100 };
    let loss = format!("loss {} {percent:>3} %", bar(filled));
    let rtt = link.rtt_us.map_or(String::new(), |us| {
        // A character for each doubling from a quarter of a millisecond on.
        let filled = u64::from((us / 250).checked_ilog2().map_or(0, |log| log + 1));
        format!("trip {} {}", bar(filled), micros(us))
    });
    format!(
        "{:<6} {:<16} {:<7} {loss}  {rtt}",
        first(at, "link"),
        link.name,
        shown(link.state.as_str(), link.state == LinkState::Up)
    )
}

fn bar(filled: u64) -> String {
    let filled = usize::try_from(filled).unwrap_or(BAR).min(BAR);
    format!("[{}{}]", "#".repeat(filled), ".".repeat(BAR - filled))
}

/// A word in capitals if it needs attention.
fn shown(word: &str, fine: bool) -> String {
    if fine { word.into() } else { word.to_ascii_uppercase().replace('_', " ") }
}

fn group_row(at: usize, s: &Snapshot, g: &Group) -> String {
    let theirs = verdict::theirs(s, g).map_or("?", Worded::as_str);
    let why = if g.why.is_empty() { &g.wait_text } else { &g.why };
    let fine = match g.state.0 {
        GroupState::Idle | GroupState::Starting | GroupState::Held | GroupState::Stopping => true,
        GroupState::Unknown | GroupState::Failed | GroupState::Stuck => false,
    };
    let state = format!("{}/{theirs}", shown(g.state.as_str(), fine));
    format!("{:<6} {:<16} {state:<12} for {}: {why}", first(at, "group"), g.name, seconds(g.since_s))
}

/// Watchdog and helper in one row.
fn guards(s: &Snapshot) -> String {
    let dog = match &s.watchdog {
        None => "none".into(),
        Some(w) => match w.timeout_s {
            Some(t) => format!("{} armed, {t} s", w.device),
            None => format!("{} NOT ARMED", w.device),
        },
    };
    let helper = match (s.helper.alive, s.helper.backlog) {
        (false, _) => "GONE".into(),
        (true, 0) => "all written".into(),
        (true, waiting) => format!("{waiting} lines wait for the disk"),
    };
    format!("dog    {dog:<29} helper: {helper}")
}

/// A text in rows, broken between words.
fn broken(text: &str) -> Vec<String> {
    let mut rows = Vec::from([String::new()]);
    for word in text.split(' ') {
        if rows.last().is_some_and(|row| !row.is_empty() && row.len() + 1 + word.len() > COLUMNS) {
            rows.push(String::new());
        }
        if let Some(row) = rows.last_mut() {
            if !row.is_empty() {
                row.push(' ');
            }
            row.push_str(word);
        }
    }
    rows
}

fn clean(c: char) -> char {
    if c == ' ' || c.is_ascii_graphic() { c } else { '?' }
}

fn printable(row: &str) -> String {
    let row: String = row.chars().map(clean).take(COLUMNS).collect();
    row.trim_end().into()
}

#[cfg(test)]
#[path = "screen_tests.rs"]
mod tests;
