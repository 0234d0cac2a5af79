//! A log file that may be moved away under the helper (logrotate), and a disk that may be full.

use crate::sys::Errno;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

/// What a write changed; edges only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Edge {
    Failed(Errno),
    /// It works again; this many lines are missing.
    Restored(u32),
}

/// One file, opened for appending.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: Option<File>,
    lost: u32,
}

impl LogFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, file: None, lost: 0 }
    }

    /// Before a batch of lines: if the name means another file now, or none, let go of the old one.
    pub(super) fn follow(&mut self) {
        let Some(file) = &self.file else { return };
        let same = match (file.metadata(), fs::metadata(&self.path)) {
            (Ok(ours), Ok(named)) => (ours.dev(), ours.ino()) == (named.dev(), named.ino()),
            _ => false,
        };
        if !same {
            self.file = None;
        }
    }

    /// Append one line, in one write.
    pub(super) fn write(&mut self, line: &str) -> Option<Edge> {
        match self.try_write(line) {
            // The reader of a FIFO that went and came back needs another opening.
            Err(Errno::PIPE) => {
                self.file = None;
                self.failed(Errno::PIPE)
            }
            Ok(()) if self.lost > 0 => Some(Edge::Restored(core::mem::take(&mut self.lost))),
            Ok(()) => None,
            Err(why) => self.failed(why),
        }
    }

    fn failed(&mut self, why: Errno) -> Option<Edge> {
        self.lost = self.lost.saturating_add(1);
        (self.lost == 1).then_some(Edge::Failed(why))
    }

    fn try_write(&mut self, line: &str) -> Result<(), Errno> {
        if self.file.is_none() {
            // A FIFO without a reader, or a terminal that is held, must not hold up the state.
            let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
            let mut how = OpenOptions::new();
            how.append(true).create(true).mode(0o644).custom_flags(flags);
            self.file = Some(how.open(&self.path)?);
        }
        match &mut self.file {
            Some(file) => match file.write(line.as_bytes()) {
                Ok(n) if n == line.len() => Ok(()),
                // The rest of a line that was cut: on a disk that is full, or in a pipe whose reader is slow.
                Ok(_) => Err(Errno::NO_SPACE),
                Err(error) => Err(error.into()),
            },
            None => Err(Errno::IO),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_file_is_made_anew_and_a_failure_is_told_once() {
        let dir = std::env::temp_dir().join(format!("hbd-logfile-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        let path = dir.join("ha-log");
        let mut log = LogFile::new(path.clone());
        assert_eq!(log.write("a\n"), Some(Edge::Failed(Errno::NO_ENTRY)));
        assert_eq!(log.write("b\n"), None);
        fs::create_dir(&dir).unwrap();
        assert_eq!(log.write("c\n"), Some(Edge::Restored(2)));
        fs::rename(&path, dir.join("ha-log.1")).unwrap();
        log.follow();
        assert_eq!(log.write("d\n"), None);
        fs::remove_file(&path).unwrap();
        log.follow();
        assert_eq!(log.write("e\n"), None);
        log.follow();
        assert_eq!(log.write("f\n"), None);
        assert_eq!(fs::read_to_string(dir.join("ha-log.1")).unwrap(), "c\n");
        assert_eq!(fs::read_to_string(path).unwrap(), "e\nf\n");
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_fifo_that_nobody_reads_holds_up_nothing() {
        let dir = std::env::temp_dir().join(format!("hbd-logfifo-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).unwrap();
        let path = dir.join("ha-log");
        let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let mut log = LogFile::new(path);
        assert_eq!(log.write("a\n"), Some(Edge::Failed(Errno(libc::ENXIO))));
        let reader = crate::sys::Fd::open(&name, libc::O_RDONLY | libc::O_NONBLOCK, 0).unwrap();
        assert_eq!(log.write("b\n"), Some(Edge::Restored(1)));
        let full = (0..100_000).find_map(|_| log.write("0123456789\n"));
        assert_eq!(full, Some(Edge::Failed(Errno::AGAIN)));
        drop(reader);
        assert_eq!(log.write("c\n"), None, "it failed already");
        fs::remove_dir_all(dir).unwrap();
    }
}
