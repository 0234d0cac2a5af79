//! When gratuitous ARP for the service address was on the wire, as a host on the LAN sees it.

use super::SERVICE_ADDRESS;
use super::clock::Stamp;
use super::namespace::Namespace;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// Listens in one namespace until it is dropped.
#[derive(Debug)]
pub struct ArpWatch {
    seen: Arc<Mutex<Vec<Stamp>>>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl ArpWatch {
    /// Listens from now on.
    ///
    /// # Errors
    /// The kernel gives no packet socket.
    pub fn new(net: &Namespace) -> io::Result<Self> {
        let socket = net.run(|| {
            let flags = SockFlag::SOCK_CLOEXEC;
            let socket = socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll)?;
            setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::milliseconds(50))?;
            Ok(socket)
        })?;
        let (seen, end) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (for_thread, until) = (Arc::clone(&seen), Arc::clone(&end));
        let thread = thread::Builder::new()
            .name(format!("ARP at {}", net.name()))
            .spawn(move || listen(&socket, &for_thread, &until))?;
        Ok(Self { seen, end, thread: Some(thread) })
    }

    /// The first one after `at`.
    #[must_use]
    pub fn first_after(&self, at: Stamp) -> Option<Stamp> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().copied().find(|stamp| *stamp > at)
    }
}

impl Drop for ArpWatch {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn listen(socket: &OwnedFd, seen: &Mutex<Vec<Stamp>>, end: &AtomicBool) {
    let mut frame = [0; 2048];
    while !end.load(Ordering::Relaxed) {
        let Ok(count) = recv(socket.as_raw_fd(), &mut frame, MsgFlags::empty()) else { continue };
        let at = Stamp::now();
        if is_gratuitous(&frame[..count]) {
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(at);
        }
    }
}

/// ARP that names the service address as its sender and as its target: nobody asked.
fn is_gratuitous(frame: &[u8]) -> bool {
    let part = |from: usize, len: usize| frame.get(from..from + len);
    part(12, 2) == Some(&[8, 6])
        && part(28, 4) == Some(&SERVICE_ADDRESS)
        && part(38, 4) == Some(&SERVICE_ADDRESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_to_somebody_is_not_gratuitous() {
        let mut frame = [0; 42];
        frame[12..14].copy_from_slice(&[8, 6]);
        frame[28..32].copy_from_slice(&SERVICE_ADDRESS);
        frame[38..42].copy_from_slice(&[192, 168, 2, 100]);
        assert!(!is_gratuitous(&frame));
        frame[38..42].copy_from_slice(&SERVICE_ADDRESS);
        assert!(is_gratuitous(&frame) && !is_gratuitous(&frame[..41]));
    }
}
