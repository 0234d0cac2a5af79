//! What one port is to write: the frame under way, the newest one behind it, and one of the bridge's own.

use crate::stats::{Stats, add, count};
use embedded_io::{Write, WriteReady};
use hb_core::frame::{encode, max_encoded};
use hb_core::message::wire::LONGEST;
use hb_core::{Duration, Instant};

/// Bytes of the longest frame of any version on a stream.
pub(crate) const MAX_CODED: usize = max_encoded(LONGEST);
/// Bytes of the longest datagram that the bridge says itself.
pub const MAX_OWN: usize = 48;

/// Coded bytes and when they were read.
#[derive(Clone, Debug)]
struct Place<const N: usize> {
    bytes: [u8; N],
    /// 0: there is nothing.
    len: usize,
    since: Instant,
}

impl<const N: usize> Place<N> {
    const fn empty() -> Self {
        Self { bytes: [0; N], len: 0, since: Instant::ZERO }
    }

    fn rest(&self, from: usize) -> &[u8] {
        self.bytes.get(from..self.len).unwrap_or_default()
    }

    fn is_old(&self, now: Instant, limit: Duration) -> bool {
        self.len > 0 && now.since(self.since) > limit
    }
}

/// Whose bytes are being written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Turn {
    /// Nobody's: the last frame went out whole.
    Rest,
    /// Those of the other node.
    Relayed,
    /// The bridge's own.
    Own,
}

/// A frame waits only while there is a current one.
#[derive(Clone, Debug)]
pub(crate) struct Out {
    current: Place<MAX_CODED>,
    waiting: Place<MAX_CODED>,
    own: Place<{ max_encoded(MAX_OWN) }>,
    turn: Turn,
    /// So much of the frame under way is out.
    written: usize,
    /// The last frame was a relayed one, so that one of the bridge's own goes before the next.
    own_is_next: bool,
    max_age: Duration,
}

impl Out {
    pub(crate) const fn new(max_age: Duration) -> Self {
        Self {
            current: Place::empty(),
            waiting: Place::empty(),
            own: Place::empty(),
            turn: Turn::Rest,
            written: 0,
            own_is_next: false,
            max_age,
        }
    }

    /// A frame or a text to be passed on. The newest one takes the place of one that waits.
    pub(crate) fn relay(&mut self, what: What<'_>, now: Instant, stats: &mut Stats) {
        let place = if self.current.len == 0 { &mut self.current } else { &mut self.waiting };
        if place.len > 0 {
            count(&mut stats.replaced);
        }
        // What was decoded, or is a text that fitted its collector, always fits.
        place.len = match what {
            What::Datagram(datagram) => encode(datagram, &mut place.bytes).unwrap_or(0),
            #[cfg(feature = "linux-ha")]
            What::Text(text) => {
                place.bytes.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
                text.len().min(place.bytes.len())
            }
        };
        place.since = now;
    }

    /// A datagram of the bridge's own. It replaces one that was not begun; none replaces one that was. True if it has its
    /// place.
    pub(crate) fn say(&mut self, datagram: &[u8], now: Instant) -> bool {
        let free = self.turn != Turn::Own;
        if free {
            self.own.len = encode(datagram, &mut self.own.bytes).unwrap_or(0);
            self.own.since = now;
        }
        free
    }

    /// Write what the port takes, `limit` bytes at most. Gives how many were written.
    pub(crate) fn write<P: Write + WriteReady>(
        &mut self,
        port: &mut P,
        limit: usize,
        now: Instant,
        stats: &mut Stats,
    ) -> usize {
        self.drop_old(now, stats);
        let mut total = 0_usize;
        while let Some(left @ 1..) = limit.checked_sub(total) {
            if self.turn == Turn::Rest {
                self.turn = self.choose();
            }
            let rest = match self.turn {
                Turn::Rest => break,
                Turn::Relayed => self.current.rest(self.written),
                Turn::Own => self.own.rest(self.written),
            };
            let piece = rest.get(..left).unwrap_or(rest);
            let put = match port.write_ready() {
                Ok(false) => break,
                Ok(true) => port.write(piece),
                Err(error) => Err(error),
            };
            match put {
                Ok(0) => break,
                Ok(put) if put < rest.len() => {
                    add_to(&mut total, put);
                    add_to(&mut self.written, put);
                }
                Ok(put) => {
                    add_to(&mut total, put);
                    self.done(stats);
                }
                Err(_) => {
                    // How much of the piece went out is not known: begin anew, the delimiter in front ends the rest.
                    count(&mut stats.write_errors);
                    self.written = 0;
                    break;
                }
            }
        }
        total
    }

    /// Whose turn it is, between two frames: one of the bridge's own goes between two relayed ones at most.
    const fn choose(&self) -> Turn {
        match (self.current.len > 0, self.own.len > 0, self.own_is_next) {
            (false, false, _) => Turn::Rest,
            (true, true, false) | (true, false, _) => Turn::Relayed,
            (true, true, true) | (false, true, _) => Turn::Own,
        }
    }

    /// The last byte of the frame under way went out.
    fn done(&mut self, stats: &mut Stats) {
        match self.turn {
            Turn::Rest => {}
            Turn::Relayed => {
                add(&mut stats.forwarded, 1);
                self.next();
            }
            Turn::Own => {
                add(&mut stats.own, 1);
                self.own.len = 0;
            }
        }
        self.own_is_next = self.turn == Turn::Relayed;
        self.written = 0;
        self.turn = Turn::Rest;
    }

    fn drop_old(&mut self, now: Instant, stats: &mut Stats) {
        // The waiting frame is the younger one.
        if self.waiting.is_old(now, self.max_age) {
            count(&mut stats.stale);
            self.waiting.len = 0;
        }
        if self.current.is_old(now, self.max_age) {
            let begun = self.turn == Turn::Relayed && self.written > 0;
            count(if begun { &mut stats.cut } else { &mut stats.stale });
            if self.turn == Turn::Relayed {
                (self.turn, self.written) = (Turn::Rest, 0);
            }
            self.next();
        }
        if self.own.is_old(now, self.max_age) {
            self.own.len = 0;
            if self.turn == Turn::Own {
                (self.turn, self.written) = (Turn::Rest, 0);
            }
        }
    }

    /// The current frame is done with: go on with the waiting one, if there is one.
    fn next(&mut self) {
        self.current.len = 0;
        if self.waiting.len > 0 {
            core::mem::swap(&mut self.current, &mut self.waiting);
        }
    }
}

/// What is passed on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What<'a> {
    /// A frame's content.
    Datagram(&'a [u8]),
    /// A message of Linux-HA Heartbeat, as it came.
    #[cfg(feature = "linux-ha")]
    Text(&'a [u8]),
}

fn add_to(sum: &mut usize, more: usize) {
    *sum = sum.saturating_add(more);
}
