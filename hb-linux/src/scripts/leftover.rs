//! Scripts that an earlier life of the daemon left running (DESIGN §7 O1): found by the mark in their environment,
//! ended before the node begins.
//!
//! A service that a script has started carries the same mark. It is told apart by its command line: only a process
//! that was called with `start`, `stop` or `status` as its last word, and with a script of this configuration among
//! the others, is a script. Its process group goes with it. No file is kept for this, so nothing is written to a disk
//! when a script is called, and a number that was given to another process since cannot be mistaken.

use super::program::mark;
use crate::config::Settings;
use crate::sys::Signal;
use crate::sys::poll::sleep_ms;
use crate::sys::process::{self, Pid};
use std::fs;
use std::path::Path;

/// How long to wait for the end of what was killed: a process deep in a driver may take its time.
const PATIENCE_MS: i32 = 5000;

/// End them. Answers how many process groups were found, and how many of them are still there after some seconds.
pub fn end_all(settings: &Settings, run_dir: &Path, proc_dir: &Path) -> (usize, usize) {
    let mark = mark(run_dir);
    let found = find(settings, mark.as_bytes(), proc_dir);
    for &group in &found {
        let _ = process::kill_group(group);
    }
    let mut waited = 0;
    let alive = |found: &[Pid]| found.iter().filter(|&&group| process::group_exists(group)).count();
    while alive(&found) > 0 && waited < PATIENCE_MS {
        sleep_ms(10);
        waited += 10;
    }
    (found.len(), alive(&found))
}

/// End the pulls of groups' data that an earlier life left running; answers how many processes there are still.
///
/// They end with their parents by themselves, where the kernel keeps its word; each has the mark of
/// [`crate::data::site::mark`].
#[cfg(feature = "data")]
pub fn end_pulls(run_dir: &Path, proc_dir: &Path) -> usize {
    let mark = crate::data::site::mark(run_dir);
    let mut waited = 0;
    loop {
        let found = marked(mark.as_bytes(), proc_dir);
        if found.is_empty() || waited >= PATIENCE_MS {
            return found.len();
        }
        for pid in found {
            let _ = process::signal(pid, Signal::SIGKILL);
        }
        sleep_ms(10);
        waited += 10;
    }
}

/// Processes with this word in their environment. A zombie has none.
pub fn marked(mark: &[u8], proc_dir: &Path) -> Vec<Pid> {
    let entries = fs::read_dir(proc_dir).into_iter().flatten().flatten();
    let of = |entry: fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw)?;
        bears(&entry.path(), mark).then_some(pid)
    };
    entries.filter_map(of).collect()
}

/// Has the process with this folder of `/proc` that word in its environment?
fn bears(process: &Path, mark: &[u8]) -> bool {
    let environ = fs::read(process.join("environ")).unwrap_or_default();
    environ.split(|&b| b == 0).any(|word| word == mark)
}

/// Leaders of the process groups of left-over scripts.
fn find(settings: &Settings, mark: &[u8], proc_dir: &Path) -> Vec<Pid> {
    let own = process::own_pid();
    let names: Vec<&str> =
        settings.groups.iter().flat_map(|g| &g.resources).map(|r| r.name.as_str()).collect();
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(proc_dir) else { return found };
    for entry in entries.flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
        let Some(pid) = pid else { continue };
        let read = |file: &str| fs::read(entry.path().join(file)).unwrap_or_default();
        // The group's leader only: it has the group's number.
        if pid != own
            && is_script(&read("cmdline"), &names)
            && bears(&entry.path(), mark)
            && leads_a_group(&read("stat"), pid)
        {
            found.push(pid);
        }
    }
    found
}

/// `... [/dir/]NAME args... start|stop|status`
fn is_script(cmdline: &[u8], names: &[&str]) -> bool {
    let words: Vec<&[u8]> = cmdline.strip_suffix(b"\0").unwrap_or(cmdline).split(|&b| b == 0).collect();
    let Some((last, front)) = words.split_last() else { return false };
    let base = |word: &&[u8]| word.rsplit(|&b| b == b'/').next().unwrap_or_default().to_vec();
    [b"start".as_slice(), b"stop", b"status"].contains(last)
        && front.iter().map(base).any(|word| names.iter().any(|name| name.as_bytes() == word))
}

/// Fields 5 of `stat`, counted behind the name in brackets, which may hold anything.
fn leads_a_group(stat: &[u8], pid: Pid) -> bool {
    let text = String::from_utf8_lossy(stat);
    let behind = text.rsplit(')').next().unwrap_or("");
    behind.split_whitespace().nth(2).and_then(|group| group.parse().ok()) == Some(pid.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_told_from_services() {
        let names = ["jdmail", "IPaddr"];
        let table: [(&[u8], bool); 6] = [
            (b"/bin/sh\0/etc/init.d/jdmail\0start\0", true),
            (b"sh\0/run/IPaddr\0\x3192.168.2.50\0status\0", true),
            (b"/usr/sbin/jdmail\0-d\0", false),
            (b"/usr/sbin/httpd\0-k\0start\0", false),
            (b"jdmail\0", false),
            (b"", false),
        ];
        for (cmdline, script) in table {
            assert_eq!(is_script(cmdline, &names), script, "{}", String::from_utf8_lossy(cmdline));
        }
    }

    #[test]
    fn a_group_leader_has_the_number_of_its_group() {
        let pid = Pid::from_raw(77).unwrap();
        assert!(leads_a_group(b"77 (a) b) S 1 77 77 0", pid));
        assert!(!leads_a_group(b"77 (sh) S 1 76 76 0", pid));
        assert!(!leads_a_group(b"", pid));
    }
}
