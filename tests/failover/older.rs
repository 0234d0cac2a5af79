//! Two versions beside each other, both of them real nodes: `A` speaks the released one, `B` the next one, which decides. Needs
//! the feature `next-wire`.

use crate::*;
use hb_core::{Refusal, Scope};
use hb_sim::Answer;

const ALL: Scope = Scope::All;

/// `A` is older, `B` newer; the group prefers `A`.
fn mixed() -> World {
    let mut world = World::new(|c| c.failback = false);
    world.hosts[B].next = true;
    world
}

/// Both serve in turns; one of them holds now, nobody else ever did beside it.
fn settled_on(world: &mut World, host: usize) {
    let up = world.until(ms(3000), |w| w.serves(host));
    assert!(up.is_some(), "no service: {:?} {:?}", world.hosts[A].events, world.hosts[B].events);
    world.run(ms(2000));
    assert!(world.serves(host) && !world.serves(1 - host));
    assert_eq!(world.overlap, Duration::ZERO);
}

fn stop_and_start(world: &mut World, host: usize, next: bool) {
    command(world, host, Command::Stop).expect("accepted");
    assert!(world.until(ms(2000), |w| w.hosts[host].node.is_none()).is_some(), "it leaves");
    world.hosts[host].next = next;
    world.start(host);
}

#[test]
fn a_cold_start_of_two_versions_serves() {
    let mut world = mixed();
    world.start(A);
    world.start(B);
    settled_on(&mut world, B);
    assert_eq!(times(&world, A, |event| matches!(event, Event::PeerNewer)), 1);
    assert_eq!(times(&world, B, |event| matches!(event, Event::PeerOlder)), 1);
    world.run(ms(20_000));
    assert_eq!((times(&world, A, is_late), times(&world, B, is_late)), (0, 0), "both are alive for good");
}

fn is_late(event: &Event) -> bool {
    matches!(event, Event::PeerLate(_) | Event::PeerDead(_))
}

#[test]
fn a_rolling_update_moves_nothing_but_what_is_told_to_move() {
    let mut world = mixed();
    world.hosts[B].next = false;
    world.start(A);
    world.start(B);
    settled_on(&mut world, A);
    stop_and_start(&mut world, B, true);
    settled_on(&mut world, A);
    command(&mut world, A, Command::Standby(ALL)).expect("the newer one could take it");
    let gap = world.until(ms(1000), |w| w.serves(B)).expect("it takes it");
    assert!(gap <= ms(300), "{gap:?}");
    stop_and_start(&mut world, A, true);
    settled_on(&mut world, B);
    stop_and_start(&mut world, A, false);
    settled_on(&mut world, B);
    command(&mut world, B, Command::Standby(ALL)).expect("the older one could take it");
    let gap = world.until(ms(1000), |w| w.serves(A)).expect("at once, not after a deadtime");
    assert!(gap <= ms(300), "{gap:?}");
    settled_on(&mut world, A);
    stop_and_start(&mut world, B, false);
    settled_on(&mut world, A);
}

#[test]
fn an_operator_moves_the_group_on_either_node() {
    let mut world = mixed();
    world.start(A);
    world.start(B);
    settled_on(&mut world, B);
    command(&mut world, A, Command::Takeover(ALL)).expect("the newer one reads the wish");
    settled_on(&mut world, A);
    let refused = command(&mut world, B, Command::Takeover(ALL));
    assert_eq!(refused, Err(Refusal::PeerUnable), "the older one reads none");
    command(&mut world, A, Command::Standby(ALL)).expect("accepted");
    settled_on(&mut world, B);
}

#[test]
fn of_two_holders_the_newer_one_gives_way() {
    let mut world = mixed();
    world.start(A);
    world.start(B);
    settled_on(&mut world, B);
    world.cut_all(true);
    world.run(ms(2000));
    assert!(world.serves(A) && world.serves(B), "nothing but a fence can prevent this");
    let calls = starts_and_stops(&world, A);
    world.cut_all(false);
    let healed = world.until(ms(1000), |w| !w.serves(B)).expect("the newer one goes");
    assert!(healed <= ms(100 + 2 * 4 + 40), "{healed:?}");
    world.run(ms(5000));
    assert!(world.serves(A) && !world.serves(B));
    assert_eq!(starts_and_stops(&world, A), calls, "the older one goes on without an interruption");
}

#[test]
fn a_newer_node_that_fails_hands_over() {
    let mut world = mixed();
    world.hosts[B].scripts.start = Answer::Fails;
    world.start(A);
    world.start(B);
    world.run(ms(600));
    assert!(!world.serves(A), "the offer must stand for a deadtime");
    settled_on(&mut world, A);
}

/// Both have failed: the offer comes and goes, and whoever is due for its next try within one makes it.
#[test]
fn what_failed_on_both_is_tried_again() {
    for mended in [A, B] {
        let mut world = mixed();
        for host in [A, B] {
            world.hosts[host].scripts.start = Answer::Fails;
        }
        world.start(A);
        world.start(B);
        let failed = |w: &World| [A, B].iter().all(|host| crate::state(w, *host) == GroupState::Failed);
        world.until(ms(5000), failed).expect("both try");
        world.hosts[mended].scripts.start = Answer::Honest;
        let time = world.until(ms(60_000), |w| w.serves(mended)).expect("it is tried again");
        assert!(time <= ms(20_000 + 2000), "{time:?}");
    }
}

/// What nobody takes, the newer one takes back.
#[test]
fn an_offer_that_is_not_taken_ends() {
    let mut world = mixed();
    world.start(A);
    world.start(B);
    settled_on(&mut world, B);
    world.hosts[A].scripts.start = Answer::Fails;
    command(&mut world, B, Command::Standby(ALL)).expect("it cannot know");
    settled_on(&mut world, B);
}

#[test]
fn each_takes_over_from_the_other_ones_death() {
    let mut world = mixed();
    world.start(A);
    world.start(B);
    settled_on(&mut world, B);
    for dead in [B, A, B] {
        world.power_off(dead);
        let gap = world.until(ms(2000), |w| w.serves(1 - dead)).expect("it is dead");
        assert!(gap >= ms(390) && gap <= ms(1000), "{gap:?}");
        world.start(dead);
        settled_on(&mut world, 1 - dead);
    }
}

/// With two groups the older node takes all or nothing: a part is refused.
#[test]
fn a_part_of_what_runs_is_not_given_to_an_older_node() {
    let mut world = World::new(|c| {
        c.failback = false;
        let mut other = c.groups[0];
        (other.name_hash, other.digest, other.preferred) = (0x5012, 2, hb_core::Side::Odd);
        let _ = c.groups.push(other);
    });
    world.hosts[B].next = true;
    world.start(A);
    world.start(B);
    settled_on(&mut world, B);
    assert!(world.hosts[B].scripts.all(1));
    assert_eq!(command(&mut world, B, Command::Standby(Scope::Local)), Err(Refusal::PeerUnable));
    command(&mut world, B, Command::Standby(ALL)).expect("all of it");
    settled_on(&mut world, A);
    assert!(world.hosts[A].scripts.all(1) && !world.hosts[B].scripts.any(1));
    // The other way each group moves by itself.
    command(&mut world, A, Command::Standby(Scope::Foreign)).expect("the newer one reads all");
    world.run(ms(2000));
    assert!(world.serves(A) && world.hosts[B].scripts.all(1) && !world.hosts[A].scripts.any(1));
}
