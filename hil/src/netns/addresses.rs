//! Which machine has the service address, from when until when: the kernel's own announcements, not samples.

use super::SERVICE_ADDRESS;
use super::clock::Stamp;
use super::namespace::Namespace;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, setsockopt, socket,
    sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

const RTMGRP_IPV4_IFADDR: u32 = 0x10;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const IFA_LOCAL: u16 = 2;

/// Listens in one namespace to the coming and going of the service address.
#[derive(Debug)]
pub struct AddressWatch {
    events: Arc<Mutex<Vec<(Stamp, bool)>>>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl AddressWatch {
    /// Listens from now on.
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
            setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::milliseconds(50))?;
            Ok(socket)
        })?;
        let events = Arc::new(Mutex::new(Vec::new()));
        let end = Arc::new(AtomicBool::new(false));
        let (for_thread, until) = (Arc::clone(&events), Arc::clone(&end));
        let thread = thread::Builder::new()
            .name(format!("addresses of {}", net.name()))
            .spawn(move || listen(&socket, &for_thread, &until))?;
        Ok(Self { events, end, thread: Some(thread) })
    }

    /// When the service address came (`true`) and went, in order.
    #[must_use]
    pub fn events(&self) -> Vec<(Stamp, bool)> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

fn listen(socket: &OwnedFd, events: &Mutex<Vec<(Stamp, bool)>>, end: &AtomicBool) {
    let mut buffer = vec![0; 16384];
    while !end.load(Ordering::Relaxed) {
        let Ok(count) = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) else { continue };
        let at = Stamp::now();
        let found = messages(&buffer[..count]);
        events.lock().unwrap_or_else(PoisonError::into_inner).extend(found.into_iter().map(|up| (at, up)));
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
