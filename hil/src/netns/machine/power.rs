//! The power switch of a machine: what a boot makes, and what is gone without a word when the power goes.

use super::{Boot, Machine};
use crate::netns::clock::Stamp;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::sethostname;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::PoisonError;

impl Machine {
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

    /// Everything on the machine ends at once; a dead machine has no addresses. The plugs are [`crate::netns::Rig`]'s
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
}

impl Boot {
    /// SIGKILL for process 1, which takes every process of its namespace along.
    pub(super) fn end(&mut self) {
        let _ = self.init.kill();
        // Process 1 is only gone once this process has collected every child that it put there.
        for mut child in self.daemon.take().into_iter().chain(self.others.drain(..)) {
            let _ = child.wait();
        }
        let _ = self.init.wait();
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
