//! Two ports and the two directions between them.

use crate::Port;
use crate::fence::State;
use crate::lane::Lane;
use crate::office::Office;
use crate::report;
use crate::stats::Stats;
use embedded_io::{Read, ReadReady, Write, WriteReady};
use hb_core::auth::{Key, Keyring};
use hb_core::{Duration, Instant};

/// Bytes that one [`Bridge::step`] reads, and writes, in each direction at most.
pub const STEP_BYTES: usize = 64;

/// What a board knows of its own start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct About {
    /// A number of this start that no other start had, as far as the board can tell.
    pub boot: u32,
    /// Why it started: 0 power or reset pin, 1 watchdog, 2 a reset that the program asked for, 3 unknown.
    pub cause: u8,
}

/// A relay between port `A` and port `B`. It takes 3.9 KB in a build with `sha1`, its ring of keys included.
#[derive(Debug)]
pub struct Bridge<A, B> {
    a: A,
    b: B,
    a_to_b: Lane,
    b_to_a: Lane,
    about: About,
    office: Office,
}

impl<A, B> Bridge<A, B>
where
    A: Read + ReadReady + Write + WriteReady,
    B: Read + ReadReady + Write + WriteReady,
{
    /// A relay that forwards no frame later than `max_age` after it was read.
    ///
    /// A late beat is taken for life, so a node's death may be seen later by as much. The nodes' keepalive is a good
    /// value; it must not be shorter than the longest frame takes at the slower port (436 bytes: 454 ms at 9,600 baud,
    /// 227 ms at 19,200).
    #[must_use]
    pub const fn new(a: A, b: B, max_age: Duration) -> Self {
        let about = About { boot: 0, cause: 3 };
        let (a_to_b, b_to_a) = (Lane::new(max_age), Lane::new(max_age));
        Self { a, b, a_to_b, b_to_a, about, office: Office::new() }
    }

    /// What the report says of this start.
    pub const fn set_about(&mut self, about: About) {
        self.about = about;
    }

    /// Text of Linux-HA Heartbeat passes as well, whole messages of up to 436 bytes; else it is counted alone. For a cluster
    /// that is moved over node by node: without it a node behind the bridge cannot name a peer that runs Heartbeat.
    #[cfg(feature = "linux-ha")]
    pub const fn pass_text(&mut self, pass: bool) {
        self.a_to_b.pass_text = pass;
        self.b_to_a.pass_text = pass;
    }

    /// Move what can be moved at `now` without waiting: at most [`STEP_BYTES`] read and as many written in each
    /// direction, so neither direction can keep the other waiting, whatever comes in.
    ///
    /// True if anything was moved: call it again before going to sleep. A board sleeps until one of its ports is ready
    /// or a fraction of `max_age` has passed.
    pub fn step(&mut self, now: Instant) -> bool {
        let office = &mut self.office;
        let read = [
            self.a_to_b.read(&mut self.a, STEP_BYTES, now, &mut |d| office.meet(Port::A, d, now)),
            self.b_to_a.read(&mut self.b, STEP_BYTES, now, &mut |d| office.meet(Port::B, d, now)),
        ];
        office.tick(now);
        for port in Port::BOTH {
            self.speak(port, now);
        }
        let written = [
            self.a_to_b.write(&mut self.b, STEP_BYTES, now),
            self.b_to_a.write(&mut self.a, STEP_BYTES, now),
        ];
        read != [0, 0] || written != [0, 0]
    }

    /// Give what the bridge has to say to the node at `port` its place on the line. Never part of a step, whose stack a tag
    /// that is checked is on top of.
    #[inline(never)]
    fn speak(&mut self, port: Port, now: Instant) {
        let (from, to) = match port {
            Port::A => (&self.a_to_b, &mut self.b_to_a),
            Port::B => (&self.b_to_a, &mut self.a_to_b),
        };
        let said = self.office.to_say(port);
        if !said.is_empty() {
            if to.out.say(said, now) {
                self.office.is_said(port);
            }
        } else if let Some(page) = self.office.page(port) {
            let words = report::words(page, &from.stats, &to.stats, self.about, now);
            to.out.say(&report::report(page, words), now);
        }
    }

    /// Take fence requests of who has one of `keys`, in `cluster` (`hb_core::identity::cluster`). Without this call no output
    /// ever moves. `seed` comes from the board's source of randomness: no two starts may have the same one, or a recorded
    /// *fire* could fit again.
    pub fn guard(&mut self, keys: Keyring, cluster: u16, seed: u64) {
        self.office.guard(keys, cluster, seed);
    }

    /// [`Self::guard`] with a ring of these keys; false if they are none.
    pub(crate) fn guard_by(&mut self, keys: &[(u8, Key)], signer: u8, cluster: u16, seed: u64) -> bool {
        self.office.guard_by(keys, signer, cluster, seed)
    }

    /// What the reset outputs are to be, of the nodes at `A` and `B`: to be set after each step.
    #[must_use]
    pub fn resets(&self) -> [bool; 2] {
        Port::BOTH.map(|port| self.office.is_on(port))
    }

    /// Where the fence of the node at `port` is.
    #[must_use]
    pub fn fence(&self, port: Port) -> State {
        self.office.state(port)
    }

    /// The sense input of the node at `port`, before each step: high while it has its supply, or is not in reset. A board
    /// without one never calls this.
    pub fn sense(&mut self, port: Port, up: bool) {
        self.office.sense(port, up);
    }

    /// What went from `A` to `B`.
    #[must_use]
    pub const fn a_to_b(&self) -> &Stats {
        &self.a_to_b.stats
    }

    /// What went from `B` to `A`.
    #[must_use]
    pub const fn b_to_a(&self) -> &Stats {
        &self.b_to_a.stats
    }

    /// The two ports, and an end of the relay. Frames that wait are lost.
    pub fn into_ports(self) -> (A, B) {
        (self.a, self.b)
    }
}
