//! DESIGN §7 O10: lines of the two files that are out of step.

use crate::{A, B, command, ms, state, times};
use hb_core::config::GroupConfig;
use hb_core::message::GroupState;
use hb_core::{Command, Refusal};
use hb_core::{Config, Duration, Event, GroupId, Scope, Side, Wait};
use hb_sim::{Answer, World};

fn group(name: u32, digest: u32, preferred: Side) -> GroupConfig {
    GroupConfig { name_hash: name, digest, preferred, resources: 1, claimable: true, data: None }
}

/// Each side has its own lines.
fn files(even: &[GroupConfig], odd: &[GroupConfig]) -> World {
    World::new(|c: &mut Config| {
        c.failback = false;
        let own = if c.side == Side::Even { even } else { odd };
        c.groups = own.iter().copied().collect();
    })
}

const WEB: u32 = 1;
const FTP: u32 = 2;
const SMTP: u32 = 3;

fn runs(world: &World, host: usize, at: usize) -> bool {
    world.hosts[host].scripts.any(at)
}

fn wait(world: &World, host: usize, at: usize) -> Option<Wait> {
    world.hosts[host].node.as_ref().expect("a daemon").status(world.now).groups[at].wait
}

fn both(world: &mut World) {
    world.start(A);
    world.start(B);
    world.run(ms(6000));
}

/// One resource is spelled otherwise in the two files: whoever serves, the other one waits, in every order of deaths.
#[test]
fn a_line_that_the_peer_calls_otherwise_runs_on_one_node() {
    for preferred in [Side::Even, Side::Odd] {
        let mut world = files(&[group(WEB, 10, preferred)], &[group(FTP, 20, preferred)]);
        both(&mut world);
        assert!(runs(&world, A, 0) && !runs(&world, B, 0), "the side that sorts first, {preferred:?}");
        assert_eq!(wait(&world, B, 0), Some(Wait::ConfigDiffers));
        for (dies, other) in [(A, B), (B, A), (A, B)] {
            world.power_off(dies);
            world.until(ms(3000), |w| runs(w, other, 0)).expect("still taken over on death");
            world.start(dies);
            world.run(ms(20_000));
            assert!(!runs(&world, dies, 0) && runs(&world, other, 0), "{dies} came back");
            assert_eq!(wait(&world, dies, 0), Some(Wait::ConfigDiffers));
        }
        assert_eq!(world.overlap, Duration::ZERO);
    }
}

/// A start that has begun beside a peer of which nothing was heard gives way once that one shows its line stuck: it may be
/// the same service, and a half of it here helps nobody.
#[test]
fn a_start_gives_way_to_what_is_stuck_under_another_name() {
    let mut world = files(&[group(WEB, 10, Side::Odd)], &[group(FTP, 20, Side::Odd)]);
    both(&mut world);
    world.power_off(A);
    world.until(ms(3000), |w| runs(w, B, 0)).expect("taken over");
    world.power_off(B);
    world.hosts[A].scripts.status = Answer::Partly;
    world.start(A);
    // It comes up while the links are cut, and the group of the other one cannot be stopped.
    world.cut_all(true);
    world.hosts[B].scripts.time = ms(900);
    world.start(B);
    world.until(ms(20_000), |w| state(w, B) == GroupState::Starting).expect("alone");
    world.cut_all(false);
    world.until(ms(20_000), |w| state(w, A) == GroupState::Stuck).expect("half of it runs");
    world.until(ms(5000), |w| state(w, B) == GroupState::Idle).expect("it gives way");
    world.run(ms(5000));
    assert!(!runs(&world, B, 0) && wait(&world, B, 0) == Some(Wait::PeerStuck));
    world.hosts[A].scripts.status = Answer::Honest;
    command(&mut world, A, Command::Clear(GroupId(0))).expect("it is stuck");
    world.until(ms(10_000), |w| runs(w, A, 0) != runs(w, B, 0)).expect("proven stopped");
}

/// A holder that cannot be answered shows a line of a name that this node does not have: it may be the same service.
#[test]
fn a_holder_behind_a_one_way_link_counts_under_any_name() {
    let mut world = files(&[group(WEB, 10, Side::Odd)], &[group(FTP, 20, Side::Odd)]);
    world.probes_see_the_peer = true;
    world.start(A);
    world.until(ms(10_000), |w| runs(w, A, 0)).expect("alone");
    world.cut[B] = [true; 8];
    world.start(B);
    world.run(ms(30_000));
    assert!(runs(&world, A, 0) && !runs(&world, B, 0), "its frames come");
    assert_eq!(wait(&world, B, 0), Some(Wait::OneWay));
    world.power_off(A);
    world.until(ms(20_000), |w| runs(w, B, 0)).expect("nobody answers any more");
}

#[test]
fn both_nodes_name_the_lines() {
    let mut world = files(&[group(WEB, 10, Side::Even)], &[group(FTP, 20, Side::Even)]);
    both(&mut world);
    for (host, theirs) in [(A, FTP), (B, WEB)] {
        assert_eq!(times(&world, host, |e| *e == Event::GroupUnlisted(GroupId(0))), 1);
        assert_eq!(times(&world, host, |e| *e == Event::PeerLists(theirs)), 1);
        assert_eq!(world.hosts[host].node.as_ref().unwrap().status(world.now).peer.config_match, Some(false));
    }
}

/// `web ftp` here, `web` and `ftp` there: the second line is in the first one.
#[test]
fn a_line_that_the_peer_has_within_another_one_waits_too() {
    for joined in [A, B] {
        for preferred in [Side::Even, Side::Odd] {
            let one = [group(WEB, 10, preferred)];
            let two = [group(WEB, 11, preferred), group(FTP, 20, preferred)];
            let mut world = if joined == A { files(&one, &two) } else { files(&two, &one) };
            both(&mut world);
            let any =
                |w: &World, host: usize| (0..w.hosts[host].config.groups.len()).any(|at| runs(w, host, at));
            assert!(
                any(&world, A) && !any(&world, B),
                "all on the side that sorts first: {joined} {preferred:?}"
            );
            world.power_off(A);
            world.until(ms(3000), |w| any(w, B)).expect("taken over");
            world.start(A);
            world.run(ms(20_000));
            assert!(any(&world, B) && !any(&world, A), "{joined} {preferred:?}: two run parts of it");
        }
    }
}

/// Two lines that both differ may have exchanged a resource.
#[test]
fn two_lines_that_differ_start_on_one_node() {
    let even = [group(WEB, 10, Side::Even), group(FTP, 20, Side::Odd)];
    let odd = [group(WEB, 11, Side::Even), group(FTP, 21, Side::Odd)];
    let mut world = files(&even, &odd);
    both(&mut world);
    assert!(runs(&world, A, 0) && runs(&world, A, 1) && !runs(&world, B, 0) && !runs(&world, B, 1));
    assert_eq!(wait(&world, B, 1), Some(Wait::ConfigDiffers));
}

/// A line more, and all else agrees: nobody else can run it, so it runs where it is.
#[test]
fn a_line_that_is_only_here_starts_while_all_others_agree() {
    for more in [A, B] {
        let few = [group(WEB, 10, Side::Even)];
        let many = [group(WEB, 10, Side::Even), group(FTP, 20, Side::Odd), group(SMTP, 30, Side::Even)];
        let mut world = if more == A { files(&many, &few) } else { files(&few, &many) };
        both(&mut world);
        assert!(runs(&world, A, 0) && !runs(&world, B, 0));
        assert!(runs(&world, more, 1) && runs(&world, more, 2), "on {more}");
    }
}

/// The other lines of a tangle do not stop those that agree.
#[test]
fn a_line_that_agrees_lives_its_own_life() {
    let even = [group(SMTP, 30, Side::Odd), group(WEB, 10, Side::Even)];
    let odd = [group(SMTP, 30, Side::Odd), group(FTP, 20, Side::Odd)];
    let mut world = files(&even, &odd);
    both(&mut world);
    assert!(runs(&world, B, 0) && runs(&world, A, 1) && !runs(&world, B, 1));
    assert_eq!(command(&mut world, B, Command::Standby(Scope::Local)), Ok(()));
    world.until(ms(2000), |w| runs(w, A, 0)).expect("moves as ever");
    assert_eq!(command(&mut world, A, Command::Standby(Scope::Local)), Err(Refusal::ConfigDiffers));
}

/// The rolling change by the book: stop, put a resource in front, start; and then the other node.
#[test]
fn a_rolling_change_of_the_first_resource_doubles_nothing() {
    for first in [A, B] {
        let old = [group(WEB, 10, Side::Even)];
        let mut world = files(&old, &old);
        both(&mut world);
        let other = 1 - first;
        command(&mut world, first, Command::Stop).expect("accepted");
        world.until(ms(3000), |w| w.hosts[first].exited.is_some() && runs(w, other, 0)).expect("taken");
        world.kill(first);
        world.hosts[first].config.groups[0] = group(FTP, 20, Side::Even);
        world.start(first);
        world.run(ms(10_000));
        assert!(!runs(&world, first, 0) && runs(&world, other, 0), "{first} waits");
        command(&mut world, other, Command::Stop).expect("accepted");
        world.until(ms(1500), |w| runs(w, first, 0)).expect("a leaving peer gives at once");
        world.kill(other);
        world.hosts[other].config.groups[0] = group(FTP, 20, Side::Even);
        world.start(other);
        world.run(ms(5000));
        assert!(runs(&world, first, 0) && !runs(&world, other, 0));
        assert_eq!(world.overlap, Duration::ZERO);
        let status = world.hosts[other].node.as_ref().unwrap().status(world.now);
        assert_eq!(status.peer.config_match, Some(true));
    }
}

#[test]
fn two_that_served_behind_a_cut_do_not_go_on_beside_each_other() {
    let mut world = files(&[group(WEB, 10, Side::Even)], &[group(FTP, 20, Side::Even)]);
    both(&mut world);
    world.cut_all(true);
    world.run(ms(3000));
    assert!(runs(&world, A, 0) && runs(&world, B, 0), "a cut without a fence");
    world.cut_all(false);
    world.run(ms(1000));
    assert!(runs(&world, A, 0) != runs(&world, B, 0), "one of them goes on");
    world.run(ms(20_000));
    assert!(runs(&world, A, 0) != runs(&world, B, 0), "for good");
}

#[test]
fn what_is_stuck_under_another_name_blocks_too() {
    let mut world = files(&[group(WEB, 10, Side::Even)], &[group(FTP, 20, Side::Even)]);
    both(&mut world);
    world.hosts[A].scripts.stop = Answer::Hangs;
    command(&mut world, A, Command::Stop).expect("accepted");
    world.until(ms(4000), |w| state(w, A) == GroupState::Stuck).expect("it hangs");
    world.run(ms(200));
    world.kill(A);
    world.run(ms(6000));
    assert!(runs(&world, A, 0) && !runs(&world, B, 0), "two run it");
    assert_eq!(wait(&world, B, 0), Some(Wait::PeerStuck));
    command(&mut world, B, Command::ConfirmDown).expect("the operator knows");
    world.power_off(A);
    world.until(ms(1000), |w| runs(w, B, 0)).expect("vouched");
}

#[test]
fn an_old_life_under_the_old_name_blocks_the_new_name() {
    let old = [group(WEB, 10, Side::Even)];
    let mut world = files(&old, &old);
    both(&mut world);
    world.hosts[A].scripts.stop = Answer::Hangs;
    command(&mut world, A, Command::Standby(Scope::All)).expect("accepted");
    world.until(ms(4000), |w| state(w, A) == GroupState::Stuck).expect("it hangs");
    world.run(ms(200));
    world.kill(A);
    world.hosts[A].config.groups[0] = group(FTP, 20, Side::Even);
    world.start(A);
    world.run(ms(300));
    world.kill(A);
    world.run(ms(5000));
    assert!(!runs(&world, B, 0), "what was stuck is stuck, whatever the next file calls it");
}

/// Whoever is there first: the other side does not even begin.
#[test]
fn at_a_common_start_the_side_that_sorts_last_does_not_begin() {
    for (first, gap) in [(A, 0), (B, 0), (B, 20), (A, 300), (B, 300), (B, 1500)] {
        let mut world = files(&[group(WEB, 10, Side::Odd)], &[group(FTP, 20, Side::Odd)]);
        world.start(first);
        world.run(ms(gap));
        world.start(1 - first);
        world.run(ms(6000));
        let begins = |e: &Event| matches!(e, Event::Group { to: GroupState::Starting, .. });
        assert_eq!(times(&world, B, begins), 0, "{first} {gap}");
        assert!(runs(&world, A, 0));
    }
}

/// A holder that is not sure of itself announces nothing; the peer's name for the group is another one, and it goes: the
/// clients come back all the same.
#[test]
fn clients_come_back_to_a_winner_whose_line_the_peer_calls_otherwise() {
    for wait in (0..12).map(|n| ms(n * 10)) {
        let mut world = files(&[group(WEB, 10, Side::Even)], &[group(FTP, 20, Side::Even)]);
        both(&mut world);
        assert!(runs(&world, A, 0));
        world.freeze(A);
        world.until(ms(3000), |w| w.client[0] == Some(B)).expect("taken over");
        world.run(wait);
        world.thaw(A);
        world.run(ms(3000));
        let holder = usize::from(!runs(&world, A, 0));
        assert!(!runs(&world, 1 - holder, 0), "one holder");
        assert_eq!(world.client[0], Some(holder), "{wait:?}: clients talk to a machine that has stopped");
    }
}

/// The peer claimed the line of the same name behind a cut, and lost it with its power: what it remembers is not above the
/// holder's epoch for long, whatever else of the files is out of step.
#[test]
fn a_holder_goes_above_what_the_peer_remembers_of_a_line_of_the_same_name() {
    let two = [group(WEB, 11, Side::Odd), group(FTP, 20, Side::Odd)];
    let mut world = files(&two, &[group(WEB, 10, Side::Odd)]);
    both(&mut world);
    assert!(runs(&world, A, 0) && runs(&world, A, 1));
    world.cut_all(true);
    world.until(ms(3000), |w| runs(w, B, 0)).expect("a cut, and no fence");
    world.run(ms(500));
    world.power_off(B);
    world.cut_all(false);
    world.start(B);
    world.run(ms(3000));
    let epoch = |w: &World, host: usize| w.hosts[host].node.as_ref().unwrap().status(w.now).groups[0].epoch;
    assert!(runs(&world, A, 0) && epoch(&world, A) >= epoch(&world, B));
}

/// The same while the peer, which withdrew from its start, cannot stop what it began.
#[test]
fn a_holder_goes_above_what_is_stuck_under_the_same_name() {
    let two = [group(WEB, 11, Side::Odd), group(FTP, 20, Side::Odd)];
    let mut world = files(&two, &[group(WEB, 10, Side::Odd)]);
    both(&mut world);
    world.hosts[B].scripts.stop = Answer::Hangs;
    world.hosts[B].scripts.time = ms(900);
    world.cut_all(true);
    world.until(ms(5000), |w| runs(w, B, 0)).expect("a cut, and no fence");
    world.cut_all(false);
    world.until(ms(30_000), |w| state(w, B) == GroupState::Stuck).expect("it hangs");
    world.run(ms(3000));
    let epoch = |w: &World, host: usize| w.hosts[host].node.as_ref().unwrap().status(w.now).groups[0].epoch;
    assert_eq!(state(&world, A), GroupState::Held);
    assert!(epoch(&world, A) > epoch(&world, B), "{} {}", epoch(&world, A), epoch(&world, B));
}
