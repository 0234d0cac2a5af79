//! The client: asks the service every 10 ms, each time over a new connection, and measures when nobody answers.

use super::files::NAMES;
use crate::sys::poll::PollFd;
use crate::sys::{Fd, tcp};
use core::net::SocketAddrV4;
use hb_core::{Duration, Instant};

/// Between two questions.
const PERIOD: Duration = Duration::from_millis(10);
/// An answer that takes longer is none.
const LIMIT: Duration = Duration::from_millis(300);
/// Questions under way at most: those of `LIMIT`, and some.
const MAX_OPEN: usize = 32;

/// How one question came out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// The service answered; it runs on the node with this index.
    Good(usize),
    /// Refused, cut off, or too late.
    Bad,
}

/// A time without service, from the last good answer to the first good one after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Outage {
    /// The last good answer before.
    pub(super) from: Instant,
    /// The first good answer after.
    pub(super) to: Instant,
}

impl Outage {
    /// How long it took.
    pub(super) const fn length(self) -> Duration {
        self.to.since(self.from)
    }
}

/// Turns answers into outages.
#[derive(Debug, Default)]
pub(super) struct Meter {
    first_good: Option<Instant>,
    last_good: Option<Instant>,
    failing: bool,
    worst: Option<Outage>,
    node: Option<usize>,
    /// Good and bad answers so far.
    pub(super) counts: (u32, u32),
}

impl Meter {
    /// Take in an answer that came at `now`; answers the outage that it ends.
    pub(super) fn note(&mut self, now: Instant, answer: Answer) -> Option<Outage> {
        let Answer::Good(node) = answer else {
            self.counts.1 += 1;
            // Before the first good answer there is no service to miss.
            self.failing = self.last_good.is_some();
            return None;
        };
        self.counts.0 += 1;
        self.node = Some(node);
        let outage = match (self.failing, self.last_good) {
            (true, Some(from)) => Some(Outage { from, to: now }),
            _ => None,
        };
        if outage.map(Outage::length) > self.worst.map(Outage::length) {
            self.worst = outage;
        }
        self.failing = false;
        self.first_good.get_or_insert(now);
        self.last_good = Some(now);
        outage
    }

    /// When the first good answer came.
    pub(super) const fn first_good(&self) -> Option<Instant> {
        self.first_good
    }

    /// The longest outage that ended since the last call.
    pub(super) const fn take_worst(&mut self) -> Option<Outage> {
        self.worst.take()
    }

    /// Who answered last, while it does.
    pub(super) const fn served_by(&self) -> Option<usize> {
        if self.failing { None } else { self.node }
    }
}

/// One question under way.
#[derive(Debug)]
struct Question {
    fd: Fd,
    since: Instant,
    asked: bool,
    got: Vec<u8>,
}

/// The client's questions.
#[derive(Debug)]
pub(super) struct Client {
    port: u16,
    next: Instant,
    open: Vec<Question>,
}

impl Client {
    /// A client of `127.0.0.1:port` that asks from `now` on.
    pub(super) fn new(port: u16, now: Instant) -> Self {
        Self { port, next: now, open: Vec::with_capacity(MAX_OPEN) }
    }

    /// Where it asks.
    pub(super) const fn address(&self) -> SocketAddrV4 {
        super::service::address(self.port)
    }

    /// When it wants to be run again at the latest.
    pub(super) const fn deadline(&self) -> Instant {
        self.next
    }

    /// What it waits for.
    pub(super) fn poll_fds(&self) -> impl Iterator<Item = PollFd> + '_ {
        self.open.iter().map(|q| PollFd::new(q.fd.raw(), !q.asked))
    }

    /// Go on with everything that can, ask if it is time, and hand each answer to `got`.
    pub(super) fn run(&mut self, now: Instant, mut got: impl FnMut(Answer)) {
        self.open.retain_mut(|question| match question.advance() {
            None if now.since(question.since) >= LIMIT => {
                got(Answer::Bad);
                false
            }
            None => true,
            Some(answer) => {
                got(answer);
                false
            }
        });
        if now < self.next {
            return;
        }
        // After a pause of our own nothing is made up for.
        self.next = self.next.plus(PERIOD).max(now.minus(PERIOD));
        if self.open.len() < MAX_OPEN {
            match tcp::connect(self.address()) {
                Ok(fd) => self.open.push(Question { fd, since: now, asked: false, got: Vec::new() }),
                Err(_) => got(Answer::Bad),
            }
        }
    }
}

impl Question {
    /// Ask once connected, read once asked; the answer once it is there.
    fn advance(&mut self) -> Option<Answer> {
        if !self.asked {
            let mut fds = [PollFd::new(self.fd.raw(), true)];
            if crate::sys::poll::poll(&mut fds, 0) == Ok(0) {
                return None;
            }
            let sent = tcp::outcome(&self.fd).and_then(|()| self.fd.write(b"GET / HTTP/1.0\r\n\r\n"));
            if sent.is_err() {
                return Some(Answer::Bad);
            }
            self.asked = sent != Ok(None);
        }
        let mut buf = [0; 512];
        match self.fd.read(&mut buf) {
            Ok(None) => None,
            Ok(Some(0)) => Some(understand(&self.got)),
            Ok(Some(n)) if self.got.len() < 4096 => {
                self.got.extend_from_slice(buf.get(..n).unwrap_or(&[]));
                None
            }
            Ok(Some(_)) | Err(_) => Some(Answer::Bad),
        }
    }
}

/// What a whole reply says.
fn understand(reply: &[u8]) -> Answer {
    let text = core::str::from_utf8(reply).unwrap_or_default();
    let body = text.strip_prefix("HTTP/1.0 200 ").and_then(|rest| rest.split_once("\r\n\r\n"));
    let name = body.and_then(|(_, body)| body.split(' ').next());
    NAMES.iter().position(|known| Some(*known) == name).map_or(Answer::Bad, Answer::Good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_runs_from_the_last_good_answer_to_the_first_good_one() {
        let mut meter = Meter::default();
        let at = Instant::from_millis;
        assert_eq!(meter.note(at(0), Answer::Bad), None);
        assert_eq!(meter.note(at(10), Answer::Good(0)), None, "there was no service to miss yet");
        assert_eq!(meter.note(at(20), Answer::Good(0)), None);
        assert_eq!(meter.served_by(), Some(0));
        assert_eq!(meter.note(at(30), Answer::Bad), None);
        assert_eq!(meter.served_by(), None);
        assert_eq!(meter.note(at(40), Answer::Bad), None);
        let outage = meter.note(at(55), Answer::Good(1)).unwrap();
        assert_eq!(outage.length(), Duration::from_millis(35));
        assert_eq!(meter.served_by(), Some(1));
        assert_eq!(meter.counts, (3, 3));
    }

    #[test]
    fn the_worst_of_several_outages_is_told_once() {
        let mut meter = Meter::default();
        let at = Instant::from_millis;
        for (ms, answer) in [
            (0, Answer::Good(0)),
            (10, Answer::Bad),
            (50, Answer::Good(1)),
            (60, Answer::Bad),
            (70, Answer::Good(1)),
        ] {
            meter.note(at(ms), answer);
        }
        assert_eq!(meter.take_worst().map(Outage::length), Some(Duration::from_millis(50)));
        assert_eq!(meter.take_worst(), None);
    }

    #[test]
    fn only_a_whole_good_reply_is_good() {
        assert_eq!(understand(b"HTTP/1.0 200 OK\r\nX: y\r\n\r\nha-2 17\n"), Answer::Good(1));
        for wrong in ["", "HTTP/1.0 200 OK\r\n", "HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.0 500 no\r\n\r\nha-2 1\n"]
        {
            assert_eq!(understand(wrong.as_bytes()), Answer::Bad, "{wrong}");
        }
    }
}
