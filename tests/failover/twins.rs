//! Two machines of one name (DESIGN §4).

use crate::{A, B, ms, settled, times};
use hb_core::{Event, LinkId, Side, Wait};
use hb_sim::{Note, World};

fn twins(change: impl Fn(&mut hb_core::Config)) -> World {
    World::new(|c| {
        c.side = Side::Even;
        c.peer_name = "ha-2".try_into().unwrap();
        change(c);
    })
}

fn named(world: &World, host: usize) -> usize {
    times(world, host, |e| matches!(e, Event::Twin(_)))
}

#[test]
fn two_that_start_together_name_each_other_and_claim_nothing() {
    let mut world = twins(|_| {});
    world.start(A);
    world.start(B);
    world.run(ms(60_000));
    for host in [A, B] {
        assert_eq!(named(&world, host), 1, "said once: {:?}", world.hosts[host].events);
        assert!(!world.hosts[host].scripts.any(0));
        let status = world.hosts[host].node.as_ref().unwrap().status(world.now);
        assert!(status.twin && status.groups[0].wait == Some(Wait::Twin));
    }
    world.kill(A);
    world.until(ms(10_000), |w| w.serves(B)).expect("alone again");
    assert!(times(&world, B, |e| *e == Event::TwinGone) == 1);
}

#[test]
fn a_holder_goes_on_beside_its_twin() {
    let mut world = twins(|_| {});
    world.start(A);
    world.until(ms(6000), |w| w.serves(A)).expect("alone");
    world.start(B);
    world.run(ms(30_000));
    assert!(world.serves(A) && !world.hosts[B].scripts.any(0));
    assert!(named(&world, A) == 1 && named(&world, B) == 1);
    assert_eq!(world.overlap, ms(0));
}

/// Own frames come back on a broadcast medium, and those of every earlier life may be played back.
#[test]
fn what_comes_back_or_is_played_back_is_no_twin() {
    let mut world = settled(|_| {});
    let mut recorded = Vec::new();
    for _ in 0..3 {
        recorded.extend(world.hosts[A].sent.iter().filter(|f| f.1 == LinkId(1)).cloned());
        world.kill(A);
        world.run(ms(1500));
        world.start(A);
        world.run(ms(2000));
    }
    for (at, (_, link, bytes)) in recorded.iter().enumerate() {
        world.inject(A, *link, bytes);
        if at % 3 == 0 {
            world.run(ms(20));
        }
        let last = world.hosts[A].sent.last().cloned();
        if let Some((_, link, bytes)) = last {
            world.inject(A, link, &bytes);
        }
    }
    assert_eq!(named(&world, A), 0);
    assert!(!world.hosts[A].node.as_ref().unwrap().status(world.now).twin);
}

/// What a twin answered once is no twin for ever.
#[test]
fn a_twins_answer_played_back_is_none() {
    let mut world = twins(|_| {});
    world.start(A);
    world.start(B);
    world.run(ms(1000));
    let recorded: Vec<_> = world.hosts[B].sent.iter().filter(|f| f.1 == LinkId(1)).cloned().collect();
    world.kill(B);
    for (_, link, bytes) in recorded.iter().cycle().take(4000) {
        world.inject(A, *link, bytes);
        world.run(ms(2));
    }
    assert!(world.serves(A), "the twin is gone: {:?}", world.hosts[A].events);
}

/// Two lives of one node that do not hear each other, before a peer that hears both: an emptied run directory, a clone
/// on a null-modem of its own. Neither is quiet, and each admission of one makes the other a stranger.
struct Lives {
    /// The first life, and the peer.
    world: World,
    /// The second life, on host A; its host B is never started.
    second: World,
    /// What of each was carried over so far: of the second life, of the peer, of the first life.
    carried: [usize; 3],
    /// The two lives hear each other as well.
    open: bool,
    persisted: usize,
}

impl Lives {
    fn step(&mut self) {
        let end = self.world.now.plus(ms(2));
        while self.world.step(end) {
            let peers = |note: &Note| matches!(note, Note::Persisted { host: B, .. });
            self.persisted += self.world.notes.drain(..).filter(peers).count();
        }
        self.second.run(ms(2));
        let [mine, theirs, firsts] = &mut self.carried;
        let to_peer = self.second.hosts[A].sent[*mine..].to_vec();
        let to_second = self.world.hosts[B].sent[*theirs..].to_vec();
        *mine += to_peer.len();
        *theirs += to_second.len();
        to_peer.iter().for_each(|(_, link, bytes)| self.world.inject(B, *link, bytes));
        to_second.iter().for_each(|(_, link, bytes)| self.second.inject(A, *link, bytes));
        let of_first = self.world.hosts[A].sent[*firsts..].to_vec();
        *firsts += of_first.len();
        if self.open {
            to_peer.iter().for_each(|(_, link, bytes)| self.world.inject(A, *link, bytes));
            of_first.iter().for_each(|(_, link, bytes)| self.second.inject(A, *link, bytes));
        }
    }
}

/// A settled pair of which A holds, and a second life of A's name that begins `late` after that.
fn lives(late: u64, open: bool) -> Lives {
    let mut world = settled(|_| {});
    world.run(ms(late));
    let mut second = World::new(|_| {});
    second.start(A);
    second.kill(A);
    second.run(world.now.since(second.now));
    second.start(A);
    let carried = [second.hosts[A].sent.len(), world.hosts[B].sent.len(), world.hosts[A].sent.len()];
    Lives { world, second, carried, open, persisted: 0 }
}

/// A clone that boots beside the pair has met the peer, its own groups proven stopped, well within a keepalive. The life
/// before it answers it at once, so that it knows by then.
#[test]
fn a_clone_that_starts_beside_the_pair_claims_nothing() {
    for late in (0..100).step_by(7) {
        let mut lives = lives(late, true);
        for _ in 0..1000 {
            lives.step();
            assert!(!lives.second.hosts[A].scripts.any(0), "{late} ms: {:?}", lives.second.hosts[A].events);
        }
        assert!(lives.world.serves(A), "{late} ms: {:?}", lives.world.hosts[A].events);
        assert!(named(&lives.world, A) == 1 && named(&lives.second, A) == 1, "{late} ms");
    }
}

#[test]
fn two_lives_of_one_node_make_no_storm() {
    for open in [false, true] {
        no_storm(open);
    }
}

fn no_storm(open: bool) {
    let mut lives = lives(0, open);
    let seconds = 60;
    let counts = |lives: &Lives| {
        let hosts = [&lives.world.hosts[A], &lives.world.hosts[B], &lives.second.hosts[A]];
        (hosts.map(|host| host.sent.len()), hosts.map(|host| host.events.len()))
    };
    let (sent, events) = counts(&lives);
    let met = times(&lives.world, B, |e| matches!(e, Event::PeerMet(_)));
    for _ in 0..seconds * 500 {
        lives.step();
    }
    let (sent_then, events_then) = counts(&lives);
    let met = times(&lives.world, B, |e| matches!(e, Event::PeerMet(_))) - met;
    let links = lives.world.hosts[B].config.links.len();
    let told = format!(
        "met {met}, persisted {}, sent {sent:?} {sent_then:?}, events {events:?} {events_then:?}: {:?}",
        lives.persisted,
        lives.world.hosts[B].events.iter().rev().take(40).collect::<Vec<_>>()
    );
    for host in 0..3 {
        // At a keepalive of 100 ms: ten beats a second on each link, and answers to hellos, each bounded by itself.
        assert!(sent_then[host] - sent[host] <= seconds * 25 * links, "host {host}: {told}");
        assert!(events_then[host] - events[host] <= (seconds * 4 + 3) * (1 + links), "host {host}: {told}");
    }
    // At a deadtime of 500 ms: one in half of it, and the first ones.
    assert!(met <= seconds * 4 + 3, "{told}");
    assert!(lives.persisted <= (seconds * 4 + 3) * 3, "at most three writes for each: {told}");
}

/// The group is the peer's own by preference, and the second life shows it stopped: what holds it is the first one.
#[test]
fn the_peer_of_two_lives_says_so_and_claims_nothing_beside_them() {
    let prefer = |c: &mut hb_core::Config| {
        c.failback = false;
        c.groups[0].preferred = Side::Odd;
    };
    let mut world = World::new(prefer);
    world.start(A);
    world.until(ms(6000), |w| w.serves(A)).expect("alone");
    world.start(B);
    world.run(ms(2000));
    let mut second = World::new(prefer);
    second.start(A);
    second.kill(A);
    second.run(world.now.since(second.now));
    second.start(A);
    let carried = [second.hosts[A].sent.len(), world.hosts[B].sent.len(), world.hosts[A].sent.len()];
    let mut lives = Lives { world, second, carried, open: false, persisted: 0 };
    let mut told = false;
    for _ in 0..20 * 500 {
        lives.step();
        assert!(!lives.world.hosts[B].scripts.any(0), "beside a holder: {:?}", lives.world.hosts[B].events);
        let status = lives.world.hosts[B].node.as_ref().unwrap().status(lives.world.now);
        told |= status.peer.twins && status.groups[0].wait == Some(Wait::PeerTwins);
    }
    assert!(lives.world.serves(A) && told);
    let mut world = lives.world;
    assert_eq!(times(&world, B, |e| matches!(e, Event::PeerTwins(_))), 1, "said once");
    world.run(ms(5000));
    assert_eq!(times(&world, B, |e| *e == Event::PeerTwinsGone), 1);
    world.power_off(A);
    world.until(ms(3000), |w| w.serves(B)).expect("the one that is left is dead");
}

/// A daemon that is started anew, again and again, is one life after the other.
#[test]
fn a_peer_that_starts_again_is_no_twin_and_is_taken_over_from_as_ever() {
    let mut world = settled(|_| {});
    for _ in 0..5 {
        world.kill(A);
        world.run(ms(40));
        world.start(A);
        world.run(ms(300));
    }
    assert_eq!(times(&world, B, |e| matches!(e, Event::PeerTwins(_))), 0);
    world.power_off(A);
    world.until(ms(3500), |w| w.serves(B)).expect("taken over");
}
