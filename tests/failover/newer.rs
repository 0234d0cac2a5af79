//! A peer of a newer version (DESIGN §4): alive by header and front, whatever follows; it decides, and this node takes what
//! the three bits give it.

use crate::*;
use hb_core::auth::{self, Key, Keyring, Method};
use hb_core::message::wire;
use hb_core::{Incarnation, LinkId, PeerState, Scope, Side, Wait};

const LEAVING: u8 = 1 << 3;
const NOTHING: u8 = 1 << 4;
const TAKE: u8 = 1 << 5;
const LIFE: Incarnation = Incarnation { counter: 9, nonce: 0x7777_0001 };

/// `B` as a later version: it has the front, and behind it what nobody here can read.
struct Newer {
    world: World,
    seq: u8,
    says: u8,
}

impl Newer {
    fn new(says: u8) -> Self {
        let mut world = World::new(|c| c.failback = false);
        for host in [A, B] {
            let key = Key::new(Method::Crc, b"").unwrap();
            world.hosts[host].keys = Keyring::new(&[(1, key)], 1).unwrap();
        }
        world.start(A);
        Self { world, seq: 0, says }
    }

    fn send(&mut self, long: bool, front: &[u8]) {
        let flags = 1 | if long { 2 } else { 0 } | self.says | 0b1100_0100;
        self.seq += 1;
        let life: &[u8] = if long { &[9, 0x81, 0x80, 0xDC, 0xBB, 7] } else { &[wire::life_byte(LIFE)] };
        let signed = [&[0x21, flags, 0xEF, 0xBE], life, &[self.seq], front, &[0xFF; 9]].concat();
        let unsent = if long { [0; 8] } else { wire::life_bytes(LIFE) };
        let tag = auth::tag::crc32(&[&unsent[..], &signed].concat()).to_le_bytes();
        self.world.inject(A, LinkId(1), &[&signed[..], &tag].concat());
    }

    /// One beat each keepalive; a long form that answers while `A` sends long forms.
    fn run(&mut self, beats: usize) {
        for _ in 0..beats {
            let keys = self.world.hosts[A].keys.clone();
            let met = self.world.hosts[A].node.as_ref().unwrap().glance().incarnation;
            let last = self.world.hosts[A].sent.iter().rev().find(|sent| sent.1 == LinkId(1));
            let said = last.and_then(|sent| auth::open(&sent.2, Side::Odd, 0xBEEF, &keys, Some(met)).ok());
            let hello = said.and_then(|said| said.into_inner().hello);
            match hello.filter(|hello| !hello.known || hello.met != Some(LIFE.nonce)) {
                Some(hello) => {
                    let known = u8::from(hello.met == Some(LIFE.nonce));
                    let mut nonce = vec![1];
                    let mut rest = met.nonce;
                    while rest >= 0x80 {
                        nonce.push(rest as u8 | 0x80);
                        rest >>= 7;
                    }
                    nonce.push(rest as u8);
                    let front = [&[5; 8][..], &[1], &hello.challenge, &nonce, &[known]].concat();
                    self.send(true, &front);
                }
                None => self.send(false, &[]),
            }
            self.world.run(ms(100));
        }
    }

    fn wait(&self) -> Option<Wait> {
        self.world.hosts[A].node.as_ref().unwrap().status(self.world.now).groups[0].wait
    }
}

#[test]
fn it_is_alive_and_holds_what_it_may_run() {
    let mut newer = Newer::new(0);
    newer.run(100);
    let glance = newer.world.hosts[A].node.as_ref().unwrap().glance();
    assert_eq!((glance.met, glance.peer, glance.both_ways), (Some(LIFE), PeerState::Up, true));
    assert_eq!(newer.wait(), Some(Wait::PeerRuns));
    assert!(!newer.world.serves(A));
    newer.world.run(ms(1000));
    assert!(newer.world.serves(A), "its silence is a death");
}

#[test]
fn it_decides_while_it_runs_nothing_and_gives_with_take_it() {
    let mut newer = Newer::new(NOTHING);
    newer.run(100);
    assert!(!newer.world.serves(A));
    assert_eq!(newer.wait(), Some(Wait::PeerNewer));
    let shown = newer.world.hosts[A].node.as_ref().unwrap().saved().epochs[0].1;
    assert!(
        shown > 1000,
        "it has passed the right on with a mark above all that the peer may have used: {shown}"
    );
    newer.says = NOTHING | TAKE;
    newer.run(4);
    assert!(!newer.world.serves(A), "not before a deadtime");
    newer.run(4);
    assert!(newer.world.serves(A));
    // A holder goes on, whatever the newer one shows.
    newer.says = 0;
    newer.run(20);
    assert!(newer.world.serves(A));
}

#[test]
fn what_it_gives_in_order_is_taken_at_once() {
    for says in [LEAVING | NOTHING, LEAVING | NOTHING | TAKE] {
        let mut newer = Newer::new(0);
        newer.run(20);
        newer.says = says;
        newer.run(3);
        assert!(newer.world.serves(A), "{says:b}");
    }
    let mut newer = Newer::new(0);
    newer.run(20);
    newer.says = LEAVING;
    newer.run(10);
    assert!(!newer.world.serves(A), "it still stops things");
}

#[test]
fn what_is_stuck_there_blocks_in_silence_too() {
    let mut newer = Newer::new(TAKE);
    newer.run(20);
    newer.world.run(ms(5000));
    assert_eq!(newer.wait(), Some(Wait::PeerStuck));
    assert!(!newer.world.serves(A));
}

#[test]
fn an_operator_moves_groups_both_ways() {
    let mut newer = Newer::new(NOTHING);
    newer.run(20);
    command(&mut newer.world, A, Command::Takeover(Scope::All)).expect("accepted");
    newer.run(3);
    assert!(newer.world.serves(A));
    command(&mut newer.world, A, Command::Standby(Scope::All)).expect("it could take it");
    newer.run(3);
    assert!(!newer.world.serves(A));
    newer.says = 0;
    newer.run(20);
    assert_eq!(newer.wait(), Some(Wait::PeerRuns));
    command(&mut newer.world, A, Command::Takeover(Scope::All)).expect("accepted");
    newer.run(3);
    assert!(!newer.world.serves(A), "not beside what runs there");
    newer.says = NOTHING | TAKE;
    newer.run(3);
    assert!(newer.world.serves(A), "asked for, and given");
}
