//! Which processes belong to a node of the demo: found in `/proc` by their command lines, as the demo's temporary
//! directory occurs nowhere else. A power loss takes all of them, and at the end there must be none.

use crate::sys::Signal;
use crate::sys::process::{Pid, signal};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A process of a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Process {
    pub(super) pid: Pid,
    /// Its command line, for people.
    pub(super) command: String,
}

/// Every process whose command line says that it belongs to the node with its files below `root`: the daemon, its
/// helper, its resource scripts, and the service. Zombies have no command line and do not count.
pub(super) fn of_node(root: &Path) -> Vec<Process> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir("/proc") else { return found };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.parse().ok());
        let Some(pid) = number.and_then(Pid::from_raw) else { continue };
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = line.strip_suffix(b"\0").unwrap_or(&line);
        if belongs(line, root) {
            found.push(Process { pid, command: String::from_utf8_lossy(line).replace('\0', " ") });
        }
    }
    found
}

/// Is this the command line (words, NUL between them) of the demo's own: `hbd` with a path below `root`, or a script
/// below `root` and its interpreter? Somebody who looks at a log file there is not.
fn belongs(line: &[u8], root: &Path) -> bool {
    let below = |word: &[u8]| {
        let rest = word.strip_prefix(root.as_os_str().as_bytes());
        rest.is_some_and(|rest| rest.first() == Some(&b'/'))
    };
    let mut words = line.split(|&byte| byte == 0);
    match (words.next(), words.next()) {
        (Some(program), _) if below(program) => true,
        (Some(b"hbd"), _) => words.any(below),
        (Some(_), Some(b"demo")) => words.next() == Some(b"--service") && words.any(below),
        (Some(program), Some(script)) if program.ends_with(b"sh") => below(script),
        _ => false,
    }
}

/// Kill every process of the node, as a power loss does, until there is none. Answers how many it took.
pub(super) fn kill_all(root: &Path) -> usize {
    let mut killed = 0;
    // A process may fork between the look and the kill, so look again.
    for _ in 0..100 {
        let found = of_node(root);
        if found.is_empty() {
            break;
        }
        for process in found {
            if signal(process.pid, Signal::SIGKILL).is_ok() {
                killed += 1;
            }
        }
        // The dead keep their command line until the kernel has taken them apart.
        crate::sys::poll::sleep_ms(1);
    }
    killed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_nodes_own_processes_belong_to_it() {
        let root = Path::new("/tmp/hbd-demo.0011/ha-1");
        let yes = [
            "hbd run --foreground --config-dir /tmp/hbd-demo.0011/ha-1/ha.d --node ha-1",
            "/usr/bin/hbd demo --service ha-1 8080 /tmp/hbd-demo.0011/ha-1/run/demo-web.pid",
            "/bin/sh /tmp/hbd-demo.0011/ha-1/ha.d/resource.d/demo-web start",
        ];
        let no = [
            "",
            "hbd run --foreground --config-dir /tmp/hbd-demo.0011/ha-2/ha.d --node ha-2",
            "hbd run --foreground --config-dir /tmp/hbd-demo.0011/ha-10/ha.d",
            "hbd run --foreground",
            "tail -f /tmp/hbd-demo.0011/ha-1/log/ha-log",
            "/bin/sh -c ls /tmp/hbd-demo.0011/ha-1/log",
            "/usr/bin/hbd demo --service ha-1 8080 /var/run/demo-web.pid",
        ];
        for (lines, expected) in [(&yes[..], true), (&no[..], false)] {
            for line in lines {
                assert_eq!(belongs(line.replace(' ', "\0").as_bytes(), root), expected, "{line}");
            }
        }
    }
}
