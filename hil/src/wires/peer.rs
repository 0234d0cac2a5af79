//! The peer that the test machine plays: the product's own core on a real tty, with a service that is only noted down.

use super::cluster::Role;
use super::port::open_port;
use crate::netns::Stamp;
use hb_core::message::GroupState;
use hb_core::{
    Action, Command, Duration, FRAME_BUF, Input, Instant, LinkId, Node, Outcome, PeerState, PingId, Refusal,
    Saved, Status, Verb, Watchdog,
};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// What the peer's line does, at the test machine's end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Line {
    /// Nothing of ours goes out.
    pub deaf_server: bool,
    /// Nothing of theirs is taken in.
    pub deaf_peer: bool,
    /// One bit is wrong in one of so many bytes, in both directions; 0 for none.
    pub noise_one_in: u32,
}

/// One thing that the peer saw or did.
#[derive(Clone, Debug)]
pub struct Note {
    /// When.
    pub at: Stamp,
    /// What.
    pub text: String,
}

/// The running peer. Dropping it pulls its plug.
#[derive(Debug)]
pub struct Peer {
    orders: Sender<Order>,
    shared: Arc<Mutex<Shared>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    line: Line,
    status: Option<Status>,
    notes: Vec<Note>,
    /// When the peer's model of the service began to run, and when it ended.
    held: Vec<(Stamp, Stamp)>,
    wire: Vec<(Stamp, bool, Vec<u8>)>,
    left: bool,
}

enum Order {
    Command(Command, Sender<Result<(), Refusal>>),
    End,
}

impl Peer {
    /// Starts a new life of the peer on `device`; `saved` is what its last one kept.
    ///
    /// # Errors
    /// The device, or the configuration.
    pub fn start(role: &Role, device: &Path, baud: u32, saved: &Saved) -> io::Result<Self> {
        let port = open_port(device, baud)?;
        let mut entropy = [0; 16];
        File::open("/dev/urandom")?.read_exact(&mut entropy)?;
        let born = Stamp::now();
        let node = Node::new(role.config.clone(), role.keys.clone(), saved, entropy, Instant::ZERO)
            .map_err(|e| io::Error::other(e.to_string()))?;
        let (orders, taken) = mpsc::channel();
        let shared = Arc::new(Mutex::new(Shared::default()));
        let life = Life {
            node,
            pings: role.config.pings,
            running: BTreeSet::new(),
            shared: Arc::clone(&shared),
            born,
            baud,
            line_free: born,
            waiting: None,
            random: u64::from_le_bytes(entropy.first_chunk().copied().unwrap_or([1; 8])) | 1,
        };
        let thread = thread::Builder::new().name("peer".to_owned()).spawn(move || {
            let mut life = life;
            let result = life.run(&port, &taken);
            let mut shared = life.shared();
            if let Err(error) = result {
                shared.notes.push(Note { at: Stamp::now(), text: format!("the line failed: {error}") });
            }
            if let Some((_, until @ Stamp::NEVER)) = shared.held.last_mut() {
                *until = Stamp::now();
            }
            shared.left = true;
        })?;
        Ok(Self { orders, shared, thread: Some(thread) })
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what the line does.
    pub fn set_line(&self, line: Line) {
        self.shared().line = line;
    }

    /// Gives an operator's command.
    ///
    /// # Errors
    /// It is refused.
    pub fn command(&self, command: Command) -> Result<(), Refusal> {
        let (answer, got) = mpsc::channel();
        let _ = self.orders.send(Order::Command(command, answer));
        got.recv_timeout(std::time::Duration::from_secs(2)).unwrap_or(Err(Refusal::Busy))
    }

    /// Its first group's state.
    #[must_use]
    pub fn group(&self) -> Option<GroupState> {
        self.shared().status.as_ref()?.groups.first().map(|group| group.state)
    }

    /// What it thinks of the server.
    #[must_use]
    pub fn sees(&self) -> Option<PeerState> {
        self.shared().status.as_ref().map(|status| status.peer.state)
    }

    /// All it knows.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.shared().status.clone()
    }

    /// Its story so far.
    #[must_use]
    pub fn notes(&self) -> Vec<Note> {
        self.shared().notes.clone()
    }

    /// When its model of the service ran: from, until.
    #[must_use]
    pub fn held(&self) -> Vec<(Stamp, Stamp)> {
        self.shared().held.clone()
    }

    /// All bytes on its end of the wire: when, whether the peer sent them, which.
    #[must_use]
    pub fn wire(&self) -> Vec<(Stamp, bool, Vec<u8>)> {
        self.shared().wire.clone()
    }

    /// It has left in order.
    #[must_use]
    pub fn has_left(&self) -> bool {
        self.shared().left
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One life of the played node.
struct Life {
    node: Node,
    pings: u8,
    /// Resources that the model runs: group and number.
    running: BTreeSet<(u8, u8)>,
    shared: Arc<Mutex<Shared>>,
    born: Stamp,
    baud: u32,
    /// The bits of the last frame are out.
    line_free: Stamp,
    /// The newest frame that waits for the line.
    waiting: Option<Vec<u8>>,
    random: u64,
}

const LINK: LinkId = LinkId(0);

impl Life {
    fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.born.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, text: String) {
        self.shared().notes.push(Note { at: Stamp::now(), text });
    }

    fn run(&mut self, port: &File, orders: &Receiver<Order>) -> io::Result<()> {
        self.node.handle_input(self.now(), Input::Watchdog(Watchdog::Off));
        self.node.handle_input(self.now(), Input::LinkChanged { link: LINK, up: true });
        loop {
            if self.drain(port)? {
                return Ok(());
            }
            self.pump(port)?;
            let status = self.node.status(self.now());
            self.shared().status = Some(status);
            let wake = self.node.poll_deadline().since(self.now()).as_micros().div_ceil(1000);
            // Orders are looked for that often; a waiting frame for as long as the line is busy.
            let limit = if self.waiting.is_some() { 1 } else { 5 };
            let mut fds = [PollFd::new(port.as_fd(), PollFlags::POLLIN)];
            poll(&mut fds, PollTimeout::from(u8::try_from(wake.min(limit)).unwrap_or(1)))?;
            self.read(port)?;
            match orders.try_recv() {
                Ok(Order::Command(command, answer)) => {
                    let now = self.now();
                    let result = self.node.operator(now, command);
                    self.note(format!("order {command:?}: {result:?}"));
                    let _ = answer.send(result);
                }
                Ok(Order::End) | Err(mpsc::TryRecvError::Disconnected) => return Ok(()),
                Err(mpsc::TryRecvError::Empty) => {}
            }
            let now = self.now();
            self.node.handle_input(now, Input::Tick { drained: true });
        }
    }

    fn read(&mut self, mut port: &File) -> io::Result<()> {
        let mut buffer = [0; 1024];
        loop {
            let count = match port.read(&mut buffer) {
                Ok(0) => return Err(io::Error::other("hung up")),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            let mut bytes = buffer.get(..count).unwrap_or(&[]).to_vec();
            let line = self.shared().line;
            self.shared().wire.push((Stamp::now(), false, bytes.clone()));
            if line.deaf_peer {
                continue;
            }
            self.disturb(&mut bytes, line.noise_one_in);
            let now = self.now();
            self.node.handle_input(now, Input::Received { link: LINK, bytes: &bytes });
        }
    }

    /// Do what the node asks; `true` once it has left.
    fn drain(&mut self, port: &File) -> io::Result<bool> {
        let mut frame = [0; FRAME_BUF];
        while let Some(action) = self.node.poll_action(&mut frame) {
            let now = self.now();
            match action {
                Action::Transmit { len, .. } => {
                    self.waiting = frame.get(..len).map(<[u8]>::to_vec);
                    self.pump(port)?;
                }
                Action::RunScript { group, resource, verb, token } => {
                    let outcome = self.script(group.0, resource, verb);
                    self.node.handle_input(now, Input::ScriptDone { token, outcome });
                }
                Action::Persist { serial } => self.node.handle_input(now, Input::Persisted { serial }),
                Action::Ping => {
                    for ping in 0..self.pings {
                        self.node.handle_input(now, Input::PingAnswer { ping: PingId(ping) });
                    }
                }
                Action::Fence => self.node.handle_input(now, Input::FenceDone { ok: false }),
                Action::ProbeAddresses => self.node.handle_input(now, Input::ProbeDone { answered: false }),
                Action::Report(event) => self.note(format!("{event:?}")),
                Action::Exit { clean } => {
                    self.note(format!("left, clean: {clean}"));
                    return Ok(true);
                }
                Action::FeedWatchdog | Action::KillScript { .. } | Action::Announce { .. } => {}
                // The peer's groups have no data that follows them.
                Action::Pull { .. } | Action::EndPull { .. } | Action::WriteStamp { .. } => {}
                Action::Ask { .. } | Action::Defend { .. } => {}
            }
        }
        Ok(false)
    }

    /// The model of a service: it starts and stops at once.
    fn script(&mut self, group: u8, resource: u8, verb: Verb) -> Outcome {
        let before = self.running.is_empty();
        let outcome = match verb {
            Verb::Start => {
                self.running.insert((group, resource));
                Outcome::Ok
            }
            Verb::Stop => {
                self.running.remove(&(group, resource));
                Outcome::Ok
            }
            Verb::Status if self.running.contains(&(group, resource)) => Outcome::Running,
            Verb::Status => Outcome::Stopped,
        };
        let now = Stamp::now();
        match (before, self.running.is_empty()) {
            (true, false) => self.shared().held.push((now, Stamp::NEVER)),
            (false, true) => {
                if let Some((_, until)) = self.shared().held.last_mut() {
                    *until = now;
                }
            }
            _ => {}
        }
        outcome
    }

    /// Hands over the frame that waits, once the line is free: one at a time, as the daemon does.
    fn pump(&mut self, mut port: &File) -> io::Result<()> {
        let now = Stamp::now();
        if now < self.line_free {
            return Ok(());
        }
        let Some(mut bytes) = self.waiting.take() else { return Ok(()) };
        let line = self.shared().line;
        let nanos = u64::try_from(bytes.len()).unwrap_or(0) * 10_000_000_000 / u64::from(self.baud.max(1));
        self.line_free = now.plus(std::time::Duration::from_nanos(nanos));
        if line.deaf_server {
            return Ok(());
        }
        self.disturb(&mut bytes, line.noise_one_in);
        self.shared().wire.push((now, true, bytes.clone()));
        match port.write(&bytes) {
            Ok(_) => Ok(()),
            // A full port loses the frame; the next one says it all again.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn disturb(&mut self, bytes: &mut [u8], one_in: u32) {
        for byte in bytes.iter_mut().filter(|_| one_in > 0) {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            if self.random >> 16 & 0xFFFF_FFFF < u64::from(u32::MAX / one_in) {
                *byte ^= 1 << (self.random & 7);
            }
        }
    }
}

/// The product's span of time as the standard library's.
#[must_use]
pub(super) fn span(time: Duration) -> std::time::Duration {
    std::time::Duration::from_micros(time.as_micros())
}
