//! One machine: namespaces, disks, power switch, and the daemon on it.

use super::clock::Stamp;
use super::namespace::Namespace;
use super::programs::Programs;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, sethostname};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

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

    /// Write a file on its disks.
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

    /// Boot: a new boot id, an empty `/var/run`, the fixed addresses up. The daemon is not started.
    ///
    /// # Errors
    /// The kernel refuses a namespace or a mount.
    pub fn power_on(&self) -> io::Result<()> {
        let mut power = self.power();
        if power.is_some() {
            return Ok(());
        }
        let run = self.path("run");
        fs::remove_dir_all(&run)?;
        fs::create_dir(&run)?;
        fs::write(self.path("boot_id"), new_boot_id()?)?;
        self.net.ip(&self.addresses)?;
        let init = self.net.run(|| self.boot())?;
        // Opened here: on the new machine, `/proc` numbers the processes anew.
        let open = |kind: &str| File::open(format!("/proc/{}/ns/{kind}", init.id()));
        *power = Some(Boot {
            mnt: open("mnt")?,
            uts: open("uts")?,
            pid: open("pid")?,
            init,
            daemon: None,
            others: Vec::new(),
        });
        if let Some((_, until)) = self.cuts.lock().unwrap_or_else(PoisonError::into_inner).last_mut() {
            *until = Stamp::now();
        }
        Ok(())
    }

    /// On a thread inside the network namespace: make the other namespaces and start process 1.
    fn boot(&self) -> io::Result<Child> {
        unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS | CloneFlags::CLONE_NEWPID)?;
        mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
        bind(&self.path("init.d"), Path::new("/etc/init.d"))?;
        bind(&self.path("log"), Path::new("/var/log"))?;
        if let Some(tools) = &self.programs.tools {
            for place in ["/usr/bin", "/usr/sbin", "/bin", "/sbin"] {
                bind(tools, Path::new(place))?;
            }
        }
        // The host's own watchdog is not for tests.
        if Path::new("/dev/watchdog").exists() {
            bind(Path::new("/dev/null"), Path::new("/dev/watchdog"))?;
        }
        sethostname(self.name())?;
        let mut init = Command::new(&self.programs.node)
            .arg("init")
            .arg(self.path("boot_id"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut ready = String::new();
        if let Some(stdout) = init.stdout.take() {
            BufReader::new(stdout).read_line(&mut ready)?;
        }
        if ready.trim() != "ready" {
            let _ = init.kill();
            let _ = init.wait();
            return Err(io::Error::other(format!("process 1 of {} does not start", self.name())));
        }
        Ok(init)
    }

    /// Everything on the machine ends at once; a dead machine has no addresses. The plugs are [`super::Rig`]'s
    /// business. Says when process 1 got its SIGKILL.
    ///
    /// # Errors
    /// `ip` refuses.
    pub fn power_off(&self) -> io::Result<Stamp> {
        let mut power = self.power();
        let at = Stamp::now();
        let Some(mut boot) = power.take() else { return Ok(at) };
        self.cuts.lock().unwrap_or_else(PoisonError::into_inner).push((at, Stamp::NEVER));
        boot.end();
        self.net.run(|| {
            for interface in ["eth0", "eth1"] {
                let _ = Command::new("ip").args(["addr", "flush", "dev", interface]).status();
            }
            Ok(())
        })?;
        Ok(at)
    }

    /// When the machine was off: from, until.
    #[must_use]
    pub fn off_times(&self) -> Vec<(Stamp, Stamp)> {
        self.cuts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Start `command` on the machine.
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

    /// Start `command` on the machine and leave it there until the power goes. Says its process as the host numbers
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

    /// Run `command` on the machine to its end.
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

    /// The daemon's program.
    pub(super) fn program(&self) -> &Path {
        &self.programs.hbd
    }

    /// A call of `hbd` with the machine's folders as its options.
    #[must_use]
    pub fn hbd(&self, arguments: &[&str]) -> Command {
        let mut words = self.programs.launcher.iter().map(OsStr::new).chain([self.programs.hbd.as_os_str()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).args(arguments);
        for (option, folder) in [("--config-dir", "etc"), ("--state-dir", "lib"), ("--run-dir", "run")] {
            command.arg(option).arg(self.path(folder));
        }
        command
    }

    /// Start the daemon, in the foreground of its own process group; its standard error goes to `log/stderr`.
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

    /// Send `signal` to the daemon itself, not to its children. Says when.
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

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(mut boot) = self.power().take() {
            boot.end();
        }
    }
}

impl Boot {
    /// SIGKILL for process 1, which takes every process of its namespace along.
    fn end(&mut self) {
        let _ = self.init.kill();
        // Process 1 is only gone once this process has collected every child that it put there.
        for mut child in self.daemon.take().into_iter().chain(self.others.drain(..)) {
            let _ = child.wait();
        }
        let _ = self.init.wait();
    }
}

/// Send `which` to a process as the host numbers it; one that is gone is none of our business.
pub(super) fn signal(pid: u32, which: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = kill(Pid::from_raw(pid), which);
    }
}

fn bind(from: &Path, to: &Path) -> io::Result<()> {
    mount(Some(from), to, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .map_err(|error| io::Error::other(format!("mount {} on {}: {error}", from.display(), to.display())))
}

/// The kernel makes one for anyone who asks.
fn new_boot_id() -> io::Result<String> {
    let mut file = File::open("/proc/sys/kernel/random/uuid")?;
    let mut text = String::new();
    io::Read::read_to_string(&mut file, &mut text)?;
    Ok(text)
}

/// Make a script at `path`.
///
/// # Errors
/// The disk refuses.
pub(super) fn write_script(path: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o755).open(path)?;
    file.write_all(text.as_bytes())
}
