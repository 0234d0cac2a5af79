//! Asks for the addresses over the network: by echo requests, or by connections to a port of the service.

use crate::link::ping::{Answer, Pinger};
use crate::sys::poll::{PollFd, poll};
use crate::sys::{Fd, random, tcp};
use core::net::{Ipv4Addr, SocketAddrV4};
use hb_core::{Duration, Instant, PingId};
use std::string::String;
use std::vec::Vec;

/// Between two questions for an address.
const EVERY: Duration = Duration::from_millis(20);
/// A connection that takes longer has failed.
const CONNECT: Duration = Duration::from_millis(500);

/// What asks.
pub(super) struct Prober {
    next: Instant,
    how: How,
}

enum How {
    /// A raw socket: for root alone.
    Echo(Box<Pinger>),
    /// By address: the connection that was begun, and when.
    Connect(Vec<(SocketAddrV4, Option<(Fd, Instant)>)>),
    /// Nothing may be asked.
    Nothing,
}

impl Prober {
    pub(super) fn new(addresses: &[(String, Ipv4Addr)], port: Option<u16>, now: Instant) -> Self {
        let how = match port {
            Some(port) => How::Connect(
                addresses.iter().map(|(_, address)| (SocketAddrV4::new(*address, port), None)).collect(),
            ),
            None => echo(addresses, now).map_or(How::Nothing, |pinger| How::Echo(Box::new(pinger))),
        };
        Self { next: now, how }
    }

    /// Does it ask at all?
    pub(super) const fn asks(&self) -> bool {
        !matches!(self.how, How::Nothing)
    }

    /// Ask where it is time to; the addresses that answered since the last time, by their positions.
    pub(super) fn service(&mut self, now: Instant) -> Vec<usize> {
        let due = now >= self.next;
        if due {
            self.next = now.plus(EVERY);
        }
        let mut answered = Vec::new();
        match &mut self.how {
            How::Nothing => {}
            How::Echo(pinger) => {
                loop {
                    match pinger.read() {
                        Answer::From(ping) => answered.push(usize::from(ping.0)),
                        Answer::Other => {}
                        Answer::Unread | Answer::Empty => break,
                    }
                }
                if due {
                    pinger.send_all();
                }
            }
            How::Connect(all) => {
                for (at, (address, begun)) in all.iter_mut().enumerate() {
                    if let Some((fd, since)) = begun {
                        let mut fds = [PollFd::new(fd.raw(), true)];
                        let ready = poll(&mut fds, 0).is_ok_and(|count| count > 0);
                        if ready && tcp::outcome(fd).is_ok() {
                            answered.push(at);
                        }
                        if ready || now.since(*since) >= CONNECT {
                            *begun = None;
                        }
                    }
                    if due && begun.is_none() {
                        *begun = tcp::connect(*address).ok().map(|fd| (fd, now));
                    }
                }
            }
        }
        answered
    }
}

/// `None`: this user may not, or there are too many.
fn echo(addresses: &[(String, Ipv4Addr)], now: Instant) -> Option<Pinger> {
    let mut entropy = [0; 8];
    random::fill(&mut entropy).ok()?;
    let mut pinger = Pinger::new(entropy);
    for (at, (_, address)) in (0_u8..).zip(addresses) {
        pinger.add(PingId(at), *address).then_some(())?;
    }
    pinger.try_open(now).ok()?;
    Some(pinger)
}
