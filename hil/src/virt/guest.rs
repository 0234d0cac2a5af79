//! One guest: QEMU's process, the ports into it, its disk (a folder of this machine), its power switch.

use super::agent::{self, Answer};
use super::image::Image;
use super::lines;
use super::monitor;
use super::network::{cross_mac, lan_address, lan_mac};
use super::port::Port;
use crate::netns::{Namespace, Node, Stamp};
use crate::proc::Cmd;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The whole memory of a server of the time, in MB.
const MEMORY: &str = "64";
/// Until a guest's agent speaks: some 5 s of its own time, on cores that others use too.
const BOOT_LIMIT: Duration = Duration::from_secs(300);

/// The driver behind `/dev/watchdog`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dog {
    /// The kernel's own timer.
    Soft,
    /// A chip on the PCI bus, which resets the machine from outside of the kernel.
    I6300Esb,
}

/// A guest, on or off.
#[derive(Debug)]
pub struct Guest {
    /// Which node it is.
    pub node: Node,
    /// Its first serial port.
    pub console: Port,
    /// The rig's agent in it.
    pub agent: Port,
    /// QEMU's monitor.
    pub monitor: Port,
    image: Image,
    dog: Dog,
    tty: PathBuf,
    data: PathBuf,
    switch: Arc<Namespace>,
    log: PathBuf,
    /// Where QEMU traces each write to its UARTs, if it does.
    trace: Option<PathBuf>,
    life: Mutex<Option<Life>>,
    /// From when until when it had no power.
    off: Mutex<Vec<(Stamp, Stamp)>>,
}

#[derive(Debug)]
struct Life {
    pid: Pid,
    ended: Receiver<Option<ExitStatus>>,
}

/// Where a guest's things are.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// For sockets: a short path.
    pub sockets: &'a Path,
    /// For what is kept.
    pub evidence: &'a Path,
    /// The null-modem's end.
    pub tty: &'a Path,
}

impl Guest {
    /// A guest that is switched off.
    ///
    /// # Errors
    /// A socket or folder cannot be made.
    pub fn new(
        node: Node,
        image: &Image,
        dog: Dog,
        places: Places<'_>,
        switch: Arc<Namespace>,
    ) -> Result<Self, String> {
        let name = node.name();
        let data = places.evidence.join(name);
        for folder in ["etc", "log", "lib"] {
            fs::create_dir_all(data.join(folder)).map_err(|e| format!("{}: {e}", data.display()))?;
        }
        let port = |what: &str| {
            let socket = places.sockets.join(format!("{what}-{}", node.index() + 1));
            Port::new(socket, &places.evidence.join(format!("{name}.{what}")))
                .map_err(|e| format!("{what}: {e}"))
        };
        Ok(Self {
            node,
            console: port("console")?,
            agent: port("agent")?,
            monitor: port("qmp")?,
            image: image.clone(),
            dog,
            tty: places.tty.to_owned(),
            data,
            switch,
            log: places.evidence.join(format!("{name}.qemu")),
            trace: None,
            life: Mutex::new(None),
            off: Mutex::new(vec![(Stamp::default(), Stamp::NEVER)]),
        })
    }

    /// Each write to its UARTs is traced from its next start on.
    #[must_use]
    pub fn traced(mut self) -> Self {
        self.trace = Some(self.data.with_extension("uarts"));
        self
    }

    /// What the modem control registers of its UARTs were set to, and when, where that is traced.
    #[must_use]
    pub fn modem_control(&self) -> Vec<(Stamp, u8)> {
        let text = self.trace.as_ref().and_then(|file| fs::read(file).ok()).unwrap_or_default();
        String::from_utf8_lossy(&text).lines().filter_map(lines::modem_control).collect()
    }

    /// A path on its disk: `etc` holds the configuration, `log` is `/var/log`, `lib` is `/var/lib/heartbeat`.
    #[must_use]
    pub fn path(&self, below: &str) -> PathBuf {
        self.data.join(below)
    }

    /// The text of a file on its disk; empty when it is not there.
    #[must_use]
    pub fn read(&self, below: &str) -> String {
        fs::read(self.path(below)).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default()
    }

    /// Switches it on. Does not wait for its boot.
    ///
    /// # Errors
    /// QEMU does not start.
    pub fn power_on(&self) -> Result<Stamp, String> {
        let mut life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        if life.is_some() {
            return Ok(Stamp::now());
        }
        let since = self.monitor.count();
        let mut command = self.command()?;
        let switch = Arc::clone(&self.switch);
        let (started, start) = channel();
        let (done, ended) = channel();
        // The thread lives as long as the guest: `setpriv` ends QEMU when its parent thread ends, however it ends.
        thread::Builder::new()
            .name(self.node.name().to_owned())
            .spawn(move || {
                let child = switch.enter().and_then(|()| command.spawn());
                match child {
                    Ok(mut child) => {
                        let _ = started.send(Ok(child.id()));
                        let _ = done.send(child.wait().ok());
                    }
                    Err(error) => drop(started.send(Err(error.to_string()))),
                }
            })
            .map_err(|e| e.to_string())?;
        let at = Stamp::now();
        let pid = start.recv().map_err(|e| e.to_string())?.map_err(|e| format!("qemu-system-i386: {e}"))?;
        let pid = Pid::from_raw(i32::try_from(pid).map_err(|e| e.to_string())?);
        *life = Some(Life { pid, ended });
        if let Some((_, until)) = self.off.lock().unwrap_or_else(PoisonError::into_inner).last_mut() {
            *until = at;
        }
        drop(life);
        monitor::greet(&self.monitor, since)
            .map_err(|e| format!("{e}: {}", fs::read_to_string(&self.log).unwrap_or_default().trim()))?;
        Ok(at)
    }

    /// Waits until the agent of a boot after line `since` of its port speaks. Says when that was.
    ///
    /// # Errors
    /// It does not boot.
    pub fn booted(&self, since: usize) -> Result<Stamp, String> {
        let (_, (at, _)) = self
            .agent
            .wait(since, BOOT_LIMIT, |line| line.starts_with("@boot"))
            .ok_or_else(|| format!("{} does not boot within {} s", self.node.name(), BOOT_LIMIT.as_secs()))?;
        Ok(at)
    }

    /// Pulls the mains plug. Says when.
    pub fn power_off(&self) -> Stamp {
        let life = self.life.lock().unwrap_or_else(PoisonError::into_inner).take();
        let at = Stamp::now();
        if let Some(life) = life {
            self.off.lock().unwrap_or_else(PoisonError::into_inner).push((at, Stamp::NEVER));
            let _ = kill(life.pid, Signal::SIGKILL);
            let _ = life.ended.recv_timeout(Duration::from_secs(20));
        }
        at
    }

    /// Whether it is switched on.
    #[must_use]
    pub fn has_power(&self) -> bool {
        self.life.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// From when until when it had no power.
    #[must_use]
    pub fn off_times(&self) -> Vec<(Stamp, Stamp)> {
        self.off.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A command to QEMU. Says when it had been done.
    ///
    /// # Errors
    /// QEMU refuses.
    pub fn qemu(&self, command: &str) -> Result<Stamp, String> {
        monitor::execute(&self.monitor, command, &json!({}))?;
        Ok(Stamp::now())
    }

    /// From now on its emulation comes after everything else here: a dead kernel spins, and would take from the other
    /// machine a processor that it has to itself in truth.
    pub fn step_back(&self) {
        let pid = self.life.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|life| life.pid);
        let threads = pid.and_then(|pid| fs::read_dir(format!("/proc/{pid}/task")).ok());
        let threads = threads.into_iter().flatten().flatten().map(|thread| thread.file_name());
        let _ = Cmd::new("renice").args(["-n", "19", "-p"]).args(threads).output();
    }

    /// A line for the guest's shell.
    ///
    /// # Errors
    /// The guest does not answer in time.
    pub fn shell(&self, line: &str, limit: Duration) -> Result<Answer, String> {
        agent::run(&self.agent, line, limit).map_err(|e| format!("{}: {line}: {e}", self.node.name()))
    }

    fn command(&self) -> Result<Command, String> {
        let (name, number) = (self.node.name(), self.node.index() + 1);
        let dog = match self.dog {
            Dog::Soft => "softdog",
            Dog::I6300Esb => "i6300esb",
        };
        let append = format!(
            "console=ttyS0 quiet loglevel=6 panic=0 mitigations=off net.ifnames=0 no_timer_check \
             NODE={name} LAN={} CROSS=10.0.0.{number} DOG={dog}",
            lan_address(self.node)
        );
        let socket = |id: &str, path: &Path| format!("socket,id={id},path={}", path.display());
        let log = File::create(&self.log).map_err(|e| format!("{}: {e}", self.log.display()))?;
        // The emulation comes before what else this machine builds meanwhile; where that is refused, it runs all the same.
        let mut command = Command::new("nice");
        command.args(["-n", "-5", "setpriv"]).args(["--pdeathsig", "KILL", "qemu-system-i386"]);
        command.args([
            "-name",
            &format!("hbd-{name}"),
            "-machine",
            "pc",
            "-cpu",
            "pentium2",
            "-accel",
            "tcg",
        ]);
        command.args(["-m", MEMORY, "-nodefaults", "-no-user-config", "-display", "none"]);
        command.arg("-kernel").arg(&self.image.kernel).arg("-initrd").arg(&self.image.initramfs);
        command.args(["-append", &append]);
        command.args(["-chardev", &socket("console", self.console.path()), "-serial", "chardev:console"]);
        command.args(["-chardev", &socket("tty", &self.tty), "-serial", "chardev:tty"]);
        command.args(["-chardev", &socket("qmp", self.monitor.path()), "-mon", "chardev=qmp,mode=control"]);
        command.args(["-chardev", &socket("agent", self.agent.path()), "-device", "virtio-serial-pci"]);
        command.args(["-device", "virtserialport,chardev=agent"]);
        command.args(["-fsdev", &format!("local,id=data,security_model=none,path={}", self.data.display())]);
        command.args(["-device", "virtio-9p-pci,fsdev=data,mount_tag=data"]);
        for (segment, mac) in [("lan", lan_mac(self.node)), ("cross", cross_mac(self.node))] {
            let tap = format!("tap,id={segment},ifname={segment}-{name},script=no,downscript=no");
            command.args(["-netdev", &tap, "-device", &format!("e1000,netdev={segment},mac={mac}")]);
        }
        if self.dog == Dog::I6300Esb {
            command.args(["-device", "i6300esb", "-action", "watchdog=reset"]);
        }
        if let Some(trace) = &self.trace {
            command.args(["-msg", "timestamp=on", "-d", "trace:serial_write", "-D"]).arg(trace);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone().map_err(|e| e.to_string())?).stderr(log);
        Ok(command)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.power_off();
    }
}
