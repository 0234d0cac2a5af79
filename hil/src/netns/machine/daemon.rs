//! The daemon on a machine: how it is called, started, found and ended.

use super::{Boot, Machine, signal};
use crate::netns::clock::Stamp;
use nix::sys::signal::Signal;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

impl Machine {
    /// The daemon's program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.programs.hbd
    }

    /// A call of `hbd` with the machine's folders as its options.
    #[must_use]
    pub fn hbd(&self, arguments: &[&str]) -> Command {
        let mut words = self.programs.launcher.iter().map(OsStr::new).chain([self.programs.hbd.as_os_str()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        // Behind `--` everything is somebody else's.
        let own = arguments.iter().position(|word| *word == "--").unwrap_or(arguments.len());
        let (arguments, others) = arguments.split_at(own);
        command.args(words).args(arguments);
        for (option, folder) in [("--config-dir", "etc"), ("--state-dir", "lib"), ("--run-dir", "run")] {
            command.arg(option).arg(self.path(folder));
        }
        command.args(others);
        command
    }

    /// Starts the daemon, in the foreground of its own process group; its standard error goes to `log/stderr`.
    ///
    /// # Errors
    /// The machine is off, or the program is missing.
    pub fn start_daemon(&self) -> io::Result<()> {
        let stderr = OpenOptions::new().create(true).append(true).open(self.path("log/stderr"))?;
        let mut command = self.hbd(&["run", "--foreground"]);
        command.stdin(Stdio::null()).stdout(stderr.try_clone()?).stderr(stderr);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = self.spawn(&mut command)?;
        if let Some(boot) = self.power().as_mut() {
            boot.others.extend(boot.daemon.replace(child));
        }
        Ok(())
    }

    /// The daemon's process, while it runs, as the host numbers it.
    #[must_use]
    pub fn daemon_pid(&self) -> Option<u32> {
        let mut power = self.power();
        let daemon = power.as_mut()?.daemon.as_mut()?;
        matches!(daemon.try_wait(), Ok(None)).then(|| daemon.id())
    }

    /// How the daemon ended, if it did.
    #[must_use]
    pub fn daemon_exit(&self) -> Option<std::process::ExitStatus> {
        self.power().as_mut()?.daemon.as_mut()?.try_wait().ok().flatten()
    }

    /// The daemon's helper child, as the host numbers it.
    #[must_use]
    pub fn helper_pid(&self) -> Option<u32> {
        let daemon = self.daemon_pid()?;
        let children = fs::read_to_string(format!("/proc/{daemon}/task/{daemon}/children")).ok()?;
        let own = fs::read_link(format!("/proc/{daemon}/exe")).ok()?;
        children
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .find(|pid: &u32| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == own))
    }

    /// Sends `signal` to the daemon itself, not to its children. Says when.
    ///
    /// # Panics
    /// If no daemon runs.
    pub fn signal_daemon(&self, which: Signal) -> Stamp {
        let pid = self.daemon_pid().unwrap_or_else(|| panic!("no daemon runs on {}", self.name()));
        let at = Stamp::now();
        signal(pid, which);
        at
    }

    /// `kill -9` of the daemon alone: the service goes on. Says when.
    ///
    /// # Panics
    /// If no daemon runs.
    pub fn kill_daemon(&self) -> Stamp {
        let at = self.signal_daemon(Signal::SIGKILL);
        if let Some(Boot { daemon: Some(daemon), .. }) = self.power().as_mut() {
            let _ = daemon.wait();
        }
        at
    }
}
