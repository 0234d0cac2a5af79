//! The witness: a claim that rests on silence alone asks the service addresses first (DESIGN §7 O2c).

use crate::{A, B, command, ms, seen, settled, state, times, wait, watched};
use hb_core::config::{Answered, FenceConfig, FenceFailed};
use hb_core::message::GroupState;
use hb_core::{Command, Duration, Event, GroupId, Input, Refusal, Wait};
use hb_sim::{Answer, Lan, Scripts, World};

#[test]
fn a_cut_heartbeat_link_moves_nothing_while_the_address_answers() {
    let mut world = seen(|_| {});
    world.cut_all(true);
    world.run(ms(60_000));
    assert!(world.serves(A) && !world.hosts[B].scripts.any(0), "{:?}", world.hosts[B].events);
    assert_eq!((world.overlap, wait(&world, B)), (Duration::ZERO, Some(Wait::Answered)));
    assert_eq!(times(&world, B, |e| matches!(e, Event::AddressAnswered { waits: true, .. })), 1, "said once");
    world.power_off(A);
    let served = world.until(ms(5000), |w| w.serves(B)).expect("nobody answers any more");
    assert!((ms(370)..=ms(700)).contains(&served), "one deadtime after the last answer: {served:?}");
    assert_eq!(times(&world, B, |e| matches!(e, Event::AddressSilent(_))), 1);
}

#[test]
fn asking_costs_a_takeover_no_time() {
    let mut world = seen(|_| {});
    world.power_off(A);
    let served = world.until(ms(5000), |w| w.serves(B)).expect("a takeover");
    assert!(served <= ms(530), "deadtime and two scripts: {served:?}");
}

/// Nobody answered, and then the asking node stood still: who took the address meanwhile was not asked.
#[test]
fn silence_from_before_an_own_stall_is_no_proof() {
    let mut world = seen(|_| {});
    world.power_off(A);
    world.run(ms(460));
    assert_eq!(state(&world, B), GroupState::Idle, "a moment more, and it claims");
    world.cut_all(true);
    world.freeze(B);
    world.start(A);
    world.until(ms(10_000), |w| w.serves(A)).expect("it has met nobody");
    world.run(ms(2000));
    world.thaw(B);
    world.run(ms(5000));
    assert_eq!(times(&world, B, |e| matches!(e, Event::Group { to: GroupState::Starting, .. })), 0);
    assert_eq!((wait(&world, B), world.overlap), (Some(Wait::Answered), Duration::ZERO));
    world.power_off(A);
    world.until(ms(2000), |w| w.serves(B)).expect("and then it is silent");
}

#[test]
fn a_frozen_holder_is_taken_over_from_under_claim_and_not_under_wait() {
    for (answered, moves) in [(None, true), (Some(Answered::Claim), true), (Some(Answered::Wait), false)] {
        let mut world = settled(|c| c.ask.answered = answered);
        world.probes_see_the_peer = true;
        world.freeze(A);
        world.run(ms(3000));
        assert_eq!(world.serves(B), moves, "{answered:?}: {:?}", world.hosts[B].events);
        assert_eq!(times(&world, B, |e| matches!(e, Event::AddressAnswered { .. })), 1);
    }
}

#[test]
fn nodes_that_never_met_do_not_double() {
    let mut world = watched(|_| {});
    world.hosts[B].keys = hb_sim::keys(b"wrong");
    world.start(A);
    world.run(ms(1000));
    world.start(B);
    world.run(ms(30_000));
    assert!(world.serves(A) && !world.hosts[B].scripts.any(0));
    assert_eq!((world.overlap, wait(&world, B)), (Duration::ZERO, Some(Wait::Answered)));
}

#[test]
fn of_two_cold_starts_behind_cut_links_the_preferred_one_serves() {
    for gap in [0, 1, 2, 3, 5, 8, 15, 30, 49, 51, 90, 120] {
        for first in [A, B] {
            let mut world = watched(|_| {});
            world.cut_all(true);
            world.start(first);
            world.run(ms(gap));
            world.start(1 - first);
            world.run(ms(10_000));
            let serve = [A, B].map(|host| world.serves(host));
            assert!(serve[A] != serve[B], "{gap} ms, {first} first: {serve:?}");
            assert!(serve[A] || gap > 0, "{gap} ms, {first} first: not the preferred one");
            // What withdraws may have begun.
            assert!(world.overlap <= ms(60), "{gap} ms, {first} first: {:?}", world.overlap);
        }
    }
}

#[test]
fn without_a_carrier_a_claim_waits_for_it() {
    let mut world = seen(|_| {});
    world.lan.carrier[B] = false;
    world.cut_all(true);
    world.run(ms(2000));
    assert_eq!(wait(&world, B), Some(Wait::CannotAsk));
    assert_eq!(times(&world, B, |e| matches!(e, Event::AskBlind { .. })), 1);
    world.lan.carrier[B] = true;
    world.run(ms(2000));
    assert_eq!((wait(&world, B), world.overlap), (Some(Wait::Answered), Duration::ZERO));
    // With the holder off, the carrier's return shows it.
    let mut world = seen(|_| {});
    world.lan.carrier[B] = false;
    world.power_off(A);
    world.run(ms(2000));
    assert!(!world.hosts[B].scripts.any(0));
    world.lan.carrier[B] = true;
    world.until(ms(1200), |w| w.serves(B)).expect("asked, and silent");
    // And if it does not return, initdead is long enough.
    let mut world = seen(|_| {});
    world.lan.carrier[B] = false;
    world.power_off(A);
    let served = world.until(ms(20_000), |w| w.serves(B)).expect("bounded");
    assert!((ms(3000)..=ms(4000)).contains(&served), "{served:?}");
    assert_eq!(times(&world, B, |e| matches!(e, Event::AskGivenUp(_))), 1);
}

#[test]
fn a_network_that_is_silent_as_a_whole_proves_nothing() {
    let mut world = seen(|_| {});
    world.cut_all(true);
    world.lan = Lan { cut: [false, true], ..Lan::default() };
    world.run(ms(2500));
    assert!(!world.hosts[B].scripts.any(0), "what answered before does not");
    assert_eq!(wait(&world, B), Some(Wait::CannotAsk));
    assert_eq!(times(&world, B, |e| matches!(e, Event::AskDeaf(_))), 1);
    // Where nothing ever answered, silence is all there is.
    let mut world = watched(|_| {});
    world.lan.others = false;
    world.start(A);
    world.start(B);
    world.until(ms(2000), |w| w.serves(A)).expect("service");
    world.run(ms(1000));
    world.power_off(A);
    let served = world.until(ms(5000), |w| w.serves(B)).expect("a takeover");
    assert!(served <= ms(530), "{served:?}");
}

#[test]
fn a_proxy_that_answers_while_both_are_stopped_is_known_and_reported() {
    let mut world = watched(|_| {});
    world.lan.stranger = true;
    for host in [A, B] {
        world.hosts[host].config.groups[0].claimable = false;
        world.start(host);
    }
    world.run(ms(3000));
    for host in [A, B] {
        let reports = times(&world, host, |e| matches!(e, Event::AddressDuplicate { .. }));
        assert_eq!(reports, 1, "{:?}", world.hosts[host].events);
    }
    for host in [A, B] {
        world.input(host, Input::Claimable { group: GroupId(0), claimable: true });
    }
    world.until(ms(2000), |w| w.serves(A)).expect("service");
    world.power_off(A);
    let served = world.until(ms(5000), |w| w.serves(B)).expect("the proxy's answers do not count");
    assert!(served <= ms(530), "{served:?}");
}

#[test]
fn a_third_machine_that_has_the_address_holds_a_claim_back() {
    let mut world = seen(|_| {});
    world.power_off(A);
    world.address_answers = true;
    world.run(ms(5000));
    assert_eq!((world.hosts[B].scripts.any(0), wait(&world, B)), (false, Some(Wait::Answered)));
    world.address_answers = false;
    world.until(ms(1200), |w| w.serves(B)).expect("it has gone silent");
}

#[test]
fn what_is_put_back_in_place_is_asked_for_first() {
    // The peer is heard to be stopped: nothing to ask.
    let mut world = seen(|_| {});
    world.hosts[A].scripts.running[0][0] = false;
    world.input(A, Input::Look { group: GroupId(0), resource: 0 });
    world.until(ms(100), |w| w.serves(A)).expect("put back at once");
    // Another machine took it behind a cut link.
    let mut world = seen(|_| {});
    world.cut_all(true);
    world.run(ms(1000));
    world.hosts[A].scripts.running[0][0] = false;
    world.address_answers = true;
    world.input(A, Input::Look { group: GroupId(0), resource: 0 });
    world.run(ms(300));
    assert_eq!((state(&world, A), world.hosts[A].scripts.any(0)), (GroupState::Idle, false));
    assert_eq!(times(&world, A, |e| matches!(e, Event::AddressTaken { .. })), 1);
    // Nobody has it.
    let mut world = seen(|_| {});
    world.power_off(B);
    world.run(ms(1000));
    world.hosts[A].scripts.running[0][0] = false;
    world.input(A, Input::Look { group: GroupId(0), resource: 0 });
    world.run(ms(40));
    assert!(!world.hosts[A].scripts.running[0][0], "asked first");
    world.until(ms(300), |w| w.serves(A)).expect("put back");
}

/// Both served behind a cut. B has won, a resource of it is gone, and it looks; A stops, with these scripts.
fn won_and_looked(stops: impl FnOnce(&mut Scripts)) -> World {
    let mut world = seen(|_| {});
    world.hosts[B].config.ask.answered = Some(Answered::Claim);
    world.power_off(B);
    world.start(B);
    world.run(ms(1000));
    world.cut_all(true);
    world.until(ms(5000), |w| w.serves(B)).expect("claimed against an answer");
    stops(&mut world.hosts[A].scripts);
    world.cut_all(false);
    world.until(ms(1000), |w| state(w, A) == GroupState::Stopping).expect("the lower epoch");
    world.hosts[B].scripts.running[0][0] = false;
    world.input(B, Input::Look { group: GroupId(0), resource: 0 });
    world
}

/// The loser of a conflict answers until it has stopped: no reason for the winner to give up what a resource is missing of.
#[test]
fn a_peer_that_gives_way_is_waited_for_before_something_is_put_back() {
    let mut world = won_and_looked(|scripts| scripts.time = ms(400));
    world.until(ms(5000), |w| w.serves(B) && !w.hosts[A].scripts.any(0)).expect("put back");
    assert_eq!(
        times(&world, B, |e| matches!(e, Event::AddressTaken { .. })),
        0,
        "{:?}",
        world.hosts[B].events
    );
}

/// It may never have stopped: then its answers are those of a machine that has the address.
#[test]
fn a_peer_that_cannot_give_way_is_not_waited_for_without_end() {
    let mut world = won_and_looked(|scripts| scripts.stop = Answer::Hangs);
    world.until(ms(30_000), |w| state(w, A) == GroupState::Stuck).expect("it hangs");
    world.until(ms(3000), |w| state(w, B) != GroupState::Starting).expect("an end");
}

#[test]
fn an_operator_and_a_fence_go_first() {
    let mut world = seen(|_| {});
    world.cut_all(true);
    world.run(ms(1000));
    assert_eq!(wait(&world, B), Some(Wait::Answered));
    assert_eq!(command(&mut world, B, Command::ConfirmDown), Err(Refusal::AddressAnswers));
    world.power_off(A);
    command(&mut world, B, Command::ConfirmDownForce).expect("the operator knows");
    world.until(ms(100), |w| w.serves(B)).expect("nothing is asked any more");
    let mut world = settled(|c| {
        c.fence = Some(FenceConfig { delay: ms(100), startup: false, failed: FenceFailed::Wait })
    });
    world.probes_see_the_peer = true;
    world.fence_works = true;
    world.freeze(A);
    let served = world.until(ms(5000), |w| w.serves(B)).expect("fenced");
    assert!(served <= ms(800), "{served:?}");
    assert_eq!(world.overlap, Duration::ZERO);
}

/// A fence that failed and is not waited for leaves the question: it holds a claim back as it does without a fence.
#[test]
fn a_forgone_fence_leaves_the_question() {
    let fence = FenceConfig { delay: ms(100), startup: false, failed: FenceFailed::Claim };
    let forgone = |w: &World| w.hosts[B].events.iter().filter(|event| **event == Event::FenceForgone).count();
    let fails = |alive: bool| {
        let mut world = settled(|c| c.fence = Some(fence));
        (world.probes_see_the_peer, world.fence_works) = (true, false);
        if alive {
            world.cut_all(true)
        } else {
            world.power_off(A)
        }
        world.until(ms(1000), |w| w.fenced >= 1).expect("silent");
        assert!(!world.hosts[B].scripts.any(0), "it waits for the device");
        world
    };
    let mut world = fails(true);
    world.run(ms(8000));
    assert!(world.serves(A) && !world.hosts[B].scripts.any(0), "{:?}", world.hosts[B].events);
    assert_eq!((forgone(&world), wait(&world, B)), (1, Some(Wait::Answered)), "tried once");
    // Healed and cut again: another death, another try.
    world.cut_all(false);
    world.run(ms(1000));
    assert!(world.serves(A) && !world.hosts[B].scripts.any(0));
    world.cut_all(true);
    world.until(ms(2000), |w| forgone(w) == 2).expect("armed anew");
    let mut world = fails(false);
    let time = world.until(ms(3000), |w| w.serves(B)).expect("nobody answers");
    assert!(time <= ms(1200), "a deadtime of silence: {time:?}");
    assert_eq!((forgone(&world), world.overlap), (1, Duration::ZERO));
}

#[test]
fn one_answer_delays_a_claim_by_one_deadtime() {
    for after in [301, 320, 351, 399, 405, 449, 460, 499] {
        let mut world = seen(|_| {});
        world.kill(A);
        world.run(ms(after));
        world.power_off(A);
        let served = world.until(ms(3000), |w| w.serves(B)).expect("nobody answers any more");
        assert!(served <= ms(540), "{after}: {served:?}");
    }
}
