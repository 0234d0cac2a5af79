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

/// A script that is there and cannot be run for a moment (no process, no memory) says nothing of what an earlier life
/// left running.
#[test]
fn a_status_that_could_not_be_run_at_the_start_proves_nothing() {
    let mut world = settled(|_| {});
    world.kill(A);
    world.hosts[A].scripts.running[0][1] = false;
    world.start(A);
    // After the look at the files; the first call, of the resource on the right, is under way.
    world.hosts[A].scripts.status = Answer::Missing;
    world.run(ms(1000));
    assert!(world.hosts[A].scripts.any(0) || state(&world, A) == GroupState::Stuck, "left as it was");
    assert_eq!(state(&world, A), GroupState::Stuck);
}

/// What is not installed on a node has never run there: it must not hold up the other one.
#[test]
fn a_node_without_the_scripts_does_not_block_its_peer() {
    let mut world = World::new(|_| {});
    let scripts = &mut world.hosts[A].scripts;
    (scripts.start, scripts.stop, scripts.status) = (Answer::Missing, Answer::Missing, Answer::Missing);
    world.start(A);
    world.start(B);
    world.until(ms(3000), |w| w.serves(B)).expect("the other one starts it");
    assert_eq!(state(&world, A), GroupState::Idle);
}

/// The pair of a node that got stuck while its peer heard nothing, and of the peer that took over meanwhile.
fn stuck_beside_a_holder() -> World {
    let monitor = hb_core::config::MonitorConfig { period: ms(500), failures: 1 };
    let mut world = settled(|c| c.monitor = Some(monitor));
    world.hosts[A].scripts.stop = Answer::Hangs;
    world.cut_all(true);
    world.hosts[A].scripts.status = Answer::Fails;
    world.until(ms(6000), |w| state(w, A) == GroupState::Stuck && w.serves(B)).expect("both");
    world.hosts[A].scripts.stop = Answer::Honest;
    world.hosts[A].scripts.status = Answer::Honest;
    world.cut_all(false);
    world.run(ms(1000));
    assert_eq!((state(&world, A), state(&world, B)), (GroupState::Stuck, GroupState::Held));
    world
}

#[test]
fn a_holder_that_restarts_a_resource_does_not_give_way_to_a_stuck_peer() {
    let mut world = stuck_beside_a_holder();
    world.hosts[B].scripts.running[0][1] = false;
    world.until(ms(3000), |w| w.serves(B) && state(w, B) == GroupState::Held).expect("restarted in place");
    world.run(ms(2000));
    assert!(world.serves(B));
}

#[test]
fn one_clear_is_enough_for_a_group_that_the_monitor_gave_up_and_whose_stop_then_hung() {
    let mut world = stuck_beside_a_holder();
    command(&mut world, B, Command::Stop).expect("accepted");
    world.run(ms(3000));
    world.start(B);
    world.run(ms(2000));
    assert!(!world.serves(B), "stuck blocks a claim");
    command(&mut world, A, Command::Clear(hb_core::GroupId(0))).expect("accepted");
    world.until(ms(3000), |w| w.serves(B) && state(w, A) == GroupState::Idle).expect("it runs");
}
