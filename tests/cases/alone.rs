//! One node and a hand-made world around it, for what the simulator's machines cannot do.

use hb_core::config::MonitorConfig;
use hb_core::message::GroupState;
use hb_core::{
    Action, Event, FRAME_BUF, GroupId, Input, Instant, LinkId, Node, Outcome, Saved, Side, Token, Verb,
};
use hb_sim::setup::{config, keys};

struct Lone {
    node: Node,
    now: Instant,
    calls: Vec<(Token, u8, Verb)>,
    killed: Vec<Token>,
    events: Vec<Event>,
    status_calls: usize,
    exited: Option<bool>,
}

impl Lone {
    fn new(change: impl Fn(&mut hb_core::Config)) -> Self {
        let mut c = config(Side::Even);
        change(&mut c);
        let now = Instant::from_millis(1000);
        let node = Node::new(c, keys(b"secret"), &Saved::default(), [7; 16], now).unwrap();
        let mut lone = Self {
            node,
            now,
            calls: Vec::new(),
            killed: Vec::new(),
            events: Vec::new(),
            status_calls: 0,
            exited: None,
        };
        lone.drain();
        lone.give(Input::LinkChanged { link: LinkId(1), up: true });
        lone
    }

    fn give(&mut self, input: Input<'_>) {
        self.node.handle_input(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        let mut buf = [0; FRAME_BUF];
        while let Some(action) = self.node.poll_action(&mut buf) {
            match action {
                Action::RunScript { resource, verb, token, .. } => {
                    self.status_calls += usize::from(verb == Verb::Status);
                    self.calls.push((token, resource, verb));
                }
                Action::KillScript { token } => self.killed.push(token),
                Action::Persist { serial } => {
                    self.node.handle_input(self.now, Input::Persisted { serial });
                }
                Action::Report(event) => self.events.push(event),
                Action::Exit { clean } => self.exited = Some(clean),
                _ => {}
            }
        }
    }

    /// Until `end`; `answer` says how a call ends, or that it does not.
    fn run(&mut self, ms: u64, mut answer: impl FnMut(u8, Verb) -> Option<Outcome>) {
        let end = self.now.plus(hb_core::Duration::from_millis(ms));
        loop {
            let mut at = 0;
            while at < self.calls.len() {
                let (token, resource, verb) = self.calls[at];
                match answer(resource, verb) {
                    Some(outcome) => {
                        self.calls.remove(at);
                        self.give(Input::ScriptDone { token, outcome });
                    }
                    None => at += 1,
                }
            }
            let due = self.node.poll_deadline();
            if due > end || self.exited.is_some() {
                self.now = end;
                return;
            }
            self.now = if due > self.now { due } else { self.now };
            self.give(Input::Tick { drained: true });
        }
    }

    fn state(&self) -> GroupState {
        self.node.status(self.now).groups[0].state
    }
}

/// c08: a status call that cannot be killed (a process in a driver, a dead NFS server) is given up, which is no failure to the
/// monitor: it calls again at once, for ever, and nothing is ever done about the service.
#[test]
fn c08_a_monitor_call_that_cannot_be_killed_is_a_failure() {
    let mut lone = Lone::new(|c| {
        c.monitor = Some(MonitorConfig { period: hb_core::Duration::from_millis(10_000), failures: 2 })
    });
    lone.run(5000, |_, verb| Some(if verb == Verb::Status { Outcome::Stopped } else { Outcome::Ok }));
    assert_eq!(lone.state(), GroupState::Held, "{:?}", lone.events);
    let before = lone.status_calls;
    // From now on status never ends, killed or not.
    lone.run(600_000, |_, verb| (verb != Verb::Status).then_some(Outcome::Ok));
    let calls = lone.status_calls - before;
    let told = lone.events.iter().any(|e| matches!(e, Event::MonitorFailed { .. }));
    assert!(
        told && calls < 16,
        "10 minutes: {calls} calls left behind (the shell has room for 16), {} of them killed in vain, a failure was told: {told}, {:?}",
        lone.killed.len(),
        lone.state()
    );
}

/// c17: "A stop that failed is never shown as stopped" (README). `stop` answers 1, twice; `status` says nothing at all.
#[test]
fn c17_a_stop_that_failed_is_never_shown_as_stopped() {
    let mut lone = Lone::new(|_| {});
    lone.run(5000, |_, verb| Some(if verb == Verb::Status { Outcome::Unclear } else { Outcome::Ok }));
    assert_eq!(lone.state(), GroupState::Held);
    lone.node.operator(lone.now, hb_core::Command::Stop).unwrap();
    lone.drain();
    lone.run(30_000, |_, verb| {
        Some(match verb {
            Verb::Status => Outcome::Unclear,
            Verb::Start => Outcome::Ok,
            Verb::Stop => Outcome::Failed(1),
        })
    });
    assert_eq!(
        lone.state(),
        GroupState::Stuck,
        "four stops of two resources failed; exit clean: {:?}",
        lone.exited
    );
}

/// c20: how long the first heartbeat of eight groups is.
#[test]
fn c20_sizes() {
    use hb_core::auth::Method;
    for method in [Method::Crc, Method::Sha1, Method::Sha256] {
        let mut c = config(Side::Even);
        c.groups.clear();
        for at in 0..8u32 {
            let group = hb_core::config::GroupConfig {
                name_hash: 0xF000_0000 + at,
                digest: 0xE000_0000 + at,
                preferred: Side::Even,
                resources: 1,
                claimable: true,
                data: None,
            };
            c.groups.push(group).unwrap();
        }
        c.boot = 0xF000_0000;
        c.timing_digest = 0xF000_0000;
        let mut saved = Saved { counter: 40, ..Saved::default() };
        for at in 0..8u32 {
            saved.epochs.push((0xF000_0000 + at, 1000)).unwrap();
        }
        let now = Instant::from_millis(1000);
        let mut node = Node::new(c, hb_sim::setup::keyring(method, b"secret"), &saved, [7; 16], now).unwrap();
        node.handle_input(now, Input::LinkChanged { link: LinkId(0), up: true });
        let mut buf = [0; FRAME_BUF];
        let mut longest = 0;
        while let Some(action) = node.poll_action(&mut buf) {
            if let Action::Transmit { len, .. } = action {
                longest = len;
            }
        }
        let time = |baud: usize| longest * 10_000 / baud;
        eprintln!(
            "c20: first hello, {method:?}, 8 groups, nobody met: {longest} bytes on the line: {} ms at 1200, {} ms at 9600, {} ms at 19200",
            time(1200),
            time(9600),
            time(19200)
        );
    }
    let _ = GroupId(0);
}
