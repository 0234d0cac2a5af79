//! The daemon's end of the channel: never waits, counts what does not fit.

use super::is_gone;
use super::line::Level;
use super::record::{Bytes, RECORD_MAX, REPLY, Record, Reply, Targets};
use crate::sys::clock::WallTime;
use crate::sys::{Errno, Fd, Result, message, unix};
use crate::watchdog::Watchdog;
use core::fmt::Write as _;
use heapless::Vec;
use std::os::fd::RawFd;

/// See the module. Public for tests that stand in for the helper.
#[derive(Debug)]
pub struct Outlet {
    channel: Option<Fd>,
    /// Rest of a record of which the channel took a part: must go first.
    rest: Vec<u8, RECORD_MAX>,
    /// The newest state that found no room.
    state: Option<Bytes>,
    /// The last state that was sent and not answered: sent again if the helper has to be replaced.
    unanswered: Option<(u32, Bytes)>,
    /// Lines lost since the last line that tells of it.
    lost: u32,
    lost_in_all: u32,
    /// Lines and states that this helper was given, and those that it has written.
    given: u32,
    written: u32,
    /// It has written since [`Outlet::take_news`].
    news: bool,
    /// Beginning of a reply.
    inbox: Vec<u8, REPLY>,
}

impl Outlet {
    /// On this channel, which must not wait.
    #[must_use]
    pub fn new(channel: Fd) -> Self {
        Self {
            channel: Some(channel),
            rest: Vec::new(),
            state: None,
            unanswered: None,
            lost: 0,
            lost_in_all: 0,
            given: 0,
            written: 0,
            news: false,
            inbox: Vec::new(),
        }
    }

    pub(super) fn reconnect(&mut self, channel: Fd) {
        self.channel = Some(channel);
        self.rest.clear();
        self.inbox.clear();
        (self.given, self.written) = (0, 0);
        if self.state.is_none() {
            self.state = self.unanswered.as_ref().map(|(_, record)| record.clone());
        }
        self.service();
    }

    pub(super) fn fd(&self) -> Option<RawFd> {
        self.channel.as_ref().map(Fd::raw)
    }

    pub(super) fn wants_write(&self) -> bool {
        self.channel.is_some() && (!self.rest.is_empty() || self.state.is_some())
    }

    pub(super) fn lost_in_all(&self) -> u32 {
        self.lost_in_all
    }

    /// Send on what waits.
    pub fn service(&mut self) {
        if !self.push_rest() {
            return;
        }
        if let Some(state) = self.state.take()
            && !self.offer(&state)
        {
            self.state = Some(state);
        }
    }

    /// Have one line written.
    pub fn log(&mut self, at: WallTime, level: Level, to: Targets, text: &str) {
        self.service();
        if self.lost > 0 {
            let mut note = heapless::String::<64>::new();
            let _ = write!(note, "{} log lines were lost: the disk is slow or full", self.lost);
            if self.offer(&Record::Log { at, level: Level::Warn, to: Targets::ALL, text: &note }.encode()) {
                self.lost = 0;
            }
        }
        // A line must not overtake the note on those that are missing before it.
        if self.lost > 0 || !self.offer(&Record::Log { at, level, to, text }.encode()) {
            self.lost = self.lost.saturating_add(1);
            self.lost_in_all = self.lost_in_all.saturating_add(1);
        }
    }

    /// Have a state written.
    pub fn persist(&mut self, serial: u32, bytes: &[u8]) {
        let record = Record::State { serial, bytes }.encode();
        self.unanswered = Some((serial, record.clone()));
        self.state = Some(record);
        self.service();
    }

    /// Hand over a watchdog's descriptor.
    pub(super) fn hold(&mut self, watchdog: &Watchdog) -> Result<()> {
        if !self.push_rest() {
            return Err(Errno::AGAIN);
        }
        let record = Record::Hold { timeout_s: watchdog.timeout_s(), fake: watchdog.is_fake() }.encode();
        let channel = self.channel.as_ref().ok_or(Errno::PIPE)?;
        match message::send_with(channel, &record, watchdog.fd())? {
            Some(n) => {
                self.keep_rest(&record, n);
                Ok(())
            }
            None => Err(Errno::AGAIN),
        }
    }

    /// Send an order if there is room.
    pub(super) fn order(&mut self, record: &Bytes) -> bool {
        self.service();
        self.state.is_none() && self.offer(record)
    }

    /// Put a whole record into the channel, or nothing of it (a part of it counts as whole: the rest goes first).
    fn offer(&mut self, record: &Bytes) -> bool {
        if !self.push_rest() {
            return false;
        }
        let Some(channel) = &self.channel else { return false };
        match unix::send(channel, record) {
            Ok(Some(n)) => {
                self.keep_rest(record, n);
                self.given = self.given.wrapping_add(1);
                true
            }
            Ok(None) => false,
            // Who is gone shows that to the next read, which tells the daemon; what runs short may be there again soon.
            Err(_) => false,
        }
    }

    fn keep_rest(&mut self, record: &[u8], sent: usize) {
        self.rest.clear();
        // Same capacity: it fits.
        let _ = self.rest.extend_from_slice(record.get(sent..).unwrap_or(&[]));
    }

    /// Send the rest of the last record. `false`: not all of it could go.
    fn push_rest(&mut self) -> bool {
        while !self.rest.is_empty() {
            let Some(channel) = &self.channel else { return false };
            match unix::send(channel, &self.rest) {
                Ok(Some(n)) => {
                    let n = n.min(self.rest.len());
                    self.rest.rotate_left(n);
                    self.rest.truncate(self.rest.len() - n);
                }
                Ok(None) | Err(_) => return false,
            }
        }
        self.channel.is_some()
    }

    /// What was given and is not written yet, what still waits here among it.
    pub(super) fn backlog(&self) -> u32 {
        self.given.wrapping_sub(self.written).saturating_add(u32::from(self.state.is_some()))
    }

    /// Has it written since the last call?
    pub(super) fn take_news(&mut self) -> bool {
        core::mem::take(&mut self.news)
    }

    /// The next reply.
    pub fn read(&mut self) -> Option<Reply> {
        loop {
            let channel = self.channel.as_ref()?;
            let mut buf = [0; REPLY];
            let room = REPLY - self.inbox.len();
            match channel.read(buf.get_mut(..room)?) {
                Ok(None) => return None,
                Ok(Some(n @ 1..)) => {
                    let _ = self.inbox.extend_from_slice(buf.get(..n)?);
                }
                // Something runs short here, not there.
                Err(why) if !is_gone(why) => return None,
                Ok(Some(0)) | Err(_) => {
                    self.channel = None;
                    return Some(Reply::Gone);
                }
            }
            if let Ok(whole) = <[u8; REPLY]>::try_from(self.inbox.as_slice()) {
                self.inbox.clear();
                match Reply::decode(whole) {
                    Some(Reply::Wrote { count }) => {
                        self.written = count;
                        self.news = true;
                    }
                    Some(reply) => {
                        self.note(reply);
                        return Some(reply);
                    }
                    None => {}
                }
            }
        }
    }

    fn note(&mut self, reply: Reply) {
        if let (Reply::Persisted { serial }, Some((waiting, _))) = (reply, &self.unanswered)
            && serial == *waiting
        {
            self.unanswered = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::parse;
    use super::*;

    const AT: WallTime = WallTime { secs: 0, micros: 0 };

    /// Everything that is in the channel, as `(text or serial)`.
    fn drain(other: &Fd) -> std::vec::Vec<String> {
        let (mut bytes, mut buf) = (std::vec::Vec::new(), [0; 4096]);
        while let Ok(Some(n @ 1..)) = other.read(&mut buf) {
            bytes.extend_from_slice(&buf[..n]);
        }
        let (mut rest, mut seen) = (&bytes[..], std::vec::Vec::new());
        while let Some((record, used)) = parse(rest) {
            seen.push(match record {
                Record::Log { text, .. } => text.to_owned(),
                Record::State { serial, .. } => format!("state {serial}"),
                other => panic!("{other:?}"),
            });
            rest = &rest[used..];
        }
        assert!(rest.is_empty(), "a cut record");
        seen
    }

    #[test]
    fn what_does_not_fit_is_counted_and_told() {
        let (ours, theirs) = unix::pair().unwrap();
        let mut outlet = Outlet::new(ours);
        for number in 0..5000 {
            outlet.log(AT, Level::Info, Targets::ALL, &format!("line {number}"));
        }
        let lost = outlet.lost_in_all();
        assert!(lost > 0, "the channel never filled");
        outlet.persist(1, b"old");
        outlet.persist(2, b"new");
        assert!(outlet.wants_write());
        let first = drain(&theirs);
        assert_eq!(first.len() + lost as usize, 5000);
        assert_eq!(first[0], "line 0");
        outlet.service();
        assert!(!outlet.wants_write());
        outlet.log(AT, Level::Info, Targets::ALL, "after");
        let note = format!("{lost} log lines were lost: the disk is slow or full");
        assert_eq!(drain(&theirs), ["state 2".to_owned(), note, "after".to_owned()]);
        assert_eq!(outlet.lost_in_all(), lost);
    }

    #[test]
    fn a_helper_that_is_gone_is_told_once_and_its_state_is_sent_again() {
        let (ours, theirs) = unix::pair().unwrap();
        let mut outlet = Outlet::new(ours);
        outlet.persist(7, b"x");
        assert_eq!(outlet.read(), None);
        drop(theirs);
        outlet.log(AT, Level::Info, Targets::ALL, "lost");
        assert_eq!(outlet.read(), Some(Reply::Gone));
        assert_eq!((outlet.read(), outlet.fd(), outlet.wants_write()), (None, None, false));
        outlet.log(AT, Level::Info, Targets::ALL, "lost, too");
        let (ours, theirs) = unix::pair().unwrap();
        outlet.reconnect(ours);
        outlet.log(AT, Level::Info, Targets::ALL, "back");
        let want = ["state 7", "2 log lines were lost: the disk is slow or full", "back"];
        assert_eq!(drain(&theirs), want);
        unix::send(&theirs, &Reply::Persisted { serial: 7 }.encode()).unwrap();
        assert_eq!(outlet.read(), Some(Reply::Persisted { serial: 7 }));
        assert!(outlet.unanswered.is_none());
    }

    #[test]
    fn replies_may_come_in_pieces() {
        let (ours, theirs) = unix::pair().unwrap();
        let mut outlet = Outlet::new(ours);
        let bytes = Reply::Persisted { serial: 5 }.encode();
        unix::send(&theirs, &bytes[..3]).unwrap();
        assert_eq!(outlet.read(), None);
        unix::send(&theirs, &bytes[3..]).unwrap();
        assert_eq!(outlet.read(), Some(Reply::Persisted { serial: 5 }));
    }
}
