//! Groups that move for a reason.

use crate::{A, B, command, ms, settled, state, times, watch};
use hb_core::config::{ConfigError, GroupConfig, Isolated, MonitorConfig, Tuning};
use hb_core::message::GroupState;
use hb_core::{Command, Duration, Event, GroupId, Input, Refusal, Scope};
use hb_sim::{Note, World};

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

/// One group by its name: the others stay where they are.
#[test]
fn one_group_moves_alone() {
    let mut world = settled(|c| {
        let second = GroupConfig { name_hash: 99, digest: 99, ..c.groups[0] };
        c.groups.push(second).expect("room");
    });
    let held = |w: &World, host: usize| [0, 1].map(|at| w.hosts[host].scripts.all(at));
    assert_eq!(held(&world, A), [true, true]);
    let second = Scope::One(GroupId(1));
    assert_eq!(command(&mut world, B, Command::Standby(second)), Err(Refusal::NothingToDo));
    assert_eq!(command(&mut world, A, Command::Standby(Scope::One(GroupId(7)))), Err(Refusal::NothingToDo));
    command(&mut world, A, Command::Standby(second)).expect("accepted");
    world.run(ms(3000));
    assert_eq!((held(&world, A), held(&world, B)), ([true, false], [false, true]));
    command(&mut world, B, Command::Takeover(Scope::One(GroupId(0)))).expect("accepted");
    world.run(ms(3000));
    assert_eq!((held(&world, A), held(&world, B)), ([false, false], [true, true]));
    assert_eq!(world.overlap, Duration::ZERO);
}

#[test]
fn an_ordered_stop_hands_over_at_once() {
    let mut world = settled(|_| {});
    command(&mut world, A, Command::Stop).expect("accepted");
    let time = world.until(ms(2000), |w| w.serves(B)).expect("take-over");
    assert!(time <= ms(120), "{time:?}");
    world.run(ms(500));
    assert_eq!(world.hosts[A].exited, Some(true));
    assert_eq!(times(&world, B, |e| *e == Event::PeerLeaving), 1);
    assert_eq!(world.overlap, Duration::ZERO);
    world.run(ms(2000));
    assert!(world.serves(B));
    let dead = |e: &Event| matches!(e, Event::PeerDead(_) | Event::PeerLate(_));
    assert_eq!(times(&world, B, dead), 0, "it said goodbye: its silence is no news");
    command(&mut world, B, Command::Stop).expect("accepted");
    world.run(ms(500));
    assert_eq!(world.hosts[B].exited, Some(true), "alone it waits for nobody");
}

#[test]
fn a_settled_pair_writes_says_and_calls_nothing() {
    let mut world = settled(|c| c.pings = 2);
    world.notes.clear();
    let links = |w: &World| [A, B].map(|h| w.hosts[h].node.as_ref().unwrap().status(w.now).links);
    let (before, mut beats) = (links(&world), 0);
    watch(&mut world, ms(20_000), |_, note| match note {
        Note::Sent { .. } => beats += 1,
        Note::Heard { .. } | Note::Fed { .. } => {}
        other => panic!("{other:?}"),
    });
    assert_eq!(beats, 2 * 2 * 200, "two nodes, two links, a beat per keepalive");
    // The line brings each beat after the network has: a copy, and as good.
    for (was, is) in before.iter().flatten().zip(links(&world).iter().flatten()) {
        assert!(is.heard && is.hears, "{is:?}");
        assert!((199..=201).contains(&(is.rx - was.rx)), "{was:?} {is:?}");
        assert_eq!((is.lost, is.bad), (was.lost, was.bad));
    }
}

#[test]
fn what_the_peer_cannot_take_stays_and_the_operator_reads_why() {
    let mut world = settled(|_| {});
    let standby = Command::Standby(Scope::All);
    world.input(B, Input::Claimable { group: GroupId(0), claimable: false });
    world.run(ms(200));
    assert_eq!(command(&mut world, A, standby), Err(Refusal::PeerUnable));
    assert_eq!(command(&mut world, B, Command::Takeover(Scope::All)), Err(Refusal::SelfUnable));
    world.input(B, Input::Claimable { group: GroupId(0), claimable: true });
    world.run(ms(200));
    world.cut[B] = [true; 8];
    world.run(ms(350));
    assert!(world.hosts[A].node.as_ref().unwrap().glance().both_ways, "not silent for its deadtime yet");
    world.run(ms(300));
    assert_eq!(command(&mut world, A, standby), Err(Refusal::PeerNotUp));
    // It hears the holder well, which does not hear it.
    assert_eq!(command(&mut world, B, Command::Takeover(Scope::All)), Err(Refusal::PeerNotUp));
    world.run(ms(3000));
    assert!(world.serves(A) && !world.serves(B));
}

#[test]
fn nothing_is_given_to_a_peer_that_is_late() {
    let standby = Command::Standby(Scope::All);
    let mut world = settled(|_| {});
    world.power_off(B);
    world.run(ms(400));
    assert_eq!(command(&mut world, A, standby), Err(Refusal::PeerNotUp), "late, and not dead yet");
    // Dead by now; but the command comes before anything is judged.
    let mut world = settled(|_| {});
    world.power_off(B);
    world.run(ms(400));
    world.freeze(A);
    world.run(ms(120));
    world.thaw_with(A, standby);
    world.run(ms(500));
    assert!(world.serves(A), "{:?}", world.hosts[A].events);
    assert_eq!(times(&world, A, |e| matches!(e, Event::Group { from: GroupState::Held, .. })), 0);
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
fn a_node_that_reaches_more_ping_nodes_takes_the_group() {
    let mut world = settled(|c| c.pings = 2);
    world.hosts[A].reaches = vec![true, false];
    let moved = world.until(ms(5000), |w| w.serves(B) && !w.serves(A)).expect("moved");
    assert!(moved >= ms(600), "`deadping` and two keepalives, seen by both: {moved:?}");
    world.run(ms(3000));
    assert!(world.serves(B), "no failback with a lower score");
    world.hosts[A].reaches = vec![true, true];
    world.until(ms(5000), |w| w.serves(A) && !w.serves(B)).expect("failback with an equal score");
    assert_eq!(world.overlap, Duration::ZERO);
}

#[test]
fn the_monitor_restarts_in_place_once_and_then_hands_over_for_good() {
    let mut world = settled(|c| c.monitor = Some(MonitorConfig { period: ms(200), failures: 2 }));
    world.hosts[A].scripts.running[0][1] = false;
    world.until(ms(2000), |w| w.serves(A)).expect("restarted in place");
    let failed: Vec<_> = world.hosts[A]
        .events
        .iter()
        .filter_map(|event| match event {
            Event::MonitorFailed { resource, count, .. } => Some((*resource, *count)),
            _ => None,
        })
        .collect();
    assert_eq!(failed, [(1, 1), (1, 2)], "the resource that is not there, twice");
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
fn what_the_monitor_finds_dead_stays_where_nobody_else_can_take_it() {
    let mut world = settled(|c| c.monitor = Some(MonitorConfig { period: ms(200), failures: 1 }));
    world.input(B, Input::Claimable { group: GroupId(0), claimable: false });
    world.run(ms(200));
    for _ in 0..4 {
        world.hosts[A].scripts.running[0][1] = false;
        world.until(ms(1000), |w| w.serves(A)).expect("restarted in place, again");
        assert!(!world.hosts[B].scripts.any(0));
    }
}

#[test]
fn a_release_under_a_running_monitor_call_waits_without_spinning() {
    let mut world = settled(|c| c.monitor = Some(MonitorConfig { period: ms(200), failures: 2 }));
    world.hosts[A].scripts.status = hb_sim::Answer::Hangs;
    world.run(ms(300));
    command(&mut world, A, Command::Standby(Scope::All)).expect("accepted");
    world.run(ms(1));
    let node = world.hosts[A].node.as_ref().unwrap();
    assert!(node.poll_deadline() > world.now, "the killed call is waited for, not polled");
    world.hosts[A].scripts.status = hb_sim::Answer::Honest;
    world.until(ms(2000), |w| w.serves(B) && !w.serves(A)).expect("moved");
    assert_eq!(world.overlap, Duration::ZERO);
}

#[test]
fn what_concerns_one_node_alone_changes_while_it_runs() {
    let mut world = settled(|_| {});
    let (period, kept) = (ms(200), world.hosts[A].node.as_ref().unwrap().tuning());
    let watched = Tuning { monitor: Some(MonitorConfig { period, failures: 2 }), failback: false, ..kept };
    // A value that breaks a relation changes nothing.
    let broken = Tuning { warntime: ms(1_000_000), ..watched };
    assert_eq!(retune(&mut world, A, &broken), Err(ConfigError::Warntime));
    assert_eq!(world.hosts[A].node.as_ref().unwrap().tuning(), kept);
    // A held group is watched from now on.
    retune(&mut world, A, &watched).expect("taken over");
    world.hosts[A].scripts.running[0][1] = false;
    world.until(ms(2000), |w| w.serves(A)).expect("restarted in place");
    // Switched off under a call that hangs: the call is ended, and judged by nothing.
    world.hosts[A].scripts.status = hb_sim::Answer::Hangs;
    world.run(ms(300));
    retune(&mut world, A, &Tuning { monitor: None, ..watched }).expect("taken over");
    world.hosts[A].scripts.status = hb_sim::Answer::Honest;
    world.hosts[A].scripts.running[0][1] = false;
    world.run(ms(5000));
    assert!(state(&world, A) == GroupState::Held && !world.serves(A), "nobody looks");
    // The group still moves, and comes back by no failback.
    command(&mut world, A, Command::Standby(Scope::All)).expect("accepted");
    world.until(ms(2000), |w| w.serves(B)).expect("moved");
    world.power_off(A);
    world.run(ms(3000));
    assert_eq!(world.overlap, Duration::ZERO);
}

#[test]
fn isolated_claim_frees_a_node_that_waits() {
    let mut world = settled(|c| c.pings = 1);
    world.power_off(A);
    world.hosts[B].reaches = vec![false];
    world.run(ms(3000));
    assert!(world.hosts[B].events.contains(&hb_core::Event::Isolated) && !world.hosts[B].scripts.any(0));
    let kept = world.hosts[B].node.as_ref().unwrap().tuning();
    retune(&mut world, B, &Tuning { isolated: Isolated::Claim, ..kept }).expect("taken over");
    world.until(ms(500), |w| w.serves(B)).expect("claimed");
}

#[test]
fn failback_is_switched_off_while_the_preferred_node_is_away() {
    let mut world = settled(|_| {});
    world.power_off(A);
    world.until(ms(3000), |w| w.serves(B)).expect("taken over");
    world.start(A);
    let kept = world.hosts[A].node.as_ref().unwrap().tuning();
    retune(&mut world, A, &Tuning { failback: false, ..kept }).expect("taken over");
    world.run(ms(8000));
    assert!(world.serves(B) && !world.serves(A));
    retune(&mut world, A, &kept).expect("taken over");
    world.until(ms(8000), |w| w.serves(A) && !w.serves(B)).expect("failback");
    assert_eq!(world.overlap, Duration::ZERO);
}

fn retune(world: &mut World, host: usize, tuning: &Tuning) -> Result<(), ConfigError> {
    let now = world.now;
    let answer = world.hosts[host].node.as_mut().expect("a daemon").retune(now, tuning);
    world.drain(host);
    answer
}

/// Whatever comes first after a stall finds it, a command and a reload too.
#[test]
fn a_command_that_comes_first_after_a_stall_does_not_hide_it() {
    for first in 0..5 {
        let mut world = World::new(|c| c.failback = false);
        world.hosts[A].watchdog = hb_core::Watchdog::Armed { timeout: ms(1000) };
        world.start(A);
        world.start(B);
        world.until(ms(2000), |w| w.serves(A)).expect("service");
        world.run(ms(1000));
        let fed = world.hosts[A].fed;
        world.now = world.now.plus(ms(5000));
        let now = world.now;
        match first {
            0 => {}
            1 => drop(command(&mut world, A, Command::Clear(GroupId(0)))),
            2 => drop(command(&mut world, A, Command::ConfirmDown)),
            3 => drop(command(&mut world, A, Command::Takeover(Scope::All))),
            _ => {
                let node = world.hosts[A].node.as_mut().unwrap();
                let tuning = node.tuning();
                node.retune(now, &tuning).expect("as it is");
                world.drain(A);
            }
        }
        world.input(A, hb_core::Input::Tick { drained: true });
        assert_eq!(world.hosts[A].fed, fed, "{first}: fed in a step that came 5 s late");
        assert!(world.hosts[A].node.as_ref().unwrap().glance().unconfirmed, "{first}: sure of itself");
        assert!(world.hosts[A].events.iter().any(|e| matches!(e, Event::Stalled(_))), "{first}: no word");
    }
}
