//! Which machine has the service address, from when until when: the kernel's own announcements, each dated by two looks, the
//! last one before it and the one that found it.

use super::SERVICE_ADDRESS;
use super::clock::Stamp;
use super::holding::Span;
use super::namespace::Namespace;
use super::urgent::{Heirs, urgent};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, socket,
};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Between two looks.
const PERIOD: Duration = Duration::from_millis(2);
/// A look that comes later than this after the last one is noted.
const LATE: Duration = Duration::from_millis(10);

const RTMGRP_IPV4_IFADDR: u32 = 0x10;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const IFA_LOCAL: u16 = 2;

/// Looks in one namespace for the coming and going of the service address.
#[derive(Debug)]
pub struct AddressWatch {
    seen: Arc<Mutex<Seen>>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Seen {
    events: Vec<(Stamp, bool)>,
    /// When nobody looked.
    blind: Vec<Span>,
}

impl AddressWatch {
    /// Looks from now on.
    ///
    /// # Errors
    /// The kernel gives no netlink socket.
    pub fn new(net: &Namespace) -> io::Result<Self> {
        let socket = net.run(|| {
            let socket = socket(
                AddressFamily::Netlink,
                SockType::Raw,
                SockFlag::SOCK_CLOEXEC,
                SockProtocol::NetlinkRoute,
            )?;
            bind(socket.as_raw_fd(), &NetlinkAddr::new(0, RTMGRP_IPV4_IFADDR))?;
            Ok(socket)
        })?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let end = Arc::new(AtomicBool::new(false));
        let (for_thread, until) = (Arc::clone(&seen), Arc::clone(&end));
        let thread =
            thread::Builder::new().name(format!("addresses of {}", net.name())).spawn(move || {
                urgent(Heirs::Nobody);
                look(&socket, &for_thread, &until);
            })?;
        Ok(Self { seen, end, thread: Some(thread) })
    }

    /// When the service address surely was there (`true`) and perhaps no longer was, in order: a coming has the moment of
    /// the look that found it, a going that of the last look before it. What two watches show at the same time was so.
    #[must_use]
    pub fn events(&self) -> Vec<(Stamp, bool)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).events.clone()
    }

    /// When nobody looked for longer than ten milliseconds, because the machine had no time for it: what came and went
    /// within such a span may be missing.
    #[must_use]
    pub fn blind(&self) -> Vec<Span> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).blind.clone()
    }
}

impl Drop for AddressWatch {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn look(socket: &OwnedFd, seen: &Mutex<Seen>, end: &AtomicBool) {
    let mut buffer = vec![0; 16384];
    // Nothing was there to read at that moment.
    let mut empty = Stamp::now();
    while !end.load(Ordering::Relaxed) {
        let (begin, mut lost) = (Stamp::now(), false);
        loop {
            match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(count) => {
                    let found = messages(&buffer[..count]);
                    seen.lock().unwrap_or_else(PoisonError::into_inner).take(&found, empty, Stamp::now());
                }
                Err(Errno::EINTR) => {}
                // The kernel had more to say than there was room for.
                Err(Errno::ENOBUFS) => lost = true,
                Err(_) => break,
            }
        }
        if lost || begin.since(empty) > LATE {
            let span = Span { from: empty, until: Stamp::now() };
            seen.lock().unwrap_or_else(PoisonError::into_inner).blind.push(span);
        }
        // What comes while this look reads is found by this one or the next.
        empty = begin;
        thread::sleep(PERIOD);
    }
}

impl Seen {
    /// Notes what a look at `by` found, after an empty one at `after`.
    fn take(&mut self, found: &[bool], after: Stamp, by: Stamp) {
        for &up in found {
            let last = self.events.last().map_or(Stamp(0), |&(at, _)| at);
            // What came and went between two looks was there for no time that anybody can prove.
            self.events.push((if up { by } else { after.max(last) }, up));
        }
    }
}

/// The comings (`true`) and goings of the service address in one batch of netlink messages:
/// `nlmsghdr {u32 len, u16 type, ...16 bytes}`, `ifaddrmsg {...8 bytes}`, attributes `{u16 len, u16 type}`.
fn messages(mut batch: &[u8]) -> Vec<bool> {
    let mut found = Vec::new();
    while let (Some(len), Some(kind)) = (word(batch, 0), half(batch, 4)) {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let Some(message) = batch.get(..len).filter(|message| message.len() >= 24) else { break };
        if matches!(kind, RTM_NEWADDR | RTM_DELADDR) && local(&message[24..]) == Some(SERVICE_ADDRESS) {
            found.push(kind == RTM_NEWADDR);
        }
        batch = batch.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    found
}

fn local(mut attributes: &[u8]) -> Option<[u8; 4]> {
    while let (Some(len), Some(kind)) = (half(attributes, 0), half(attributes, 2)) {
        let len = usize::from(len);
        if kind == IFA_LOCAL {
            return attributes.get(4..8)?.try_into().ok();
        }
        attributes = attributes.get(len.max(4).next_multiple_of(4)..)?;
    }
    None
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_dated_so_that_what_it_proves_was_so() {
        let mut seen = Seen::default();
        seen.take(&[true], Stamp(10), Stamp(12));
        seen.take(&[false], Stamp(20), Stamp(99));
        // Both between two looks: no time at all, and in order.
        seen.take(&[true, false], Stamp(100), Stamp(102));
        let at = |ns, up| (Stamp(ns), up);
        assert_eq!(seen.events, [at(12, true), at(20, false), at(102, true), at(102, false)]);
    }
}
