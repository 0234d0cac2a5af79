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

/// A script that did not end although it was killed: it hangs in the kernel, and goes on when that lets it go.
#[derive(Clone, Copy, Debug)]
pub struct Left {
    /// The number of its process group.
    pub pid: Pid,
    /// The groups that have a script of its name, one bit each.
    pub groups: u32,
}

impl Left {
    /// Is any process of the group more than a dead one that nobody has waited for? What cannot be read may live.
    #[must_use]
    pub fn lives(&self, proc_dir: &Path) -> bool {
        if !process::group_exists(self.pid) {
            return false;
        }
        let Ok(entries) = fs::read_dir(proc_dir) else { return true };
        let stats = entries.flatten().map(|entry| fs::read(entry.path().join("stat")).unwrap_or_default());
        stats.into_iter().any(|stat| group_of(&stat).is_some_and(|(dead, group)| !dead && group == self.pid))
    }
}

/// End them. Answers how many process groups were found, and which of them are still there after some seconds.
pub fn end_all(settings: &Settings, run_dir: &Path, proc_dir: &Path) -> (usize, Vec<Left>) {
    let mark = mark(run_dir);
    let found = find(settings, mark.as_bytes(), proc_dir);
    for left in &found {
        let _ = process::kill_group(left.pid);
    }
    let mut waited = 0;
    let alive = |left: &Left| left.lives(proc_dir);
    while found.iter().any(alive) && waited < PATIENCE_MS {
        sleep_ms(10);
        waited += 10;
    }
    (found.len(), found.into_iter().filter(alive).collect())
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

/// The process groups of left-over scripts.
fn find(settings: &Settings, mark: &[u8], proc_dir: &Path) -> Vec<Left> {
    let own = process::own_pid();
    let names: Vec<(u32, &str)> = settings
        .groups
        .iter()
        .enumerate()
        .flat_map(|(at, group)| group.resources.iter().map(move |r| (1 << (at % 32), r.name.as_str())))
        .collect();
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(proc_dir) else { return found };
    for entry in entries.flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
        let Some(pid) = pid else { continue };
        let read = |file: &str| fs::read(entry.path().join(file)).unwrap_or_default();
        // The group's leader only: it has the group's number.
        let groups = if pid == own { 0 } else { scripts_of(&read("cmdline"), &names) };
        if groups != 0
            && bears(&entry.path(), mark)
            && group_of(&read("stat")).is_some_and(|(_, group)| group == pid)
        {
            found.push(Left { pid, groups });
        }
    }
    found
}

/// The groups whose script was called like this: `... [/dir/]NAME args... start|stop|status`.
fn scripts_of(cmdline: &[u8], names: &[(u32, &str)]) -> u32 {
    let words: Vec<&[u8]> = cmdline.strip_suffix(b"\0").unwrap_or(cmdline).split(|&b| b == 0).collect();
    let Some((last, front)) = words.split_last() else { return 0 };
    let base = |word: &&[u8]| word.rsplit(|&b| b == b'/').next().unwrap_or_default().to_vec();
    if ![b"start".as_slice(), b"stop", b"status"].contains(last) {
        return 0;
    }
    let called = |name: &str| front.iter().map(base).any(|word| name.as_bytes() == word);
    names.iter().filter(|(_, name)| called(name)).fold(0, |groups, (group, _)| groups | group)
}

/// From `stat`: whether it is dead and only not waited for, and the number of its process group. Counted behind the name in
/// brackets, which may hold anything.
fn group_of(stat: &[u8]) -> Option<(bool, Pid)> {
    let behind = stat.rsplit(|&byte| byte == b')').next()?;
    let mut fields = behind.split(|&byte| byte == b' ').skip(1);
    let dead = matches!(fields.next()?, b"Z" | b"X");
    let group = core::str::from_utf8(fields.nth(1)?).ok()?.parse().ok()?;
    Some((dead, Pid::from_raw(group)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_told_from_services() {
        let names = [(1, "IPaddr"), (1, "jdmail"), (2, "IPaddr")];
        let table: [(&[u8], u32); 6] = [
            (b"/bin/sh\0/etc/init.d/jdmail\0start\0", 1),
            (b"sh\0/run/IPaddr\0\x3192.168.2.50\0status\0", 3),
            (b"/usr/sbin/jdmail\0-d\0", 0),
            (b"/usr/sbin/httpd\0-k\0start\0", 0),
            (b"jdmail\0", 0),
            (b"", 0),
        ];
        for (cmdline, groups) in table {
            assert_eq!(scripts_of(cmdline, &names), groups, "{}", String::from_utf8_lossy(cmdline));
        }
    }

    #[test]
    fn the_group_stands_behind_a_name_that_may_hold_anything() {
        let group = |stat: &[u8]| group_of(stat).map(|(dead, group)| (dead, group.get()));
        assert_eq!(group(b"77 (a) b) S 1 77 77 0"), Some((false, 77)));
        assert_eq!(group(b"78 (sh) Z 1 77 77 0"), Some((true, 77)));
        assert_eq!(group(b""), None);
        assert_eq!(group(b"78 (sh) S"), None);
    }
}
