//! Two nodes on this machine, on a null-modem of two pseudo-terminals.

pub(crate) mod schema;

use hb_linux::tested::{Fd, PollFd, poll, pty};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A folder for one test, removed with it.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("hbd-cli-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Two pseudo-terminals, each byte of one going out of the other.
pub(crate) struct NullModem {
    pub(crate) names: [String; 2],
    end: Arc<AtomicBool>,
    pump: Option<thread::JoinHandle<()>>,
}

impl NullModem {
    pub(crate) fn new() -> Self {
        let [(a, name_a), (b, name_b)] = [pty::open().unwrap(), pty::open().unwrap()];
        let names = [name_a, name_b].map(|n| n.to_str().unwrap().to_string());
        let end = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&end);
        let pump = thread::spawn(move || {
            while !flag.load(Ordering::Relaxed) {
                let mut fds = [PollFd::readable(a.raw()), PollFd::readable(b.raw())];
                poll(&mut fds, 50).unwrap();
                let idle = !(carry(&a, &b) | carry(&b, &a));
                if idle && fds.iter().any(PollFd::hung_up) {
                    thread::sleep(Duration::from_millis(5));
                }
            }
        });
        Self { names, end, pump: Some(pump) }
    }
}

/// Move what is there; answers whether there was something. A side that nobody has open loses it, as a cable does.
pub(crate) fn carry(from: &Fd, to: &Fd) -> bool {
    from.set_nonblocking(true).unwrap();
    to.set_nonblocking(true).unwrap();
    let mut buf = [0; 512];
    match from.read(&mut buf) {
        Ok(Some(n)) if n > 0 => {
            let _ = to.write(&buf[..n]);
            true
        }
        _ => false,
    }
}

impl Drop for NullModem {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(pump) = self.pump.take() {
            let _ = pump.join();
        }
    }
}

/// One node: its files, and its daemon while it runs.
pub(crate) struct Node {
    pub(crate) dir: PathBuf,
    name: &'static str,
    pub(crate) child: Option<Child>,
}

impl Node {
    pub(crate) fn new(folder: &Folder, name: &'static str, device: &str, script: &str) -> Self {
        let node = Self { dir: folder.0.join(name), name, child: None };
        let etc = node.dir.join("etc");
        fs::create_dir_all(etc.join("resource.d")).unwrap();
        let dir = node.dir.display();
        let ha_cf = format!(
            "debugfile {dir}/debug\nlogfile {dir}/log\nkeepalive 100ms\nwarntime 500ms\ndeadtime 1500ms\n\
             initdead 2500ms\nscript_timeout stop 2\nbaud 115200\nserial {device}\nnode ha-1\nnode ha-2\n"
        );
        fs::write(etc.join("ha.cf"), ha_cf).unwrap();
        fs::write(etc.join("haresources"), "ha-1 svc\n").unwrap();
        fs::write(etc.join("authkeys"), "auth 1\n1 sha1 secret\n").unwrap();
        fs::set_permissions(etc.join("authkeys"), fs::Permissions::from_mode(0o600)).unwrap();
        let path = etc.join("resource.d/svc");
        fs::write(&path, format!("#!/bin/sh\nd={dir}\n{script}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        node
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hbd"));
        command.args(words).arg("--config-dir").arg(self.dir.join("etc"));
        command.arg("--state-dir").arg(self.dir.join("state")).arg("--run-dir").arg(self.dir.join("run"));
        command.args(["--node", self.name]).stdin(Stdio::null());
        command
    }

    pub(crate) fn hbd(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    pub(crate) fn start(&mut self) {
        let quiet = || fs::File::create(self.dir.join("terminal")).unwrap();
        let child = self.command(&["run", "--foreground"]).stdout(quiet()).stderr(quiet()).spawn();
        self.child = Some(child.unwrap());
    }

    /// `kill -9`, and take the body away.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub(crate) fn json(&self) -> String {
        String::from_utf8(self.hbd(&["status", "--json"]).stdout).unwrap()
    }

    /// Wait until the status contains all of `parts`.
    pub(crate) fn wait_for(&self, parts: &[&str]) {
        let begun = Instant::now();
        loop {
            let json = self.json();
            if parts.iter().all(|part| json.contains(part)) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{}: no {parts:?}\n{json}\n{}", self.name, self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.join("debug")).unwrap_or_default()
    }

    pub(crate) fn serves(&self) -> bool {
        self.dir.join("serving").exists()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

/// Waits until a terminal is sent this text.
pub(crate) fn shows(master: &Fd, part: &str) {
    let (begun, mut shown, mut buf) = (Instant::now(), String::new(), [0; 4096]);
    while !shown.contains(part) {
        assert!(begun.elapsed() < PATIENCE, "no {part:?} in {shown:?}");
        poll(&mut [PollFd::readable(master.raw())], 100).unwrap();
        if let Ok(Some(n)) = master.read(&mut buf) {
            shown.push_str(&String::from_utf8_lossy(&buf[..n]));
        }
    }
}

/// `hbd monitor` on a terminal of its own, until it shows `part` and then `end` has been done to it. Answers its exit code.
pub(crate) fn monitor(node: &Node, part: &str, end: impl FnOnce(&Fd, &Child)) -> Option<i32> {
    let (master, name) = pty::open().unwrap();
    let name = name.to_str().unwrap();
    // Kept open, as the shell that started it would: settings outlive a program only so.
    let slave = || fs::OpenOptions::new().read(true).write(true).open(name).unwrap();
    let settings = || {
        let told = Command::new("stty").args(["-F", name, "-g"]).output().unwrap();
        String::from_utf8(told.stdout).unwrap()
    };
    let kept = slave();
    let before = settings();
    let mut command = node.command(&["monitor"]);
    let mut child = command.stdin(slave()).stdout(slave()).stderr(slave()).spawn().unwrap();
    let (begun, mut shown, mut buf) = (Instant::now(), String::new(), [0; 4096]);
    let mut read = |shown: &mut String| {
        if let Ok(Some(n)) = master.read(&mut buf) {
            shown.push_str(&String::from_utf8_lossy(&buf[..n]));
        }
    };
    while !shown.contains(part) {
        assert!(begun.elapsed() < PATIENCE, "no {part:?} in {shown:?}");
        poll(&mut [PollFd::readable(master.raw())], 100).unwrap();
        read(&mut shown);
    }
    assert_ne!(settings(), before, "keys come as they are pressed");
    end(&master, &child);
    let code = loop {
        read(&mut shown);
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        assert!(begun.elapsed() < 2 * PATIENCE, "it does not end: {shown:?}");
        thread::sleep(Duration::from_millis(20));
    };
    read(&mut shown);
    assert!(
        shown.ends_with("\x1b[?25h\r\r\n") || shown.ends_with("\x1b[?25h\r\n"),
        "the cursor is back: {shown:?}"
    );
    assert_eq!(settings(), before, "the terminal is as it was");
    drop(kept);
    code
}
