//! S1c: where the peer is silent and an answer holds a claim back, no claim begins while the other machine runs the group and
//! is seen to answer for it on the clients' network.
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
use hb_core::message::GroupState;
use hb_core::{Cause, Event, Instant};

pub(super) struct Asked {
    /// Since when the clients' network joins the two machines.
    joined: Instant,
    /// By machine: since when its daemon is awake.
    awake: [Instant; 2],
    /// Some command, or a fence, may have ended the question.
    excused: bool,
}

impl Asked {
    pub(super) fn new(facts: &Facts) -> Self {
        let ends = |kind: Kind| matches!(kind, Kind::ConfirmDown);
        let excused = facts.plan.setting.fence.is_some()
            || facts.plan.setting.answered != Some(Answered::Wait)
            || facts.plan.faults.iter().any(|fault| ends(fault.kind));
        Self { joined: Instant::ZERO, awake: [Instant::ZERO; 2], excused }
    }

    pub(super) fn check(&mut self, world: &World, facts: &Facts) -> Verdict {
        if !world.lan.joins(0) {
            self.joined = world.now;
        }
        for host in 0..2 {
            if world.hosts[host].node.is_none() || world.hosts[host].frozen {
                self.awake[host] = world.now;
            }
        }
        if self.excused {
            return Ok(());
        }
        for note in &world.notes {
            let Note::Said { host, event } = *note else { continue };
            let Event::Group { group, to: GroupState::Starting, cause: Cause::PeerDead, .. } = event else {
                continue;
            };
            let group = usize::from(group.0);
            let setting = &facts.plan.setting;
            let round = setting.slow(setting.deadtime());
            let other = &world.hosts[1 - host];
            let held = other.shown(group).is_none_or(|shown| shown.state == GroupState::Held);
            let parts = other.held_since(group).filter(|_| !held);
            let parts = parts.map(|since| since.max(self.awake[1 - host]));
            let Some(since) = other.answers_since(group).into_iter().chain(parts).min() else { continue };
            let (lasted, whole) = (world.now.since(since), world.now.since(self.joined));
            if lasted > round && whole > round {
                let what = format!(
                    "group {group}: claimed by {host}, and the other machine has run it for {lasted:?} and is seen to answer"
                );
                return breach("S1", world, what);
            }
        }
        Ok(())
    }
}
