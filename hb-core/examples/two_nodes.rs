//! Two nodes on one wire, in virtual time: they meet, the wire is cut for two seconds, both serve, it heals, one lets go. Then
//! the holder is asked to hand over. `cargo run -p hb-core --example two_nodes` prints what happened when.
//!
//! Behind a cut of the only wire nobody can tell a dead peer from a silent one: that is why the daemon asks for the service's
//! addresses first (`AskConfig`), and why a second wire, a fence or a ping node belong to a real pair.

use hb_core::auth::{Key, Keyring, Method};
use hb_core::config::{GroupConfig, LinkKind, Timing};
use hb_core::{Action, Command, Config, Duration, Event, FRAME_BUF, GroupId, Input, Instant, LinkId, Node};
use hb_core::{Outcome, Saved, Scope, Verb};

const STEP: Duration = Duration::from_millis(10);
const NAMES: [&str; 2] = ["ha-1", "ha-2"];

fn config(own: &str, peer: &str) -> Config {
    let timing = Timing::new(Duration::from_millis(100), Duration::from_millis(500));
    let timing = Timing { initdead: Duration::from_secs(2), ..timing };
    let group = GroupConfig::new(NAMES[0], NAMES[1], &["disk", "web"]);
    Config::new(own, peer, timing, &[LinkKind::Datagram], &[group]).expect("a good configuration")
}

/// A node, what it wants sent, and which of its two resources run.
struct Machine {
    name: &'static str,
    node: Node,
    sent: Vec<Vec<u8>>,
    runs: [bool; 2],
}

impl Machine {
    fn new(own: usize, now: Instant) -> Self {
        let key = Key::new(Method::Crc, b"").expect("crc has no secret");
        let keys = Keyring::new(&[(1, key)], 1).expect("key 1 is there");
        let entropy = [u8::try_from(own).unwrap_or(0) + 1; 16];
        let config = config(NAMES[own], NAMES[1 - own]);
        let node = Node::new(config, keys, &Saved::default(), entropy, now).expect("a good configuration");
        let mut machine = Self { name: NAMES[own], node, sent: Vec::new(), runs: [false; 2] };
        machine.give(now, Input::LinkChanged { link: LinkId(0), up: true });
        machine
    }

    fn give(&mut self, now: Instant, input: Input<'_>) {
        self.node.handle_input(now, input);
        self.drain(now);
    }

    fn drain(&mut self, now: Instant) {
        let mut frame = [0; FRAME_BUF];
        while let Some(action) = self.node.poll_action(&mut frame) {
            match action {
                Action::Transmit { len, .. } => self.sent.push(frame[..len].to_vec()),
                Action::Persist { serial } => self.node.handle_input(now, Input::Persisted { serial }),
                Action::RunScript { resource, verb, token, .. } => {
                    let outcome = self.script(now, usize::from(resource), verb);
                    self.node.handle_input(now, Input::ScriptDone { token, outcome });
                }
                Action::Report(Event::Lost(_)) | Action::Exit { .. } => {
                    unreachable!("nothing of the kind is done here")
                }
                Action::Report(event) => self.say(now, &format!("{event:?}")),
                _ => {}
            }
        }
    }

    /// Every script does what it is told, at once.
    fn script(&mut self, now: Instant, resource: usize, verb: Verb) -> Outcome {
        if verb == Verb::Status {
            return if self.runs[resource] { Outcome::Running } else { Outcome::Stopped };
        }
        self.runs[resource] = verb == Verb::Start;
        self.say(now, &format!("{} {}", verb.as_str(), ["disk", "web"][resource]));
        Outcome::Ok
    }

    fn say(&self, now: Instant, what: &str) {
        println!("{:>6} ms  {}  {what}", now.as_micros() / 1000, self.name);
    }

    fn serves(&self) -> bool {
        self.runs == [true; 2]
    }
}

/// Time passes; what is sent arrives, unless the wire is cut.
fn pass(pair: &mut [Machine; 2], now: &mut Instant, ms: u64, cut: bool) {
    let end = now.plus(Duration::from_millis(ms));
    while *now < end {
        *now = now.plus(STEP);
        for from in 0..2 {
            for frame in pair[from].sent.split_off(0).iter().filter(|_| !cut) {
                pair[1 - from].give(*now, Input::Received { link: LinkId(0), bytes: frame });
            }
        }
        for machine in pair.iter_mut() {
            machine.give(*now, Input::Tick { drained: true });
        }
    }
}

fn main() {
    let mut now = Instant::from_millis(1_000);
    let mut pair = [0, 1].map(|own| Machine::new(own, now));

    println!("-- both are started");
    pass(&mut pair, &mut now, 3_000, false);
    assert!(pair[0].serves() && !pair[1].serves(), "the preferred node serves");

    println!("-- the wire is cut");
    pass(&mut pair, &mut now, 2_000, true);
    assert!(pair[0].serves() && pair[1].serves(), "neither can tell");

    println!("-- it heals");
    pass(&mut pair, &mut now, 2_000, false);
    let epochs = [0, 1].map(|own| pair[own].node.group_status(GroupId(0)).map(|group| group.epoch));
    assert!(!pair[0].serves() && pair[1].serves(), "the higher epoch goes on: {epochs:?}");

    println!("-- the holder is asked to hand over");
    let asked = pair[1].node.operator(now, Command::Standby(Scope::All));
    assert_eq!(asked, Ok(()), "nothing is in the way");
    pair[1].drain(now);
    pass(&mut pair, &mut now, 1_000, false);
    assert!(pair[0].serves() && !pair[1].serves(), "it moved");
}
