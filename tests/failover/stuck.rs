//! DESIGN §7 O7: a stop that failed is forgotten for what was proven, and for nothing else.

use crate::{A, B, command, ms, settled, state, wait};
use hb_core::message::GroupState;
use hb_core::{Command, Config, GroupId, Scope, Wait, Watchdog};
use hb_sim::{Answer, World};

fn stuck_with(watchdog: Watchdog, change: impl Fn(&mut Config)) -> World {
    let mut world = World::new(|c| {
        c.failback = false;
        change(c);
    });
    world.hosts[A].watchdog = watchdog;
    world.start(A);
    world.start(B);
    world.until(ms(2000), |w| w.serves(A)).expect("service");
    world.run(ms(1000));
    world.hosts[A].scripts.stop = Answer::Hangs;
    command(&mut world, A, Command::Standby(Scope::All)).expect("accepted");
    world.until(ms(4000), |w| state(w, A) == GroupState::Stuck).expect("it hangs");
    world.run(ms(50));
    world
}

fn stuck() -> World {
    stuck_with(Watchdog::Off, |_| {})
}

/// A later life, shown for so long, and gone again.
fn short_life(world: &mut World, time: u64) {
    world.start(A);
    world.run(ms(time));
    world.kill(A);
}

#[test]
fn lives_that_have_not_looked_yet_prove_nothing_however_many() {
    let mut world = stuck();
    world.kill(A);
    for time in [60, 150, 700, 1500] {
        short_life(&mut world, time);
        world.run(ms(2000));
        assert_eq!(wait(&world, B), Some(Wait::PeerStuck), "after a life of {time} ms");
    }
    assert!(world.hosts[A].scripts.any(0) && !world.hosts[B].scripts.any(0));
}

#[test]
fn a_later_life_that_proved_it_stopped_ends_the_block() {
    let mut world = stuck();
    world.kill(A);
    world.hosts[A].scripts.stop = Answer::Honest;
    world.start(A);
    world.until(ms(1000), |w| !w.hosts[A].scripts.any(0)).expect("cleaned");
    world.run(ms(50));
    world.power_off(A);
    world.until(ms(2000), |w| w.serves(B)).expect("proven stopped, and then silent");
    assert_eq!(world.overlap, ms(0));
}

#[test]
fn the_survivors_own_restart_is_no_proof_either() {
    let mut world = stuck();
    world.kill(A);
    world.run(ms(1000));
    for _ in 0..2 {
        world.kill(B);
        world.run(ms(200));
        world.start(B);
        world.run(ms(6000));
        assert!(!world.hosts[B].scripts.any(0), "two run it");
        assert_eq!(wait(&world, B), Some(Wait::PeerStuck));
    }
    command(&mut world, B, Command::ConfirmDown).expect("the operator knows");
    world.power_off(A);
    world.until(ms(1000), |w| w.serves(B)).expect("vouched");
    assert!(world.hosts[B].saved.stuck.is_empty(), "and forgotten on the disk, too");
}

#[test]
fn a_reset_is_proven_across_the_survivors_restart() {
    let mut world = stuck();
    world.power_off(A);
    world.kill(B);
    world.start(B);
    world.run(ms(4000));
    assert!(!world.hosts[B].scripts.any(0));
    world.hosts[A].scripts.stop = Answer::Honest;
    world.start(A);
    world.run(ms(60));
    world.power_off(A);
    world.until(ms(2000), |w| w.serves(B)).expect("another boot: whatever was stuck is gone");
}

#[test]
fn a_boot_identity_that_is_not_known_in_between_is_no_proof() {
    let mut world = stuck();
    let boot = world.hosts[A].config.boot;
    world.kill(A);
    world.hosts[A].config.boot = 0;
    short_life(&mut world, 400);
    world.run(ms(2000));
    // The one that was known may be of any time before.
    world.hosts[A].config.boot = boot + 1;
    short_life(&mut world, 400);
    world.run(ms(4000));
    assert!(!world.hosts[B].scripts.any(0), "two run it: {:?}", world.overlap);
}

#[test]
fn silence_behind_a_clear_is_no_reset_even_with_an_armed_watchdog() {
    let mut world = stuck_with(Watchdog::Armed { timeout: ms(1000) }, |_| {});
    command(&mut world, A, Command::Clear(GroupId(0))).expect("accepted");
    world.run(ms(300));
    assert_eq!(state(&world, A), GroupState::Stopping);
    world.cut_all(true);
    world.run(ms(6000));
    assert!(!world.hosts[B].scripts.any(0), "two run it: {:?}", world.overlap);
}

/// The peer takes silence behind *stuck* and *armed* for a reset: so it must be one, whatever an operator does meanwhile.
#[test]
fn a_clear_behind_a_cut_does_not_feed_the_watchdog_again() {
    let mut world = stuck_with(Watchdog::Armed { timeout: ms(1000) }, |_| {});
    world.cut_all(true);
    let fed = world.hosts[A].fed;
    command(&mut world, A, Command::Clear(GroupId(0))).expect("accepted");
    world.run(ms(1500));
    assert_eq!(world.hosts[A].fed, fed, "fed while nothing is proven stopped");
    world.hosts[A].scripts.stop = Answer::Honest;
    world.until(ms(2000), |w| state(w, A) == GroupState::Stuck).expect("the first one hangs on");
    command(&mut world, A, Command::Clear(GroupId(0))).expect("accepted");
    world.until(ms(500), |w| state(w, A) != GroupState::Stopping).expect("proven stopped");
    world.run(ms(300));
    assert!(world.hosts[A].fed > fed, "and fed again");
}

#[test]
fn what_serves_after_a_clear_is_taken_over_on_death() {
    let mut world = stuck();
    world.hosts[A].scripts.stop = Answer::Honest;
    world.cut_all(true);
    world.run(ms(200));
    command(&mut world, A, Command::Clear(GroupId(0))).expect("accepted");
    world.until(ms(2000), |w| state(w, A) == GroupState::Held).expect("alone, it starts it again");
    world.cut_all(false);
    world.run(ms(1000));
    assert!(world.serves(A) && !world.hosts[B].scripts.any(0));
    world.power_off(A);
    world.until(ms(2000), |w| w.serves(B)).expect("held is not stuck");
}

#[test]
fn a_stuck_group_of_two_blocks_alone() {
    let mut world = settled(|c| {
        let mut other = c.groups[0];
        (other.name_hash, other.digest) = (0x6022, 2);
        c.groups.push(other).unwrap();
    });
    world.hosts[A].scripts.stop = Answer::Hangs;
    world.hosts[B].scripts.stop = Answer::Honest;
    command(&mut world, A, Command::Standby(Scope::All)).expect("accepted");
    world.run(ms(3000));
    assert_eq!(state(&world, A), GroupState::Stuck);
    world.kill(A);
    world.run(ms(300));
    world.hosts[A].config.groups.pop();
    short_life(&mut world, 300);
    world.run(ms(4000));
    assert!(
        !world.hosts[B].scripts.any(0) && !world.hosts[B].scripts.any(1),
        "a line that is gone proves nothing"
    );
}
