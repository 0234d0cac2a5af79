//! `cl_status`, as monitoring scripts know it: one word a line, codes 0, 1 and 11.

use super::args::{self, Options, Usage};
use super::ask;
use super::compat::tell_plain;
use super::{say, tell};
use crate::control::Snapshot;
use crate::control::client::Trouble;
use lexopt::{Arg, Parser, ValueExt};
use std::ffi::OsString;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// Codes of `cl_status`.
mod cl {
    pub(super) const OK: i32 = 0;
    pub(super) const NO: i32 = 1;
    pub(super) const BAD: i32 = 11;
}

/// `cl_status COMMAND [arguments]`: one word a line.
pub(super) fn main(words: impl Iterator<Item = OsString>) -> i32 {
    let (command, values, options) = match cl_words(words) {
        Ok(read) => read,
        Err(usage) => {
            tell(&usage.text);
            return cl::BAD;
        }
    };
    let shot = ask::snapshot(&options);
    if command == "hbstatus" {
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
    let (lines, code) = cl_answer(&shot, &command, &values);
    lines.iter().for_each(|line| say(line));
    if code == cl::BAD {
        tell(&format!("cl_status {command}: bad command or argument"));
    }
    code
}

/// The command, its arguments, the common options.
fn cl_words(words: impl Iterator<Item = OsString>) -> Result<(String, Vec<String>, Options), Usage> {
    let mut parser = Parser::from_args(words);
    let (mut values, mut options) = (Vec::new(), Options::default());
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Value(word) => values.push(word.string()?),
            Arg::Short('m') => {}
            Arg::Short('p') => values.push("-p".to_string()),
            Arg::Short('n') => values.push("-n".to_string()),
            Arg::Long(name) => {
                let name = name.to_string();
                args::common(&name, &mut parser, &mut options)?;
            }
            other @ Arg::Short(_) => return Err(other.unexpected().into()),
        }
    }
    if values.is_empty() {
        return Err(Usage::new(
            "no command given; write one of: hbstatus, rscstatus, listnodes, nodestatus NODE, nodetype NODE, listhblinks NODE, hblinkstatus NODE LINK",
        ));
    }
    let command = values.remove(0);
    Ok((command, values, options))
}

fn cl_answer(shot: &Snapshot, command: &str, values: &[String]) -> (Vec<String>, i32) {
    let words: Vec<&str> = values.iter().map(String::as_str).collect();
    let one = |word: &str, code: i32| (Vec::from([word.to_string()]), code);
    let ping = |name: &str| shot.pings.iter().find(|ping| ping.host == name).map(|ping| ping.alive);
    let bad = (Vec::new(), cl::BAD);
    match (command, words.as_slice()) {
        ("rscstatus", []) => one(shot.holds(), cl::OK),
        ("listnodes", what @ ([] | ["-p"] | ["-n"])) => {
            let mut nodes = Vec::new();
            if what != ["-n"] {
                nodes.extend(shot.pings.iter().map(|ping| ping.host.clone()));
            }
            if what != ["-p"] {
                nodes.extend([shot.peer.name.clone(), shot.node.clone()]);
            }
            (nodes, cl::OK)
        }
        ("nodestatus", [node]) if node.eq_ignore_ascii_case(&shot.node) => {
            one(own_status(&shot.phase), cl::OK)
        }
        ("nodestatus", [node]) if node.eq_ignore_ascii_case(&shot.peer.name) => {
            match shot.peer.state.as_str() {
                "up" | "late" => one(own_status(shot.peer.phase.as_deref().unwrap_or("up")), cl::OK),
                _ => one("dead", cl::NO),
            }
        }
        ("nodestatus", [node]) => match ping(node) {
            Some(true) => one("ping", cl::OK),
            Some(false) => one("dead", cl::NO),
            None => bad,
        },
        ("nodetype", [node])
            if node.eq_ignore_ascii_case(&shot.node) || node.eq_ignore_ascii_case(&shot.peer.name) =>
        {
            one("normal", cl::OK)
        }
        ("nodetype", [node]) if ping(node).is_some() => one("ping", cl::OK),
        ("listhblinks", [node])
            if node.eq_ignore_ascii_case(&shot.peer.name) || node.eq_ignore_ascii_case(&shot.node) =>
        {
            (shot.links.iter().map(|l| format!("\t{}", l.name)).collect(), cl::OK)
        }
        ("hblinkstatus", [node, link])
            if node.eq_ignore_ascii_case(&shot.peer.name) || node.eq_ignore_ascii_case(&shot.node) =>
        {
            match shot.links.iter().find(|l| l.name == *link) {
                Some(l) if l.state == "up" => one("up", cl::OK),
                Some(_) => one("dead", cl::NO),
                None => bad,
            }
        }
        _ => bad,
    }
}

/// The original's word for a phase.
fn own_status(phase: &str) -> &'static str {
    match phase {
        "joining" => "up",
        "leaving" => "dead",
        _ => "active",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::snapshot::{Group, Link, Peer, Ping};

    fn shot() -> Snapshot {
        Snapshot {
            node: "ha-1".into(),
            phase: "up".into(),
            peer: Peer { name: "ha-2".into(), state: "dead".into(), ..Peer::default() },
            links: vec![Link { name: "eth1".into(), state: "dead".into(), ..Link::default() }],
            groups: vec![Group { preferred: "ha-1".into(), state: "held".into(), ..Group::default() }],
            pings: vec![Ping { host: "gw".into(), alive: true, mirror: None }],
            ..Snapshot::default()
        }
    }

    #[test]
    fn the_words_and_codes_of_cl_status() {
        let ask = |line: &str| {
            let mut all: Vec<String> = line.split_whitespace().map(String::from).collect();
            let command = all.remove(0);
            let (lines, code) = cl_answer(&shot(), &command, &all);
            (lines.join(" "), code)
        };
        let table = [
            ("rscstatus", "local", 0),
            ("listnodes", "gw ha-2 ha-1", 0),
            ("listnodes -n", "ha-2 ha-1", 0),
            ("nodestatus ha-1", "active", 0),
            ("nodestatus ha-2", "dead", 1),
            ("nodestatus gw", "ping", 0),
            ("nodestatus nobody", "", 11),
            ("nodetype gw", "ping", 0),
            ("nodetype ha-2", "normal", 0),
            ("listhblinks ha-2", "\teth1", 0),
            ("hblinkstatus ha-2 eth1", "dead", 1),
            ("hblinkstatus ha-2 eth9", "", 11),
            ("nonsense", "", 11),
        ];
        for (line, text, code) in table {
            assert_eq!(ask(line), (text.to_string(), code), "{line}");
        }
    }
}
