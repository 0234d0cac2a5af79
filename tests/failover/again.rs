//! A claim is decided in the silence that it rests on, what runs here in part is answered for, and a life that is over gives no
//! right (DESIGN §7 O2.5, O2c.12, O8.3).

use crate::{A, B, command, ms, seen, state, times, wait, watch};
use hb_core::Side;
use hb_core::config::{Answered, MonitorConfig};
use hb_core::message::GroupState;
use hb_core::{
    Action, Asked, Cause, Command, Duration, Event, FRAME_BUF, Input, Scope, Verb, Wait, Watchdog,
};
use hb_sim::{Answer, World};

/// A is off, and B has claimed what it cannot start; A is back, and has joined.
fn claimed_in_vain() -> World {
    let mut world = seen(|_| {});
    world.power_off(A);
    world.hosts[B].scripts.not_run = Some(0);
    world.until(ms(2000), |w| state(w, B) == GroupState::Starting).expect("a claim");
    world.run(ms(200));
    world.start(A);
    world.run(ms(700));
    assert_eq!([A, B].map(|host| state(&world, host)), [GroupState::Idle, GroupState::Starting]);
    world
}

#[test]
fn a_second_silence_is_asked_about_anew() {
    let mut world = claimed_in_vain();
    world.cut_all(true);
    world.until(ms(6000), |w| w.serves(A)).expect("what B claims again it cannot start");
    world.run(ms(1000));
    world.hosts[B].scripts.not_run = None;
    world.run(ms(20_000));
    assert!(world.serves(A) && !world.hosts[B].scripts.any(0), "{:?}", world.hosts[B].events);
    assert_eq!((wait(&world, B), world.overlap), (Some(Wait::Answered), Duration::ZERO));
    world.power_off(A);
    world.until(ms(2000), |w| w.serves(B)).expect("and then it is silent");
}

#[test]
fn a_second_death_costs_no_more_time_than_the_first() {
    let mut world = claimed_in_vain();
    world.power_off(A);
    world.run(ms(300));
    world.hosts[B].scripts.not_run = None;
    let served = world.until(ms(3000), |w| w.serves(B)).expect("nobody answers");
    assert!(served <= ms(300), "deadtime and two scripts: {served:?}");
}

/// The receiver of a handover has begun, and its address comes last.
#[test]
fn a_slow_start_is_not_doubled_behind_a_cut_cable() {
    for after in [10, 300, 700, 900] {
        let mut world = seen(|_| {});
        world.hosts[B].scripts.time = ms(900);
        command(&mut world, A, Command::Standby(Scope::All)).expect("a standby");
        let begins = |w: &World| w.hosts[B].scripts.calls.iter().any(|(_, _, verb)| *verb == Verb::Start);
        world.until(ms(5000), begins).expect("a start");
        world.run(ms(after));
        world.cut_all(true);
        world.until(ms(10_000), |w| w.serves(B)).expect("it goes on");
        world.run(ms(10_000));
        assert!(!world.hosts[A].scripts.any(0), "{after}: {:?}", world.hosts[A].events);
        assert_eq!((wait(&world, A), world.overlap), (Some(Wait::Answered), Duration::ZERO), "{after}");
    }
}

#[test]
fn nor_is_a_slow_restart_in_place() {
    let mut world = seen(|c| c.monitor = Some(MonitorConfig { period: ms(100), failures: 5 }));
    world.hosts[A].scripts.time = ms(900);
    world.hosts[A].scripts.running[0][0] = false;
    world.until(ms(20_000), |w| !w.hosts[A].scripts.any(0)).expect("taken down first");
    world.cut_all(true);
    world.until(ms(20_000), |w| w.serves(A)).expect("put back");
    world.run(ms(5000));
    assert!(!world.hosts[B].scripts.any(0), "{:?}", world.hosts[B].events);
    assert_eq!((wait(&world, B), world.overlap), (Some(Wait::Answered), Duration::ZERO));
}

#[test]
fn nor_is_a_slow_stop() {
    for leaves in [false, true] {
        let mut world = seen(|_| {});
        world.hosts[A].scripts.time = ms(900);
        let go = if leaves { Command::Stop } else { Command::Standby(Scope::All) };
        command(&mut world, A, go).expect("it stops");
        world.run(ms(200));
        world.cut_all(true);
        world.until(ms(20_000), |w| !w.hosts[A].scripts.any(0)).expect("down");
        assert!(!world.hosts[B].scripts.any(0), "not before that");
        let answered = times(&world, B, |e| matches!(e, Event::AddressAnswered { waits: true, .. }));
        assert_eq!(answered, 1, "leaves: {leaves}");
        world.until(ms(20_000), |w| w.serves(A) != w.serves(B)).expect("then one of them serves");
        world.run(ms(5000));
        assert!(world.serves(B) || !leaves && world.serves(A), "leaves: {leaves}");
        assert_eq!(world.overlap, Duration::ZERO, "leaves: {leaves}");
    }
}

/// The daemon was killed; the next one takes down what it left, the address first.
#[test]
fn nor_is_a_slow_clean_up() {
    let mut world = seen(|_| {});
    world.hosts[A].watchdog = Watchdog::Off;
    world.hosts[A].scripts.time = ms(900);
    world.kill(A);
    world.run(ms(100));
    world.cut_all(true);
    world.start(A);
    world.until(ms(20_000), |w| !w.hosts[A].scripts.any(0)).expect("down");
    assert!(!world.hosts[B].scripts.any(0), "not before that");
    world.until(ms(20_000), |w| w.serves(A) != w.serves(B)).expect("then one of them serves");
    world.run(ms(5000));
    assert!(world.serves(A) != world.serves(B));
    assert_eq!(world.overlap, Duration::ZERO);
}

/// One way, so that the stuck node hears its peer well and is heard by nobody.
#[test]
fn nor_is_what_is_stuck() {
    let mut world = seen(|c| c.ask.answered = Some(Answered::Wait));
    world.hosts[A].watchdog = Watchdog::Off;
    world.input(A, Input::Watchdog(Watchdog::Off));
    world.run(ms(200));
    command(&mut world, A, Command::Standby(Scope::All)).expect("it stops");
    let address_down = |w: &World| w.hosts[A].scripts.any(0) && !w.hosts[A].scripts.all(0);
    world.until(ms(1000), address_down).expect("its address first");
    world.hosts[A].scripts.stop = Answer::Hangs;
    world.cut[A].fill(true);
    world.run(ms(60_000));
    assert_eq!(state(&world, A), GroupState::Stuck);
    assert!(!world.hosts[B].scripts.any(0), "{:?}", world.hosts[B].events);
}

/// Or the answers would pass for a stream that nobody asked for.
#[test]
fn questions_that_have_waited_are_answered_once() {
    let mut world = seen(|_| {});
    world.hosts[A].scripts.time = ms(900);
    command(&mut world, A, Command::Standby(Scope::All)).expect("it stops");
    world.run(ms(100));
    let now = world.now;
    let node = world.hosts[A].node.as_mut().expect("a daemon");
    let mut answers = |now| {
        node.handle_input(now, Input::Asked { address: 0, what: Asked::Question });
        let mut buf = [0; FRAME_BUF];
        let actions = std::iter::from_fn(|| node.poll_action(&mut buf));
        actions.filter(|action| matches!(action, Action::Defend { .. })).count()
    };
    assert_eq!([0; 4].map(|_| answers(now)), [1, 0, 0, 0]);
    assert_eq!(answers(now.plus(ms(10))), 1);
}

#[test]
fn a_start_that_has_begun_goes_on() {
    let mut world = seen(|_| {});
    world.hosts[B].scripts.time = ms(900);
    command(&mut world, A, Command::Standby(Scope::All)).expect("a standby");
    world.until(ms(5000), |w| w.hosts[B].scripts.any(0)).expect("a start");
    world.power_off(A);
    world.until(ms(5000), |w| w.serves(B)).expect("it goes on");
    assert_eq!(times(&world, B, |e| matches!(e, Event::Group { to: GroupState::Starting, .. })), 1);
}

/// B takes down what it ran before, A left in order and is back, and from then on A hears and is not heard.
#[test]
fn the_leave_of_a_life_that_is_over_gives_no_right() {
    let mut left = [0; 2];
    for after in 0..40 {
        let mut world = seen(|_| {});
        command(&mut world, A, Command::Standby(Scope::All)).expect("a standby");
        world.until(ms(2000), |w| w.serves(B)).expect("moved");
        world.run(ms(300));
        world.hosts[B].watchdog = Watchdog::Off;
        world.hosts[B].scripts.time = ms(60);
        world.kill(B);
        world.start(B);
        world.run(ms(10));
        command(&mut world, A, Command::Stop).expect("it leaves");
        world.until(ms(1000), |w| w.hosts[A].node.is_none()).expect("nothing to stop");
        world.start(A);
        world.run(Duration::from_micros(after * 100));
        world.cut[A].fill(true);
        world.run(ms(5000));
        assert_eq!(world.overlap, Duration::ZERO, "{after}: {:?}", world.hosts[B].events);
        assert!(world.serves(A) != world.serves(B), "{after}");
        let begins =
            |e: &Event| matches!(e, Event::Group { to: GroupState::Starting, cause: Cause::PeerLeaving, .. });
        left[usize::from(after > 20)] += times(&world, B, begins);
    }
    assert!(left[0] > 0 && left[1] == 0, "only where the next life was not heard: {left:?}");
}

/// Claimed in silence, and then the claimant stands still before its first script, while the holder's machine is seen again.
#[test]
fn a_claim_from_before_an_own_stall_is_decided_again() {
    let mut world = seen(|_| {});
    world.kill(A);
    world.hosts[A].watchdog = Watchdog::Off;
    world.lan.carrier[A] = false;
    world.hosts[B].scripts.time = ms(60);
    world.until(ms(5000), |w| state(w, B) == GroupState::Starting).expect("nobody answers");
    world.run(ms(20));
    world.freeze(B);
    world.lan.carrier[A] = true;
    world.run(ms(1000));
    world.thaw(B);
    world.run(ms(10_000));
    assert!(!world.hosts[B].scripts.any(0), "{:?}", world.hosts[B].events);
    assert_eq!((wait(&world, B), world.overlap), (Some(Wait::Answered), Duration::ZERO));
}

/// What is stuck at the peer answers for itself while its address is down; the holder that restarts a resource goes on.
#[test]
fn a_holder_is_not_ended_by_what_is_stuck_and_heard() {
    let mut world = seen(|c| c.monitor = Some(MonitorConfig { period: ms(100), failures: 5 }));
    world.power_off(B);
    world.run(ms(1000));
    world.hosts[B].scripts.running[0][0] = true;
    world.hosts[B].scripts.stop = Answer::Lies;
    world.hosts[B].watchdog = Watchdog::Off;
    world.start(B);
    world.until(ms(10_000), |w| state(w, B) == GroupState::Stuck).expect("it cannot be stopped");
    world.run(ms(500));
    world.hosts[A].scripts.running[0][1] = false;
    world.run(ms(200));
    world.until(ms(3000), |w| w.serves(A)).expect("put back in place");
    world.run(ms(3000));
    assert_eq!(times(&world, A, |e| matches!(e, Event::AddressTaken { .. })), 0);
    assert!(world.serves(A));
}

/// The old holder puts a resource back, finds that another machine has the address, and stops: it does not keep that one off
/// meanwhile.
#[test]
fn who_gives_way_keeps_nobody_off() {
    let mut world = seen(|c| {
        c.monitor = Some(MonitorConfig { period: ms(50), failures: 5 });
        (c.timing.keepalive, c.timing.warntime) = (ms(1000), ms(5000));
        (c.timing.deadtime, c.timing.initdead) = (ms(10_000), ms(20_000));
    });
    world.run(ms(4000));
    world.cut_all(true);
    world.lan.carrier[A] = false;
    world.run(ms(9900));
    world.hosts[A].scripts.running[0][1] = false;
    world.until(ms(9000), |w| w.serves(B)).expect("nobody answers");
    world.lan.carrier[A] = true;
    let taken = |w: &World| times(w, A, |e| matches!(e, Event::AddressTaken { .. })) == 1;
    world.until(ms(1000), taken).expect("the other one answers");
    // The stop outlasts the pause of the questions of who has just claimed.
    world.hosts[A].scripts.time = ms(800);
    world.run(ms(20_000));
    assert!(world.serves(B) && !world.hosts[A].scripts.any(0), "{:?}", world.hosts[B].events);
    assert_eq!(times(&world, A, |e| matches!(e, Event::AddressTaken { .. })), 1);
    assert_eq!(times(&world, B, |e| matches!(e, Event::AddressTaken { .. })), 0);
}

/// DESIGN §7 O2c.12: but a machine that is gone again keeps nobody off, and the group still runs here in part.
#[test]
fn who_gave_way_to_what_is_gone_is_asked_again() {
    for (gone, until_cut) in [(0, 0), (30, 0), (30, 40), (100, 0), (150, 100)] {
        let mut world = seen(|c| {
            c.monitor = Some(MonitorConfig { period: ms(50), failures: 1 });
            // The peer calls it otherwise, so that it shows nothing of it.
            c.groups[0].name_hash ^= u32::from(c.side == Side::Odd);
        });
        world.hosts[A].scripts.time = ms(180);
        world.hosts[A].scripts.running[0][1] = false;
        world.lan.stranger = true;
        let taken = |w: &World| times(w, A, |e| matches!(e, Event::AddressTaken { .. })) == 1;
        world.until(ms(2000), taken).expect("a third machine answers");
        world.run(ms(gone));
        world.lan.stranger = false;
        world.run(ms(until_cut));
        world.cut_all(true);
        let mut both = false;
        watch(&mut world, ms(9000), |world, _| {
            both |= world.hosts[A].scripts.any(0) && world.hosts[B].scripts.any(0);
        });
        assert!(!both, "{gone} {until_cut}: {:?}", world.hosts[B].events);
        assert!(world.serves(A) != world.serves(B), "{gone} {until_cut}");
    }
}
