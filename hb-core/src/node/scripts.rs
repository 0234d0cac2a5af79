//! Carrying the decisions out: gates, script calls, their answers, and what a group's new state entails.

use super::claim::Pass;
use super::{Node, cover};
use crate::action::Verb;
use crate::cluster::call::{Finish, Goal, Request};
use crate::cluster::data::CopyEvent;
use crate::cluster::fence::Fence;
use crate::cluster::group::{self, Gate, Group, GroupEvent, Reset};
use crate::cluster::monitor::{Ask, Monitor, Verdict};
use crate::event::{Cause, Event, Wait};
use crate::ids::{GroupId, Token};
use crate::input::{Outcome, Watchdog};
use crate::message::GroupState;
use crate::status::Culprit;
use crate::time::{Earliest, Instant};

/// A script call to make or to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ScriptAction {
    Run { group: GroupId, resource: u8, verb: Verb, token: Token },
    Kill(Token),
}

impl Node {
    /// At the daemon's start: prove every group stopped.
    pub(super) fn begin_cleaning(&mut self) {
        for group in &mut self.groups {
            group.begin(Goal::Clean);
            group.sequence.recall(group.started);
        }
    }

    /// Move every group's scripts on. `true` when a state changed.
    pub(super) fn carry(&mut self) -> bool {
        let mut changed = false;
        for id in self.group_ids() {
            changed |= self.carry_group(id);
        }
        changed
    }

    fn carry_group(&mut self, id: GroupId) -> bool {
        if self.queue.calls.len() + 2 > self.queue.calls.capacity() {
            return false;
        }
        self.pass_gate(id);
        let starts = self.group(id).is_some_and(|group| group.state == GroupState::Starting);
        let waits = starts && self.gate_wait(id).is_some();
        let (now, limits) = (self.now, self.config.limits);
        let Some(group) = self.group_mut(id) else { return false };
        group.held_back = false;
        if group.monitor.call.is_some() || group.state == GroupState::Held {
            let ask = self.ask_monitor(id);
            // A sequence of a group that is not held any more waits until the monitor's call has ended.
            if ask != Ask::Wait(Instant::NEVER) || self.group(id).is_some_and(|g| g.monitor.call.is_some()) {
                return false;
            }
        }
        let Some(group) = self.group_mut(id) else { return false };
        let works = match group.state {
            GroupState::Unknown | GroupState::Stopping => true,
            GroupState::Starting => matches!(group.gate, Gate::Open),
            GroupState::Idle | GroupState::Held | GroupState::Failed | GroupState::Stuck => false,
        };
        if !works {
            return false;
        }
        match group.sequence.poll(now, &limits) {
            Request::Wait(_) => false,
            Request::Kill(token) => {
                let _ = self.queue.calls.push_back(ScriptAction::Kill(token));
                false
            }
            // No start begins beside a peer that is heard to run it, or to take down what it had begun.
            Request::Run { verb: Verb::Start, .. } if waits => {
                group.held_back = true;
                false
            }
            Request::Run { resource, verb } => {
                let token = self.token();
                if let Some(group) = self.group_mut(id) {
                    group.sequence.called(token, resource, verb, now, &limits);
                }
                let _ = self.queue.calls.push_back(ScriptAction::Run { group: id, resource, verb, token });
                false
            }
            Request::Finished(finish) => self.finished(id, finish),
        }
    }

    fn ask_monitor(&mut self, id: GroupId) -> Ask {
        let (now, limits) = (self.now, self.config.limits);
        let token = Token(self.next_token.wrapping_add(1));
        let Some(group) = self.group_mut(id) else { return Ask::Wait(Instant::NEVER) };
        let ask = group.monitor.poll(now);
        match ask {
            Ask::Run(resource) => {
                group.monitor.called(token, now, &limits);
                self.next_token = token.0;
                let run = ScriptAction::Run { group: id, resource, verb: Verb::Status, token };
                let _ = self.queue.calls.push_back(run);
            }
            Ask::Kill(token) => {
                let _ = self.queue.calls.push_back(ScriptAction::Kill(token));
            }
            Ask::GiveUp(token) => self.script_done(token, Outcome::Killed),
            Ask::Wait(_) => {}
        }
        ask
    }

    pub(super) fn token(&mut self) -> Token {
        self.next_token = self.next_token.wrapping_add(1);
        Token(self.next_token)
    }

    /// When the scripts of `group` want time to pass.
    pub(super) fn script_deadline(group: &Group, at: &mut Earliest) {
        if let Some(call) = &group.sequence.call {
            at.or(call.deadline);
        } else if group.monitor.call.is_none()
            && !group.held_back
            && matches!(group.state, GroupState::Unknown | GroupState::Starting | GroupState::Stopping)
        {
            // It begins when the monitor's call has ended.
            at.or(group.sequence.not_before());
        }
        at.or(group.monitor.deadline());
    }

    /// The epoch is on the disk, or has had its time; then the fence; then the scripts.
    fn pass_gate(&mut self, id: GroupId) {
        let (now, ticked) = (self.now, self.ticked);
        let Some(group) = self.group_mut(id) else { return };
        if group.state != GroupState::Starting {
            group.gate = Gate::Open;
            return;
        }
        if let Gate::Ask(from) = group.gate {
            self.pass_ask(id, from);
            return;
        }
        if let Gate::Persist { until, .. } = group.gate
            && ticked >= until
        {
            group.gate = Gate::Fence;
            self.report(Event::Unproven(id));
        }
        let waits = self.gate_wait(id).is_some();
        let Some(group) = self.group_mut(id) else { return };
        if matches!(group.gate, Gate::Fence) && !waits {
            group.gate = Gate::Data;
            if let Some(copy) = group.copy_mut() {
                copy.at = now.plus(copy.config.limit);
            }
        }
        if !matches!(group.gate, Gate::Data) {
            return;
        }
        match self.pass_data(id) {
            Pass::Open => {
                if let Some(group) = self.group_mut(id) {
                    group.gate = Gate::Open;
                    group.begin(Goal::Start);
                }
            }
            Pass::Wait => {}
            Pass::Withdraw => {
                self.release(id, Cause::Data);
            }
        }
    }

    /// What the start scripts of a claim wait for, once its epoch is on the disk: the fence; or a peer that is heard
    /// again, and has yet to take down what it had begun (DESIGN §7 O4.1).
    pub(super) fn gate_wait(&self, id: GroupId) -> Option<Wait> {
        if !self.fence_open() {
            return Some(Wait::Fence);
        }
        if self.group(id).is_some_and(|group| self.doubts_start(group)) {
            return Some(Wait::Answered);
        }
        let in_place = self.group(id).is_some_and(|group| group.in_place);
        if self.peer_has_twins() && self.peer.alive() && !in_place {
            return Some(Wait::PeerTwins);
        }
        // It was claimed in silence, and then somebody who owes an answer showed that he holds it.
        if self.one_way_blocks() && !self.peer.vouched && !in_place {
            return Some(Wait::OneWay);
        }
        if self.peer.newer().is_some_and(|(says, _)| !says.nothing && !in_place) {
            return Some(Wait::PeerRuns);
        }
        let blocks = |state: GroupState| state.may_run() && !(in_place && state == GroupState::Stuck);
        self.shown_there(id).filter(|state| blocks(*state)).map(|_| Wait::PeerRuns)
    }

    /// Nothing is left to fence.
    fn fence_open(&self) -> bool {
        self.peer.alive() || matches!(self.fence, Fence::Unneeded | Fence::Done | Fence::Forgone)
    }

    /// A write reached the disk: every claim that waited for it, or for an earlier one, goes on.
    pub(super) fn persisted(&mut self, done: u32) {
        let holds = |serial: u32| done.wrapping_sub(serial) < u32::MAX / 2;
        for id in self.group_ids() {
            let Some(group) = self.group_mut(id) else { continue };
            if let Gate::Persist { serial, .. } = group.gate
                && holds(serial)
            {
                group.gate = Gate::Fence;
            }
            if let Reset::Asked(serial) = group.reset
                && holds(serial)
            {
                group.reset = Reset::Unfed;
                if group.unproven {
                    // Shown from now on, in the step after the last feed.
                    self.out.beat = true;
                    self.report(Event::FeedingStopped(id));
                }
            }
        }
    }

    /// A script call ended: it belongs to one group's sequence or monitor, or was given up.
    pub(super) fn script_done(&mut self, token: Token, outcome: Outcome) {
        let now = self.now;
        for id in self.group_ids() {
            let Some(group) = self.groups.get_mut(usize::from(id.0)) else { continue };
            let (monitor, limits) = (&self.config.monitor, &self.config.limits);
            let call = group.sequence.call;
            group.sequence.believe(group.config.claimable);
            #[cfg(feature = "coverage")]
            let step = group.sequence.step_index();
            if group.sequence.done(token, outcome, now, limits) {
                cover!(self, SEQUENCE, step, outcome.index());
                if let Some(call) = call {
                    self.tell_script(id, call.resource, call.verb, outcome);
                }
                self.saw_running(id);
                return;
            }
            let last = group.config.resources.saturating_sub(1);
            // A call that was under way when the monitor was switched off is judged by nothing, but for a look.
            let config = monitor.as_ref().unwrap_or(&Monitor::OFF);
            if let Some(verdict) = group.monitor.done(token, outcome, last, config, now) {
                self.monitored(id, verdict, outcome);
                return;
            }
        }
    }

    /// The clean-up found something of the group running, whoever started it: on record until it is proven stopped.
    fn saw_running(&mut self, id: GroupId) {
        let Some(group) = self.group_mut(id) else { return };
        if group.state == GroupState::Unknown && group.sequence.saw_running() && !group.started {
            group.started = true;
            self.persist();
        }
    }

    /// A call that did not end well is worth a line; `status` answers are the ordinary course.
    fn tell_script(&mut self, group: GroupId, resource: u8, verb: Verb, outcome: Outcome) {
        let bad = match (verb, outcome) {
            (_, Outcome::Killed | Outcome::NotRun) | (Verb::Start | Verb::Stop, Outcome::Failed(_)) => true,
            (Verb::Status, _)
            | (_, Outcome::Ok | Outcome::Running | Outcome::Partly | Outcome::Unclear | Outcome::Stopped) => {
                false
            }
        };
        let what = Some(Culprit { resource, verb, outcome });
        let Some(known) = self.group_mut(group) else { return };
        if bad && core::mem::replace(&mut known.told, what) != what {
            self.report(Event::Script { group, resource, verb, outcome });
        }
    }

    fn monitored(&mut self, id: GroupId, verdict: Verdict, outcome: Outcome) {
        cover!(self, MONITOR, verdict.index(), self.peer_could_take(id));
        match verdict {
            Verdict::Fine => {}
            Verdict::Failing(count) => {
                let resource = self.group(id).map_or(0, |group| group.monitor.resource());
                self.report(Event::MonitorFailed { group: id, resource, count });
            }
            Verdict::Restart(from) => self.restart_in_place(id, from),
            // It moves only to a node that can take it; else this one goes on trying.
            Verdict::Handover(from) if !self.peer_could_take(id) => self.restart_in_place(id, from),
            Verdict::Handover(resource) => {
                self.report(Event::MonitorFailed { group: id, resource, count: self.monitor_limit() });
                let culprit = Culprit { resource, verb: Verb::Status, outcome };
                if let Some(group) = self.group_mut(id) {
                    (group.for_good, group.culprit) = (true, Some(culprit));
                }
                self.release(id, Cause::Monitor);
            }
        }
    }

    /// [`crate::Input::Look`] (DESIGN §7 O8b.1).
    pub(super) fn look(&mut self, id: GroupId, resource: u8) {
        let now = self.now;
        if let Some(group) = self.group_mut(id)
            && group.state == GroupState::Held
            && resource < group.config.resources
        {
            group.monitor.look(resource, now);
        }
    }

    fn monitor_limit(&self) -> u8 {
        self.config.monitor.map_or(1, |monitor| monitor.failures)
    }

    // DESIGN §5.8.
    fn restart_in_place(&mut self, id: GroupId, from: u8) {
        self.report(Event::MonitorFailed { group: id, resource: from, count: self.monitor_limit() });
        self.put_back(id, from, Cause::Monitor);
        if let Some(group) = self.group_mut(id) {
            group.monitor.restarting();
        }
    }

    /// Restart from this resource on. Where the peer is not heard to be stopped, another machine may have taken the
    /// addresses meanwhile: they are asked for first.
    pub(super) fn put_back(&mut self, id: GroupId, from: u8, cause: Cause) {
        let now = self.now;
        let asks = self.ask_before_restart(id);
        if let Some(group) = self.group_mut(id) {
            group.monitor.end(now);
            group.in_place = true;
            if asks {
                group.gate = Gate::Ask(from);
                group.sequence.clear();
            } else {
                group.gate = Gate::Open;
                group.begin(Goal::Restart(from));
            }
        }
        self.change(id, GroupEvent::Restart, cause);
    }

    /// Is the peer there, heard both ways, idle, able, and of the same configuration?
    pub(super) fn peer_could_take(&self, id: GroupId) -> bool {
        let Some(group) = self.group(id) else { return false };
        let shown = self.peer.group(group.config.name_hash);
        self.peer.both_ways()
            && self.peer.phase == crate::message::Phase::Up
            && self.agrees(id)
            && shown.is_some_and(|shown| shown.able && shown.state == GroupState::Idle)
    }

    /// End the group here. `true` when that began.
    pub(super) fn release(&mut self, id: GroupId, cause: Cause) -> bool {
        let now = self.now;
        let Some((state, gate)) = self.group(id).map(|group| (group.state, group.gate)) else { return false };
        cover!(self, RELEASE, state, gate.index());
        let Some(group) = self.group_mut(id) else { return false };
        match (state, gate) {
            (GroupState::Held, _) => {
                group.begin(Goal::Stop);
                group.monitor.end(now);
            }
            (GroupState::Starting, Gate::Open) => group.sequence.abort(now),
            // What was to be put back in place runs in part.
            (GroupState::Starting, Gate::Ask(_)) => {
                group.begin(Goal::Stop);
            }
            // No script was begun: there is nothing to take down.
            (GroupState::Starting, Gate::Persist { .. } | Gate::Fence | Gate::Data) => {
                group.sequence.clear();
            }
            (
                GroupState::Unknown
                | GroupState::Idle
                | GroupState::Stopping
                | GroupState::Failed
                | GroupState::Stuck,
                _,
            ) => return false,
        }
        self.change(id, GroupEvent::Release, cause)
    }

    fn finished(&mut self, id: GroupId, finish: Finish) -> bool {
        let Some(group) = self.group(id) else { return false };
        let (state, for_good) = (group.state, group.for_good);
        let event = match (state, finish) {
            (GroupState::Unknown, Finish::Stopped | Finish::Started | Finish::StartFailed) => {
                GroupEvent::Clean
            }
            (_, Finish::StopFailed) => GroupEvent::StopFailed,
            (_, Finish::Started) => GroupEvent::Started,
            (GroupState::Starting, Finish::StartFailed | Finish::Stopped) => GroupEvent::StartFailed,
            (_, Finish::StartFailed | Finish::Stopped) if for_good => GroupEvent::StoppedForGood,
            (_, Finish::StartFailed | Finish::Stopped) => GroupEvent::Stopped,
        };
        let cause = if state == GroupState::Unknown { Cause::Join } else { Cause::Script };
        self.change(id, event, cause)
    }

    /// The one place where a group's state changes, with all that the new state entails.
    pub(super) fn change(&mut self, id: GroupId, event: GroupEvent, cause: Cause) -> bool {
        let now = self.now;
        let monitor = self.config.monitor;
        let Some(from) = self.group(id).map(|group| group.state) else { return false };
        let to = group::next(from, event);
        cover!(self, GROUP_CHANGE, from, event);
        let Some(group) = self.group_mut(id) else { return false };
        if to == from {
            return false;
        }
        group.state = to;
        group.announce = false;
        group.in_place &= to == GroupState::Starting;
        group.unproven = match to {
            GroupState::Stuck => true,
            GroupState::Idle | GroupState::Failed => false,
            GroupState::Unknown | GroupState::Starting | GroupState::Held | GroupState::Stopping => {
                group.unproven
            }
        };
        match to {
            GroupState::Held => {
                group.forget_failures();
                group.culprit = None;
                group.announce = true;
                if let Some(config) = &monitor {
                    let restarted = group.monitor.was_restarting();
                    group.monitor.begin(config, now, restarted);
                }
            }
            GroupState::Failed => {
                let scripts = if cause == Cause::Data { None } else { group.sequence.culprit() };
                group.culprit = scripts.or(group.culprit);
                group.mark = Some(group.epoch);
                group.for_good = false;
                group.plan_retry(now);
            }
            GroupState::Idle if from == GroupState::Stopping => group.mark = Some(group.epoch),
            GroupState::Stopping if from == GroupState::Stuck => {
                group.begin(Goal::Stop);
            }
            GroupState::Stuck => group.culprit = group.sequence.culprit().or(group.culprit),
            GroupState::Unknown | GroupState::Idle | GroupState::Starting | GroupState::Stopping => {}
        }
        // Proven stopped: whatever this boot did with it is over.
        let over = !to.may_run() && (group.started || group.reset != Reset::Free);
        if over {
            (group.started, group.reset) = (false, Reset::Free);
        }
        let epoch = group.shown_epoch();
        if over {
            self.persist();
        }
        match to {
            GroupState::Held => self.copy_event(id, CopyEvent::Held),
            GroupState::Idle | GroupState::Failed => self.copy_event(id, CopyEvent::Over),
            GroupState::Unknown | GroupState::Starting | GroupState::Stopping | GroupState::Stuck => {}
        }
        self.report(Event::Group { group: id, from, to, epoch, cause });
        self.ask_for_reset();
        if to == GroupState::Stuck && self.group(id).is_some_and(|group| group.reset == Reset::Spent) {
            self.report(Event::NotResetAgain(id));
        }
        self.out.beat = true;
        true
    }

    /// A stuck group beside an armed watchdog: the machine is to be reset, once that is on record (DESIGN §8.4).
    pub(super) fn ask_for_reset(&mut self) {
        if !matches!(self.watchdog, Watchdog::Armed { .. }) {
            return;
        }
        for at in 0..self.groups.len() {
            let asks = |group: &&mut Group| group.state == GroupState::Stuck && group.reset == Reset::Free;
            if self.groups.get_mut(at).filter(asks).is_none() {
                continue;
            }
            let serial = self.persist();
            if let Some(group) = self.groups.get_mut(at) {
                group.reset = Reset::Asked(serial);
            }
        }
    }
}
