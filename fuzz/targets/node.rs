//! Any sequence of inputs and commands on a whole node, with a peer that knows the key.
#![no_main]

use arbitrary::Arbitrary;
use hb_core::auth::text::Digest;
use hb_core::auth::{Key, Keyring, Method};
use hb_core::config::{
    AskConfig, Config, DataConfig, FenceConfig, FenceFailed, GroupConfig, Isolated, LinkKind, MonitorConfig,
    ScriptLimits, StalePolicy, Timing,
};
use hb_core::frame::Decoder;
use hb_core::frame::foreign::Text;
use hb_core::message::GroupName;
use hb_core::message::wire::MAX_DATAGRAM;
use hb_core::{
    Command, Duration, GroupId, Incarnation, Input, Instant, LinkId, Node, Outcome, PingId, Pulled, Saved,
    Scope, Stamp, Token, Watchdog,
};
use hb_fuzz::messages::{AnyBeat, AnyHello, AnyStamp, side};
use hb_fuzz::peer::{Peer, TIMING};
use hb_fuzz::shell::Shell;
use libfuzzer_sys::fuzz_target;

const CLUSTER: u16 = 9;
/// Longer sequences say nothing new, and a fuzzer likes to make them.
const MOST_OPS: usize = 400;

#[derive(Arbitrary, Debug)]
struct Setup {
    odd: bool,
    links: u8,
    streams: u8,
    groups: u8,
    preferred: u8,
    pings: u8,
    failback: bool,
    claim_isolated: bool,
    /// Its delay in 10 ms, whether it also fires at the start, and whether one that failed is forgone.
    fence: Option<(u8, bool, bool)>,
    monitor: Option<(u8, u8)>,
    seen: u32,
    /// Groups with data, one bit each, and what is done about a stale copy.
    data: u8,
    stale: u8,
}

#[derive(Arbitrary, Debug)]
enum Op {
    Raw {
        link: u8,
        bytes: Vec<u8>,
    },
    Say {
        link: u8,
        skip: u8,
        beat: AnyBeat,
        hello: Option<(AnyHello, bool)>,
    },
    /// So many rounds in which time goes on, scripts do what they are told, and the peer, if it is there, says `beat`.
    Calm {
        rounds: u8,
        beat: Option<(AnyBeat, AnyHello)>,
        pings: bool,
    },
    /// The own copy's stamp was read; a stamp was written; a pull ended.
    Copy {
        group: u8,
        stamp: Option<AnyStamp>,
        age_ms: Option<u32>,
    },
    Written {
        which: u8,
        ok: bool,
    },
    Pulled {
        which: u8,
        whole: Option<AnyStamp>,
        moved: u32,
        partial: bool,
    },
    /// Text of the original Heartbeat.
    Foreign {
        link: u8,
    },
    /// The peer begins another life.
    Reborn {
        nonce: u32,
    },
    Link {
        link: u8,
        up: bool,
    },
    Script {
        which: u8,
        outcome: u8,
    },
    StrayScript {
        token: u32,
        outcome: u8,
    },
    Ping(u8),
    Persisted {
        newest: bool,
        serial: u32,
    },
    Fence(bool),
    Probe(bool),
    Claimable {
        group: u8,
        claimable: bool,
    },
    Dog(u8),
    Time {
        ms: u32,
        drained: bool,
    },
    Due,
    Order {
        what: u8,
        arg: u8,
    },
    Keys,
}

fn config(setup: &Setup) -> Config {
    let span = |ms: u64| Duration::from_millis(ms);
    let kind = |n: u8| if setup.streams & 1 << (n % 8) != 0 { LinkKind::Stream } else { LinkKind::Datagram };
    let group = |n: u8| GroupConfig {
        name_hash: u32::from(n),
        digest: 100,
        preferred: side(setup.preferred & 1 << n != 0),
        resources: 1 + n % 3,
        claimable: true,
        data: (setup.data & 1 << n != 0).then(|| DataConfig {
            interval: span(500),
            limit: span(1000),
            stale_after: span(5000),
            stale: [StalePolicy::AcceptAge, StalePolicy::Refuse, StalePolicy::Wait, StalePolicy::Accept]
                [usize::from(setup.stale) % 4],
        }),
    };
    Config {
        cluster: CLUSTER,
        side: side(setup.odd),
        peer_name: "ha-2".try_into().expect("a short name"),
        boot: 5,
        timing: Timing {
            keepalive: span(100),
            warntime: span(500),
            deadtime: span(1000),
            initdead: span(3000),
            deadping: span(1000),
        },
        timing_digest: TIMING,
        failback: setup.failback,
        isolated: if setup.claim_isolated { Isolated::Claim } else { Isolated::Wait },
        links: (0..1 + setup.links % 8).map(kind).collect(),
        line_time: Duration::ZERO,
        pings: setup.pings % 9,
        groups: (0..setup.groups % 9).map(group).collect(),
        fence: setup.fence.map(|(delay, startup, claim)| FenceConfig {
            delay: span(u64::from(delay) * 10),
            startup,
            failed: if claim { FenceFailed::Claim } else { FenceFailed::Wait },
        }),
        limits: ScriptLimits { start: span(2000), stop: span(2000), status: span(500) },
        monitor: setup.monitor.map(|(period, failures)| MonitorConfig {
            period: span(1 + u64::from(period) * 10),
            failures: failures.max(1),
        }),
        ask: AskConfig::default(),
    }
}

fn outcome(n: u8) -> Outcome {
    [
        Outcome::Ok,
        Outcome::Running,
        Outcome::Stopped,
        Outcome::Killed,
        Outcome::NotRun,
        Outcome::Failed(n),
        Outcome::Partly,
        Outcome::Unclear,
    ][usize::from(n) % 8]
}

fn keys() -> Keyring {
    Keyring::new(&[(1, Key::new(Method::Crc, b"").expect("a key"))], 1).expect("a ring")
}

/// A message of the original Heartbeat: `which` chooses its kind, its generation, and whether it is signed.
fn text(which: u8, now: Instant) -> Vec<u8> {
    let kind = [
        "t=status\nst=active\ndt=1f4",
        "t=status\nst=active",
        "t=resource\nrsc_hold=all",
        "t=shutdone\nst=dead",
    ][usize::from(which) % 4];
    let seq = now.as_micros() / 1000;
    let lines = format!("{kind}\nsrc=ha-2\nseq={seq:x}\nhg={:x}", which / 8 + 1);
    let blank = format!(">>>\n{lines}\nauth=1 \n<<<\n");
    let digest = keys().get(1).and_then(|key| Digest::of(&Text::parse(blank.as_bytes()), key));
    let number =
        digest.map_or(0, |digest| digest.bytes().iter().fold(0, |all, byte| all << 8 | u64::from(*byte)));
    let number = number ^ u64::from(which / 4 % 2);
    format!(">>>\n{lines}\nauth=1 {number:x}\n<<<\n").into_bytes()
}

struct World {
    node: Node,
    shell: Shell,
    peer: Peer,
    config: Config,
    names: Vec<GroupName>,
    now: Instant,
    open: u8,
    armed: bool,
}

impl World {
    fn new(setup: &Setup) -> Self {
        let config = config(setup);
        config.validate().expect("a good configuration");
        let names = config.groups.iter().map(|g| GroupName {
            hash: g.name_hash,
            digest: g.digest,
            preferred: g.preferred,
        });
        let names = names.collect();
        let epochs = config.groups.iter().map(|g| (g.name_hash, setup.seen)).collect();
        let saved = Saved { counter: 3, epochs, ..Saved::default() };
        let node = Node::new(config.clone(), keys(), &saved, [9; 16], Instant::ZERO).expect("a node");
        let peer = Peer::new(CLUSTER, keys(), side(!setup.odd));
        Self { node, shell: Shell::default(), peer, config, names, now: Instant::ZERO, open: 0, armed: false }
    }

    fn give(&mut self, input: Input<'_>) {
        self.node.handle_input(self.now, input);
        self.after();
    }

    fn after(&mut self) {
        self.shell.drain(&mut self.node, self.open != 0, self.armed);
        for (link, frame) in std::mem::take(&mut self.shell.frames) {
            assert!(self.open & 1 << link.0 != 0, "sent on a link that is down");
            if self.config.links[usize::from(link.0)] == LinkKind::Datagram {
                self.peer.hear(&frame);
                continue;
            }
            let mut decoder = Decoder::<MAX_DATAGRAM>::new();
            for byte in frame {
                if let Some(Ok(datagram)) = decoder.push(byte) {
                    self.peer.hear(datagram);
                }
            }
        }
        self.shell.judge(&self.node, self.config.side, self.now);
    }

    fn calm(&mut self, beat: Option<&(AnyBeat, AnyHello)>, pings: bool) {
        if let Some((beat, hello)) = beat {
            let stream = self.config.links[0] == LinkKind::Stream;
            let bytes = self.peer.say(beat, Some((hello, true)), 1, &self.names, stream);
            self.give(Input::Received { link: LinkId(0), bytes: &bytes });
        }
        while let Some(call) = self.shell.running.pop() {
            let outcome = self.shell.honest(&call);
            self.give(Input::ScriptDone { token: call.token, outcome });
        }
        self.give(Input::Persisted { serial: self.shell.serial });
        while let Some(token) = self.shell.stamps.pop() {
            self.give(Input::StampWritten { token, ok: true });
        }
        for ping in (0..self.config.pings).filter(|_| pings).map(PingId) {
            self.give(Input::PingAnswer { ping });
        }
        self.step(Op::Due);
    }

    fn step(&mut self, op: Op) {
        match op {
            Op::Raw { link, bytes } => self.give(Input::Received { link: LinkId(link % 9), bytes: &bytes }),
            Op::Say { link, skip, beat, hello } => {
                let link = link % self.config.links.len() as u8;
                let stream = self.config.links[usize::from(link)] == LinkKind::Stream;
                let hello = hello.as_ref().map(|(hello, honest)| (hello, *honest));
                let bytes = self.peer.say(&beat, hello, skip, &self.names, stream);
                self.give(Input::Received { link: LinkId(link), bytes: &bytes });
            }
            Op::Calm { rounds, beat, pings } => {
                for _ in 0..rounds % 32 {
                    self.calm(beat.as_ref(), pings);
                }
            }
            Op::Copy { group, stamp, age_ms } => {
                let stamp = stamp.and_then(|stamp| stamp.stamp()).unwrap_or(Stamp::NONE);
                let age = age_ms.map(|ms| Duration::from_millis(u64::from(ms)));
                self.give(Input::Copy { group: GroupId(group % 9), stamp, age });
            }
            Op::Written { which, ok } => {
                if !self.shell.stamps.is_empty() {
                    let token = self.shell.stamps.remove(usize::from(which) % self.shell.stamps.len());
                    self.give(Input::StampWritten { token, ok });
                }
            }
            Op::Pulled { which, whole, moved, partial } => {
                if !self.shell.pulls.is_empty() {
                    let token = self.shell.pulls.remove(usize::from(which) % self.shell.pulls.len());
                    let outcome = match whole.and_then(|stamp| stamp.stamp()) {
                        Some(stamp) => Pulled::Whole { stamp, moved },
                        None => Pulled::Cut { partial },
                    };
                    self.give(Input::PullDone { token, outcome });
                }
            }
            Op::Foreign { link } => {
                let bytes = text(link / 9, self.now);
                self.give(Input::Received { link: LinkId(link % 9), bytes: &bytes });
            }
            Op::Reborn { nonce } => self.peer.life = Incarnation { counter: 2, nonce },
            Op::Link { link, up } => {
                let link = link % 9;
                if usize::from(link) < self.config.links.len() {
                    self.open = if up { self.open | 1 << link } else { self.open & !(1 << link) };
                }
                self.give(Input::LinkChanged { link: LinkId(link), up });
            }
            Op::Script { which, outcome: how } => {
                if !self.shell.running.is_empty() {
                    let call = self.shell.running.remove(usize::from(which) % self.shell.running.len());
                    self.give(Input::ScriptDone { token: call.token, outcome: outcome(how) });
                }
            }
            Op::StrayScript { token, outcome: how } => {
                self.give(Input::ScriptDone { token: Token(token), outcome: outcome(how) });
            }
            Op::Ping(ping) => self.give(Input::PingAnswer { ping: PingId(ping % 9) }),
            Op::Persisted { newest, serial } => {
                let serial = if newest { self.shell.serial } else { serial };
                self.give(Input::Persisted { serial });
            }
            Op::Fence(ok) => self.give(Input::FenceDone { ok }),
            Op::Probe(answered) => self.give(Input::ProbeDone { answered }),
            Op::Claimable { group, claimable } => {
                self.give(Input::Claimable { group: GroupId(group % 9), claimable });
            }
            Op::Dog(n) => {
                self.armed = n % 3 == 1;
                let timeout = Duration::from_millis(900);
                let dog = [Watchdog::Off, Watchdog::Armed { timeout }, Watchdog::Pending][usize::from(n) % 3];
                self.give(Input::Watchdog(dog));
            }
            Op::Time { ms, drained } => {
                self.now = self.now.plus(Duration::from_millis(u64::from(ms % 20_000)));
                self.give(Input::Tick { drained });
            }
            Op::Due => {
                let due = self.node.poll_deadline();
                if due != Instant::NEVER {
                    self.now = self.now.max(due);
                }
                self.give(Input::Tick { drained: true });
            }
            Op::Order { what, arg } => {
                let scope = [Scope::All, Scope::Local, Scope::Foreign, Scope::One(GroupId(arg / 4))]
                    [usize::from(arg) % 4];
                let command = match what % 5 {
                    0 => Command::Standby(scope),
                    1 => Command::Takeover(scope),
                    2 => Command::ConfirmDown,
                    3 => Command::Clear(GroupId(arg % 9)),
                    _ => Command::Stop,
                };
                self.shell.stopping |= command == Command::Stop;
                let _ = self.node.operator(self.now, command);
                self.after();
            }
            Op::Keys => self.node.set_keys(keys()),
        }
    }
}

fuzz_target!(|case: (Setup, Vec<Op>)| {
    let (setup, ops) = case;
    let mut world = World::new(&setup);
    world.after();
    for op in ops.into_iter().take(MOST_OPS) {
        if world.shell.ended {
            break;
        }
        world.step(op);
    }
});
