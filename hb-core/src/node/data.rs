//! Data follows the role (DESIGN §9): when the copy of a group is pulled, what a claim does about it before its first
//! start script, and what a handover asks of it. What the copy is good for, `cluster::data` and [`Stamp`] say.

use super::{Node, cover};
use crate::action::Action;
use crate::cluster::data::{self, CopyEvent, Effect, Stage};
use crate::cluster::group::{Gate, Group, GroupEvent};
use crate::config::DataConfig;
use crate::event::{Cause, Event, Wait};
use crate::ids::{GroupId, Side, Token};
use crate::input::Pulled;
use crate::message::{GroupBeat, GroupState, Phase};
use crate::stamp::Stamp;
use crate::status::CopyStatus;
use crate::time::{Duration, Earliest, Instant};

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
    /// The stamp was read from the disk.
    pub(super) fn copy_read(&mut self, id: GroupId, stamp: Stamp, age: Option<Duration>) {
        let real = self.clock.real();
        let Some(group) = self.group_mut(id) else { return };
        if group.config.data.is_none() || group.copy.stage != Stage::Unread || !stamp.is_sound() {
            return;
        }
        group.copy.read(stamp, age, real);
        let higher = group.saw(stamp.epoch);
        if higher {
            self.persist();
        }
        self.out.beat = true;
        self.copy_event(id, CopyEvent::Read);
    }

    /// The one place where a copy changes its stage.
    pub(super) fn copy_event(&mut self, id: GroupId, event: CopyEvent) {
        let (now, real, me) = (self.now, self.clock.real(), self.config.side);
        let Some(group) = self.group_mut(id) else { return };
        let Some(config) = group.config.data else { return };
        let from = group.copy.stage;
        cover!(self, COPY, from, event);
        let (to, effect) = data::next(from, event);
        let token = if matches!(effect, Effect::Pull | Effect::Write) { self.token() } else { Token(0) };
        let line = if effect == Effect::Write { (self.shake.random() & 0xFFFF_FFFF) as u32 } else { 0 };
        let Some(group) = self.group_mut(id) else { return };
        let copy = &mut group.copy;
        copy.stage = to;
        match effect {
            Effect::None => {}
            Effect::Pull => {
                copy.token = token;
                copy.ask.pull = true;
                copy.last = to == Stage::Last;
                copy.begun = real;
                copy.at = now.plus(config.limit);
            }
            Effect::End => copy.ask.end = true,
            Effect::Write => {
                copy.token = token;
                copy.ask.write = true;
                copy.line = line;
                copy.at = now.plus(config.limit);
            }
            Effect::Restore => {
                copy.stamp = copy.stamp.undone(me);
                copy.ask.write = true;
            }
        }
        match (event, from) {
            (CopyEvent::Held, Stage::Written) => {
                let stamp = copy.stamp.begin(me, group.epoch, copy.line);
                copy.serve(stamp);
            }
            (CopyEvent::Over, _) => copy.at = now,
            _ => {}
        }
    }

    /// What waits for the shell.
    pub(super) fn copy_action(&mut self, id: GroupId) -> Option<Action> {
        let me = self.config.side;
        let group = self.group_mut(id)?;
        let copy = &mut group.copy;
        if core::mem::take(&mut copy.ask.pull) {
            let (token, last, own, name) = (copy.token, copy.last, copy.stamp, group.config.name_hash);
            let source = self.peer.group(name).and_then(|shown| shown.stamp).unwrap_or(Stamp::NONE);
            let keep = own.may_hold_more(me, &source);
            return Some(Action::Pull { group: id, token, source, last, keep });
        }
        if core::mem::take(&mut copy.ask.end) {
            return Some(Action::EndPull { token: copy.token });
        }
        if !core::mem::take(&mut copy.ask.write) {
            return None;
        }
        let (awaited, stamp) = match copy.stage {
            Stage::Writing => (Some(copy.token), copy.stamp.begin(me, group.epoch, copy.line)),
            _ => (None, copy.stamp),
        };
        let token = awaited.unwrap_or_else(|| self.token());
        Some(Action::WriteStamp { group: id, token, stamp })
    }

    /// A stamp was written, or could not be: only the one that a claim waits for changes anything.
    pub(super) fn stamp_written(&mut self, token: Token, ok: bool) {
        let awaits = |group: &Group| group.copy.stage == Stage::Writing && group.copy.token == token;
        let Some(id) = self.group_ids().find(|id| self.group(*id).is_some_and(awaits)) else { return };
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
        if self.group(id).is_some_and(|group| group.gate == Gate::Data) {
            self.change(id, GroupEvent::StartFailed, Cause::Data);
        }
    }

    /// A pull ended, by itself or by our hand.
    pub(super) fn pull_done(&mut self, token: Token, outcome: Pulled) {
        let pulls = |group: &Group| group.copy.pulls() && group.copy.token == token;
        let Some(id) = self.group_ids().find(|id| self.group(*id).is_some_and(pulls)) else { return };
        let now = self.now;
        let Some(group) = self.group_mut(id) else { return };
        let Some(config) = group.config.data else { return };
        let copy = &mut group.copy;
        let (before, ended) = (copy.stamp, copy.stage == Stage::Ending);
        copy.at = now.plus(config.interval);
        let event = match outcome {
            Pulled::Whole { stamp, moved } => {
                let news = copy.failed > 0 || !before.synced(&stamp);
                copy.whole(stamp, moved);
                if moved > 0 {
                    self.report(Event::MovedAside { group: id, files: moved });
                }
                if news {
                    self.report(Event::Pulled(id));
                }
                CopyEvent::Whole
            }
            Pulled::Cut { partial } => {
                copy.stamp.partial |= partial;
                copy.cut |= copy.last;
                if !ended {
                    copy.failed = copy.failed.saturating_add(1);
                    if copy.failed == 1 {
                        self.report(Event::PullFailed(id));
                    }
                }
                CopyEvent::Cut
            }
        };
        self.out.beat |= self.group(id).is_some_and(|group| group.copy.stamp != before);
        self.copy_event(id, event);
    }

    /// Pull while the peer holds and this node stands by; end what has lost its reason.
    pub(super) fn follow_copy(&mut self, id: GroupId) {
        let Some(group) = self.group(id) else { return };
        let shown = self.peers(id);
        let stands_by =
            matches!(group.state, GroupState::Idle | GroupState::Failed) && self.phase == Phase::Up;
        match group.copy.stage {
            Stage::Rest => {
                if let Some(source) = self.pull_source(id)
                    && self.now >= self.pull_due(group, source)
                {
                    if let Some(group) = self.group_mut(id) {
                        group.copy.source = source;
                    }
                    self.copy_event(id, CopyEvent::Due);
                }
            }
            Stage::Pulling if !(stands_by && shown.is_some_and(|shown| shown.state == GroupState::Held)) => {
                self.copy_event(id, CopyEvent::Halt);
            }
            Stage::Last => {
                // A peer that left in order is silent, and its disk is still there.
                let there =
                    (self.peer.alive() || self.peer.left) && shown.is_none_or(|shown| !shown.state.may_run());
                let claims = group.state == GroupState::Starting && group.gate == Gate::Data;
                if !there || !claims || self.now >= group.copy.at {
                    self.copy_event(id, CopyEvent::Halt);
                }
            }
            Stage::Live => self.stay_newest(id, shown),
            Stage::Unread | Stage::Pulling | Stage::Ending | Stage::Writing | Stage::Written => {}
        }
    }

    /// The epoch of the holder that this standby may pull from.
    fn pull_source(&self, id: GroupId) -> Option<u32> {
        let group = self.group(id)?;
        let stands_by =
            matches!(group.state, GroupState::Idle | GroupState::Failed) && self.phase == Phase::Up;
        if !stands_by || self.recovering || !self.peer.both_ways() || self.peer.phase != Phase::Up {
            return None;
        }
        let shown = self.peers(id).filter(|shown| shown.state == GroupState::Held)?;
        shown.stamp.map(|stamp| stamp.epoch).filter(|epoch| *epoch != 0)
    }

    /// At once when the holder begins another tenure, else after the pause.
    fn pull_due(&self, group: &Group, source: u32) -> Instant {
        if group.copy.source == source { group.copy.at } else { self.now }
    }

    /// A holder that meets a stamp of its own epoch or above, on a copy that is not its own, goes above it, on a line
    /// of its own: what is served is the newest, and nothing there passes for a part of it.
    fn stay_newest(&mut self, id: GroupId, shown: Option<GroupBeat>) {
        let Some(shown) =
            shown.filter(|shown| !matches!(shown.state, GroupState::Held | GroupState::Starting))
        else {
            return;
        };
        let Some(group) = self.group(id) else { return };
        let (own, held) = (group.copy.stamp, group.state == GroupState::Held);
        let above =
            |stamp: Stamp| stamp.epoch > own.epoch || (stamp.epoch == own.epoch && stamp.line != own.line);
        if held && shown.stamp.is_some_and(above) {
            let line = (self.shake.random() & 0xFFFF_FFFF) as u32;
            if let Some(group) = self.group_mut(id) {
                group.copy.stamp = Stamp { line: line.max(1), from: None, ..own };
            }
            self.raise_epoch(id);
        }
    }

    /// The tenure has another epoch: its stamp says so.
    pub(super) fn restamp(group: &mut Group) {
        if group.config.data.is_some() && group.copy.stage == Stage::Live {
            let stamp = Stamp { epoch: group.epoch, ..group.copy.stamp };
            group.copy.serve(stamp);
            group.copy.ask.write = true;
        }
    }

    // --- claims ----------------------------------------------------------------------------------------------------

    /// What forbids a claim on this copy.
    pub(super) fn copy_wait(&self, id: GroupId) -> Option<Wait> {
        let group = self.group(id)?;
        match group.copy.stage {
            Stage::Pulling | Stage::Last | Stage::Ending => Some(Wait::PullEnds),
            _ if self.mendable(id) => None,
            _ => self.blocked(group).map(Wait::StaleCopy),
        }
    }

    fn blocked(&self, group: &Group) -> Option<crate::event::Stale> {
        group.config.data.and_then(|c| group.copy.blocked(&c, self.config.side, self.clock.real()))
    }

    /// The peer is stopped, reachable, and has all that is missing here.
    fn mendable(&self, id: GroupId) -> bool {
        let Some(group) = self.group(id) else { return false };
        self.peer.both_ways()
            && self.now >= group.copy.pause_until
            && group.copy.stage != Stage::Unread
            && self.missing(id).is_some_and(|(stamp, stopped)| stopped && stamp.epoch >= group.copy.newest)
    }

    /// The stamp of the peer's copy if that has more than this one; and whether the peer is proven stopped.
    fn missing(&self, id: GroupId) -> Option<(Stamp, bool)> {
        let group = self.group(id)?;
        let shown = self.peers(id)?;
        let stamp = shown.stamp.filter(|stamp| group.copy.stamp.lacks(self.config.side, stamp))?;
        Some((stamp, !shown.state.may_run()))
    }

    /// The side whose copy is the newer one; both nodes come to the same.
    pub(super) fn newer_copy(&self, id: GroupId) -> Option<Side> {
        let group = self.group(id)?;
        let me = self.config.side;
        let theirs = self.peers(id)?.stamp?;
        if group.config.data.is_none() || group.copy.stage == Stage::Unread {
            return None;
        }
        let rank = |stamp: &Stamp, side| (stamp.epoch, !stamp.partial, stamp.writer() == Some(side));
        match rank(&group.copy.stamp, me).cmp(&rank(&theirs, me.other())) {
            core::cmp::Ordering::Greater => Some(me),
            core::cmp::Ordering::Less => Some(me.other()),
            core::cmp::Ordering::Equal => None,
        }
    }

    /// The last gate of a claim: bring what the stopped peer has, then the stamp, then the scripts.
    pub(super) fn pass_data(&mut self, id: GroupId) -> Pass {
        let Some(group) = self.group(id) else { return Pass::Wait };
        let Some(config) = group.config.data else { return Pass::Open };
        match group.copy.stage {
            Stage::Written | Stage::Live => Pass::Open,
            Stage::Writing => {
                if self.now >= group.copy.at {
                    self.stamp_failed(id);
                }
                Pass::Wait
            }
            Stage::Unread | Stage::Pulling | Stage::Last | Stage::Ending => Pass::Wait,
            Stage::Rest => self.prepare(id, &config),
        }
    }

    /// Nothing runs over the copy: what is next?
    fn prepare(&mut self, id: GroupId, config: &DataConfig) -> Pass {
        let (me, real) = (self.config.side, self.clock.real());
        let missing = self.missing(id);
        let Some(group) = self.group(id) else { return Pass::Wait };
        let (cut, overdue) = (group.copy.cut, self.now >= group.copy.at);
        let stale = group.copy.stale(config, me, real);
        let blocked = group.copy.blocked(config, me, real).is_some();
        match missing {
            Some((_, true)) if !cut => {
                self.copy_event(id, CopyEvent::Fetch);
                return Pass::Wait;
            }
            // It came back and is about to prove itself stopped.
            Some((_, false)) if !cut && !overdue => return Pass::Wait,
            Some(_) if self.peer_could_take(id) => return self.withdraw(id),
            Some(_) | None if blocked => return self.withdraw(id),
            Some(_) => self.report(Event::StartsBehind(id)),
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
        if let Some(group) = self.group_mut(id) {
            group.pinned = false;
            if group.copy.cut {
                group.copy.rest_from_handovers(now);
                self.report(Event::LastPullFailed(id));
            }
        }
        Pass::Withdraw
    }

    // --- handovers -------------------------------------------------------------------------------------------------

    /// Is the copy of the node that does not hold the group in sync with the holder's?
    pub(super) fn synced(&self, id: GroupId) -> bool {
        let Some(group) = self.group(id) else { return false };
        if group.config.data.is_none() {
            return true;
        }
        let Some(theirs) = self.peers(id).and_then(|shown| shown.stamp) else { return false };
        let own = &group.copy.stamp;
        if group.state == GroupState::Held {
            return theirs.synced(own);
        }
        own.synced(&theirs) && group.copy.failed == 0 && self.now >= group.copy.pause_until
    }

    /// This node could start the group.
    pub(super) fn able(&self, group: &Group) -> bool {
        group.able() && self.blocked(group).is_none()
    }

    /// An operator takes the stale copy for good enough. `true` when it was not before, and the directive allows that.
    pub(super) fn accept_copy(&mut self, id: GroupId) -> bool {
        let real = self.clock.real();
        let me = self.config.side;
        let Some(group) = self.group_mut(id) else { return false };
        let Some(config) = group.config.data else { return false };
        if group.copy.blocked(&config, me, real).is_none() {
            return false;
        }
        group.copy.accepted = true;
        let accepted = group.copy.blocked(&config, me, real).is_none();
        group.copy.accepted = accepted;
        accepted
    }

    /// While this node leaves: does the peer need its disk, to take a group over whole?
    pub(super) fn peer_needs_copy(&self, starting: bool) -> bool {
        let them = self.config.side.other();
        self.group_ids().any(|id| {
            let Some((group, shown)) = self.group(id).zip(self.peers(id)) else { return false };
            group.config.data.is_some()
                && (!starting || shown.state == GroupState::Starting)
                && shown.stamp.is_some_and(|stamp| stamp.lacks(them, &group.copy.stamp))
        })
    }

    /// The longest that a peer may pull for after this node's stop.
    pub(super) fn longest_pull(&self) -> Duration {
        let limits = self.groups.iter().filter_map(|group| group.config.data).map(|data| data.limit);
        limits.max().unwrap_or(Duration::ZERO)
    }

    // --- times, people ---------------------------------------------------------------------------------------------

    /// When the copy of a group wants time to pass.
    pub(super) fn copy_deadline(&self, id: GroupId, at: &mut Earliest) {
        let Some(group) = self.group(id).filter(|group| group.config.data.is_some()) else { return };
        let copy = &group.copy;
        match copy.stage {
            Stage::Rest if group.gate == Gate::Data && group.state == GroupState::Starting => at.or(copy.at),
            Stage::Rest => {
                if let Some(source) = self.pull_source(id) {
                    at.or(self.pull_due(group, source));
                }
            }
            Stage::Last | Stage::Writing => at.or(copy.at),
            Stage::Unread | Stage::Pulling | Stage::Ending | Stage::Written | Stage::Live => {}
        }
        if copy.pause_until > self.now {
            at.or(copy.pause_until);
        }
    }

    /// For people.
    pub(super) fn copy_status(&self, group: &Group, real: Instant) -> Option<CopyStatus> {
        let config = group.config.data?;
        let (me, copy) = (self.config.side, &group.copy);
        let peer = self.peer.group(group.config.name_hash).and_then(|shown| shown.stamp);
        let holds = group.state.may_run() && copy.stage == Stage::Live;
        Some(CopyStatus {
            stamp: (copy.stage != Stage::Unread).then_some(copy.stamp),
            peer,
            age: copy.age(me, real),
            diverged: !holds && peer.is_some_and(|peer| copy.stamp.may_hold_more(me, &peer)),
            stale: copy.stale(&config, me, real),
            pulling: copy.pulls(),
            failed: copy.failed,
            moved: copy.moved,
        })
    }
}
