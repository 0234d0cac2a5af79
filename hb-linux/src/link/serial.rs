//! Heartbeats on a serial line.
//!
//! The line carries one frame at a time: the next one goes to the driver only when the last one's bits are out, by the
//! baud rate. So the driver's buffer (4 KB, two seconds at 19200) never fills with stale beats. One frame may wait; a
//! newer one takes its place, for every heartbeat holds the sender's whole view (DESIGN §5).

use super::health::Health;
use super::port::SerialPort;
use super::{Incoming, Outgoing};
use crate::opening::Opening;
use crate::sys::{Errno, Fd, Result, tty};
use hb_core::{Duration, FRAME_BUF, Instant};
use heapless::Vec;
use std::ffi::CString;
use std::os::fd::RawFd;

/// Bytes that may be left in the driver when the next frame goes, on a line with flow control: about a UART's FIFO.
const FIFO: usize = 16;

/// A serial line that opens itself again, by a child: see [`Opening`].
#[derive(Debug)]
pub struct SerialLink {
    device: CString,
    baud: u32,
    rtscts: bool,
    port: Option<SerialPort>,
    /// The next port.
    opening: Opening,
    /// Rest of the frame whose beginning the driver took. Must go first, or the receiver sees a cut frame.
    rest: Vec<u8, FRAME_BUF>,
    /// The one frame that waits; empty if none.
    waiting: Vec<u8, FRAME_BUF>,
    /// The driver had no room: wait for it rather than for time.
    blocked: bool,
    /// When the bits of the last frame are out.
    line_free: Instant,
    pub(super) health: Health,
}

impl SerialLink {
    pub(super) fn new(device: &str, baud: u32, rtscts: bool) -> Result<Self> {
        Ok(Self {
            device: CString::new(device).map_err(|_| Errno::INVALID)?,
            baud,
            rtscts,
            port: None,
            opening: Opening::default(),
            rest: Vec::new(),
            waiting: Vec::new(),
            blocked: false,
            line_free: Instant::ZERO,
            health: Health::default(),
        })
    }

    pub(super) fn fd(&self) -> Option<RawFd> {
        self.port.as_ref().map(SerialPort::raw).or(self.opening.fd())
    }

    pub(super) fn is_open(&self) -> bool {
        self.port.is_some()
    }

    pub(super) fn reap(&mut self) {
        self.opening.reap();
    }

    /// How long `bytes` take on the line: ten bits each.
    #[must_use]
    pub fn frame_time(&self, bytes: usize) -> Duration {
        let bits = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(10);
        Duration::from_micros(bits.saturating_mul(1_000_000).div_ceil(u64::from(self.baud.max(1))))
    }

    pub(super) fn try_open(&mut self, now: Instant) -> Result<()> {
        if self.port.is_some() {
            return Ok(());
        }
        let opened = tty::open(&self.device, self.baud, self.rtscts);
        self.opened(now, opened)
    }

    fn opened(&mut self, now: Instant, opened: Result<Fd>) -> Result<()> {
        match opened {
            Ok(fd) => {
                self.port = Some(SerialPort::from(fd));
                self.line_free = now;
                self.health.opened();
                Ok(())
            }
            Err(why) => {
                self.health.failed(now, why);
                Err(why)
            }
        }
    }

    pub(super) fn deadline(&self) -> Instant {
        if self.port.is_none() {
            if self.opening.is_busy() { Instant::NEVER } else { self.health.retry_at() }
        } else if self.waiting.is_empty() || self.wants_write() {
            Instant::NEVER
        } else {
            self.line_free
        }
    }

    #[cfg(feature = "bridge")]
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        self.port.is_some() && self.waiting.is_empty() && self.rest.is_empty() && self.line_free <= now
    }

    pub(super) fn wants_write(&self) -> bool {
        self.port.is_some() && self.blocked
    }

    pub(super) fn service(&mut self, now: Instant) {
        if self.port.is_none() {
            if let Some(opened) = self.opening.take() {
                let _ = self.opened(now, opened);
            } else if self.health.is_due(now) && !self.opening.is_busy() {
                let (device, baud, rtscts) = (&self.device, self.baud, self.rtscts);
                // Without a child to be had, or while the last one hangs, it is tried again.
                if self.opening.begin(|| tty::open(device, baud, rtscts), b"").is_err() {
                    self.health.later(now);
                }
            }
        } else if let Err(why) = self.pump(now)
            && !why.is_shortage()
        {
            self.fail(now, why);
        }
    }

    pub(super) fn read(&mut self, now: Instant, buf: &mut [u8]) -> Incoming {
        let Some(port) = &self.port else { return Incoming::Empty };
        match port.try_read(buf) {
            Ok(Some(n)) => Incoming::Bytes(n),
            Ok(None) => Incoming::Empty,
            Err(why) if why.is_shortage() => Incoming::Unread(why),
            Err(why) => {
                self.fail(now, why);
                Incoming::Failed(why)
            }
        }
    }

    pub(super) fn send(&mut self, now: Instant, frame: &[u8]) -> Outgoing {
        if self.port.is_none() {
            return Outgoing::Dropped(Errno::NO_DEVICE);
        }
        if !self.waiting.is_empty() {
            self.health.replaced();
            self.waiting.clear();
        }
        if self.waiting.extend_from_slice(frame).is_err() {
            self.health.dropped(Errno::INVALID);
            return Outgoing::Dropped(Errno::INVALID);
        }
        match self.pump(now) {
            Ok(()) if self.waiting.is_empty() => Outgoing::Sent,
            Ok(()) => Outgoing::Queued,
            Err(why) if why.is_shortage() => {
                self.health.dropped(why);
                Outgoing::Dropped(why)
            }
            Err(why) => {
                self.fail(now, why);
                Outgoing::Failed(why)
            }
        }
    }

    /// Hand over what can go now: the rest of a frame, then the waiting one if the line is free.
    fn pump(&mut self, now: Instant) -> Result<()> {
        let Some(port) = &self.port else { return Ok(()) };
        self.blocked = false;
        if !self.rest.is_empty() {
            let n = port.try_write(&self.rest)?.unwrap_or(0);
            cut_front(&mut self.rest, n);
            if !self.rest.is_empty() {
                self.blocked = true;
                return Ok(());
            }
        }
        if self.waiting.is_empty() || now < self.line_free {
            return Ok(());
        }
        // With flow control the other side may hold the line, and only the driver knows.
        if self.rtscts
            && let Ok(queued @ FIFO..) = tty::output_queued(port.fd())
        {
            self.line_free = now.plus(self.frame_time(queued));
            return Ok(());
        }
        let Some(n) = port.try_write(&self.waiting)? else {
            self.blocked = true;
            return Ok(());
        };
        self.line_free = now.plus(self.frame_time(self.waiting.len()));
        if let Some(rest) = self.waiting.get(n..)
            && !rest.is_empty()
        {
            // Same capacity: it fits.
            let _ = self.rest.extend_from_slice(rest);
            self.blocked = true;
        }
        self.waiting.clear();
        self.health.sent();
        Ok(())
    }

    fn fail(&mut self, now: Instant, why: Errno) {
        self.drop_port();
        self.health.failed(now, why);
    }

    fn drop_port(&mut self) {
        self.port = None;
        self.rest.clear();
        self.waiting.clear();
        self.blocked = false;
    }

    pub(super) fn close(&mut self) {
        self.drop_port();
        self.opening.give_up();
        self.health.retire();
    }
}

/// Remove the first `n` bytes.
fn cut_front(bytes: &mut Vec<u8, FRAME_BUF>, n: usize) {
    let n = n.min(bytes.len());
    bytes.rotate_left(n);
    bytes.truncate(bytes.len() - n);
}

#[cfg(test)]
mod tests {
    use super::super::Change;
    use super::*;
    use crate::sys::poll::{PollFd, poll};
    use crate::sys::{Fd, pty};

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    fn link(baud: u32) -> (Fd, SerialLink) {
        let (master, name) = pty::open().unwrap();
        let mut link = SerialLink::new(name.to_str().unwrap(), baud, false).unwrap();
        link.try_open(at(0)).unwrap();
        assert_eq!(link.health.take_change(), Some(Change::Opened));
        (master, link)
    }

    fn drain(master: &Fd) -> std::vec::Vec<u8> {
        let (mut all, mut buf) = (std::vec::Vec::new(), [0; 4096]);
        while poll(&mut [PollFd::readable(master.raw())], 50) == Ok(1) {
            let n = master.read(&mut buf).unwrap().unwrap();
            all.extend_from_slice(&buf[..n]);
        }
        all
    }

    #[test]
    fn one_frame_at_a_time_and_the_newest_waits() {
        let (master, mut link) = link(9600);
        assert_eq!(link.frame_time(24).as_micros(), 25_000);
        assert_eq!(link.send(at(0), &[1; 24]), Outgoing::Sent);
        assert_eq!(link.deadline(), Instant::NEVER);
        assert_eq!(link.send(at(5), &[2; 24]), Outgoing::Queued);
        assert_eq!(link.send(at(6), &[3; 24]), Outgoing::Queued);
        assert_eq!((link.deadline(), link.wants_write()), (at(25), false));
        link.service(at(24));
        assert_eq!(drain(&master), [1; 24]);
        link.service(at(25));
        assert_eq!(drain(&master), [3; 24]);
        let counters = link.health.counters();
        assert_eq!((counters.sent, counters.replaced, counters.dropped), (2, 1, 0));
        assert_eq!(link.deadline(), Instant::NEVER);
        assert_eq!(link.send(at(60), &[4; 24]), Outgoing::Sent);
    }

    #[test]
    fn a_stuck_line_never_blocks_and_never_cuts_a_frame_twice() {
        let (master, mut link) = link(921_600);
        let mut now = 0;
        // Nobody reads: the pty's buffer fills up.
        while !link.wants_write() && now < 100_000 {
            now += 100;
            link.send(at(now), &[now as u8 | 1; FRAME_BUF]);
        }
        assert!(link.wants_write(), "the buffer never filled");
        for _ in 0..50 {
            now += 100;
            assert_eq!(link.send(at(now), &[7; FRAME_BUF]), Outgoing::Queued);
        }
        assert!(link.health.counters().replaced >= 49);
        // The reader comes back: all that was begun arrives whole, and the newest waiting frame with it.
        let mut all = std::vec::Vec::new();
        for _ in 0..100 {
            all.extend(drain(&master));
            now += 100;
            link.service(at(now));
            if link.rest.is_empty() && link.waiting.is_empty() {
                break;
            }
        }
        all.extend(drain(&master));
        assert_eq!(all.len(), FRAME_BUF * link.health.counters().sent as usize);
        for frame in all.chunks(FRAME_BUF) {
            assert!(frame.iter().all(|b| b == &frame[0]), "a cut frame");
        }
        assert_eq!(all.last(), Some(&7));
    }

    #[test]
    fn a_line_that_goes_away_is_tried_again_each_second() {
        let (master, mut link) = link(19200);
        let device = link.device.clone();
        drop(master);
        let mut buf = [0; 8];
        assert!(matches!(link.read(at(100), &mut buf), Incoming::Failed(_)));
        assert!(matches!(link.health.take_change(), Some(Change::Failed(_))));
        assert_eq!((link.fd(), link.deadline()), (None, at(1100)));
        assert_eq!(link.send(at(200), &[1; 8]), Outgoing::Dropped(Errno::NO_DEVICE));
        assert_eq!(link.read(at(200), &mut buf), Incoming::Empty);
        link.service(at(1099));
        assert_eq!(link.health.take_change(), None);
        // Its number is free: the next pty gets the same name, as a replugged device would.
        let fresh: std::vec::Vec<_> = (0..8).map(|_| pty::open().unwrap()).collect();
        link.service(at(1100));
        assert_eq!((link.is_open(), link.deadline()), (false, Instant::NEVER), "a child opens it");
        poll(&mut [PollFd::readable(link.fd().unwrap())], 5000).unwrap();
        link.service(at(1101));
        if fresh.iter().any(|(_, name)| *name == device) {
            assert_eq!(link.health.take_change(), Some(Change::Opened));
            assert!(link.is_open());
        }
        link.close();
        assert_eq!((link.fd(), link.deadline()), (None, Instant::NEVER));
    }

    #[test]
    fn an_oversized_frame_is_dropped() {
        let (_master, mut link) = link(19200);
        assert_eq!(link.send(at(0), &[0; FRAME_BUF + 1]), Outgoing::Dropped(Errno::INVALID));
        assert_eq!(link.send(at(0), &[0; FRAME_BUF]), Outgoing::Sent);
    }
}
