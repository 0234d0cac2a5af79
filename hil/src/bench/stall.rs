//! SIGSTOP of the holder's daemon past deadtime, then SIGCONT: for how long do both hold, and does the client notice.

use super::debuglog::Mark;
use super::row::{Row, Verdict, max, ms, spread};
use super::stage::{self, USUAL};
use crate::netns::Node;
use std::thread;
use std::time::Duration;

const RUNS: usize = 7;
/// On top of the stop scripts.
const ALLOWED_MS: f64 = 100.0;

/// The daemon sleeps, its service does not; the other takes over; the sleeper wakes and must give way.
///
/// # Errors
/// No rig.
pub(super) fn stop_and_go() -> Result<Vec<Row>, String> {
    let rig = stage::rig("bench stall", USUAL)?;
    stage::start(&rig);
    let mut holder = Node::Ha1;
    let (mut both, mut beyond, mut gaps) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        rig.freeze(holder);
        rig.wait_group(holder.other(), "held", stage::PATIENCE);
        thread::sleep(Duration::from_secs(1));
        let mark = Mark::new(&rig);
        let at = rig.thaw(holder);
        rig.wait_settled(holder.other(), stage::PATIENCE);
        thread::sleep(Duration::from_secs(1));
        let held = ms(rig.overlap(at));
        both.push(held);
        beyond.push(held - ms(mark.time(&rig, holder, &["stop", "status"])));
        gaps.push(stage::without_service(&rig, at));
        holder = holder.other();
    }
    Ok(vec![
        Row::new(
            "SIGSTOP past deadtime, SIGCONT: both hold",
            "<= 100 ms + stop scripts",
            spread(&both, "ms"),
            Verdict::of(max(&beyond) <= ALLOWED_MS),
        )
        .note(format!("beyond the stop scripts {}", spread(&beyond, "ms")))
        .samples(&both),
        Row::new(
            "the same: client without service",
            "0",
            spread(&gaps, "ms"),
            Verdict::of(max(&gaps) <= 0.0),
        )
        .samples(&gaps),
    ])
}
