//! Data follows the role (DESIGN §9): who pulls when, what a stamp says, what a start waits for, what is kept.

use crate::{A, B, command, ms, settled, state, wait, watch};
use hb_core::config::{DataConfig, StalePolicy};
use hb_core::message::GroupState;
use hb_core::{Command, Config, Event, GroupId, Refusal, Scope, Side, Stale, Stamp, Wait};
use hb_sim::{Note, World};

/// Pulls every 2 s, 20 ms each.
fn with_data(stale: StalePolicy) -> impl Fn(&mut Config) {
    move |c| {
        c.failback = false;
        c.groups[0].data =
            Some(DataConfig { interval: ms(2000), limit: ms(1000), stale_after: ms(60_000), stale });
    }
}

/// In service, and the standby has pulled.
fn synced(stale: StalePolicy) -> World {
    let mut world = settled(with_data(stale));
    world.run(ms(2500));
    assert_eq!(stamp(&world, B).epoch, stamp(&world, A).epoch, "pulled");
    world
}

/// A is off, B has taken over and written what A lacks; who is preferred gets it back.
fn away_from_home(stale: StalePolicy) -> World {
    let mut world = settled(|c| {
        with_data(stale)(c);
        c.failback = true;
    });
    world.run(ms(2500));
    world.power_off(A);
    world.until(ms(2000), |w| w.serves(B)).expect("taken over");
    write(&mut world, B, 7);
    world
}

fn stamp(world: &World, host: usize) -> Stamp {
    world.hosts[host].disks[0].stamp
}

fn epoch(world: &World, host: usize) -> u32 {
    world.hosts[host].node.as_ref().expect("a daemon").status(world.now).groups[0].epoch
}

fn said(world: &World, host: usize, event: impl Fn(&Event) -> bool) -> bool {
    world.hosts[host].events.iter().any(event)
}

/// A file that the service of `host` writes, and that nobody has pulled yet.
fn write(world: &mut World, host: usize, file: usize) {
    world.hosts[host].disks[0].files.put(file);
}

fn has(world: &World, host: usize, file: usize) -> bool {
    let mut one = hb_sim::Files::default();
    one.put(file);
    one.less(&world.hosts[host].disks[0].all()).count() == 0
}

#[test]
fn the_stamp_is_on_the_disk_before_the_first_start_script() {
    let mut world = World::new(with_data(StalePolicy::AcceptAge));
    world.start(A);
    world.start(B);
    let mut begun = 0;
    watch(&mut world, ms(3000), |world, note| {
        if let Note::Holds { host, holds: true, .. } = *note {
            begun += 1;
            assert_eq!(stamp(world, host).epoch, epoch(world, host), "stamped with the tenure's epoch");
            assert!(!stamp(world, host).partial);
        }
    });
    assert_eq!(begun, 1);
}

#[test]
fn only_the_standby_pulls_and_only_from_the_holder() {
    let mut world = World::new(with_data(StalePolicy::AcceptAge));
    world.start(A);
    world.start(B);
    let mut pulls = [0; 2];
    watch(&mut world, ms(9000), |world, note| {
        if let Note::Pull { host, .. } = *note {
            pulls[host] += 1;
            assert_eq!((state(world, host), state(world, 1 - host)), (GroupState::Idle, GroupState::Held));
        }
    });
    assert_eq!(pulls, [0, 5], "at once, then every 2 s");
}

#[test]
fn a_pull_that_is_cut_short_leaves_the_stamp_partial_and_is_reaped_before_a_start() {
    let mut world = synced(StalePolicy::Accept);
    world.pull_time = ms(60_000);
    world.until(ms(3000), |w| w.hosts[B].pulling()).expect("the next pull");
    world.power_off(A);
    let mut began = false;
    watch(&mut world, ms(3000), |world, note| {
        if let Note::Holds { host: B, holds: true, .. } = *note {
            began = true;
            assert!(!world.hosts[B].pulling(), "nothing writes to the copy any more");
        }
    });
    assert!(began && world.serves(B));
    assert!(said(&world, B, |e| matches!(e, Event::StaleAccepted(_, Stale::Partial))), "loudly");

    let mut world = synced(StalePolicy::AcceptAge);
    world.pull_time = ms(60_000);
    world.until(ms(3000), |w| w.hosts[B].pulling()).expect("the next pull");
    world.power_off(A);
    world.run(ms(5000));
    assert!(stamp(&world, B).partial);
    assert_eq!(wait(&world, B), Some(Wait::StaleCopy(Stale::Partial)), "the default waits");
    assert!(!world.hosts[B].scripts.any(0));
}

#[test]
fn a_handover_pulls_once_more_between_the_last_stop_and_the_first_start() {
    let mut world = synced(StalePolicy::AcceptAge);
    write(&mut world, A, 7);
    command(&mut world, A, Command::Standby(Scope::All)).expect("accepted");
    let mut order = Vec::new();
    watch(&mut world, ms(2000), |_, note| match *note {
        Note::Holds { host, holds, .. } => {
            order.push(if holds { ("starts", host) } else { ("stopped", host) })
        }
        Note::Pull { host, last: true, .. } => order.push(("pulls", host)),
        Note::Pulled { host, whole: true, .. } => order.push(("pulled", host)),
        _ => {}
    });
    assert_eq!(order[..4], [("stopped", A), ("pulls", B), ("pulled", B), ("starts", B)]);
    assert!(has(&world, B, 7), "what A wrote since the last pull came along");
}

#[test]
fn a_failback_whose_last_pull_fails_gives_the_group_back_and_comes_again_after_a_pause() {
    let mut world = away_from_home(StalePolicy::AcceptAge);
    world.start(A);
    // The regular pulls work, the last one does not.
    world.until(ms(10_000), |w| state(w, B) == GroupState::Stopping).expect("failback");
    world.pulls_work = false;
    let handed = epoch(&world, B);
    world.until(ms(5000), |w| w.serves(B) && epoch(w, B) > handed).expect("the old holder takes it back");
    assert!(said(&world, A, |e| *e == Event::LastPullFailed(GroupId(0))));
    assert!(!world.hosts[A].scripts.any(0));
    world.pulls_work = true;
    world.run(ms(50_000));
    assert!(world.serves(B), "not at once");
    world.until(ms(20_000), |w| w.serves(A) && !w.serves(B)).expect("after a minute");
    assert!(has(&world, A, 7));
    assert_eq!(world.overlap, hb_core::Duration::ZERO);
}

/// DESIGN §7 O4.7: what the holder wrote is there first, then the group may come.
#[test]
fn nothing_moves_to_a_copy_that_is_behind() {
    let mut world = away_from_home(StalePolicy::Accept);
    world.pulls_work = false;
    world.start(A);
    world.run(ms(20_000));
    let left = |w: &World| said(w, B, |e| matches!(e, Event::Group { from: GroupState::Held, .. }));
    assert!(world.serves(B) && !left(&world), "it has not even stopped");
    world.pulls_work = true;
    world.until(ms(20_000), |w| w.serves(A) && !w.serves(B)).expect("failback");
    assert!(has(&world, A, 7));
}

#[test]
fn a_copy_that_two_nodes_wrote_is_moved_aside_not_destroyed() {
    let mut world = synced(StalePolicy::AcceptAge);
    write(&mut world, A, 7);
    world.cut_all(true);
    world.until(ms(3000), |w| w.serves(B)).expect("a partition");
    write(&mut world, A, 8);
    write(&mut world, B, 9);
    world.cut_all(false);
    let mut kept = None;
    watch(&mut world, ms(4000), |_, note| {
        if let Note::Pull { host: A, keep, .. } = *note {
            kept.get_or_insert(keep);
        }
    });
    assert!(world.serves(B) && !world.serves(A), "the higher epoch goes on");
    assert_eq!(kept, Some(true));
    assert!(
        said(&world, A, |e| matches!(e, Event::MovedAside { files: 2, .. })),
        "{:?}",
        world.hosts[A].events
    );
    assert!((7..10).all(|file| has(&world, A, file)));
}

#[test]
fn a_copy_that_is_behind_waits_for_the_newer_one_or_an_operator() {
    for (policy, answer) in [(StalePolicy::AcceptAge, Ok(())), (StalePolicy::Refuse, Err(Refusal::PeerNotUp))]
    {
        // B wrote last, then both lost their power, and only A came back.
        let mut world = synced(policy);
        world.power_off(A);
        world.until(ms(2000), |w| w.serves(B)).expect("taken over");
        write(&mut world, B, 9);
        world.start(A);
        world.pulls_work = false;
        world.until(ms(2000), |w| state(w, A) == GroupState::Idle).expect("met");
        world.run(ms(500));
        world.power_off(B);
        world.run(ms(6000));
        let stale = wait(&world, A);
        assert!(matches!(stale, Some(Wait::StaleCopy(Stale::Behind | Stale::Partial))), "{stale:?}");
        assert!(!world.hosts[A].scripts.any(0));
        assert_eq!(command(&mut world, A, Command::Takeover(Scope::All)), answer);
        world.run(ms(2000));
        assert_eq!(world.serves(A), answer.is_ok(), "{policy:?}");
    }
}

#[test]
fn of_two_that_start_together_the_newer_copy_goes_first() {
    for policy in [StalePolicy::AcceptAge, StalePolicy::Accept, StalePolicy::Wait, StalePolicy::Refuse] {
        let mut world = synced(policy);
        world.power_off(A);
        world.until(ms(2000), |w| w.serves(B)).expect("taken over");
        write(&mut world, B, 9);
        world.power_off(B);
        for host in [A, B] {
            world.hosts[host].powered = true;
            world.start(host);
        }
        let begun = world.until(ms(2000), |w| w.hosts.iter().any(|h| h.scripts.any(0)));
        begun.expect("one has the right");
        assert!(!world.hosts[A].scripts.any(0), "{policy:?}: A is preferred, but B wrote last");
        assert!(!said(&world, A, |e| matches!(e, Event::StaleAccepted(..))));
        world.run(ms(3000));
        assert!(world.serves(B) && !world.serves(A) && has(&world, A, 9), "{policy:?}");
    }
}

/// DESIGN §9.15: of two whole copies of one epoch, that of the node which wrote it.
#[test]
fn of_two_copies_of_one_epoch_the_writers_goes_first() {
    let mut world = World::new(|c| {
        with_data(StalePolicy::AcceptAge)(c);
        c.groups[0].preferred = Side::Odd;
    });
    world.start(A);
    world.start(B);
    world.until(ms(3000), |w| w.serves(B)).expect("service");
    world.run(ms(2500));
    command(&mut world, B, Command::Standby(Scope::All)).expect("accepted");
    world.until(ms(2000), |w| w.serves(A)).expect("moved");
    world.run(ms(2500));
    assert_eq!(stamp(&world, B).epoch, stamp(&world, A).epoch, "pulled");
    write(&mut world, A, 9);
    for host in [A, B] {
        world.power_off(host);
    }
    for host in [A, B] {
        world.hosts[host].powered = true;
        world.start(host);
    }
    world.until(ms(2000), |w| w.hosts.iter().any(|h| h.scripts.any(0))).expect("one has the right");
    assert!(world.hosts[A].scripts.any(0), "B is preferred, but A wrote it");
    world.run(ms(3000));
    assert!(world.serves(A) && has(&world, B, 9));
}

/// DESIGN §9.13: a disk that is not mounted looks like an empty directory, and no policy lets the service start on that.
#[test]
fn a_copy_that_has_lost_its_stamp_starts_nothing_alone() {
    for policy in [StalePolicy::AcceptAge, StalePolicy::Accept, StalePolicy::Wait, StalePolicy::Refuse] {
        let mut world = synced(policy);
        world.kill(B);
        let kept = std::mem::replace(&mut world.hosts[B].disks[0].stamp, Stamp::NONE);
        world.power_off(A);
        world.start(B);
        world.run(ms(10_000));
        assert_eq!(wait(&world, B), Some(Wait::StaleCopy(Stale::Missing)), "{policy:?}");
        assert!(!world.hosts[B].scripts.any(0), "{policy:?}");
        // Mounted again.
        world.kill(B);
        world.hosts[B].disks[0].stamp = kept;
        world.start(B);
        world.run(ms(10_000));
        assert!(world.serves(B), "{policy:?}: {:?}", wait(&world, B));
    }
}

#[test]
fn age_alone_is_accepted_loudly_by_default() {
    let cases = [
        (StalePolicy::AcceptAge, true, Err(Refusal::NothingToDo)),
        (StalePolicy::Accept, true, Err(Refusal::NothingToDo)),
        (StalePolicy::Wait, false, Ok(())),
        (StalePolicy::Refuse, false, Err(Refusal::PeerNotUp)),
    ];
    for (policy, starts, takeover) in cases {
        let mut world = settled(|c| {
            with_data(policy)(c);
            let data = c.groups[0].data.as_mut().expect("data");
            (data.interval, data.stale_after) = (ms(20_000), ms(3000));
        });
        world.run(ms(6000));
        world.power_off(A);
        world.run(ms(2000));
        assert_eq!(world.serves(B), starts, "{policy:?}");
        assert_eq!(said(&world, B, |e| matches!(e, Event::StaleAccepted(_, Stale::Old))), starts, "loudly");
        if !starts {
            assert_eq!(wait(&world, B), Some(Wait::StaleCopy(Stale::Old)));
        }
        assert_eq!(command(&mut world, B, Command::Takeover(Scope::All)), takeover, "{policy:?}");
        world.run(ms(2000));
        assert_eq!(world.serves(B), starts || takeover.is_ok(), "{policy:?}");
    }
}

/// The links are cut, the way of the pulls is not: the holder was started again meanwhile, under a later epoch that no
/// beat could show. The node that pulled it may claim above it only; and it goes on sending beats.
#[test]
fn an_epoch_that_only_a_pull_has_shown_counts_as_seen() {
    // B takes the old life for alive until it has pulled once more.
    let mut world = settled(|c| {
        with_data(StalePolicy::Accept)(c);
        let timing = &mut c.timing;
        (timing.deadtime, timing.initdead) =
            if c.side == hb_core::Side::Odd { (ms(4000), ms(4000)) } else { (ms(500), ms(500)) };
    });
    world.run(ms(2500));
    world.kill(A);
    world.cut_all(true);
    world.start(A);
    world.until(ms(2000), |w| w.serves(A) && epoch(w, A) == 4).expect("alone again, under a later epoch");
    world.until(ms(5000), |w| w.serves(B)).expect("takes it for dead");
    let pulled = world.hosts[B].events.iter().filter(|e| **e == Event::Pulled(GroupId(0))).count();
    assert_eq!((pulled, epoch(&world, B)), (2, 5), "above the epoch of the pulled copy");
    world.cut_all(false);
    world.until(ms(2000), |w| w.serves(A) != w.serves(B)).expect("the conflict is solved");
}

/// At the last epoch both nodes write under the same one: no stamp says any more who has what, so nothing is destroyed; and
/// nobody goes above the other without end.
#[test]
fn at_the_last_epoch_every_pull_keeps_and_nobody_writes_without_end() {
    let mut world = World::new(with_data(StalePolicy::AcceptAge));
    for host in [A, B] {
        world.hosts[host].saved.epochs.push((0x5011, u32::MAX)).unwrap();
    }
    world.start(A);
    world.start(B);
    world.run(ms(3000));
    // Written after the last pull, and on no other disk.
    world.run(ms(2500));
    write(&mut world, A, 7);
    world.power_off(A);
    world.until(ms(3000), |w| w.serves(B)).expect("taken over");
    assert!(said(&world, B, |e| *e == Event::StartsBehind(GroupId(0))), "and says that it may be behind");
    world.start(A);
    world.run(ms(5000));
    assert!(has(&world, A, 7) || has(&world, B, 7), "what one disk alone had is gone");
}

/// The old holder's stamp is lost between its stop and the last pull: what it wrote last stays behind, and that is said.
#[test]
fn a_start_without_the_last_pull_of_a_lost_copy_says_so() {
    let mut world = synced(StalePolicy::AcceptAge);
    write(&mut world, A, 7);
    world.hosts[B].disk_time = ms(90);
    command(&mut world, A, Command::Standby(Scope::All)).expect("accepted");
    world.until(ms(1000), |w| state(w, B) == GroupState::Starting).expect("it takes it");
    world.kill(A);
    world.hosts[A].disks[0].stamp = Stamp::NONE;
    world.start(A);
    world.until(ms(3000), |w| w.serves(B)).expect("in service");
    assert!(!has(&world, B, 7), "nothing brought it");
    assert!(said(&world, B, |e| *e == Event::StartsBehind(GroupId(0))), "{:?}", world.hosts[B].events);
}
