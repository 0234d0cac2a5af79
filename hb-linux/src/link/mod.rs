//! Media: what heartbeats travel on. A link never waits, allocates nothing once it is made, and opens itself again.
//!
//! The daemon's loop, for each link: wait for [`Link::fd`] (for room to write as well if [`Link::wants_write`]) and
//! until [`Link::deadline`] at the latest; then [`Link::service`], then, if it was open, [`Link::read`] until [`Incoming::Empty`]; and
//! after each of these, and after [`Link::send`], look at [`Link::take_change`].

pub mod arrival;
pub mod health;
pub mod ping;
pub mod port;
pub mod serial;
pub mod udp;

use crate::sys::iface::IfName;
use crate::sys::{Errno, Result};
use core::net::Ipv4Addr;
use hb_core::{Duration, Instant};
use std::os::fd::RawFd;

pub use arrival::owner;
pub use health::{Change, Why};
pub use ping::Pinger;
pub use serial::SerialLink;
pub use udp::{Cast, UdpLink};

/// What a read gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Incoming {
    /// This many bytes of a stream, or one datagram of this length (which may be 0).
    Bytes(usize),
    /// A second copy of the last datagram, sent to another address. Look again.
    Copy,
    /// Nothing more for now.
    Empty,
    /// It could not be read now, for this reason; what came is not known. The link stays open.
    Unread(Errno),
    /// The device failed. The link is closed and opens itself again.
    Failed(Errno),
}

/// What became of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outgoing {
    /// Handed to the kernel as a whole.
    Sent,
    /// The line is busy: it goes next, unless a newer frame takes its place.
    Queued,
    /// Not sent, for this reason. The link stays open.
    Dropped(Errno),
    /// Not sent: the device failed. The link is closed and opens itself again.
    Failed(Errno),
}

/// One heartbeat link.
#[derive(Debug)]
// The frames that a serial line keeps make the difference; there are eight links at most.
#[allow(clippy::large_enum_variant)]
pub enum Link {
    /// A serial line.
    Serial(SerialLink),
    /// UDP: broadcast, multicast or unicast.
    Udp(UdpLink),
}

impl Link {
    /// A serial line (or pty) at `device`. Closed until [`Link::try_open`] or [`Link::service`].
    ///
    /// # Errors
    /// `EINVAL`: a device name with a NUL in it.
    pub fn serial(device: &str, baud: u32, rtscts: bool) -> Result<Self> {
        Ok(Self::Serial(SerialLink::new(device, baud, rtscts)?))
    }

    /// UDP broadcasts on `iface`. Closed at first.
    #[must_use]
    pub fn broadcast(iface: IfName, port: u16) -> Self {
        Self::Udp(UdpLink::new(iface, port, Cast::Broadcast))
    }

    /// UDP multicasts to `group` on `iface`, `ttl` hops far. Closed at first.
    #[must_use]
    pub fn multicast(iface: IfName, group: Ipv4Addr, port: u16, ttl: u8, loopback: bool) -> Self {
        Self::Udp(UdpLink::new(iface, port, Cast::Multicast { group, ttl, loopback }))
    }

    /// UDP to the address `peer` through `iface`. Closed at first.
    #[must_use]
    pub fn unicast(iface: IfName, peer: Ipv4Addr, port: u16) -> Self {
        Self::Udp(UdpLink::new(iface, port, Cast::Unicast { peer }))
    }

    /// The address that the last datagram came from; `None` for a serial line.
    #[must_use]
    pub fn sender(&self) -> Option<Ipv4Addr> {
        match self {
            Self::Serial(_) => None,
            Self::Udp(link) => Some(link.sender()),
        }
    }

    /// The open descriptor to wait on: its own, or that of a child that opens it.
    #[must_use]
    pub fn fd(&self) -> Option<RawFd> {
        match self {
            Self::Serial(link) => link.fd(),
            Self::Udp(link) => link.fd(),
        }
    }

    /// Does it carry a stream, where a read that had room for more took all that was there?
    #[must_use]
    pub fn is_stream(&self) -> bool {
        matches!(self, Self::Serial(_))
    }

    /// Is it open?
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Self::Serial(link) => link.is_open(),
            Self::Udp(link) => link.fd().is_some(),
        }
    }

    /// Open it now, if it is closed. What fails is tried again about once a second by [`Link::service`].
    ///
    /// # Errors
    /// Why it cannot be opened now.
    pub fn try_open(&mut self, now: Instant) -> Result<()> {
        match self {
            Self::Serial(link) => link.try_open(now),
            Self::Udp(link) => link.try_open(now),
        }
    }

    /// After `SIGCHLD`.
    pub fn reap(&mut self) {
        match self {
            Self::Serial(link) => link.reap(),
            Self::Udp(_) => {}
        }
    }

    /// When [`Link::service`] has something to do by itself: another try to open, or a queued frame whose turn it is.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        match self {
            Self::Serial(link) => link.deadline(),
            Self::Udp(link) => link.deadline(),
        }
    }

    /// Open it if a try is due (a serial line: have it opened, or take what was), and send on what is queued. No system call if there is nothing to do.
    pub fn service(&mut self, now: Instant) {
        match self {
            Self::Serial(link) => link.service(now),
            Self::Udp(link) => link.service(now),
        }
    }

    /// The next bytes or the next datagram. Keep reading until [`Incoming::Empty`].
    pub fn read(&mut self, now: Instant, buf: &mut [u8]) -> Incoming {
        match self {
            Self::Serial(link) => link.read(now, buf),
            Self::Udp(link) => link.read(now, buf),
        }
    }

    /// Something changed about this machine's interfaces: look at the own one, and follow it.
    pub fn look(&mut self, now: Instant) {
        match self {
            Self::Serial(_) => {}
            Self::Udp(link) => link.look(now),
        }
    }

    /// Somebody calls [`Link::look`] whenever an interface changes. Otherwise the link looks by itself before each send.
    pub fn watched(&mut self, watched: bool) {
        match self {
            Self::Serial(_) => {}
            Self::Udp(link) => link.watched(watched),
        }
    }

    /// After this long without a peer that is heard and hears, [`Link::wants_ways`] asks.
    pub fn patience(&mut self, now: Instant, patience: Duration) {
        match self {
            Self::Serial(_) => {}
            Self::Udp(link) => link.patience(now, patience),
        }
    }

    /// [`Link::ways`] is to be told.
    #[must_use]
    pub fn wants_ways(&self, now: Instant) -> bool {
        match self {
            Self::Serial(_) => false,
            Self::Udp(link) => link.wants_ways(now),
        }
    }

    /// Is the peer heard on this link and says that it hears it (`both`), and is that so on another link as well
    /// (`spare`)? Where it is not, the link is opened anew, and a broadcast link tries its two addresses.
    pub fn ways(&mut self, now: Instant, both: bool, spare: bool) {
        match self {
            Self::Serial(_) => {}
            Self::Udp(link) => link.ways(now, both, spare),
        }
    }

    /// Do its broadcasts go to 255.255.255.255 as well as to the broadcast address of its interface?
    #[must_use]
    pub fn is_limited_too(&self) -> bool {
        match self {
            Self::Serial(_) => false,
            Self::Udp(link) => link.is_limited_too(),
        }
    }

    /// Send one frame, whole or not at all.
    pub fn send(&mut self, now: Instant, frame: &[u8]) -> Outgoing {
        match self {
            Self::Serial(link) => link.send(now, frame),
            Self::Udp(link) => link.send(now, frame),
        }
    }

    /// Would a frame go to the driver at once, in nobody's place?
    #[cfg(feature = "bridge")]
    #[must_use]
    pub fn is_idle(&self, now: Instant) -> bool {
        match self {
            Self::Serial(link) => link.is_idle(now),
            Self::Udp(_) => true,
        }
    }

    /// Also wait for room to write: a frame is partly out, or the kernel had no room for one.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        match self {
            Self::Serial(link) => link.wants_write(),
            Self::Udp(_) => false,
        }
    }

    /// What changed since the last call, for the log and for [`hb_core::Input::LinkChanged`]. Edges only.
    pub fn take_change(&mut self) -> Option<Change> {
        match self {
            Self::Serial(link) => link.health.take_change(),
            Self::Udp(link) => link.health.take_change(),
        }
    }

    /// Close it for good: it does not open itself again.
    pub fn close(&mut self) {
        match self {
            Self::Serial(link) => link.close(),
            Self::Udp(link) => link.close(),
        }
    }
}
