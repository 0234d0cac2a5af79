//! A tty of this machine at one end of the rig's null-modem, as a real test machine has one: a pty, and a thread that moves
//! its bytes to and from the relay's socket.

use crate::netns::raw_pty;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{read, write};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// The tty, for as long as this lives.
#[derive(Debug)]
pub struct Adapter {
    path: PathBuf,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Adapter {
    /// A tty at the end of the null-modem whose socket is `socket`.
    ///
    /// # Errors
    /// No pty is to be had, or nobody listens there.
    pub fn new(socket: &Path) -> io::Result<Self> {
        let (master, slave, path) = raw_pty()?;
        let cable = UnixStream::connect(socket)?;
        cable.set_nonblocking(true)?;
        let end = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&end);
        // The slave stays open, or the master would report a hang-up whenever nobody has the tty open.
        let thread = thread::Builder::new()
            .name("adapter".to_owned())
            .spawn(move || pump(&master, &slave, cable, &until))?;
        Ok(Self { path, end, thread: Some(thread) })
    }

    /// The tty.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn pump(master: &OwnedFd, _slave: &OwnedFd, mut cable: UnixStream, end: &AtomicBool) {
    let mut buffer = [0; 4096];
    while !end.load(Ordering::Relaxed) {
        let wanted = PollFlags::POLLIN;
        let mut fds = [PollFd::new(master.as_fd(), wanted), PollFd::new(cable.as_fd(), wanted)];
        let _ = poll(&mut fds, PollTimeout::from(20u8));
        // What the other side has no room for is lost, as on a wire.
        if let Ok(count @ 1..) = read(master, &mut buffer) {
            let _ = cable.write(&buffer[..count]);
        }
        match cable.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => drop(write(master, &buffer[..count])),
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::os::unix::net::UnixListener;
    use std::time::Duration;

    #[test]
    fn bytes_pass_between_the_tty_and_the_cable() {
        let dir = std::env::temp_dir().join(format!("hbd-adapter-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a folder");
        let listener = UnixListener::bind(dir.join("cable")).expect("a socket");
        let adapter = Adapter::new(&dir.join("cable")).expect("an adapter");
        let (mut cable, _) = listener.accept().expect("it connects");
        cable.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
        let mut tty = OpenOptions::new().read(true).write(true).open(adapter.path()).expect("a tty");
        let mut got = [0; 4];
        tty.write_all(b"\0out").expect("it is taken");
        cable.read_exact(&mut got).expect("it comes out");
        assert_eq!(&got, b"\0out");
        cable.write_all(b"in\r\n").expect("it is taken");
        tty.read_exact(&mut got).expect("it comes in");
        assert_eq!(&got, b"in\r\n");
        drop(adapter);
        let _ = std::fs::remove_dir_all(dir);
    }
}
