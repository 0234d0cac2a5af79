//! What the guests put on their Ethernet wires: heartbeats and ARP announcements, seen at the switch's own ports.

use crate::netns::{HEARTBEAT_PORT, Namespace, Node, SERVICE_ADDRESS, Stamp};
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{
    AddressFamily, LinkAddr, SockFlag, SockProtocol, SockType, recvfrom, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// What was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A heartbeat on the heartbeat cable.
    Beat,
    /// A gratuitous ARP for the service address on the LAN.
    Announcement,
}

/// One frame.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// When.
    pub at: Stamp,
    /// Whose.
    pub from: Node,
    /// What.
    pub kind: Kind,
}

/// Looks until it is dropped.
#[derive(Debug)]
pub struct Tally {
    seen: Arc<Mutex<Vec<Seen>>>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Tally {
    /// Looks at the ports of both guests in `switch` from now on.
    ///
    /// # Errors
    /// A port is missing, or the kernel gives no packet socket.
    pub fn new(switch: &Namespace) -> io::Result<Self> {
        let (socket, ports) = switch.run(|| {
            let index = |segment: &str, node: Node| -> io::Result<usize> {
                let index = if_nametoindex(format!("{segment}-{}", node.name()).as_str())?;
                Ok(usize::try_from(index).unwrap_or_default())
            };
            let mut ports = Vec::new();
            for node in Node::BOTH {
                ports.push((index("cross", node)?, node, Kind::Beat));
                ports.push((index("lan", node)?, node, Kind::Announcement));
            }
            let flags = SockFlag::SOCK_CLOEXEC;
            let socket = socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll)?;
            setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::milliseconds(100))?;
            Ok((socket, ports))
        })?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let end = Arc::new(AtomicBool::new(false));
        let (of_thread, until) = (Arc::clone(&seen), Arc::clone(&end));
        let thread = thread::Builder::new()
            .name("tally".to_owned())
            .spawn(move || look(&socket, &ports, &of_thread, &until))?;
        Ok(Self { seen, end, thread: Some(thread) })
    }

    /// All that was seen so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn look(socket: &OwnedFd, ports: &[(usize, Node, Kind)], seen: &Mutex<Vec<Seen>>, end: &AtomicBool) {
    /// `PACKET_OUTGOING` of `linux/if_packet.h`: what the switch itself sends out of the port.
    const OUTGOING: u8 = 4;
    let mut buffer = [0; 128];
    while !end.load(Ordering::Relaxed) {
        let Ok((count, Some(address))) = recvfrom::<LinkAddr>(socket.as_raw_fd(), &mut buffer) else {
            continue;
        };
        if address.pkttype() == OUTGOING {
            continue;
        }
        let port = ports.iter().find(|(index, _, _)| *index == address.ifindex());
        if let Some(&(_, from, kind)) = port
            && is(kind, &buffer[..count.min(buffer.len())])
        {
            let one = Seen { at: Stamp::now(), from, kind };
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(one);
        }
    }
}

fn is(kind: Kind, frame: &[u8]) -> bool {
    let bytes = |from: usize, length: usize| frame.get(from..from + length).unwrap_or_default();
    match kind {
        // IPv4 without options, UDP, to the heartbeats' port.
        Kind::Beat => {
            bytes(12, 3) == [0x08, 0x00, 0x45]
                && bytes(23, 1) == [17]
                && bytes(36, 2) == HEARTBEAT_PORT.to_be_bytes()
        }
        // ARP whose sender and target are both the service address.
        Kind::Announcement => {
            bytes(12, 2) == [0x08, 0x06] && bytes(28, 4) == SERVICE_ADDRESS && bytes(38, 4) == SERVICE_ADDRESS
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_and_announcements_are_told_apart() {
        let mut beat = [0u8; 60];
        beat[12..15].copy_from_slice(&[0x08, 0x00, 0x45]);
        beat[23] = 17;
        beat[36..38].copy_from_slice(&694u16.to_be_bytes());
        assert!(is(Kind::Beat, &beat) && !is(Kind::Announcement, &beat));
        let mut arp = [0u8; 60];
        arp[12..14].copy_from_slice(&[0x08, 0x06]);
        arp[28..32].copy_from_slice(&SERVICE_ADDRESS);
        assert!(!is(Kind::Announcement, &arp));
        arp[38..42].copy_from_slice(&SERVICE_ADDRESS);
        assert!(is(Kind::Announcement, &arp) && !is(Kind::Beat, &arp));
        assert!(!is(Kind::Beat, &beat[..20]));
    }
}
