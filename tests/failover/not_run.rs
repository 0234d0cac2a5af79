//! Scripts that cannot be run, or have nothing to say, beside a group that is held: what was not answered moves nothing.

use crate::{A, B, ms, settled, starts_and_stops, state};
use hb_core::config::MonitorConfig;
use hb_core::message::GroupState;
use hb_core::{GroupId, Input};
use hb_sim::{Answer, World};

fn look(world: &mut World) {
    world.input(A, Input::Look { group: GroupId(0), resource: 0 });
}

#[test]
fn a_monitor_that_cannot_ask_restarts_nothing() {
    let mut world = settled(|c| c.monitor = Some(MonitorConfig { period: ms(100), failures: 2 }));
    let before = starts_and_stops(&world, A);
    world.hosts[A].scripts.status = Answer::Missing;
    world.run(ms(200_000));
    assert_eq!((state(&world, A), starts_and_stops(&world, A)), (GroupState::Held, before));
    assert!(!world.hosts[B].scripts.any(0));
    world.hosts[A].scripts.status = Answer::Honest;
    world.run(ms(5000));
    world.hosts[A].scripts.running[0][1] = false;
    world.until(ms(2000), |w| w.serves(A)).expect("it can ask again, and sees what is gone");
}

#[test]
fn a_look_that_cannot_ask_restarts_nothing_and_goes_on() {
    let mut world = settled(|_| {});
    let before = starts_and_stops(&world, A);
    world.hosts[A].scripts.status = Answer::Missing;
    look(&mut world);
    world.run(ms(10_000));
    assert_eq!((state(&world, A), starts_and_stops(&world, A)), (GroupState::Held, before));
    world.hosts[A].scripts.running[0][0] = false;
    world.hosts[A].scripts.status = Answer::Honest;
    world.until(ms(2000), |w| w.serves(A)).expect("it is asked until it answers");
}

/// What may run is not taken down for want of a word; a plain word is enough.
#[test]
fn a_look_that_gets_no_word_restarts_nothing() {
    let mut world = settled(|_| {});
    let before = starts_and_stops(&world, A);
    world.hosts[A].scripts.status = Answer::Silent;
    look(&mut world);
    world.run(ms(10_000));
    assert_eq!((state(&world, A), starts_and_stops(&world, A)), (GroupState::Held, before));
    world.hosts[A].scripts.running[0][0] = false;
    world.hosts[A].scripts.status = Answer::Honest;
    look(&mut world);
    world.until(ms(2000), |w| w.serves(A)).expect("a plain stopped");
}
