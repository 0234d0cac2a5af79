//! Scripts that fail or hang.

use crate::{A, B, command, ms, settled, state};
use hb_core::message::GroupState;
use hb_core::{Command, Duration, Event, GroupId, Outcome, Refusal, Scope, Verb, Wait, Watchdog};
use hb_sim::{Answer, World};

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
    command(&mut world, A, Command::Clear(GroupId(0))).expect("accepted");
    world.until(ms(3000), |w| w.serves(A) && !w.serves(B)).expect("failback after the clear");
    assert_eq!(world.overlap, Duration::ZERO);
}

/// It may bring its resource up at any time: nothing proves the group stopped but the end of the machine, or an operator.
#[test]
fn a_start_that_nothing_can_kill_is_not_forgotten() {
    let mut world = World::new(|_| {});
    (world.hosts[A].scripts.start, world.hosts[A].scripts.stays) = (Answer::Hangs, true);
    world.start(A);
    world.start(B);
    world.until(ms(10_000), |w| state(w, A) == GroupState::Stuck).expect("it hangs, killed or not");
    world.run(ms(10_000));
    assert_eq!(state(&world, A), GroupState::Stuck);
    assert!(!world.hosts[B].scripts.any(0), "it may come up beside the peer's");
    world.power_off(A);
    command(&mut world, B, Command::ConfirmDown).expect_err("it lives, as far as anybody knows");
    world.run(ms(1000));
    command(&mut world, B, Command::ConfirmDown).expect("the operator knows");
    world.until(ms(1000), |w| w.serves(B)).expect("vouched");
}

/// An operator who clears has it stopped once more, for that may be what ends the start; but while it is out nothing is
/// proven, and what it did at last is stopped by the next order alone.
#[test]
fn a_start_that_nothing_can_kill_outlasts_a_clear() {
    for ends in [2_500, 6_000, 20_000] {
        let mut world = World::new(|_| {});
        (world.hosts[A].scripts.start, world.hosts[A].scripts.stays) = (Answer::Hangs, true);
        world.start(A);
        world.start(B);
        world.until(ms(10_000), |w| state(w, A) == GroupState::Stuck).expect("it hangs, killed or not");
        for _ in 0..2 {
            command(&mut world, A, Command::Clear(GroupId(0))).expect("it is stuck");
            world.run(ms(1000));
            assert_eq!(state(&world, A), GroupState::Stuck, "the start is still out");
            assert!(!world.hosts[B].scripts.any(0), "it may come up beside the peer's");
        }
        world.run(ms(ends));
        (world.hosts[A].scripts.start, world.hosts[A].scripts.time) = (Answer::Honest, ms(300));
        command(&mut world, A, Command::Clear(GroupId(0))).expect("it is stuck");
        // It ends while the stop runs.
        world.run(ms(450));
        assert_eq!(state(&world, A), GroupState::Stopping);
        world.killable(A);
        world.run(ms(2000));
        assert_eq!(state(&world, A), GroupState::Stuck, "it may have come up behind the stop");
        let culprit = world.hosts[A].shown(0).and_then(|shown| shown.culprit).expect("a reason");
        assert_eq!((culprit.verb, culprit.outcome), (Verb::Start, Outcome::Killed));
        command(&mut world, A, Command::Clear(GroupId(0))).expect("it is stuck");
        world.until(ms(5000), |w| w.serves(A) || w.serves(B)).expect("proven stopped now");
        assert_eq!(world.overlap, Duration::ZERO);
    }
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

/// Timers fire at the end of a round, when everything that was queued has been read.
#[test]
fn a_retry_that_is_due_waits_for_the_end_of_the_round() {
    let mut world = World::new(|_| {});
    world.hosts[A].scripts.start = Answer::Fails;
    world.start(A);
    world.until(ms(5000), |w| state(w, A) == GroupState::Failed).expect("the start fails");
    world.run(ms(9_950));
    world.now = world.now.plus(ms(100));
    world.inject(A, hb_core::LinkId(1), b"first of several");
    assert_eq!(state(&world, A), GroupState::Failed, "there may be more to read");
    world.input(A, hb_core::Input::Tick { drained: true });
    assert_eq!(state(&world, A), GroupState::Starting);
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

/// A script that is there and cannot be run for a moment (no process, no memory) says nothing of what an earlier life
/// left running.
#[test]
fn a_status_that_could_not_be_run_at_the_start_proves_nothing() {
    let mut world = settled(|_| {});
    world.kill(A);
    world.hosts[A].scripts.running[0][1] = false;
    world.start(A);
    // After the look at the files; the first call, of the resource on the right, is under way.
    world.hosts[A].scripts.status = Answer::Missing;
    world.run(ms(1000));
    assert!(world.hosts[A].scripts.any(0), "left as it was");
    assert_eq!(state(&world, A), GroupState::Unknown, "no answer: neither stopped nor stuck");
    assert!(!world.hosts[B].scripts.any(0), "the peer waits");
    world.hosts[A].scripts.status = Answer::Honest;
    world.until(ms(10_000), |w| w.serves(A) || w.serves(B)).expect("asked again, and proven stopped");
    assert_eq!(world.overlap, Duration::ZERO);
}

/// One unknown group bars neither the others nor the peer's.
#[test]
fn joining_is_per_group() {
    let mut world = World::new(|c| {
        let other = hb_core::config::GroupConfig { name_hash: 0x5012, digest: 2, ..c.groups[0] };
        c.groups.push(other).expect("room for two");
    });
    world.start(A);
    world.start(B);
    world.until(ms(3000), |w| w.serves(A)).expect("service");
    world.run(ms(1000));
    world.kill(A);
    world.hosts[A].scripts.not_run = Some(0);
    world.start(A);
    world.until(ms(1000), |w| !w.hosts[A].scripts.any(1)).expect("what was left running is ended");
    world
        .until(ms(3000), |w| w.hosts[A].scripts.all(1) || w.hosts[B].scripts.all(1))
        .expect("the other group");
    assert_eq!(state(&world, A), GroupState::Unknown);
    world.run(ms(20_000));
    assert_eq!(state(&world, A), GroupState::Unknown, "it may run here");
    assert!(!world.hosts[B].scripts.any(0));
    world.hosts[A].scripts.not_run = None;
    world.until(ms(10_000), |w| w.serves(A) || w.serves(B)).expect("the first one, too");
    assert_eq!(world.overlap, Duration::ZERO);
}

/// c04, and its two ends: in the same boot a script that is not there leaves its group unknown; after a boot the group is
/// stopped, not able, and the peer's.
#[test]
fn a_script_that_is_missing_at_the_start_is_judged_by_the_start_record() {
    let missing = |world: &mut World, answer| {
        let scripts = &mut world.hosts[A].scripts;
        (scripts.start, scripts.stop, scripts.status) = (answer, answer, answer);
    };
    for reboot in [false, true] {
        let mut world = settled(|c| c.failback = false);
        missing(&mut world, Answer::Missing);
        if reboot {
            world.power_off(A);
        } else {
            world.kill(A);
        }
        world.run(ms(200));
        world.hosts[A].config.groups[0].claimable = false;
        world.start(A);
        world.run(ms(8000));
        let expected = if reboot { GroupState::Idle } else { GroupState::Unknown };
        assert_eq!(state(&world, A), expected, "after a boot: {reboot}");
        assert_eq!(world.serves(B), reboot, "{:?}", world.hosts[B].events.last());
        assert_eq!(world.overlap, Duration::ZERO);
    }
    // A life that proved it stopped before it ended is on record, too.
    let mut world = settled(|c| c.failback = false);
    command(&mut world, A, Command::Standby(Scope::All)).expect("accepted");
    world.until(ms(3000), |w| w.serves(B)).expect("handed over");
    world.run(ms(500));
    world.kill(A);
    missing(&mut world, Answer::Missing);
    world.hosts[A].config.groups[0].claimable = false;
    world.start(A);
    world.run(ms(3000));
    assert_eq!(state(&world, A), GroupState::Idle, "stopped before, and not started since");
    // What was lost or damaged is the worst that it could have said.
    world.kill(A);
    world.hosts[A].saved = hb_core::Saved { lost: true, ..hb_core::Saved::default() };
    world.start(A);
    world.run(ms(3000));
    assert_eq!(state(&world, A), GroupState::Unknown);
}

/// What cannot be told from the boot that started it counts as the same one, whichever of the two is not known.
#[test]
fn a_boot_that_cannot_be_told_from_the_last_one_is_the_same() {
    for (before, after) in [(1, 0), (0, 1), (0, 0)] {
        let mut world = settled(|c| {
            c.failback = false;
            c.boot = before;
        });
        world.kill(A);
        let h = &mut world.hosts[A];
        (h.scripts.start, h.scripts.stop, h.scripts.status) =
            (Answer::Missing, Answer::Missing, Answer::Missing);
        (h.config.boot, h.config.groups[0].claimable) = (after, false);
        world.start(A);
        world.run(ms(3000));
        assert_eq!(state(&world, A), GroupState::Unknown, "{before}, then {after}: its service still runs");
        assert_eq!((world.hosts[A].scripts.any(0), world.hosts[B].scripts.any(0)), (true, false));
    }
}

/// The scripts of a holder lose their run bit: it gives nothing away that it could not stop, by order or by rule.
#[test]
fn a_group_whose_scripts_cannot_be_run_is_not_given_away() {
    let mut world = settled(|c| c.failback = false);
    let scripts = &mut world.hosts[A].scripts;
    (scripts.start, scripts.stop, scripts.status) = (Answer::Missing, Answer::Missing, Answer::Missing);
    world.hosts[A].config.groups[0].claimable = false;
    world.input(A, hb_core::Input::Claimable { group: hb_core::GroupId(0), claimable: false });
    assert_eq!(command(&mut world, A, Command::Standby(Scope::All)), Err(hb_core::Refusal::Scripts));
    command(&mut world, B, Command::Takeover(Scope::All)).expect("asked for");
    world.run(ms(3000));
    assert_eq!(state(&world, A), GroupState::Held);
    assert!(world.serves(A));
    world.input(A, hb_core::Input::Claimable { group: hb_core::GroupId(0), claimable: true });
    let scripts = &mut world.hosts[A].scripts;
    (scripts.start, scripts.stop, scripts.status) = (Answer::Honest, Answer::Honest, Answer::Honest);
    world.until(ms(3000), |w| w.serves(B)).expect("it was asked for, and can be stopped again");
}

/// A stop that could not be run for a moment (no process to be had) is asked again, and the group moves on.
#[test]
fn a_stop_that_could_not_be_run_for_a_moment_is_no_stuck_group() {
    let mut world = settled(|c| c.failback = false);
    world.hosts[A].scripts.stop = Answer::Missing;
    command(&mut world, A, Command::Standby(Scope::All)).expect("accepted");
    world.run(ms(700));
    assert_eq!(state(&world, A), GroupState::Stopping);
    world.hosts[A].scripts.stop = Answer::Honest;
    world.until(ms(3000), |w| w.serves(B)).expect("handed over");
}

fn doomed(disk: Duration) -> World {
    let mut world = World::new(|c| c.failback = false);
    for host in [A, B] {
        world.hosts[host].watchdog = hb_core::Watchdog::Armed { timeout: ms(1000) };
        world.hosts[host].scripts.running[0][0] = true;
        world.hosts[host].scripts.stop = Answer::Lies;
        world.hosts[host].disk_time = disk;
    }
    world.start(A);
    world.start(B);
    world.run(ms(8000));
    assert_eq!((state(&world, A), state(&world, B)), (GroupState::Stuck, GroupState::Stuck));
    world
}

fn not_reset(world: &World, host: usize) -> bool {
    world.hosts[host].node.as_ref().expect("a daemon").status(world.now).groups[0].not_reset
}

fn feeds(world: &mut World, host: usize) -> u32 {
    let before = world.hosts[host].fed;
    world.run(ms(2000));
    world.hosts[host].fed - before
}

/// A group that is stuck in the clean-up of the daemon's own start, boot after boot: one reset, and then an operator.
#[test]
fn a_group_that_is_stuck_at_every_start_is_reset_once() {
    let mut world = doomed(ms(20));
    assert_eq!(feeds(&mut world, A), 0, "the reset is on the disk: not fed");
    assert!(world.hosts[A].saved.records[0].1.reset);
    // The watchdog fires; the machine boots, and something starts the service again.
    world.power_off(A);
    world.hosts[A].scripts.running[0][0] = true;
    world.start(A);
    world.run(ms(8000));
    assert_eq!(state(&world, A), GroupState::Stuck);
    assert!(feeds(&mut world, A) > 10, "no second reset");
    assert!(not_reset(&world, A));
    let said = |w: &World| w.hosts[A].events.iter().filter(|e| matches!(e, Event::NotResetAgain(_))).count();
    assert_eq!(said(&world), 1);
    // Mended and cleared: the next episode is a new one.
    world.hosts[A].scripts.stop = Answer::Honest;
    command(&mut world, A, Command::Clear(hb_core::GroupId(0))).expect("accepted");
    world.run(ms(3000));
    assert!(!matches!(state(&world, A), GroupState::Stuck));
    assert!(!world.hosts[A].saved.records[0].1.reset);
}

/// Where the record of the reset cannot be written there is none: it would be the first of many.
#[test]
fn without_a_record_there_is_no_reset() {
    let mut world = doomed(Duration::from_secs(3600));
    assert!(feeds(&mut world, A) > 10 && not_reset(&world, A), "fed, and shown as not armed");
    // Silence of such a node is no proof of a reset.
    world.cut_all(true);
    world.hosts[B].scripts.stop = Answer::Honest;
    command(&mut world, B, Command::Clear(hb_core::GroupId(0))).expect("accepted");
    world.run(ms(10_000));
    assert_eq!(state(&world, B), GroupState::Idle);
    assert!(!world.hosts[B].scripts.any(0), "the peer is fed, and stuck, and runs it");
}

/// What is not installed on a node has never run there: it must not hold up the other one.
#[test]
fn a_node_without_the_scripts_does_not_block_its_peer() {
    let mut world = World::new(|_| {});
    let scripts = &mut world.hosts[A].scripts;
    (scripts.start, scripts.stop, scripts.status) = (Answer::Missing, Answer::Missing, Answer::Missing);
    world.start(A);
    world.start(B);
    world.until(ms(3000), |w| w.serves(B)).expect("the other one starts it");
    assert_eq!(state(&world, A), GroupState::Idle);
}

/// The pair of a node that got stuck while its peer heard nothing, and of the peer that took over meanwhile.
fn stuck_beside_a_holder() -> World {
    let monitor = hb_core::config::MonitorConfig { period: ms(500), failures: 1 };
    let mut world = settled(|c| c.monitor = Some(monitor));
    world.hosts[A].scripts.stop = Answer::Hangs;
    world.cut_all(true);
    world.hosts[A].scripts.status = Answer::Fails;
    world.until(ms(6000), |w| state(w, A) == GroupState::Stuck && w.serves(B)).expect("both");
    world.hosts[A].scripts.stop = Answer::Honest;
    world.hosts[A].scripts.status = Answer::Honest;
    world.cut_all(false);
    world.run(ms(1000));
    assert_eq!((state(&world, A), state(&world, B)), (GroupState::Stuck, GroupState::Held));
    world
}

#[test]
fn a_holder_that_restarts_a_resource_does_not_give_way_to_a_stuck_peer() {
    let mut world = stuck_beside_a_holder();
    world.hosts[B].scripts.running[0][1] = false;
    world.until(ms(3000), |w| w.serves(B) && state(w, B) == GroupState::Held).expect("restarted in place");
    world.run(ms(2000));
    assert!(world.serves(B));
}

#[test]
fn one_clear_is_enough_for_a_group_that_the_monitor_gave_up_and_whose_stop_then_hung() {
    let mut world = stuck_beside_a_holder();
    command(&mut world, B, Command::Stop).expect("accepted");
    world.run(ms(3000));
    world.start(B);
    world.run(ms(2000));
    assert!(!world.serves(B), "stuck blocks a claim");
    command(&mut world, A, Command::Clear(hb_core::GroupId(0))).expect("accepted");
    world.until(ms(3000), |w| w.serves(B) && state(w, A) == GroupState::Idle).expect("it runs");
}
