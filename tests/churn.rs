//! Two days of virtual churn: what a pair goes through in years, and nothing in it grows or comes near its end.

use hb_core::config::{Isolated, MonitorConfig, Timing};
use hb_core::{Command, Duration, Instant, Scope};
use hb_sim::dice::Dice;
use hb_sim::{Note, World};

const KEEPALIVE: Duration = Duration::from_secs(1);
const DAYS: Duration = Duration::from_secs(48 * 3600);
/// Longest from any of these events to one holder and silence.
const REST: Duration = Duration::from_secs(180);

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A pair with the times of a real one.
fn pair() -> World {
    let mut world = World::new(|c| {
        c.timing = Timing {
            keepalive: KEEPALIVE,
            warntime: secs(5),
            deadtime: secs(10),
            initdead: secs(30),
            deadping: secs(10),
        };
        c.pings = 1;
        c.isolated = Isolated::Claim;
        c.monitor = Some(MonitorConfig { period: secs(15), failures: 2 });
    });
    world.keep = false;
    world.boot_time = Some(secs(20));
    world.start(0);
    world.start(1);
    world
}

/// What one stretch of time came to.
#[derive(Default)]
struct Stretch {
    sent: [u64; 2],
    said: [u64; 2],
    calls: u64,
}

fn pass(world: &mut World, time: Duration) -> Stretch {
    let end = world.now.plus(time);
    let mut stretch = Stretch::default();
    while world.step(end) {
        for note in world.notes.drain(..) {
            match note {
                Note::Sent { host, link: 0, .. } => stretch.sent[host] += 1,
                Note::Said { host, .. } => stretch.said[host] += 1,
                Note::Called { .. } => stretch.calls += 1,
                _ => {}
            }
        }
    }
    stretch
}

fn holder(world: &World) -> Option<usize> {
    match [world.serves(0), world.serves(1)] {
        [true, false] => Some(0),
        [false, true] => Some(1),
        _ => None,
    }
}

/// One of the things that happen to a pair; gives its name.
fn befall(world: &mut World, dice: &mut Dice) -> &'static str {
    let host = dice.roll(2) as usize;
    match dice.roll(9) {
        0 => {
            let at = holder(world).unwrap_or(host);
            let _ = world.command(at, Command::Standby(Scope::All));
            "standby"
        }
        1 => {
            let at = 1 - holder(world).unwrap_or(host);
            let _ = world.command(at, Command::Takeover(Scope::All));
            "takeover"
        }
        2 => {
            world.cut_all(true);
            pass(world, secs(dice.range(1, 60)));
            world.cut_all(false);
            "cut"
        }
        3 => {
            world.kill(host);
            pass(world, secs(dice.range(1, 40)));
            world.start(host);
            "kill"
        }
        4 => {
            world.power_off(host);
            pass(world, secs(dice.range(5, 60)));
            world.boot_after(host, Duration::ZERO);
            "power"
        }
        5 => {
            let _ = world.command(host, Command::Stop);
            pass(world, secs(dice.range(5, 30)));
            if world.hosts[host].node.is_none() {
                world.start(host);
            }
            "stop"
        }
        6 => {
            reload(world, host, dice);
            "reload"
        }
        7 => {
            for _ in 0..dice.range(2, 30) {
                let link = dice.roll(2) as u8;
                world.hosts[host].open ^= 1 << link;
                world.tell_links(host);
                pass(world, Duration::from_millis(dice.range(50, 3000)));
            }
            world.hosts[host].open = 0xFF;
            world.tell_links(host);
            "flaps"
        }
        _ => {
            world.freeze(host);
            pass(world, secs(dice.range(1, 40)));
            world.thaw(host);
            "freeze"
        }
    }
}

fn reload(world: &mut World, host: usize, dice: &mut Dice) {
    let now = world.now;
    let Some(node) = &mut world.hosts[host].node else { return };
    let mut tuning = node.tuning();
    tuning.warntime = secs(dice.range(3, 8));
    tuning.monitor = dice.chance(500).then(|| MonitorConfig { period: secs(dice.range(5, 30)), failures: 2 });
    node.retune(now, &tuning).expect("values in range");
    world.drain(host);
    let keys = world.hosts[host].keys.clone();
    if let Some(node) = &mut world.hosts[host].node {
        node.set_keys(keys);
    }
}

#[test]
fn two_days_of_churn_leave_nothing_behind() {
    let mut world = pair();
    let mut dice = Dice::new(48);
    let end = Instant::from_millis(1000).plus(DAYS);
    let (mut events, mut lives) = (0u32, [0u32; 2]);
    pass(&mut world, secs(60));
    while world.now < end {
        let what = befall(&mut world, &mut dice);
        events += 1;
        // One holder again, and then silence.
        let begin = world.now;
        while holder(&world).is_none() && world.now.since(begin) < REST {
            pass(&mut world, KEEPALIVE);
        }
        pass(&mut world, secs(120));
        assert!(holder(&world).is_some(), "no rest after {what}, event {events}");
        let quiet = pass(&mut world, secs(60));
        for (host, life) in lives.iter_mut().enumerate() {
            let node = world.hosts[host].node.as_ref().expect("a daemon");
            let (glance, status) = (node.glance(), node.status(world.now));
            assert_eq!(glance.events_lost, 0, "host {host} lost events, last {what}");
            assert_eq!(quiet.said[host], 0, "a pair at rest says nothing, last {what}");
            // One beat a keepalive, whatever happened before.
            assert!(
                (58..=62).contains(&quiet.sent[host]),
                "{} beats a minute after {what}",
                quiet.sent[host]
            );
            assert!(quiet.calls <= 26, "{} script calls a minute", quiet.calls);
            // Numbers follow the time of a life: a storm would show in them.
            let lived = world.hosts[host].lived(world.now).as_millis() / 1000;
            let seq = u64::from(glance.seq);
            assert!(seq <= lived * 3 + 300, "host {host}: beat {seq} after {lived} s, last {what}");
            for link in &status.links {
                assert!(link.heard && link.hears, "every link carries again after {what}");
                assert!(u64::from(link.rx) <= lived * 4 + 600 && u64::from(link.bad) <= lived + 600);
            }
            assert!(world.hosts[host].waiting() <= 4, "host {host}: calls or writes pile up after {what}");
            *life = (*life).max(world.hosts[host].lives());
            let counter = world.hosts[host].saved.counter;
            assert_eq!(counter, world.hosts[host].lives(), "each life is counted once");
            let epoch = world.hosts[host].saved.epochs.iter().map(|(_, epoch)| *epoch).max().unwrap_or(0);
            assert!(epoch <= events * 8 + 16, "epoch {epoch} after {events} events");
        }
        assert!(world.pending() <= 64, "{} things wait in the world", world.pending());
    }
    assert!(events > 400 && lives.iter().all(|lives| *lives > 50), "{events} events, {lives:?} lives");
}
