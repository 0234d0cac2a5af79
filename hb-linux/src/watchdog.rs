//! The hardware (or software) watchdog: opened last, fed by the core's action only, disarmed only when every group is
//! stopped (DESIGN §8.1).
//!
//! A path that ends in `.fake` is a dry watchdog, a regular file or FIFO (docs/configuration.md): every feed appends `.`, the magic close `V`, and a
//! helper that outlives its daemon appends `R` where a real watchdog would have reset the machine. A lock on the file
//! stands in for the driver's `EBUSY`. One that ends in `.plain.fake` is a driver that knows no magic close.

use crate::sys::wdt::{self, Info};
use crate::sys::{Errno, Fd, process};
use core::ffi::{CStr, c_int};
use core::fmt;
use hb_core::Duration;
use std::fs;
use std::path::Path;

/// Who has `device` open, for people: `watchdog (process 471)`. Reads all of `/proc`, so only before the loop begins.
#[must_use]
pub fn holder(device: &Path, proc_dir: &Path) -> String {
    let wanted = fs::canonicalize(device).unwrap_or_else(|_| device.to_path_buf());
    let own = u32::try_from(process::own_pid().get()).unwrap_or(0);
    let mut found = Vec::new();
    for process in fs::read_dir(proc_dir).into_iter().flatten().flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let open = |fd: fs::DirEntry| fs::read_link(fd.path()).is_ok_and(|link| link == wanted);
        if pid != own && fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten().any(open) {
            let status = fs::read_to_string(process.path().join("status")).unwrap_or_default();
            let name = status.lines().find_map(|line| line.strip_prefix("Name:")).map_or("?", str::trim);
            found.push(format!("{name} (process {pid})"));
        }
    }
    if found.is_empty() { String::from("a process that cannot be seen from here") } else { found.join(", ") }
}

/// Taken for the timeout of a driver that tells none: softdog's default.
const USUAL_TIMEOUT: u32 = 60;

/// Why there is no watchdog.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Problem {
    /// There is no such file.
    Missing,
    /// Another process has it open: one of an earlier life, whose timer may still fire.
    Busy,
    /// There is no driver behind the device.
    NoDriver,
    /// It answers, but not as a watchdog.
    NotAWatchdog,
    /// Another error.
    Failed(Errno),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => {
                f.write_str("there is no such device; make it with: mknod /dev/watchdog c 10 130")
            }
            Self::Busy => f.write_str("another process holds it, perhaps one of an earlier hbd"),
            Self::NoDriver => {
                f.write_str("no driver is loaded; load one, for example with: modprobe softdog")
            }
            Self::NotAWatchdog => f.write_str("it does not answer as a watchdog"),
            Self::Failed(why) => why.fmt(f),
        }
    }
}

impl From<Errno> for Problem {
    fn from(why: Errno) -> Self {
        match why {
            Errno::NO_ENTRY => Self::Missing,
            Errno::BUSY => Self::Busy,
            Errno::NO_DEVICE | Errno(libc::ENXIO) => Self::NoDriver,
            other => Self::Failed(other),
        }
    }
}

/// Is `path` the stand-in for tests?
#[must_use]
pub fn is_fake(path: &[u8]) -> bool {
    path.ends_with(b".fake")
}

/// An armed watchdog.
#[derive(Debug)]
pub struct Watchdog {
    fd: Fd,
    fake: bool,
    by_write: bool,
    timeout_s: u32,
    timeout_set: bool,
    info: Info,
    boot_status: u32,
}

impl Watchdog {
    /// The flags that `path` is opened with.
    #[must_use]
    pub fn flags(path: &CStr) -> c_int {
        if is_fake(path.to_bytes()) {
            // Read and write, so that opening a FIFO does not wait for its reader.
            libc::O_RDWR | libc::O_APPEND | libc::O_CREAT | libc::O_NONBLOCK
        } else {
            libc::O_WRONLY
        }
    }

    /// [`Watchdog::open`] for who has opened it already, as `fd`. Allocates nothing and waits for nothing.
    ///
    /// # Errors
    /// As there.
    pub fn armed(path: &CStr, fd: Fd, seconds: u32) -> Result<Self, Problem> {
        if is_fake(path.to_bytes()) {
            return Self::armed_fake(fd, seconds, path.to_bytes().ends_with(b".plain.fake"));
        }
        let Ok(info) = wdt::info(&fd) else {
            // Whatever it is, do not leave it armed behind.
            let _ = fd.write(b"V");
            return Err(Problem::NotAWatchdog);
        };
        let wanted = i32::try_from(seconds.max(1)).unwrap_or(i32::MAX);
        let taken = wdt::set_timeout(&fd, wanted).ok();
        let timeout = wdt::timeout(&fd).ok().or(taken).and_then(|s| u32::try_from(s).ok()).filter(|&s| s > 0);
        let boot_status = wdt::boot_status(&fd).unwrap_or(0);
        let mut watchdog = Self {
            fd,
            fake: false,
            by_write: false,
            timeout_s: timeout.unwrap_or(USUAL_TIMEOUT),
            timeout_set: taken.is_some(),
            info,
            boot_status,
        };
        watchdog.feed()?;
        Ok(watchdog)
    }

    fn armed_fake(fd: Fd, seconds: u32, plain: bool) -> Result<Self, Problem> {
        if !fd.try_lock()? {
            return Err(Problem::Busy);
        }
        let identity = heapless::String::try_from("fake, for tests").unwrap_or_default();
        let options = Info::SET_TIMEOUT | if plain { 0 } else { Info::MAGIC_CLOSE };
        let info = Info { options, firmware: 0, identity };
        Ok(Self {
            fd,
            fake: true,
            by_write: true,
            timeout_s: seconds.max(1),
            timeout_set: true,
            info,
            boot_status: 0,
        })
    }

    /// Feed it: one system call, no memory, no disk.
    ///
    /// # Errors
    /// The device failed. Feed on: it may answer again, and if not, it resets the machine, as it should.
    pub fn feed(&mut self) -> Result<(), Errno> {
        if !self.by_write {
            match wdt::keep_alive(&self.fd) {
                Err(Errno::NOT_TTY | Errno::INVALID) => self.by_write = true,
                other => return other,
            }
        }
        self.fd.write(b".").map(drop)
    }

    /// The timeout in force.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.timeout_s))
    }

    /// The timeout in force, in seconds.
    #[must_use]
    pub fn timeout_s(&self) -> u32 {
        self.timeout_s
    }

    /// Did the driver let us set the timeout? If not, its own stands.
    #[must_use]
    pub fn timeout_was_set(&self) -> bool {
        self.timeout_set
    }

    /// The driver's name.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.info.identity
    }

    /// Does a magic close disarm it? Without it every close does, or none.
    #[must_use]
    pub fn has_magic_close(&self) -> bool {
        self.info.options & Info::MAGIC_CLOSE != 0
    }

    /// Why the machine started last, as the driver's `WDIOF_*` bits; 0 if it does not say.
    #[must_use]
    pub fn boot_status(&self) -> u32 {
        self.boot_status
    }

    /// The last start of the machine was this watchdog's reset.
    #[must_use]
    pub fn was_reset_by_it(&self) -> bool {
        self.boot_status & Info::CARD_RESET != 0
    }

    /// The stand-in for tests.
    #[must_use]
    pub fn is_fake(&self) -> bool {
        self.fake
    }

    /// The descriptor, for the helper to hold as well.
    #[must_use]
    pub fn fd(&self) -> &Fd {
        &self.fd
    }

    /// Close with the magic character: every group is proven stopped, and the helper has let go of its descriptor. Until
    /// then feed it: it is off when the last descriptor is closed.
    pub fn disarm(self) {
        // A write that a signal cut short is worth another try; nothing may be written after it.
        let _ = (0..10).any(|_| matches!(self.fd.write(b"V"), Ok(Some(1))));
    }
}

#[cfg(test)]
impl Watchdog {
    /// Open and so arm the device, ask for a timeout of `seconds` (at least 1), and read back what the driver made of
    /// it. The open may wait: a kernel without the driver loads it then.
    ///
    /// # Errors
    /// Why it is not armed.
    pub fn open(path: &CStr, seconds: u32) -> Result<Self, Problem> {
        Self::armed(path, Fd::open(path, Self::flags(path), 0o600)?, seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;
    use std::path::PathBuf;

    fn fake(name: &str) -> (PathBuf, CString) {
        let path = std::env::temp_dir().join(format!("hbd-{}-{name}.fake", std::process::id()));
        let _ = fs::remove_file(&path);
        let name = CString::new(path.to_str().unwrap()).unwrap();
        (path, name)
    }

    #[test]
    fn the_stand_in_shows_every_feed_and_the_magic_close() {
        let (path, name) = fake("feeds");
        let mut watchdog = Watchdog::open(&name, 8).unwrap();
        assert_eq!((watchdog.timeout_s(), watchdog.boot_status()), (8, 0));
        assert_eq!(Watchdog::open(&name, 8).unwrap_err(), Problem::Busy);
        watchdog.feed().unwrap();
        watchdog.feed().unwrap();
        watchdog.disarm();
        assert_eq!(fs::read(&path).unwrap(), b"..V");
        assert!(Watchdog::open(&name, 0).is_ok_and(|w| w.timeout_s() == 1));
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn who_holds_it_is_named() {
        let (path, _) = fake("holder");
        fs::write(&path, "").unwrap();
        let proc_dir = path.with_extension("proc");
        let _ = fs::remove_dir_all(&proc_dir);
        for (pid, target) in [("471", path.as_path()), ("472", Path::new("/dev/null"))] {
            fs::create_dir_all(proc_dir.join(pid).join("fd")).unwrap();
            fs::write(proc_dir.join(pid).join("status"), "Name:\twatchdog\nState:\tS\n").unwrap();
            std::os::unix::fs::symlink(target, proc_dir.join(pid).join("fd/3")).unwrap();
        }
        fs::create_dir_all(proc_dir.join("sys")).unwrap();
        assert_eq!(holder(&path, &proc_dir), "watchdog (process 471)");
        assert!(holder(Path::new("/nowhere"), &proc_dir).contains("cannot be seen"));
        fs::remove_dir_all(proc_dir).unwrap();
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn what_is_no_watchdog_is_named() {
        assert_eq!(Watchdog::open(c"/dev/null", 5).unwrap_err(), Problem::NotAWatchdog);
        assert_eq!(Watchdog::open(c"/nonexistent", 5).unwrap_err(), Problem::Missing);
        assert!(Problem::Missing.to_string().contains("mknod /dev/watchdog c 10 130"));
    }
}
