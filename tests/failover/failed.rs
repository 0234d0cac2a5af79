//! Scripts that fail or hang.

use crate::{A, B, command, ms, settled, state};
use hb_core::message::GroupState;
use hb_core::{Command, Duration, Refusal, Scope, Wait, Watchdog};
use hb_sim::{Answer, World};

#[test]
fn a_failed_start_moves_the_group_and_sticks_until_it_is_cleared() {
    let mut world = World::new(|_| {});
    world.hosts[A].scripts.start = Answer::Fails;
    world.start(A);
    world.start(B);
    world.until(ms(3000), |w| w.serves(B)).expect("the other starts it");
    world.run(ms(5000));
    assert_eq!(state(&world, A), GroupState::Failed);
    assert!(world.serves(B) && !world.hosts[A].scripts.any(0));
    world.hosts[A].scripts.start = Answer::Honest;
    command(&mut world, A, Command::Clear(hb_core::GroupId(0))).expect("accepted");
    world.until(ms(3000), |w| w.serves(A) && !w.serves(B)).expect("failback after the clear");
    assert_eq!(world.overlap, Duration::ZERO);
}

#[test]
fn when_both_fail_it_is_tried_again() {
    let mut world = World::new(|_| {});
    world.hosts[A].scripts.start = Answer::Fails;
    world.hosts[B].scripts.start = Answer::Fails;
    world.start(A);
    world.start(B);
    world.run(ms(5000));
    assert_eq!((state(&world, A), state(&world, B)), (GroupState::Failed, GroupState::Failed));
    world.hosts[B].scripts.start = Answer::Honest;
    world.hosts[A].scripts.start = Answer::Honest;
    world.until(ms(30_000), |w| w.serves(A) || w.serves(B)).expect("tried again");
    assert_eq!(world.overlap, Duration::ZERO);
}

/// Timers fire at the end of a round, when everything that was queued has been read.
#[test]
fn a_retry_that_is_due_waits_for_the_end_of_the_round() {
    let mut world = World::new(|_| {});
    world.hosts[A].scripts.start = Answer::Fails;
    world.start(A);
    world.until(ms(5000), |w| state(w, A) == GroupState::Failed).expect("the start fails");
    world.run(ms(9_950));
    world.now = world.now.plus(ms(100));
    world.inject(A, hb_core::LinkId(1), b"first of several");
    assert_eq!(state(&world, A), GroupState::Failed, "there may be more to read");
    world.input(A, hb_core::Input::Tick { drained: true });
    assert_eq!(state(&world, A), GroupState::Starting);
}

#[test]
fn a_stop_that_hangs_is_stuck_and_blocks_the_peer_until_somebody_vouches() {
    let mut world = settled(|_| {});
    world.hosts[A].scripts.stop = Answer::Hangs;
    command(&mut world, A, Command::Standby(Scope::All)).expect("accepted");
    world.run(ms(4000));
    assert_eq!(state(&world, A), GroupState::Stuck);
    assert!(!world.hosts[B].scripts.any(0));
    assert_eq!(command(&mut world, B, Command::ConfirmDown), Err(Refusal::PeerAlive));
    world.kill(A);
    world.run(ms(5000));
    assert!(!world.hosts[B].scripts.any(0), "silence proves nothing about a stuck group");
    let status = world.hosts[B].node.as_ref().unwrap().status(world.now);
    assert_eq!(status.groups[0].wait, Some(Wait::PeerStuck));
    world.power_off(A);
    command(&mut world, B, Command::ConfirmDown).expect("accepted");
    world.until(ms(1000), |w| w.serves(B)).expect("vouched");
}

#[test]
fn a_stuck_node_is_not_fed_and_its_armed_watchdog_is_a_proof() {
    let mut world = World::new(|_| {});
    world.hosts[A].watchdog = Watchdog::Armed { timeout: ms(1000) };
    world.start(A);
    world.start(B);
    world.until(ms(2000), |w| w.serves(A)).expect("service");
    world.run(ms(1000));
    world.hosts[A].scripts.stop = Answer::Hangs;
    command(&mut world, A, Command::Standby(Scope::All)).expect("accepted");
    world.run(ms(2500));
    assert_eq!(state(&world, A), GroupState::Stuck);
    let fed = world.hosts[A].fed;
    world.run(ms(500));
    assert_eq!(world.hosts[A].fed, fed, "no feed while a stop is stuck");
    world.power_off(A);
    let time = world.until(ms(5000), |w| w.serves(B)).expect("the watchdog must have reset it");
    assert!(time >= ms(1000 + 400), "not before the armed timeout and the deadtime: {time:?}");
    assert!(time <= ms(1000 + 500 + 100), "{time:?}");
}

#[test]
fn a_stuck_peer_that_was_rebooted_is_proven() {
    let mut world = settled(|c| c.failback = false);
    world.hosts[A].scripts.stop = Answer::Hangs;
    command(&mut world, A, Command::Standby(Scope::All)).expect("accepted");
    world.run(ms(3000));
    assert_eq!(state(&world, A), GroupState::Stuck);
    world.power_off(A);
    world.hosts[A].scripts.stop = Answer::Honest;
    world.run(ms(1000));
    assert!(!world.serves(B));
    world.start(A);
    world.until(ms(2000), |w| w.serves(A) || w.serves(B)).expect("one of them serves");
    assert_eq!(world.overlap, Duration::ZERO);
}

#[test]
fn a_stop_can_be_tried_again() {
    let mut world = settled(|_| {});
    world.hosts[A].scripts.stop = Answer::Hangs;
    command(&mut world, A, Command::Standby(Scope::All)).expect("accepted");
    world.run(ms(3000));
    world.hosts[A].scripts.stop = Answer::Honest;
    command(&mut world, A, Command::Clear(hb_core::GroupId(0))).expect("accepted");
    world.until(ms(1000), |w| w.serves(B)).expect("the handover goes on");
}
