//! A node at a port: what it says, signed, and what it is told.

pub(crate) mod message;

use crate::pipes::Pipe;
use hb_core::auth::{Keyring, seal};
use hb_core::frame::{Decoder, encode, max_encoded};
use hb_core::message::wire::LONGEST;
use hb_core::message::{GroupState, Hello};
use hb_core::{Duration, Incarnation, Side};
use hb_serial_bridge::fence::{Word, words};
use hb_serial_bridge::{MAX_OWN, provision};

pub(crate) const CLUSTER: u16 = 0x4D32;
pub(crate) const DEADTIME: Duration = Duration::from_secs(2);

pub(crate) fn keys() -> Keyring {
    provision::keys("2 sha1 HI!").expect("a key")
}

pub(crate) struct Node {
    pub(crate) pipe: Pipe,
    side: Side,
    life: Incarnation,
    seq: u32,
    /// Every frame that it said or was told, as it was on the line.
    pub(crate) recorded: Vec<Vec<u8>>,
}

impl Node {
    pub(crate) fn even(pipe: Pipe) -> Self {
        Self { pipe, side: Side::Even, life: Incarnation::default(), seq: 0, recorded: Vec::new() }
    }

    pub(crate) fn odd(pipe: Pipe) -> Self {
        Self { side: Side::Odd, ..Self::even(pipe) }
    }

    /// A long form of a life.
    pub(crate) fn hello(&mut self, boot: u32, counter: u32) {
        self.life = Incarnation { counter, nonce: boot * 1000 + counter };
        self.seq = 0;
        self.send(GroupState::Held, Some(message::hello(boot, DEADTIME, 1)));
    }

    /// A short form of that life.
    pub(crate) fn beat(&mut self, stuck: bool) {
        self.send(if stuck { GroupState::Stuck } else { GroupState::Held }, None);
    }

    fn send(&mut self, state: GroupState, hello: Option<Hello>) {
        self.seq += 1;
        let message = message::message(self.side, self.life, self.seq, state, 1, hello);
        let mut out = [0; LONGEST];
        let len = seal(&message, CLUSTER, &keys(), &mut out).expect("it fits");
        self.put(&out[..len]);
    }

    pub(crate) fn say(&mut self, word: Word) {
        let mut out = [0; MAX_OWN];
        let len = words::seal(word, self.side, CLUSTER, &keys(), &mut out).expect("it fits");
        assert_eq!(words::open(&out[..len], CLUSTER, &keys()), Some((self.side, word)));
        self.put(&out[..len]);
    }

    fn put(&mut self, datagram: &[u8]) {
        let mut coded = vec![0; max_encoded(datagram.len())];
        let len = encode(datagram, &mut coded).expect("it fits");
        coded.truncate(len);
        self.pipe.feed(&coded);
        self.recorded.push(coded);
    }

    /// What the bridge said since the last call.
    pub(crate) fn told(&mut self) -> Vec<Word> {
        let mut decoder = Decoder::<LONGEST>::new();
        let bytes = self.pipe.sent();
        self.recorded.push(bytes.clone());
        let mut words = Vec::new();
        for byte in bytes {
            let Some(Ok(datagram)) = decoder.push(byte) else { continue };
            if let Some((side, word)) = words::open(datagram, CLUSTER, &keys()) {
                assert_eq!(side, self.side);
                words.push(word);
            }
        }
        words
    }
}
