//! Which plugs are in: derived from who has power and which cables are whole, and applied in one go.

use super::clock::Stamp;
use super::node::Node;
use super::nullmodem::NullModem;
use super::wiring::Wiring;
use std::io;

/// A cable of the rig.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cable {
    /// A node's way to the LAN.
    Lan(Node),
    /// The crossover Ethernet cable.
    Cross,
    /// The null-modem.
    Serial,
    /// One wire of the null-modem: what this node sends is lost.
    SerialFrom(Node),
    /// The intruder's plug in the crossover segment, out unless somebody puts it in.
    Intruder,
}

/// The hand on every plug.
#[derive(Debug)]
pub(super) struct Plugs {
    pub(super) power: [bool; 2],
    lan: [bool; 2],
    cross: bool,
    serial: [bool; 2],
    intruder: bool,
    /// As last told to the switch: `lan-*` and `cross-*` of both nodes, `cross-intruder`.
    applied: [bool; 5],
}

impl Plugs {
    /// As [`Wiring`] makes them: all in, nobody has power yet.
    pub(super) fn new() -> Self {
        Self {
            power: [false; 2],
            lan: [true; 2],
            cross: true,
            serial: [true; 2],
            intruder: false,
            applied: [true; 5],
        }
    }

    /// Plugs `cable` in, or pulls it. Takes effect with [`Self::apply`].
    pub(super) fn set(&mut self, cable: Cable, whole: bool) {
        match cable {
            Cable::Lan(node) => self.lan[node.index()] = whole,
            Cable::Cross => self.cross = whole,
            Cable::Serial => self.serial = [whole; 2],
            Cable::SerialFrom(node) => self.serial[node.index()] = whole,
            Cable::Intruder => self.intruder = whole,
        }
    }

    /// Tells the switch and the null-modem. A machine without power also takes its peer's carrier away, as the far end
    /// of a crossover cable does. Says when all of it was done.
    pub(super) fn apply(&mut self, wiring: &Wiring, serial: Option<&NullModem>) -> io::Result<Stamp> {
        if let Some(cable) = serial {
            for from in [0, 1] {
                cable.set_cut(from, !(self.serial[from] && self.power[from]));
            }
        }
        let both = self.power[0] && self.power[1] && self.cross;
        let wanted = [
            self.lan[0] && self.power[0],
            self.lan[1] && self.power[1],
            self.power[0] && (both || self.intruder),
            self.power[1] && (both || self.intruder),
            self.intruder,
        ];
        const PORTS: [&str; 5] = ["lan-ha-1", "lan-ha-2", "cross-ha-1", "cross-ha-2", "cross-intruder"];
        let mut at = Stamp::now();
        for up in [false, true] {
            let changed: Vec<String> = (0..PORTS.len())
                .filter(|&port| wanted[port] == up && self.applied[port] != up)
                .map(|port| PORTS[port].to_owned())
                .collect();
            if !changed.is_empty() {
                at = wiring.set(&changed, up)?;
            }
        }
        self.applied = wanted;
        Ok(at)
    }
}
