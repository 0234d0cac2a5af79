//! The stories of DESIGN §7, told to two real nodes on a virtual clock.

use hb_core::config::{FenceConfig, GroupConfig, MonitorConfig};
use hb_core::message::GroupState;
use hb_core::{Command, Duration, Event, Input, LinkId, PeerState, Refusal, Scope, Side, Wait, Watchdog};
use hb_sim::{Answer, World};

const A: usize = 0;
const B: usize = 1;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Two nodes in service, the group on the preferred one.
fn settled(change: impl Fn(&mut hb_core::Config)) -> World {
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

fn state(world: &World, host: usize) -> GroupState {
    world.hosts[host].node.as_ref().expect("a daemon").status(world.now).groups[0].state
}

fn command(world: &mut World, host: usize, command: Command) -> Result<(), Refusal> {
    let now = world.now;
    let answer = world.hosts[host].node.as_mut().expect("a daemon").operator(now, command);
    world.drain(host);
    answer
}

fn starts_and_stops(world: &World, host: usize) -> usize {
    world.hosts[host].scripts.calls.iter().filter(|(_, _, verb)| *verb != hb_core::Verb::Status).count()
}

#[test]
fn both_start_together_and_serve_within_three_keepalives_and_the_scripts() {
    let mut world = World::new(|_| {});
    world.start(A);
    world.start(B);
    let time = world.until(ms(2000), |w| w.serves(A)).expect("service");
    // Two status calls to prove it clean, two status and two start calls: 10 ms each.
    assert!(time <= ms(300 + 60), "{time:?}");
    world.run(ms(3000));
    assert!(world.serves(A) && !world.serves(B));
}

#[test]
fn a_lone_node_waits_for_initdead() {
    let mut world = World::new(|_| {});
    world.start(B);
    let time = world.until(ms(5000), |w| w.serves(B)).expect("service");
    assert!(time >= ms(3000) && time < ms(3100), "{time:?}");
}

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
fn a_move_by_an_operator_stands_and_the_next_one_undoes_it() {
    let mut world = settled(|_| {});
    command(&mut world, A, Command::Standby(Scope::All)).expect("accepted");
    let gap = world.until(ms(2000), |w| w.serves(B)).expect("moved");
    assert!(gap <= ms(100), "{gap:?}");
    world.run(ms(5000));
    assert!(world.serves(B) && !world.serves(A), "failback must not undo an operator");
    command(&mut world, A, Command::Takeover(Scope::Local)).expect("accepted");
    world.until(ms(2000), |w| w.serves(A) && !w.serves(B)).expect("moved back");
    assert_eq!(world.overlap, Duration::ZERO);
    assert_eq!(command(&mut world, A, Command::Standby(Scope::Foreign)), Err(Refusal::NothingToDo));
    assert_eq!(command(&mut world, B, Command::Standby(Scope::All)), Err(Refusal::NothingToDo));
}

#[test]
fn an_ordered_stop_hands_over_at_once() {
    let mut world = settled(|_| {});
    command(&mut world, A, Command::Stop).expect("accepted");
    let time = world.until(ms(2000), |w| w.serves(B)).expect("take-over");
    assert!(time <= ms(120), "{time:?}");
    world.run(ms(500));
    assert_eq!(world.hosts[A].exited, Some(true));
    assert_eq!(world.overlap, Duration::ZERO);
    world.run(ms(2000));
    assert!(world.serves(B));
    command(&mut world, B, Command::Stop).expect("accepted");
    world.run(ms(500));
    assert_eq!(world.hosts[B].exited, Some(true), "alone it waits for nobody");
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
fn after_a_partition_the_highest_epoch_goes_on_without_an_interruption() {
    let mut world = settled(|_| {});
    world.cut_all(true);
    world.run(ms(2000));
    assert!(world.serves(A) && world.serves(B), "nothing but a fence can prevent this");
    let calls = starts_and_stops(&world, B);
    let announced = world.hosts[B].announced;
    world.cut_all(false);
    let healed = world.until(ms(1000), |w| !w.serves(A)).expect("one must go");
    assert!(healed <= ms(100 + 2 * 4 + 40), "{healed:?}");
    assert!(world.hosts[B].announced > announced, "the winner re-announces");
    for _ in 0..400 {
        world.run(ms(1));
        assert!(world.serves(B), "no time without service");
    }
    assert_eq!(starts_and_stops(&world, B), calls, "the winner runs no script until a later reason");
    world.run(ms(3000));
    assert!(world.serves(A) && !world.serves(B), "failback after the quiet time");
}

#[test]
fn a_holder_that_stood_still_gives_way_at_once() {
    let mut world = settled(|c| c.failback = false);
    world.freeze(A);
    world.run(ms(1500));
    assert!(world.serves(B));
    let calls = starts_and_stops(&world, B);
    world.thaw(A);
    let time = world.until(ms(1000), |w| !w.serves(A)).expect("it stops");
    assert!(time <= ms(100 + 20), "{time:?}");
    assert!(world.serves(B));
    assert_eq!(starts_and_stops(&world, B), calls);
    world.run(ms(3000));
    assert!(world.serves(B) && !world.serves(A));
}

#[test]
fn a_short_freeze_moves_nothing() {
    let mut world = settled(|_| {});
    for _ in 0..5 {
        world.freeze(B);
        world.run(ms(2000));
        world.thaw(B);
        world.run(ms(50));
        assert_eq!(state(&world, B), GroupState::Idle, "its own absence is not the peer's silence");
        world.run(ms(1000));
    }
    assert!(world.serves(A) && !world.serves(B));
}

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

#[test]
fn lines_that_differ_move_nowhere_but_are_taken_over_on_death() {
    let mut world = World::new(|_| {});
    world.hosts[B].config.groups[0].digest = 2;
    world.start(A);
    world.start(B);
    world.until(ms(2000), |w| w.serves(A)).expect("started on one");
    world.run(ms(2000));
    assert!(world.hosts.iter().all(|h| h.events.iter().any(|e| matches!(e, Event::GroupDiffers(_)))));
    assert_eq!(command(&mut world, A, Command::Standby(Scope::All)), Err(Refusal::ConfigDiffers));
    world.power_off(A);
    world.until(ms(2000), |w| w.serves(B)).expect("taken over on death");
    world.start(A);
    world.run(ms(4000));
    assert!(world.serves(B) && !world.serves(A), "no failback between lines that differ");
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
    world.cut[B] = [true, true];
    world.address_answers = true;
    world.start(B);
    world.run(ms(6000));
    assert!(!world.hosts[B].scripts.any(0), "somebody answers for the address");
    let status = world.hosts[B].node.as_ref().unwrap().status(world.now);
    assert_eq!(status.groups[0].wait, Some(Wait::OneWay));
    world.power_off(A);
    world.address_answers = false;
    world.until(ms(3000), |w| w.serves(B)).expect("the address has gone silent");
}

#[test]
fn an_isolated_standby_claims_nothing_and_a_ping_node_frees_it() {
    let mut world = settled(|c| c.pings = 1);
    world.cut_all(true);
    world.hosts[B].reaches = vec![false];
    world.run(ms(3000));
    assert!(!world.hosts[B].scripts.any(0));
    assert!(world.hosts[B].events.contains(&Event::Isolated));
    world.hosts[B].reaches = vec![true];
    world.until(ms(500), |w| w.serves(B)).expect("not isolated any more");
}

#[test]
fn a_dead_holder_is_replaced_while_the_ping_node_answers() {
    let mut world = settled(|c| c.pings = 1);
    world.power_off(A);
    let time = world.until(ms(2000), |w| w.serves(B)).expect("take-over");
    assert!(time <= ms(560), "{time:?}");
}

#[test]
fn a_node_that_reaches_more_ping_nodes_takes_the_group() {
    let mut world = settled(|c| c.pings = 2);
    world.hosts[A].reaches = vec![true, false];
    world.until(ms(5000), |w| w.serves(B) && !w.serves(A)).expect("moved");
    world.run(ms(3000));
    assert!(world.serves(B), "no failback with a lower score");
    world.hosts[A].reaches = vec![true, true];
    world.until(ms(5000), |w| w.serves(A) && !w.serves(B)).expect("failback with an equal score");
    assert_eq!(world.overlap, Duration::ZERO);
}

#[test]
fn a_missing_script_passes_the_right_on() {
    let mut world = World::new(|_| {});
    world.hosts[A].config.groups[0].claimable = false;
    world.start(A);
    world.start(B);
    world.until(ms(2000), |w| w.serves(B)).expect("the other can");
    world.input(A, Input::Claimable { group: hb_core::GroupId(0), claimable: true });
    world.until(ms(2000), |w| w.serves(A) && !w.serves(B)).expect("failback once it can");
    assert_eq!(world.overlap, Duration::ZERO);
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

#[test]
fn a_running_linux_ha_heartbeat_is_not_claimed_against() {
    let mut world = World::new(|_| {});
    world.start(A);
    for _ in 0..60 {
        world.inject(
            A,
            LinkId(1),
            b">>>\nt=status\nst=active\nsrc=ha-2\nseq=1\nhg=1\nts=1\nttl=3\nauth=1 1\n<<<\n\0",
        );
        world.run(ms(100));
    }
    assert!(!world.hosts[A].scripts.any(0));
    let status = world.hosts[A].node.as_ref().unwrap().status(world.now);
    assert!(status.peer.foreign);
    assert_eq!(status.groups[0].wait, Some(Wait::PeerForeign));
    world.until(ms(4000), |w| w.serves(A)).expect("it has gone silent");
}

#[test]
fn a_watchdog_of_an_earlier_life_is_waited_for() {
    let mut world = World::new(|_| {});
    world.hosts[A].watchdog = Watchdog::Pending;
    world.start(A);
    world.start(B);
    world.run(ms(2000));
    assert!(!world.hosts[A].scripts.any(0));
    world.input(A, Input::Watchdog(Watchdog::Armed { timeout: ms(1000) }));
    world.until(ms(2000), |w| w.serves(A)).expect("settled");
}

#[test]
fn every_feed_has_its_beat() {
    let mut world = World::new(|_| {});
    world.hosts[A].watchdog = Watchdog::Armed { timeout: ms(1000) };
    world.start(A);
    world.start(B);
    world.run(ms(5000));
    let fed = world.hosts[A].fed;
    assert!((45..80).contains(&fed), "{fed}");
    world.freeze(A);
    world.run(ms(3000));
    assert_eq!(world.hosts[A].fed, fed);
    world.thaw(A);
    assert_eq!(world.hosts[A].fed, fed, "not in a step that came too late");
    world.run(ms(1000));
    assert!(world.hosts[A].fed > fed);
}

#[test]
fn a_steady_beat_fits_its_budget() {
    let mut world = settled(|c| c.pings = 1);
    for _ in 0..12 {
        world.run(ms(10_000));
    }
    let longest = |host: usize| {
        let sent = &world.hosts[host].sent;
        sent.iter().rev().take(100).filter(|(_, link, _)| link.0 == 0).map(|(.., bytes)| bytes.len()).max()
    };
    assert!(longest(A) <= Some(36), "{:?}", longest(A));
    assert!(longest(B) <= Some(36), "{:?}", longest(B));
}

#[test]
fn a_starter_that_hears_a_holder_withdraws_and_the_holder_goes_on() {
    let mut world = settled(|_| {});
    world.hosts[B].scripts.time = ms(400);
    world.cut_all(true);
    world.until(ms(3000), |w| w.hosts[B].scripts.any(0)).expect("it begins to start");
    let calls = starts_and_stops(&world, A);
    world.cut_all(false);
    world.until(ms(3000), |w| !w.hosts[B].scripts.any(0)).expect("it withdraws");
    world.run(ms(3000));
    assert_eq!(starts_and_stops(&world, A), calls, "the holder runs no script");
    assert!(world.serves(A) && !world.serves(B));
    let epoch = |host: usize| world.hosts[host].node.as_ref().unwrap().status(world.now).groups[0].epoch;
    assert!(epoch(A) >= epoch(B), "the holder went above the starter's epoch");
}

#[test]
fn the_monitor_restarts_in_place_once_and_then_hands_over_for_good() {
    let mut world = settled(|c| c.monitor = Some(MonitorConfig { period: ms(200), failures: 2 }));
    world.hosts[A].scripts.running[0][1] = false;
    world.until(ms(2000), |w| w.serves(A)).expect("restarted in place");
    assert!(!world.hosts[B].scripts.any(0));
    world.run(ms(100));
    world.hosts[A].scripts.running[0][1] = false;
    world.until(ms(3000), |w| w.serves(B) && !w.hosts[A].scripts.any(0)).expect("handed over");
    world.run(ms(5000));
    assert!(world.serves(B), "it sticks");
    assert_eq!(state(&world, A), GroupState::Failed);
    assert_eq!(world.overlap, Duration::ZERO);
}

#[test]
fn a_fence_is_waited_for_and_fired_once() {
    let fence = FenceConfig { delay: ms(300), startup: false };
    let mut world = settled(|c| c.fence = Some(fence));
    world.kill(A);
    let time = world.until(ms(3000), |w| w.serves(B)).expect("take-over");
    assert!(time >= ms(500 + 300), "deadtime, the delay of a node that holds nothing, the device: {time:?}");
    assert_eq!(world.fenced, 1);
    assert_eq!(world.overlap, Duration::ZERO, "the fence took the old service away first");
}

#[test]
fn a_fence_that_fails_blocks_the_claim_until_somebody_vouches() {
    let mut world = settled(|c| c.fence = Some(FenceConfig { delay: ms(0), startup: false }));
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
    let mut world = settled(|c| c.fence = Some(FenceConfig { delay: ms(5000), startup: false }));
    world.cut[A] = [true, true];
    world.run(ms(1000));
    world.cut[A] = [false, false];
    world.run(ms(6000));
    assert_eq!(world.fenced, 0);
    assert!(world.serves(A) && !world.serves(B));
}

#[test]
fn groups_live_on_their_own_nodes_and_one_death_moves_one() {
    let mut world = World::new(|c| {
        let second =
            GroupConfig { name_hash: 0x77, digest: 3, preferred: Side::Odd, resources: 1, claimable: true };
        c.groups.push(second).unwrap();
        // The two files may list them in different orders: names pair them.
        if c.side == Side::Odd {
            c.groups.reverse();
        }
    });
    world.start(A);
    world.start(B);
    world.run(ms(2000));
    assert!(world.hosts[A].scripts.all(0) && !world.hosts[A].scripts.any(1));
    assert!(world.hosts[B].scripts.all(0) && !world.hosts[B].scripts.any(1));
    world.power_off(B);
    world.until(ms(2000), |w| w.hosts[A].scripts.all(1)).expect("its group moves");
    assert!(world.hosts[A].scripts.all(0));
    world.start(B);
    world.until(ms(3000), |w| w.hosts[B].scripts.all(0) && !w.hosts[A].scripts.any(1)).expect("and returns");
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
