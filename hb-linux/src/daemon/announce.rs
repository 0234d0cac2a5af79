//! Service addresses on the wire: bursts of gratuitous ARP for a group that this node holds, and the probe whether
//! anybody answers for any of them.

use crate::config::Settings;
use crate::sys::PollFd;
use hb_core::{GroupId, Instant};

/// (stub until arp is there)
#[derive(Debug)]
pub struct Announcer;

impl Announcer {
    /// stub
    #[must_use]
    pub fn new(_settings: &Settings) -> Self {
        Self
    }
    /// stub
    pub fn announce(&mut self, _now: Instant, _group: GroupId) {}
    /// stub
    pub fn probe(&mut self, _now: Instant) -> Option<bool> {
        Some(false)
    }
    /// stub
    pub fn deadline(&self) -> Instant {
        Instant::NEVER
    }
    /// stub
    pub fn poll_fd(&self) -> PollFd {
        PollFd::NONE
    }
    /// stub
    pub fn tick(&mut self, _now: Instant) -> Option<bool> {
        None
    }
}
