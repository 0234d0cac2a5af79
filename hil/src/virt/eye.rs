//! An eye on one guest: does it have the service address? Asked by ICMP every 10 ms, straight at the guest's own hardware
//! address, so that what the switch and the ARP tables think makes no difference. The guest's kernel answers.

use crate::netns::{Namespace, SERVICE_ADDRESS, Span, Stamp};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, recv, sendto, socket,
};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Between two questions.
const PERIOD: Duration = Duration::from_millis(10);
/// Answers further apart than this belong to two spans: a busy machine makes a guest miss a few.
const GAP: Duration = Duration::from_millis(400);
/// Questions that an answer may still come to.
const OPEN: usize = 256;
const ECHO_REQUEST: u8 = 8;
const ECHO_REPLY: u8 = 0;

/// Asks until it is dropped.
#[derive(Debug)]
pub struct Eye {
    /// When a question that was answered was sent, and when the answer came.
    answers: Arc<Mutex<Vec<(Stamp, Stamp)>>>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Eye {
    /// Asks from now on, from `net`, whose neighbour table names the guest.
    ///
    /// # Errors
    /// The kernel gives no raw socket.
    pub fn new(net: &Namespace) -> io::Result<Self> {
        let socket = net.run(|| {
            let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
            Ok(socket(AddressFamily::Inet, SockType::Raw, flags, SockProtocol::Icmp)?)
        })?;
        let answers = Arc::new(Mutex::new(Vec::new()));
        let end = Arc::new(AtomicBool::new(false));
        let (of_thread, until) = (Arc::clone(&answers), Arc::clone(&end));
        let thread =
            thread::Builder::new().name("eye".to_owned()).spawn(move || ask(&socket, &of_thread, &until))?;
        Ok(Self { answers, end, thread: Some(thread) })
    }

    /// The stretches of time in which the guest answered: from the sending of the first question that it answered to
    /// the last answer. At most that long did it have the address.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for &(sent, came) in self.answers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            match spans.last_mut() {
                Some(last) if sent.since(last.until) < GAP => last.until = last.until.max(came),
                _ => spans.push(Span { from: sent, until: came }),
            }
        }
        spans
    }

    /// The questions that were answered since `since`: when they were sent, and when the answer came.
    #[must_use]
    pub fn answers(&self, since: Stamp) -> Vec<(Stamp, Stamp)> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.iter().filter(|(_, came)| *came >= since).copied().collect()
    }

    /// The last answer, if it is fresh.
    #[must_use]
    pub fn sees(&self) -> bool {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.last().is_some_and(|(_, came)| came.elapsed() < GAP)
    }
}

impl Drop for Eye {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn ask(socket: &OwnedFd, answers: &Mutex<Vec<(Stamp, Stamp)>>, end: &AtomicBool) {
    let [a, b, c, d] = SERVICE_ADDRESS;
    let address = SockaddrIn::new(a, b, c, d, 0);
    let mut sent = [Stamp::default(); OPEN];
    let (mut number, mut next) = (0u16, Stamp::now());
    while !end.load(Ordering::Relaxed) {
        let now = Stamp::now();
        if now >= next {
            number = number.wrapping_add(1);
            sent[usize::from(number) % OPEN] = now;
            let _ = sendto(socket.as_raw_fd(), &request(number), &address, MsgFlags::empty());
            next = next.plus(PERIOD).max(now);
        }
        let left = u8::try_from(next.since(Stamp::now()).as_millis()).unwrap_or(10);
        let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut fds, PollTimeout::from(left));
        let mut buffer = [0; 128];
        while let Ok(count) = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            let came = Stamp::now();
            if let Some(answered) = reply(&buffer[..count])
                && number.wrapping_sub(answered) < 200
            {
                let asked = sent[usize::from(answered) % OPEN];
                answers.lock().unwrap_or_else(PoisonError::into_inner).push((asked, came));
            }
        }
    }
}

/// An echo request: type, code, checksum, identifier 0, number.
fn request(number: u16) -> [u8; 8] {
    let [high, low] = number.to_be_bytes();
    let sum = (u32::from(ECHO_REQUEST) << 8) + u32::from(number);
    // One's complement: the carry is added in again.
    let folded = u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap_or_default();
    let [sum_high, sum_low] = (!folded).to_be_bytes();
    [ECHO_REQUEST, 0, sum_high, sum_low, 0, 0, high, low]
}

/// The number in an echo reply from the service address, behind its IP header.
fn reply(packet: &[u8]) -> Option<u16> {
    let header = usize::from(packet.first()? & 0x0f) * 4;
    let icmp = packet.get(header..header + 8)?;
    let ours = packet.get(12..16)? == SERVICE_ADDRESS && icmp[0] == ECHO_REPLY;
    ours.then(|| u16::from_be_bytes([icmp[6], icmp[7]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_a_request_is_right() {
        for number in [0, 1, 0x1234, 0xf7ff, 0xffff] {
            let words = request(number);
            let sum: u32 = words.chunks(2).map(|w| u32::from(u16::from_be_bytes([w[0], w[1]]))).sum();
            assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff, "{number:#x}");
        }
    }

    #[test]
    fn only_a_reply_of_the_service_address_counts() {
        let mut packet = vec![0u8; 28];
        packet[0] = 0x45;
        packet[12..16].copy_from_slice(&SERVICE_ADDRESS);
        packet[26..28].copy_from_slice(&[3, 4]);
        assert_eq!(reply(&packet), Some(0x0304));
        packet[20] = ECHO_REQUEST;
        assert_eq!(reply(&packet), None);
        packet[20] = ECHO_REPLY;
        packet[15] = 3;
        assert_eq!(reply(&packet), None);
    }
}
