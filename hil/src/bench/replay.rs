//! Recorded frames of a dead node, played to the survivor and to one that was restarted: they must hide nothing.

use super::row::{Row, Verdict, ms, spread};
use super::stage::{self, USUAL};
use crate::netns::{Cable, Node, Recording, Rig};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const RUNS: usize = 7;
const RECORDED: Duration = Duration::from_secs(5);
/// Later than this beyond its due time (deadtime; initdead after a restart), a death counts as hidden. The scripts and,
/// after a restart, the probe whether somebody still has the service address are in it.
const ALLOWED_MS: f64 = 2000.0;
const BAR: &str = "never";

/// Both kinds.
///
/// # Errors
/// No rig.
pub(super) fn frames() -> Result<Vec<Row>, String> {
    let rig = stage::rig("bench replay", USUAL)?;
    stage::start(&rig);
    rig.mend(&[Cable::Intruder]);
    let (mut running, mut restarted) = (Vec::new(), Vec::new());
    let mut holder = Node::Ha1;
    for _ in 0..RUNS {
        running.push(death(&rig, holder, false)?);
        holder = holder.other();
        restarted.push(death(&rig, holder, true)?);
        holder = holder.other();
    }
    let deadtime = USUAL.deadtime as f64;
    // A node that has just started must wait for initdead (3 s) before it may take silence for death.
    Ok(vec![
        row("replayed frames hide a death, survivor runs on", &running, deadtime),
        row("replayed frames hide a death, survivor restarted", &restarted, 3000.0),
    ])
}

fn row(what: &str, samples: &[Option<f64>], due: f64) -> Row {
    let times: Vec<f64> = samples.iter().copied().flatten().collect();
    let in_time = times.iter().filter(|t| **t <= due + ALLOWED_MS).count();
    let hidden = samples.len() - in_time;
    let value = format!("{hidden} of {} hidden; {}", samples.len(), spread(&times, "ms"));
    Row::new(what, BAR, value, Verdict::of(hidden == 0))
        .note(format!(
            "served by the survivor that many ms later, while {} s of frames play over and over",
            RECORDED.as_secs()
        ))
        .samples(&times)
}

/// The holder dies while its own frames are played on. How long until the other serves; `None` if it never does.
fn death(rig: &Rig, holder: Node, restart: bool) -> Result<Option<f64>, String> {
    let survivor = holder.other();
    let told = |e: std::io::Error| format!("the intruder: {e}");
    let recording = rig.intruder().record("eth1", RECORDED).map_err(told)?.of(holder.cross_address());
    if recording.datagrams.is_empty() {
        return Err("nothing was recorded".to_owned());
    }
    rig.intruder().become_host(holder.cross_address()).map_err(told)?;
    let over = AtomicBool::new(false);
    let served = thread::scope(|scope| {
        rig.power_off(holder);
        if restart {
            rig.kill_daemon(survivor);
        }
        scope.spawn(|| play(rig, survivor, &recording, &over));
        let at = if restart {
            thread::sleep(Duration::from_millis(200));
            rig.start(survivor)
        } else {
            crate::netns::Stamp::now()
        };
        let mut served = None;
        while served.is_none() && at.elapsed() < Duration::from_secs(20) {
            thread::sleep(Duration::from_millis(20));
            let good = rig.client().good(at);
            served =
                good.iter().find(|(t, by)| *t > at && by == survivor.name()).map(|(t, _)| ms(t.since(at)));
        }
        over.store(true, Ordering::Relaxed);
        served
    });
    rig.power_on(holder);
    rig.start(holder);
    if !stage::settles(rig, survivor, stage::PATIENCE) {
        return Err("the nodes did not settle after the replay".to_owned());
    }
    Ok(served)
}

/// Plays the recording again and again until it is over.
fn play(rig: &Rig, target: Node, recording: &Recording, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        // In pieces, so that the end is seen soon.
        for piece in recording.datagrams.chunks(10) {
            if over.load(Ordering::Relaxed) {
                return;
            }
            let piece = Recording { datagrams: piece.to_vec() };
            let _ = rig.intruder().replay("eth1", target.cross_address(), &piece);
            thread::sleep(Duration::from_millis(USUAL.keepalive));
        }
    }
}
