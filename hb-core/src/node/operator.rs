//! Operators' commands (DESIGN §10): accepted as a whole for the groups that can follow, or refused with the reason.

use super::{Node, cover};
use crate::cluster::fence::FenceEvent;
use crate::cluster::group::{Group, GroupEvent, Reset};
use crate::config::{ConfigError, Isolated, Tuning};
use crate::event::{Cause, Event, Wait};
use crate::ids::GroupId;
use crate::input::{Command, Refusal, Scope};
use crate::message::{GroupState, Phase, Reason};
use crate::status::PeerState;
use crate::time::Instant;

impl Node {
    /// An operator's command: accepted (it then runs its course; watch the status) or refused with the reason.
    ///
    /// With several groups in its scope it is accepted when at least one of them follows.
    ///
    /// # Errors
    /// Why it is refused; nothing was changed then.
    // DESIGN §8.3, §7 O8.1.
    pub fn operator(&mut self, now: Instant, command: Command) -> Result<(), Refusal> {
        self.read_clock(now);
        cover!(self, OPERATOR, self.phase, command.index());
        let answer = match command {
            Command::Standby(scope) => {
                self.gives_all(|id| self.meant(scope, id)).and_then(|()| self.for_scope(scope, Self::standby))
            }
            Command::Takeover(scope) => self.for_scope(scope, Self::take_over),
            Command::ConfirmDown => self.confirm_down(false),
            Command::ConfirmDownForce => self.confirm_down(true),
            Command::Clear(group) => self.clear(group),
            Command::Stop => self.stop(),
        };
        self.settle();
        answer
    }

    /// Go on with other values for what concerns this node alone. A script call under way keeps its limit; the monitor of
    /// a held group begins anew when its directive changed.
    ///
    /// # Errors
    /// The relation that they break; nothing was changed then.
    pub fn retune(&mut self, now: Instant, tuning: &Tuning) -> Result<(), ConfigError> {
        self.read_clock(now);
        let before = self.config.monitor;
        self.config.retune(tuning)?;
        if tuning.isolated == Isolated::Claim {
            self.not_isolated();
        }
        if tuning.monitor != before {
            let now = self.now;
            for group in self.groups.iter_mut().filter(|group| group.state == GroupState::Held) {
                match &tuning.monitor {
                    Some(config) => group.monitor.begin(config, now, group.monitor.was_restarting()),
                    None => group.monitor.end(now),
                }
            }
        }
        self.settle();
        Ok(())
    }

    fn for_scope(
        &mut self,
        scope: Scope,
        each: fn(&mut Self, GroupId) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        if self.phase != Phase::Up {
            return Err(Refusal::Busy);
        }
        let mut answer = Err(Refusal::NothingToDo);
        for id in self.group_ids() {
            if !self.meant(scope, id) {
                continue;
            }
            answer = match (each(self, id), answer) {
                (Ok(()), _) | (_, Ok(())) => Ok(()),
                (Err(Refusal::NothingToDo), Err(before)) => Err(before),
                (Err(why), Err(_)) => Err(why),
            };
        }
        answer
    }

    /// Is the group one of `scope`?
    fn meant(&self, scope: Scope, id: GroupId) -> bool {
        let here = self.group(id).is_some_and(|group| group.config.preferred == self.config.side);
        match scope {
            Scope::All => true,
            Scope::Local => here,
            Scope::Foreign => !here,
            Scope::One(one) => one == id,
        }
    }

    /// Give a held group to the peer (DESIGN §5.13).
    fn standby(&mut self, id: GroupId) -> Result<(), Refusal> {
        let Some(group) = self.group(id) else { return Err(Refusal::NothingToDo) };
        match group.state {
            GroupState::Held if !group.config.claimable => return Err(Refusal::Scripts),
            GroupState::Held => {}
            GroupState::Starting => return Err(Refusal::Busy),
            GroupState::Unknown
            | GroupState::Idle
            | GroupState::Stopping
            | GroupState::Failed
            | GroupState::Stuck => return Err(Refusal::NothingToDo),
        }
        self.peer_takes(id)?;
        self.pin(id, true);
        self.release(id, Cause::Handover(Reason::Operator));
        Ok(())
    }

    /// Could the peer take the group now? If not, why (DESIGN §7 O4.3).
    pub(super) fn peer_takes(&self, id: GroupId) -> Result<(), Refusal> {
        // One that is late may be dead, and a command may come before that is judged.
        let late = self.peer.last_heard.plus(self.config.timing.warntime);
        if !self.peer.both_ways() || self.peer.phase != Phase::Up || self.now >= late {
            return Err(Refusal::PeerNotUp);
        }
        if let Some((says, _)) = self.peer.newer() {
            return if says.nothing && !says.take { Ok(()) } else { Err(Refusal::PeerUnable) };
        }
        if !self.agrees(id) {
            return Err(Refusal::ConfigDiffers);
        }
        if !self.synced(id) {
            return Err(Refusal::StaleCopy);
        }
        if self.beside_older() {
            return self.older_takes(id);
        }
        if !self.peer_could_take(id) || self.peer_has_twins() {
            return Err(Refusal::PeerUnable);
        }
        Ok(())
    }

    /// Ask the peer for a group; or claim it although this node takes itself for isolated.
    fn take_over(&mut self, id: GroupId) -> Result<(), Refusal> {
        let Some(group) = self.group(id) else { return Err(Refusal::NothingToDo) };
        match group.state {
            GroupState::Idle => {}
            GroupState::Held | GroupState::Starting => return Err(Refusal::NothingToDo),
            GroupState::Unknown | GroupState::Stopping => return Err(Refusal::Busy),
            GroupState::Failed | GroupState::Stuck => return Err(Refusal::SelfUnable),
        }
        if !group.able() {
            return Err(Refusal::SelfUnable);
        }
        let held = self.peers(id).is_some_and(|shown| shown.state == GroupState::Held);
        let accepted = !held && self.accept_copy(id);
        let freed = self.isolated.lasts() && self.peer.state == PeerState::Dead;
        if freed {
            self.not_isolated();
        }
        if accepted || freed {
            return Ok(());
        }
        if !self.peer.both_ways() || self.peer.phase != Phase::Up {
            return Err(Refusal::PeerNotUp);
        }
        if self.peer.newer().is_some() {
            if let Some(group) = self.group_mut(id) {
                group.takeover = true;
            }
            self.out.beat = true;
            return Ok(());
        }
        if !self.agrees(id) {
            return Err(Refusal::ConfigDiffers);
        }
        // The holder cannot read the wish.
        if self.beside_older() {
            return Err(Refusal::PeerUnable);
        }
        if !held {
            return Err(if self.copy_wait(id).is_some() { Refusal::StaleCopy } else { Refusal::NothingToDo });
        }
        if !self.synced(id) {
            return Err(Refusal::StaleCopy);
        }
        if let Some(group) = self.group_mut(id) {
            group.takeover = true;
        }
        Ok(())
    }

    /// The operator vouches that the peer is off: that wins over everything but verified life, and over a service address
    /// that answers with `force` only (DESIGN §7 O2c.10).
    fn confirm_down(&mut self, force: bool) -> Result<(), Refusal> {
        if self.peer.alive() || self.foreign_heard() {
            return Err(Refusal::PeerAlive);
        }
        if !force && self.address_answers() {
            return Err(Refusal::AddressAnswers);
        }
        self.peer.vouched = true;
        self.foreign_vouched();
        self.peer_proven_off();
        self.isolated.end();
        self.fence_event(FenceEvent::Vouched);
        self.report(Event::ConfirmedDown);
        Ok(())
    }

    /// Somebody else was found to have a service address.
    fn address_answers(&self) -> bool {
        let unmet = matches!(self.one_way, super::OneWay::Answered(_)) && self.peer.met.is_none();
        unmet || self.groups.iter().any(|group| matches!(group.wait, Some(Wait::Answered)))
    }

    /// Forget a failed start, or try a stuck stop again.
    fn clear(&mut self, id: GroupId) -> Result<(), Refusal> {
        let Some(group) = self.group_mut(id) else { return Err(Refusal::NothingToDo) };
        group.forget_failures();
        // One word is enough: what stops now may start again.
        group.for_good &= group.state != GroupState::Stuck;
        if !self.change(id, GroupEvent::Clear, Cause::Operator) {
            return Err(Refusal::NothingToDo);
        }
        // A new episode; but a reset that the peer counts on comes, unless the group is proven stopped before.
        if let Some(group) = self.group_mut(id)
            && matches!(group.reset, Reset::Asked(_) | Reset::Spent)
        {
            group.reset = Reset::Free;
            self.persist();
        }
        Ok(())
    }

    /// Leave in order. A second time, while a stuck group, a script that cannot be run or a pull that does not end holds
    /// that up, end all the same.
    fn stop(&mut self) -> Result<(), Refusal> {
        if self.phase != Phase::Leaving {
            self.begin_leave();
            return Ok(());
        }
        let waits = |group: &Group| group.pulls() || group.sequence.waits_for_script();
        if self.stuck_group().is_some() || self.groups.iter().any(waits) {
            self.out.exit = Some(false);
            return Ok(());
        }
        Err(Refusal::Busy)
    }
}
