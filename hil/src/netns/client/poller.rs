//! What the client does on its own thread: begin a connection every period, carry each to its end.

use super::{LIMIT, Reply, Sample};
use crate::netns::SERVICE_ADDRESS;
use crate::netns::clock::Stamp;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, SockaddrIn, connect, getsockopt, recv, send, socket, sockopt,
};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A connection under way.
struct Pending {
    socket: OwnedFd,
    sent: Stamp,
    asked: bool,
    answer: Vec<u8>,
}

/// The connections under way, and where those that ended go.
pub(super) struct Poller {
    port: u16,
    period: Duration,
    samples: Arc<Mutex<Vec<Sample>>>,
    pending: Vec<Pending>,
}

impl Poller {
    /// One that has nothing under way yet.
    pub(super) fn new(port: u16, period: Duration, samples: Arc<Mutex<Vec<Sample>>>) -> Self {
        Self { port, period, samples, pending: Vec::new() }
    }

    /// Polls until `end`.
    pub(super) fn run(mut self, end: &AtomicBool) {
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
    /// Asks, or takes in what came; `Some` at the end.
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
