//! One daemon per run directory: the process number, in a file that its owner keeps locked for life.
//!
//! The lock tells whether a daemon runs, the number is for people. An ordered stop empties the file; a number in an
//! unlocked file is that of a daemon that died.

use crate::sys::{Errno, Fd, Result, process};
use std::ffi::CString;
use std::format;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The file's name in the run directory.
pub const FILE: &str = "hbd.pid";

/// A locked file.
#[derive(Debug)]
pub struct PidFile {
    fd: Fd,
    path: PathBuf,
}

/// Why there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// A daemon runs; its number, if it has written it already.
    Running(Option<u32>),
    /// The file cannot be made.
    Failed(Errno),
}

impl PidFile {
    /// Lock the file of `run_dir`. Nothing is written yet, for the process may still become another one.
    ///
    /// # Errors
    /// See [`Taken`].
    pub fn take(run_dir: &Path) -> core::result::Result<Self, Taken> {
        let path = run_dir.join(FILE);
        let fd = open(&path, libc::O_RDWR | libc::O_CREAT).map_err(Taken::Failed)?;
        match fd.try_lock() {
            Ok(true) => Ok(Self { fd, path }),
            Ok(false) => Err(Taken::Running(pid(run_dir))),
            Err(why) => Err(Taken::Failed(why)),
        }
    }

    /// Write the number of this process.
    ///
    /// # Errors
    /// As the calls.
    pub fn write(&self) -> std::io::Result<()> {
        // Through the path: the lock's own descriptor stays where it is.
        std::fs::write(&self.path, format!("{}\n", process::own_pid().get()))
    }

    /// The end in order: no number is left. The lock goes with the process.
    pub fn clear(&self) {
        let _ = std::fs::write(&self.path, "");
    }

    /// The descriptor that holds the lock.
    #[must_use]
    pub fn fd(&self) -> &Fd {
        &self.fd
    }
}

fn open(path: &Path, flags: i32) -> Result<Fd> {
    let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::INVALID)?;
    Fd::open(&name, flags, 0o644)
}

/// Does a daemon run on this run directory?
#[must_use]
pub fn is_locked(run_dir: &Path) -> bool {
    open(&run_dir.join(FILE), libc::O_RDONLY).is_ok_and(|fd| fd.try_lock() == Ok(false))
}

/// The number in the file of `run_dir`.
#[must_use]
pub fn pid(run_dir: &Path) -> Option<u32> {
    std::fs::read_to_string(run_dir.join(FILE)).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_of_the_first() {
        let dir = std::env::temp_dir().join(format!("hbd-pidfile-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        assert!(!is_locked(&dir) && pid(&dir).is_none());
        let first = PidFile::take(&dir).unwrap();
        assert_eq!(PidFile::take(&dir).unwrap_err(), Taken::Running(None));
        first.write().unwrap();
        assert_eq!(PidFile::take(&dir).unwrap_err(), Taken::Running(Some(std::process::id())));
        assert!(is_locked(&dir));
        drop(first);
        assert!(!is_locked(&dir));
        assert_eq!(pid(&dir), Some(std::process::id()));
        let second = PidFile::take(&dir).unwrap();
        second.clear();
        assert_eq!(pid(&dir), None);
        drop(second);
        assert!(matches!(PidFile::take(&dir.join("none")), Err(Taken::Failed(Errno::NO_ENTRY))));
        std::fs::remove_dir_all(dir).unwrap();
    }
}
