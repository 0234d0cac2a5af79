//! Ping nodes: one raw ICMP socket for all of them.
//!
//! An answer counts only if type, identifier, sequence, token and sender all fit an echo request of the last rounds.

use super::health::{Change, Health};
use crate::sys::{Errno, Fd, Result, icmp};
use core::net::Ipv4Addr;
use hb_core::{Instant, PingId};
use heapless::Vec;
use std::os::fd::RawFd;

/// Addresses at most, the members of all ping groups together.
pub const MAX_MEMBERS: usize = 32;

/// ICMP header of 8 bytes, then the token.
const MESSAGE: usize = 16;
const ECHO_REQUEST: u8 = 8;
const ECHO_REPLY: u8 = 0;

/// Rounds that an answer may be late.
const ROUNDS: u16 = 8;

#[derive(Debug)]
struct Member {
    ping: PingId,
    address: Ipv4Addr,
}

/// What a look at the socket gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// This ping node (or a member of this group) answered.
    From(PingId),
    /// Something else; look again.
    Other,
    /// It could not be read now; what came is not known.
    Unread,
    /// Nothing more for now.
    Empty,
}

/// All ping nodes of the configuration.
#[derive(Debug)]
pub struct Pinger {
    members: Vec<Member, MAX_MEMBERS>,
    socket: Option<Fd>,
    id: u16,
    token: [u8; 8],
    round: u16,
    /// Answers to the last round that did not come yet.
    awaited: usize,
    health: Health,
}

impl Pinger {
    /// No nodes yet. `entropy` sets the identifier and the token that tell our answers from those of other programs.
    #[must_use]
    pub fn new(entropy: [u8; 8]) -> Self {
        let id = u16::from_be_bytes([entropy[0], entropy[7]]);
        let health = Health::default();
        Self { members: Vec::new(), socket: None, id, token: entropy, round: 0, awaited: 0, health }
    }

    /// Add a node, or one more member of a group. `false`: more than [`MAX_MEMBERS`].
    #[must_use]
    pub fn add(&mut self, ping: PingId, address: Ipv4Addr) -> bool {
        self.members.push(Member { ping, address }).is_ok()
    }

    /// The open descriptor to wait on.
    #[must_use]
    pub fn fd(&self) -> Option<RawFd> {
        self.socket.as_ref().map(Fd::raw)
    }

    /// Open the socket now. Does nothing without nodes.
    ///
    /// # Errors
    /// `EPERM` without root; tried again about once a second by [`Pinger::service`].
    pub fn try_open(&mut self, now: Instant) -> Result<()> {
        if self.socket.is_some() || self.members.is_empty() {
            return Ok(());
        }
        match icmp::open() {
            Ok(fd) => {
                self.socket = Some(fd);
                self.health.opened();
                Ok(())
            }
            Err(why) => {
                self.health.failed(now, why);
                Err(why)
            }
        }
    }

    /// When [`Pinger::service`] is due.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        if self.members.is_empty() { Instant::NEVER } else { self.health.retry_at() }
    }

    /// Open the socket if a try is due.
    pub fn service(&mut self, now: Instant) {
        if self.deadline() <= now {
            let _ = self.try_open(now);
        }
    }

    /// The socket opened or failed, for the log.
    pub fn take_change(&mut self) -> Option<Change> {
        self.health.take_change()
    }

    /// Send one echo request to every address ([`hb_core::Action::Ping`]). What cannot be sent now is not sent: the
    /// silence shows by itself.
    pub fn send_all(&mut self) {
        let Some(fd) = &self.socket else { return };
        self.round = self.round.wrapping_add(1);
        let message = echo_request(self.id, self.round, self.token);
        let sent = |member: &&Member| matches!(icmp::send(fd, &message, member.address), Ok(Some(_)));
        self.awaited = self.members.iter().filter(sent).count();
    }

    /// Is any answer to the last round still to come? If none is, what is in the socket is of no use.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.awaited > 0
    }

    /// The next answer. Keep calling until [`Answer::Empty`].
    pub fn read(&mut self) -> Answer {
        let Some(fd) = &self.socket else { return Answer::Empty };
        let mut buf = [0; 128];
        match icmp::receive(fd, &mut buf) {
            Ok(Some((n, from))) => {
                let answer = self.judge(buf.get(..n).unwrap_or(&buf), from);
                if matches!(answer, Answer::From(_)) {
                    self.awaited = self.awaited.saturating_sub(1);
                }
                answer
            }
            // An error that one of our requests met was taken off the socket by this read; the next wait finds the rest.
            Err(Errno(libc::EHOSTUNREACH | libc::ENETUNREACH | libc::ECONNREFUSED)) | Ok(None) => {
                Answer::Empty
            }
            Err(_) => Answer::Unread,
        }
    }

    /// Whose answer is this packet (IP header included)?
    fn judge(&self, packet: &[u8], from: Ipv4Addr) -> Answer {
        let header = usize::from(packet.first().copied().unwrap_or(0) & 0x0f) * 4;
        let Some(Some(message)) = packet.get(header..).map(|m| m.first_chunk::<MESSAGE>()) else {
            return Answer::Other;
        };
        let [kind, code, _, _, id0, id1, seq0, seq1, token @ ..] = message;
        let age = self.round.wrapping_sub(u16::from_be_bytes([*seq0, *seq1]));
        let ours = (*kind, *code) == (ECHO_REPLY, 0)
            && u16::from_be_bytes([*id0, *id1]) == self.id
            && *token == self.token
            && age < ROUNDS
            && checksum(packet.get(header..).unwrap_or(&[])) == 0;
        match self.members.iter().find(|member| member.address == from) {
            Some(member) if ours => Answer::From(member.ping),
            _ => Answer::Other,
        }
    }
}

/// An echo request as it goes on the wire.
fn echo_request(id: u16, sequence: u16, token: [u8; 8]) -> [u8; MESSAGE] {
    let ([i0, i1], [s0, s1]) = (id.to_be_bytes(), sequence.to_be_bytes());
    let [t0, t1, t2, t3, t4, t5, t6, t7] = token;
    let mut message = [ECHO_REQUEST, 0, 0, 0, i0, i1, s0, s1, t0, t1, t2, t3, t4, t5, t6, t7];
    let [high, low] = checksum(&message).to_be_bytes();
    message[2] = high;
    message[3] = low;
    message
}

/// The Internet checksum (RFC 1071); zero over a message whose checksum is right.
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = 0;
    for pair in bytes.chunks(2) {
        let low = pair.get(1).copied().unwrap_or(0);
        sum = sum.wrapping_add(u32::from(u16::from_be_bytes([pair[0], low])));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::poll::{PollFd, poll};

    const HOST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const TOKEN: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

    fn pinger() -> Pinger {
        let mut pinger = Pinger::new(TOKEN);
        assert!(pinger.add(PingId(0), Ipv4Addr::new(192, 0, 2, 9)));
        assert!(pinger.add(PingId(1), HOST));
        pinger.round = 20;
        pinger
    }

    /// A reply to the request of round `sequence`, with IP options of `options` words in its header.
    fn reply(options: usize, sequence: u16) -> std::vec::Vec<u8> {
        let mut message = echo_request(u16::from_be_bytes([1, 8]), sequence, TOKEN);
        message[0] = ECHO_REPLY;
        message[2..4].fill(0);
        let sum = checksum(&message).to_be_bytes();
        message[2..4].copy_from_slice(&sum);
        let mut packet = vec![0; 20 + 4 * options];
        packet[0] = 0x45 + options as u8;
        packet.extend_from_slice(&message);
        packet
    }

    #[test]
    fn a_request_has_a_right_checksum() {
        let message = echo_request(0x1234, 7, TOKEN);
        assert_eq!(checksum(&message), 0);
        assert_eq!((message[0], message[7]), (8, 7));
        // RFC 1071's own example.
        assert_eq!(!checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), 0xddf2);
    }

    #[test]
    fn only_a_true_answer_counts() {
        let pinger = pinger();
        assert_eq!(pinger.judge(&reply(0, 20), HOST), Answer::From(PingId(1)));
        assert_eq!(pinger.judge(&reply(3, 13), HOST), Answer::From(PingId(1)));
        assert_eq!(pinger.judge(&reply(0, 12), HOST), Answer::Other, "too old");
        assert_eq!(pinger.judge(&reply(0, 21), HOST), Answer::Other, "not asked yet");
        assert_eq!(pinger.judge(&reply(0, 20), Ipv4Addr::new(192, 0, 2, 2)), Answer::Other, "a stranger");
        for at in [20, 24, 26, 30, 35] {
            let mut bad = reply(0, 20);
            bad[at] ^= 0x40;
            assert_eq!(pinger.judge(&bad, HOST), Answer::Other, "byte {at}");
        }
        for len in 0..36 {
            assert_eq!(pinger.judge(&reply(0, 20)[..len], HOST), Answer::Other, "length {len}");
        }
    }

    #[test]
    fn there_is_a_limit_and_no_socket_without_nodes() {
        let mut pinger = Pinger::new(TOKEN);
        assert_eq!((pinger.try_open(Instant::ZERO), pinger.fd()), (Ok(()), None));
        assert_eq!(pinger.deadline(), Instant::NEVER);
        for _ in 0..MAX_MEMBERS {
            assert!(pinger.add(PingId(0), HOST));
        }
        assert!(!pinger.add(PingId(0), HOST));
    }

    #[test]
    fn the_loopback_answers() {
        let mut pinger = Pinger::new(TOKEN);
        assert!(pinger.add(PingId(3), Ipv4Addr::LOCALHOST));
        if let Err(why) = pinger.try_open(Instant::ZERO) {
            println!("skipped: no raw ICMP socket here: {why}");
            return;
        }
        pinger.send_all();
        assert!(pinger.is_awaited());
        for _ in 0..20 {
            poll(&mut [PollFd::readable(pinger.fd().unwrap())], 500).unwrap();
            match pinger.read() {
                Answer::From(ping) => return assert_eq!((ping, pinger.is_awaited()), (PingId(3), false)),
                Answer::Other | Answer::Empty | Answer::Unread => {}
            }
        }
        panic!("no answer");
    }
}
