//! Asking for the service addresses (DESIGN §7 O2c): when a group's are asked for, what an answer leads to, and what a claim
//! or a restart in place waits for. The rule itself is `cluster::ask`.

use super::Node;
use crate::action::Action;
use crate::cluster::ask::{Ask, Came, Mac};
use crate::cluster::group::{Gate, Group};
use crate::cluster::question::{Purpose, Times};
use crate::cluster::right::PeerSituation;
use crate::cluster::stage::{AskEvent, Stage};
use crate::config::Answered;
use crate::event::{Cause, Event, Wait};
use crate::ids::GroupId;
use crate::input::{Asked, Watchdog};
use crate::message::{GroupState, Phase};
use crate::status::PeerState;
use crate::time::{Duration, Earliest, Instant};

impl Node {
    /// The times that questions follow now.
    fn ask_times(&self) -> Times {
        let timing = &self.config.timing;
        Times {
            keepalive: timing.keepalive,
            lead: timing.deadtime.minus(timing.warntime),
            deadtime: self.deadtime(),
            initdead: timing.initdead,
            dead: self.peer.state == PeerState::Dead,
        }
    }

    /// When the silence of the peer is long enough to ask; `NEVER` while it is heard.
    fn ask_from(&self) -> Instant {
        let timing = &self.config.timing;
        let lead = timing.deadtime.minus(timing.warntime);
        match self.peer.state {
            // Linux-HA Heartbeat lives there.
            PeerState::Unknown | PeerState::Dead if self.foreign.live() => {
                self.foreign.last_heard.plus(self.foreign_limit().minus(lead))
            }
            PeerState::Unknown => self.peer.last_heard.plus(timing.initdead.minus(lead)),
            PeerState::Up => Instant::NEVER,
            PeerState::Late | PeerState::Dead => Instant::ZERO,
        }
    }

    /// Why the group's addresses are asked for now, if they are.
    fn ask_purpose(&self, group: &Group) -> Option<Purpose> {
        let own = self.question_purpose(group);
        if own.is_some_and(Purpose::decides) || group.ask().is_none() || !group.runs_in_part() {
            return own;
        }
        // Who gives way to another machine does not keep it off meanwhile, or both would.
        if group.state == GroupState::Stopping && self.now < group.quiet_until {
            return Some(Purpose::Yield);
        }
        // Always, for this node cannot know from when on it is not heard (DESIGN §7 O2c.12).
        Some(Purpose::Keep)
    }

    /// What this node wants to know of other machines (DESIGN §7 O2c.8).
    fn question_purpose(&self, group: &Group) -> Option<Purpose> {
        if let Gate::Ask(_) = group.gate
            && group.state == GroupState::Starting
        {
            return Some(Purpose::Back);
        }
        if self.phase == Phase::Leaving || self.peer.vouched {
            return None;
        }
        let ask = group.ask()?;
        let claimed = ask.decided.is_some_and(|(at, _)| self.now < self.claimed_until(ask, at));
        let silent = self.now >= self.ask_from();
        let shown = self.peer.group(group.config.name_hash).filter(|_| self.peer.both_ways());
        let stopped = shown.is_some_and(|shown| matches!(shown.state, GroupState::Idle | GroupState::Failed));
        match group.state {
            _ if self.fence.speaks() => None,
            GroupState::Unknown | GroupState::Idle | GroupState::Failed if silent => Some(Purpose::Claim),
            GroupState::Starting if ask.decided.is_some() && silent => Some(Purpose::Claimant),
            // Should the silence last, it is decided again (DESIGN §7 O2.5).
            GroupState::Starting if silent && group.not_begun() => Some(Purpose::Claim),
            GroupState::Stopping if silent && !group.sequence.begun() => Some(Purpose::Claim),
            GroupState::Held if claimed && silent => Some(Purpose::Claimant),
            GroupState::Idle | GroupState::Failed if stopped => Some(Purpose::Learn),
            GroupState::Starting if stopped && !matches!(group.gate, Gate::Open) => Some(Purpose::Learn),
            GroupState::Idle if shown.is_some_and(|shown| shown.state == GroupState::Held) => {
                Some(Purpose::Know)
            }
            GroupState::Unknown
            | GroupState::Idle
            | GroupState::Starting
            | GroupState::Held
            | GroupState::Stopping
            | GroupState::Failed
            | GroupState::Stuck => None,
        }
    }

    /// How long who decided at that time goes on asking once it serves.
    fn claimed_until(&self, ask: &Ask, decided: Instant) -> Instant {
        let until = decided.plus(self.config.timing.keepalive.doubled());
        ask.doubt(&self.ask_times()).map_or(until, |doubt| until.max(doubt))
    }

    /// Time passed: begin and end, ask what is due, and see what silence has come to.
    pub(super) fn ask_tick(&mut self) {
        let times = self.ask_times();
        for id in self.group_ids() {
            let Some(group) = self.group(id) else { continue };
            if group.ask().is_none() {
                continue;
            }
            let purpose = self.ask_purpose(group);
            let peer = self.stopped_there(group);
            let (now, recovering) = (self.now, self.recovering);
            let Some(ask) = self.group_mut(id).and_then(Group::ask_mut) else { continue };
            ask.follow(purpose, now);
            if !purpose.is_some_and(|purpose| matches!(purpose, Purpose::Claim | Purpose::Claimant)) {
                ask.decided = None;
            }
            let convicted = ask.convict(peer, &times, now);
            let was = ask.stage;
            let mut given_up = false;
            let mut deaf = false;
            if purpose.is_some_and(Purpose::decides) && !recovering {
                if ask.enough(&times, now) {
                    ask.event(AskEvent::Enough, now);
                } else if ask.given_up(&times, now) {
                    ask.resign(now);
                    given_up = true;
                } else if ask.faded() {
                    ask.event(AskEvent::Blind, now);
                }
                deaf = ask.deaf(&times, now) && !core::mem::replace(&mut ask.told_blind, true);
            }
            let silent = was == Stage::Answered && ask.stage == Stage::Silent;
            if silent {
                ask.told = false;
            }
            ask.tick(&times, now);
            if deaf {
                self.report(Event::AskDeaf(id));
            }
            if given_up {
                self.report(Event::AskGivenUp(id));
            } else if silent {
                self.report(Event::AddressSilent(id));
            }
            if let Some(mac) = convicted {
                self.duplicate(id, mac);
            }
        }
    }

    /// The loop stood still for `gap`: whoever took the addresses meanwhile was not asked, so what silence was proven before
    /// is old, and a claim of which nothing runs yet is decided again (DESIGN §7 O2c.6).
    pub(super) fn ask_anew(&mut self, gap: Duration) {
        let (now, times) = (self.now, self.ask_times());
        for id in self.group_ids() {
            let Some(ask) = self.group_mut(id).and_then(Group::ask_mut) else { continue };
            if ask.anew(gap, &times, now) && self.group(id).is_some_and(Group::not_begun) {
                self.release(id, Cause::Anew);
            }
        }
    }

    /// The peer's epoch and its last beat, while it shows the group proven stopped.
    fn stopped_there(&self, group: &Group) -> Option<(u32, Instant)> {
        let shown = self.peer.group(group.config.name_hash).filter(|_| self.peer.both_ways())?;
        matches!(shown.state, GroupState::Idle | GroupState::Failed)
            .then_some((shown.epoch, self.peer.last_heard))
    }

    /// When the questions of `id` want time to pass.
    pub(super) fn ask_deadline(&self, id: GroupId, at: &mut Earliest) {
        let Some(group) = self.group(id) else { return };
        let Some(ask) = group.ask() else { return };
        if ask.purpose != self.ask_purpose(group) {
            at.or(self.now);
            return;
        }
        if let Some((since, _)) = ask.decided
            && group.state == GroupState::Held
        {
            at.or(self.claimed_until(ask, since));
        }
        let unheard = self.peer.state == PeerState::Unknown || self.foreign.live();
        if unheard && self.now < self.ask_from() {
            at.or(self.ask_from());
        }
        ask.deadline(&self.ask_times(), self.ticked, at);
    }

    /// What is to be asked, or answered for.
    pub(super) fn ask_action(&mut self, id: GroupId) -> Option<Action> {
        let ask = self.group_mut(id)?.ask_mut()?;
        if core::mem::take(&mut ask.defend) {
            return Some(Action::Defend { group: id });
        }
        core::mem::take(&mut ask.due).then_some(Action::Ask { group: id })
    }

    /// What became of a question for one address (DESIGN §7 O2c.7).
    pub(super) fn asked(&mut self, address: u8, what: Asked) {
        let bit = 1_u32.checked_shl(u32::from(address)).unwrap_or(0);
        for id in self.group_ids() {
            let now = self.now;
            let Some(ask) = self.group_mut(id).and_then(Group::ask_mut).filter(|ask| ask.mask & bit != 0)
            else {
                continue;
            };
            match what {
                Asked::Left => ask.left(bit),
                Asked::Unable(why) => {
                    ask.unable(now);
                    let decides = ask.purpose.is_some_and(Purpose::decides);
                    if decides && !core::mem::replace(&mut ask.told_blind, true) {
                        self.report(Event::AskBlind { group: id, address, why });
                    }
                }
                Asked::Neighbour => ask.neighbour(bit),
                Asked::Question => self.somebody_asks(id),
                Asked::Answered { mac } => self.answered(id, address, mac, false),
                Asked::Defended { mac } => self.answered(id, address, mac, true),
            }
        }
    }

    /// Another machine asks for an address of the group.
    fn somebody_asks(&mut self, id: GroupId) {
        let (now, times) = (self.now, self.ask_times());
        let Some(group) = self.group_mut(id) else { return };
        // This boot may have started it: its addresses may be down already, and the rest not.
        let cleans = group.state == GroupState::Unknown && group.started;
        let Some(ask) = group.ask_mut() else { return };
        match ask.purpose {
            Some(Purpose::Claimant) => ask.ask_back(now),
            Some(Purpose::Keep) => ask.answer_for(now),
            Some(Purpose::Yield) => ask.answer_unless_rivalled(&times, now),
            Some(Purpose::Claim) if cleans => ask.answer_for(now),
            Some(Purpose::Claim | Purpose::Learn | Purpose::Know | Purpose::Back) | None => {}
        }
    }

    /// Another machine answered.
    fn answered(&mut self, id: GroupId, address: u8, mac: Mac, defended: bool) {
        if self.known.contains(&mac) && !defended {
            return;
        }
        let stuck = self.peer.both_ways() && self.shown_there(id) == Some(GroupState::Stuck);
        let (now, times) = (self.now, self.ask_times());
        let Some(group) = self.group(id) else { return };
        let peer = self.stopped_there(group);
        let Some(ask) = self.group_mut(id).and_then(Group::ask_mut) else { return };
        let Some(purpose) = ask.purpose else { return };
        match purpose {
            Purpose::Know | Purpose::Keep => return,
            Purpose::Yield => return ask.rival(),
            Purpose::Learn => {
                if let (Some((epoch, _)), false) = (peer, defended) {
                    ask.suspect(mac, epoch, now);
                }
                return;
            }
            // What is stuck there serves nobody, whatever it answers for while its addresses are down.
            Purpose::Back if defended && stuck => return,
            Purpose::Claim | Purpose::Claimant | Purpose::Back => {}
        }
        let came = ask.answer(mac, &times, now);
        match came {
            Came::Nothing => return,
            Came::Forged => {
                self.report(Event::AnswersForged { group: id, mac });
                return;
            }
            Came::Once | Came::Counts => {}
        }
        let sure = came == Came::Counts || defended;
        match purpose {
            Purpose::Learn | Purpose::Know | Purpose::Keep | Purpose::Yield => {}
            Purpose::Claim => {
                ask.answers(now);
                if !core::mem::replace(&mut ask.told, true) {
                    let waits = self.answer_waits();
                    self.report(Event::AddressAnswered { group: id, address, mac, waits });
                }
            }
            Purpose::Claimant if sure => self.contested(id, mac, defended),
            Purpose::Claimant => {}
            Purpose::Back => {
                ask.answers(now);
                if sure && !self.gives_way(id) {
                    self.taken(id, mac);
                }
            }
        }
    }

    /// This node is taking the group, and another machine answers for an address of it. Where it decided in spite of
    /// answers, these say nothing new (DESIGN §7 O2c.8).
    fn contested(&mut self, id: GroupId, mac: Mac, defended: bool) {
        let me = self.config.side;
        let Some(group) = self.group(id) else { return };
        let after_silence = group.ask().is_some_and(|ask| ask.decided.is_some_and(|(_, silent)| silent));
        // The preferred node goes on beside another claimant, but not into what already serves elsewhere.
        let begun = group.state == GroupState::Held || matches!(group.gate, Gate::Open);
        let stays = group.config.preferred == me && (defended || begun);
        if after_silence && !stays {
            let now = self.now;
            if let Some(ask) = self.group_mut(id).and_then(Group::ask_mut) {
                ask.answers(now);
                ask.told = true;
            }
            self.taken(id, mac);
        }
    }

    /// A machine answered once that may be about to end this start: no script begins before it is asked once more (DESIGN §7 O2c.11).
    pub(super) fn doubts_start(&self, group: &Group) -> bool {
        let stays = group.config.preferred == self.config.side && matches!(group.gate, Gate::Open);
        let doubts = |ask: &Ask| ask.doubt(&self.ask_times()).is_some_and(|until| self.now < until);
        let decided = |ask: &&Ask| ask.decided.is_some_and(|(_, silent)| silent);
        !stays && group.ask().filter(decided).is_some_and(doubts)
    }

    /// Another machine has the addresses: give the group up, with a mark.
    fn taken(&mut self, id: GroupId, mac: Mac) {
        self.report(Event::AddressTaken { group: id, mac });
        self.keep_quiet(id);
        self.release(id, Cause::Conflict);
    }

    /// The living peer is taking down what it had begun, and answers until it has: it is waited for. One that is stuck may
    /// answer for ever.
    fn gives_way(&self, id: GroupId) -> bool {
        let ends = |state: GroupState| {
            matches!(
                state,
                GroupState::Unknown | GroupState::Idle | GroupState::Stopping | GroupState::Failed
            )
        };
        self.peer.both_ways() && self.shown_there(id).is_some_and(ends)
    }

    /// A machine that answers for what neither node has.
    fn duplicate(&mut self, id: GroupId, mac: Mac) {
        if !self.known.contains(&mac) && self.known.push(mac).is_ok() {
            self.report(Event::AddressDuplicate { group: id, mac });
        }
    }

    /// Is a group held back while its address answers? (DESIGN §7 O2c.9).
    fn answer_waits(&self) -> bool {
        match self.config.ask.answered {
            Some(answered) => answered == Answered::Wait,
            // A hung machine is reset by its watchdog, or by the fence. A peer that was never met has the same files, as far
            // as anybody knows.
            None if self.peer.met.is_some() => {
                self.config.fence.is_some() || self.peer.armed && self.peer.watchdog.is_some()
            }
            None => self.config.fence.is_some() || matches!(self.watchdog, Watchdog::Armed { .. }),
        }
    }

    /// What a claim waits for that rests on the peer's silence alone (DESIGN §7 O2c.10, O2c.9).
    pub(super) fn ask_wait(&mut self, id: GroupId) -> Option<Wait> {
        let waits = self.answer_waits();
        let gone = matches!(self.peer_situation(id), PeerSituation::Gone { .. });
        let fenced = self.fence.speaks();
        let (vouched, now) = (self.peer.vouched, self.now);
        let ask = self.group_mut(id)?.ask_mut()?;
        if !gone || vouched || fenced {
            ask.decided = None;
            return None;
        }
        let wait = match (ask.stage, waits) {
            (Stage::Silent, _) => None,
            (Stage::Off | Stage::Asking | Stage::Answered, _) if ask.blind => Some(Wait::CannotAsk),
            (Stage::Off | Stage::Asking, true) if ask.told_blind => Some(Wait::CannotAsk),
            (Stage::Off | Stage::Asking, true) => Some(Wait::Asking),
            (Stage::Answered, true) => Some(Wait::Answered),
            (Stage::Off | Stage::Asking | Stage::Answered, false) => None,
        };
        if wait.is_none() {
            ask.decided = Some((now, ask.stage == Stage::Silent));
        }
        wait
    }

    /// Do the addresses of a group that is put back in place have to be asked for first? Not while the peer is heard to be
    /// stopped (DESIGN §7 O2c.1).
    pub(super) fn ask_before_restart(&self, id: GroupId) -> bool {
        let Some(group) = self.group(id) else { return false };
        group.ask().is_some() && self.stopped_there(group).is_none()
    }

    /// Nobody answered: go on with the restart in place.
    pub(super) fn pass_ask(&mut self, id: GroupId, from: u8) {
        use crate::cluster::call::Goal;
        let Some(group) = self.group_mut(id) else { return };
        if group.ask().is_none_or(|ask| ask.purpose == Some(Purpose::Back) && ask.stage == Stage::Silent) {
            group.gate = Gate::Open;
            group.begin(Goal::Restart(from));
        }
    }
}
