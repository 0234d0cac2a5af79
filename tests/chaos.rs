//! Many random schedules of faults and commands, each reproducible from its seed: when the faults end, exactly one
//! node serves, and no two nodes served while they could talk for longer than it takes to say so.

use hb_core::message::GroupState;
use hb_core::{Command, Duration, GroupId, Scope};
use hb_sim::{Answer, World};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A small generator: the schedule is the seed's, and nothing else's.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn host(&mut self) -> usize {
        usize::from(self.roll(2) == 1)
    }
}

fn command(world: &mut World, host: usize, command: Command) {
    let now = world.now;
    if let Some(node) = world.hosts[host].node.as_mut() {
        let _ = node.operator(now, command);
        world.drain(host);
    }
}

/// One fault or command.
fn disturb(world: &mut World, dice: &mut Dice, log: &mut Vec<String>) {
    let host = dice.host();
    let alive = world.hosts[host].node.is_some();
    let what = dice.roll(14);
    log.push(format!("{:?}: {what} on {host}", world.now));
    match what {
        0 if alive => world.power_off(host),
        1 if alive => world.kill(host),
        0..=3 if !alive => world.start(host),
        2 => world.cut_all(true),
        3 => world.cut_all(false),
        4 => {
            let link = usize::from(dice.roll(2) == 1);
            world.cut[host][link] ^= true;
        }
        5 if alive => {
            world.freeze(host);
            world.run(ms(dice.roll(2000)));
            world.thaw(host);
        }
        6 => command(world, host, Command::Standby(Scope::All)),
        7 => command(world, host, Command::Takeover(Scope::All)),
        8 => world.hosts[host].scripts.start = Answer::Fails,
        9 => world.hosts[host].scripts.start = Answer::Honest,
        10 => command(world, host, Command::Clear(GroupId(0))),
        11 => command(world, host, Command::Stop),
        12 => world.hosts[host].scripts.time = ms(1 + dice.roll(80)),
        13 => world.hosts[host].saved = hb_core::Saved::default(),
        _ => {}
    }
}

fn state(world: &World, host: usize) -> Option<GroupState> {
    Some(world.hosts[host].node.as_ref()?.status(world.now).groups[0].state)
}

/// Ends every fault, and checks that the pair comes to rest in the right place.
fn heal(world: &mut World, seed: u64, log: &[String]) {
    world.cut_all(false);
    for host in 0..2 {
        world.hosts[host].scripts.start = Answer::Honest;
        world.hosts[host].scripts.time = ms(10);
        if world.hosts[host].node.is_none() {
            world.start(host);
        }
    }
    // A node on its way out ends first.
    world.run(ms(5000));
    for host in 0..2 {
        if world.hosts[host].node.is_none() {
            world.start(host);
        }
        command(world, host, Command::Clear(GroupId(0)));
    }
    world.run(ms(8000));
    let states = [state(world, 0), state(world, 1)];
    let serving = [world.serves(0), world.serves(1)];
    let whole = |world: &World| {
        format!("seed {seed}\n{}\n{:#?}\n{:#?}", log.join("\n"), tail(world, 0), tail(world, 1))
    };
    assert_eq!(serving.iter().filter(|s| **s).count(), 1, "{states:?} {serving:?} {}", whole(world));
    for host in 0..2 {
        let expected = if serving[host] { GroupState::Held } else { GroupState::Idle };
        assert_eq!(states[host], Some(expected), "{host} {}", whole(world));
        assert_eq!(world.hosts[host].scripts.any(0), serving[host], "{}", whole(world));
    }
    // And it stays there.
    let calls: Vec<usize> = world.hosts.iter().map(|h| h.scripts.calls.len()).collect();
    world.run(ms(5000));
    let later: Vec<usize> = world.hosts.iter().map(|h| h.scripts.calls.len()).collect();
    assert_eq!(calls, later, "scripts run on a settled pair: {}", whole(world));
}

fn tail(world: &World, host: usize) -> Vec<String> {
    let events = &world.hosts[host].events;
    events.iter().rev().take(25).rev().map(|e| format!("{e:?}")).collect()
}

#[test]
fn after_any_schedule_of_faults_exactly_one_node_serves() {
    for seed in 0..400 {
        let mut dice = Dice(seed * 7919 + 1);
        let mut world = World::new(|c| c.failback = seed % 3 != 0);
        let mut log = Vec::new();
        world.start(0);
        world.start(1);
        for _ in 0..12 {
            world.run(ms(dice.roll(1500)));
            disturb(&mut world, &mut dice, &mut log);
        }
        heal(&mut world, seed, &log);
    }
}

#[test]
fn ordered_moves_never_overlap() {
    for seed in 0..200 {
        let mut dice = Dice(seed * 104_729 + 3);
        let mut world = World::new(|c| c.failback = seed % 2 == 0);
        world.start(0);
        world.start(1);
        world.run(ms(1500));
        for _ in 0..12 {
            let host = dice.host();
            match dice.roll(7) {
                0 => command(&mut world, host, Command::Standby(Scope::All)),
                1 => command(&mut world, host, Command::Takeover(Scope::All)),
                2 => world.hosts[host].scripts.start = Answer::Fails,
                3 => world.hosts[host].scripts.start = Answer::Honest,
                4 => command(&mut world, host, Command::Clear(GroupId(0))),
                5 => command(&mut world, host, Command::Stop),
                _ if world.hosts[host].node.is_none() => world.start(host),
                _ => world.hosts[host].scripts.time = ms(1 + dice.roll(60)),
            }
            world.run(ms(dice.roll(700)));
        }
        assert_eq!(
            world.overlap,
            Duration::ZERO,
            "seed {seed}: {:#?} {:#?}",
            tail(&world, 0),
            tail(&world, 1)
        );
        heal(&mut world, seed, &[]);
    }
}
