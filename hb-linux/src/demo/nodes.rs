//! A node of the demo: a real daemon, started as an operator would start it, and killed as a power loss would.

use super::files::{self, NAMES, Places, Setup};
use super::watch::Watch;
use super::{processes, service};
use crate::control::words::LinkState;
use crate::sys::process::Pid;
use crate::sys::spawn::{self, Child, Image, Program, Words};
use crate::sys::{Errno, Fd};
use hb_core::Instant;
use hb_core::PeerState;
use hb_core::message::{GroupState, Phase};
use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What both nodes share.
#[derive(Debug)]
pub(super) struct Common {
    /// This program, which is also the daemon and the service.
    pub(super) hbd: PathBuf,
    /// The service's TCP port.
    pub(super) port: u16,
    /// The heartbeats' UDP port.
    pub(super) udp_port: u16,
    /// The secret of `authkeys`.
    pub(super) key: String,
}

/// One of the two nodes.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: &'static str,
    pub(super) places: Places,
    pub(super) watch: Watch,
    hbd: CString,
    daemon: Option<Child>,
    /// Its end was asked for.
    leaving: bool,
}

impl Node {
    /// Write the files of node `index`, whose serial port is `serial`, below `base`.
    pub(super) fn new(index: usize, base: &Path, serial: &str, common: &Common) -> Result<Self, String> {
        let name = NAMES.get(index).copied().unwrap_or_default();
        let places = Places::new(base, name);
        let script = service::script(&common.hbd, name, common.port, &places.pid_file());
        let setup = Setup { serial, udp_port: common.udp_port, key: &common.key, script: &script };
        files::write(&places, &setup).map_err(|why| format!("{}: {why}", places.root.display()))?;
        let hbd = CString::new(common.hbd.as_os_str().as_bytes()).map_err(|why| why.to_string())?;
        Ok(Self { name, watch: Watch::new(&places.run), places, hbd, daemon: None, leaving: false })
    }

    /// Switch it on: the machine boots and starts the daemon.
    pub(super) fn power_on(&mut self) -> Result<(), String> {
        self.places.boot().map_err(|why| format!("{}: {why}", self.places.run.display()))?;
        self.leaving = false;
        self.daemon = Some(self.hbd(&["run", "--foreground"])?);
        Ok(())
    }

    /// Pull its plug: every process of it is gone, with no last word. Answers how many there were.
    pub(super) fn power_off(&mut self) -> usize {
        self.leaving = true;
        let killed = processes::kill_all(&self.places.root);
        self.watch.forget();
        killed
    }

    /// Run `hbd` with a command of the operator's for this node.
    pub(super) fn command(&mut self, words: &[&str]) -> Result<Pid, String> {
        self.leaving |= words == ["stop"];
        Ok(self.hbd(words)?.pid)
    }

    /// Start this program with `words` and this node's places; it dies with the demo.
    fn hbd(&self, words: &[&str]) -> Result<Child, String> {
        let fault = |why: Errno| format!("{}: {why}", self.hbd.to_string_lossy());
        let mut argv: Vec<&[u8]> = vec![b"hbd"];
        argv.extend(words.iter().map(|word| word.as_bytes()));
        let places = &self.places;
        let options: [(&str, &Path); 3] =
            [("--config-dir", &places.config), ("--state-dir", &places.state), ("--run-dir", &places.run)];
        for (option, path) in options {
            argv.extend([option.as_bytes(), path.as_os_str().as_bytes()]);
        }
        argv.extend([&b"--node"[..], self.name.as_bytes()]);
        let argv = Words::new(&argv).ok_or_else(|| fault(Errno::INVALID))?;
        let envp =
            Words::new(&["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]).ok_or_else(|| fault(Errno::INVALID))?;
        let output = fs::OpenOptions::new().append(true).create(true).open(self.output()).map(Fd::from);
        let output = output.map_err(|why| format!("{}: {why}", self.output().display()))?;
        let program = Program {
            choose: &|| Some(Image { path: &self.hbd, argv: &argv, envp: &envp }),
            stdout: Some(&output),
            stderr: Some(&output),
            stdin: None,
            held: &[],
            die_with_us: true,
        };
        spawn::spawn(&program).map_err(fault)
    }

    /// Where what the daemon and the commands print is collected.
    fn output(&self) -> PathBuf {
        self.places.log.join("output")
    }

    /// Is the daemon running, as far as is known?
    pub(super) const fn is_on(&self) -> bool {
        self.daemon.is_some()
    }

    /// A child of the demo ended. `None`: not this node's daemon. `Some(true)`: the daemon, and that was asked for.
    pub(super) fn ended(&mut self, pid: Pid) -> Option<bool> {
        if self.daemon.as_ref()?.pid != pid {
            return None;
        }
        self.daemon = None;
        self.watch.forget();
        Some(self.leaving)
    }

    /// Its state of the service; nothing while it does not answer.
    pub(super) fn state(&self) -> Option<GroupState> {
        self.watch.latest()?.groups.first().map(|group| group.state.0)
    }

    /// Does it hear the peer on a link of this medium? `None` while it does not answer.
    pub(super) fn hears(&self, medium: &str) -> Option<bool> {
        let snapshot = self.watch.latest()?;
        snapshot.links.iter().find(|link| link.medium == medium).map(|link| link.state == LinkState::Up)
    }

    /// It is in service and hears its peer both ways.
    pub(super) fn is_up(&self) -> bool {
        self.watch
            .latest()
            .is_some_and(|s| s.own.phase == Phase::Up && s.peer.state == PeerState::Up && !s.peer.deaf)
    }

    /// When the watch wants to be run again.
    pub(super) fn deadline(&self) -> Instant {
        if self.is_on() { self.watch.deadline() } else { Instant::NEVER }
    }

    /// The last lines of its logs, for one who wants to know what went wrong.
    pub(super) fn log_tails(&self) -> String {
        let mut text = String::new();
        for file in [self.output(), self.places.log.join("ha-log"), self.places.log.join("ha-debug")] {
            let Ok(bytes) = fs::read(&file) else { continue };
            let all = String::from_utf8_lossy(&bytes);
            let lines: Vec<&str> = all.lines().collect();
            let last = lines.get(lines.len().saturating_sub(12)..).unwrap_or(&[]);
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            for line in last {
                text.push_str(&format!("{} {name}: {line}\n", self.name));
            }
        }
        text
    }
}
