//! How two nodes come into service.

use crate::{A, B, ms, settled, times};
use hb_core::config::GroupConfig;
use hb_core::{Duration, Event, GroupId, Input, LinkId, Side, Watchdog};
use hb_sim::World;

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

/// DESIGN §8.5: without a single link that works a node feeds all the same, or every network that fails would reset both.
#[test]
fn links_that_are_down_withhold_no_feed() {
    let mut world = settled(|_| {});
    world.input(A, Input::Watchdog(Watchdog::Armed { timeout: ms(1000) }));
    for link in 0..world.hosts[A].config.links.len() {
        world.input(A, Input::LinkChanged { link: LinkId(link as u8), up: false });
    }
    let fed = world.hosts[A].fed;
    world.run(ms(3000));
    assert!(world.hosts[A].fed >= fed + 25, "{} times in 3 s", world.hosts[A].fed - fed);
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
fn groups_live_on_their_own_nodes_and_one_death_moves_one() {
    let mut world = World::new(|c| {
        let second = GroupConfig {
            name_hash: 0x77,
            digest: 3,
            preferred: Side::Odd,
            resources: 1,
            claimable: true,
            data: None,
        };
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
fn a_line_that_differs_is_named_until_it_is_mended() {
    let named = |world: &World, what: &Event| times(world, A, |event| event == what);
    let mut world = World::new(|c| c.groups[0].digest += u32::from(c.side == Side::Odd));
    world.start(A);
    world.start(B);
    world.run(ms(2000));
    assert_eq!(named(&world, &Event::GroupDiffers(GroupId(0))), 1);
    assert_eq!(named(&world, &Event::ConfigAgrees), 0);
    world.kill(B);
    world.hosts[B].config.groups[0].digest = world.hosts[A].config.groups[0].digest;
    world.start(B);
    world.run(ms(2000));
    assert_eq!(named(&world, &Event::GroupDiffers(GroupId(0))), 1, "said once");
    assert_eq!(named(&world, &Event::ConfigAgrees), 1);
}
