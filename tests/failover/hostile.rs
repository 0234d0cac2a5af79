//! Frames that should not be believed.

use crate::{A, B, command, ms, settled, state, watch};
use hb_core::config::{Answered, FenceConfig, FenceFailed};
use hb_core::message::GroupState;
use hb_core::{Command, Duration, Event, GroupId, PeerState, Wait};
use hb_sim::{Answer, Note, World};

/// The machine that was fenced is back, is not heard, and so holds: the start that failed here is not tried again beside it.
#[test]
fn a_later_life_that_holds_behind_a_one_way_link_is_asked_about() {
    let mut world = settled(|c| {
        c.failback = false;
        c.fence = Some(FenceConfig { delay: Duration::ZERO, startup: false, failed: FenceFailed::Wait });
        c.ask.answered = Some(Answered::Claim);
    });
    world.probes_see_the_peer = true;
    world.hosts[B].scripts.start = Answer::Fails;
    world.cut[A] = [true; 8];
    world.until(ms(10_000), |w| w.fenced > 0).expect("silent");
    world.until(ms(5000), |w| state(w, B) == GroupState::Failed).expect("it cannot start it");
    world.cut = [[false; 8], [true; 8]];
    world.start(A);
    world.until(ms(8000), |w| w.serves(A)).expect("it has met nobody");
    world.hosts[B].scripts.start = Answer::Honest;
    world.run(ms(30_000));
    assert!(world.serves(A) && state(&world, B) == GroupState::Failed, "its frames come");
    assert_eq!(world.overlap, Duration::ZERO);
    world.power_off(A);
    world.until(ms(20_000), |w| w.serves(B)).expect("nobody answers any more");
}

/// A short form is no sentence to a life that was not met: while the old one is not dead for its peer, the next one is told who
/// holds all the same, for it waits less than its peer does.
#[test]
fn the_next_life_is_told_of_the_holder_before_the_one_that_went_is_dead() {
    for leaves in [true, false] {
        let mut world = settled(|c| {
            c.failback = false;
            if c.side == hb_core::Side::Odd {
                c.timing.deadtime = ms(3000);
            }
            c.timing.initdead = c.timing.deadtime;
        });
        world.probes_see_the_peer = true;
        command(&mut world, A, Command::Standby(hb_core::Scope::All)).expect("accepted");
        world.run(ms(6000));
        assert!(world.serves(B), "moved");
        if leaves {
            command(&mut world, A, Command::Stop).expect("accepted");
            world.run(ms(300));
        } else {
            world.kill(A);
        }
        world.cut[A] = [true; 8];
        world.start(A);
        world.run(ms(2000));
        assert!(world.serves(B) && state(&world, A) == GroupState::Idle, "leaves {leaves}");
        assert_eq!(world.overlap, Duration::ZERO, "leaves {leaves}");
        world.cut[A] = [false; 8];
        world.run(ms(2000));
        assert!(world.serves(B) && state(&world, A) == GroupState::Idle, "leaves {leaves}");
    }
}

#[test]
fn replayed_frames_never_hide_a_death_from_a_running_survivor() {
    let mut world = settled(|_| {});
    let recorded: Vec<_> = world.hosts[A].sent.clone();
    world.power_off(A);
    let begin = world.now;
    for (n, (_, link, bytes)) in recorded.iter().cycle().take(2000).enumerate() {
        world.inject(B, *link, bytes);
        if n % 2 == 0 {
            world.run(ms(1));
        }
        if world.serves(B) {
            break;
        }
    }
    assert!(world.serves(B));
    assert!(world.now.since(begin) <= ms(560), "{:?}", world.now.since(begin));
}

#[test]
fn replayed_frames_do_not_fool_a_restarted_survivor() {
    let mut world = settled(|_| {});
    world.kill(B);
    world.run(ms(2000));
    // Alone, it sends the long form: what a restarted node can read and check.
    let recorded: Vec<_> = world.hosts[A].sent.clone();
    world.power_off(A);
    world.start(B);
    let begin = world.now;
    for (n, (_, link, bytes)) in recorded.iter().cycle().take(8000).enumerate() {
        world.inject(B, *link, bytes);
        if n % 2 == 0 {
            world.run(ms(1));
        }
        if world.serves(B) {
            break;
        }
    }
    assert!(world.serves(B), "{:?}", world.hosts[B].events);
    assert!(world.now.since(begin) <= ms(3200), "initdead and an ARP probe that nobody answers");
    assert!(world.hosts[B].events.contains(&Event::OneWayOrReplay));
}

#[test]
fn a_holder_that_cannot_hear_keeps_its_addresses_while_they_answer() {
    let mut world = settled(|_| {});
    world.kill(B);
    world.hosts[B].saved.epochs.clear();
    world.cut[B] = [true; 8];
    world.address_answers = true;
    world.start(B);
    let probes = probes(&mut world, ms(6000));
    assert!((3..=5).contains(&probes), "one a second from initdead on: {probes}");
    assert!(!world.hosts[B].scripts.any(0), "somebody answers for the address");
    assert_eq!(
        world.hosts[B].saved.epochs[0].1, 2,
        "what A shows is kept, though A cannot prove that it lives"
    );
    let status = world.hosts[B].node.as_ref().unwrap().status(world.now);
    assert_eq!(status.groups[0].wait, Some(Wait::OneWay));
    world.power_off(A);
    world.address_answers = false;
    world.until(ms(3000), |w| w.serves(B)).expect("the address has gone silent");
}

/// How many addresses are probed for in the next `time`.
fn probes(world: &mut World, time: Duration) -> usize {
    let mut count = 0;
    watch(world, time, |_, note| count += usize::from(matches!(note, Note::Probe { .. })));
    count
}

#[test]
fn old_frames_that_show_no_holder_delay_nothing() {
    let mut world = World::new(|_| {});
    world.start(A);
    world.run(ms(1000));
    let recorded: Vec<_> = world.hosts[A].sent.clone();
    assert!(!world.hosts[A].scripts.any(0) && !recorded.is_empty(), "it still waits for its initdead");
    world.power_off(A);
    world.start(B);
    for (_, link, bytes) in &recorded {
        world.inject(B, *link, bytes);
        assert_eq!(probes(&mut world, ms(1)), 0);
    }
    assert_eq!(probes(&mut world, ms(3100)), 0);
    assert!(world.serves(B), "initdead has passed");
    assert!(world.hosts[B].node.as_ref().unwrap().status(world.now).links.iter().any(|link| link.rx > 0));
}

#[test]
fn another_key_is_another_world() {
    let mut world = World::new(|_| {});
    world.hosts[B].keys = hb_sim::keys(b"wrong");
    world.start(A);
    world.start(B);
    world.run(ms(1000));
    let status = world.hosts[A].node.as_ref().unwrap().status(world.now);
    assert_eq!(status.peer.state, PeerState::Unknown);
    assert!(status.links.iter().all(|link| link.bad > 0 && link.rx == 0));
    let reports = world.hosts[A].events.iter().filter(|e| matches!(e, Event::BadFrames(..))).count();
    assert_eq!(reports, 2, "once per link");
}

/// Another life of the peer shows that it holds the group, while the one that was met falls silent: it began its numbers
/// anew behind a one-way link, or it is a recording. Either way the address is asked before anything is claimed.
#[test]
fn a_holder_of_a_life_that_cannot_answer_forbids_the_claim_at_the_death_of_the_one_before() {
    for answers in [true, false] {
        let mut other = World::new(|_| {});
        other.hosts[A].saved.counter = 7;
        other.start(A);
        other.until(ms(6000), |w| w.serves(A)).expect("alone");
        other.run(ms(3000));
        let frames: Vec<_> = other.hosts[A].sent.iter().rev().take(40).rev().cloned().collect();
        let mut world = settled(|_| {});
        world.address_answers = answers;
        world.power_off(A);
        let peer = |w: &World| w.hosts[B].node.as_ref().unwrap().status(w.now).peer.state;
        // The last of them comes before the death.
        for (_, link, bytes) in &frames {
            world.inject(B, *link, bytes);
            world.run(ms(1));
        }
        assert_ne!(peer(&world), PeerState::Dead);
        world.until(ms(3000), |w| peer(w) == PeerState::Dead).expect("a death");
        world.run(ms(200));
        let status = world.hosts[B].node.as_ref().unwrap().status(world.now);
        if answers {
            assert!(!world.hosts[B].scripts.any(0), "claimed beside a holder whose frames come");
            assert_eq!(status.groups[0].wait, Some(Wait::OneWay));
        } else {
            assert!(world.serves(B), "nobody answers: it is a recording");
        }
    }
}

/// Nobody answers for what is only about to start: once it is held, the address is asked again.
#[test]
fn a_holder_that_only_began_to_start_when_it_was_asked_for_is_asked_for_again() {
    let mut world = World::new(|_| {});
    world.cut[B] = [true; 8];
    world.hosts[A].scripts.time = ms(700);
    world.hosts[B].scripts.start = Answer::Fails;
    world.start(A);
    world.run(ms(200));
    world.start(B);
    world.until(ms(4000), |w| w.hosts[B].events.contains(&Event::OneWayOrReplay)).expect("it asks");
    assert_eq!(state(&world, A), GroupState::Starting);
    world
        .until(ms(4000), |w| state(w, B) == GroupState::Failed)
        .expect("nobody answered, and its start failed");
    world.hosts[B].scripts.start = Answer::Honest;
    world.address_answers = true;
    world.until(ms(4000), |w| state(w, A) == GroupState::Held).expect("the other one serves");
    world.run(ms(200));
    command(&mut world, B, Command::Clear(GroupId(0))).expect("it is failed");
    world.run(ms(3000));
    assert!(!world.hosts[B].scripts.any(0), "claimed beside a holder whose frames come");
    let status = world.hosts[B].node.as_ref().unwrap().status(world.now);
    assert_eq!(status.groups[0].wait, Some(Wait::OneWay));
}
