//! S1c: where the peer is silent and an answer holds a claim back, no claim begins, nor the first script of one, while the
//! other machine runs the group and is seen to answer for it on the clients' network.
//!
//! What shows *held* and has lost its address is O8b's: it is put back after a question.
//!
//! The bound is in the past: the network has been whole, and the address has been up there, or the group has run in part
//! beside a daemon that is awake, for all the time in which the claimant asks, from `warntime` on. A claimant that heard its peer within the deadtime has not claimed on silence. Of two that
//! claim at once the other one's start is no older.

use super::facts::Facts;
use super::{Verdict, breach};
use crate::fault::Kind;
use crate::note::Note;
use crate::world::World;
use hb_core::config::Answered;
use hb_core::config::MAX_GROUPS;
use hb_core::message::GroupState;
use hb_core::{Cause, Event, Instant, PeerState, Verb};

pub(super) struct Asked {
    /// Since when the clients' network joins the two machines.
    joined: Instant,
    /// By machine: since when its daemon is awake.
    awake: [Instant; 2],
    /// By machine and group: when it was shown as held last.
    held: [[Instant; MAX_GROUPS]; 2],
    /// By machine and group: claimed, and no start script has begun.
    claimed: [u16; 2],
    /// Some command, or a fence, may have ended the question.
    excused: bool,
}

impl Asked {
    pub(super) fn new(facts: &Facts) -> Self {
        let ends = |kind: Kind| matches!(kind, Kind::ConfirmDown);
        let excused = facts.plan.setting.fence.is_some()
            || facts.plan.setting.answered != Some(Answered::Wait)
            || facts.plan.faults.iter().any(|fault| ends(fault.kind));
        Self {
            joined: Instant::ZERO,
            awake: [Instant::ZERO; 2],
            held: [[Instant::ZERO; MAX_GROUPS]; 2],
            claimed: [0; 2],
            excused,
        }
    }

    pub(super) fn check(&mut self, world: &World, facts: &Facts) -> Verdict {
        if !world.lan.joins(0) {
            self.joined = world.now;
        }
        for host in 0..2 {
            if world.hosts[host].node.is_none() || world.hosts[host].frozen {
                self.awake[host] = world.now;
            }
            for (group, held) in self.held[host].iter_mut().enumerate() {
                if world.hosts[host].shown(group).is_some_and(|shown| shown.state == GroupState::Held) {
                    *held = world.now;
                }
            }
        }
        if self.excused {
            return Ok(());
        }
        for note in &world.notes {
            match *note {
                Note::Said {
                    host,
                    event: Event::Group { group, from, to: GroupState::Starting, cause, .. },
                } if from != GroupState::Held => {
                    self.claimed[host] |= 1 << group.0;
                    if cause == Cause::PeerDead {
                        self.claim(world, facts, host, usize::from(group.0), "claimed")?;
                    }
                }
                // Held up until now: the silence that it rests on may be another one than that of the claim.
                Note::Called { host, group, verb: Verb::Start, .. }
                    if self.claimed[host] >> group & 1 != 0 =>
                {
                    self.claimed[host] &= !(1 << group);
                    let node = world.hosts[host].node.as_ref();
                    if node.is_some_and(|node| node.glance().peer == PeerState::Dead) {
                        self.claim(world, facts, host, usize::from(group), "begun")?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// `host` claims the group, or begins its first script.
    fn claim(&self, world: &World, facts: &Facts, host: usize, group: usize, what: &str) -> Verdict {
        let setting = &facts.plan.setting;
        let round = setting.slow(setting.deadtime());
        let other = &world.hosts[1 - host];
        let parts = other.held_since(group).filter(|_| other.shown(group).is_some());
        let parts = parts.map(|since| since.max(self.awake[1 - host]).max(self.held[1 - host][group]));
        let Some(since) = other.answers_since(group).into_iter().chain(parts).min() else { return Ok(()) };
        let (lasted, whole) = (world.now.since(since), world.now.since(self.joined));
        if lasted <= round || whole <= round {
            return Ok(());
        }
        let what = format!(
            "group {group}: {what} by {host}, and the other machine has run it for {lasted:?} and is seen to answer"
        );
        breach("S1", world, what)
    }
}
