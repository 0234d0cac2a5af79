//! The client: a new connection to the service address every 10 ms, each on its own with a limit of 300 ms.

use super::clock::Stamp;
use super::namespace::Namespace;
use super::{SERVICE_ADDRESS, SERVICE_PORT};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, SockaddrIn, connect, getsockopt, recv, send, socket, sockopt,
};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Between two connections.
pub(super) const PERIOD: Duration = Duration::from_millis(10);
/// How long one connection may take in all.
pub(super) const LIMIT: Duration = Duration::from_millis(300);

/// What came of one connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// This node answered.
    Good(String),
    /// No answer within the limit.
    Silence,
    /// The connection was refused, reset or cut short.
    Refused(String),
}

/// One connection.
#[derive(Clone, Debug)]
pub struct Sample {
    /// When it was begun.
    pub sent: Stamp,
    /// When the answer was complete, or hope was given up.
    pub done: Stamp,
    /// What came of it.
    pub reply: Reply,
}

/// A stretch without a good answer.
#[derive(Clone, Debug)]
pub struct Outage {
    /// The last good answer before it.
    pub last_good: Stamp,
    /// Who gave that.
    pub from: String,
    /// The first good answer after it; [`Stamp::NEVER`] while there is none.
    pub first_good: Stamp,
    /// Who gave that.
    pub to: String,
}

impl Outage {
    /// From the last good answer to the first one again; to now while it lasts.
    #[must_use]
    pub fn length(&self) -> Duration {
        if self.first_good == Stamp::NEVER {
            self.last_good.elapsed()
        } else {
            self.first_good.since(self.last_good)
        }
    }
}

/// Polls the service from a namespace until it is dropped.
#[derive(Debug)]
pub struct Client {
    samples: Arc<Mutex<Vec<Sample>>>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Client {
    /// Begin to poll.
    ///
    /// # Errors
    /// No thread, or the namespace cannot be entered.
    pub fn new(net: &Namespace) -> io::Result<Self> {
        Self::to_port(net, SERVICE_PORT, PERIOD)
    }

    /// As [`Client::new`], where the service is on another port, with a connection every `period`.
    ///
    /// # Errors
    /// As there.
    pub fn to_port(net: &Namespace, port: u16, period: Duration) -> io::Result<Self> {
        let samples = Arc::new(Mutex::new(Vec::new()));
        let end = Arc::new(AtomicBool::new(false));
        let (for_thread, until) = (Arc::clone(&samples), Arc::clone(&end));
        let (entered, when_entered) = std::sync::mpsc::channel();
        // A descriptor of its own: the thread may outlive the borrow.
        let handle = std::fs::File::open(net.path())?;
        let thread = thread::Builder::new().name("client".to_owned()).spawn(move || {
            let result = nix::sched::setns(&handle, nix::sched::CloneFlags::CLONE_NEWNET);
            let _ = entered.send(result);
            if result.is_ok() {
                Poller { port, period, samples: for_thread, pending: Vec::new() }.run(&until);
            }
        })?;
        when_entered.recv().map_err(io::Error::other)??;
        Ok(Self { samples, end, thread: Some(thread) })
    }

    /// Every connection that ended, in the order of ending.
    #[must_use]
    pub fn samples(&self) -> Vec<Sample> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The good answers since `since`, and the last one before it: when complete, and by whom.
    #[must_use]
    pub fn good(&self, since: Stamp) -> Vec<(Stamp, String)> {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let mut good: Vec<(Stamp, String)> = samples
            .iter()
            .filter_map(|sample| match &sample.reply {
                Reply::Good(node) => Some((sample.done, node.clone())),
                Reply::Silence | Reply::Refused(_) => None,
            })
            .collect();
        let first = good.iter().position(|&(at, _)| at >= since).unwrap_or(good.len());
        good.drain(..first.saturating_sub(1));
        good
    }

    /// Who answers now: the node of the last good answer, if it is not older than the limit of a connection.
    #[must_use]
    pub fn answered_by(&self) -> Option<String> {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = samples.iter().rev().take_while(|sample| sample.done.elapsed() < LIMIT);
        fresh.into_iter().find_map(|sample| match &sample.reply {
            Reply::Good(node) => Some(node.clone()),
            Reply::Silence | Reply::Refused(_) => None,
        })
    }

    /// Every stretch since `since` in which no good answer came for `least` or longer. Answers that never came since
    /// the beginning are no outage: there was no service yet.
    #[must_use]
    pub fn outages(&self, since: Stamp, least: Duration) -> Vec<Outage> {
        let mut good = self.good(since);
        if !good.is_empty() {
            good.push((Stamp::NEVER, String::new()));
        }
        good.windows(2)
            .map(|pair| Outage {
                last_good: pair[0].0,
                from: pair[0].1.clone(),
                first_good: pair[1].0,
                to: pair[1].1.clone(),
            })
            .filter(|outage| outage.length() >= least)
            .collect()
    }

    /// The longest stretch since `since` without a good answer; zero with fewer than two.
    #[must_use]
    pub fn longest_outage(&self, since: Stamp) -> Duration {
        self.outages(since, Duration::ZERO).iter().map(Outage::length).max().unwrap_or_default()
    }

    /// The answers since `since` as runs: when each began, who or what, and how many.
    #[must_use]
    pub fn story(&self, since: Stamp) -> Vec<(Stamp, String, usize)> {
        let mut runs: Vec<(Stamp, String, usize)> = Vec::new();
        for sample in self.samples().iter().filter(|sample| sample.done >= since) {
            let text = match &sample.reply {
                Reply::Good(node) => format!("answered by {node}"),
                Reply::Silence => "no answer".to_owned(),
                Reply::Refused(why) => why.clone(),
            };
            match runs.last_mut() {
                Some((_, last, count)) if *last == text => *count += 1,
                _ => runs.push((sample.done, text, 1)),
            }
        }
        runs
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A connection under way.
struct Pending {
    socket: OwnedFd,
    sent: Stamp,
    asked: bool,
    answer: Vec<u8>,
}

struct Poller {
    port: u16,
    period: Duration,
    samples: Arc<Mutex<Vec<Sample>>>,
    pending: Vec<Pending>,
}

impl Poller {
    fn run(mut self, end: &AtomicBool) {
        let mut next = Stamp::now();
        while !end.load(Ordering::Relaxed) {
            let now = Stamp::now();
            if now >= next {
                self.begin(now);
                // A thread that was late does not hurry to catch up: two at once measure nothing.
                next = next.plus(self.period).max(now);
            }
            let wait = next.since(Stamp::now()).as_millis().min(10);
            let mut fds: Vec<PollFd<'_>> = self
                .pending
                .iter()
                .map(|one| {
                    let flags = if one.asked { PollFlags::POLLIN } else { PollFlags::POLLOUT };
                    PollFd::new(one.socket.as_fd(), flags)
                })
                .collect();
            let _ = poll(&mut fds, PollTimeout::from(u8::try_from(wait).unwrap_or(10)));
            let ready: Vec<bool> =
                fds.iter().map(|fd| fd.revents().is_some_and(|flags| !flags.is_empty())).collect();
            self.advance(&ready);
        }
    }

    fn begin(&mut self, now: Stamp) {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let [a, b, c, d] = SERVICE_ADDRESS;
        let address = SockaddrIn::new(a, b, c, d, self.port);
        let Ok(socket) = socket(AddressFamily::Inet, SockType::Stream, flags, None) else { return };
        match connect(socket.as_raw_fd(), &address) {
            Ok(()) | Err(Errno::EINPROGRESS) => {
                self.pending.push(Pending { socket, sent: now, asked: false, answer: Vec::new() });
            }
            Err(error) => self.record(now, Reply::Refused(error.to_string())),
        }
    }

    fn advance(&mut self, ready: &[bool]) {
        let now = Stamp::now();
        let all = std::mem::take(&mut self.pending);
        for (index, mut one) in all.into_iter().enumerate() {
            let reply = if ready.get(index).copied().unwrap_or(false) { one.step() } else { None };
            match reply {
                Some(reply) => self.record(one.sent, reply),
                None if now.since(one.sent) > LIMIT => self.record(one.sent, Reply::Silence),
                None => self.pending.push(one),
            }
        }
    }

    fn record(&self, sent: Stamp, reply: Reply) {
        let sample = Sample { sent, done: Stamp::now(), reply };
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
    }
}

impl Pending {
    /// Ask, or take in what came; `Some` at the end.
    fn step(&mut self) -> Option<Reply> {
        if !self.asked {
            let error = getsockopt(&self.socket, sockopt::SocketError).unwrap_or(0);
            if error != 0 {
                return Some(Reply::Refused(Errno::from_raw(error).to_string()));
            }
            self.asked = true;
            let request = b"GET / HTTP/1.0\r\n\r\n";
            return match send(self.socket.as_raw_fd(), request, MsgFlags::MSG_NOSIGNAL) {
                Ok(_) => None,
                Err(error) => Some(Reply::Refused(error.to_string())),
            };
        }
        let mut buffer = [0; 512];
        match recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            Ok(0) => Some(self.verdict()),
            Ok(count) => {
                self.answer.extend_from_slice(&buffer[..count]);
                None
            }
            Err(Errno::EAGAIN) => None,
            Err(error) => Some(Reply::Refused(error.to_string())),
        }
    }

    fn verdict(&self) -> Reply {
        let text = String::from_utf8_lossy(&self.answer);
        match text.split_once("\r\n\r\n") {
            Some((head, body))
                if head.starts_with("HTTP/1.") && head.contains(" 200 ") && body.ends_with('\n') =>
            {
                Reply::Good(body.trim().to_owned())
            }
            _ => Reply::Refused("cut short".to_owned()),
        }
    }
}
