//! `cl_status`, as monitoring scripts know it: one word a line, codes 0, 1 and 11.

#[cfg(test)]
#[path = "cl_status_tests.rs"]
mod tests;

use super::args::{self, Options, Usage};
use super::ask;
use super::compat::tell_plain;
use super::{VERSION, say, tell};
use crate::control::Snapshot;
use crate::control::client::Trouble;
use crate::control::words::LinkState;
use hb_core::message::Phase;
use lexopt::{Arg, Parser, ValueExt};
use std::ffi::OsString;

/// Codes of `cl_status`.
mod cl {
    pub(super) const OK: i32 = 0;
    pub(super) const NO: i32 = 1;
    pub(super) const BAD: i32 = 11;
    pub(super) const UNKNOWN: i32 = 13;
}

/// What every node weighs, and where it stands, unless somebody says otherwise; here nobody can.
const WEIGHT: &str = "100";
const SITE: &str = "default";
/// The one client of the original that this daemon does the work of.
const CLIENT: &str = "ipfail";

const HELP: &str = "\
Usage: cl_status <sub-command> [<options>] [<parameters>]
  clientstatus NODE CLIENT   hblinkstatus NODE LINK   hbparameter -p NAME   hbstatus [-v]
  listhblinks [-v] NODE      listnodes [-p] [-n] [-v] nodesite NODE         nodestatus NODE
  nodetype NODE              nodeweight NODE          rscstatus             (-m: for people)";

/// What is asked.
#[derive(Default, Debug)]
struct Ask {
    command: String,
    values: Vec<String>,
    /// `-m`.
    human: bool,
    /// `-v`.
    verbose: bool,
}

/// What is answered: lines, code, and why not.
struct Answer {
    lines: Vec<String>,
    code: i32,
    why: &'static str,
}

/// `cl_status COMMAND [arguments]`: one word a line.
pub(super) fn main(words: impl Iterator<Item = OsString>) -> i32 {
    let (ask, options) = match cl_words(words) {
        Ok(read) => read,
        Err(usage) => {
            tell(&usage.text);
            return cl::BAD;
        }
    };
    if ask.command.is_empty() {
        say(HELP);
        return cl::OK;
    }
    let shot = ask::snapshot(&options);
    if ask.command == "hbstatus" && !(ask.verbose && shot.is_ok()) {
        // Whoever may not ask, or asks one that stands still, sees the lock all the same.
        let runs = shot.is_ok() || ask::runs(&options);
        let (word, code) = if runs { ("running", cl::OK) } else { ("stopped", cl::NO) };
        say(&format!("Heartbeat is {word} on this machine."));
        return code;
    }
    let shot = match shot {
        Ok(shot) => shot,
        Err(why) => {
            let why = match why {
                Trouble::NotRunning => "it is not running",
                Trouble::NotAllowed => "permission denied; be root, as the daemon is",
                Trouble::Broken(_) => "it does not answer as it should",
            };
            tell_plain(&format!("Cannot signon with heartbeat\nREASON: {why}"));
            return cl::NO;
        }
    };
    let answer = answer(&shot, &ask, || std::fs::read(options.config_dir.join("ha.cf")).unwrap_or_default());
    answer.lines.iter().for_each(|line| say(line));
    if !answer.why.is_empty() {
        tell_plain(answer.why);
    }
    answer.code
}

/// What is asked, and the common options.
fn cl_words(words: impl Iterator<Item = OsString>) -> Result<(Ask, Options), Usage> {
    let mut parser = Parser::from_args(words);
    let (mut ask, mut options) = (Ask::default(), Options::default());
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Value(word) if ask.command.is_empty() => ask.command = word.string()?,
            Arg::Value(word) => ask.values.push(word.string()?),
            Arg::Short('h') => return Ok((Ask::default(), options)),
            Arg::Short('m') => ask.human = true,
            Arg::Short('v') => ask.verbose = true,
            Arg::Short('p') => ask.values.push("-p".to_string()),
            Arg::Short('n') => ask.values.push("-n".to_string()),
            Arg::Long(name) => {
                let name = name.to_string();
                args::common(&name, &mut parser, &mut options)?;
            }
            other @ Arg::Short(_) => return Err(other.unexpected().into()),
        }
    }
    Ok((ask, options))
}

/// One word, or for people a sentence.
#[inline(never)]
fn one(human: bool, word: &str, code: i32, sentence: &dyn Fn(&str) -> String) -> Answer {
    let line = if human { sentence(word) } else { word.to_string() };
    Answer { lines: Vec::from([line]), code, why: "" }
}

/// `ha_cf` reads that file.
fn answer(shot: &Snapshot, ask: &Ask, ha_cf: impl Fn() -> Vec<u8>) -> Answer {
    let words: Vec<&str> = ask.values.iter().map(String::as_str).collect();
    let one = |word: &str, code, sentence: &dyn Fn(&str) -> String| one(ask.human, word, code, sentence);
    let not = |code: i32, why| Answer { lines: Vec::new(), code, why };
    let list = |lines| Answer { lines, code: cl::OK, why: "" };
    let bad_name = || not(cl::BAD, "Error. May be due to incorrect node name");
    match (ask.command.as_str(), words.as_slice()) {
        ("hbstatus", []) => {
            let front = [format!("version:\t{VERSION}"), "managed by:\t\"haresources\"".to_string()];
            list(front.into_iter().chain(nodes(shot, &[], true)).collect())
        }
        ("rscstatus", []) => {
            one(shot.holds(), cl::OK, &|word| format!("This node is holding {word} resources."))
        }
        ("listnodes", what) if what.iter().all(|word| matches!(*word, "-p" | "-n")) => {
            let front = ask.human.then(|| "The nodes are as follow:".to_string());
            list(front.into_iter().chain(nodes(shot, what, ask.verbose)).collect())
        }
        ("nodestatus", [node]) => match status(shot, node) {
            Some(word) => {
                let code = if matches!(word, "active" | "up" | "ping") { cl::OK } else { cl::NO };
                one(word, code, &|word| format!("The cluster node {node} is {word}"))
            }
            None => bad_name(),
        },
        ("nodetype", [node]) => match kind(shot, node) {
            Some(word) => one(word, cl::OK, &|word| format!("The node {node}'s type: {word}")),
            None => bad_name(),
        },
        ("nodeweight", [node]) if kind(shot, node).is_some() => {
            one(WEIGHT, cl::OK, &|word| format!("The weight of the cluster node {node} is {word}"))
        }
        ("nodesite", [node]) if kind(shot, node).is_some() => {
            one(SITE, cl::OK, &|word| format!("The site of the cluster node {node} is {word}"))
        }
        ("nodeweight" | "nodesite", [_]) => bad_name(),
        ("listhblinks", [node]) if kind(shot, node).is_some() => {
            let front = ask.human.then(|| "\tthis node has the following heartbeat links:".to_string());
            list(front.into_iter().chain(link_lines(shot, node, ask.verbose)).collect())
        }
        ("listhblinks", [_]) => not(cl::UNKNOWN, "Cannot start heartbeat link interface walk."),
        ("hblinkstatus", [node, link]) => {
            match links(shot, node).into_iter().find(|(name, _)| name == link) {
                Some((_, up)) => {
                    let (word, code) = if up { ("up", cl::OK) } else { ("dead", cl::NO) };
                    one(word, code, &|word| format!("The node {node}'s heartbeat link {link} is {word}"))
                }
                None => not(cl::UNKNOWN, "Cannot get heartbeat link status"),
            }
        }
        ("clientstatus", [node, client, ..]) if kind(shot, node) == Some("normal") => {
            let online = *client == CLIENT && matches!(status(shot, node), Some("active" | "up"));
            let (word, code) = if online { ("online", cl::OK) } else { ("offline", cl::NO) };
            one(word, code, &ToString::to_string)
        }
        ("clientstatus", [_, _, ..]) => not(cl::UNKNOWN, "Cannot get heartbeat client's status"),
        ("hbparameter", ["-p", name]) => match parameter(&ha_cf(), name) {
            Some(value) => one(&value, cl::OK, &|word| format!("Heartbeat parameter {name}'s value: {word}")),
            None => not(cl::NO, "Cannot get the parameter's value: it is not set in ha.cf"),
        },
        ("hbparameter", _) => not(cl::BAD, "parameter name required"),
        ("nodestatus" | "nodetype" | "nodeweight" | "nodesite", _) => not(cl::BAD, "Not enough parameters."),
        ("listhblinks" | "hblinkstatus" | "clientstatus", _) => not(cl::BAD, "No enough parameter."),
        _ => not(cl::BAD, "cl_status: invalid sub-command or argument; cl_status -h lists them"),
    }
}

/// Ping nodes, then the two others, or one kind of them alone.
fn nodes(shot: &Snapshot, what: &[&str], verbose: bool) -> Vec<String> {
    let all = what.contains(&"-p") == what.contains(&"-n");
    let mut names: Vec<&str> = Vec::new();
    if all || what.contains(&"-p") {
        names.extend(shot.pings.iter().map(|ping| ping.host.as_str()));
    }
    if all || what.contains(&"-n") {
        names.extend([shot.peer.name.as_str(), shot.own.name.as_str()]);
    }
    if !verbose {
        return names.into_iter().map(ToString::to_string).collect();
    }
    let mut lines = Vec::new();
    for name in names {
        let (status, kind) = (status(shot, name).unwrap_or_default(), kind(shot, name).unwrap_or_default());
        lines.push(format!("\n{name}\t{status}\t(nodetype: {kind})"));
        lines.extend(link_lines(shot, name, true));
    }
    lines
}

fn ping(shot: &Snapshot, name: &str) -> Option<bool> {
    shot.pings.iter().find(|ping| ping.host == name).map(|ping| ping.alive)
}

fn kind(shot: &Snapshot, name: &str) -> Option<&'static str> {
    if [&shot.own.name, &shot.peer.name].iter().any(|node| node.eq_ignore_ascii_case(name)) {
        return Some("normal");
    }
    ping(shot, name).map(|_| "ping")
}

fn status(shot: &Snapshot, name: &str) -> Option<&'static str> {
    if shot.own.name.eq_ignore_ascii_case(name) {
        return Some(own_status(shot.own.phase.0));
    }
    if shot.peer.name.eq_ignore_ascii_case(name) {
        return Some(if shot.peer.is_heard() {
            own_status(shot.peer.phase.map_or(Phase::Up, |phase| phase.0))
        } else {
            "dead"
        });
    }
    ping(shot, name).map(|alive| if alive { "ping" } else { "dead" })
}

/// The links to a node; a ping node is its own.
fn links(shot: &Snapshot, node: &str) -> Vec<(String, bool)> {
    match (kind(shot, node), ping(shot, node)) {
        (Some("normal"), _) => {
            shot.links.iter().map(|l| (l.name.clone(), l.state == LinkState::Up)).collect()
        }
        (_, Some(alive)) => Vec::from([(node.to_string(), alive)]),
        _ => Vec::new(),
    }
}

fn link_lines(shot: &Snapshot, node: &str, verbose: bool) -> impl Iterator<Item = String> {
    links(shot, node).into_iter().map(move |(name, up)| match (verbose, up) {
        (false, _) => format!("\t{name}"),
        (true, true) => format!("\t{name}\tup"),
        (true, false) => format!("\t{name}\tdead"),
    })
}

/// What `ha.cf` says last for a directive.
fn parameter(ha_cf: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(ha_cf);
    let value = |line: &str| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        (words.next() == Some(name)).then(|| words.collect::<Vec<_>>().join(" "))
    };
    text.lines().rev().find_map(value).filter(|value| !value.is_empty())
}

/// The original's word for a phase.
const fn own_status(phase: Phase) -> &'static str {
    match phase {
        Phase::Joining => "up",
        Phase::Up => "active",
        Phase::Leaving => "dead",
    }
}
