//! An owned file descriptor, and the plain calls on it.

use super::errno::{TRIES, check, transfer};
use super::{Errno, Result};
use core::ffi::{CStr, c_int};
use std::os::fd::{AsRawFd, IntoRawFd, RawFd};

/// An open descriptor, closed when dropped, marked close-on-exec from its birth.
#[derive(Debug)]
pub struct Fd(RawFd);

impl Fd {
    /// Take over what a system call has just opened (or its -1) and mark it close-on-exec.
    pub(super) fn adopt(raw: RawFd) -> Result<Self> {
        let fd = Self(check(raw)?);
        fd.set_close_on_exec(true)?;
        Ok(fd)
    }

    /// Open `path` with `O_*` flags; a file that is made gets `mode` less the umask.
    ///
    /// # Errors
    /// As `open(2)`.
    pub fn open(path: &CStr, flags: c_int, mode: u32) -> Result<Self> {
        for _ in 0..TRIES {
            // SAFETY: the path ends in NUL; open reads nothing else of ours.
            match Self::adopt(unsafe { libc::open(path.as_ptr(), flags, mode) }) {
                Err(Errno::INTR) => {}
                other => return other,
            }
        }
        Err(Errno::INTR)
    }

    /// The number, for `poll` and for children. Stays owned here.
    #[must_use]
    pub fn raw(&self) -> RawFd {
        self.0
    }

    fn add_flags(&self, get: c_int, set: c_int, flag: c_int, on: bool) -> Result<()> {
        // SAFETY: F_GETFD/F_GETFL take no argument and touch no memory.
        let old = check(unsafe { libc::fcntl(self.0, get) })?;
        let new = if on { old | flag } else { old & !flag };
        if new != old {
            // SAFETY: F_SETFD/F_SETFL take an int and touch no memory.
            check(unsafe { libc::fcntl(self.0, set, new) })?;
        }
        Ok(())
    }

    /// Whether `execve` closes it.
    ///
    /// # Errors
    /// As `fcntl(2)`.
    pub fn set_close_on_exec(&self, on: bool) -> Result<()> {
        self.add_flags(libc::F_GETFD, libc::F_SETFD, libc::FD_CLOEXEC, on)
    }

    /// Whether reads and writes answer "not now" (`Ok(None)`) in place of waiting.
    ///
    /// # Errors
    /// As `fcntl(2)`.
    pub fn set_nonblocking(&self, on: bool) -> Result<()> {
        self.add_flags(libc::F_GETFL, libc::F_SETFL, libc::O_NONBLOCK, on)
    }

    /// Read what is there: `Some(0)` is the end, `None` is "nothing now".
    ///
    /// # Errors
    /// As `read(2)`, without `EINTR` and `EAGAIN`.
    pub fn read(&self, buf: &mut [u8]) -> Result<Option<usize>> {
        // SAFETY: the pointer and length are of a live, exclusively borrowed slice.
        transfer(|| unsafe { libc::read(self.0, buf.as_mut_ptr().cast(), buf.len()) })
    }

    /// Write a beginning of `bytes`; `None` is "no room now".
    ///
    /// # Errors
    /// As `write(2)`, without `EINTR` and `EAGAIN`.
    pub fn write(&self, bytes: &[u8]) -> Result<Option<usize>> {
        // SAFETY: the pointer and length are of a live slice.
        transfer(|| unsafe { libc::write(self.0, bytes.as_ptr().cast(), bytes.len()) })
    }

    /// Another descriptor of the same open file.
    ///
    /// # Errors
    /// As `dup(2)`.
    pub fn duplicate(&self) -> Result<Self> {
        // SAFETY: dup touches no memory.
        Self::adopt(unsafe { libc::dup(self.0) })
    }

    /// Take an exclusive `flock`, without waiting: `false` if another open file holds it. A descriptor inherited by a
    /// child shares the lock.
    ///
    /// # Errors
    /// As `flock(2)`, without `EWOULDBLOCK`.
    pub fn try_lock(&self) -> Result<bool> {
        // SAFETY: flock touches no memory.
        match check(unsafe { libc::flock(self.0, libc::LOCK_EX | libc::LOCK_NB) }) {
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
        let lock = whole_file();
        // SAFETY: F_SETLK reads one flock.
        match check(unsafe { libc::fcntl(self.0, libc::F_SETLK, &raw const lock) }) {
            Ok(_) => Ok(true),
            Err(Errno::AGAIN | Errno::ACCESS) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// The other process that has the lock of [`Fd::try_own`], without touching it.
    #[must_use]
    pub fn owner(&self) -> Option<u32> {
        let mut lock = whole_file();
        // SAFETY: F_GETLK reads and writes one flock.
        check(unsafe { libc::fcntl(self.0, libc::F_GETLK, &raw mut lock) }).ok()?;
        (i32::from(lock.l_type) != libc::F_UNLCK).then(|| u32::try_from(lock.l_pid).unwrap_or(0))
    }
}

/// An exclusive lock from the first byte to the end, wherever that is.
fn whole_file() -> libc::flock {
    // SAFETY: an all-zero flock is valid: integers; zeros mean the whole file.
    let mut lock: libc::flock = unsafe { core::mem::zeroed() };
    // The width of these types differs between targets.
    lock.l_type = libc::F_WRLCK as _;
    lock.l_whence = libc::SEEK_SET as _;
    lock
}

impl Drop for Fd {
    fn drop(&mut self) {
        // SAFETY: the descriptor is owned and not used after this. Linux frees it even if close answers EINTR.
        unsafe { libc::close(self.0) };
    }
}

impl AsRawFd for Fd {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

impl From<std::fs::File> for Fd {
    fn from(file: std::fs::File) -> Self {
        Self(file.into_raw_fd())
    }
}

/// A pipe: the read end, then the write end. Both wait; see [`Fd::set_nonblocking`].
///
/// # Errors
/// As `pipe(2)`.
pub fn pipe() -> Result<(Fd, Fd)> {
    let mut ends: [c_int; 2] = [-1; 2];
    // SAFETY: pipe writes two ints to the array.
    check(unsafe { libc::pipe(ends.as_mut_ptr()) })?;
    let [read, write] = ends.map(Fd);
    read.set_close_on_exec(true)?;
    write.set_close_on_exec(true)?;
    Ok((read, write))
}

/// Close every inherited descriptor from `first` up, except those in `keep`: at start and in the helper, so that no
/// stranger's descriptor stays open. Numbers above 1023 are not looked at.
pub fn close_others(first: RawFd, keep: &[RawFd]) {
    for raw in first..1024 {
        if !keep.contains(&raw) {
            // SAFETY: closing a number that is not open answers EBADF. Callers are at a point where no other `Fd`
            // exists (start), or where the owners of the rest are never used again (helper child).
            unsafe { libc::close(raw) };
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
        // SAFETY: dup2 touches no memory; 0 to 2 belong to no `Fd`.
        check(unsafe { libc::dup2(null.raw(), target) })?;
    }
    if null.raw() < 3 {
        core::mem::forget(null);
    }
    Ok(())
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
