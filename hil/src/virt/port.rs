//! A port of a guest that speaks in lines: its console, the rig's agent in it, QEMU's monitor. The rig listens, QEMU
//! connects; a port outlives the guest's power.

use crate::netns::Stamp;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A line and when it came.
pub type Line = (Stamp, String);

/// A listening port.
#[derive(Debug)]
pub struct Port {
    path: PathBuf,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<Line>,
    far: Option<UnixStream>,
    log: Option<File>,
    end: bool,
}

impl Port {
    /// Listens at `path`; every line also goes into the file `log`.
    ///
    /// # Errors
    /// The socket or the file cannot be made.
    pub fn new(path: PathBuf, log: &Path) -> io::Result<Self> {
        let listener = UnixListener::bind(&path)?;
        let shared = Arc::new(Shared::default());
        shared.lock().log = Some(File::create(log)?);
        let of_thread = Arc::clone(&shared);
        let thread =
            thread::Builder::new().name("port".to_owned()).spawn(move || serve(&listener, &of_thread))?;
        Ok(Self { path, shared, thread: Some(thread) })
    }

    /// Where QEMU connects to.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Sends one line; the error is that nobody is there.
    ///
    /// # Errors
    /// No guest is connected, or it does not read.
    pub fn send(&self, line: &str) -> io::Result<()> {
        let far = self.shared.lock().far.as_ref().map(UnixStream::try_clone);
        let mut far = far.ok_or_else(|| io::Error::other("nobody is connected"))??;
        far.write_all(format!("{line}\n").as_bytes())
    }

    /// How many lines have come.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.lock().lines.len()
    }

    /// The lines from number `first` on.
    #[must_use]
    pub fn lines(&self, first: usize) -> Vec<Line> {
        self.shared.lock().lines.get(first..).unwrap_or_default().to_vec()
    }

    /// Waits for a line, from number `first` on, that `wanted` takes; says its number too.
    pub fn wait(
        &self,
        first: usize,
        limit: Duration,
        wanted: impl Fn(&str) -> bool,
    ) -> Option<(usize, Line)> {
        let end = Stamp::now().plus(limit);
        let mut next = first;
        let mut state = self.shared.lock();
        loop {
            while let Some(line) = state.lines.get(next) {
                if wanted(&line.1) {
                    return Some((next, line.clone()));
                }
                next += 1;
            }
            let left = end.since(Stamp::now());
            if left.is_zero() {
                return None;
            }
            state = self.shared.news.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        let far = {
            let mut state = self.shared.lock();
            state.end = true;
            state.far.take()
        };
        if let Some(far) = far {
            let _ = far.shutdown(std::net::Shutdown::Both);
        }
        // Wakes the thread where it waits for a guest.
        let _ = UnixStream::connect(&self.path);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(listener: &UnixListener, shared: &Shared) {
    while let Ok((stream, _)) = listener.accept() {
        {
            let mut state = shared.lock();
            if state.end {
                return;
            }
            state.far = stream.try_clone().ok();
        }
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
            let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            bytes.clear();
            let at = Stamp::now();
            let mut state = shared.lock();
            if let Some(log) = &mut state.log {
                let _ = writeln!(log, "{:.3} {text}", at.0 as f64 / 1e9);
            }
            state.lines.push((at, text));
            shared.news.notify_all();
        }
        shared.lock().far = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_keeps_its_lines_over_two_lives_of_the_guest() {
        let dir = std::env::temp_dir().join(format!("hbd-port-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a folder");
        let port = Port::new(dir.join("socket"), &dir.join("log")).expect("a port");
        assert!(port.send("hello").is_err());
        for life in ["first", "second"] {
            let mut guest = UnixStream::connect(port.path()).expect("it listens");
            writeln!(guest, "{life}").expect("it reads");
            assert!(port.wait(0, Duration::from_secs(5), |line| line == life).is_some());
        }
        assert_eq!(port.count(), 2);
        drop(port);
        assert!(std::fs::read_to_string(dir.join("log")).is_ok_and(|log| log.contains(" second\n")));
        let _ = std::fs::remove_dir_all(dir);
    }
}
