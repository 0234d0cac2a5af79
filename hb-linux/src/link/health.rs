//! What every link keeps about itself: is it open, since when is it failing, when to try again, what was counted.

use crate::sys::Errno;
use core::net::Ipv4Addr;
use hb_core::{Duration, Instant};

/// Pause between two tries to open.
pub const RETRY: Duration = Duration::from_secs(1);

/// An edge in a link's life. Each is given once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// It is open now: the core's link is up.
    Opened,
    /// It is closed now, or cannot be opened for another reason than before: the core's link is down.
    Failed(Errno),
    /// It is open and may receive, but frames cannot be sent. Nothing for the core.
    SendFailing(Errno),
    /// Frames can be sent again.
    SendRestored,
    /// It was opened anew, and is as open as before. Nothing for the core.
    Reopened(Why),
}

/// Why an open link was opened anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// The interface has another address or broadcast address, or is another one of the same name; what is sent goes to
    /// this address now.
    Moved(Ipv4Addr),
    /// Nobody was heard for this long.
    Silent(Duration),
    /// As `Silent`; broadcasts go to the first address and to 255.255.255.255 from now on.
    Both(Duration, Ipv4Addr),
    /// The peer hears this node: broadcasts go to this address alone again.
    Directed(Ipv4Addr),
}

/// Counted since the daemon's start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Frames handed to the kernel.
    pub sent: u32,
    /// Frames that a newer one replaced before they could go.
    pub replaced: u32,
    /// Frames that could not be sent.
    pub dropped: u32,
    /// Times that the open link failed.
    pub failures: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Never tried.
    New,
    Open,
    /// Open, but sending fails.
    Deaf(Errno),
    Closed(Errno),
    /// Closed on purpose.
    Retired,
}

/// See the module.
#[derive(Debug)]
pub struct Health {
    state: State,
    retry_at: Instant,
    change: Option<Change>,
    counters: Counters,
}

impl Default for Health {
    fn default() -> Self {
        Self { state: State::New, retry_at: Instant::ZERO, change: None, counters: Counters::default() }
    }
}

impl Health {
    /// When to try to open; never while open or retired.
    pub fn retry_at(&self) -> Instant {
        match self.state {
            State::New | State::Closed(_) => self.retry_at,
            State::Open | State::Deaf(_) | State::Retired => Instant::NEVER,
        }
    }

    /// A try is due.
    pub fn is_due(&self, now: Instant) -> bool {
        self.retry_at() <= now
    }

    /// It was opened.
    pub fn opened(&mut self) {
        self.state = State::Open;
        self.change = Some(Change::Opened);
    }

    /// It could not be opened, or failed while open.
    pub fn failed(&mut self, now: Instant, why: Errno) {
        if matches!(self.state, State::Open | State::Deaf(_)) {
            self.counters.failures = self.counters.failures.saturating_add(1);
        }
        if self.state != State::Closed(why) {
            self.change = Some(Change::Failed(why));
        }
        self.state = State::Closed(why);
        self.retry_at = now.plus(RETRY);
    }

    /// It could not be tried.
    pub fn later(&mut self, now: Instant) {
        self.retry_at = now.plus(RETRY);
    }

    /// A frame went out.
    pub fn sent(&mut self) {
        self.counters.sent = self.counters.sent.wrapping_add(1);
        if let State::Deaf(_) = self.state {
            self.state = State::Open;
            // An unseen "failing" and its end cancel each other; an unseen "opened" must stay.
            self.change = match self.change {
                Some(Change::SendFailing(_)) => None,
                Some(other) => Some(other),
                None => Some(Change::SendRestored),
            };
        }
    }

    /// A frame was not sent, and the link stays open.
    pub fn dropped(&mut self, why: Errno) {
        self.counters.dropped = self.counters.dropped.saturating_add(1);
        if self.state == State::Open {
            self.state = State::Deaf(why);
            self.change = self.change.or(Some(Change::SendFailing(why)));
        }
    }

    /// It was opened anew while it was open. What is of more account and was not taken yet stays.
    pub fn reopened(&mut self, why: Why) {
        self.change = self.change.or(Some(Change::Reopened(why)));
    }

    /// A newer frame took the place of a waiting one.
    pub fn replaced(&mut self) {
        self.counters.replaced = self.counters.replaced.saturating_add(1);
    }

    /// Closed on purpose.
    pub fn retire(&mut self) {
        self.state = State::Retired;
        self.change = None;
    }

    /// The last edge that was not taken yet.
    pub fn take_change(&mut self) -> Option<Change> {
        self.change.take()
    }
}

#[cfg(test)]
impl Health {
    /// What was counted.
    pub fn counters(&self) -> Counters {
        self.counters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: Instant = Instant::from_millis(5000);

    #[test]
    fn edges_are_given_once() {
        let mut health = Health::default();
        assert!(health.is_due(Instant::ZERO));
        health.failed(Instant::ZERO, Errno::NO_DEVICE);
        assert_eq!(health.take_change(), Some(Change::Failed(Errno::NO_DEVICE)));
        health.failed(LATER, Errno::NO_DEVICE);
        assert_eq!(health.take_change(), None);
        assert!(!health.is_due(LATER.plus(Duration::from_millis(999))));
        assert!(health.is_due(LATER.plus(RETRY)));
        health.failed(LATER, Errno::NET_DOWN);
        assert_eq!(health.take_change(), Some(Change::Failed(Errno::NET_DOWN)));
        health.opened();
        assert_eq!(health.take_change(), Some(Change::Opened));
        assert_eq!(health.retry_at(), Instant::NEVER);
        health.dropped(Errno::PERM);
        health.dropped(Errno::PERM);
        assert_eq!(health.take_change(), Some(Change::SendFailing(Errno::PERM)));
        assert_eq!(health.take_change(), None);
        health.sent();
        health.sent();
        assert_eq!(health.take_change(), Some(Change::SendRestored));
        assert_eq!(health.take_change(), None);
        assert_eq!(health.counters(), Counters { sent: 2, replaced: 0, dropped: 2, failures: 0 });
        health.failed(LATER, Errno::IO);
        assert_eq!(health.counters().failures, 1);
        health.retire();
        assert_eq!((health.take_change(), health.retry_at()), (None, Instant::NEVER));
    }

    #[test]
    fn an_opening_that_nobody_saw_is_not_hidden_by_a_dropped_frame() {
        let mut health = Health::default();
        health.opened();
        health.dropped(Errno::PERM);
        health.sent();
        assert_eq!(health.take_change(), Some(Change::Opened));
    }
}
