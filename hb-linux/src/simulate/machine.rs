//! One machine: its power, its daemon, what runs on it, its watchdog.

use super::settings::Pair;
use super::times::Table;
use crate::log::Names;
use hb_core::auth::Keyring;
use hb_core::{
    Action, Config, Duration, FRAME_BUF, GroupId, Input, Instant, Node, Outcome, Saved, Token, Verb,
};
use std::boxed::Box;
use std::vec::Vec;

/// What `status` of a script takes.
const STATUS: Duration = Duration::from_millis(20);

/// A script call under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Call {
    pub(crate) due: Instant,
    pub(crate) token: Token,
    pub(crate) group: GroupId,
    pub(crate) resource: u8,
    pub(crate) verb: Verb,
    pub(crate) killed: bool,
}

/// What one of the two is doing.
pub(crate) struct Machine {
    pub(crate) names: Names,
    pub(crate) config: Config,
    pub(crate) keys: Keyring,
    pub(crate) scripts: Table,
    pub(crate) saved: Saved,
    pub(crate) node: Option<Box<Node>>,
    pub(crate) on: bool,
    pub(crate) frozen: bool,
    pub(crate) boots: u32,
    /// The daemon is started then.
    pub(crate) boot_at: Option<Instant>,
    /// Resources of which something may run, by group and position.
    pub(crate) runs: Vec<(GroupId, u8)>,
    /// Resources that run as a whole.
    pub(crate) whole: Vec<(GroupId, u8)>,
    pub(crate) calls: Vec<Call>,
    /// Answers under way to its daemon.
    pub(crate) answers: Vec<(Instant, Input<'static>)>,
    pub(crate) writes: Vec<(Instant, u32, Saved)>,
    /// The watchdog's timeout, and when it was fed last while it is armed.
    pub(crate) dog: Option<Duration>,
    pub(crate) fed: Option<Instant>,
}

impl Machine {
    pub(crate) fn new(pair: &Pair, side: usize, scripts: Table) -> Option<Self> {
        let (settings, names) = (pair.of.get(side)?, pair.names.get(side)?);
        Some(Self {
            names: names.clone(),
            config: settings.core.clone(),
            keys: settings.keys.clone(),
            scripts,
            saved: Saved::default(),
            node: None,
            on: true,
            frozen: false,
            boots: 0,
            boot_at: Some(Instant::from_millis(1000)),
            runs: Vec::new(),
            whole: Vec::new(),
            calls: Vec::new(),
            answers: Vec::new(),
            writes: Vec::new(),
            dog: settings.watchdog.as_ref().map(|dog| Duration::from_secs(dog.timeout_s.into())),
            fed: None,
        })
    }

    /// The power goes: whatever was not on the disk is lost.
    pub(crate) fn off(&mut self) {
        (self.node, self.on, self.frozen, self.boot_at, self.fed) = (None, false, false, None, None);
        self.runs.clear();
        self.whole.clear();
        self.calls.clear();
        self.answers.clear();
        self.writes.clear();
    }

    /// Can it take in and do anything?
    pub(crate) fn acts(&self) -> bool {
        self.node.is_some() && !self.frozen
    }

    /// When its watchdog resets it, if nothing feeds that.
    pub(crate) fn bites(&self) -> Option<Instant> {
        Some(self.fed?.plus(self.dog?))
    }

    /// When it has to be looked at.
    pub(crate) fn deadline(&self) -> Instant {
        let mut all = Vec::from([self.boot_at, self.bites()]);
        if self.acts() {
            all.push(self.node.as_ref().map(|node| node.poll_deadline()));
            all.extend(self.answers.iter().map(|(at, _)| Some(*at)));
            all.extend(self.writes.iter().map(|(at, ..)| Some(*at)));
            all.extend(self.calls.iter().map(|call| Some(call.due)));
        }
        all.into_iter().flatten().min().unwrap_or(Instant::NEVER)
    }

    /// Something of this group may run here.
    pub(crate) fn may_run(&self, group: GroupId) -> bool {
        self.on && self.runs.iter().any(|(of, _)| *of == group)
    }

    /// All of this group runs here, and is not on its way out.
    pub(crate) fn serves(&self, group: GroupId) -> bool {
        let count = self.config.groups.get(usize::from(group.0)).map_or(0, |g| usize::from(g.resources));
        let whole = self.whole.iter().filter(|(of, _)| *of == group).count();
        self.on && !self.frozen && count > 0 && whole == count
    }

    /// A script is called.
    pub(crate) fn call(&mut self, now: Instant, group: GroupId, resource: u8, verb: Verb, token: Token) {
        let row = self.scripts.get(usize::from(group.0));
        let times = row.and_then(|row| row.get(usize::from(resource))).copied().unwrap_or_default();
        let which = (group, resource);
        let took = match verb {
            Verb::Status => STATUS,
            Verb::Start => times.0,
            Verb::Stop => times.1,
        };
        match verb {
            Verb::Start if !self.runs.contains(&which) => self.runs.push(which),
            Verb::Stop => self.whole.retain(|known| *known != which),
            Verb::Start | Verb::Status => {}
        }
        self.calls.push(Call { due: now.plus(took), token, group, resource, verb, killed: false });
    }

    /// A call has run into its limit: it ends now, with its work half done.
    pub(crate) fn kill(&mut self, now: Instant, token: Token) {
        for call in self.calls.iter_mut().filter(|call| call.token == token) {
            (call.due, call.killed) = (now, true);
        }
    }

    /// What has come of a call that ends.
    pub(crate) fn ended(&mut self, call: &Call) -> Outcome {
        let which = (call.group, call.resource);
        match call.verb {
            _ if call.killed => Outcome::Killed,
            Verb::Status if self.whole.contains(&which) => Outcome::Running,
            Verb::Status if self.runs.contains(&which) => Outcome::Partly,
            Verb::Status => Outcome::Stopped,
            Verb::Start => {
                if !self.whole.contains(&which) {
                    self.whole.push(which);
                }
                Outcome::Ok
            }
            Verb::Stop => {
                self.runs.retain(|known| *known != which);
                Outcome::Ok
            }
        }
    }

    /// Give the daemon one input; what it then asks for, with the bytes of each frame.
    pub(crate) fn give(&mut self, now: Instant, input: Option<Input<'_>>) -> Vec<(Action, Vec<u8>)> {
        let Some(node) = &mut self.node else { return Vec::new() };
        if let Some(input) = input {
            node.handle_input(now, input);
        }
        let (mut frame, mut all) = ([0; FRAME_BUF], Vec::new());
        while let Some(action) = node.poll_action(&mut frame) {
            let len = if let Action::Transmit { len, .. } = action { len } else { 0 };
            all.push((action, frame.get(..len).unwrap_or_default().into()));
        }
        all
    }
}
