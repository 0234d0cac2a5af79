//! The null-modem cable: two ptys and a thread between them that can cut, log, delay and inject.

use super::clock::Stamp;
use super::fault::{Damage, Faults, Wire, garble, speed};
use super::urgent::{Heirs, urgent};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::{read, ttyname, write};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Bytes that went in at one end at one time.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// When they were read from the sender.
    pub at: Stamp,
    /// Which end sent them, 0 or 1; for injected bytes the end that seems to have sent them.
    pub from: usize,
    /// What went in.
    pub bytes: Vec<u8>,
    /// Whether the cable was whole and someone had the other end open.
    pub delivered: bool,
}

/// A null-modem cable. End 0 and end 1 each are a tty that a daemon opens like a serial port.
#[derive(Debug)]
pub struct NullModem {
    ends: [PathBuf; 2],
    shared: Arc<Mutex<Shared>>,
    relay: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    /// By sending end: nothing passes.
    cut: [bool; 2],
    /// By sending end.
    wires: [Wire; 2],
    /// Bits per second, 10 bits to a byte; 0 does not pace.
    baud: u32,
    /// Pace by what the ends have set, and garble where they differ.
    as_set: bool,
    injected: Vec<(usize, Vec<u8>)>,
    log: Vec<Chunk>,
    end: bool,
}

impl NullModem {
    /// A whole cable that passes bytes as fast as they come.
    ///
    /// # Errors
    /// No pty is to be had.
    pub fn new() -> io::Result<Self> {
        let (first, _, first_path) = raw_pty()?;
        let (second, _, second_path) = raw_pty()?;
        let shared = Arc::new(Mutex::new(Shared {
            cut: [false; 2],
            wires: [Wire::new(0x9E37_79B9_7F4A_7C15), Wire::new(0xD1B5_4A32_D192_ED03)],
            baud: 0,
            as_set: false,
            injected: Vec::new(),
            log: Vec::new(),
            end: false,
        }));
        let for_relay = Arc::clone(&shared);
        let relay = thread::Builder::new().name("null-modem".to_owned()).spawn(move || {
            // A real cable waits for no processor.
            urgent(Heirs::Nobody);
            Relay { masters: [first, second], shared: for_relay, waiting: Default::default() }.run()
        })?;
        Ok(Self { ends: [first_path, second_path], shared, relay: Some(relay) })
    }

    /// The tty at `end`.
    #[must_use]
    pub fn path(&self, end: usize) -> &Path {
        &self.ends[end]
    }

    /// Cuts (`true`) or mends what `from` sends; both ends make a cut cable, one end a broken wire.
    pub fn set_cut(&self, from: usize, cut: bool) {
        self.shared().cut[from] = cut;
    }

    /// Passes bytes no faster than a line of this rate would (8N1).
    pub fn set_baud(&self, baud: u32) {
        self.shared().baud = baud;
    }

    /// Passes bytes at the speed that the sending program has set, as a real line does; to a program that has set another
    /// one they are nonsense.
    pub fn follow_speed(&self) {
        self.shared().as_set = true;
    }

    /// Gives the wire on which `from` sends these faults.
    pub fn set_faults(&self, from: usize, faults: Faults) {
        self.shared().wires[from].faults = faults;
    }

    /// What the wire on which `from` sends has done so far.
    #[must_use]
    pub fn damage(&self, from: usize) -> Damage {
        self.shared().wires[from].damage
    }

    /// Puts bytes on the line as if `from` had sent them; the cut does not hold them up.
    pub fn inject(&self, from: usize, bytes: &[u8]) {
        self.shared().injected.push((from, bytes.to_vec()));
    }

    /// Everything that was sent since `since`.
    #[must_use]
    pub fn log(&self, since: Stamp) -> Vec<Chunk> {
        self.shared().log.iter().filter(|chunk| chunk.at >= since).cloned().collect()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for NullModem {
    fn drop(&mut self) {
        self.shared().end = true;
        if let Some(relay) = self.relay.take() {
            let _ = relay.join();
        }
    }
}

/// A raw pty: its master, its slave, and the path of the tty. Who drops the slave leaves a tty that nobody has open yet.
pub(crate) fn raw_pty() -> io::Result<(OwnedFd, OwnedFd, PathBuf)> {
    let pty = openpty(None, None)?;
    let path = ttyname(&pty.slave)?;
    let mut settings = tcgetattr(&pty.slave)?;
    cfmakeraw(&mut settings);
    tcsetattr(&pty.slave, SetArg::TCSANOW, &settings)?;
    fcntl(&pty.master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    // Not for the programs of the rig: a second holder would keep the line open.
    for fd in [&pty.master, &pty.slave] {
        fcntl(fd, FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
    }
    Ok((pty.master, pty.slave, path))
}

struct Relay {
    masters: [OwnedFd; 2],
    shared: Arc<Mutex<Shared>>,
    /// By receiving end.
    waiting: [VecDeque<Flight>; 2],
}

/// Bytes on the wire.
struct Flight {
    /// When the last bit arrives.
    at: Stamp,
    /// When the sender's last bit was out.
    out: Stamp,
    /// The sender's speed; 0 if the line has none.
    baud: u32,
    bytes: Vec<u8>,
}

impl Relay {
    fn run(mut self) {
        // A port that nobody has open hangs up, and its poll would return at once for ever: look at it now and then.
        let mut open = [true; 2];
        let mut looked = Stamp::now();
        loop {
            if looked.elapsed() > Duration::from_millis(5) {
                open = [true; 2];
                looked = Stamp::now();
            }
            let ready = self.wait(&mut open);
            let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            if shared.end {
                return;
            }
            let speeds = if shared.as_set { [0, 1].map(|end| speed(&self.masters[end])) } else { [0; 2] };
            let baud = |from: usize| if shared.as_set { speeds[from] } else { shared.baud };
            let bauds = [baud(0), baud(1)];
            for (from, bytes) in std::mem::take(&mut shared.injected) {
                shared.log.push(Chunk {
                    at: Stamp::now(),
                    from,
                    bytes: bytes.clone(),
                    delivered: open[1 - from],
                });
                carry(&mut self.waiting[1 - from], bytes, bauds[from], speeds[from], Duration::ZERO);
            }
            for from in [0, 1] {
                let mut buffer = [0; 4096];
                if !ready[from] {
                    continue;
                }
                if let Ok(count @ 1..) = read(&self.masters[from], &mut buffer) {
                    let bytes = buffer[..count].to_vec();
                    let delivered = !shared.cut[from] && open[1 - from];
                    shared.log.push(Chunk { at: Stamp::now(), from, bytes: bytes.clone(), delivered });
                    if delivered {
                        let wire = &mut shared.wires[from];
                        let bytes = wire.pass(&bytes, bauds[from]);
                        carry(
                            &mut self.waiting[1 - from],
                            bytes,
                            bauds[from],
                            speeds[from],
                            wire.faults.delay,
                        );
                    }
                }
            }
            drop(shared);
            self.deliver(open);
        }
    }

    /// Waits for bytes, an arrival or a few milliseconds; says which ends have something to read, and marks the ones that hung up.
    fn wait(&self, open: &mut [bool; 2]) -> [bool; 2] {
        let flags = |end: usize| if open[end] { PollFlags::POLLIN } else { PollFlags::empty() };
        let mut fds: Vec<PollFd<'_>> = (0..2)
            .filter(|&end| open[end])
            .map(|end| PollFd::new(self.masters[end].as_fd(), flags(end)))
            .collect();
        let ends: Vec<usize> = (0..2).filter(|&end| open[end]).collect();
        let busy = self.waiting.iter().any(|wire| !wire.is_empty());
        let _ = poll(&mut fds, PollTimeout::from(if busy { 1u8 } else { 5 }));
        let mut ready = [false; 2];
        for (fd, end) in fds.iter().zip(ends) {
            let seen = fd.revents().unwrap_or(PollFlags::empty());
            ready[end] = seen.contains(PollFlags::POLLIN);
            open[end] = ready[end] || !seen.contains(PollFlags::POLLHUP);
        }
        ready
    }

    fn deliver(&mut self, open: [bool; 2]) {
        let now = Stamp::now();
        for end in [0, 1] {
            while self.waiting[end].front().is_some_and(|flight| flight.at <= now) {
                let Some(flight) = self.waiting[end].pop_front() else { break };
                if !open[end] {
                    continue;
                }
                let set = if flight.baud == 0 { 0 } else { speed(&self.masters[end]) };
                let bytes =
                    if set == flight.baud { flight.bytes } else { garble(&flight.bytes, flight.baud, set) };
                // A full port loses bytes, like a UART that nobody reads.
                let _ = write(&self.masters[end], &bytes);
            }
        }
    }
}

/// Puts bytes on a wire that paces them to `pace` bit/s, or not at all if that is 0.
fn carry(wire: &mut VecDeque<Flight>, bytes: Vec<u8>, pace: u32, baud: u32, delay: Duration) {
    let now = Stamp::now();
    let free = wire.back().map_or(now, |flight| flight.out.max(now));
    let bits = u64::try_from(bytes.len()).unwrap_or(0) * 10;
    let span = if pace == 0 { 0 } else { bits * 1_000_000_000 / u64::from(pace) };
    let out = free.plus(Duration::from_nanos(span));
    wire.push_back(Flight { at: out.plus(delay), out, baud, bytes });
}
