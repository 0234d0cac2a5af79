//! A nameless network namespace, kept alive by an open descriptor.

use super::clock::Stamp;
use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::thread;

/// A network namespace. It ends with the last descriptor, socket or process in it.
#[derive(Debug)]
pub struct Namespace {
    file: File,
    name: String,
}

impl Namespace {
    /// A new namespace with only `lo`, which is up.
    ///
    /// # Errors
    /// The kernel refuses (not root, most of all), or `ip` is not there.
    pub fn new(name: &str) -> io::Result<Self> {
        let file = thread::scope(|scope| {
            scope
                .spawn(|| -> io::Result<File> {
                    unshare(CloneFlags::CLONE_NEWNET)?;
                    // Its own chatter would only disturb; a kernel without it is as well.
                    let _ = std::fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
                    let _ = std::fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
                    File::open("/proc/thread-self/ns/net")
                })
                .join()
                .map_err(|_| io::Error::other("the thread that makes a namespace panicked"))?
        })?;
        let namespace = Self { file, name: name.to_owned() };
        namespace.ip("link set lo up\n")?;
        Ok(namespace)
    }

    /// A second handle of it.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { file: self.file.try_clone()?, name: self.name.clone() })
    }

    /// What it is called in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A path that names this namespace to `ip link ... netns` for as long as this process lives.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd())
    }

    /// Moves the calling *thread* in. Sockets that it opens and processes that it starts belong there.
    ///
    /// # Errors
    /// Whatever `setns` says.
    pub fn enter(&self) -> io::Result<()> {
        setns(&self.file, CloneFlags::CLONE_NEWNET).map_err(io::Error::from)
    }

    /// Runs `work` on a thread of its own inside the namespace.
    ///
    /// # Errors
    /// Entering failed, `work` failed, or `work` panicked.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        thread::scope(|scope| {
            scope
                .spawn(|| {
                    self.enter()?;
                    work()
                })
                .join()
                .map_err(|_| io::Error::other("a thread inside a namespace panicked"))?
        })
    }

    /// Runs lines of `ip` inside, in one process (`ip -batch`), and says when it ended.
    ///
    /// # Errors
    /// `ip` is missing or refuses a line; the text says which.
    pub fn ip(&self, lines: &str) -> io::Result<Stamp> {
        self.run(|| {
            let mut child = Command::new("ip")
                .args(["-batch", "-"])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                stdin.write_all(lines.as_bytes())?;
            }
            let output = child.wait_with_output()?;
            let end = Stamp::now();
            if output.status.success() {
                return Ok(end);
            }
            let text = String::from_utf8_lossy(&output.stderr);
            Err(io::Error::other(format!("ip in {}: {}\n{lines}", self.name, text.trim())))
        })
    }
}
