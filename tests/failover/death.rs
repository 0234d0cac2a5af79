//! A node dies, or seems to.

use crate::{A, B, command, ms, settled, starts_and_stops, state, times};
use hb_core::config::{FenceConfig, FenceFailed};
use hb_core::message::GroupState;
use hb_core::{Action, Command, Duration, Event, Input, LinkId, PeerState, Scope, Wait};
use hb_sim::World;

#[test]
fn the_standby_takes_over_within_deadtime_and_the_preferred_node_takes_it_back() {
    let mut world = settled(|_| {});
    world.power_off(A);
    let time = world.until(ms(2000), |w| w.serves(B)).expect("take-over");
    assert!(time <= ms(500 + 2 + 41), "{time:?}");
    world.run(ms(1000));
    world.start(A);
    assert!(world.until(ms(2000), |w| w.serves(A) && !w.serves(B)).is_some(), "{:?}", world.hosts[A].events);
    world.run(ms(2000));
    assert!(world.serves(A) && !world.serves(B));
    assert_eq!(world.overlap, Duration::ZERO);
}

#[test]
fn a_holder_names_the_death_of_its_standby() {
    let mut world = settled(|_| {});
    let calls = starts_and_stops(&world, A);
    world.power_off(B);
    world.run(ms(3000));
    assert_eq!(times(&world, A, |e| matches!(e, Event::PeerDead(_))), 1);
    assert!(world.serves(A));
    assert_eq!(starts_and_stops(&world, A), calls);
}

#[test]
fn without_failback_the_group_stays() {
    let mut world = settled(|c| c.failback = false);
    world.power_off(A);
    world.until(ms(2000), |w| w.serves(B)).expect("take-over");
    world.start(A);
    world.run(ms(5000));
    assert!(world.serves(B) && !world.serves(A));
}

#[test]
fn a_daemon_killed_alone_and_restarted_within_deadtime_cleans_up_before_it_joins() {
    let mut world = settled(|_| {});
    world.kill(A);
    world.run(ms(200));
    world.start(A);
    assert_eq!(state(&world, A), GroupState::Unknown);
    world.run(ms(3000));
    assert!(world.serves(A) && !world.serves(B));
    assert_eq!(world.overlap, Duration::ZERO, "the peer started while the old service ran");
}

#[test]
fn one_link_of_two_moves_nothing() {
    let mut world = settled(|_| {});
    let calls = (starts_and_stops(&world, A), starts_and_stops(&world, B));
    for link in 0..2 {
        world.cut[A][link] = true;
        world.cut[B][link] = true;
        world.run(ms(5000));
        assert!(world.hosts[B].events.contains(&Event::LinkDown(LinkId(u8::try_from(link).unwrap()))));
        world.cut[A][link] = false;
        world.cut[B][link] = false;
        world.run(ms(2000));
    }
    assert_eq!((starts_and_stops(&world, A), starts_and_stops(&world, B)), calls);
}

#[test]
fn the_larger_deadtime_counts_while_the_times_differ() {
    let mut world = World::new(|_| {});
    world.hosts[A].config.timing.deadtime = ms(1500);
    world.hosts[A].config.timing_digest = 8;
    world.start(A);
    world.start(B);
    world.until(ms(2000), |w| w.serves(A)).expect("service");
    world.run(ms(500));
    let said = [A, B].map(|host| times(&world, host, |e| matches!(e, Event::TimingDiffers { .. })));
    assert_eq!(said, [1, 1], "each says so once");
    world.power_off(A);
    let time = world.until(ms(4000), |w| w.serves(B)).expect("take-over");
    assert!(time >= ms(1400), "{time:?}");
}

#[test]
fn a_lost_state_file_costs_a_round_trip() {
    let mut world = settled(|_| {});
    world.power_off(A);
    world.until(ms(2000), |w| w.serves(B)).expect("take-over");
    world.hosts[A].saved = hb_core::Saved::default();
    world.start(A);
    let met = world
        .until(ms(1000), |w| w.hosts[A].node.as_ref().unwrap().status(w.now).peer.state == PeerState::Up);
    assert!(met.expect("met") <= ms(20), "{met:?}");
    world.until(ms(2000), |w| w.serves(A)).expect("failback");
    let epochs: Vec<u32> = world.hosts[A].saved.epochs.iter().map(|(_, epoch)| *epoch).collect();
    assert!(epochs[0] > 3, "the peer's epochs count as seen: {epochs:?}");
}

/// B, which hears nobody, loses its ping node too.
fn isolate_standby(world: &mut World) {
    world.hosts[B].reaches = vec![false];
    world.run(ms(3000));
    assert!(!world.hosts[B].scripts.any(0));
    assert!(world.hosts[B].events.contains(&Event::Isolated));
}

#[test]
fn an_isolated_standby_claims_nothing_and_a_ping_node_frees_it() {
    let mut world = settled(|c| c.pings = 1);
    world.cut_all(true);
    isolate_standby(&mut world);
    world.hosts[B].reaches = vec![true];
    world.until(ms(500), |w| w.serves(B)).expect("not isolated any more");
}

#[test]
fn an_isolated_standby_claims_when_an_operator_says_so() {
    let mut world = settled(|c| c.pings = 1);
    world.power_off(A);
    isolate_standby(&mut world);
    assert_eq!(command(&mut world, B, Command::Takeover(Scope::All)), Ok(()));
    world.until(ms(500), |w| w.serves(B)).expect("it was told so");
}

#[test]
fn an_isolated_standby_that_is_joined_again_hears_its_peer_before_it_claims() {
    let mut world = settled(|c| c.pings = 1);
    world.cut_all(true);
    world.hosts[B].reaches = vec![false];
    world.run(ms(3000));
    // The switch is back: the ping node answers at once, the peer's next beat comes up to a keepalive later.
    world.hosts[B].reaches = vec![true];
    let freed = world.until(ms(500), |w| w.hosts[B].events.contains(&Event::PingUp(hb_core::PingId(0))));
    assert!(freed.is_some());
    world.run(ms(90));
    world.cut_all(false);
    world.run(ms(3000));
    assert!(world.serves(A) && !world.hosts[B].scripts.any(0), "{:?}", world.hosts[B].events);
    assert_eq!(world.overlap, Duration::ZERO);
}

#[test]
fn a_dead_holder_is_replaced_while_the_ping_node_answers() {
    let mut world = settled(|c| c.pings = 1);
    world.power_off(A);
    let time = world.until(ms(2000), |w| w.serves(B)).expect("take-over");
    assert!(time <= ms(560), "{time:?}");
}

#[test]
fn a_fence_is_waited_for_and_fired_once() {
    let fence = FenceConfig { delay: ms(300), startup: false, failed: FenceFailed::Wait };
    let mut world = settled(|c| c.fence = Some(fence));
    world.kill(A);
    let time = world.until(ms(3000), |w| w.serves(B)).expect("take-over");
    assert!(time >= ms(500 + 300), "deadtime, the delay of a node that holds nothing, the device: {time:?}");
    assert_eq!(world.fenced, 1);
    assert_eq!(world.overlap, Duration::ZERO, "the fence took the old service away first");
}

/// B hears nobody, and its ping node is as silent: most likely the cut cable is its own, and the peer serves.
#[test]
fn an_isolated_standby_fires_no_fence_before_it_is_joined_again() {
    let fence = FenceConfig { delay: ms(300), startup: false, failed: FenceFailed::Wait };
    let mut world = settled(|c| (c.pings, c.fence) = (1, Some(fence)));
    world.power_off(A);
    isolate_standby(&mut world);
    world.run(ms(5000));
    assert_eq!(times(&world, B, |e| *e == Event::Fencing), 0, "{:?}", world.hosts[B].events);
    world.hosts[B].reaches = vec![true];
    world.until(ms(1000), |w| w.serves(B)).expect("fenced, and taken over");
    assert_eq!(times(&world, B, |e| *e == Event::Fencing), 1);
}

#[test]
fn a_holder_that_reaches_nobody_lets_the_other_fire_first() {
    let fence = FenceConfig { delay: ms(300), startup: false, failed: FenceFailed::Wait };
    let mut world = settled(|c| (c.pings, c.fence) = (1, Some(fence)));
    world.cut_all(true);
    world.hosts[A].reaches = vec![false];
    world.until(ms(2000), |w| w.serves(B)).expect("the node with the whole network");
    assert_eq!(times(&world, A, |e| *e == Event::Fencing), 0);
    assert_eq!(world.overlap, Duration::ZERO);
    // Alone for good: it fires after all, with twice the pause.
    let mut world = settled(|c| (c.pings, c.fence) = (1, Some(fence)));
    world.power_off(B);
    world.hosts[A].reaches = vec![false];
    let time = world.until(ms(3000), |w| w.fenced == 1).expect("a fence");
    assert!(time >= ms(500 + 600 - 100) && world.serves(A), "{time:?}");
}

#[test]
fn who_can_run_nothing_fences_nobody() {
    let fence = FenceConfig { delay: ms(0), startup: false, failed: FenceFailed::Wait };
    let mut world = settled(|c| c.fence = Some(fence));
    world.hosts[B].config.groups[0].claimable = false;
    world.power_off(B);
    world.start(B);
    world.run(ms(2000));
    assert!(world.serves(A));
    world.cut[A] = [true; 8];
    world.run(ms(5000));
    assert_eq!(times(&world, B, |e| matches!(e, Event::PeerDead(_))), 1);
    assert_eq!(times(&world, B, |e| *e == Event::Fencing), 0, "{:?}", world.hosts[B].events);
    assert!(world.serves(A));
}

/// The survivor has claimed the group and waits for its fence; then the peer's daemon is back, its old service still up.
#[test]
fn a_peer_that_returns_while_the_fence_is_awaited_is_proven_stopped_first() {
    let mut world = settled(|c| {
        c.fence = Some(FenceConfig { delay: ms(300), startup: false, failed: FenceFailed::Wait })
    });
    world.kill(A);
    world.run(ms(600));
    assert_eq!(state(&world, B), GroupState::Starting);
    world.hosts[A].scripts.time = ms(200);
    world.start(A);
    world.run(ms(250));
    assert_eq!(state(&world, A), GroupState::Unknown);
    assert_eq!(world.hosts[B].node.as_ref().unwrap().status(world.now).groups[0].wait, Some(Wait::PeerRuns));
    world.until(ms(3000), |w| w.serves(B)).expect("once the old service is proven stopped");
    assert_eq!(world.overlap, Duration::ZERO);
    assert_eq!(world.fenced, 0);
}

#[test]
fn a_fence_that_fails_blocks_the_claim_until_somebody_vouches() {
    let mut world =
        settled(|c| c.fence = Some(FenceConfig { delay: ms(0), startup: false, failed: FenceFailed::Wait }));
    world.fence_works = false;
    world.kill(A);
    world.run(ms(12_000));
    assert!(world.fenced >= 2, "it is tried again");
    assert!(!world.hosts[B].scripts.any(0));
    assert_eq!(world.hosts[B].node.as_ref().unwrap().status(world.now).groups[0].wait, Some(Wait::Fence));
    world.power_off(A);
    command(&mut world, B, Command::ConfirmDown).expect("accepted");
    world.until(ms(1000), |w| w.serves(B)).expect("vouched");
}

#[test]
fn a_fence_not_yet_fired_is_dropped_when_the_peer_is_heard() {
    let mut world = settled(|c| {
        c.fence = Some(FenceConfig { delay: ms(5000), startup: false, failed: FenceFailed::Wait })
    });
    world.cut[A] = [true; 8];
    world.run(ms(1000));
    world.cut[A] = [false; 8];
    world.run(ms(6000));
    assert_eq!(world.fenced, 0);
    assert!(world.serves(A) && !world.serves(B));
}

#[test]
fn loss_that_lets_one_frame_through_per_window_moves_nothing() {
    let mut world = settled(|_| {});
    let calls = (starts_and_stops(&world, A), starts_and_stops(&world, B));
    for _ in 0..40 {
        world.cut_all(true);
        world.run(ms(390));
        world.cut_all(false);
        world.run(ms(105));
    }
    assert_eq!((starts_and_stops(&world, A), starts_and_stops(&world, B)), calls);
}

#[test]
fn time_in_which_nobody_could_listen_is_no_silence_and_beats_go_on() {
    let world = settled(|c| c.pings = 1);
    let (mut node, mut now) = (world.hosts[B].node.clone().expect("a daemon"), world.now);
    let mut frame = [0; hb_core::FRAME_BUF];
    let mut round = |unread: bool| {
        now = now.plus(ms(50));
        let mut beats = 0;
        for input in [Input::Unread, Input::Tick { drained: true }].into_iter().skip(usize::from(!unread)) {
            node.handle_input(now, input);
            while let Some(action) = node.poll_action(&mut frame) {
                beats += usize::from(matches!(action, Action::Transmit { .. }));
            }
        }
        (node.status(now), beats)
    };
    let mut beats = 0;
    for _ in 0..200 {
        let (status, sent) = round(true);
        beats += sent;
        assert_eq!(status.peer.state, hb_core::PeerState::Up, "ten seconds of its own are not the peer's");
        assert!(status.pings.iter().all(|alive| *alive) && status.links.iter().all(|link| link.heard));
    }
    assert!(beats >= 150, "{beats} frames in ten seconds");
    // From the moment at which it listens again, silence is silence: one deadtime, as always.
    let rounds = (1..).find(|_| round(false).0.peer.state == hb_core::PeerState::Dead).expect("it is dead");
    let deadtime = world.hosts[B].config.timing.deadtime.as_millis() / 50;
    assert!((deadtime - 4..=deadtime + 1).contains(&rounds), "{rounds} rounds of 50 ms");
}
