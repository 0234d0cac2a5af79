//! The network that the clients are on, apart from the heartbeat links: who hears a question for a service address, and
//! who answers it.

use crate::note::Note;
use crate::queue::Due;
use crate::world::World;
use hb_core::{Asked, Duration, GroupId, Unable};

/// The way of a question and its answer.
const ROUND_TRIP: Duration = Duration::from_micros(400);

/// Its state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lan {
    /// By machine: its interface has a carrier.
    pub carrier: [bool; 2],
    /// By machine: nothing that it sends there arrives.
    pub cut: [bool; 2],
    /// By machine: nothing gets to it from there, and nothing of it arrives.
    pub deaf: [bool; 2],
    /// There are other hosts on it, which answer whoever asks them.
    pub others: bool,
    /// A third machine answers for every service address.
    pub stranger: bool,
}

impl Default for Lan {
    fn default() -> Self {
        Self { carrier: [true; 2], cut: [false; 2], deaf: [false; 2], others: true, stranger: false }
    }
}

impl Lan {
    /// What `from` sends there arrives at the others.
    #[must_use]
    pub fn sends(&self, from: usize) -> bool {
        self.carrier[from] && !self.cut[from] && !self.deaf[from]
    }

    /// What the others send arrives at `to`.
    #[must_use]
    pub fn hears(&self, to: usize) -> bool {
        self.carrier[to] && !self.deaf[to]
    }

    /// A question of `host` comes to the other machine, and its answer back.
    #[must_use]
    pub fn joins(&self, host: usize) -> bool {
        self.sends(host) && self.sends(1 - host)
    }

    /// Everything on it works, and only the two machines have service addresses.
    #[must_use]
    pub fn whole(&self) -> bool {
        self.joins(0) && !self.stranger
    }
}

/// The hardware address of the third machine.
pub(crate) const STRANGER: [u8; 6] = machine(2);

/// The hardware address of a machine; 2 is the third one.
pub(crate) const fn machine(host: usize) -> [u8; 6] {
    [2, 0, 0, 0, 0, host as u8]
}

impl World {
    /// The other machine is seen to answer for the address of what it runs.
    #[must_use]
    pub fn answers(&self, host: usize, group: usize) -> bool {
        self.probes_see_the_peer && self.lan.joins(host) && self.hosts[1 - host].has_address(group)
    }

    pub(crate) fn ask(&mut self, host: usize, GroupId(group): GroupId) {
        let life = self.hosts[host].life;
        let h = host as u8;
        if self.lan.carrier[host] {
            self.after(Duration::ZERO, Due::Asked { host: h, life, group, what: Asked::Left });
            self.after(ROUND_TRIP, Due::Arp { host: h, life, group });
        } else {
            let what = Asked::Unable(Unable::NoCarrier);
            self.after(Duration::ZERO, Due::Asked { host: h, life, group, what });
        }
    }

    /// A question has come to the other machines, and its answers come back.
    pub(crate) fn question(&mut self, host: usize, life: u32, group: u8) {
        if self.hosts[host].life != life {
            return;
        }
        let (h, other) = (host as u8, 1 - host);
        let by_peer = self.answers(host, usize::from(group));
        let third = self.address_answers || self.lan.stranger;
        let by_third = third && self.lan.sends(host);
        if by_peer || by_third {
            self.notes.push(Note::Asked { host, group });
        }
        for (answers, what) in [
            (by_peer, Asked::Answered { mac: machine(other) }),
            (by_third, Asked::Answered { mac: STRANGER }),
            (self.lan.others && self.lan.sends(host), Asked::Neighbour),
        ] {
            if answers {
                self.deliver(Due::Asked { host: h, life, group, what });
            }
        }
        if self.probes_see_the_peer && self.lan.sends(host) && self.lan.hears(other) {
            let life = self.hosts[other].life;
            self.deliver(Due::Asked { host: other as u8, life, group, what: Asked::Question });
        }
    }

    /// The machine answers for what it is about to take.
    pub(crate) fn defend(&mut self, host: usize, GroupId(group): GroupId) {
        let other = 1 - host;
        if self.probes_see_the_peer && self.lan.sends(host) && self.lan.hears(other) {
            let what = Asked::Defended { mac: machine(host) };
            let life = self.hosts[other].life;
            self.after(ROUND_TRIP, Due::Asked { host: other as u8, life, group, what });
        }
    }
}
