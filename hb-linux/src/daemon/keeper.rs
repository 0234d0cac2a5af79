//! Who keeps the watchdog open when daemon and helper are killed by their name. Some drivers stop their timer at the last
//! close, whatever was written before (softdog of Linux 2.4.18 and 2.4.27), and on kernels that old the helper cannot take a
//! name of its own: `killall -9 hbd` meets both. So a shell has the descriptor as well, feeds nothing, and waits for ever.
//! An ordered stop ends it first, by its number.
//!
//! DESIGN §8.7.

use crate::resources::INTERPRETER;
use crate::sys::Signal;
use crate::sys::poll::sleep_ms;
use crate::sys::process::{self, Pid};
use crate::sys::spawn::{Image, Program, Words, spawn};
use crate::sys::{Errno, Fd, fd};
use std::ffi::CString;

/// Reads what never comes: it has the other end of its input itself. A read that fails ends it rather than a core.
const TEXT: &str = "trap '' 1 2 3 15; while read -r line; do :; done";
/// Its name in the list of processes, for people: `sh -c ... watchdog-keeper`. Nothing in its line is called as the daemon
/// is: `pkill -f hbd`, and a `kill` of all that `ps ax | grep hbd` finds, do not meet it.
const NAME: &str = "watchdog-keeper";

/// The shell, while there is one.
#[derive(Debug)]
pub(super) struct Keeper {
    path: CString,
    argv: Words,
    envp: Words,
    child: Option<Pid>,
}

impl Keeper {
    /// Everything that it needs later: allocates. `None` never happens.
    pub(super) fn prepare() -> Option<Self> {
        Some(Self {
            path: CString::new(INTERPRETER).ok()?,
            argv: Words::new(&["sh", "-c", TEXT, NAME])?,
            envp: Words::new(&["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])?,
            child: None,
        })
    }

    /// Start it, unless it runs, with a copy of `device`.
    ///
    /// # Errors
    /// No process or descriptor is to be had now.
    pub(super) fn hold(&mut self, device: &Fd) -> Result<(), Errno> {
        self.reap();
        if self.child.is_some() {
            return Ok(());
        }
        let (read, write) = fd::pipe()?;
        let image = || Some(Image { path: &self.path, argv: &self.argv, envp: &self.envp });
        let program = Program {
            choose: &image,
            stdin: Some(&read),
            stdout: None,
            stderr: None,
            held: &[device, &write],
            die_with_us: false,
        };
        self.child = Some(spawn(&program)?.pid);
        Ok(())
    }

    /// It runs.
    pub(super) const fn is_there(&self) -> bool {
        self.child.is_some()
    }

    /// After `SIGCHLD`.
    pub(super) fn reap(&mut self) {
        if self.child.is_some_and(process::has_ended) {
            self.child = None;
        }
    }

    /// End it, and wait until it is gone; `feed` is called all the time.
    pub(super) fn end(&mut self, mut feed: impl FnMut()) {
        while let Some(child) = self.child {
            let _ = process::signal(child, Signal::SIGKILL);
            feed();
            self.reap();
            if self.child.is_some() {
                sleep_ms(5);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_descriptor_stays_open_until_it_is_ended() {
        let path = std::env::temp_dir().join(format!("hbd-keeper-{}", std::process::id()));
        let name = CString::new(path.to_str().unwrap()).unwrap();
        let open = || Fd::open(&name, libc::O_RDWR | libc::O_CREAT, 0o600).unwrap();
        let device = open();
        assert_eq!(device.try_lock(), Ok(true));
        let mut keeper = Keeper::prepare().unwrap();
        keeper.hold(&device).unwrap();
        let child = keeper.child.unwrap();
        keeper.hold(&device).unwrap();
        assert_eq!(keeper.child, Some(child), "one is enough");
        drop(device);
        let words = format!("/proc/{}/cmdline", child.get());
        let named = || std::fs::read(&words).is_ok_and(|line| line.ends_with(b"\0watchdog-keeper\0"));
        assert!(
            (0..200).any(|_| named() || {
                sleep_ms(10);
                false
            }),
            "it is not the shell"
        );
        let line = std::fs::read(&words).unwrap();
        assert!(!line.windows(3).any(|part| part == b"hbd"), "who ends all that is called hbd ends it");
        // It has come to its first command: `TERM`, number 15, is ignored.
        let status = format!("/proc/{}/status", child.get());
        let ignores = || {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let mask = text.lines().find_map(|line| line.strip_prefix("SigIgn:"));
            mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
                .is_some_and(|mask| mask >> 14 & 1 == 1)
        };
        assert!((0..1000).any(|_| ignores() || {
            sleep_ms(10);
            false
        }));
        // Requests to end, and time, do nothing.
        let _ = process::signal(child, Signal::SIGTERM);
        sleep_ms(300);
        keeper.reap();
        assert!(keeper.is_there());
        assert_eq!(open().try_lock(), Ok(false), "it is still open");
        let mut fed = 0;
        keeper.end(|| fed += 1);
        assert!(fed > 0 && !keeper.is_there() && !process::exists(child));
        // Other tests' children may have a copy of the descriptor for a moment.
        assert!((0..200).any(|_| open().try_lock() == Ok(true) || {
            sleep_ms(10);
            false
        }));
        std::fs::remove_file(path).unwrap();
    }
}
