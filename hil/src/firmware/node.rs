//! A node at a port of the emulated board, and whoever else is on its cable.

#[path = "../../../hb-serial-bridge/tests/node/message.rs"]
mod message;

use hb_core::auth::{Keyring, seal};
use hb_core::frame::{Decoder, encode, max_encoded};
use hb_core::message::wire::LONGEST;
use hb_core::message::{GroupState, Hello};
use hb_core::{Duration as Span, Incarnation, Side};
use hb_serial_bridge::fence::{Word, words};
use hb_serial_bridge::report::{self, Page};
use hb_serial_bridge::{MAX_OWN, provision};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// What is weighed and emulated is built with: the key and the names of the rig's pair.
pub(super) const PROVISION: [(&str, &str); 2] =
    [("HBD_BRIDGE_KEY", "2 sha1 HI!"), ("HBD_BRIDGE_NODES", "ha-1 ha-2")];
/// Longer than any answer takes on a machine that does ten other things.
pub(super) const LIMIT: Duration = Duration::from_secs(20);
/// What the nodes announce.
const DEADTIME: Span = Span::from_secs(1);
/// A request to reset the other node.
pub(super) const ARM: Word = Word::Arm { challenge: [1, 2, 3, 4] };

/// A node at one of the ports.
pub(super) struct Node {
    port: UnixStream,
    side: Side,
    keys: Keyring,
    cluster: u16,
    /// Datagrams of the board, taken off its hands by a thread: one whose UART is not read stands still.
    heard: Receiver<Vec<u8>>,
    /// All that it said, as it was on the line.
    pub(super) recorded: Vec<u8>,
}

impl Node {
    pub(super) fn new(port: UnixStream, side: Side) -> Result<Self, String> {
        let [(_, key), (_, names)] = PROVISION;
        let keys = provision::keys(key).ok_or("no key")?;
        let cluster = provision::cluster(names).ok_or("no names")?;
        let mut from = port.try_clone().map_err(|e| e.to_string())?;
        let (to, heard) = channel();
        thread::spawn(move || {
            let mut decoder = Decoder::<LONGEST>::new();
            let mut bytes = [0; 512];
            loop {
                match from.read(&mut bytes) {
                    Ok(0) => break,
                    Ok(got) => {
                        for byte in &bytes[..got] {
                            if let Some(Ok(datagram)) = decoder.push(*byte) {
                                let _ = to.send(datagram.to_vec());
                            }
                        }
                    }
                    Err(e) if e.kind() == ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(1)),
                    Err(_) => break,
                }
            }
        });
        Ok(Self { port, side, keys, cluster, heard, recorded: Vec::new() })
    }

    /// These bytes, as they are.
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        let began = Instant::now();
        while !bytes.is_empty() {
            match self.port.write(bytes) {
                Ok(put @ 1..) => bytes = &bytes[put..],
                // The board's FIFO is full: it is a slow machine's.
                _ if began.elapsed() < LIMIT => std::thread::sleep(Duration::from_millis(1)),
                _ => return Err("the board's UART takes no bytes".to_owned()),
            }
        }
        Ok(())
    }

    fn put(&mut self, datagram: &[u8]) -> Result<(), String> {
        let coded = coded(datagram)?;
        self.recorded.extend(&coded);
        self.write(&coded)
    }

    /// A hello of this life, in a beat of two groups.
    pub(super) fn hello(&mut self, boot: u32, counter: u32) -> Result<(), String> {
        let hello = Hello {
            echo: Some([6; 8]),
            met: Some(9),
            known: true,
            watchdog: Some(Span::from_secs(10)),
            ..message::hello(boot, DEADTIME, 2)
        };
        let life = Incarnation { counter, nonce: boot };
        let message = message::message(self.side, life, 1, GroupState::Held, 2, Some(hello));
        let mut out = [0; LONGEST];
        let len = seal(&message, self.cluster, &self.keys, &mut out).ok_or("a hello that does not fit")?;
        self.put(&out[..len])
    }

    /// What is on the line for `word`, signed.
    pub(super) fn line(&self, word: Word) -> Result<Vec<u8>, String> {
        let mut out = [0; MAX_OWN];
        let len =
            words::seal(word, self.side, self.cluster, &self.keys, &mut out).ok_or("a word too long")?;
        coded(&out[..len])
    }

    /// The next datagram of the bridge's own in which `what` finds something, within `limit`.
    fn hears<T>(&self, limit: Duration, what: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
        let began = Instant::now();
        loop {
            let datagram = self.heard.recv_timeout(limit.saturating_sub(began.elapsed())).ok()?;
            if let Some(found) = what(&datagram) {
                return Some(found);
            }
        }
    }

    /// The next word of the bridge to this node.
    pub(super) fn told(&self) -> Result<Word, String> {
        let word = self.hears(LIMIT, |datagram| match words::open(datagram, self.cluster, &self.keys) {
            Some((side, word)) if side == self.side => Some(word),
            _ => None,
        });
        word.ok_or_else(|| format!("the board says nothing within {} s", LIMIT.as_secs()))
    }

    /// Says `word`; what it is answered.
    pub(super) fn asks(&mut self, word: Word) -> Result<Word, String> {
        let line = self.line(word)?;
        self.recorded.extend(&line);
        self.write(&line)?;
        self.told()
    }

    /// All that was written before is read by the board: a question behind it was answered. Asked again where a start of the
    /// board swallowed it.
    pub(super) fn catches_up(&mut self) -> Result<(), String> {
        // A delimiter in front ends whatever noise was before.
        let question = [&[0][..], &coded(&report::ask(Page::Bridge))?].concat();
        let began = Instant::now();
        while began.elapsed() < LIMIT {
            self.write(&question)?;
            let answered = self.hears(Duration::from_millis(200), |datagram| {
                matches!(report::read(datagram), Some((Page::Bridge, _))).then_some(())
            });
            if answered.is_some() {
                return Ok(());
            }
        }
        Err("the board answers no question for its counters".to_owned())
    }

    /// Arms, as often as the bridge still hears the other node.
    pub(super) fn arm(&mut self) -> Result<[u8; 8], String> {
        let began = Instant::now();
        while began.elapsed() < LIMIT {
            if let Word::Armed { nonce, .. } = self.asks(ARM)? {
                return Ok(nonce);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err("the bridge never arms".to_owned())
    }
}

fn coded(datagram: &[u8]) -> Result<Vec<u8>, String> {
    let mut coded = vec![0; max_encoded(datagram.len())];
    let len = encode(datagram, &mut coded).ok_or("an empty frame")?;
    coded.truncate(len);
    Ok(coded)
}
