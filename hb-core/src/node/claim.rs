//! The part of a group's data in a claim (DESIGN §9): may it begin on this copy, what must come first, and what an
//! operator may say about it.

use super::Node;
use crate::cluster::data::{CopyEvent, Stage};
use crate::cluster::group::{Gate, Group, GroupEvent};
use crate::event::{Cause, Event, Stale, Wait};
use crate::ids::{GroupId, Side, Token};
use crate::input::Watchdog;
use crate::stamp::Stamp;

/// What the last gate of a claim says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pass {
    /// The copy is stamped, or there is none: the scripts may run.
    Open,
    /// A pull or a write runs.
    Wait,
    /// No start on this copy: give the group back.
    Withdraw,
}

impl Node {
    /// What forbids a claim on this copy.
    pub(super) fn copy_wait(&self, id: GroupId) -> Option<Wait> {
        let group = self.group(id)?;
        if group.copy()?.pulls() {
            return Some(Wait::PullEnds);
        }
        if self.mendable(id) { None } else { self.blocked(group).map(Wait::StaleCopy) }
    }

    /// Why no tenure may begin on the copy as it is.
    fn blocked(&self, group: &Group) -> Option<Stale> {
        group.copy()?.blocked(self.config.side, self.clock.real())
    }

    /// This node could start the group (DESIGN §7 O1.5).
    pub(super) fn able(&self, group: &Group) -> bool {
        group.able()
            && self.watchdog != Watchdog::Pending
            && !self.has_twin()
            && self.blocked(group).is_none()
    }

    /// The peer is stopped, reachable, and has all that is missing here.
    fn mendable(&self, id: GroupId) -> bool {
        let Some(copy) = self.copy(id) else { return false };
        let newest = |(epoch, stopped)| stopped && epoch >= copy.newest;
        self.peer.both_ways()
            && self.now >= copy.pause_until
            && copy.stage != Stage::Unread
            && self.missing(id).is_some_and(newest)
    }

    /// The epoch of the peer's copy if that has more than this one; and whether the peer is proven stopped.
    fn missing(&self, id: GroupId) -> Option<(u32, bool)> {
        let copy = self.copy(id)?;
        let stopped = !self.peers(id)?.state.may_run();
        let theirs = copy.theirs.filter(|theirs| copy.stamp.lacks(self.config.side, theirs))?;
        Some((theirs.epoch, stopped))
    }

    /// The side whose copy is the newer one; both nodes come to the same (DESIGN §9.15, §7 O3.2).
    pub(super) fn newer_copy(&self, id: GroupId) -> Option<Side> {
        let me = self.config.side;
        let copy = self.copy(id).filter(|copy| copy.stage != Stage::Unread)?;
        let rank = |stamp: &Stamp, side| (stamp.epoch, !stamp.partial, stamp.writer() == Some(side));
        match rank(&copy.stamp, me).cmp(&rank(copy.theirs.as_ref()?, me.other())) {
            core::cmp::Ordering::Greater => Some(me),
            core::cmp::Ordering::Less => Some(me.other()),
            core::cmp::Ordering::Equal => None,
        }
    }

    /// The last gate of a claim: bring what the stopped peer has, then the stamp, then the scripts (DESIGN §9.4).
    pub(super) fn pass_data(&mut self, id: GroupId) -> Pass {
        let Some(copy) = self.copy(id) else { return Pass::Open };
        match copy.stage {
            // What is queued may say more of the peer's copy.
            _ if self.recovering => Pass::Wait,
            Stage::Written | Stage::Live => Pass::Open,
            Stage::Writing => {
                if self.now >= copy.at {
                    self.stamp_failed(id);
                }
                Pass::Wait
            }
            Stage::Unread | Stage::Pulling | Stage::Last | Stage::Ending => Pass::Wait,
            Stage::Rest => self.prepare(id),
        }
    }

    /// Nothing runs over the copy: what is next? (DESIGN §9.11, §9.16).
    fn prepare(&mut self, id: GroupId) -> Pass {
        let (me, real) = (self.config.side, self.clock.real());
        let missing = self.missing(id);
        let Some(copy) = self.copy(id) else { return Pass::Wait };
        let (cut, overdue) = (copy.cut, self.now >= copy.at);
        // Of the last epoch nothing tells whose copy is the newer one; nor does a peer that has lost its stamp say what it wrote
        // after the last pull of it.
        let pulled = copy.stamp.writer() == Some(me.other());
        let untold = !copy.stamp.last
            && copy.theirs.is_some_and(|theirs| theirs.epoch == u32::MAX || theirs.epoch == 0 && pulled);
        let (stale, blocked) = (copy.stale(me, real), copy.blocked(me, real).is_some());
        match missing {
            Some((_, true)) if !cut => {
                self.copy_event(id, CopyEvent::Fetch);
                return Pass::Wait;
            }
            // It came back and is about to prove itself stopped.
            Some((_, false)) if !cut && !overdue => return Pass::Wait,
            Some(_) if self.peer_could_take(id) => return self.withdraw(id),
            _ if blocked => return self.withdraw(id),
            Some(_) => self.report(Event::StartsBehind(id)),
            // Said, for an operator to look.
            None if untold => self.report(Event::StartsBehind(id)),
            None => {}
        }
        if let Some(stale) = stale {
            self.report(Event::StaleAccepted(id, stale));
        }
        self.copy_event(id, CopyEvent::Sign);
        Pass::Wait
    }

    fn withdraw(&mut self, id: GroupId) -> Pass {
        let now = self.now;
        let Some(group) = self.group_mut(id) else { return Pass::Wait };
        group.pinned = false;
        if let Some(copy) = group.copy_mut()
            && copy.cut
        {
            copy.rest_from_handovers(now);
            self.report(Event::LastPullFailed(id));
        }
        Pass::Withdraw
    }

    /// A stamp was written, or could not be: only the one that a claim waits for changes anything.
    pub(super) fn stamp_written(&mut self, token: Token, ok: bool) {
        let awaits = |id: &GroupId| {
            self.copy(*id).is_some_and(|copy| copy.stage == Stage::Writing && copy.token == token)
        };
        let Some(id) = self.group_ids().find(awaits) else { return };
        if ok {
            self.copy_event(id, CopyEvent::Signed);
        } else {
            self.stamp_failed(id);
        }
    }

    /// Without its stamp on the disk no tenure begins: the start has failed.
    fn stamp_failed(&mut self, id: GroupId) {
        self.copy_event(id, CopyEvent::Unsigned);
        self.report(Event::StampFailed(id));
        if self.group(id).is_some_and(|group| matches!(group.gate, Gate::Data)) {
            self.change(id, GroupEvent::StartFailed, Cause::Data);
        }
    }

    /// An operator takes the stale copy for good enough. `true` when it was not before, and the directive allows that.
    pub(super) fn accept_copy(&mut self, id: GroupId) -> bool {
        let (me, real) = (self.config.side, self.clock.real());
        let Some(copy) = self.copy_mut(id) else { return false };
        if copy.blocked(me, real).is_none() {
            return false;
        }
        copy.accepted = true;
        copy.accepted = copy.blocked(me, real).is_none();
        copy.accepted
    }
}
