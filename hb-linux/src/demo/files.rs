//! The demo's files: one temporary directory, in it for each node what `/etc/ha.d`, `/var/lib/heartbeat`,
//! `/var/run/heartbeat` and `/var/log` are on a server.

use crate::files::remove_tree;
use crate::sys::random;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Steady beat, in milliseconds.
pub(super) const KEEPALIVE_MS: u64 = 200;
/// Silence that counts as late, in milliseconds.
pub(super) const WARNTIME_MS: u64 = 600;
/// Silence that counts as death, in milliseconds.
pub(super) const DEADTIME_MS: u64 = 1000;
/// The two nodes.
pub(super) const NAMES: [&str; 2] = ["ha-1", "ha-2"];
/// The one resource.
pub(super) const RESOURCE: &str = "demo-web";

/// A directory that nobody else can enter, removed with all that is in it when dropped.
#[derive(Debug)]
pub(super) struct TempDir(PathBuf);

impl TempDir {
    /// Make one under `$TMPDIR`, or `/tmp`.
    pub(super) fn new() -> Result<Self, String> {
        let parent =
            std::env::var_os("TMPDIR").filter(|dir| !dir.is_empty()).unwrap_or_else(|| "/tmp".into());
        // Links are resolved now, so that what a process has in its command line is what is looked for later.
        let parent = fs::canonicalize(&parent).map_err(|why| {
            format!("{}: {why}; set TMPDIR to a directory you may write to", parent.display())
        })?;
        // It is to stand in ha.cf and in a script, and 107 bytes are what a socket's name may have.
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+@%=~".contains(byte);
        let bytes = parent.as_os_str().as_encoded_bytes();
        if bytes.len() > 64 || !bytes.iter().all(plain) {
            let asked = "at most 64 letters, digits and simple signs";
            return Err(format!(
                "{}: not fit for the demo; set TMPDIR to a path of {asked}",
                parent.display()
            ));
        }
        let mut why = io::Error::from(io::ErrorKind::AlreadyExists);
        for _ in 0..16 {
            let mut name = [0; 4];
            random::fill(&mut name).map_err(|why| format!("/dev/urandom: {why}"))?;
            let dir = parent.join(format!("hbd-demo.{}", hex(&name)));
            match DirBuilder::new().mode(0o700).create(&dir) {
                Ok(()) => return Ok(Self(dir)),
                Err(error) => why = error,
            }
        }
        Err(format!("{}: {why}; set TMPDIR to a directory you may write to", parent.display()))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = remove_tree(&self.0);
    }
}

/// The directories of one node.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// Everything of this node is below.
    pub(super) root: PathBuf,
    /// `--config-dir`.
    pub(super) config: PathBuf,
    /// `--state-dir`.
    pub(super) state: PathBuf,
    /// `--run-dir`.
    pub(super) run: PathBuf,
    /// `logfile` and `debugfile`, and what the daemon prints.
    pub(super) log: PathBuf,
}

impl Places {
    /// Those of the node `name` below `base`.
    pub(super) fn new(base: &Path, name: &str) -> Self {
        let root = base.join(name);
        Self {
            config: root.join("ha.d"),
            state: root.join("lib"),
            run: root.join("run"),
            log: root.join("log"),
            root,
        }
    }

    /// The file with the service's process number.
    pub(super) fn pid_file(&self) -> PathBuf {
        self.run.join(format!("{RESOURCE}.pid"))
    }

    /// As the start of the machine does with `/var/run`: nothing of the life before is there.
    pub(super) fn boot(&self) -> io::Result<()> {
        if self.run.exists() {
            remove_tree(&self.run)?;
        }
        DirBuilder::new().mode(0o700).create(&self.run)
    }
}

/// What the files of one node say.
#[derive(Debug)]
pub(super) struct Setup<'a> {
    /// The node's end of the null-modem.
    pub(super) serial: &'a str,
    /// The port of the heartbeats on the loopback interface.
    pub(super) udp_port: u16,
    /// The secret, the same on both nodes.
    pub(super) key: &'a str,
    /// The init script of the service.
    pub(super) script: &'a str,
}

/// Write the three files and the init script of one node.
pub(super) fn write(places: &Places, setup: &Setup<'_>) -> io::Result<()> {
    let scripts = places.config.join("resource.d");
    for dir in [&places.root, &places.config, &scripts, &places.state, &places.log] {
        DirBuilder::new().mode(0o700).create(dir)?;
    }
    places.boot()?;
    let with_mode = |path: PathBuf, text: &str, mode| {
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))
    };
    with_mode(places.config.join("ha.cf"), &ha_cf(places, setup), 0o644)?;
    with_mode(places.config.join("haresources"), &format!("{} {RESOURCE}\n", NAMES[0]), 0o644)?;
    with_mode(places.config.join("authkeys"), &format!("auth 1\n1 sha1 {}\n", setup.key), 0o600)?;
    with_mode(scripts.join(RESOURCE), setup.script, 0o755)
}

fn ha_cf(places: &Places, setup: &Setup<'_>) -> String {
    let [one, two] = NAMES;
    let log = places.log.display();
    format!(
        "# Written by `hbd demo`.\n\
         logfile {log}/ha-log\n\
         debugfile {log}/ha-debug\n\
         keepalive {KEEPALIVE_MS}ms\n\
         warntime {WARNTIME_MS}ms\n\
         deadtime {DEADTIME_MS}ms\n\
         initdead 5\n\
         auto_failback on\n\
         baud 115200\n\
         serial {}\n\
         udpport {}\n\
         bcast lo\n\
         node {one}\n\
         node {two}\n",
        setup.serial, setup.udp_port
    )
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_written_with_their_modes_and_removed_with_the_directory() {
        let temp = TempDir::new().unwrap();
        let places = Places::new(temp.path(), NAMES[0]);
        let setup = Setup { serial: "/dev/pts/7", udp_port: 1694, key: "secret", script: "#!/bin/sh\n" };
        write(&places, &setup).unwrap();
        let text = |name: &str| fs::read_to_string(places.config.join(name)).unwrap();
        let mode = |name: &str| fs::metadata(places.config.join(name)).unwrap().permissions().mode() & 0o777;
        assert!(text("ha.cf").contains("\nserial /dev/pts/7\n"));
        assert_eq!(text("haresources"), "ha-1 demo-web\n");
        assert_eq!((mode("authkeys"), mode("resource.d/demo-web")), (0o600, 0o755));
        fs::write(places.pid_file(), "1\n").unwrap();
        places.boot().unwrap();
        assert!(!places.pid_file().exists() && places.run.exists());
        std::os::unix::fs::symlink("/etc", places.run.join("link")).unwrap();
        let base = temp.path().to_path_buf();
        drop(temp);
        assert!(!base.exists() && Path::new("/etc").exists());
    }
}
