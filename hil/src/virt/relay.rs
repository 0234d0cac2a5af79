//! The null-modem between the second serial ports of the guests: two sockets that QEMU connects to, and a thread that
//! moves the bytes as the [`Line`] says, and keeps a log of them.

use super::line::Line;
use crate::netns::{Chunk, Stamp};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// The cable.
#[derive(Debug)]
pub struct Relay {
    ends: [PathBuf; 2],
    shared: Arc<Mutex<Shared>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    line: Line,
    log: Vec<Chunk>,
    end: bool,
}

impl Relay {
    /// A whole cable whose ends are sockets in `dir`.
    ///
    /// # Errors
    /// A socket cannot be made.
    pub fn new(dir: &Path, line: Line) -> io::Result<Self> {
        let ends = ["tty-1", "tty-2"].map(|name| dir.join(name));
        let listeners = [UnixListener::bind(&ends[0])?, UnixListener::bind(&ends[1])?];
        for listener in &listeners {
            listener.set_nonblocking(true)?;
        }
        let shared = Arc::new(Mutex::new(Shared { line, log: Vec::new(), end: false }));
        let mut mover = Mover { listeners, plugs: [None, None], shared: Arc::clone(&shared) };
        let thread = thread::Builder::new().name("relay".to_owned()).spawn(move || mover.run())?;
        Ok(Self { ends, shared, thread: Some(thread) })
    }

    /// The socket of an end, 0 or 1.
    #[must_use]
    pub fn path(&self, end: usize) -> &Path {
        &self.ends[end]
    }

    /// Changes the line.
    pub fn change<T>(&self, change: impl FnOnce(&mut Line) -> T) -> T {
        change(&mut self.shared().line)
    }

    /// All that was sent since `since`.
    #[must_use]
    pub fn log(&self, since: Stamp) -> Vec<Chunk> {
        self.shared().log.iter().filter(|chunk| chunk.at >= since).cloned().collect()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared().end = true;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Mover {
    listeners: [UnixListener; 2],
    plugs: [Option<UnixStream>; 2],
    shared: Arc<Mutex<Shared>>,
}

impl Mover {
    fn run(&mut self) {
        loop {
            let shared = Arc::clone(&self.shared);
            let (end, idle) = {
                let shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
                (shared.end, shared.line.idle())
            };
            if end {
                return;
            }
            self.wait(if idle { 5 } else { 1 });
            for end in [0, 1] {
                if let Ok((stream, _)) = self.listeners[end].accept() {
                    self.plugs[end] = stream.set_nonblocking(true).is_ok().then_some(stream);
                }
            }
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            for from in [0, 1] {
                self.take(from, &mut shared);
                let bytes = shared.line.arrived(Stamp::now(), from);
                // A guest that is off, or whose port is full: the bytes are lost, as on a wire.
                if let Some(far) = &mut self.plugs[1 - from]
                    && !bytes.is_empty()
                {
                    let _ = far.write(&bytes);
                }
            }
        }
    }

    fn wait(&self, milliseconds: u8) {
        let listeners = self.listeners.iter().map(AsFd::as_fd);
        let plugs = self.plugs.iter().flatten().map(AsFd::as_fd);
        let mut fds: Vec<PollFd<'_>> =
            listeners.chain(plugs).map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        let _ = poll(&mut fds, PollTimeout::from(milliseconds));
    }

    fn take(&mut self, from: usize, shared: &mut Shared) {
        let Some(plug) = &mut self.plugs[from] else { return };
        let mut buffer = [0; 4096];
        match plug.read(&mut buffer) {
            Ok(0) => self.plugs[from] = None,
            Ok(count) => {
                let (at, bytes) = (Stamp::now(), buffer[..count].to_vec());
                let whole = shared.line.send(at, from, &bytes);
                let delivered = whole && self.plugs[1 - from].is_some();
                shared.log.push(Chunk { at, from, bytes, delivered });
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.plugs[from] = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn bytes_cross_and_are_logged() {
        let dir = std::env::temp_dir().join(format!("hbd-relay-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a folder");
        let relay = Relay::new(&dir, Line::new(0, 1)).expect("a relay");
        let mut first = UnixStream::connect(relay.path(0)).expect("end 0");
        let mut second = UnixStream::connect(relay.path(1)).expect("end 1");
        thread::sleep(Duration::from_millis(50));
        second.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
        first.write_all(b"beat").expect("it is taken");
        let mut got = [0; 4];
        second.read_exact(&mut got).expect("it arrives");
        assert_eq!(&got, b"beat");
        relay.change(|line| line.cut(0, true));
        first.write_all(b"lost").expect("it is taken");
        thread::sleep(Duration::from_millis(100));
        let log = relay.log(Stamp::default());
        assert!(log[0].delivered && !log[log.len() - 1].delivered, "{log:?}");
        drop(relay);
        let _ = std::fs::remove_dir_all(dir);
    }
}
