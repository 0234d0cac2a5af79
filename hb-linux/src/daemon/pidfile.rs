//! One daemon per machine's state: a lock in the state directory, which root alone can open; and the process number in a
//! file of the run directory, for people and monitoring.
//!
//! What keeps a second daemon away, each for itself: this lock, the socket in the run directory, and its abstract name
//! ([`crate::control::abstract_name`]), which no removal of files touches. The lock is asked about without being taken, so
//! whoever looks is in nobody's way. An ordered stop empties the pid file; a number in it without a daemon is that of one
//! that died.

use crate::sys::{Errno, Fd, Result, process};
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The file's name in the run directory.
pub const FILE: &str = "hbd.pid";
/// The lock's name in the state directory.
pub const LOCK: &str = "lock";

/// The lock, and where the number goes.
#[derive(Debug)]
pub struct PidFile {
    /// Closing it, or any other descriptor of the same file in this process, gives the lock up.
    _lock: Option<Fd>,
    path: PathBuf,
    /// The pid file, locked as well where that is possible: scripts wait for that lock. Anybody who can read the file can
    /// lock it, so nothing here depends on it.
    held: Option<Fd>,
}

/// Why there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// A daemon runs; its number, if the kernel tells it.
    Running(Option<u32>),
    /// The lock cannot be made.
    Failed(Errno),
}

impl PidFile {
    /// Take the lock of `state_dir`, in the process that is to keep it: a child does not inherit it. On a disk that can
    /// only be read there is none: the sockets have to do.
    ///
    /// # Errors
    /// See [`Taken`].
    pub fn take(state_dir: &Path, run_dir: &Path) -> core::result::Result<Self, Taken> {
        let path = run_dir.join(FILE);
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let fd = match open(&state_dir.join(LOCK), flags) {
            Err(Errno(libc::EROFS)) => return Ok(Self { _lock: None, path, held: None }),
            other => other.map_err(Taken::Failed)?,
        };
        match fd.try_own() {
            Ok(true) => Ok(Self { _lock: Some(fd), path, held: None }),
            Ok(false) => Err(Taken::Running(owner(state_dir))),
            Err(why) => Err(Taken::Failed(why)),
        }
    }

    /// Write the number of this process.
    ///
    /// # Errors
    /// As the calls.
    pub fn write(&mut self) -> std::io::Result<()> {
        write(&self.path, process::own_pid().get())?;
        let file = open(&self.path, libc::O_RDWR | libc::O_NONBLOCK);
        self.held = file.ok().filter(|file| file.try_lock() == Ok(true));
        Ok(())
    }

    /// The start failed: as [`PidFile::clear`], if the number got there.
    pub fn unwrite(&self) {
        if self.held.is_some() {
            self.clear();
        }
    }

    /// The end in order: no number is left. The lock goes with the process.
    pub fn clear(&self) {
        let _ = std::fs::write(&self.path, "");
    }
}

/// Write `pid` to the file at `path`.
///
/// # Errors
/// As the calls.
pub fn write(path: &Path, pid: i32) -> std::io::Result<()> {
    // What is no file (somebody's FIFO) is not waited for.
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC | libc::O_NONBLOCK;
    let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::INVALID)?;
    let text = format!("{pid}\n");
    Fd::open(&name, flags, 0o644)?.write(text.as_bytes())?;
    Ok(())
}

fn open(path: &Path, flags: i32) -> Result<Fd> {
    let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::INVALID)?;
    Fd::open(&name, flags, 0o600)
}

/// Who holds the lock of `state_dir`? Takes nothing. `None` for those who may not look.
#[must_use]
pub fn owner(state_dir: &Path) -> Option<u32> {
    open(&state_dir.join(LOCK), libc::O_RDWR | libc::O_NONBLOCK).ok()?.owner()
}

/// Does a daemon run on this state directory?
#[must_use]
pub fn is_locked(state_dir: &Path) -> bool {
    owner(state_dir).is_some()
}

/// The number in the file of `run_dir`.
#[must_use]
pub fn pid(run_dir: &Path) -> Option<u32> {
    std::fs::read_to_string(run_dir.join(FILE)).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Signal;
    use crate::sys::poll::sleep_ms;
    use crate::sys::process::{fork, signal, wait_for};

    #[test]
    fn the_second_is_told_of_the_first_and_who_looks_takes_nothing() {
        let dir = std::env::temp_dir().join(format!("hbd-pidfile-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        assert!(!is_locked(&dir) && pid(&dir).is_none());
        let first = fork(|| {
            let mut held = PidFile::take(&dir, &dir).unwrap();
            held.write().unwrap();
            sleep_ms(20_000);
            0
        })
        .unwrap();
        let number = u32::try_from(first.get()).ok();
        assert!((0..500).any(|_| {
            sleep_ms(10);
            pid(&dir) == number
        }));
        assert_eq!(PidFile::take(&dir, &dir).unwrap_err(), Taken::Running(number));
        assert!(is_locked(&dir) && owner(&dir) == number);
        signal(first, Signal::SIGKILL).unwrap();
        wait_for(first);
        assert!(!is_locked(&dir) && pid(&dir) == number, "the number of one that died");
        let second = PidFile::take(&dir, &dir).unwrap();
        second.clear();
        assert_eq!(pid(&dir), None);
        let none = dir.join("none");
        assert!(matches!(PidFile::take(&none, &dir), Err(Taken::Failed(Errno::NO_ENTRY))));
        std::fs::remove_dir_all(dir).unwrap();
    }
}
