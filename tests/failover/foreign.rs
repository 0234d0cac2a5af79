//! A peer that runs Linux-HA Heartbeat, and those who only write in its name (DESIGN §4).

use crate::{A, B, command, ms, settled, state, times, wait};
use hb_core::config::Answered;
use hb_core::message::GroupState;
use hb_core::{
    BadFrame, Cause, Command, Config, Duration, Event, Instant, LinkId, PeerState, Refusal, Verb, Wait,
};
use hb_sim::text::{beat, text};
use hb_sim::{World, keys};

const SERIAL: LinkId = LinkId(0);
const UDP: LinkId = LinkId(1);

/// The peer's Heartbeat, as far as it is heard.
struct Other {
    generation: u32,
    seq: u32,
    /// What it puts into every heartbeat.
    more: &'static str,
}

impl Other {
    fn new(generation: u32, more: &'static str) -> Self {
        Self { generation, seq: 0, more }
    }

    /// Its next heartbeat.
    fn beat(&mut self, world: &mut World, to: usize) -> Vec<u8> {
        self.seq += 1;
        let node = ["ha-2", "ha-1"][to];
        let bytes = beat(&keys(b"secret"), node, self.generation, self.seq, self.more);
        world.inject(to, UDP, &bytes);
        bytes
    }

    /// Another of its messages.
    fn says(&mut self, world: &mut World, to: usize, what: &str) -> Vec<u8> {
        self.seq += 1;
        let node = ["ha-2", "ha-1"][to];
        let numbers = format!("src={node} seq={:x} hg={:x} ts=3f7a1b2c ttl=3", self.seq, self.generation);
        let bytes = text(&keys(b"secret"), &format!("{what} {numbers}"));
        world.inject(to, UDP, &bytes);
        bytes
    }

    /// It lives for `time`, with a heartbeat each 100 ms. What it sent.
    fn lives(&mut self, world: &mut World, to: usize, time: Duration) -> Vec<Vec<u8>> {
        let end = world.now.plus(time);
        let mut sent = Vec::new();
        while world.now < end {
            sent.push(self.beat(world, to));
            world.run(ms(100));
        }
        sent
    }
}

/// A node beside a Heartbeat that it has heard for four seconds; what that sent.
fn beside(more: &'static str, change: impl Fn(&mut Config)) -> (World, Other, Vec<Vec<u8>>) {
    let mut world = World::new(change);
    world.start(B);
    let mut other = Other::new(0x6b04_90dc, more);
    let sent = other.lives(&mut world, B, ms(4000));
    assert!(!world.hosts[B].scripts.any(0), "{:?}", world.hosts[B].events);
    assert!(foreign(&world, B));
    (world, other, sent)
}

fn foreign(world: &World, host: usize) -> bool {
    world.hosts[host].node.as_ref().expect("a daemon").status(world.now).peer.foreign
}

/// How long after `since` the group runs on B.
fn served_after(world: &mut World, since: Instant, limit: Duration) -> Duration {
    world.until(limit, |w| w.serves(B)).expect("it never runs");
    world.now.since(since)
}

#[test]
fn nothing_is_claimed_against_a_heartbeat_that_a_key_of_ours_signed() {
    let (world, ..) = beside("dt=1f4", |_| {});
    assert_eq!(wait(&world, B), Some(Wait::PeerForeign));
    assert_eq!(times(&world, B, |e| *e == Event::PeerForeign), 1);
    let node = world.hosts[B].node.as_ref().unwrap();
    assert!(node.status(world.now).links.iter().all(|link| link.bad == 0));
}

#[test]
fn text_that_no_key_signed_is_counted_and_named_and_nothing_more() {
    let mut world = settled(|_| {});
    world.power_off(A);
    let begin = world.now;
    let wrong = |n| beat(&keys(b"wrong"), "ha-1", 9, n, "");
    for n in 0..54 {
        world.inject(B, UDP, b">>>\nsrc=ha-1\n");
        world.inject(B, UDP, b">>>\nt=status\nst=active\nsrc=ha-1\nseq=1\nhg=7\nts=1\nttl=3\n<<<\n\0");
        world.inject(B, UDP, &wrong(n));
        world.inject(B, SERIAL, &wrong(n));
        world.run(ms(10));
    }
    let took = served_after(&mut world, begin, ms(0));
    assert!(took <= ms(560), "{took:?}");
    assert!(!foreign(&world, B));
    assert_eq!(times(&world, B, |e| *e == Event::BadFrames(UDP, BadFrame::Text)), 1);
    assert_eq!(times(&world, B, |e| *e == Event::BadFrames(SERIAL, BadFrame::Text)), 1);
    let status = world.hosts[B].node.as_ref().unwrap().status(world.now);
    // While the peer lived its text was not looked at: for the first 500 ms.
    assert!(status.links[0].text >= 1 && status.links[1].text >= 2, "{:?}", status.links);
}

#[test]
fn confirm_down_is_refused_for_verified_text_alone() {
    let mut world = settled(|_| {});
    world.power_off(A);
    world.run(ms(520));
    for _ in 0..20 {
        world.inject(B, UDP, b">>>\nsrc=ha-1\n");
        world.run(ms(20));
    }
    assert_eq!(command(&mut world, B, Command::ConfirmDown), Ok(()));
    let (mut world, ..) = beside("", |_| {});
    assert_eq!(command(&mut world, B, Command::ConfirmDown), Err(Refusal::PeerAlive));
    // It says nothing of its deadtime, so initdead is waited for; an operator knows more.
    world.run(ms(600));
    assert!(foreign(&world, B) && !world.hosts[B].scripts.any(0));
    let begin = world.now;
    assert_eq!(command(&mut world, B, Command::ConfirmDown), Ok(()));
    assert!(served_after(&mut world, begin, ms(200)) < ms(200));
}

#[test]
fn it_is_dead_after_the_larger_of_the_two_deadtimes() {
    for (more, dead) in [("dt=3e8", 1000), ("dt=1f4", 500), ("dt=64", 500), ("dt=1388", 5000), ("", 3000)] {
        let (mut world, mut other, _) = beside(more, |_| {});
        other.beat(&mut world, B);
        let begin = world.now;
        world.run(ms(dead - 10));
        assert!(!world.hosts[B].scripts.any(0), "{more}: claimed too early");
        let took = served_after(&mut world, begin, ms(200));
        assert!(took >= ms(dead) && took < ms(dead + 100), "{more}: {took:?}");
        assert_eq!(times(&world, B, |e| matches!(e, Event::ForeignDead(_))), 1);
        assert_eq!(times(&world, B, |e| *e == Event::PeerNeverMet), 0);
    }
}

#[test]
fn its_shutdown_lets_the_standby_claim_at_once_and_what_it_says_after_that_is_no_life() {
    let (mut world, mut other, _) = beside("dt=88b8", |_| {});
    other.says(&mut world, B, "t=resource rsc_hold=none isstable=0 info=shutdown");
    other.beat(&mut world, B);
    assert!(!world.hosts[B].scripts.any(0), "it has not stopped them yet");
    other.says(&mut world, B, "t=shutdone st=dead");
    let begin = world.now;
    // As captured: the daemon goes on for a second and a half.
    other.lives(&mut world, B, ms(100));
    assert!(served_after(&mut world, begin, ms(0)) <= ms(100));
    let begun = |cause| {
        times(
            &world,
            B,
            |e| matches!(e, Event::Group { to: GroupState::Starting, cause: because, .. } if *because == cause),
        )
    };
    assert_eq!((begun(Cause::PeerLeft), begun(Cause::PeerDead)), (1, 0), "it is not called dead");
    other.lives(&mut world, B, ms(1500));
    assert!(world.serves(B) && !foreign(&world, B));
    assert_eq!(times(&world, B, |e| *e == Event::ForeignLeft), 1);
    assert_eq!(times(&world, B, |e| *e == Event::PeerForeign), 1);
}

/// What is read after a stall may be older than its next start, which a full buffer has lost.
#[test]
fn a_shutdown_that_is_read_after_a_stall_is_left_to_its_silence() {
    for back in [false, true] {
        let (mut world, mut other, _) = beside("dt=1f4", |_| {});
        world.now = world.now.plus(ms(3000));
        other.says(&mut world, B, "t=shutdone st=dead");
        world.input(B, hb_core::Input::Tick { drained: true });
        let begin = world.now;
        if back {
            let mut next = Other::new(0x6b04_90dd, "dt=1f4");
            next.lives(&mut world, B, ms(3000));
            assert!(!world.hosts[B].scripts.any(0), "beside its next start");
        } else {
            let took = served_after(&mut world, begin, ms(1000));
            assert!(took >= ms(500), "{took:?}");
        }
    }
}

#[test]
fn a_shutdown_is_believed_of_one_that_was_watched_for_a_deadtime() {
    let mut world = World::new(|_| {});
    world.start(B);
    world.run(ms(200));
    // A recording of an earlier start, and then the one that runs.
    let mut earlier = Other::new(6, "dt=1f4");
    earlier.beat(&mut world, B);
    earlier.says(&mut world, B, "t=shutdone st=dead");
    world.run(ms(100));
    assert!(!world.hosts[B].scripts.any(0));
    Other::new(7, "dt=1f4").lives(&mut world, B, ms(2000));
    assert!(!world.hosts[B].scripts.any(0) && foreign(&world, B));
}

#[test]
fn no_message_is_taken_twice_and_no_earlier_start() {
    let (mut world, mut other, sent) = beside("dt=1f4", |_| {});
    let begin = world.now;
    for bytes in sent.iter().cycle().take(200) {
        world.inject(B, UDP, bytes);
        world.run(ms(5));
    }
    assert!(served_after(&mut world, begin, ms(0)) <= ms(1000));
    assert!(!foreign(&world, B));
    // A start before it, whose recording nobody has seen yet.
    Other::new(other.generation - 1, "dt=1f4").lives(&mut world, B, ms(600));
    assert!(!foreign(&world, B));
    let old = Event::ForeignOld { shown: other.generation - 1, known: other.generation };
    assert_eq!(times(&world, B, |e| *e == old), 1);
    // The daemon itself goes on: it was a cut link.
    other.lives(&mut world, B, ms(300));
    assert!(foreign(&world, B));
}

#[test]
fn what_was_taken_is_remembered_across_lives() {
    let (mut world, _, sent) = beside("dt=1f4", |_| {});
    world.run(ms(700));
    assert!(world.serves(B));
    world.power_off(B);
    world.run(ms(100));
    let saved = world.hosts[B].saved.foreign.expect("kept");
    assert_eq!(saved.generation, 0x6b04_90dc);
    assert_eq!(saved.seq as usize, sent.len());
    assert!(saved.keyed);
    world.start(B);
    let begin = world.now;
    for bytes in sent.iter().cycle().take(800) {
        world.inject(B, UDP, bytes);
        world.run(ms(5));
    }
    assert!(served_after(&mut world, begin, ms(0)) <= ms(4000));
    assert_eq!(times(&world, B, |e| *e == Event::PeerForeign), 1, "of the life before");
}

#[test]
fn while_the_peer_runs_hbd_text_is_ignored_and_after_its_end_only_a_newer_start_counts() {
    let mut world = settled(|_| {});
    let mut other = Other::new(5, "dt=1f4");
    let sent = other.lives(&mut world, B, ms(500));
    assert!(!foreign(&world, B), "its own frames live");
    world.power_off(A);
    let begin = world.now;
    world.run(ms(450));
    // Nothing was known of any start: this one counts.
    assert!(!world.serves(B));
    world.run(ms(100));
    other.lives(&mut world, B, ms(1000));
    assert!(foreign(&world, B), "somebody went back to Heartbeat");
    assert!(world.serves(B) && begin < world.now, "a holder goes on");
    // The peer is back with hbd, and goes again.
    world.start(A);
    world.until(ms(3000), |w| w.serves(A)).expect("failback");
    assert!(!foreign(&world, B));
    world.run(ms(1000));
    command(&mut world, A, Command::Stop).unwrap();
    world.until(ms(1000), |w| w.serves(B)).expect("O6");
    other.lives(&mut world, B, ms(500));
    assert!(!foreign(&world, B), "what ran before it is over for good");
    Other::new(6, "dt=1f4").lives(&mut world, B, ms(500));
    assert!(foreign(&world, B));
    for bytes in &sent {
        world.inject(B, UDP, bytes);
    }
    world.run(ms(600));
    assert!(!foreign(&world, B), "and nothing of before makes it live longer");
}

#[test]
fn text_does_not_disturb_a_handshake_and_native_frames_end_it() {
    let (mut world, mut other, _) = beside("dt=1388", |_| {});
    world.start(A);
    let begin = world.now;
    while !world.serves(A) {
        assert!(world.now.since(begin) < ms(2000), "no service: {:?}", world.hosts[A].events);
        other.beat(&mut world, B);
        world.inject(A, UDP, b">>>\nsrc=ha-2\n");
        world.run(ms(10));
    }
    assert!(!foreign(&world, B) && !world.serves(B));
    other.lives(&mut world, B, ms(500));
    assert!(!foreign(&world, B));
}

#[test]
fn text_between_native_frames_of_a_serial_line_costs_none_of_them() {
    let mut world = settled(|_| {});
    let lost = |world: &World| {
        let status = world.hosts[B].node.as_ref().unwrap().status(world.now);
        (status.links[0].lost, status.links[0].bad)
    };
    let before = lost(&world);
    let mut other = Other::new(5, "");
    for _ in 0..500 {
        let bytes = other.beat(&mut world, B);
        world.inject(B, SERIAL, &bytes);
        world.run(ms(7));
    }
    assert_eq!(lost(&world), before, "nor is it a damaged frame");
    assert!(world.serves(A) && !foreign(&world, B));
    assert_eq!(times(&world, B, |e| matches!(e, Event::LinkDown(_) | Event::PeerLate(_))), 0);
}

#[test]
fn a_stream_of_any_text_at_any_rate_hides_neither_life_nor_death() {
    for micros in [50, 1000, 100_000] {
        let mut world = settled(|_| {});
        let (recorded, mut n) = (beat(&keys(b"secret"), "ha-1", 3, 1, ""), 0_u32);
        let mut flood = |world: &mut World, time: Duration| {
            let end = world.now.plus(time);
            while world.now < end {
                n += 1;
                let bytes = match n % 4 {
                    0 => recorded.clone(),
                    1 => beat(&keys(b"wrong"), "ha-1", 4, n, ""),
                    2 => beat(&keys(b"secret"), "ha-2", 4, n, ""),
                    _ => b">>>\nsrc=ha-1\n".to_vec(),
                };
                world.inject(B, if n % 8 < 4 { UDP } else { SERIAL }, &bytes);
                world.run(Duration::from_micros(micros));
            }
        };
        flood(&mut world, ms(300));
        assert!(world.serves(A) && !world.serves(B));
        world.power_off(A);
        // The one signed text counts once, and it announces nothing: initdead.
        let begin = world.now;
        flood(&mut world, ms(3600));
        assert!(world.serves(B), "{micros}: {:?} after {:?}", wait(&world, B), world.now.since(begin));
        let named = times(&world, B, |e| matches!(e, Event::BadFrames(_, BadFrame::Text)));
        assert!(named <= 2, "{micros}: named {named} times");
    }
}

#[test]
fn one_that_takes_a_held_group_is_given_way_to_for_it_cannot_hear() {
    let mut world = World::new(|_| {});
    world.start(B);
    world.until(ms(4000), |w| w.serves(B)).expect("alone");
    let mut other = Other::new(9, "dt=1f4");
    other.lives(&mut world, B, ms(1000));
    other.says(&mut world, B, "t=resource rsc_hold=foreign isstable=1 rtype=full");
    other.lives(&mut world, B, ms(300));
    assert!(world.serves(B), "the group prefers the other node: it is none of its foreign ones");
    other.says(&mut world, B, "t=resource rsc_hold=all isstable=1 info=req_our_resources()");
    world.until(ms(500), |w| !w.hosts[B].scripts.any(0)).expect("two would serve for ever");
    assert_eq!(times(&world, B, |e| matches!(e, Event::ForeignHolds(_))), 1);
    other.lives(&mut world, B, ms(2000));
    assert_eq!(state(&world, B), GroupState::Idle);
    assert_eq!(wait(&world, B), Some(Wait::PeerForeign));
    // And when it ends, this node goes on.
    other.says(&mut world, B, "t=shutdone st=dead");
    world.until(ms(200), |w| w.serves(B)).expect("it has left");
}

#[test]
fn a_recording_takes_nothing_away_from_a_holder() {
    let (mut world, mut other, _) = beside("dt=1f4", |_| {});
    let claim = other.says(&mut world, B, "t=resource rsc_hold=all isstable=1 rtype=full");
    world.run(ms(700));
    assert!(world.serves(B));
    for _ in 0..50 {
        world.inject(B, UDP, &claim);
        world.inject(B, SERIAL, &claim);
        world.run(ms(20));
    }
    assert!(world.serves(B));
    let stops = world.hosts[B].scripts.calls.iter().filter(|(_, _, verb)| *verb == Verb::Stop).count();
    assert_eq!(stops, 0);
    assert_eq!(times(&world, B, |e| matches!(e, Event::Group { cause: Cause::Conflict, .. })), 0);
}

#[test]
fn an_older_start_of_one_that_never_answered_is_asked_for_first() {
    let (mut world, other, _) = beside("dt=1f4", |_| {});
    world.kill(B);
    world.address_answers = true;
    world.start(B);
    // Its counter was lost: it is a real one, and holds.
    let mut lost = Other::new(1, "dt=1f4");
    lost.lives(&mut world, B, ms(5000));
    assert!(!world.hosts[B].scripts.any(0), "somebody answers for the address");
    assert!(!foreign(&world, B));
    assert_eq!(wait(&world, B), Some(Wait::OneWay));
    let old = Event::ForeignOld { shown: 1, known: other.generation };
    assert_eq!(times(&world, B, |e| *e == old), 1, "with the way out");
    let status = world.hosts[B].node.as_ref().unwrap().status(world.now);
    assert_eq!(status.peer.state, PeerState::Dead);
}

#[test]
fn a_living_heartbeat_is_not_asked_after_and_a_silent_one_is_in_time() {
    let answered = |world: &World| times(world, B, |e| matches!(e, Event::AddressAnswered { .. }));
    for met in [false, true] {
        let mut world = World::new(|config| config.ask.answered = Some(Answered::Wait));
        world.start(B);
        if met {
            world.start(A);
            world.until(ms(4000), |w| w.serves(A)).expect("a start");
            command(&mut world, A, Command::Stop).unwrap();
            world.until(ms(1000), |w| w.serves(B)).expect("O6");
            world.run(ms(700));
            world.kill(B);
            world.start(B);
        }
        world.address_answers = true;
        let mut other = Other::new(7, "dt=1f4");
        other.lives(&mut world, B, ms(6000));
        assert!(foreign(&world, B) && !world.hosts[B].scripts.any(0), "{met}");
        assert_eq!((answered(&world), wait(&world, B)), (0, Some(Wait::PeerForeign)), "{met}");
        // It falls silent, and its machine still answers: asked since warntime, so that it costs no time.
        world.run(ms(520));
        assert_eq!((answered(&world), wait(&world, B)), (1, Some(Wait::Answered)), "{met}");
        world.run(ms(5000));
        assert!(!world.hosts[B].scripts.any(0), "{met}");
        world.address_answers = false;
        world.until(ms(1200), |w| w.serves(B)).expect("one deadtime after the last answer");
    }
}
