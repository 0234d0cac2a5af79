//! What should run here: the rules of `cluster` applied to every group, until nothing changes.

use super::{Node, PERSIST_MAX, cover};
use crate::cluster::conflict::{self, Claim, Verdict};
use crate::cluster::data::Stage;
use crate::cluster::foreign::State;
use crate::cluster::group::Gate;
use crate::cluster::handover::{self, Facts};
use crate::cluster::ping;
use crate::cluster::right::{self, Decision, PeerSituation, Situation};
use crate::event::{Cause, Event, Wait};
use crate::ids::GroupId;
use crate::input::Watchdog;
use crate::message::wire::Says;
use crate::message::{GroupBeat, GroupState, Phase, Reason};
use crate::status::PeerState;
use crate::time::Instant;
use core::cmp::Ordering;

/// It runs, or is about to.
fn active(state: GroupState) -> bool {
    matches!(state, GroupState::Held | GroupState::Starting)
}

impl Node {
    /// One pass over all groups. `true` when anything changed.
    pub(super) fn decide(&mut self) -> bool {
        self.follow_scores();
        let mut changed = self.follow_phase();
        for id in self.group_ids() {
            changed |= self.settle_conflict(id);
            changed |= self.settle_handover(id);
            self.follow_copy(id);
            changed |= self.settle_claim(id);
        }
        changed
    }

    /// Joining ends when the peer was met or written off. It is per group beyond that: one that is still being proven
    /// stopped, or cannot be, bars neither the others nor the peer's (DESIGN §4.11, §7 O1.3).
    fn follow_phase(&mut self) -> bool {
        match self.phase {
            Phase::Joining => {
                let known = self.peer.state != PeerState::Unknown || self.peer.vouched || self.foreign.live();
                if !known || self.watchdog == Watchdog::Pending || self.listens() {
                    return false;
                }
                self.phase = Phase::Up;
                self.report(Event::Joined);
                self.out.beat = true;
                true
            }
            Phase::Up => false,
            Phase::Leaving => self.follow_leave(),
        }
    }

    /// Since when do the two scores differ in the same direction?
    fn follow_scores(&mut self) {
        if !ping::BUILT {
            return;
        }
        let order =
            if self.peer.both_ways() { self.pings.score().cmp(&self.peer.score) } else { Ordering::Equal };
        if order != self.score_gap.0 {
            self.score_gap = (order, self.now);
        }
    }

    // DESIGN §7 O4.5.
    fn score_settled(&self) -> bool {
        let timing = &self.config.timing;
        let needed = timing.deadping.plus(timing.keepalive.doubled());
        ping::BUILT && self.score_gap.0 != Ordering::Equal && self.now.since(self.score_gap.1) >= needed
    }

    /// The peer's view of our group `id`, while it is alive.
    pub(super) fn peers(&self, id: GroupId) -> Option<GroupBeat> {
        if !self.peer.alive() {
            return None;
        }
        self.peer.group(self.group(id)?.config.name_hash).copied()
    }

    /// What the living peer shows of all that may be our group `id`.
    pub(super) fn shown_there(&self, id: GroupId) -> Option<GroupState> {
        if self.tangled(id) {
            self.tangled_peer().map(|claim| claim.state)
        } else {
            self.peers(id).map(|peer| peer.state)
        }
    }

    /// Do the two lines, and the shared times, agree?
    pub(super) fn agrees(&self, id: GroupId) -> bool {
        let timing = self.peer.timing_digest == Some(self.config.timing_digest);
        let line = self.group(id).and_then(|group| {
            let name = self.peer.name(group.config.name_hash)?;
            Some(name.digest == group.config.digest)
        });
        timing && line == Some(true)
    }

    // --- O5: both run it -------------------------------------------------------------------------------------------

    // DESIGN §7 O10.4, O10.5.
    fn settle_conflict(&mut self, id: GroupId) -> bool {
        if let Some(newer) = self.peer.newer() {
            return self.conflict_with_newer(id, newer);
        }
        let Some(group) = self.group(id) else { return false };
        let (state, in_place) = (group.state, group.in_place);
        let own = Claim { state, epoch: group.epoch, unconfirmed: self.unconfirmed.is_some() };
        let tangled = self.tangled(id);
        // What does not run here, and is not about to, is in no conflict.
        if !active(state) {
            #[cfg(feature = "coverage")]
            if let Some(shown) = self.peers(id).filter(|_| !tangled) {
                cover!(self, CONFLICT, state, shown.state);
            }
            return self.conflict_over(id);
        }
        let (mine, theirs) = match (tangled, self.peers(id)) {
            // A holder goes above what the peer remembers of a line of the same name, which is no claim here.
            (true, Some(shown))
                if state == GroupState::Held
                    && (!shown.state.may_run() || shown.state == GroupState::Stuck)
                    && own.epoch < shown.epoch =>
            {
                self.raise_epoch(id);
                return true;
            }
            // What is stuck there under any name may be what starts here.
            (true, _) if group.peer_stuck && state == GroupState::Starting => {
                (own, Claim { state: GroupState::Stuck, ..own })
            }
            // Lines that are out of step: all of ours against all of the peer's. Their epochs count for themselves.
            (true, _) => match (self.tangled_own(), self.tangled_peer()) {
                (Some(mine), Some(theirs)) if active(mine.state) && active(theirs.state) => (mine, theirs),
                _ => return self.conflict_over(id),
            },
            (false, Some(shown)) => {
                cover!(self, CONFLICT, state, shown.state);
                // It took the group over from a silent peer, and serves; what is stuck there serves nobody.
                if in_place && shown.state == GroupState::Stuck {
                    return self.conflict_over(id);
                }
                let unconfirmed = self.peer.unconfirmed;
                (own, Claim { state: shown.state, epoch: shown.epoch, unconfirmed })
            }
            (false, None) => return self.conflict_over(id),
        };
        match self.judge(id, mine, theirs) {
            Verdict::None => self.conflict_over(id),
            Verdict::Keep { raise, announce } => {
                if raise {
                    self.raise_epoch(id);
                }
                let both_hold = state == GroupState::Held && theirs.state == GroupState::Held;
                if both_hold && announce {
                    self.conflict_won(id);
                }
                raise
            }
            Verdict::Yield => {
                if state == GroupState::Held {
                    self.report(Event::ConflictLost(id));
                }
                self.keep_quiet(id);
                self.release(id, Cause::Conflict)
            }
        }
    }

    fn judge(&self, id: GroupId, mine: Claim, theirs: Claim) -> Verdict {
        if self.beside_older() {
            let goes_on =
                self.older_goes_on() || self.group(id).is_some_and(|group| group.gate != Gate::Open);
            return conflict::beside_older(mine, theirs, goes_on);
        }
        conflict::judge(mine, theirs, self.config.side)
    }

    /// Nothing is known of a newer peer but that it may run something. Of two holders it gives way, and of two that start
    /// this node does: before its first script, or when the peer did not turn out to be about to stop.
    fn conflict_with_newer(&mut self, id: GroupId, (says, since): (Says, Instant)) -> bool {
        let Some(group) = self.group(id) else { return false };
        let begun = matches!(group.gate, Gate::Open) && self.ticked < since.plus(self.deadtime());
        if says.nothing || group.in_place || begun || group.state != GroupState::Starting {
            return says.nothing && self.conflict_over(id);
        }
        self.release(id, Cause::Conflict)
    }

    /// Both held it and this node goes on: clients hear of it before the loser's address goes.
    fn conflict_won(&mut self, id: GroupId) {
        let Some(group) = self.group_mut(id) else { return };
        if !core::mem::replace(&mut group.conflict, true) {
            group.announce = true;
            self.report(Event::ConflictWon(id));
            self.keep_quiet(id);
            self.out.beat = true;
        }
    }

    /// The loser's address is gone: once more, for the caches that it poisoned meanwhile.
    fn conflict_over(&mut self, id: GroupId) -> bool {
        if self.group(id).is_none_or(|group| !group.conflict && !group.contested) {
            return false;
        }
        let shown = self.shown_there(id);
        // What is stuck there announces nothing any more, and may stay so for days.
        if shown.is_some_and(|state| state.may_run() && state != GroupState::Stuck) {
            return false;
        }
        let sure = self.unconfirmed.is_none();
        if let Some(group) = self.group_mut(id) {
            group.conflict = false;
            if sure && core::mem::take(&mut group.contested) {
                group.announce |= group.state == GroupState::Held;
            }
        }
        false
    }

    /// The peer is back from silence, or as a new life. What it ran meanwhile may have ended before this node could see
    /// it, so the clients of every held group are told who runs it (DESIGN §7 O5.2).
    pub(super) fn peer_is_back(&mut self) {
        let sure = self.unconfirmed.is_none();
        for group in &mut self.groups {
            let held = group.state == GroupState::Held;
            group.announce |= held && sure;
            // A holder that is not sure of itself says nothing before it is.
            group.contested |= held && !sure;
        }
    }

    pub(super) fn keep_quiet(&mut self, id: GroupId) {
        let until = self.now.plus(self.deadtime());
        if let Some(group) = self.group_mut(id) {
            group.quiet_until = until;
        }
    }

    // --- O4: it runs on the wrong side -----------------------------------------------------------------------------

    // DESIGN §7 O1.1.
    pub(super) fn facts(&self, id: GroupId) -> Option<Facts> {
        let group = self.group(id)?;
        Some(Facts {
            me: self.config.side,
            preferred: group.config.preferred,
            failback: self.config.failback && !group.spent(),
            agrees: self.agrees(id),
            score: self.pings.score(),
            peer_score: if ping::BUILT { self.peer.score } else { 0 },
            score_settled: self.score_settled() && !group.spent(),
            pinned: group.pinned,
            quiet: self.ticked < group.quiet_until,
            takeover: group.takeover,
            synced: self.synced(id),
        })
    }

    // DESIGN §5.13.
    fn settle_handover(&mut self, id: GroupId) -> bool {
        let in_service = self.phase == Phase::Up && self.peer.phase == Phase::Up && self.peer.both_ways();
        let (Some(group), Some(facts)) = (self.group(id), self.facts(id)) else { return false };
        let peer = if in_service && !self.outdated() { self.peers(id) } else { None };
        let newer = self.peer.newer().is_some();
        if self.beside_older() {
            return self.handover_to_older(id, peer.is_some());
        }
        let wanted = match (peer, group.state) {
            // It is able where it is asked to be, by an operator.
            (None, GroupState::Idle) if newer => group.takeover.then_some(Reason::Operator),
            (Some(peer), GroupState::Idle) if peer.state == GroupState::Held && self.able(group) => {
                handover::wanted(&facts)
            }
            _ => None,
        };
        let sure = self.unconfirmed.is_none();
        let grant = match (peer, group.state) {
            // What cannot be stopped is not given away.
            (Some(peer), GroupState::Held) if sure && group.config.claimable && !self.peer_has_twins() => {
                peer.wanted.filter(|reason| handover::grants(&facts, *reason, peer.state, peer.able))
            }
            _ => None,
        };
        let changed = self.want(id, wanted);
        match grant {
            Some(reason) => {
                self.pin(id, reason == Reason::Operator);
                self.release(id, Cause::Handover(reason))
            }
            None => changed,
        }
    }

    // DESIGN §6.6.
    pub(super) fn want(&mut self, id: GroupId, wanted: Option<Reason>) -> bool {
        let Some(group) = self.group_mut(id) else { return false };
        if group.wanted == wanted {
            return false;
        }
        group.wanted = wanted;
        if let Some(reason) = wanted {
            self.report(Event::Wanted(id, reason));
        }
        self.out.beat = true;
        true
    }

    /// An operator's move stands until a death, a leave or another command (DESIGN §7 O4.4).
    pub(super) fn pin(&mut self, id: GroupId, pinned: bool) {
        if let Some(group) = self.group_mut(id) {
            group.pinned = pinned;
        }
    }

    // --- O1-O3: nobody runs it -------------------------------------------------------------------------------------

    // DESIGN §7 O7.1.
    pub(super) fn peer_situation(&self, id: GroupId) -> PeerSituation {
        let Some(group) = self.group(id) else { return PeerSituation::Unmet };
        if self.peer.vouched {
            return PeerSituation::Gone { stuck: false, one_way: false, isolated: false };
        }
        if self.foreign.live() && !self.peer.alive() {
            return PeerSituation::Foreign;
        }
        if let Some((says, since)) = self.peer.newer() {
            let ripe = self.ticked >= since.plus(self.deadtime());
            return PeerSituation::Newer { says, ripe, asked: group.takeover };
        }
        if self.beside_older() {
            return self.older_situation(id);
        }
        match self.peer.state {
            PeerState::Unknown => PeerSituation::Unmet,
            PeerState::Dead => PeerSituation::Gone {
                stuck: group.peer_stuck,
                one_way: self.one_way_blocks(),
                isolated: self.isolated.lasts(),
            },
            PeerState::Up | PeerState::Late if self.tangled(id) => PeerSituation::Alien {
                stuck: group.peer_stuck,
                stopped: self.tangled_peer().is_none(),
                leaving: self.peer.phase == Phase::Leaving,
            },
            PeerState::Up | PeerState::Late => match self.peer.group(group.config.name_hash) {
                None => PeerSituation::Extra { stuck: group.peer_stuck },
                Some(shown) => PeerSituation::Alive {
                    state: shown.state,
                    mark: shown.mark,
                    able: shown.able,
                    phase: self.peer.phase,
                    agrees: self.agrees(id),
                    preferred: self
                        .peer
                        .name(group.config.name_hash)
                        .map_or(group.config.preferred, |n| n.preferred),
                },
            },
        }
    }

    /// What the peer shows may be of before its next life: until it is heard again, or is dead (DESIGN §7 O8.2, O8.3).
    fn outdated(&self) -> bool {
        let passed = self.behind && (self.peer.alive() || self.foreign.live());
        self.recovering || passed || self.peer.followed && self.peer.alive()
    }

    #[cfg_attr(not(feature = "large"), inline(never))]
    // DESIGN §7 O2c.1.
    fn settle_claim(&mut self, id: GroupId) -> bool {
        let Some(group) = self.group(id) else { return false };
        if !matches!(group.state, GroupState::Idle | GroupState::Failed) {
            let gate =
                group.state == GroupState::Starting && (matches!(group.gate, Gate::Fence) || group.held_back);
            let mut wait = if gate { self.gate_wait(id) } else { None };
            if let Some(copy) = group.copy()
                && group.state == GroupState::Starting
                && matches!(group.gate, Gate::Data)
            {
                let last = copy.stage == Stage::Last;
                wait = if last { Some(Wait::LastPull) } else { copy.pulls().then_some(Wait::PullEnds) };
            }
            return self.wait_for(id, wait);
        }
        if self.outdated() {
            return false;
        }
        self.forget_last_mark(id);
        let Some(group) = self.group(id) else { return false };
        let situation = Situation {
            me: self.config.side,
            phase: self.phase,
            state: group.state,
            mark: group.mark,
            claimable: group.config.claimable,
            copy: self.copy_wait(id),
            newer: self.newer_copy(id),
            retry_due: self.ticked >= group.retry_at,
            preferred: group.config.preferred,
            twin: self.has_twin(),
            peer_twins: self.peer_has_twins(),
            watchdog_pending: self.watchdog == Watchdog::Pending,
            peer: self.peer_situation(id),
        };
        cover!(self, RIGHT, situation.state_index(), situation.peer.index());
        match right::decide(&situation) {
            Decision::Claim(cause) => match self.ask_wait(id) {
                None => {
                    self.claim(id, cause);
                    true
                }
                wait => self.wait_for(id, wait),
            },
            Decision::Wait(wait) => self.wait_for(id, Some(wait)),
            Decision::Decline => {
                let mark = self.next_epoch(id);
                let Some(group) = self.group_mut(id) else { return false };
                if group.mark == Some(mark) {
                    // Epochs have come to their end: passed on already, as far as that can be said.
                    return self.wait_for(id, Some(Wait::PeerRight));
                }
                group.seen = mark;
                group.mark = Some(mark);
                self.persist();
                self.out.beat = true;
                true
            }
        }
    }

    /// Remember why nothing happens; say so when it is more than the ordinary life of a standby.
    fn wait_for(&mut self, id: GroupId, wait: Option<Wait>) -> bool {
        let Some(group) = self.group_mut(id) else { return false };
        if group.wait == wait {
            return false;
        }
        group.wait = wait;
        match wait {
            None | Some(Wait::Peer | Wait::PeerRight | Wait::PeerRuns | Wait::Leaving | Wait::PullEnds) => {}
            Some(wait) => self.report(Event::Waiting(id, wait)),
        }
        false
    }

    /// Decide to run the group: shown from now on, scripts follow when the gate opens (DESIGN §8.8, §8.9).
    fn claim(&mut self, id: GroupId, cause: Cause) {
        let shut = cause == Cause::PeerDead && self.foreign.state == State::Left;
        let cause = if shut { Cause::PeerLeft } else { cause };
        let until = self.now.plus(self.config.timing.keepalive.min(PERSIST_MAX));
        let serial = self.persist();
        let epoch = self.next_epoch(id);
        if let Some(group) = self.group_mut(id) {
            group.epoch = epoch;
            group.seen = group.epoch;
            group.mark = None;
            group.wait = None;
            // On the disk with the epoch, before the first start script runs.
            (group.started, group.culprit) = (true, None);
            group.pinned = core::mem::take(&mut group.takeover);
            group.wanted = None;
            group.gate = Gate::Persist { serial, until };
            if let Some(copy) = group.copy_mut() {
                copy.cut = false;
            }
        }
        self.name_last_epochs(id);
        self.change(id, crate::cluster::group::GroupEvent::Claim, cause);
    }
}
