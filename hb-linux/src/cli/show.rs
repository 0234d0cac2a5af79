//! `hbd status`: a snapshot as a table that reads at a glance.

use super::notes;
use super::verdict::{self, theirs};
use crate::control::Snapshot;
#[cfg(feature = "data")]
use crate::control::snapshot::Copied;
use crate::control::snapshot::{Fence, Group, Link};
use crate::control::words::{LinkState, Worded};
use hb_core::PeerState;
#[cfg(feature = "data")]
use hb_core::Stale;
use hb_core::message::{GroupState, Phase};

/// Bit of the driver's boot status: the watchdog reset the machine (`WDIOF_CARDRESET`).
const CARD_RESET: u32 = 0x20;
/// Where lateness above 20 ms begins in its counts.
const LATE_FROM: usize = 5;

/// The table for people.
#[must_use]
pub fn human(s: &Snapshot) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut text = fold(&verdict::judge(s).to_string(), 2);
    let phase = match s.own.phase.0 {
        Phase::Joining => ("joining", "not in service yet"),
        Phase::Up => ("in service", ""),
        Phase::Leaving => ("leaving", "stopping its groups"),
    };
    let mut own = Vec::from([label("node"), s.own.name.clone(), phase.0.to_string()]);
    own.extend(Some(phase.1.to_string()).filter(|text| !text.is_empty()));
    if s.own.isolated {
        own.push("ISOLATED: no link and no ping node answers".to_string());
        own.push(format!("if {0} is off: hbd confirm-down {0}", s.peer.name));
    }
    rows.push(own);
    rows.push(peer_row(s));
    for (i, link) in s.links.iter().enumerate() {
        rows.push(link_row(first(i, "link"), &s.peer.name, link));
    }
    for (i, group) in s.groups.iter().enumerate() {
        rows.push(group_row(first(i, "group"), s, group));
        #[cfg(feature = "data")]
        rows.extend(group.copy.as_ref().map(|copy| data_row(group, copy)));
    }
    match &s.watchdog {
        None => rows.push(Vec::from([
            label("watchdog"),
            "none".to_string(),
            "off".to_string(),
            "not configured".to_string(),
        ])),
        Some(w) => {
            let mut row = Vec::from([label("watchdog"), w.device.clone()]);
            match (w.timeout_s, &w.held_by) {
                (Some(t), _) => row.extend(["armed".to_string(), format!("{t} s, fed {} times", w.fed)]),
                (None, Some(who)) => row.push(format!("NOT ARMED: held by {who}")),
                (None, None) => row.push("NOT ARMED".to_string()),
            }
            if w.boot_status.is_some_and(|b| b & CARD_RESET != 0) {
                row.push("it caused the last boot".to_string());
            }
            rows.push(row);
        }
    }
    rows.extend(s.fence.as_ref().map(fence_row));
    #[cfg(feature = "bridge")]
    rows.extend(
        s.bridge.as_ref().map(|bridge| [Vec::from([label("bridge")]), super::bridge::row(bridge)].concat()),
    );
    for (i, ping) in s.pings.iter().enumerate() {
        let state = if ping.alive { "answers" } else { "SILENT" };
        let mut row = Vec::from([first(i, "ping"), ping.host.clone(), state.to_string()]);
        row.extend(ping.mirror.map(|whose| notes::not_counted(s, whose.0)));
        rows.push(row);
    }
    text.push_str(&table(&rows));
    for note in notes::of_node(s) {
        text.push_str(&fold(&note, 2));
    }
    for group in &s.groups {
        if let Some(trouble) = &group.trouble {
            text.push_str(&fold(
                &format!("group {} is {}: {trouble}", group.name, group.state.as_str().to_ascii_uppercase()),
                2,
            ));
        }
        let served = group.state == GroupState::Held || theirs(s, group) == Some(GroupState::Held);
        if !group.wait_text.is_empty() && !served {
            text.push_str(&fold(&format!("group {} waits: {}", group.name, group.wait_text), 2));
        }
        for note in notes::of_group(s, group) {
            text.push_str(&fold(&note, 2));
        }
        if let Some(reason) = &group.barred {
            text.push_str(&fold(
                &format!(
                    "group {0} would move here ({reason}), but an operator moved it; to move it: hbd takeover {0}",
                    group.name
                ),
                2,
            ));
        }
        if group.resources.len() > 1 {
            text.push_str(&fold(&format!("group {} starts: {}", group.name, group.resources.join(", ")), 2));
        }
    }
    text.push_str(&helper_line(s));
    let about = format!(
        "hbd {}, process {}, start {}, running {}, configuration {:08x}, latest by {}{}{}{}",
        s.own.version,
        s.own.pid,
        s.own.incarnation.0,
        seconds(s.own.uptime_s),
        s.own.config_digest,
        micros(s.own.worst_late_us),
        lateness(s),
        if s.own.realtime { "" } else { ", NOT locked in memory or not real-time" },
        if s.own.lost_lines > 0 { format!(", {} log lines lost", s.own.lost_lines) } else { String::new() },
    );
    text.push_str(&fold(&about, 2));
    #[cfg(feature = "late-record")]
    text.push_str(&fold(&record(s), 2));
    text
}

fn fence_row(f: &Fence) -> Vec<String> {
    let ago = || f.last_s.map(|s| format!("{} ago", seconds(s))).unwrap_or_default();
    let mut row = Vec::from([label("fence"), f.device.clone()]);
    match (f.busy, f.ok) {
        (true, _) => row.push("resetting".to_string()),
        (false, None) => row.push("ready".to_string()),
        (false, Some(true)) => row.extend(["done".to_string(), ago()]),
        (false, Some(false)) => row.extend(["FAILED".to_string(), ago()]),
    }
    if f.ok == Some(false) && !f.said.is_empty() {
        row.push(format!("it said: {}", f.said));
    }
    row
}

/// How often the loop was late, and what that allows.
fn lateness(s: &Snapshot) -> String {
    often(&s.late.counts, s.late.deadtime_ms).map_or(String::new(), |often| format!(" ({often})"))
}

fn often(counts: &[u64], deadtime_ms: u64) -> Option<String> {
    let all: u64 = counts.iter().sum();
    let late: u64 = counts.iter().skip(LATE_FROM).sum();
    let allowed = micros(deadtime_ms.saturating_mul(1000));
    (all > 0).then(|| format!("{late} of {all} times by more than 20 ms; a deadtime of {allowed} would do"))
}

/// The same over all lives, if there was another one.
#[cfg(feature = "late-record")]
fn record(s: &Snapshot) -> String {
    let r = &s.late_record;
    let Some(often) = often(&r.counts, r.deadtime_ms).filter(|_| r.counts != s.late.counts) else {
        return String::new();
    };
    format!("since {}: latest by {} on {}; {often}", day(r.since), micros(r.worst_us), day(r.worst_at))
}

/// A moment in seconds since 1970, as the local calendar shows it.
#[cfg(feature = "late-record")]
fn day(secs: i64) -> String {
    let at = crate::sys::clock::WallTime { secs, micros: 0 }.local();
    format!("{:04}-{:02}-{:02} {:02}:{:02}", at.year, at.month, at.day, at.hour, at.minute)
}

/// Empty while logs and state are written as they come.
fn helper_line(s: &Snapshot) -> String {
    let h = &s.helper;
    match (h.alive, h.last_write_ms) {
        (false, _) => "HELPER GONE: nothing is logged until a new one runs\n".to_string(),
        (true, last) if h.is_late() => format!(
            "HELPER LATE: {} lines and states wait for the disk, last written {}\n",
            h.backlog,
            last.map_or("never".to_string(), |ms| format!("{} ago", micros(ms.saturating_mul(1000))))
        ),
        _ => String::new(),
    }
}

fn label(word: &str) -> String {
    word.to_string()
}

fn first(i: usize, word: &str) -> String {
    label(if i == 0 { word } else { "" })
}

fn peer_row(s: &Snapshot) -> Vec<String> {
    let p = &s.peer;
    let state = match (p.foreign, p.one_way, p.deaf, p.state.0, p.phase) {
        (true, ..) => "foreign".to_string(),
        (_, true, ..) => "ONE WAY".to_string(),
        (_, _, true, ..) => "DEAF".to_string(),
        (.., PeerState::Unknown, _) => "never met".to_string(),
        (.., PeerState::Late, _) => "LATE".to_string(),
        (.., PeerState::Dead, _) if p.left => "stopped".to_string(),
        (.., PeerState::Dead, _) => "DEAD".to_string(),
        (.., PeerState::Up, Some(phase)) if phase != Phase::Up => format!("up, {phase}"),
        (.., PeerState::Up, _) => "up".to_string(),
    };
    let mut row = Vec::from([label("peer"), p.name.clone(), state]);
    row.extend(match (p.foreign, p.one_way, p.deaf) {
        (true, ..) => Some("runs Linux-HA Heartbeat".to_string()),
        (_, true, _) => Some("a one-way link or a replay".to_string()),
        (_, _, true) => Some("does not hear this node".to_string()),
        _ => None,
    });
    if let Some(ms) = p.last_heard_ms {
        row.push(format!("heard {} ago", micros(ms.saturating_mul(1000))));
    }
    if p.timing_match == Some(false) {
        row.push("KEEPALIVE, DEADTIME OR DEADPING DIFFER".to_string());
    }
    row
}

fn link_row(label: String, peer: &str, l: &Link) -> Vec<String> {
    let state = match l.state.0 {
        LinkState::Up => ("up", ""),
        LinkState::OneWay => ("ONE WAY", "the peer does not hear us on it"),
        LinkState::Down => ("DOWN", "not open"),
        LinkState::Dead if l.unsigned => ("DEAD", "frames come, none signed with a key of ours"),
        LinkState::Dead => ("DEAD", "nothing heard"),
    };
    let mut row = Vec::from([label, l.name.clone(), format!("{} {}", l.medium, state.0)]);
    row.extend(Some(state.1.to_string()).filter(|text| !text.is_empty()));
    row.push(format!("got {}, sent {}, lost {}, bad {}", l.rx, l.tx, l.lost, l.bad));
    if l.text > 0 {
        row.push(format!("{} texts in the name of {peer} that no key of ours signed", l.text));
    }
    if l.limited {
        row.push("sends to 255.255.255.255 as well".to_string());
    }
    if let Some(us) = l.rtt_us {
        row.push(format!("round trip {}", micros(us)));
    }
    row
}

fn group_row(label: String, s: &Snapshot, g: &Group) -> Vec<String> {
    let loud = matches!(g.state.0, GroupState::Failed | GroupState::Stuck | GroupState::Unknown);
    let state = g.state.as_str();
    let state = if loud { state.to_ascii_uppercase() } else { state.to_string() };
    let mut about = format!("for {}", seconds(g.since_s));
    if !g.why.is_empty() {
        about.push_str(&format!(": {}", g.why));
    }
    about.push_str(&format!("; prefers {}, epoch {}", g.preferred, g.epoch));
    match (g.peer_state, theirs(s, g)) {
        (_, Some(theirs)) => about.push_str(&format!(", {} on {}", theirs.as_str(), s.peer.name)),
        // What it showed last, and what is not so any more.
        (Some(was), None) if was == GroupState::Held && !s.peer.left => {
            about.push_str(&format!(", was held on {}", s.peer.name));
        }
        _ => {}
    }
    if let Some(reason) = &g.wanted {
        about.push_str(&format!(", wanted here ({reason})"));
    }
    if g.pinned {
        about.push_str(", moved by an operator, which stands against failback");
    }
    if g.config_match == Some(false) && s.peer.timing_match != Some(false) {
        about.push_str(", HARESOURCES DIFFERS");
    }
    Vec::from([label, g.name.clone(), state, about])
}

/// The copy of a group's data.
#[cfg(feature = "data")]
fn data_row(g: &Group, copy: &Copied) -> Vec<String> {
    let state = match (copy.stale.map(|stale| stale.0), copy.pulling) {
        (Some(Stale::Unread), _) => "UNREAD",
        (Some(Stale::Missing), _) => "NO STAMP",
        (_, true) => "pulling",
        (Some(Stale::Partial), _) => "PARTIAL",
        (Some(Stale::Behind), _) => "BEHIND",
        (Some(Stale::Old), _) => "OLD",
        (None, _) if copy.own => "own",
        (None, _) => "a copy",
    };
    let mut about = match copy.age_s {
        Some(age) => format!("as the other node had it {} ago", seconds(age)),
        None if copy.own => "written here".to_string(),
        None => "of an age that nobody knows".to_string(),
    };
    if copy.failed > 0 {
        about.push_str(&format!(", {} PULLS FAILED", copy.failed));
    }
    if copy.diverged {
        about.push_str(", may hold what no other copy does");
    }
    if copy.moved > 0 {
        about.push_str(&format!(", {} files were moved aside: hbd data list", copy.moved));
    }
    Vec::from([label("data"), g.name.clone(), state.to_string(), about])
}

/// A time in the unit that reads best.
pub(super) fn micros(us: u64) -> String {
    match us {
        0..10_000 => format!("{}.{} ms", us / 1000, us % 1000 / 100),
        10_000..10_000_000 => format!("{} ms", us / 1000),
        _ => seconds(us / 1_000_000),
    }
}

pub(super) fn seconds(s: u64) -> String {
    match s {
        0..120 => format!("{s} s"),
        120..7200 => format!("{} min", s / 60),
        7200..172_800 => format!("{} h", s / 3600),
        _ => format!("{} days", s / 86_400),
    }
}

/// Columns of a terminal.
const WIDTH: usize = 80;

/// The first three columns padded to their widest cell; what follows is separated by two blanks, and goes on in further
/// lines under itself where a terminal ends.
fn table(rows: &[Vec<String>]) -> String {
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|x| x.chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
            line.extend(core::iter::repeat_n(' ', width.saturating_sub(cell.chars().count()) + 2));
        }
        // Names may be long; then the rest begins further left, in a line of its own.
        let mut indent = line.chars().count();
        if indent > WIDTH * 5 / 8 && row.len() > widths.len() {
            indent = widths[0] + 2;
            text.push_str(line.trim_end());
            text.push('\n');
            line = core::iter::repeat_n(' ', indent).collect();
        }
        line.push_str(&row.get(widths.len()..).unwrap_or_default().join("  "));
        text.push_str(&fold(line.trim_end(), indent));
    }
    text
}

/// A line broken between words where a terminal ends, the further ones moved in by `indent`. With its line end.
fn fold(line: &str, indent: usize) -> String {
    let mut text = String::new();
    let mut rest = line;
    let mut begin = 0;
    while begin + rest.chars().count() > WIDTH {
        let room = rest.char_indices().nth(WIDTH - begin).map_or(rest.len(), |(at, _)| at);
        // A break in what the first line is moved in by would change nothing.
        let words = rest.len() - rest.trim_start().len();
        let words = if begin == 0 { words.max(indent) } else { words };
        let Some(at) = rest.get(..=room).and_then(|head| head.rfind(' ')).filter(|at| *at > words) else {
            break;
        };
        text.push_str(rest.get(..at).unwrap_or_default().trim_end());
        text.push('\n');
        text.extend(core::iter::repeat_n(' ', indent));
        rest = rest.get(at..).unwrap_or_default().trim_start();
        begin = indent;
    }
    text.push_str(rest);
    text.push('\n');
    text
}

#[cfg(test)]
#[path = "show_tests.rs"]
pub(super) mod tests;
