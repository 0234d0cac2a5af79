//! Which answers for a service address count, and what their silence proves (DESIGN §7 O2c).

use crate::{A, B, command, ms, seen, settled, state, times, wait, watched};
use hb_core::config::Answered;
use hb_core::message::GroupState;
use hb_core::{Asked, Command, Duration, Event, GroupId, Input, PeerState, Wait};
use hb_sim::World;

const HOLDER: [u8; 6] = [2, 0, 0, 0, 0, 0];
const STRANGER: [u8; 6] = [2, 0, 0, 0, 0, 9];

fn told(world: &mut World, host: usize, address: u8, what: Asked) {
    world.input(host, Input::Asked { address, what });
}

#[test]
fn an_answer_from_before_the_silence_holds_nothing_back() {
    let mut world = seen(|_| {});
    world.cut_all(true);
    world.run(ms(5000));
    assert_eq!(wait(&world, B), Some(Wait::Answered));
    world.cut_all(false);
    world.run(ms(1000));
    assert_eq!(world.hosts[B].node.as_ref().expect("a daemon").glance().peer, PeerState::Up);
    world.power_off(A);
    let served = world.until(ms(5000), |w| w.serves(B)).expect("nobody answers any more");
    assert!(served <= ms(540), "as without the cut before: {served:?}");
}

#[test]
fn a_stream_of_answers_that_nobody_asked_for_holds_nothing_back() {
    for pause in [1, 7, 20] {
        let mut world = seen(|_| {});
        world.power_off(A);
        let died = world.now;
        while world.now.since(died) < ms(1000) && !world.serves(B) {
            told(&mut world, B, 0, Asked::Answered { mac: STRANGER });
            world.run(ms(pause));
        }
        assert!(world.serves(B), "an answer each {pause} ms: {:?}", wait(&world, B));
        assert!(world.now.since(died) <= ms(800), "{pause} ms: {:?}", world.now.since(died));
        assert_eq!(times(&world, B, |e| matches!(e, Event::AnswersForged { .. })), 1);
    }
}

#[test]
fn nothing_is_claimed_less_than_a_deadtime_after_the_last_answer() {
    let mut world = seen(|c| {
        c.timing.keepalive = ms(1000);
        c.timing.warntime = ms(5000);
        c.timing.deadtime = ms(10_000);
        c.timing.initdead = ms(20_000);
    });
    world.cut_all(true);
    world.run(ms(30_000));
    assert_eq!(wait(&world, B), Some(Wait::Answered));
    // Its kernel falls silent, and answers once more.
    world.probes_see_the_peer = false;
    world.run(ms(9000));
    assert!(!world.hosts[B].scripts.any(0), "claimed, and the holder was heard less than a deadtime ago");
    world.probes_see_the_peer = true;
    world.run(ms(5000));
    assert_eq!((wait(&world, B), world.overlap), (Some(Wait::Answered), Duration::ZERO));
    world.power_off(A);
    let served = world.until(ms(20_000), |w| w.serves(B)).expect("one deadtime after the last answer");
    assert!((ms(9000)..=ms(11_100)).contains(&served), "{served:?}");
}

#[test]
fn an_operators_word_ends_the_question() {
    for answered in [None, Some(Answered::Wait)] {
        let mut world = seen(|c| c.ask.answered = answered);
        world.cut_all(true);
        world.run(ms(2000));
        assert_eq!(wait(&world, B), Some(Wait::Answered));
        world.power_off(A);
        command(&mut world, B, Command::ConfirmDownForce).expect("the operator knows");
        world.until(ms(100), |w| w.serves(B)).expect("nothing is asked any more");
    }
}

/// Nor where nothing else ever answered, so that silence is all there is.
#[test]
fn a_question_that_could_not_leave_proves_nothing() {
    let mut world = watched(|_| {});
    world.lan.others = false;
    world.start(A);
    world.start(B);
    world.until(ms(2000), |w| w.serves(A)).expect("service");
    world.run(ms(1000));
    world.lan.carrier[B] = false;
    world.cut_all(true);
    world.run(ms(2500));
    assert_eq!((world.hosts[B].scripts.any(0), wait(&world, B)), (false, Some(Wait::CannotAsk)));
}

/// Its start had not been heard when it answered.
#[test]
fn a_holder_is_no_duplicate() {
    let mut world = watched(|_| {});
    for host in [A, B] {
        world.hosts[host].config.groups[0].claimable = false;
        world.start(host);
    }
    world.run(ms(2000));
    assert_eq!((state(&world, A), state(&world, B)), (GroupState::Idle, GroupState::Idle));
    world.cut[A] = [true; 8];
    world.input(A, Input::Claimable { group: GroupId(0), claimable: true });
    world.run(ms(60));
    assert!(world.serves(A));
    told(&mut world, B, 0, Asked::Answered { mac: HOLDER });
    world.run(ms(30));
    world.cut[A] = [false; 8];
    world.run(ms(2000));
    world.input(B, Input::Claimable { group: GroupId(0), claimable: true });
    world.run(ms(1000));
    assert_eq!(times(&world, B, |e| matches!(e, Event::AddressDuplicate { .. })), 0);
    world.cut_all(true);
    world.run(ms(5000));
    assert_eq!((world.overlap, wait(&world, B)), (Duration::ZERO, Some(Wait::Answered)));
}

/// The simulated network tells of the address that has the group's number; of the other one this story does.
fn of_two_addresses(mut tell: impl FnMut(&mut World, u64)) -> World {
    let mut world = seen(|c| c.ask.addresses[0] = 1 << 9 | 1);
    world.power_off(A);
    for n in 0..2000 {
        tell(&mut world, n);
        world.run(ms(1));
    }
    world
}

#[test]
fn silence_counts_for_all_addresses_of_a_group_or_for_none() {
    let world = of_two_addresses(|w, _| told(w, B, 9, Asked::Left));
    assert!(world.serves(B), "both were asked for, and are silent: {:?}", wait(&world, B));
    let world = of_two_addresses(|_, _| {});
    assert!(!world.hosts[B].scripts.any(0), "no question for one of them has left");
    let world = of_two_addresses(|w, n| {
        told(w, B, 9, Asked::Left);
        if n % 130 == 0 {
            told(w, B, 9, Asked::Answered { mac: STRANGER });
        }
    });
    assert!(!world.hosts[B].scripts.any(0), "one of them is answered");
    assert_eq!(wait(&world, B), Some(Wait::Answered));
}

/// The peer announced no watchdog: a machine whose kernel answers while its programs are dead is taken over from.
#[test]
fn without_a_watchdog_that_was_announced_an_answer_is_told_and_claimed_against() {
    let mut world = settled(|_| {});
    world.probes_see_the_peer = true;
    world.freeze(A);
    world.run(ms(3000));
    assert!(world.serves(B));
    assert_eq!(times(&world, B, |e| matches!(e, Event::AddressAnswered { waits: false, .. })), 1);
}

/// One stray packet, of a machine that is gone since, ends no service; nor does a stream, whoever sends it.
#[test]
fn what_serves_is_not_given_up_for_a_stray_answer_or_a_stream() {
    for (pause, answers) in [(1, 1), (10, 200), (1, 250)] {
        let mut world = seen(|_| {});
        world.power_off(A);
        world.until(ms(5000), |w| w.serves(B)).expect("taken over");
        for at in 0..answers {
            let mac = [2, 0, 0, 0, 0, 9 + at % 2];
            told(&mut world, B, 0, Asked::Answered { mac });
            world.run(ms(pause));
        }
        world.run(ms(1000));
        let lost = times(&world, B, |e| matches!(e, Event::AddressTaken { .. }));
        assert!(
            world.serves(B) && lost == 0,
            "{answers} answers, one each {pause} ms: {:?}",
            world.hosts[B].events
        );
    }
}

/// A machine that answers what is asked has the address: within a keepalive and the second question.
#[test]
fn what_serves_is_given_up_for_a_machine_that_answers_again() {
    let mut world = seen(|_| {});
    world.power_off(A);
    world.until(ms(5000), |w| w.serves(B)).expect("taken over");
    world.address_answers = true;
    let gone = world.until(ms(1000), |w| !w.hosts[B].scripts.any(0)).expect("given up");
    assert!(gone <= ms(100 + 100 + 50), "{gone:?}");
    assert_eq!(times(&world, B, |e| matches!(e, Event::AddressTaken { .. })), 1);
}

/// Nothing starts while an answer is looked into; a stray one costs the second question's time.
#[test]
fn no_start_begins_while_an_answer_is_in_doubt() {
    let mut world = seen(|_| {});
    world.hosts[B].disk_time = ms(30);
    world.power_off(A);
    world.until(ms(5000), |w| state(w, B) == GroupState::Starting).expect("claimed");
    told(&mut world, B, 0, Asked::Answered { mac: STRANGER });
    world.run(ms(35));
    assert_eq!((wait(&world, B), world.hosts[B].scripts.any(0)), (Some(Wait::Answered), false));
    world.until(ms(200), |w| w.serves(B)).expect("it did not answer again");
}
