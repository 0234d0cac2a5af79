//! The serial bridge between the guests' second serial ports: the emulated board with the very image that `cargo xtask firmware`
//! weighs, a cable to each guest, and what its pins are wired to. An output is a switch across a guest's reset button: while it
//! is on the guest stands still, then it is reset. A sense input is high while its guest has power and is not in reset.

use super::guest::Guest;
use super::line::Line;
use super::lines;
use super::monitor;
use super::port::Port;
use super::relay::Relay;
use crate::firmware::{edge, emulated_board};
use crate::netns::{Node, Stamp};
use hb_core::frame::Decoder;
use serde_json::json;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Port B of the board's GPIO as QEMU names it; its first sense input.
const GPIO: &str = "/machine/unattached/device[9]";
const FIRST_SENSE: usize = 4;
/// The senses are told so often even if nothing changed: a reset of the board forgets them.
const TELL: Duration = Duration::from_millis(500);
/// Longer than any datagram.
const DATAGRAM: usize = 512;

/// An output moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Edge {
    /// When, by QEMU's trace.
    pub at: Stamp,
    /// Whose reset line.
    pub node: Node,
    /// It went on.
    pub on: bool,
}

/// The board, on or off.
#[derive(Debug)]
pub struct Board {
    cables: [Relay; 2],
    shared: Arc<Shared>,
    hand: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    image: PathBuf,
    dir: PathBuf,
    monitor: Port,
    senses: Port,
    guests: [Arc<Guest>; 2],
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    life: Option<Child>,
    /// QEMU's trace of this life, and how much of it was read.
    trace: PathBuf,
    read: usize,
    lives: u32,
    edges: Vec<Edge>,
    off: Vec<(Stamp, Stamp)>,
    resets: Vec<Stamp>,
    end: bool,
}

impl Board {
    /// Its two cables, each made by `line`; `sockets` is a folder with a short path.
    ///
    /// # Errors
    /// A socket cannot be made.
    pub fn cables(sockets: &Path, line: impl Fn() -> Line) -> Result<[Relay; 2], String> {
        let cable = |name: &str| {
            let dir = sockets.join(name);
            fs::create_dir_all(&dir).map_err(|e| e.to_string())?;
            Relay::new(&dir, line()).map_err(|e| e.to_string())
        };
        Ok([cable("a")?, cable("b")?])
    }

    /// The board at these cables, switched off: the guest is at that end of its cable which has its number, the board at the other one.
    ///
    /// # Errors
    /// A socket or a folder cannot be made.
    pub fn new(
        image: &Path,
        cables: [Relay; 2],
        guests: [Arc<Guest>; 2],
        sockets: &Path,
        evidence: &Path,
    ) -> Result<Self, String> {
        let dir = evidence.join("bridge");
        fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        let port = |name: &str| {
            Port::new(sockets.join(name), &dir.join(name)).map_err(|e| format!("the bridge's {name}: {e}"))
        };
        let off = vec![(Stamp::default(), Stamp::NEVER)];
        let shared = Arc::new(Shared {
            image: image.to_owned(),
            monitor: port("monitor")?,
            senses: port("senses")?,
            dir,
            guests,
            state: Mutex::new(State { off, ..State::default() }),
        });
        let of_hand = Arc::clone(&shared);
        let hand = thread::Builder::new().name("bridge".to_owned()).spawn(move || of_hand.wire());
        Ok(Self { cables, shared, hand: Some(hand.map_err(|e| e.to_string())?) })
    }

    /// The cable between a guest and the board.
    #[must_use]
    pub fn cable(&self, node: Node) -> &Relay {
        &self.cables[node.index()]
    }

    /// Switches it on.
    ///
    /// # Errors
    /// QEMU does not start.
    pub fn power_on(&self) -> Result<(), String> {
        let greeted = self.shared.monitor.count();
        {
            let mut state = self.shared.lock();
            if state.life.is_some() {
                return Ok(());
            }
            let file = |what: &str| self.shared.dir.join(format!("{what}{}", state.lives));
            let (log, trace) = (file("log"), file("trace"));
            let mut command = emulated_board(&self.shared.image, &log, &trace);
            for (name, node) in [("a", Node::Ha1), ("b", Node::Ha2)] {
                let end = self.cable(node).path(node.other().index());
                command.arg("-chardev").arg(format!("socket,id={name},path={}", end.display()));
                command.arg("-serial").arg(format!("chardev:{name}"));
            }
            let (monitor, senses) = (self.shared.monitor.path(), self.shared.senses.path());
            command.arg("-chardev").arg(format!("socket,id=qmp,path={}", monitor.display()));
            command.args(["-mon", "chardev=qmp,mode=control"]);
            command.arg("-qtest").arg(format!("unix:{}", senses.display())).args(["-qtest-log", "none"]);
            let said = fs::File::create(file("qemu")).map_err(|e| e.to_string())?;
            command.stdin(Stdio::null()).stdout(said.try_clone().map_err(|e| e.to_string())?).stderr(said);
            state.life = Some(command.spawn().map_err(|e| format!("qemu-system-arm: {e}"))?);
            (state.trace, state.read) = (trace, 0);
            state.lives += 1;
            if let Some((_, until)) = state.off.last_mut() {
                *until = Stamp::now();
            }
        }
        monitor::greet(&self.shared.monitor, greeted)
    }

    /// Takes its supply away.
    pub fn power_off(&self) {
        let life = {
            let mut state = self.shared.lock();
            if state.life.is_some() {
                state.off.push((Stamp::now(), Stamp::NEVER));
            }
            state.life.take()
        };
        if let Some(mut qemu) = life {
            let _ = qemu.kill();
            let ended = qemu.wait();
            // Whoever reads the evidence is told of one that had ended by itself.
            if ended.as_ref().is_ok_and(|status| status.signal().is_none()) {
                eprintln!("the bridge's QEMU had ended: {ended:?}");
            }
        }
    }

    /// Its reset pin.
    ///
    /// # Errors
    /// It is off.
    pub fn reset(&self) -> Result<Stamp, String> {
        monitor::execute(&self.shared.monitor, "system_reset", &json!({}))?;
        let at = Stamp::now();
        self.shared.lock().resets.push(at);
        Ok(at)
    }

    /// Every edge of an output so far.
    #[must_use]
    pub fn edges(&self) -> Vec<Edge> {
        self.shared.lock().edges.clone()
    }

    /// When it had no power, and when it was reset.
    #[must_use]
    pub fn troubles(&self) -> (Vec<(Stamp, Stamp)>, Vec<Stamp>) {
        let state = self.shared.lock();
        (state.off.clone(), state.resets.clone())
    }

    /// What the board itself said to a node since `since` (docs/spec/bridge.md), lost on a cut wire or not.
    #[must_use]
    pub fn said_to(&self, node: Node, since: Stamp) -> Vec<Vec<u8>> {
        let mut decoder = Decoder::<DATAGRAM>::new();
        let mut said = Vec::new();
        for chunk in self.cable(node).log(since).iter().filter(|chunk| chunk.from != node.index()) {
            for byte in &chunk.bytes {
                if let Some(Ok(datagram)) = decoder.push(*byte)
                    && datagram.first() == Some(&0x0B)
                {
                    said.push(datagram.to_vec());
                }
            }
        }
        said
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.shared.lock().end = true;
        if let Some(hand) = self.hand.take() {
            let _ = hand.join();
        }
        self.power_off();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries the board's outputs to the guests and their supply to its inputs, until the end.
    fn wire(&self) {
        let mut held = [false; 2];
        let (mut told, mut told_at) = ([None; 2], Stamp::default());
        while let Some((edges, on)) = self.look() {
            for edge in edges {
                self.press(edge.node, edge.on, &mut held);
            }
            if !on {
                // Without supply no current flows through an output.
                for node in Node::BOTH {
                    self.press(node, false, &mut held);
                }
                told = [None; 2];
            } else {
                let levels = Node::BOTH.map(|node| {
                    let of = node.index();
                    Some(self.guests[of].has_power() && !held[of])
                });
                if levels != told || told_at.elapsed() > TELL {
                    self.tell(levels);
                    (told, told_at) = (levels, Stamp::now());
                }
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// What the outputs did since the last look, and whether the board is on; `None` at the end.
    fn look(&self) -> Option<(Vec<Edge>, bool)> {
        let mut state = self.lock();
        if state.end {
            return None;
        }
        let text = fs::read(&state.trace).unwrap_or_default();
        let fresh = text.get(state.read..).unwrap_or_default();
        let whole = fresh.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let lines = String::from_utf8_lossy(&fresh[..whole]).into_owned();
        let edges: Vec<Edge> = lines.lines().filter_map(read_edge).collect();
        state.read += whole;
        state.edges.extend(&edges);
        Some((edges, state.life.is_some()))
    }

    /// A guest's reset button.
    fn press(&self, node: Node, on: bool, held: &mut [bool; 2]) {
        let (guest, held) = (&self.guests[node.index()], &mut held[node.index()]);
        if *held != on {
            *held = on;
            // One that has no power has nothing to reset.
            let commands: &[&str] = if on { &["stop"] } else { &["system_reset", "cont"] };
            let _ = commands.iter().try_for_each(|command| guest.qemu(command).map(drop));
        }
    }

    fn tell(&self, levels: [Option<bool>; 2]) {
        for (number, level) in levels.into_iter().enumerate() {
            let (pin, level) = (FIRST_SENSE + number, u8::from(level == Some(true)));
            let _ = self.senses.send(&format!("set_irq_in {GPIO} unnamed-gpio-in {pin} {level}"));
        }
    }
}

/// An output's edge in a line of QEMU's trace, with the wall clock in front of it.
fn read_edge(line: &str) -> Option<Edge> {
    let (number, on) = edge(line)?;
    let node = *Node::BOTH.get(number)?;
    Some(Edge { at: lines::stamp(line), node, on })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_is_read_from_qemus_trace_and_nothing_else_is() {
        let line = "12@1.5:pl061_set_output /machine/unattached/device[9] setting output 1 to 1";
        assert!(matches!(read_edge(line), Some(Edge { node: Node::Ha2, on: true, .. })));
        let line = "pl061_set_output /machine/unattached/device[9] setting output 0 to 0";
        assert!(matches!(read_edge(line), Some(Edge { node: Node::Ha1, on: false, .. })));
        assert_eq!(read_edge("1@2.0:pl061_write /machine/unattached/device[9] offset 0xc value 0x0"), None);
        assert_eq!(read_edge("1@2.0:pl061_set_output x setting output 5 to 1"), None);
    }
}
