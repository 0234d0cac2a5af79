//! A full partition and its healing: both nodes hold meanwhile, and nobody may be without service when it ends.

use super::row::{Row, Verdict, max, ms, spread};
use super::stage::{self, USUAL};
use crate::netns::{Cable, Node, Rig, Stamp};
use std::thread;
use std::time::Duration;

const RUNS: usize = 7;

/// Cuts every heartbeat link until both hold, mends it, and looks for stretches without service.
///
/// # Errors
/// No rig.
pub(super) fn heal() -> Result<Vec<Row>, String> {
    let rig = stage::rig("bench heal", USUAL)?;
    stage::start(&rig);
    let mut holder = Node::Ha1;
    let (mut gaps, mut longest, mut both) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        rig.cut(&[Cable::Cross]);
        rig.wait_group(holder.other(), "held", stage::PATIENCE);
        thread::sleep(Duration::from_secs(1));
        let at = rig.mend(&[Cable::Cross]);
        let winner = settled_on(&rig)?;
        thread::sleep(Duration::from_secs(1));
        gaps.push(stage::without_service(&rig, at));
        longest.push(ms(rig.client().longest_outage(at)));
        both.push(ms(rig.overlap(at)));
        holder = winner;
    }
    let note = format!(
        "longest time between two good answers {}; both held after the mending for {}",
        spread(&longest, "ms"),
        spread(&both, "ms")
    );
    let row = Row::new(
        "heal after a full partition: time without service",
        "0",
        spread(&gaps, "ms"),
        Verdict::of(max(&gaps) <= 0.0),
    );
    Ok(vec![row.note(note).samples(&gaps)])
}

/// Which node is the only holder in the end.
fn settled_on(rig: &Rig) -> Result<Node, String> {
    let begin = Stamp::now();
    while begin.elapsed() < stage::PATIENCE {
        if let Some(node) = Node::BOTH.into_iter().find(|n| stage::settles(rig, *n, Duration::from_millis(1)))
        {
            return Ok(node);
        }
    }
    Err("after the partition the nodes did not settle on one holder".to_owned())
}
