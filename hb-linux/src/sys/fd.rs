//! An owned file descriptor, and the plain calls on it. What nix lacks: a `flock` that a child goes on holding (its own is
//! lifted when dropped), and a write to a descriptor that is a bare number.

use super::errno::{TRIES, check, transfer};
use super::{Errno, Result};
use core::ffi::{CStr, c_int};
use core::mem::ManuallyDrop;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::stat::Mode;
use nix::unistd;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// An open descriptor, closed when dropped, marked close-on-exec from its birth.
#[derive(Debug)]
pub struct Fd(OwnedFd);

impl Fd {
    /// Take over what a system call has just opened, and mark it close-on-exec.
    pub(super) fn adopt(fd: OwnedFd) -> Result<Self> {
        let fd = Self(fd);
        fd.set_close_on_exec(true)?;
        Ok(fd)
    }

    /// As [`Fd::adopt`], of a number that a system call has just opened for us.
    pub(super) fn adopt_raw(raw: RawFd) -> Result<Self> {
        // SAFETY: the kernel gave this number to nobody else.
        Self::adopt(unsafe { OwnedFd::from_raw_fd(raw) })
    }

    /// Open `path` with `O_*` flags; a file that is made gets `mode` less the umask.
    ///
    /// # Errors
    /// As `open(2)`.
    pub fn open(path: &CStr, flags: c_int, mode: u32) -> Result<Self> {
        for _ in 0..TRIES {
            match nix::fcntl::open(path, OFlag::from_bits_retain(flags), Mode::from_bits_retain(mode)) {
                Err(nix::errno::Errno::EINTR) => {}
                other => return Self::adopt(other?),
            }
        }
        Err(Errno::INTR)
    }

    /// The number, for `poll` and for children. Stays owned here.
    #[must_use]
    pub fn raw(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Whether `execve` closes it.
    ///
    /// # Errors
    /// As `fcntl(2)`.
    pub fn set_close_on_exec(&self, on: bool) -> Result<()> {
        let flags = if on { FdFlag::FD_CLOEXEC } else { FdFlag::empty() };
        fcntl(self, FcntlArg::F_SETFD(flags))?;
        Ok(())
    }

    /// Whether reads and writes answer "not now" (`Ok(None)`) in place of waiting.
    ///
    /// # Errors
    /// As `fcntl(2)`.
    pub fn set_nonblocking(&self, on: bool) -> Result<()> {
        let mut flags = OFlag::from_bits_retain(fcntl(self, FcntlArg::F_GETFL)?);
        flags.set(OFlag::O_NONBLOCK, on);
        fcntl(self, FcntlArg::F_SETFL(flags))?;
        Ok(())
    }

    /// Read what is there: `Some(0)` is the end, `None` is "nothing now".
    ///
    /// # Errors
    /// As `read(2)`, without `EINTR` and `EAGAIN`.
    pub fn read(&self, buf: &mut [u8]) -> Result<Option<usize>> {
        transfer(|| unistd::read(self, buf))
    }

    /// Write a beginning of `bytes`; `None` is "no room now".
    ///
    /// # Errors
    /// As `write(2)`, without `EINTR` and `EAGAIN`.
    pub fn write(&self, bytes: &[u8]) -> Result<Option<usize>> {
        transfer(|| unistd::write(self, bytes))
    }

    /// Another descriptor of the same open file.
    ///
    /// # Errors
    /// As `dup(2)`.
    pub fn duplicate(&self) -> Result<Self> {
        Self::adopt(unistd::dup(self)?)
    }

    /// Make standard descriptor `target`, 0 to 2, a copy of this one that stays open in a program.
    pub(super) fn copy_to(&self, target: RawFd) -> Result<()> {
        if self.raw() == target {
            return self.set_close_on_exec(false);
        }
        Ok(match target {
            0 => unistd::dup2_stdin(self),
            1 => unistd::dup2_stdout(self),
            _ => unistd::dup2_stderr(self),
        }?)
    }

    /// Take an exclusive `flock`, without waiting: `false` if another open file holds it. A descriptor inherited by a
    /// child shares the lock.
    ///
    /// # Errors
    /// As `flock(2)`, without `EWOULDBLOCK`.
    pub fn try_lock(&self) -> Result<bool> {
        // SAFETY: flock touches no memory.
        match check(unsafe { libc::flock(self.raw(), libc::LOCK_EX | libc::LOCK_NB) }) {
            Ok(_) => Ok(true),
            Err(Errno::AGAIN) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Take the record lock on the whole file, without waiting: `false` if another process has it. It belongs to this
    /// process, not to its children, and goes when the process closes any descriptor of the file.
    ///
    /// # Errors
    /// As `fcntl(2)`, without `EAGAIN` and `EACCES`.
    pub fn try_own(&self) -> Result<bool> {
        match fcntl(self, FcntlArg::F_SETLK(&whole_file())).map_err(Errno::from) {
            Ok(_) => Ok(true),
            Err(Errno::AGAIN | Errno::ACCESS) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// The other process that has the lock of [`Fd::try_own`], without touching it.
    #[must_use]
    pub fn owner(&self) -> Option<u32> {
        let mut lock = whole_file();
        fcntl(self, FcntlArg::F_GETLK(&mut lock)).ok()?;
        (i32::from(lock.l_type) != libc::F_UNLCK).then(|| u32::try_from(lock.l_pid).unwrap_or(0))
    }
}

/// An exclusive lock from the first byte to the end, wherever that is.
fn whole_file() -> libc::flock {
    // The width of these types differs between targets.
    libc::flock { l_type: libc::F_WRLCK as _, l_whence: libc::SEEK_SET as _, l_start: 0, l_len: 0, l_pid: 0 }
}

impl AsRawFd for Fd {
    fn as_raw_fd(&self) -> RawFd {
        self.raw()
    }
}

impl AsFd for Fd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<std::fs::File> for Fd {
    fn from(file: std::fs::File) -> Self {
        Self(file.into())
    }
}

/// A pipe: the read end, then the write end. Both wait; see [`Fd::set_nonblocking`].
///
/// # Errors
/// As `pipe(2)`.
pub fn pipe() -> Result<(Fd, Fd)> {
    let (read, write) = unistd::pipe()?;
    Ok((Fd::adopt(read)?, Fd::adopt(write)?))
}

/// Close every inherited descriptor from `first` up, except those in `keep`: at start and in the helper, so that no
/// stranger's descriptor stays open. Numbers above 1023 are not looked at. Callers are at a point where no other [`Fd`]
/// exists (start), or where the owners of the rest are never used again (helper child).
pub fn close_others(first: RawFd, keep: &[RawFd]) {
    for raw in first..1024 {
        if !keep.contains(&raw) {
            let _ = unistd::close(raw);
        }
    }
}

/// Write to standard output (1) or error (2), in a child that shares the buffers of its parent's. What cannot be written is
/// lost.
pub fn print(target: RawFd, bytes: &[u8]) {
    // SAFETY: the pointer and length are of a live slice; 1 and 2 belong to no `Fd`.
    unsafe { libc::write(target, bytes.as_ptr().cast(), bytes.len()) };
}

/// Point the first `count` descriptors (3 for all of standard input, output and error) at `/dev/null`.
///
/// # Errors
/// As `open(2)` and `dup2(2)`.
pub fn standard_to_null(count: RawFd) -> Result<()> {
    let null = Fd::open(c"/dev/null", libc::O_RDWR, 0)?;
    for target in 0..count.min(3) {
        null.copy_to(target)?;
    }
    if null.raw() < 3 {
        core::mem::forget(null);
    }
    Ok(())
}

/// As [`Fd::copy_to`], of `from` or of `/dev/null`: in a child that becomes a program.
pub(super) fn connect(from: Option<&Fd>, target: RawFd, null_mode: c_int) -> Result<()> {
    match from {
        Some(fd) => fd.copy_to(target),
        // It may be the target itself; else it goes with the program.
        None => ManuallyDrop::new(Fd::open(c"/dev/null", null_mode, 0)?).copy_to(target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_says_not_now_and_then_the_end() {
        let (read, write) = pipe().unwrap();
        read.set_nonblocking(true).unwrap();
        let mut buf = [0; 8];
        assert_eq!(read.read(&mut buf), Ok(None));
        assert_eq!(write.write(b"abc"), Ok(Some(3)));
        assert_eq!(read.read(&mut buf), Ok(Some(3)));
        drop(write);
        assert_eq!(read.read(&mut buf), Ok(Some(0)));
    }

    #[test]
    fn a_full_pipe_says_not_now() {
        let (_read, write) = pipe().unwrap();
        write.set_nonblocking(true).unwrap();
        for _ in 0..1000 {
            if write.write(&[0; 4096]).unwrap().is_none() {
                return;
            }
        }
        panic!("the pipe never filled");
    }

    #[test]
    fn a_lock_is_held_until_the_last_descriptor_goes() {
        let path = std::env::temp_dir().join(format!("hbd-lock-{}", std::process::id()));
        let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        let open = || Fd::open(&name, libc::O_RDWR | libc::O_CREAT, 0o600).unwrap();
        let (first, second) = (open(), open());
        assert_eq!(first.try_lock(), Ok(true));
        assert_eq!(second.try_lock(), Ok(false));
        let copy = first.duplicate().unwrap();
        drop(first);
        assert_eq!(second.try_lock(), Ok(false));
        drop(copy);
        assert_eq!(second.try_lock(), Ok(true));
        std::fs::remove_file(path).unwrap();
    }
}
