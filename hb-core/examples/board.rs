//! The loop of a board with one UART and one output, as it would stand in its `main`: nothing here needs std but the last
//! lines, in which a stand-in for the hardware says what the output did. A board builds the core without features:
//! `cargo run -p hb-core --example board --no-default-features`.
//!
//! The board is alone on its line. So it waits for `initdead`, takes the group, and switches its output on.

use core::mem::size_of;
use hb_core::auth::{Key, Keyring, Method};
use hb_core::config::{ConfigError, GroupConfig, LinkKind, Timing};
use hb_core::{Action, Config, Duration, FRAME_BUF, Input, Instant, LinkId, Node};
use hb_core::{Outcome, Saved, Verb};

/// What the board has: a clock, a serial line, a pin, and a sleep that an interrupt of the line ends.
trait Hardware {
    fn now(&self) -> Instant;
    fn read(&mut self, into: &mut [u8]) -> usize;
    fn write(&mut self, bytes: &[u8]);
    fn output(&mut self, on: bool);
    fn output_is_on(&self) -> bool;
    fn sleep_until(&mut self, at: Instant);
}

const LINE: LinkId = LinkId(0);

fn config() -> Result<Config, ConfigError> {
    let timing = Timing {
        warntime: Duration::from_millis(1_500),
        initdead: Duration::from_secs(5),
        ..Timing::new(Duration::from_millis(500), Duration::from_secs(2))
    };
    let pump = GroupConfig::new("board-1", "board-2", &["pump"]);
    let standard = Config::new("board-1", "board-2", timing, &[LinkKind::Stream], &[pump])?;
    Ok(Config {
        // A number that is new with each boot, where the board can make one.
        boot: 0,
        // 130 bytes, the longest hello of one group, at 19,200 bits a second.
        line_time: Duration::from_millis(68),
        ..standard
    })
}

/// One input, and what follows from it.
fn give(node: &mut Node, board: &mut impl Hardware, input: Input<'_>) {
    let mut frame = [0; FRAME_BUF];
    node.handle_input(board.now(), input);
    while let Some(action) = node.poll_action(&mut frame) {
        match action {
            Action::Transmit { len, .. } => board.write(&frame[..len]),
            // `Node::saved` goes to the flash here; a board without one starts as if nothing had been.
            Action::Persist { serial } => node.handle_input(board.now(), Input::Persisted { serial }),
            // A pin needs no script: the answer is there at once.
            Action::RunScript { verb, token, .. } => {
                let outcome = match verb {
                    Verb::Start | Verb::Stop => {
                        board.output(verb == Verb::Start);
                        Outcome::Ok
                    }
                    Verb::Status if board.output_is_on() => Outcome::Running,
                    Verb::Status => Outcome::Stopped,
                };
                node.handle_input(board.now(), Input::ScriptDone { token, outcome });
            }
            _ => {}
        }
    }
}

/// The board's `main`, up to `end`.
fn run(board: &mut impl Hardware, entropy: [u8; 16], end: Instant) -> Option<()> {
    let keys = Keyring::new(&[(1, Key::new(Method::Crc, b"").ok()?)], 1).ok()?;
    let mut node = Node::new(config().ok()?, keys, &Saved::default(), entropy, board.now()).ok()?;
    give(&mut node, board, Input::LinkChanged { link: LINE, up: true });
    while board.now() < end {
        let mut bytes = [0; 64];
        loop {
            let read = board.read(&mut bytes);
            if read == 0 {
                break;
            }
            give(&mut node, board, Input::Received { link: LINE, bytes: &bytes[..read] });
        }
        give(&mut node, board, Input::Tick { drained: true });
        board.sleep_until(node.poll_deadline());
    }
    Some(())
}

/// A board whose line is not plugged in, and on which time passes as it sleeps.
#[derive(Default)]
struct Bench {
    now: Instant,
    on: bool,
    sent: usize,
}

impl Hardware for Bench {
    fn now(&self) -> Instant {
        self.now
    }

    fn read(&mut self, _into: &mut [u8]) -> usize {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.sent += bytes.len();
    }

    fn output(&mut self, on: bool) {
        println!(
            "{:>6} ms: the output is switched {}",
            self.now.as_micros() / 1000,
            if on { "on" } else { "off" }
        );
        self.on = on;
    }

    fn output_is_on(&self) -> bool {
        self.on
    }

    fn sleep_until(&mut self, at: Instant) {
        self.now = self.now.max(at);
    }
}

fn main() {
    let mut board = Bench::default();
    // From a noise source, or unique and new with each boot at least.
    let ran = run(&mut board, [7; 16], Instant::from_millis(10_000));
    assert!(ran.is_some() && board.on, "alone, it serves");
    println!("a node is {} bytes of RAM; {} bytes went out in 10 s", size_of::<Node>(), board.sent);
}
