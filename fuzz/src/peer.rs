//! A peer of a fuzzed node that knows the key and says anything: what no checksum keeps out.

use crate::messages::{AnyBeat, AnyHello};
use hb_core::auth::{self, Keyring};
use hb_core::frame::encode;
use hb_core::message::wire::MAX_DATAGRAM;
use hb_core::message::{GroupName, Message};
use hb_core::{FRAME_BUF, Incarnation, Side};

/// The digest of the times that both nodes share.
pub const TIMING: u32 = 200;

/// The peer.
#[derive(Debug)]
pub struct Peer {
    cluster: u16,
    keys: Keyring,
    side: Side,
    /// Its life.
    pub life: Incarnation,
    seq: u32,
    /// The node's last challenge and life.
    heard: Option<([u8; 8], Incarnation)>,
}

impl Peer {
    /// A peer of the node on the other side.
    pub fn new(cluster: u16, keys: Keyring, side: Side) -> Self {
        Self { cluster, keys, side, life: Incarnation { counter: 1, nonce: 77 }, seq: 0, heard: None }
    }

    /// Takes a datagram of the node, for its challenge.
    pub fn hear(&mut self, datagram: &[u8]) {
        let met = self.heard.map(|(_, life)| life);
        if let Ok(message) = auth::open(datagram, self.side, self.cluster, &self.keys, met)
            && let Some(hello) = &message.hello
        {
            self.heard = Some((hello.challenge, message.incarnation));
        }
    }

    /// Says `beat`, with a hello that answers the challenge or not; as a datagram, or as a frame for a stream.
    pub fn say(
        &mut self,
        beat: &AnyBeat,
        hello: Option<(&AnyHello, bool)>,
        skip: u8,
        names: &[GroupName],
        stream: bool,
    ) -> Vec<u8> {
        self.seq = self.seq.saturating_add(u32::from(skip));
        let listed: Vec<_> = beat.groups().zip(names).collect();
        let hello = hello.map(|(hello, honest)| {
            let mut hello = hello.with(listed.iter().map(|(_, name)| **name));
            if let (true, Some((challenge, life))) = (honest, self.heard) {
                hello.echo = Some(challenge);
                hello.met = Some(life.nonce);
                (hello.known, hello.timing_digest) = (true, TIMING);
            }
            hello
        });
        let message = Message {
            source: self.side,
            incarnation: self.life,
            seq: self.seq,
            beat: beat.with(listed.iter().map(|(group, _)| group.beat())),
            hello,
        };
        let mut datagram = [0; MAX_DATAGRAM];
        let len = auth::seal(&message, self.cluster, &self.keys, &mut datagram).expect("the wire can say it");
        if !stream {
            return datagram[..len].to_vec();
        }
        let mut frame = [0; FRAME_BUF];
        let len = encode(&datagram[..len], &mut frame).expect("room for a frame");
        frame[..len].to_vec()
    }
}
