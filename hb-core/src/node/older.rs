//! Beside a peer of an older version this node decides (docs/spec/wire.md): the peer reads header and front of what it is
//! sent, shows itself not able whatever is the case, and runs what it is given. It is given all or nothing: *take it* and
//! *nothing may run here* speak of the whole node.

use super::Node;
use crate::cluster::right::{self, PeerSituation};
use crate::event::{Cause, Event};
use crate::ids::GroupId;
use crate::input::Refusal;
use crate::message::wire::{NEWEST, OLDEST, Read, Says, Speaks};
use crate::message::{GroupBeat, GroupState, Phase, Reason};
use crate::time::{Duration, Earliest, Instant};

/// Whether this build reads the frames of an older version. Without one there is nothing of this.
const BUILT: bool = OLDEST < NEWEST;
/// Room for the offer.
pub(super) const ROOM: usize = if BUILT { 1 } else { 0 };

/// *Nothing may run here, take it*, as the header of each beat has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer {
    /// It stands since then.
    since: Option<Instant>,
    /// The last beat that said so: its number and its time.
    last: (u32, Instant),
    /// The peer has shown that it heard a later beat.
    known: bool,
    /// What nobody took is not offered again before.
    rest: Instant,
    /// The first beat since which something may run here: 0 if nothing may; and whether the peer has heard of it.
    runs: (u32, bool),
}

impl Offer {
    pub(super) const NONE: Self =
        Self { since: None, last: (0, Instant::ZERO), known: true, rest: Instant::ZERO, runs: (0, false) };
}

impl Node {
    /// The version that this node speaks.
    #[cfg(feature = "next-wire")]
    pub(super) const fn speaks(&self) -> Speaks {
        self.speaks
    }

    #[cfg(not(feature = "next-wire"))]
    pub(super) const fn speaks(&self) -> Speaks {
        Speaks::NEWEST
    }

    /// The peer lives, and is of an older version.
    pub(super) fn beside_older(&self) -> bool {
        BUILT && self.peer.older && self.peer.alive()
    }

    /// A beat came whose version is the peer's.
    pub(super) fn meet_version(&mut self, read: Read) {
        if BUILT && core::mem::replace(&mut self.peer.older, read == Read::Older) != self.peer.older {
            if self.peer.older {
                self.report(Event::PeerOlder);
            }
            self.out.beat = true;
        }
    }

    /// What the header of this node's frames says.
    pub(super) fn says(&self) -> Says {
        if !self.beside_older() {
            return Says::of_all(self.phase, self.groups.iter().map(|group| self.group_beat(group)));
        }
        let leaving = self.phase == Phase::Leaving;
        if self.groups.iter().any(|group| group.state.may_run()) {
            let stuck = self.groups.iter().any(|group| group.state == GroupState::Stuck);
            return Says { leaving, nothing: false, take: stuck };
        }
        let rests = self.rests();
        let given = |id: GroupId| self.given(id);
        let could = |id: GroupId| self.group(id).is_some_and(|group| self.able(group));
        // What the peer runs it has; if that is all, the bit says whether this node could run it.
        let runs = |id: GroupId| self.peers(id).is_some_and(|shown| shown.state.may_run());
        let runs_all = self.group_ids().all(runs);
        let leaves = |id| given(id) || !could(id) || !runs_all && runs(id);
        let take = !leaving && !rests && self.group_ids().all(leaves);
        // What an operator moves is taken at once.
        Says { leaving: leaving || take && self.group_ids().any(given), nothing: true, take }
    }

    /// Nobody took what was offered: this node tries again itself.
    fn rests(&self) -> bool {
        self.offers.first().is_some_and(|offer| self.now < offer.rest)
    }

    /// An operator gave it to the peer, or asked for it there, and the peer has not run it since.
    fn given(&self, id: GroupId) -> bool {
        let (Some(group), Some(shown)) = (self.group(id), self.peers(id)) else { return false };
        let asked = Self::asks(&shown);
        let theirs = !right::token(group.mark, shown.mark, group.config.preferred, self.config.side);
        // As long as this node goes on running another one, the peer takes nothing.
        let goes_on = self.groups.iter().any(|group| match group.state {
            GroupState::Unknown | GroupState::Starting | GroupState::Held => true,
            GroupState::Idle | GroupState::Stopping | GroupState::Failed | GroupState::Stuck => false,
        });
        !goes_on && !shown.state.may_run() && (asked || group.pinned && group.mark.is_some() && theirs)
    }

    /// An operator of the peer asks for it.
    fn asks(shown: &GroupBeat) -> bool {
        shown.wanted == Some(Reason::Operator) && shown.able && shown.state == GroupState::Idle
    }

    /// A beat goes out.
    pub(super) fn note_offer(&mut self) {
        if !BUILT {
            return;
        }
        let (says, seq, now) = (self.says(), self.seq, self.now);
        let Some(offer) = self.offers.first_mut() else { return };
        match (says.nothing, offer.runs.0) {
            (true, _) => offer.runs = (0, false),
            (false, 0) => offer.runs = (seq, false),
            (false, _) => {}
        }
        if says.nothing && says.take {
            *offer = Offer { since: offer.since.or(Some(now)), last: (seq, now), known: false, ..*offer };
        } else {
            offer.since = None;
        }
    }

    /// The peer says that our beat whose number ends in `low` was the last that it heard on a link.
    pub(super) fn offer_heard(&mut self, low: u8) {
        if !BUILT {
            return;
        }
        let heard = self.sends.number(low);
        let Some(offer) = self.offers.first_mut() else { return };
        offer.known |= offer.since.is_none() && heard.is_some_and(|seq| seq > offer.last.0);
        offer.runs.1 |= offer.runs.0 != 0 && heard.is_some_and(|seq| seq >= offer.runs.0);
    }

    /// What the peer shows it shows although it has heard that something may run here.
    pub(super) fn older_goes_on(&self) -> bool {
        self.offers.first().is_some_and(|offer| offer.runs.1)
    }

    /// The group is meant for the peer, or all was offered to it that it may take this very moment.
    fn offered(&self, id: GroupId) -> bool {
        let says = self.says();
        if self.given(id) && !self.rests() || says.nothing && says.take {
            return true;
        }
        self.offers.first().is_some_and(|offer| {
            let ripe = self.ticked >= offer.last.1.plus(self.deadtime());
            offer.since.is_some() || !(offer.known || ripe)
        })
    }

    /// How long an offer stands before this node tries again itself: the peer waits for a deadtime before it takes it.
    fn patience(&self) -> Duration {
        self.deadtime().doubled()
    }

    /// After everything was decided: an offer that nobody took ends, and a change of the bits is shown at once.
    pub(super) fn follow_offer(&mut self) {
        if !self.beside_older() {
            return;
        }
        let (ticked, patience) = (self.ticked, self.patience());
        let since = self.offers.first().and_then(|offer| offer.since);
        let stood = since.is_some_and(|since| ticked >= since.plus(patience));
        let again = self.groups.iter().any(|group| {
            let failed = group.state == GroupState::Failed && group.config.claimable;
            self.able(group) || failed && ticked >= group.retry_at
        });
        if let Some(offer) = self.offers.first_mut().filter(|_| stood && again) {
            offer.rest = self.now.plus(patience);
        }
        let says = self.says();
        self.out.beat |= since.is_some() != (says.nothing && says.take);
    }

    /// When one of this changes by itself.
    pub(super) fn offer_deadline(&self, at: &mut Earliest) {
        if !self.beside_older() {
            return;
        }
        let Some(offer) = self.offers.first() else { return };
        let ends = offer.since.map(|since| since.plus(self.patience()));
        let forgotten = (!offer.known).then(|| offer.last.1.plus(self.deadtime()));
        for time in
            [ends, forgotten, Some(offer.rest)].into_iter().flatten().filter(|time| *time > self.ticked)
        {
            at.or(time);
        }
    }

    /// What the peer may run of the group, and what was offered to it.
    pub(super) fn older_situation(&self, id: GroupId) -> PeerSituation {
        let stuck = self.group(id).is_some_and(|group| group.peer_stuck);
        let state = if self.tangled(id) {
            self.tangled_peer().map_or(GroupState::Idle, |claim| claim.state)
        } else {
            self.peers(id).map_or(GroupState::Idle, |shown| shown.state)
        };
        PeerSituation::Older {
            state: if stuck { GroupState::Stuck } else { state },
            leaving: self.peer.phase == Phase::Leaving,
            offered: self.offered(id),
        }
    }

    /// The peer reads no wish of ours. Its operator's wish is for everything here: as long as anything may run here it takes
    /// nothing.
    pub(super) fn handover_to_older(&mut self, id: GroupId, in_service: bool) -> bool {
        let changed = self.want(id, None);
        let held = |id: &GroupId| {
            self.group(*id).is_some_and(|group| group.state == GroupState::Held && group.config.claimable)
        };
        let asked = || self.group_ids().any(|id| self.peers(id).is_some_and(|shown| Self::asks(&shown)));
        let gives = in_service && self.unconfirmed.is_none() && held(&id) && asked();
        // What cannot be stopped is not given away, and then nothing is.
        let all = self.group_ids().all(|id| {
            self.group(id).is_some_and(|group| !group.state.may_run() || group.state == GroupState::Stopping)
                || held(&id)
        });
        if gives && all {
            self.pin(id, true);
            return self.release(id, Cause::Handover(Reason::Operator)) || changed;
        }
        changed
    }

    /// May an operator give away the groups that are `meant`? All that runs here is one of them, and the peer could take all.
    pub(super) fn gives_all(&self, meant: impl Fn(GroupId) -> bool) -> Result<(), Refusal> {
        for id in self.group_ids().filter(|_| self.beside_older()) {
            match self.group(id).map(|group| group.state) {
                Some(GroupState::Held) if meant(id) => self.peer_takes(id)?,
                Some(GroupState::Held | GroupState::Stuck) => return Err(Refusal::PeerUnable),
                Some(GroupState::Unknown | GroupState::Starting) => return Err(Refusal::Busy),
                Some(GroupState::Idle | GroupState::Stopping | GroupState::Failed) | None => {}
            }
        }
        Ok(())
    }

    /// Could the peer take the group, when everything here stops for it?
    pub(super) fn older_takes(&self, id: GroupId) -> Result<(), Refusal> {
        match self.peers(id) {
            Some(shown) if shown.state == GroupState::Idle => Ok(()),
            Some(_) | None => Err(Refusal::PeerUnable),
        }
    }
}
