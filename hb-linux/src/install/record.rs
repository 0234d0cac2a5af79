//! What was installed, so that `--uninstall` removes that and nothing else.
//!
//! A text file in the state directory, a line for each thing, in the order in which they were made:
//!
//! ```text
//! file CRC32 LENGTH MODE PATH      link TARGET PATH      dir PATH      moved PATH NEW_PATH
//! ```
//! Paths have no first slash. A line is written before the thing is made: what a power cut left half done is known too.

use crate::config::Crc32;

/// One thing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Entry {
    /// A file, with what was in it.
    File { sum: Sum, path: String },
    /// A symbolic link.
    Link { target: String, path: String },
    /// A directory.
    Dir { path: String },
    /// Somebody else's file, moved aside.
    Moved { path: String, to: String },
}

/// What is compared: contents and mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sum {
    crc: u32,
    length: usize,
    mode: u32,
}

impl Sum {
    /// Of these contents with this mode.
    pub(super) fn of(bytes: &[u8], mode: u32) -> Self {
        let mut crc = Crc32::new();
        crc.update(bytes);
        Self { crc: crc.finish(), length: bytes.len(), mode: mode & 0o7777 }
    }
}

impl Entry {
    /// Where the thing is.
    pub(super) fn path(&self) -> &str {
        match self {
            Self::File { path, .. }
            | Self::Link { path, .. }
            | Self::Dir { path }
            | Self::Moved { path, .. } => path,
        }
    }

    /// As a line, with its end.
    pub(super) fn line(&self) -> String {
        match self {
            Self::File { sum: Sum { crc, length, mode }, path } => {
                format!("file {crc:08x} {length} {mode:o} {path}\n")
            }
            Self::Link { target, path } => format!("link {target} {path}\n"),
            Self::Dir { path } => format!("dir {path}\n"),
            Self::Moved { path, to } => format!("moved {path} {to}\n"),
        }
    }

    fn read(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let own = |word: &str| word.to_string();
        Some(match words.as_slice() {
            ["file", crc, length, mode, path] => Self::File {
                sum: Sum {
                    crc: u32::from_str_radix(crc, 16).ok()?,
                    length: length.parse().ok()?,
                    mode: u32::from_str_radix(mode, 8).ok()?,
                },
                path: own(path),
            },
            ["link", target, path] => Self::Link { target: own(target), path: own(path) },
            ["dir", path] => Self::Dir { path: own(path) },
            ["moved", path, to] => Self::Moved { path: own(path), to: own(to) },
            _ => return None,
        })
    }
}

/// All things of a record, each once: the last line about a path counts. Lines that say nothing are passed over.
pub(super) fn read(text: &str) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    for entry in text.lines().filter_map(Entry::read) {
        match all.iter_mut().find(|old| {
            old.path() == entry.path()
                && matches!(old, Entry::Moved { .. }) == matches!(entry, Entry::Moved { .. })
        }) {
            Some(old) => *old = entry,
            None => all.push(entry),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_the_last_word_counts() {
        let file = |text: &str| Entry::File {
            sum: Sum::of(text.as_bytes(), 0o100_755),
            path: "usr/sbin/hbd".into(),
        };
        let all = [
            Entry::Dir { path: "etc/ha.d".into() },
            file("old"),
            Entry::Link { target: "/usr/sbin/hbd".into(), path: "usr/bin/cl_status".into() },
            Entry::Moved { path: "etc/init.d/heartbeat".into(), to: "etc/init.d/heartbeat.orig".into() },
            Entry::File { sum: Sum::of(b"x", 0o755), path: "etc/init.d/heartbeat".into() },
        ];
        let mut text: String = all.iter().map(Entry::line).collect();
        assert_eq!(read(&text), all);
        text += "nonsense\nfile zz 1 2 x\n";
        text += &file("new").line();
        let again = read(&text);
        assert_eq!(again.len(), all.len());
        assert_eq!(again[1], file("new"));
    }
}
