//! Data follows the role (DESIGN §9): when the copy of a group is pulled, what its stamps say, what a handover asks of
//! it, and what people see. Its part in a claim is in `claim`; what a copy is good for, `cluster::data` and [`Stamp`] say.

use super::{Node, cover};
use crate::action::Action;
use crate::cluster::data::{self, Copy, CopyEvent, Effect, Stage};
use crate::cluster::group::{Gate, Group};
use crate::event::Event;
use crate::ids::{GroupId, Token};
use crate::input::{Pulled, Refusal};
use crate::message::{GroupState, Message, Phase};
use crate::stamp::Stamp;
use crate::status::CopyStatus;
use crate::time::{Duration, Earliest, Instant};

impl Node {
    #[inline(always)]
    pub(super) fn copy(&self, id: GroupId) -> Option<&Copy> {
        self.group(id)?.copy()
    }

    #[inline(always)]
    pub(super) fn copy_mut(&mut self, id: GroupId) -> Option<&mut Copy> {
        self.group_mut(id)?.copy_mut()
    }

    /// The number of a line (DESIGN §9.2).
    fn draw_line(&mut self) -> u32 {
        (self.shake.random() & 0xFFFF_FFFF) as u32
    }

    // --- stamps ----------------------------------------------------------------------------------------------------

    /// The stamp was read from the disk.
    pub(super) fn copy_read(&mut self, id: GroupId, stamp: &Stamp, age: Option<Duration>) {
        let real = self.clock.real();
        let Some(copy) = self.copy_mut(id) else { return };
        if copy.stage != Stage::Unread || !stamp.is_sound() {
            return;
        }
        copy.read(*stamp, age, real);
        if self.group_mut(id).is_some_and(|group| group.saw(stamp.epoch)) {
            self.persist();
        }
        self.out.beat = true;
        self.copy_event(id, CopyEvent::Read);
    }

    /// The stamps of a frame: their epochs count as seen, and if the sender was met, they are what the peer has.
    pub(super) fn take_stamps(&mut self, message: &Message, met: bool) {
        let mut higher = false;
        for group in &mut self.groups {
            let name = group.config.name_hash;
            if group.copy().is_none() {
                continue;
            }
            let at = match &message.hello {
                Some(hello) => hello.groups.iter().position(|shown| shown.hash == name),
                None => self.peer.position(name),
            };
            let shown = message.beat.stamps.iter().find(|(group, _)| Some(usize::from(*group)) == at);
            if let Some((_, stamp)) = shown {
                higher |= group.saw_stamp(stamp.epoch, met);
            }
            if let (true, Some(copy)) = (met, group.copy_mut()) {
                copy.theirs = shown.map(|(_, stamp)| *stamp);
            }
        }
        if higher {
            self.persist();
        }
    }

    /// What a beat shows, by position.
    pub(super) fn shown_stamps(&self) -> impl Iterator<Item = (u8, Stamp)> {
        self.group_ids().filter_map(|id| {
            // A beat that shows an unsound one would not go out at all.
            let shown = |copy: &&Copy| copy.stage != Stage::Unread && copy.stamp.is_sound();
            let copy = self.copy(id).filter(shown)?;
            Some((id.0, copy.stamp))
        })
    }

    /// The one place where a copy changes its stage.
    pub(super) fn copy_event(&mut self, id: GroupId, event: CopyEvent) {
        let (now, real, me) = (self.now, self.clock.real(), self.config.side);
        let Some(from) = self.copy(id).map(|copy| copy.stage) else { return };
        cover!(self, COPY, from, event);
        let (to, effect) = data::next(from, event);
        let (token, line) = match effect {
            Effect::Pull | Effect::Write => (self.token(), self.draw_line()),
            Effect::None | Effect::End | Effect::Restore | Effect::Close => (Token(0), 0),
        };
        let Some(group) = self.group_mut(id) else { return };
        let epoch = group.epoch;
        let Some(copy) = group.copy_mut() else { return };
        copy.stage = to;
        match effect {
            Effect::None => {}
            Effect::Pull | Effect::Write => {
                copy.token = token;
                copy.line = line;
                copy.at = now.plus(copy.config.limit);
                if effect == Effect::Pull {
                    copy.begun = real;
                    copy.last = to == Stage::Last;
                    copy.ask.pull = true;
                } else {
                    copy.ask.write = true;
                }
            }
            Effect::End => copy.ask.end = true,
            Effect::Close => copy.ask.write = true,
            Effect::Restore => {
                copy.stamp = copy.stamp.undone();
                copy.ask.write = true;
            }
        }
        match (event, from) {
            (CopyEvent::Held, Stage::Written) => copy.serve(me, epoch),
            (CopyEvent::Over, _) => copy.at = now,
            _ => {}
        }
    }

    /// What waits for the shell (DESIGN §9.1, §9.9).
    pub(super) fn copy_action(&mut self, id: GroupId) -> Option<Action> {
        let me = self.config.side;
        let group = self.group_mut(id)?;
        let epoch = group.epoch;
        let copy = group.copy_mut()?;
        let token = copy.token;
        if core::mem::take(&mut copy.ask.pull) {
            let source = copy.theirs.unwrap_or(Stamp::NONE);
            let keep = copy.stamp.may_hold_more(me, &source);
            return Some(Action::Pull { group: id, token, source, last: copy.last, keep });
        }
        if core::mem::take(&mut copy.ask.end) {
            return Some(Action::EndPull { token });
        }
        if !core::mem::take(&mut copy.ask.write) {
            return None;
        }
        if copy.stage == Stage::Writing {
            let stamp = copy.stamp.begin(me, epoch, copy.line);
            return Some(Action::WriteStamp { group: id, token, stamp });
        }
        // Nothing waits for this one.
        let stamp = copy.stamp;
        Some(Action::WriteStamp { group: id, token: self.token(), stamp })
    }

    /// A holder goes above every stamp that it meets on a copy that is not its own's: what is served is the newest.
    /// DESIGN §9.18.
    fn stay_newest(&mut self, id: GroupId) {
        let shown = self.peers(id).map(|shown| shown.state);
        let Some((group, copy)) = self.group(id).and_then(|group| Some((group, group.copy()?))) else {
            return;
        };
        let own = &copy.stamp;
        let above = |theirs: Stamp| {
            theirs.epoch > own.epoch || (theirs.epoch == own.epoch && theirs.line != own.line)
        };
        // Of two that run it, or are about to, the conflict is judged first.
        let judged = shown.is_none_or(|state| matches!(state, GroupState::Held | GroupState::Starting));
        if group.state == GroupState::Held && !judged && copy.theirs.is_some_and(above) {
            self.raise_epoch(id);
        }
    }

    /// The tenure goes on under a higher epoch, for the peer knows of one that this node did not: what it has may be
    /// more than a part of what is served here, so the tenure goes on on a line of its own.
    pub(super) fn restamp(&mut self, id: GroupId) {
        let me = self.config.side;
        if self.copy(id).is_none_or(|copy| copy.stage != Stage::Live) {
            return;
        }
        let line = self.draw_line();
        let Some(group) = self.group_mut(id) else { return };
        let epoch = group.epoch;
        if let Some(copy) = group.copy_mut() {
            copy.stamp.line = line.max(1);
            copy.stamp.from = None;
            copy.serve(me, epoch);
            copy.ask.write = true;
        }
    }

    // --- pulls -----------------------------------------------------------------------------------------------------

    /// Pull while the peer holds and this node stands by; end what has lost its reason.
    pub(super) fn follow_copy(&mut self, id: GroupId) {
        let Some(copy) = self.copy(id) else { return };
        match copy.stage {
            Stage::Rest => {
                if let Some(source) = self.pull_source(id)
                    && (copy.source != source || self.now >= copy.at)
                {
                    if let Some(copy) = self.copy_mut(id) {
                        copy.source = source;
                    }
                    self.copy_event(id, CopyEvent::Due);
                }
            }
            Stage::Pulling | Stage::Last => {
                if !self.pull_goes_on(id) {
                    self.copy_event(id, CopyEvent::Halt);
                }
            }
            Stage::Live => self.stay_newest(id),
            Stage::Unread | Stage::Ending | Stage::Writing | Stage::Written => {}
        }
    }

    /// Nothing of the group runs here, and this node is in service.
    fn stands_by(&self, group: &Group) -> bool {
        matches!(group.state, GroupState::Idle | GroupState::Failed) && self.phase == Phase::Up
    }

    /// The epoch of the holder that this standby may pull from; at once when it is another than before, else after the
    /// pause (DESIGN §9.6).
    fn pull_source(&self, id: GroupId) -> Option<u32> {
        let group = self.group(id).filter(|group| self.stands_by(group))?;
        if self.recovering || !self.peer.both_ways() || self.peer.phase != Phase::Up {
            return None;
        }
        self.peers(id).filter(|shown| shown.state == GroupState::Held)?;
        group.copy()?.theirs.map(|stamp| stamp.epoch).filter(|epoch| *epoch != 0)
    }

    /// Has the running pull still a source and a reason? (DESIGN §9.7).
    fn pull_goes_on(&self, id: GroupId) -> bool {
        let Some((group, copy)) = self.group(id).and_then(|group| Some((group, group.copy()?))) else {
            return false;
        };
        let shown = self.peers(id).map(|shown| shown.state);
        if copy.stage == Stage::Pulling {
            return self.stands_by(group) && shown == Some(GroupState::Held);
        }
        // A peer that left in order is silent, and its disk is still there.
        let there = shown.map_or(self.peer.left, |state| !state.may_run());
        there && group.state == GroupState::Starting && matches!(group.gate, Gate::Data) && self.now < copy.at
    }

    /// A pull ended, by itself or by our hand (DESIGN §9.5).
    pub(super) fn pull_done(&mut self, token: Token, outcome: &Pulled) {
        let ours = |copy: &Copy| copy.pulls() && copy.token == token;
        let Some(id) = self.group_ids().find(|id| self.copy(*id).is_some_and(ours)) else { return };
        let now = self.now;
        let Some(copy) = self.copy_mut(id) else { return };
        let before = copy.stamp;
        copy.at = now.plus(copy.config.interval);
        let mut higher = false;
        let (event, news) = match outcome {
            // What no node writes was not read right: as good as no stamp.
            Pulled::Whole { stamp, moved } if stamp.is_sound() => {
                let news = copy.failed > 0 || !before.synced(stamp);
                copy.whole(*stamp, *moved);
                // The source may hold under a later epoch than it could show so far: links are not what is pulled over.
                higher = self.group_mut(id).is_some_and(|group| group.saw(stamp.epoch));
                if *moved > 0 {
                    self.report(Event::MovedAside { group: id, files: *moved });
                }
                (CopyEvent::Whole, news.then_some(Event::Pulled(id)))
            }
            Pulled::Whole { .. } | Pulled::Cut { .. } => {
                copy.stamp.partial |= !matches!(outcome, Pulled::Cut { partial: false });
                copy.cut |= copy.last;
                let first = copy.stage != Stage::Ending && copy.failed == 0;
                if copy.stage != Stage::Ending {
                    copy.failed = copy.failed.saturating_add(1);
                }
                (CopyEvent::Cut, first.then_some(Event::PullFailed(id)))
            }
        };
        self.out.beat |= self.copy(id).is_some_and(|copy| copy.stamp != before);
        if higher {
            self.persist();
        }
        if let Some(event) = news {
            self.report(event);
        }
        self.copy_event(id, event);
    }

    /// An operator wants the copy brought up to date now: the next pull of the group comes at once.
    ///
    /// # Errors
    /// There is nothing to pull, or the peer is not heard to hold the group; nothing was changed. While a pull runs there
    /// is none to begin ([`Refusal::Busy`]).
    pub fn pull_now(&mut self, now: Instant, id: GroupId) -> Result<(), Refusal> {
        self.read_clock(now);
        let Some(copy) = self.copy(id) else { return Err(Refusal::NothingToDo) };
        if copy.pulls() {
            return Err(Refusal::Busy);
        }
        if copy.stage != Stage::Rest || self.pull_source(id).is_none() {
            return Err(Refusal::NothingToDo);
        }
        if let Some(copy) = self.copy_mut(id) {
            copy.at = now;
        }
        self.follow_copy(id);
        self.settle();
        Ok(())
    }

    // --- handovers, leave ------------------------------------------------------------------------------------------

    /// Is the copy of the node that does not hold the group in sync with the holder's? (DESIGN §7 O4.7).
    pub(super) fn synced(&self, id: GroupId) -> bool {
        let Some(group) = self.group(id) else { return false };
        let Some(copy) = group.copy() else { return true };
        let Some(theirs) = copy.theirs else { return false };
        if group.state == GroupState::Held {
            return theirs.synced(&copy.stamp);
        }
        copy.stamp.synced(&theirs) && copy.failed == 0 && self.now >= copy.pause_until
    }

    /// While this node leaves: does the peer need its disk, to take a group over whole? With `now`: it has begun to.
    pub(super) fn peer_needs_copy(&self, now: bool) -> bool {
        let them = self.config.side.other();
        self.group_ids().any(|id| {
            let Some(copy) = self.copy(id) else { return false };
            let lacks = copy.theirs.is_some_and(|theirs| theirs.lacks(them, &copy.stamp));
            lacks && self.peers(id).is_some_and(|shown| !now || shown.state == GroupState::Starting)
        })
    }

    /// The longest that a peer may pull for after this node's stop.
    pub(super) fn longest_pull(&self) -> Duration {
        let limits = self.groups.iter().filter_map(Group::copy).map(|copy| copy.config.limit);
        limits.max().unwrap_or(Duration::ZERO)
    }

    // --- times, people ---------------------------------------------------------------------------------------------

    /// When the copy of a group wants time to pass.
    pub(super) fn copy_deadline(&self, id: GroupId, at: &mut Earliest) {
        let Some(copy) = self.copy(id) else { return };
        match copy.stage {
            Stage::Rest => {
                let gate = self.group(id).is_some_and(|group| matches!(group.gate, Gate::Data));
                if gate || self.pull_source(id).is_some() {
                    at.or(copy.at);
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
        let (me, copy) = (self.config.side, group.copy()?);
        let may_hold_more = copy.theirs.is_some_and(|theirs| copy.stamp.may_hold_more(me, &theirs));
        Some(CopyStatus {
            stamp: (copy.stage != Stage::Unread).then_some(copy.stamp),
            peer: copy.theirs,
            age: copy.age(me, real),
            diverged: may_hold_more && !group.state.may_run(),
            stale: copy.stale(me, real),
            pulling: copy.pulls(),
            failed: copy.failed,
            moved: copy.moved,
        })
    }
}
