//! How fast simulated time runs: a settled pair at keepalive 1 s, one core.

use crate::setup::keyring;
use crate::world::World;
use hb_core::auth::Method;
use hb_core::config::Timing;
use hb_core::{Config, Duration};

/// The least that is good enough.
pub const BAR: f64 = 50_000.0;
/// Simulated in one round.
const ROUND: Duration = Duration::from_secs(20_000);

/// Two nodes in service at keepalive 1 s, one serial line and one datagram link, crc.
///
/// # Panics
/// If they do not come into service.
#[must_use]
pub fn settled() -> World {
    let mut world = World::new(|c: &mut Config| {
        c.timing = Timing {
            keepalive: Duration::from_secs(1),
            warntime: Duration::from_secs(5),
            deadtime: Duration::from_secs(10),
            initdead: Duration::from_secs(30),
            deadping: Duration::from_secs(10),
        };
    });
    world.keep = false;
    for host in 0..2 {
        world.hosts[host].keys = keyring(Method::Crc, b"");
        world.start(host);
    }
    world.run(Duration::from_secs(60));
    assert!(world.serves(0) && !world.serves(1), "no service");
    world
}

/// Simulated seconds per real second: the best of five rounds, for the machine may be busy.
#[must_use]
pub fn measure() -> f64 {
    let mut world = settled();
    let beats = |world: &World| world.hosts[0].node.as_ref().map_or(0, |node| u64::from(node.glance().seq));
    let before = beats(&world);
    let mut best = 0.0f64;
    for _ in 0..5 {
        let began = std::time::Instant::now();
        world.run(ROUND);
        best = best.max(ROUND.as_micros() as f64 / 1e6 / began.elapsed().as_secs_f64());
    }
    let sent = beats(&world) - before;
    assert!(sent >= ROUND.as_micros() / 1_000_000 * 5, "the pair must beat once a second: {sent}");
    assert!(world.serves(0) && !world.serves(1), "the pair is settled");
    best
}

/// Print the figure and hold it against the bar.
///
/// # Errors
/// It is below the bar.
pub fn print() -> Result<(), String> {
    let times = measure();
    println!(
        "simulated time / real time, one core, settled pair at keepalive 1 s: {times:.0}x (bar {BAR:.0}x)"
    );
    if times < BAR { Err("below the bar".to_owned()) } else { Ok(()) }
}
