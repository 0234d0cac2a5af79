//! What the bridge itself knows of the node at a port.

use super::{Guard, Named};
use hb_core::auth::{self, Room};
use hb_core::message::wire::Says;
use hb_core::{Duration, Incarnation, Instant, Side};

/// Whose frame it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    /// It has the header of a frame of this cluster, and no tag that could be checked.
    Somebody,
    /// The node's, of the life that is known.
    Same,
    /// The node's, and it shows its life.
    Life(Named),
}

/// A node, as far as it was heard since the bridge started.
#[derive(Debug)]
pub(super) struct Victim {
    /// When a frame of this cluster came last; at first the start, for what was before is not known.
    heard: Instant,
    /// The life of its last hello.
    life: Option<(Incarnation, Named)>,
    /// The highest number of a frame of that life.
    seq: u32,
    /// The highest counter of all its lives.
    highest: u32,
    /// Its last verified frame said that something cannot be stopped.
    pub(super) stuck: bool,
    /// The deadtime that its last hello announced.
    pub(super) deadtime: Option<Duration>,
}

impl Victim {
    pub(super) const fn new() -> Self {
        Self { heard: Instant::ZERO, life: None, seq: 0, highest: 0, stuck: false, deadtime: None }
    }

    /// Heard within `silence`, and not stuck by its own word.
    pub(super) fn is_heard(&self, now: Instant, silence: Duration) -> bool {
        !self.stuck && now.since(self.heard) < silence
    }

    /// A later life than `named` is known: the *fire* is for one that is gone.
    pub(super) fn is_other(&self, named: Named) -> bool {
        self.life.is_some_and(|(_, last)| last.boot != named.boot && named.counter <= self.highest)
    }

    /// It said `datagram`; `None` if that is no frame of this cluster's.
    pub(super) fn hear(&mut self, datagram: &[u8], guard: &Guard, now: Instant) -> Option<Heard> {
        let [first, flags, low, high, ..] = *datagram else { return None };
        if first >> 4 == 0 || u16::from_le_bytes([low, high]) != guard.cluster {
            return None;
        }
        self.heard = now;
        let receiver = if flags & 1 == 0 { Side::Odd } else { Side::Even };
        let mut room = Room::new();
        let met = self.life.map(|(life, _)| life);
        let opened = auth::open_in(&mut room, datagram, receiver, guard.cluster, &guard.keys, met);
        let Ok(message) = opened else { return Some(Heard::Somebody) };
        let known = met == Some(message.incarnation);
        let shown = message.hello.as_ref().map(|hello| {
            self.deadtime = Some(hello.deadtime);
            Named { boot: hello.boot, counter: message.incarnation.counter }
        });
        if known && message.seq <= self.seq {
            // Played back, or a copy.
            return Some(Heard::Somebody);
        }
        if let Some(named) = shown.filter(|_| !known) {
            if named.counter <= self.highest && self.life.is_some() {
                // An earlier life: played back, or its state file is lost.
                return Some(Heard::Somebody);
            }
            self.life = Some((message.incarnation, named));
            self.highest = named.counter;
        }
        self.seq = message.seq;
        let says = Says::of(&message.beat);
        self.stuck = says.take && !says.nothing;
        Some(shown.map_or(Heard::Same, Heard::Life))
    }
}
