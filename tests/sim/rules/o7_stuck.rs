//! O7: a stuck group blocks every claim by a peer that was told of it, also after silence and whatever lives the stuck node
//! has since, until it is proven stopped, its machine was reset, or an operator vouched.
//!
//! A stop that failed leaves the service running, and nobody knows for how long. The proof is a state that the node
//! itself shows after it (idle, failed, with nothing left running), or the loss of the machine's power. What the peer
//! knows ends with its own life: it is told again, by a beat that shows the group stuck, or asks the address (DESIGN §4). A reset that is inferred from silence
//! is a real one, for a watchdog that was announced fires; one that is broken by a fault of the run is judged by nobody.

use super::{Verdict, breach};
use crate::note::Note;
use crate::open::Part;
use crate::world::World;
use hb_core::message::GroupState;
use hb_core::{Cause, Event, Instant};

pub(super) struct Blocks {
    /// By host and service: since when it is stuck there, and runs.
    stuck: [Vec<Option<Instant>>; 2],
    /// By host and service: when it was last shown so.
    shown: [Vec<Instant>; 2],
    /// By host and service: its daemon was told that the other one is stuck.
    told: [Vec<bool>; 2],
    /// By host: its watchdog was broken while something was stuck.
    spoiled: [bool; 2],
}

impl Blocks {
    pub(super) fn new(groups: usize) -> Self {
        Self {
            stuck: [vec![None; groups], vec![None; groups]],
            shown: [vec![Instant::ZERO; groups], vec![Instant::ZERO; groups]],
            told: [vec![false; groups], vec![false; groups]],
            spoiled: [false; 2],
        }
    }

    pub(super) fn check(&mut self, world: &World) -> Verdict {
        if !Part::Stuck.on() {
            return Ok(());
        }
        for note in &world.notes {
            match *note {
                Note::Power { host, on: false } => {
                    self.stuck[host].fill(None);
                    self.told[1 - host].fill(false);
                }
                Note::Daemon { host, .. } | Note::Said { host, event: Event::ConfirmedDown } => {
                    self.told[host].fill(false);
                }
                Note::Heard { host, sent, .. } => {
                    let shown = &self.shown[1 - host];
                    for ((told, stuck), shown) in
                        self.told[host].iter_mut().zip(&self.stuck[1 - host]).zip(shown)
                    {
                        *told |= stuck.is_some_and(|since| sent >= since && sent <= *shown);
                    }
                }
                Note::Said {
                    host,
                    event:
                        Event::Group {
                            group,
                            from: GroupState::Idle | GroupState::Failed,
                            to: GroupState::Starting,
                            cause,
                            ..
                        },
                } if cause != Cause::Monitor => self.claims(world, host, usize::from(group.0))?,
                _ => {}
            }
        }
        for (host, h) in world.hosts.iter().enumerate() {
            for service in 0..self.stuck[host].len() {
                let runs = h.serves_since(service).is_some();
                let shown = h.view(service).map(|shown| shown.state);
                match shown {
                    Some(GroupState::Stuck) if runs => {
                        self.shown[host][service] = world.now;
                        self.stuck[host][service].get_or_insert(world.now);
                    }
                    _ if runs => {}
                    _ => {
                        self.stuck[host][service] = None;
                        self.told[1 - host][service] = false;
                    }
                }
            }
            let any = self.stuck[host].iter().any(Option::is_some);
            self.spoiled[host] = any && (self.spoiled[host] || h.dog.broken);
        }
        Ok(())
    }

    fn claims(&self, world: &World, host: usize, group: usize) -> Verdict {
        for service in world.hosts[host].services(group) {
            let stuck = self.stuck[1 - host][service].is_some() && self.told[host][service];
            let runs = world.hosts[1 - host].serves_since(service).is_some();
            if stuck && runs && !self.spoiled[1 - host] {
                let what = format!("{host} claims group {service}, which is stuck on the other, and it knew");
                return breach("O7", world, what);
            }
        }
        Ok(())
    }
}
