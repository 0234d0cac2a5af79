//! Both nodes run a group, or are about to.

use crate::{A, B, ms, seen, settled, starts_and_stops, state, watch};
use hb_core::Event;
use hb_core::config::{FenceConfig, FenceFailed};
use hb_core::message::GroupState;
use hb_sim::{Answer, Note, World};

#[test]
fn after_a_partition_the_highest_epoch_goes_on_without_an_interruption() {
    let mut world = settled(|_| {});
    world.cut_all(true);
    world.run(ms(2000));
    assert!(world.serves(A) && world.serves(B), "nothing but a fence can prevent this");
    let calls = starts_and_stops(&world, B);
    let announced = world.hosts[B].announced;
    world.cut_all(false);
    let healed = world.until(ms(1000), |w| !w.serves(A)).expect("one must go");
    assert!(healed <= ms(100 + 2 * 4 + 40), "{healed:?}");
    assert!(world.hosts[B].announced > announced, "the winner re-announces");
    for _ in 0..400 {
        world.run(ms(1));
        assert!(world.serves(B), "no time without service");
    }
    assert_eq!(starts_and_stops(&world, B), calls, "the winner runs no script until a later reason");
    world.run(ms(3000));
    assert!(world.serves(A) && !world.serves(B), "failback after the quiet time");
}

#[test]
fn a_holder_that_stood_still_gives_way_at_once() {
    let mut world = settled(|c| c.failback = false);
    world.freeze(A);
    world.run(ms(1500));
    assert!(world.serves(B));
    let calls = starts_and_stops(&world, B);
    world.thaw(A);
    let time = world.until(ms(1000), |w| !w.serves(A)).expect("it stops");
    assert!(time <= ms(100 + 20), "{time:?}");
    assert!(world.serves(B));
    assert_eq!(starts_and_stops(&world, B), calls);
    world.run(ms(3000));
    assert!(world.serves(B) && !world.serves(A));
}

#[test]
fn a_short_freeze_moves_nothing() {
    let mut world = settled(|_| {});
    for _ in 0..5 {
        world.freeze(B);
        world.run(ms(2000));
        world.thaw(B);
        world.run(ms(50));
        assert_eq!(state(&world, B), GroupState::Idle, "its own absence is not the peer's silence");
        world.run(ms(1000));
    }
    assert!(world.serves(A) && !world.serves(B));
}

/// DESIGN §7 O5.2: the peer may have run it meanwhile, and told every cache so.
#[test]
fn a_holder_announces_again_when_its_peer_is_back_from_silence() {
    let mut world = seen(|_| {});
    world.cut_all(true);
    let announced = |world: &mut World, time| {
        let mut times = 0;
        watch(world, ms(time), |_, note| {
            times += u32::from(matches!(*note, Note::Announced { host: A, .. }));
        });
        times
    };
    assert_eq!(announced(&mut world, 3000), 0);
    assert!(world.serves(A) && !world.serves(B), "its address still answers");
    world.cut_all(false);
    assert!(announced(&mut world, 500) > 0);
}

/// DESIGN §5.2: what was not sent in time is not sent later, whether the own absence counts as running time or not.
#[test]
fn a_loop_that_was_behind_sends_no_burst() {
    for (absent, most) in [(300, 1), (800, 3), (3000, 3)] {
        let mut world = settled(|_| {});
        world.freeze(B);
        world.run(ms(absent));
        world.thaw(B);
        let mut beats = 0;
        watch(&mut world, ms(80), |_, note| {
            beats += u32::from(matches!(*note, Note::Sent { host: B, link: 0, .. }));
        });
        assert!((1..=most).contains(&beats), "{beats} in 80 ms, after {absent} ms");
    }
}

/// DESIGN §7 O8: only a frame that the peer sent after the stall makes a holder sure again, or two keepalives.
#[test]
fn a_holder_that_stood_still_is_not_sure_of_itself_until_it_hears_its_peer() {
    let unsure = |world: &World, host: usize| world.hosts[host].node.as_ref().unwrap().glance().unconfirmed;
    // From the last beat on, so that the peer has heard nothing for just as long.
    let freeze = |world: &mut World, host: usize, time| {
        let seq = |w: &World| w.hosts[host].node.as_ref().unwrap().glance().seq;
        let before = seq(world);
        world.until(ms(200), |w| seq(w) != before).expect("a beat");
        world.run(ms(5));
        world.freeze(host);
        world.run(time);
    };
    let mut world = settled(|_| {});
    for host in [A, B] {
        // Longer than deadtime - keepalive, shorter than deadtime: nobody takes over.
        freeze(&mut world, host, ms(450));
        world.cut_all(true);
        world.thaw(host);
        let stalled =
            |event: &Event| matches!(event, Event::Stalled(gap) if (ms(400)..=ms(500)).contains(gap));
        assert!(world.hosts[host].events.iter().any(stalled), "{:?}", world.hosts[host].events);
        assert_eq!(
            unsure(&world, host),
            host == A,
            "a standby has nothing to be sure of; old frames prove nothing"
        );
        world.cut_all(false);
        let time = world.until(ms(200), |w| !unsure(w, host)).expect("it hears its peer");
        assert!(time <= ms(110), "{time:?}");
        world.run(ms(1000));
    }
    freeze(&mut world, A, ms(450));
    world.cut_all(true);
    world.thaw(A);
    assert!(unsure(&world, A));
    let time = world.until(ms(300), |w| !unsure(w, A)).expect("nobody contradicts it");
    assert!((ms(199)..=ms(202)).contains(&time), "two keepalives: {time:?}");
    world.cut_all(false);
    world.run(ms(1000));
    assert!(world.serves(A) && !world.serves(B));

    freeze(&mut world, A, ms(380));
    world.thaw(A);
    assert!(!unsure(&world, A), "a gap that nobody can have taken for a death");
}

#[test]
fn a_holder_that_stood_still_tells_its_peer_and_announces_nothing() {
    let mut world = settled(|c| c.failback = false);
    world.freeze(A);
    world.run(ms(1500));
    assert!(world.serves(B));
    let (announced, calls) = (world.hosts[A].announced, starts_and_stops(&world, B));
    world.cut[B] = [true; 8];
    world.thaw(A);
    world.run(ms(20));
    assert!(world.hosts[B].node.as_ref().unwrap().glance().peer_unconfirmed, "said at once");
    world.run(ms(150));
    world.cut_all(false);
    world.until(ms(300), |w| !w.serves(A)).expect("it gives way");
    world.run(ms(1000));
    assert_eq!(world.hosts[A].announced, announced, "the clients stay with B");
    assert_eq!(world.client[0], Some(B));
    assert_eq!(starts_and_stops(&world, B), calls);
}

#[test]
fn a_starter_that_hears_a_holder_withdraws_and_the_holder_goes_on() {
    let mut world = settled(|_| {});
    world.hosts[B].scripts.time = ms(400);
    world.cut_all(true);
    world.until(ms(3000), |w| w.hosts[B].scripts.any(0)).expect("it begins to start");
    let calls = starts_and_stops(&world, A);
    world.cut_all(false);
    world.until(ms(3000), |w| !w.hosts[B].scripts.any(0)).expect("it withdraws");
    world.run(ms(3000));
    assert_eq!(starts_and_stops(&world, A), calls, "the holder runs no script");
    assert!(world.serves(A) && !world.serves(B));
    let epoch = |host: usize| world.hosts[host].node.as_ref().unwrap().status(world.now).groups[0].epoch;
    assert!(epoch(A) >= epoch(B), "the holder went above the starter's epoch");
}

#[test]
fn a_loser_that_was_down_before_the_winner_met_it_still_leaves_the_winners_address_in_every_cache() {
    let mut world = settled(|c| c.failback = false);
    // B dies, loses its memory, comes back unable to hear A, and takes the address.
    world.power_off(B);
    world.run(ms(1000));
    world.hosts[B].saved = hb_core::Saved::default();
    world.cut[A] = [true; 8];
    world.start(B);
    world.until(ms(6000), |w| w.serves(B)).expect("nobody answers its probe");
    world.run(ms(100));
    assert_eq!(world.client[0], Some(B));
    world.cut[A] = [false; 8];
    world.run(ms(2000));
    let holder = usize::from(world.serves(B));
    assert!(world.serves(A) != world.serves(B));
    assert_eq!(world.client[0], Some(holder), "clients talk to a machine that runs nothing");
}

#[test]
fn a_loser_that_gets_stuck_leaves_the_winners_address_in_every_cache() {
    let mut world = settled(|c| c.failback = false);
    world.cut_all(true);
    world.run(ms(2000));
    assert!(world.serves(A) && world.serves(B));
    world.hosts[A].scripts.stop = Answer::Lies;
    world.cut_all(false);
    world.until(ms(40_000), |w| state(w, A) == GroupState::Stuck).expect("its stop does nothing");
    // It announced when it heard the winner again, perhaps after the winner did.
    world.client[0] = Some(A);
    let announced = world.hosts[B].announced;
    world.run(ms(2000));
    assert_eq!(world.client[0], Some(B), "clients talk to a machine that is stuck");
    assert_eq!(world.hosts[B].announced, announced + 1, "once, not with every beat");
}

#[test]
fn a_holder_that_is_not_heard_gives_way_to_the_higher_epoch_that_it_hears() {
    let mut world = settled(|c| c.failback = false);
    world.cut[A] = [true; 8];
    world.until(ms(1000), |w| w.hosts[B].scripts.any(0)).expect("it takes A for dead");
    let time = world.until(ms(1000), |w| !w.hosts[A].scripts.any(0)).expect("A hears it, and stops");
    assert!(time <= ms(100 + 2 + 80), "{time:?}");
    world.run(ms(2000));
    assert!(world.serves(B) && !world.serves(A), "one holder, though frames pass one way only");
    assert_eq!(world.client[0], Some(B));
}

#[test]
fn of_two_starters_the_winner_waits_until_the_loser_has_stopped() {
    let mut world = World::new(|c| {
        c.fence = Some(FenceConfig { delay: ms(1000), startup: false, failed: FenceFailed::Wait })
    });
    world.hosts[A].scripts.time = ms(700);
    world.start(A);
    world.start(B);
    world.until(ms(9000), |w| w.hosts[A].scripts.any(0)).expect("it begins to start");
    world.cut_all(true);
    world.until(ms(1000), |w| state(w, B) == GroupState::Starting).expect("it claims");
    world.cut_all(false);
    world.until(ms(9000), |w| w.serves(B)).expect("the higher epoch starts");
    world.run(ms(100));
    assert!(!world.hosts[A].scripts.any(0));
    assert_eq!(world.overlap, hb_core::Duration::ZERO, "it was told that the other was still stopping");
}

#[test]
fn no_start_script_begins_beside_a_peer_that_is_heard_stopping() {
    let mut world = World::new(|_| {});
    world.hosts[A].scripts.time = ms(700);
    world.hosts[B].scripts.time = ms(200);
    world.start(A);
    world.start(B);
    world.until(ms(9000), |w| w.hosts[A].scripts.any(0)).expect("it begins to start");
    world.cut_all(true);
    world.until(ms(1000), |w| state(w, B) == GroupState::Starting).expect("it claims, and looks first");
    world.run(ms(20));
    world.cut_all(false);
    world.until(ms(9000), |w| w.serves(B)).expect("the higher epoch starts");
    world.run(ms(500));
    assert!(!world.hosts[A].scripts.any(0));
    assert_eq!(world.overlap, hb_core::Duration::ZERO, "it was told before its first start");
}
