//! One connection: its request comes in, its answer goes out, and that within a time.

use super::request::{self, Asked, LONGEST};
use crate::sys::Fd;
use crate::sys::poll::PollFd;
use hb_core::{Duration, Instant};

/// Who is slower than this, with the request or with the answer, is cut.
pub(super) const PATIENCE: Duration = Duration::from_millis(if cfg!(test) { 1000 } else { 5000 });

/// See the module.
pub(crate) struct Visitor {
    fd: Fd,
    asks: Vec<u8>,
    answer: Vec<u8>,
    sent: usize,
    until: Instant,
}

impl Visitor {
    pub(super) fn new(fd: Fd, now: Instant) -> Self {
        Self { fd, asks: Vec::new(), answer: Vec::new(), sent: 0, until: now.plus(PATIENCE) }
    }

    pub(super) fn poll_fd(&self) -> PollFd {
        let write = !self.answer.is_empty();
        PollFd::new(self.fd.raw(), write)
    }

    pub(super) const fn until(&self) -> Instant {
        self.until
    }

    /// Go on. `answer` makes the answer, and says when it was made, for that may take long. `false`: this one is done.
    pub(super) fn serve(&mut self, now: Instant, answer: impl FnOnce(Asked) -> (Vec<u8>, Instant)) -> bool {
        if now >= self.until {
            return false;
        }
        if self.answer.is_empty() {
            let mut buf = [0; LONGEST];
            let room = LONGEST - self.asks.len().min(LONGEST);
            match self.fd.read(buf.get_mut(..room).unwrap_or_default()) {
                Ok(None) => return true,
                Ok(Some(n @ 1..)) => self.asks.extend_from_slice(buf.get(..n).unwrap_or_default()),
                // Gone before it has asked.
                Ok(Some(0)) | Err(_) => return false,
            }
            match request::read(&self.asks) {
                Asked::More => return true,
                asked => {
                    let (answer, now) = answer(asked);
                    (self.answer, self.until) = (answer, now.plus(PATIENCE));
                }
            }
        }
        let rest = self.answer.get(self.sent..).unwrap_or_default();
        match self.fd.write(rest) {
            Ok(Some(n)) => {
                self.sent += n;
                if self.sent >= self.answer.len() {
                    crate::sys::tcp::finish(&self.fd);
                    return false;
                }
                true
            }
            Ok(None) => true,
            Err(_) => false,
        }
    }
}
