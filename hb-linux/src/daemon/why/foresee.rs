//! What would happen: the real core, on a copy of the present state, in virtual time. Nothing of it is carried out.
//!
//! The world around the copy is made of a few answers: does the peer go on as it is, who answers for service addresses, which
//! ping nodes answer, how long scripts take.

use hb_core::message::GroupState;
use hb_core::{
    Action, Asked, Cause, Duration, Event, FRAME_BUF, GroupId, Input, Instant, Node, Outcome, PingId, Pulled,
    Token, Verb,
};

/// The peer's hardware address, whatever it is.
const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
/// What `status` of a script takes.
const STATUS: Duration = Duration::from_millis(1);
/// Rounds after which a future counts as one that does not come.
const ROUNDS: u32 = 200_000;

/// The world around the copy.
#[derive(Clone, Debug)]
pub(super) struct Around {
    /// The peer is as it is now, and stays so: its silence does not grow.
    pub(super) peer_stays: bool,
    /// By group: somebody answers for its addresses.
    pub(super) answered: Vec<bool>,
    /// By group: its addresses, as the core numbers them.
    pub(super) addresses: Vec<u32>,
    /// Ping nodes that answer.
    pub(super) pings: Vec<bool>,
    /// By group: what the start and the stop of one resource takes.
    pub(super) scripts: Vec<(Duration, Duration)>,
}

/// The copy, and what is under way around it.
#[derive(Debug)]
pub(super) struct Future {
    pub(super) node: Node,
    pub(super) now: Instant,
    around: Around,
    /// Script calls under way.
    calls: Vec<(Instant, Token, Outcome)>,
    /// Resources that run, by group and position.
    runs: Vec<(GroupId, u8)>,
    /// Answers that come at once.
    answers: Vec<Input<'static>>,
    /// Every change of a group.
    pub(super) changes: Vec<(Instant, GroupId, GroupState, Cause)>,
}

impl Future {
    /// From `node` as it is `now`. `resources`: how many each group has.
    pub(super) fn new(node: Node, now: Instant, around: Around, resources: &[u8]) -> Self {
        let mut future = Self {
            node,
            now,
            around,
            calls: Vec::new(),
            runs: Vec::new(),
            answers: Vec::new(),
            changes: Vec::new(),
        };
        for (id, count) in (0..=u8::MAX).map(GroupId).zip(resources) {
            if future.state(id) == Some(GroupState::Held) {
                future.runs.extend((0..*count).map(|resource| (id, resource)));
            }
        }
        future
    }

    pub(super) fn state(&self, id: GroupId) -> Option<GroupState> {
        self.node.group_status(id).map(|status| status.state)
    }

    /// Go on until `done`, for `limit` at most; answers whether it came.
    pub(super) fn until(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now.plus(limit);
        self.settle();
        for _ in 0..ROUNDS {
            if done(self) {
                return true;
            }
            let due = self.calls.iter().map(|(at, ..)| *at).min().unwrap_or(Instant::NEVER);
            let next = self.node.poll_deadline().min(due).max(self.now);
            if next > end {
                return false;
            }
            self.now = next;
            while let Some(at) = self.calls.iter().position(|(at, ..)| *at <= next) {
                let (_, token, outcome) = self.calls.swap_remove(at);
                self.give(Input::ScriptDone { token, outcome });
            }
            if self.around.peer_stays {
                self.give(Input::Unread);
            }
            self.give(Input::Tick { drained: true });
        }
        false
    }

    /// Give one input, and do what follows.
    pub(super) fn give(&mut self, input: Input<'_>) {
        self.node.handle_input(self.now, input);
        self.settle();
    }

    /// Do what the copy asks for, until it asks no more.
    fn settle(&mut self) {
        let mut frame = [0; FRAME_BUF];
        loop {
            while let Some(action) = self.node.poll_action(&mut frame) {
                self.perform(action);
            }
            let answers = core::mem::take(&mut self.answers);
            if answers.is_empty() {
                return;
            }
            for input in answers {
                self.node.handle_input(self.now, input);
            }
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Transmit { .. }
            | Action::FeedWatchdog
            | Action::Announce { .. }
            | Action::Defend { .. }
            | Action::Exit { .. } => {}
            Action::Persist { serial } => self.answers.push(Input::Persisted { serial }),
            Action::RunScript { group, resource, verb, token } => self.call(group, resource, verb, token),
            Action::KillScript { token } => {
                for call in self.calls.iter_mut().filter(|(_, known, _)| *known == token) {
                    *call = (self.now, token, Outcome::Killed);
                }
            }
            Action::Pull { token, .. } => {
                self.answers.push(Input::PullDone { token, outcome: Pulled::Cut { partial: false } });
            }
            // It has ended already.
            Action::EndPull { .. } => {}
            Action::WriteStamp { token, .. } => self.answers.push(Input::StampWritten { token, ok: true }),
            Action::Ping => {
                let alive = (0..).zip(&self.around.pings).filter(|(_, alive)| **alive);
                self.answers.extend(alive.map(|(ping, _)| Input::PingAnswer { ping: PingId(ping) }));
            }
            // One that is configured does its work, as far as is known.
            Action::Fence => self.answers.push(Input::FenceDone { ok: true }),
            Action::ProbeAddresses => {
                let answered = self.around.answered.contains(&true);
                self.answers.push(Input::ProbeDone { answered });
            }
            Action::Ask { group } => self.ask(usize::from(group.0)),
            Action::Report(Event::Group { group, to, cause, .. }) => {
                self.changes.push((self.now, group, to, cause));
            }
            Action::Report(_) => {}
        }
    }

    /// A question for the group's addresses leaves, and the network answers.
    fn ask(&mut self, group: usize) {
        let bits = self.around.addresses.get(group).copied().unwrap_or(0);
        let answered = self.around.answered.get(group) == Some(&true);
        for address in (0_u8..32).filter(|at| bits & (1 << at) != 0) {
            self.answers.push(Input::Asked { address, what: Asked::Left });
            self.answers.push(Input::Asked { address, what: Asked::Neighbour });
            if answered {
                self.answers.push(Input::Asked { address, what: Asked::Answered { mac: MAC } });
            }
        }
    }

    fn call(&mut self, group: GroupId, resource: u8, verb: Verb, token: Token) {
        let (start, stop) = self.around.scripts.get(usize::from(group.0)).copied().unwrap_or_default();
        let which = (group, resource);
        let runs = self.runs.contains(&which);
        let (took, outcome) = match verb {
            Verb::Status => (STATUS, if runs { Outcome::Running } else { Outcome::Stopped }),
            Verb::Start => (start, Outcome::Ok),
            Verb::Stop => (stop, Outcome::Ok),
        };
        match verb {
            Verb::Start if !runs => self.runs.push(which),
            Verb::Stop => self.runs.retain(|known| *known != which),
            Verb::Start | Verb::Status => {}
        }
        self.calls.push((self.now.plus(took), token, outcome));
    }
}

#[cfg(test)]
#[path = "foresee_tests.rs"]
pub(super) mod tests;
