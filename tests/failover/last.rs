//! The last epochs, and what strangers may do to them (DESIGN §7 O5); a watchdog that somebody else holds (O1).

use crate::{A, B, command, ms, settled, starts_and_stops, state, times};
use hb_core::config::Isolated;
use hb_core::message::GroupState;
use hb_core::{Command, Event, GroupId, Input, PingId, Refusal, Scope, Wait, Watchdog};
use hb_sim::{Answer, World};

fn at_the_end(seen: u32) -> World {
    let mut world = World::new(|_| {});
    for host in [A, B] {
        world.hosts[host].saved.epochs.push((0x5011, seen)).unwrap();
    }
    world.start(A);
    world.start(B);
    world.until(ms(2000), |w| w.serves(A)).expect("service");
    world.run(ms(1000));
    world
}

#[test]
fn two_holders_at_the_last_epochs_end_in_one_whichever_they_are() {
    for below in 0..8 {
        let mut world = at_the_end(u32::MAX - below);
        for round in 0..3 {
            world.cut_all(true);
            world.run(ms(2000));
            assert!(world.serves(A) && world.serves(B));
            world.cut_all(false);
            world.run(ms(3000));
            assert!(world.serves(A) != world.serves(B), "{below} below the last, round {round}");
        }
        assert!(times(&world, A, |e| *e == Event::EpochsSpent(GroupId(0))) <= 1);
        let spent = world.hosts[A].node.as_ref().unwrap().status(world.now).groups[0].spent;
        assert!(below > 1 || spent, "{below}");
    }
}

#[test]
fn at_the_last_epochs_the_holder_goes_on_and_hands_over_by_hand_alone() {
    let mut world = at_the_end(u32::MAX);
    assert_eq!(times(&world, A, |e| *e == Event::EpochsSpent(GroupId(0))), 1);
    command(&mut world, A, Command::Standby(Scope::All)).expect("accepted");
    world.until(ms(2000), |w| w.serves(B)).expect("handed over");
    world.power_off(B);
    world.until(ms(2000), |w| w.serves(A)).expect("taken over");
    world.power_off(A);
    world.start(B);
    world.until(ms(6000), |w| w.serves(B)).expect("alone");
    world.start(A);
    world.run(ms(10_000));
    assert!(world.serves(B) && !world.hosts[A].scripts.any(0), "no failback: it goes on where it is");
    assert_eq!(world.overlap, ms(0));
}

/// No mark is above the last one: the node that has the right by its side, and failed, leaves it to the one that can.
#[test]
fn at_the_last_epoch_a_failed_start_goes_back_to_the_node_that_can() {
    let mut world = at_the_end(u32::MAX);
    command(&mut world, A, Command::Standby(Scope::All)).expect("accepted");
    world.until(ms(2000), |w| w.serves(B)).expect("handed over");
    world.hosts[A].scripts.start = Answer::Fails;
    world.run(ms(1000));
    command(&mut world, B, Command::Standby(Scope::All)).expect("accepted");
    world.until(ms(3000), |w| state(w, A) == GroupState::Failed).expect("it fails there");
    world.until(ms(3000), |w| w.serves(B)).expect("nobody serves");
    world.run(ms(5000));
    assert!(world.serves(B));
}

/// No mark is above another one: what an operator asks for comes, and stays.
#[test]
fn at_the_last_epoch_a_takeover_ends_in_one_move() {
    for preferred in [hb_core::Side::Even, hb_core::Side::Odd] {
        let mut world = World::new(|c| c.groups[0].preferred = preferred);
        for host in [A, B] {
            world.hosts[host].saved.epochs.push((0x5011, u32::MAX)).unwrap();
        }
        world.start(A);
        world.start(B);
        world.run(ms(3000));
        for _ in 0..4 {
            let to = usize::from(world.serves(A));
            let before = starts_and_stops(&world, A) + starts_and_stops(&world, B);
            command(&mut world, to, Command::Takeover(Scope::All)).expect("accepted");
            world.run(ms(5000));
            assert!(world.serves(to) && !world.hosts[1 - to].scripts.any(0), "{preferred:?}, to {to}");
            let calls = starts_and_stops(&world, A) + starts_and_stops(&world, B) - before;
            assert_eq!(calls, 4, "two resources down and up");
        }
        assert_eq!(world.overlap, ms(0));
    }
}

#[test]
fn a_node_that_cannot_use_the_last_epoch_does_not_write_for_ever() {
    let mut world = World::new(|_| {});
    for host in [A, B] {
        world.hosts[host].saved.epochs.push((0x5011, u32::MAX)).unwrap();
    }
    world.hosts[A].scripts.start = Answer::Fails;
    world.hosts[B].scripts.start = Answer::Fails;
    world.start(A);
    world.start(B);
    world.run(ms(5000));
    let before = world.hosts[A].sent.len();
    world.run(ms(1000));
    assert!(
        world.hosts[A].sent.len() - before < 60,
        "{} frames a second",
        world.hosts[A].sent.len() - before
    );
}

#[test]
fn a_peer_that_cannot_join_leaves_its_group_and_takes_it_back_when_it_can() {
    let mut world = World::new(|_| {});
    world.hosts[A].watchdog = Watchdog::Pending;
    world.start(A);
    world.start(B);
    world.until(ms(3000), |w| w.serves(B)).expect("the peer can");
    world.run(ms(60_000));
    assert!(world.serves(B) && !world.hosts[A].scripts.any(0));
    let of = |w: &World| w.hosts[A].node.as_ref().unwrap().status(w.now).groups[0].wait;
    assert_eq!(of(&world), Some(Wait::WatchdogPending));
    world.input(A, Input::Watchdog(Watchdog::Off));
    world.until(ms(3000), |w| w.serves(A) && !w.serves(B)).expect("failback");
    assert_eq!(world.overlap, ms(0));
}

#[test]
fn two_that_cannot_join_do_not_pass_it_to_and_fro() {
    let mut world = World::new(|_| {});
    world.hosts[A].watchdog = Watchdog::Pending;
    world.hosts[B].watchdog = Watchdog::Pending;
    world.start(A);
    world.start(B);
    world.run(ms(5000));
    let epoch = |w: &World| w.hosts[A].node.as_ref().unwrap().status(w.now).groups[0].epoch;
    let before = epoch(&world);
    world.run(ms(20_000));
    assert_eq!(epoch(&world), before);
    world.input(B, Input::Watchdog(Watchdog::Off));
    world.until(ms(3000), |w| w.serves(B)).expect("the one that can");
    world.power_off(B);
    world.run(ms(3000));
    assert_eq!(state(&world, A), GroupState::Idle, "it does not join beside its watchdog");
}

/// From 2.1 keepalives on: a peer that died is told from an own network that did.
#[test]
fn isolation_is_told_from_a_death_at_any_ratio() {
    for deadtime in [210, 230, 250, 280, 320, 360, 500, 1000] {
        for offset in [0, 13, 37, 61, 88] {
            let make = || {
                let mut world = World::new(|c| {
                    c.pings = 1;
                    c.isolated = Isolated::Wait;
                    c.timing.deadtime = ms(deadtime);
                    c.timing.warntime = ms(deadtime * 2 / 3);
                });
                world.start(A);
                world.run(ms(offset));
                world.start(B);
                world.until(ms(3000), |w| w.serves(A)).expect("service");
                world.run(ms(1000 + offset));
                // Answers to each other's hellos have put both in step: a short stall puts them out of it.
                world.freeze(B);
                world.run(ms(60));
                world.thaw(B);
                world.run(ms(1000 + offset));
                world
            };
            let mut world = make();
            world.power_off(A);
            world.until(ms(deadtime + 200), |w| w.serves(B)).unwrap_or_else(|| {
                panic!("deadtime {deadtime}, {offset}: a death, and its own network lives");
            });
            let mut world = make();
            world.cut_all(true);
            world.hosts[B].reaches = vec![false];
            world.run(ms(3000));
            assert!(!world.hosts[B].scripts.any(0), "deadtime {deadtime}, {offset}: isolated");
        }
    }
}

#[test]
fn a_ping_node_that_is_the_peer_does_not_isolate() {
    for told in [false, true] {
        let mut world = settled(|c| c.pings = 1);
        world.input(B, Input::PingIsPeer { ping: PingId(0), is_peer: told });
        world.power_off(A);
        world.hosts[B].reaches = vec![false];
        world.run(ms(3000));
        assert_eq!(world.serves(B), told, "it died with the peer");
    }
}

#[test]
fn an_operators_word_wins_over_text_and_over_an_address_with_force() {
    let mut world = settled(|_| {});
    world.power_off(A);
    world.inject(B, hb_core::LinkId(1), b">>>\nsrc=ha-1\n");
    world.run(ms(600));
    world.inject(B, hb_core::LinkId(1), b">>>\nsrc=ha-1\n");
    assert_eq!(command(&mut world, B, Command::ConfirmDown), Ok(()));
    world.until(ms(1000), |w| w.serves(B)).expect("text is no life");

    let mut world = settled(|_| {});
    world.kill(B);
    world.cut[B] = [true; 8];
    world.address_answers = true;
    world.start(B);
    world.run(ms(6000));
    assert_eq!(command(&mut world, B, Command::ConfirmDown), Err(Refusal::AddressAnswers));
    assert!(!world.hosts[B].scripts.any(0));
    assert_eq!(command(&mut world, B, Command::ConfirmDownForce), Ok(()));
    world.until(ms(1000), |w| w.serves(B)).expect("the operator knows better");
    let mut world = settled(|_| {});
    assert_eq!(
        command(&mut world, B, Command::ConfirmDownForce),
        Err(Refusal::PeerAlive),
        "never against life"
    );
}

/// Frames of a life that never answers move the memory by a bounded step, all of them together.
#[test]
fn strangers_cannot_bring_the_epochs_to_their_end() {
    let mut far = World::new(|_| {});
    far.hosts[A].saved.epochs.push((0x5011, u32::MAX - 9)).unwrap();
    far.start(A);
    far.run(ms(500));
    let recorded = far.hosts[A].sent.clone();
    let mut world = World::new(|_| {});
    world.start(B);
    for (_, link, bytes) in recorded.iter().cycle().take(200) {
        world.inject(B, *link, bytes);
    }
    world.run(ms(10));
    let seen = world.hosts[B].node.as_ref().unwrap().saved().epochs[0].1;
    assert!((1..=1 << 16).contains(&seen), "{seen}");
}
