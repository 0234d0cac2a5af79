//! Two settled nodes, of which one receives and sends beats inside [`hb_measured`], for `cargo xtask budgets` to count
//! the instructions under callgrind: `hb-count receive|beat stream|datagram METHOD BEATS`.

use hb_core::auth::{Key, Keyring, Method};
use hb_core::config::{Config, GroupConfig, LinkKind, Timing};
use hb_core::{
    Action, Duration, FRAME_BUF, Input, Instant, LinkId, Node, Outcome, PingId, Saved, Side, Verb, Watchdog,
};
use std::process::ExitCode;

const KEEPALIVE: u64 = 1_000_000;
/// Beats until everything has settled.
const SETTLED: u32 = 1200;

/// One input and all that follows from it: what the counter counts. Gives the frame that was sent on the first link.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn hb_measured(
    node: &mut Node,
    now: Instant,
    input: Input<'_>,
    frame: &mut [u8; FRAME_BUF],
    sent: &mut Sent,
) -> u32 {
    act(node, now, input, frame, sent)
}

/// What the shell of a node would do with its actions, as far as a beat needs it.
#[derive(Default)]
pub struct Sent {
    first: Vec<u8>,
    scripts: Vec<(Verb, hb_core::Token)>,
    persist: Option<u32>,
    ping: bool,
}

fn act(node: &mut Node, now: Instant, input: Input<'_>, frame: &mut [u8; FRAME_BUF], sent: &mut Sent) -> u32 {
    node.handle_input(now, input);
    let mut frames = 0;
    while let Some(action) = node.poll_action(frame) {
        match action {
            Action::Transmit { link, len } => {
                frames += 1;
                if link == LinkId(0) {
                    sent.first.clear();
                    sent.first.extend_from_slice(&frame[..len]);
                }
            }
            Action::RunScript { verb, token, .. } => sent.scripts.push((verb, token)),
            Action::Persist { serial } => sent.persist = Some(serial),
            Action::Ping => sent.ping = true,
            _ => {}
        }
    }
    std::hint::black_box(node.poll_deadline());
    frames
}

struct Half {
    node: Node,
    runs: bool,
    frame: [u8; FRAME_BUF],
    sent: Sent,
}

impl Half {
    fn new(side: Side, kind: LinkKind, method: Method) -> Self {
        let config = config(side, kind);
        let secret: &[u8] = if method == Method::Crc { b"" } else { b"a secret of the two nodes" };
        let keys = Keyring::new(&[(1, Key::new(method, secret).expect("a key"))], 1).expect("a ring");
        let entropy = [if side == Side::Even { 3 } else { 5 }; 16];
        let node =
            Node::new(config, keys, &Saved::default(), entropy, Instant::ZERO).expect("a good configuration");
        Self { node, runs: false, frame: [0; FRAME_BUF], sent: Sent::default() }
    }

    fn give(&mut self, now: Instant, input: Input<'_>, measured: bool) -> u32 {
        let (node, frame, sent) = (&mut self.node, &mut self.frame, &mut self.sent);
        let frames = if measured {
            hb_measured(node, now, input, frame, sent)
        } else {
            act(node, now, input, frame, sent)
        };
        self.answer(now);
        frames
    }

    /// Scripts that do what they are told, a disk and a ping node that answer.
    fn answer(&mut self, now: Instant) {
        while let Some((verb, token)) = self.sent.scripts.pop() {
            let outcome = match verb {
                Verb::Status if self.runs => Outcome::Running,
                Verb::Status => Outcome::Stopped,
                Verb::Start | Verb::Stop => {
                    self.runs = verb == Verb::Start;
                    Outcome::Ok
                }
            };
            act(&mut self.node, now, Input::ScriptDone { token, outcome }, &mut self.frame, &mut self.sent);
        }
        if let Some(serial) = self.sent.persist.take() {
            act(&mut self.node, now, Input::Persisted { serial }, &mut self.frame, &mut self.sent);
        }
        if std::mem::take(&mut self.sent.ping) {
            act(&mut self.node, now, Input::PingAnswer { ping: PingId(0) }, &mut self.frame, &mut self.sent);
        }
    }
}

/// DESIGN §4's steady heartbeat: one group, two links, one ping node, a watchdog.
fn config(side: Side, kind: LinkKind) -> Config {
    let timing = Timing {
        warntime: Duration::from_secs(5),
        initdead: Duration::from_secs(60),
        ..Timing::new(Duration::from_secs(1), Duration::from_secs(10))
    };
    let group = GroupConfig {
        name_hash: 7,
        digest: 9,
        preferred: Side::Even,
        ..GroupConfig::new("ha-1", "ha-2", &["disk", "web"])
    };
    let standard = Config::new("ha-1", "ha-2", timing, &[kind; 2], &[group]).expect("a good configuration");
    Config { cluster: 0xC5A3, side, boot: 1, timing_digest: 11, failback: true, pings: 1, ..standard }
}

/// Both ways each second: `a` beats, `b` hears it, `b` beats, `a` hears it. `what` of node `b` is measured at the end.
fn run(what: &str, kind: LinkKind, method: Method, beats: u32) -> Result<u32, String> {
    let mut pair = [Half::new(Side::Even, kind, method), Half::new(Side::Odd, kind, method)];
    for half in &mut pair {
        for link in [0, 1].map(LinkId) {
            half.give(Instant::ZERO, Input::LinkChanged { link, up: true }, false);
        }
        let timeout = Duration::from_secs(8);
        half.give(Instant::ZERO, Input::Watchdog(Watchdog::Armed { timeout }), false);
    }
    let mut frames = 0;
    for beat in 1..=SETTLED + beats {
        let now = Instant::from_micros(u64::from(beat) * KEEPALIVE);
        let measured = beat > SETTLED;
        for (from, to) in [(0, 1), (1, 0)] {
            let sent =
                pair[from].give(now, Input::Tick { drained: true }, measured && what == "beat" && from == 1);
            if measured && from == 1 {
                frames += sent;
            }
            let bytes = pair[from].sent.first.clone();
            let input = Input::Received { link: LinkId(0), bytes: &bytes };
            pair[to].give(now, input, measured && what == "receive" && to == 1);
        }
    }
    let holds = pair.each_ref().map(|half| half.runs);
    if holds != [true, false] || frames != 2 * beats {
        return Err(format!("not the steady state that was meant: {holds:?}, {frames} frames"));
    }
    Ok(pair[0].sent.first.len().try_into().unwrap_or(0))
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let [what @ ("receive" | "beat"), kind, method, beats] = words[..] else { return ExitCode::from(2) };
    let kind = if kind == "stream" { LinkKind::Stream } else { LinkKind::Datagram };
    let method = match method {
        "md5" => Method::Md5,
        "sha1" => Method::Sha1,
        "sha256" => Method::Sha256,
        _ => Method::Crc,
    };
    match run(what, kind, method, beats.parse().unwrap_or(0)) {
        Ok(bytes) => {
            println!("{bytes} bytes");
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprintln!("hb-count: {text}");
            ExitCode::FAILURE
        }
    }
}
