//! Frames that were sent before a death and come after it (DESIGN §4): they are no life, delivered before or not.

use crate::{A, B, command, ms, settled};
use hb_core::config::{FenceConfig, FenceFailed};
use hb_core::{Command, Duration, Incarnation, LinkId, PeerState};
use hb_sim::World;

const DATAGRAMS: LinkId = LinkId(1);

/// What `host` sent on the datagram link, from its `from`-th frame on.
fn sent(world: &World, host: usize, from: usize) -> Vec<Vec<u8>> {
    let sent = world.hosts[host].sent.iter().skip(from);
    sent.filter(|frame| frame.1 == DATAGRAMS).map(|frame| frame.2.clone()).collect()
}

fn peer(world: &World, host: usize) -> (PeerState, Option<Incarnation>) {
    let glance = world.hosts[host].node.as_ref().expect("a daemon").glance();
    (glance.peer, glance.met)
}

#[test]
fn what_a_dead_peer_sent_behind_a_cut_takes_nothing_from_a_holder() {
    let mut world = settled(|c| c.failback = false);
    world.cut_all(true);
    let from = world.hosts[B].sent.len();
    world.run(ms(5000));
    assert!(world.serves(A) && world.serves(B), "each took the other for dead");
    let old = sent(&world, B, from);
    world.power_off(B);
    world.cut_all(false);
    world.run(ms(1000));
    for bytes in &old {
        world.inject(A, DATAGRAMS, bytes);
        world.run(ms(90));
        assert!(world.serves(A), "B is off");
        assert_eq!(peer(&world, A).0, PeerState::Dead);
    }
}

/// A later life of the peer answers a challenge, is not heard, and is gone: its answer comes after the death.
#[test]
fn an_answer_to_what_was_asked_before_a_death_comes_too_late() {
    let mut world = settled(|c| c.failback = false);
    let met = peer(&world, B).1;
    let from = world.hosts[A].sent.len();
    world.kill(A);
    world.run(ms(250));
    world.cut[A] = [true; 8];
    world.start(A);
    world.run(ms(1));
    // Its first frame alone is heard: B asks.
    let first = sent(&world, A, from).into_iter().next().expect("a hello");
    world.inject(B, DATAGRAMS, &first);
    world.until(ms(500), |w| peer(w, B).0 == PeerState::Late).expect("nothing more came");
    world.until(ms(500), |w| peer(w, B).0 == PeerState::Dead).expect("for the deadtime");
    let answers = sent(&world, A, from);
    world.power_off(A);
    for bytes in answers.iter().rev() {
        world.inject(B, DATAGRAMS, bytes);
        assert_eq!(peer(&world, B), (PeerState::Dead, met), "sent before it was taken for dead");
    }
    world.until(ms(1000), |w| w.serves(B)).expect("a takeover, as if nothing had come");
}

/// The same where a fence, or an operator, has said that the machine is off: what it answered before is no life after.
#[test]
fn an_answer_of_before_a_fence_comes_too_late() {
    for fenced in [true, false] {
        let mut world = settled(|c| {
            c.failback = false;
            c.fence = fenced.then_some(FenceConfig {
                delay: Duration::ZERO,
                startup: false,
                failed: FenceFailed::Wait,
            });
        });
        world.fence_works = false;
        // It hears, and is not heard: it answers all that it is asked.
        world.cut[A] = [true; 8];
        world.until(ms(2000), |w| peer(w, B).0 == PeerState::Dead).expect("silent");
        world.run(ms(1000));
        world.fence_works = true;
        if fenced {
            world.until(ms(20_000), |w| w.fenced > 1).expect("tried again");
        } else {
            world.power_off(A);
            command(&mut world, B, Command::ConfirmDown).expect("it is off");
        }
        let answers = sent(&world, A, 0);
        world.run(ms(150));
        for bytes in answers.iter().rev().take(6) {
            world.inject(B, DATAGRAMS, bytes);
            assert_eq!(peer(&world, B).0, PeerState::Dead, "it is off, {fenced}");
        }
        world.until(ms(3000), |w| w.serves(B)).expect("taken over");
    }
}

/// The same at a node that hears nobody, whether it still waits or has been alone for long: an answer may take a moment.
#[test]
fn an_answer_does_not_keep() {
    for (alone, later) in [(200, 1500), (4000, 60_000)] {
        let mut world = World::new(|_| {});
        world.cut[B] = [true; 8];
        world.start(A);
        world.run(ms(alone));
        world.start(B);
        world.run(ms(1000));
        let answers = sent(&world, B, 0);
        world.power_off(B);
        world.cut[B] = [false; 8];
        world.run(ms(later));
        for bytes in &answers {
            world.inject(A, DATAGRAMS, bytes);
            world.run(ms(10));
        }
        assert_eq!(peer(&world, A).1, None, "frames of {later} ms ago pass for life");
    }
}
