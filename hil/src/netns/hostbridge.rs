//! The bridge's library on two ptys, in the place of the null-modem cable, with outputs and senses that a scenario sees.

use super::nullmodem::raw_pty;
use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use hb_core::{Duration as Span, Instant};
use hb_serial_bridge::{Bridge, Port, provision};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A bridge that runs. Port A is end 0.
#[derive(Debug)]
pub struct HostBridge {
    ends: [PathBuf; 2],
    shared: Arc<Mutex<Shared>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// How often each output went on.
    pulses: [u32; 2],
    /// The reset lines lead to machines whose sense falls under them.
    wired: bool,
    /// It has no power.
    off: bool,
    end: bool,
}

impl HostBridge {
    /// With this line of `authkeys` and these two node names, as a board is built with them.
    ///
    /// # Errors
    /// No pty is to be had, or the key makes no sense.
    pub fn new(key: &str, nodes: &str) -> io::Result<Self> {
        let (first, _, first_path) = raw_pty()?;
        let (second, _, second_path) = raw_pty()?;
        let masters = [first, second].map(File::from);
        let shared = Arc::new(Mutex::new(Shared { wired: true, ..Shared::default() }));
        let (given, key, nodes) = (Arc::clone(&shared), key.to_owned(), nodes.to_owned());
        // Wrong here, it would be a relay alone.
        if provision::keys(&key).is_none() || provision::cluster(&nodes).is_none() {
            return Err(io::Error::other("the key or the names make no sense"));
        }
        let thread = thread::Builder::new()
            .name("host bridge".to_owned())
            .spawn(move || run(&masters, &given, &key, &nodes))?;
        Ok(Self { ends: [first_path, second_path], shared, thread: Some(thread) })
    }

    /// The tty at `end`.
    #[must_use]
    pub fn path(&self, end: usize) -> &Path {
        &self.ends[end]
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often each reset output went on.
    #[must_use]
    pub fn pulses(&self) -> [u32; 2] {
        self.shared().pulses
    }

    /// The reset lines lead nowhere from now on, or to the machines again.
    pub fn wire(&self, wired: bool) {
        self.shared().wired = wired;
    }

    /// It loses its power, or has it again and starts anew.
    pub fn power(&self, on: bool) {
        self.shared().off = !on;
    }
}

impl Drop for HostBridge {
    fn drop(&mut self) {
        self.shared().end = true;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One life of the bridge after another.
fn run(masters: &[File; 2], shared: &Mutex<Shared>, key: &str, nodes: &str) {
    let clock = std::time::Instant::now();
    let mut seed = 0;
    loop {
        let began = clock.elapsed();
        let mut bridge = Bridge::new(Tty(&masters[0]), Tty(&masters[1]), Span::from_millis(1000));
        seed += 1;
        provision::install(&mut bridge, key, nodes, seed);
        let mut was = [false; 2];
        loop {
            let now = Instant::from_micros(u64::try_from((clock.elapsed() - began).as_micros()).unwrap_or(0));
            let state = {
                let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let on = bridge.resets();
                for ((pulses, on), was) in shared.pulses.iter_mut().zip(on).zip(was) {
                    *pulses += u32::from(on && !was);
                }
                was = on;
                [shared.wired, shared.off, shared.end]
            };
            let [wired, off, end] = state;
            if end {
                return;
            }
            if off {
                break;
            }
            for (port, on) in Port::BOTH.into_iter().zip(was) {
                bridge.sense(port, wired && !on);
            }
            if !bridge.step(now) {
                let mut fds = masters.each_ref().map(|m| PollFd::new(m.as_fd(), PollFlags::POLLIN));
                let _ = poll(&mut fds, PollTimeout::from(2_u8));
                // A tty that nobody has open hangs up, and would not be waited for.
                thread::sleep(Duration::from_millis(1));
            }
        }
        while shared.lock().unwrap_or_else(PoisonError::into_inner).off {
            if shared.lock().unwrap_or_else(PoisonError::into_inner).end {
                return;
            }
            // What is said to it is lost.
            for mut master in masters {
                let _ = io::Read::read(&mut master, &mut [0; 512]);
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// The master of a pty as a port.
struct Tty<'a>(&'a File);

impl Tty<'_> {
    fn ready(&self, flags: PollFlags) -> bool {
        let mut fds = [PollFd::new(self.0.as_fd(), flags)];
        let _ = poll(&mut fds, PollTimeout::ZERO);
        fds[0].revents().is_some_and(|seen| seen.contains(flags))
    }
}

impl ErrorType for Tty<'_> {
    type Error = ErrorKind;
}

impl ReadReady for Tty<'_> {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(self.ready(PollFlags::POLLIN))
    }
}

impl Read for Tty<'_> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        io::Read::read(&mut self.0, buf).or(Ok(0))
    }
}

impl WriteReady for Tty<'_> {
    fn write_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(self.ready(PollFlags::POLLOUT))
    }
}

impl Write for Tty<'_> {
    fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        // A tty that nobody reads is full: what a line would lose is lost.
        io::Write::write(&mut self.0, buf).or(Ok(buf.len()))
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
