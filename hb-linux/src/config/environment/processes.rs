//! The processes of this machine, as `/proc` shows them: who holds a socket, and who waits for logins on a line.

use crate::config::files::read_text;
use std::fs;
use std::path::{Path, PathBuf};

/// One process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    /// Its words, or its short name where it has none (a kernel's own).
    pub(super) words: Vec<String>,
}

impl Process {
    /// The program's name without its folder.
    pub(super) fn name(&self) -> &str {
        let first = self.words.first().map_or("", String::as_str);
        first.rsplit('/').next().unwrap_or(first)
    }
}

fn folders(proc: &Path) -> impl Iterator<Item = (u32, PathBuf)> {
    let entries = fs::read_dir(proc).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
}

fn process(pid: u32, folder: &Path) -> Process {
    let line = read_text(&folder.join("cmdline"));
    let mut words: Vec<String> = line
        .split(|b| *b == 0)
        .filter(|word| !word.is_empty())
        // What a process calls itself is not ours: no control character of it reaches a terminal.
        .map(|word| String::from_utf8_lossy(word).replace(char::is_control, "?"))
        .collect();
    if words.is_empty() {
        let comm =
            String::from_utf8_lossy(&read_text(&folder.join("comm"))).trim().replace(char::is_control, "?");
        words.push(comm);
    }
    Process { pid, words }
}

/// The process that waits for logins on `tty`.
pub(super) fn getty(proc: &Path, tty: &str) -> Option<Process> {
    let waits = |p: &Process| {
        let line = |word: &String| word.strip_prefix("/dev/").unwrap_or(word) == tty;
        p.name().contains("getty") && p.words.iter().skip(1).any(line)
    };
    folders(proc).map(|(pid, folder)| process(pid, &folder)).find(waits)
}

/// The process that has one of these sockets open, told by their inodes.
pub(super) fn owner(proc: &Path, inodes: &[u64]) -> Option<Process> {
    let has = |folder: &Path| {
        let open = fs::read_dir(folder.join("fd")).into_iter().flatten().flatten();
        open.filter_map(|fd| fs::read_link(fd.path()).ok()).any(|to| {
            let number =
                to.to_str().and_then(|to| to.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
            number.is_some_and(|inode: u64| inodes.contains(&inode))
        })
    };
    folders(proc).find(|(_, folder)| has(folder)).map(|(pid, folder)| process(pid, &folder))
}

/// Inodes of the UDP sockets that are bound to `port`.
pub(super) fn udp_sockets(proc: &Path, port: u16) -> Vec<u64> {
    let mut found = Vec::new();
    for file in ["net/udp", "net/udp6"] {
        let text = String::from_utf8_lossy(&read_text(&proc.join(file))).into_owned();
        found.extend(text.lines().skip(1).filter_map(|line| {
            let mut fields = line.split_whitespace();
            let local = fields.nth(1)?.rsplit_once(':')?.1;
            let inode: u64 = fields.nth(7)?.parse().ok()?;
            (u16::from_str_radix(local, 16) == Ok(port)).then_some(inode)
        }));
    }
    found
}
