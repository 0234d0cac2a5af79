//! Two machines of one name (DESIGN §4).

use crate::{A, B, ms, settled, times};
use hb_core::{Event, LinkId, Side, Wait};
use hb_sim::World;

fn twins(change: impl Fn(&mut hb_core::Config)) -> World {
    World::new(|c| {
        c.side = Side::Even;
        c.peer_name = "ha-2".try_into().unwrap();
        change(c);
    })
}

fn named(world: &World, host: usize) -> usize {
    times(world, host, |e| matches!(e, Event::Twin(_)))
}

#[test]
fn two_that_start_together_name_each_other_and_claim_nothing() {
    let mut world = twins(|_| {});
    world.start(A);
    world.start(B);
    world.run(ms(60_000));
    for host in [A, B] {
        assert_eq!(named(&world, host), 1, "said once: {:?}", world.hosts[host].events);
        assert!(!world.hosts[host].scripts.any(0));
        let status = world.hosts[host].node.as_ref().unwrap().status(world.now);
        assert!(status.twin && status.groups[0].wait == Some(Wait::Twin));
    }
    world.kill(A);
    world.until(ms(10_000), |w| w.serves(B)).expect("alone again");
    assert!(times(&world, B, |e| *e == Event::TwinGone) == 1);
}

#[test]
fn a_holder_goes_on_beside_its_twin() {
    let mut world = twins(|_| {});
    world.start(A);
    world.until(ms(6000), |w| w.serves(A)).expect("alone");
    world.start(B);
    world.run(ms(30_000));
    assert!(world.serves(A) && !world.hosts[B].scripts.any(0));
    assert!(named(&world, A) == 1 && named(&world, B) == 1);
    assert_eq!(world.overlap, ms(0));
}

/// Own frames come back on a broadcast medium, and those of every earlier life may be played back.
#[test]
fn what_comes_back_or_is_played_back_is_no_twin() {
    let mut world = settled(|_| {});
    let mut recorded = Vec::new();
    for _ in 0..3 {
        recorded.extend(world.hosts[A].sent.iter().filter(|f| f.1 == LinkId(1)).cloned());
        world.kill(A);
        world.run(ms(1500));
        world.start(A);
        world.run(ms(2000));
    }
    for (at, (_, link, bytes)) in recorded.iter().enumerate() {
        world.inject(A, *link, bytes);
        if at % 3 == 0 {
            world.run(ms(20));
        }
        let last = world.hosts[A].sent.last().cloned();
        if let Some((_, link, bytes)) = last {
            world.inject(A, link, &bytes);
        }
    }
    assert_eq!(named(&world, A), 0);
    assert!(!world.hosts[A].node.as_ref().unwrap().status(world.now).twin);
}

/// What a twin answered once is no twin for ever.
#[test]
fn a_twins_answer_played_back_is_none() {
    let mut world = twins(|_| {});
    world.start(A);
    world.start(B);
    world.run(ms(1000));
    let recorded: Vec<_> = world.hosts[B].sent.iter().filter(|f| f.1 == LinkId(1)).cloned().collect();
    world.kill(B);
    for (_, link, bytes) in recorded.iter().cycle().take(4000) {
        world.inject(A, *link, bytes);
        world.run(ms(2));
    }
    assert!(world.serves(A), "the twin is gone: {:?}", world.hosts[A].events);
}
