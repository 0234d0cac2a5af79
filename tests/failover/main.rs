//! The stories of DESIGN §7, told to two real nodes on a virtual clock.

mod again;
mod answers;
mod ask;
mod conflict;
mod data;
mod death;
mod failed;
mod foreign;
mod hostile;
mod keys;
mod lapse;
mod last;
mod lines;
mod moves;
mod newer;
mod not_run;
mod old;
#[cfg(feature = "next-wire")]
mod older;
mod start;
mod stuck;
mod twins;

use hb_core::message::GroupState;
use hb_core::{Command, Duration, Event, Refusal, Wait, Watchdog};
use hb_sim::{Note, World};
use std::cell::Cell;

pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Two nodes in service, the group on the preferred one.
pub(crate) fn settled(change: impl Fn(&mut hb_core::Config)) -> World {
    let mut world = World::new(change);
    world.start(A);
    world.start(B);
    let up = world.until(ms(2000), |w| w.serves(A));
    assert!(up.is_some(), "no service: {:?} {:?}", world.hosts[A].events, world.hosts[B].events);
    world.run(ms(1000));
    assert!(world.serves(A) && !world.serves(B));
    assert_eq!(world.overlap, Duration::ZERO);
    world
}

/// The same with armed watchdogs, on a network that shows who has the address.
pub(crate) fn seen(change: impl Fn(&mut hb_core::Config)) -> World {
    let deadtime = Cell::new(Duration::ZERO);
    let mut world = watched(|c| {
        change(c);
        deadtime.set(c.timing.deadtime);
    });
    world.start(A);
    world.start(B);
    world.until(deadtime.get().times(4), |w| w.serves(A)).expect("service");
    world.run(ms(1000));
    world
}

/// Two nodes with armed watchdogs that have not begun, and such a network.
pub(crate) fn watched(change: impl Fn(&mut hb_core::Config)) -> World {
    let mut world = World::new(change);
    world.probes_see_the_peer = true;
    for host in &mut world.hosts {
        host.watchdog = Watchdog::Armed { timeout: ms(400) };
    }
    world
}

/// What the group waits for.
pub(crate) fn wait(world: &World, host: usize) -> Option<Wait> {
    world.hosts[host].node.as_ref().expect("a daemon").status(world.now).groups[0].wait
}

pub(crate) fn state(world: &World, host: usize) -> GroupState {
    world.hosts[host].node.as_ref().expect("a daemon").status(world.now).groups[0].state
}

pub(crate) fn command(world: &mut World, host: usize, command: Command) -> Result<(), Refusal> {
    let now = world.now;
    let answer = world.hosts[host].node.as_mut().expect("a daemon").operator(now, command);
    world.drain(host);
    answer
}

/// How often `host` said such a thing.
pub(crate) fn times(world: &World, host: usize, what: impl Fn(&Event) -> bool) -> usize {
    world.hosts[host].events.iter().filter(|event| what(event)).count()
}

pub(crate) fn starts_and_stops(world: &World, host: usize) -> usize {
    world.hosts[host].scripts.calls.iter().filter(|(_, _, verb)| *verb != hb_core::Verb::Status).count()
}

/// Every note of the next `time`, step by step, with what holds at each.
pub(crate) fn watch(world: &mut World, time: Duration, mut each: impl FnMut(&World, &Note)) {
    let end = world.now.plus(time);
    while world.step(end) {
        for note in std::mem::take(&mut world.notes) {
            each(world, &note);
        }
    }
}
