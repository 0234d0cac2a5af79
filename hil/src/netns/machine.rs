//! One machine: namespaces, disks, power switch, and what runs on it.

use super::clock::Stamp;
use super::namespace::Namespace;
use super::programs::Programs;
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

mod daemon;
mod power;

/// What a command on a machine said.
#[derive(Clone, Debug)]
pub struct Output {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// A machine, on or off. Its disks (`dir`) outlive its power.
#[derive(Debug)]
pub struct Machine {
    net: Namespace,
    dir: PathBuf,
    programs: Programs,
    addresses: String,
    power: Mutex<Option<Boot>>,
    cuts: Mutex<Vec<(Stamp, Stamp)>>,
}

/// One life of a machine, from power-on to power-off.
#[derive(Debug)]
struct Boot {
    /// Process 1; all others die with it.
    init: Child,
    mnt: File,
    uts: File,
    pid: File,
    daemon: Option<Child>,
    /// Everything else that is still to be collected.
    others: Vec<Child>,
}

impl Machine {
    /// A machine that is switched off. `addresses` are the lines of `ip` that its start-up scripts would run; its
    /// disks are folders below `dir`.
    ///
    /// # Errors
    /// The folders cannot be made.
    pub fn new(net: Namespace, dir: PathBuf, addresses: String, programs: Programs) -> io::Result<Self> {
        for folder in ["etc/resource.d", "init.d", "log", "lib", "run"] {
            fs::create_dir_all(dir.join(folder))?;
        }
        Ok(Self { net, dir, programs, addresses, power: Mutex::new(None), cuts: Mutex::default() })
    }

    /// Its name, which is also its `uname -n`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.net.name()
    }

    /// Its network.
    #[must_use]
    pub fn net(&self) -> &Namespace {
        &self.net
    }

    /// A path on its disks: `etc` is the daemon's configuration, `init.d` is `/etc/init.d`, `log` is `/var/log`, `lib`
    /// the state and `run` what a boot clears.
    #[must_use]
    pub fn path(&self, below: &str) -> PathBuf {
        self.dir.join(below)
    }

    /// All of a file on its disks; empty when it is not there.
    #[must_use]
    pub fn read(&self, below: &str) -> String {
        fs::read(self.path(below))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Writes a file on its disks.
    ///
    /// # Panics
    /// If the host's disk refuses.
    pub fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    fn power(&self) -> MutexGuard<'_, Option<Boot>> {
        self.power.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is the power on?
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.power().is_some()
    }

    /// When the machine was off: from, until.
    #[must_use]
    pub fn off_times(&self) -> Vec<(Stamp, Stamp)> {
        self.cuts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts `command` on the machine.
    ///
    /// # Errors
    /// The machine is off, or there is no such program.
    pub fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        let handles = {
            let power = self.power();
            let boot =
                power.as_ref().ok_or_else(|| io::Error::other(format!("{} is switched off", self.name())))?;
            [boot.mnt.try_clone()?, boot.uts.try_clone()?, boot.pid.try_clone()?]
        };
        self.net.run(|| {
            let [mnt, uts, pid] = &handles;
            // A thread that shares its working directory with others may not change its mounts.
            unshare(CloneFlags::CLONE_FS)?;
            setns(pid, CloneFlags::CLONE_NEWPID)?;
            setns(uts, CloneFlags::CLONE_NEWUTS)?;
            setns(mnt, CloneFlags::CLONE_NEWNS)?;
            command.spawn()
        })
    }

    /// Starts `command` on the machine and leaves it there until the power goes. Says its process as the host numbers
    /// it.
    ///
    /// # Errors
    /// As for [`Self::spawn`].
    pub fn launch(&self, command: &mut Command) -> io::Result<u32> {
        let child = self.spawn(command)?;
        let pid = child.id();
        if let Some(boot) = self.power().as_mut() {
            boot.others.push(child);
        }
        Ok(pid)
    }

    /// Forgets what was launched and has ended: until then it looks like a process to whoever waits for its end.
    pub fn reap(&self) {
        if let Some(boot) = self.power().as_mut() {
            boot.others.retain_mut(|child| !matches!(child.try_wait(), Ok(Some(_))));
        }
    }

    /// Runs `command` on the machine to its end.
    ///
    /// # Errors
    /// The machine is off, the program is missing, or it did not end within `limit` and was killed.
    pub fn run(&self, command: &mut Command, limit: Duration) -> io::Result<Output> {
        let child = self.spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))?;
        let id = child.id();
        let (done, ended) = mpsc::channel();
        let waiter = thread::spawn(move || {
            let output = child.wait_with_output();
            let _ = done.send(());
            output
        });
        let in_time = ended.recv_timeout(limit).is_ok();
        if !in_time {
            signal(id, Signal::SIGKILL);
        }
        let output = waiter.join().map_err(|_| io::Error::other("the reading thread panicked"))??;
        let output = Output {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        if in_time {
            return Ok(output);
        }
        Err(io::Error::other(format!("{command:?} did not end within {limit:?}: {output:?}")))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(mut boot) = self.power().take() {
            boot.end();
        }
    }
}

/// Sends `which` to a process as the host numbers it; one that is gone is none of our business.
pub(super) fn signal(pid: u32, which: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = kill(Pid::from_raw(pid), which);
    }
}

/// Makes a script at `path`.
///
/// # Errors
/// The disk refuses.
pub(super) fn write_script(path: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o755).open(path)?;
    file.write_all(text.as_bytes())
}
