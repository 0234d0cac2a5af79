//! A line of a crontab that copies over a group's directory and deletes there, as manuals of Heartbeat have it: once the
//! node that was away serves again, it copies the older disk over the newer one, and what came meanwhile is gone.

use crate::config::Paths;
use crate::config::build;
use crate::config::files::read_text;
use crate::config::finding::{Findings, Report};
use crate::config::ha_cf::{At, HaCf};
use crate::config::settings::Group;
use std::fs;
use std::path::{Path, PathBuf};

/// A script longer than this is not looked into.
const SCRIPT: usize = 65_536;

/// Name every such line of this machine, and the one to write instead.
pub(super) fn examine(paths: &Paths, cf: &HaCf, groups: &[At<Group>], findings: &mut Findings) {
    let dirs = directories(cf, groups);
    for table in tables(paths) {
        let text = String::from_utf8_lossy(&read_text(&table)).into_owned();
        let file = table.display().to_string();
        for (number, line) in (1_u32..).zip(text.lines()) {
            let Some((at, (group, dir))) = copies(line, &dirs) else { continue };
            let (front, command) = line.split_at(at);
            let instead = format!("{front}hbd guard --quiet {group} -- {}", spared(command));
            let pulled = has_data(cf, group);
            let more = if pulled {
                String::new()
            } else {
                format!(
                    ", and into ha.cf on both nodes `data {group} directory {dir}` with both nodes' addresses (man ha.cf)"
                )
            };
            let report = &mut Report::new(&file, findings);
            let (here, way) = (dir, "remove the line, for `data` in ha.cf copies by itself, or write");
            if build::failback(cf) {
                report.lacks(
                    number,
                    format_args!(
                        "this line deletes in {here}, and with `auto_failback on` a node that comes back serves its old disk \
                         and has it copied over the newer one: what came meanwhile is lost; {way} `{instead}`{more}"
                    ),
                );
            } else {
                report.warn(
                    number,
                    format_args!(
                        "this line deletes in {here} whichever disk is the newer one, so what came to the other node is lost \
                         where it runs at the wrong time; {way} `{instead}`{more}"
                    ),
                );
            }
        }
    }
}

/// The machine's own tables and the users', those that are there.
fn tables(paths: &Paths) -> Vec<PathBuf> {
    let mut all = Vec::from([paths.etc_dir.join("crontab")]);
    for dir in [paths.etc_dir.join("cron.d"), paths.cron_dir.clone(), paths.cron_dir.join("crontabs")] {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> =
            entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
        files.sort();
        all.extend(files);
    }
    all
}

/// The groups' directories, as far as the files name them.
fn directories(cf: &HaCf, groups: &[At<Group>]) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for group in groups {
        let name = &group.value.name;
        let mut add = |dir: &str| all.push((name.clone(), String::from(dir.trim_end_matches('/'))));
        own(cf, name).iter().for_each(|dir| add(dir));
        for resource in &group.value.resources {
            match (resource.name.as_str(), resource.args.as_slice()) {
                ("jdmail", []) => add("/jdmail"),
                ("jdmail", [dir, ..]) | ("Filesystem", [_, dir, ..]) => add(dir),
                _ => {}
            }
        }
    }
    all.retain(|(_, dir)| dir.len() > 1);
    all
}

#[cfg(feature = "data")]
fn own(cf: &HaCf, group: &str) -> Option<String> {
    let lines = cf.data.iter().find(|lines| lines.group.value == group)?;
    lines.directory.as_ref().map(|dir| dir.value.display().to_string())
}

#[cfg(not(feature = "data"))]
const fn own(_: &HaCf, _: &str) -> Option<String> {
    None
}

fn has_data(cf: &HaCf, group: &str) -> bool {
    own(cf, group).is_some()
}

/// Where the command begins that deletes in one of these directories, and which group's it is.
fn copies<'a>(line: &str, dirs: &'a [(String, String)]) -> Option<(usize, &'a (String, String))> {
    if line.trim_start().starts_with('#') {
        return None;
    }
    let words: Vec<(usize, &str)> = words(line).collect();
    if words.windows(2).any(|pair| matches!(pair, [(_, hbd), (_, "guard")] if base(hbd) == "hbd")) {
        return None;
    }
    for (n, (at, word)) in words.iter().enumerate() {
        if base(word) == "rsync" {
            let rest: Vec<&str> = words.iter().skip(n).map(|(_, word)| *word).collect();
            if let Some(found) = deletes(&rest, dirs) {
                return Some((*at, found));
            }
        }
        // A script that the table calls.
        let script = Path::new(word);
        if script.is_absolute() && base(word) != "rsync" && script.is_file() {
            let text = read_text(script);
            if text.len() < SCRIPT && !text.starts_with(b"\x7fELF") {
                let text = String::from_utf8_lossy(&text).into_owned();
                let bad = |line: &str| copies_plainly(line, dirs);
                if let Some(found) = text.lines().find_map(bad) {
                    return Some((*at, found));
                }
            }
        }
    }
    None
}

/// The same of a script's line, which calls no further scripts.
fn copies_plainly<'a>(line: &str, dirs: &'a [(String, String)]) -> Option<&'a (String, String)> {
    let words: Vec<&str> = words(line).map(|(_, word)| word).collect();
    let at = words.iter().position(|word| base(word) == "rsync")?;
    let plain = !line.trim_start().starts_with('#');
    deletes(words.get(at..).unwrap_or_default(), dirs).filter(|_| plain)
}

/// `rsync ... --delete ... [HOST:]DIRECTORY ...`
fn deletes<'a>(words: &[&str], dirs: &'a [(String, String)]) -> Option<&'a (String, String)> {
    if !words.iter().any(|word| word.starts_with("--del")) {
        return None;
    }
    let path = |word: &&str| {
        let word = word.trim_matches(['"', '\'']);
        Path::new(word.rsplit(':').next().unwrap_or(word)).to_path_buf()
    };
    let named: Vec<PathBuf> = words.iter().filter(|word| !word.starts_with('-')).map(path).collect();
    dirs.iter().find(|(_, dir)| named.iter().any(|path| path.starts_with(dir)))
}

/// The words of a line, each with its place.
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let base = line.as_ptr() as usize;
    let ends = |c: char| c.is_whitespace() || matches!(c, ';' | '|' | '&' | '(' | ')');
    line.split(ends).filter(|word| !word.is_empty()).map(move |word| (word.as_ptr() as usize - base, word))
}

fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// The command with what it must not touch, where it is rsync itself.
fn spared(command: &str) -> String {
    let first = command.split_whitespace().next().unwrap_or_default();
    match command.get(first.len()..) {
        Some(rest) if base(first) == "rsync" && !command.contains(".hbd") => {
            format!("{first} --exclude=.hbd/{rest}")
        }
        _ => String::from(command),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::machine;
    use crate::config::check;

    /// What `check` says of these tables, and its code.
    fn said(ha_cf: &str, files: &[(&str, &str)]) -> (String, u8) {
        let place = machine(&format!("node a b\nbcast hbtest0\n{ha_cf}"), "a 192.168.2.50 jdmail\n");
        for (name, text) in files {
            place.file(name, text, 0o644);
        }
        let mut out = Vec::new();
        let code = check::run(&place.paths, Some("a"), None, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), code)
    }

    const MANUAL: &str = "*/5 * * * * root rsync -e ssh -avz --delete 192.168.2.2:/jdmail  /";

    #[test]
    fn the_manuals_line_fails_and_gets_another_one() {
        for file in ["etc/crontab", "etc/cron.d/mail", "cron/root", "cron/crontabs/root"] {
            let (said, code) = said("auto_failback on\n", &[(file, &format!("SHELL=/bin/sh\n{MANUAL}\n"))]);
            assert_eq!(code, 1, "{said}");
            assert!(
                said.contains(&format!(
                    "{file}:2: this line deletes in /jdmail, and with `auto_failback on`"
                )),
                "{said}"
            );
            assert!(
                said.contains(
                    "`*/5 * * * * root hbd guard --quiet 192.168.2.50 -- rsync --exclude=.hbd/ -e ssh -avz --delete \
                     192.168.2.2:/jdmail  /`, and into ha.cf"
                ),
                "{said}"
            );
        }
    }

    #[test]
    fn without_a_failback_it_is_a_warning() {
        let (said, _) = said("auto_failback off\n", &[("etc/crontab", MANUAL)]);
        let warnings = said.split("Warnings:").nth(1).unwrap_or_default();
        assert!(warnings.contains("etc/crontab:1: this line deletes in /jdmail whichever disk"), "{said}");
    }

    #[test]
    fn other_lines_are_none_of_it() {
        for line in [
            "# */5 * * * * root rsync -e ssh -avz --delete 192.168.2.2:/jdmail  /",
            "*/5 * * * * root hbd guard --quiet 192.168.2.50 -- rsync --delete 192.168.2.2:/jdmail /",
            "*/5 * * * * root rsync -a 192.168.2.2:/jdmail /",
            "0 3 * * * root rsync -a --delete /home backup:/home",
            "0 3 * * * root rsync -a --delete /jdmail2 backup:/jdmail2",
        ] {
            let (said, _) = said("auto_failback on\n", &[("etc/crontab", line)]);
            assert!(!said.contains("this line deletes"), "{line}: {said}");
        }
    }

    #[test]
    fn a_script_that_cron_calls_is_looked_into() {
        let script = std::env::temp_dir().join(format!("hbd-crontab-{}", std::process::id()));
        std::fs::write(&script, "#!/bin/sh\nrsync -a --delete ha-1:/jdmail/ /jdmail/\n").unwrap();
        let line = format!("*/5 * * * * root {} >/dev/null", script.display());
        let (said, code) = said("auto_failback on\n", &[("etc/crontab", &line)]);
        assert_eq!(code, 1, "{said}");
        assert!(
            said.contains(&format!("root hbd guard --quiet 192.168.2.50 -- {}", script.display())),
            "{said}"
        );
        std::fs::remove_file(script).unwrap();
    }
}
