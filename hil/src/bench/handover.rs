//! Moves in order: `hbd standby` and `hbd stop` on the holder.

use super::debuglog::Mark;
use super::row::{Row, Verdict, max, ms, spread};
use super::stage::{self, USUAL};
use crate::netns::{Node, Rig};
use std::thread;
use std::time::Duration;

const RUNS: usize = 7;
/// On top of the scripts.
const ALLOWED_MS: f64 = 30.0;

/// The service gap of both kinds of move.
///
/// # Errors
/// No rig, or `hbd` refuses the command.
pub(super) fn moves() -> Result<Vec<Row>, String> {
    let rig = stage::rig("bench moves", USUAL)?;
    stage::start(&rig);
    let mut holder = Node::Ha1;
    let standby = measure(&rig, &mut holder, "standby")?;
    let stop = measure(&rig, &mut holder, "stop")?;
    Ok(vec![standby, stop])
}

fn measure(rig: &Rig, holder: &mut Node, command: &str) -> Result<Row, String> {
    let (mut gaps, mut scripts) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        thread::sleep(Duration::from_millis(500));
        let mark = Mark::new(rig);
        let at = crate::netns::Stamp::now();
        let said = rig.hbd(*holder, &[command]);
        if said.code != Some(0) {
            return Err(format!("hbd {command}: exit {:?} {}", said.code, said.stderr.trim()));
        }
        gaps.push(stage::gap(rig, *holder, at));
        let of = |node| ms(mark.time(rig, node, &["stop", "start", "status"]));
        scripts.push(of(*holder) + of(holder.other()));
        if command == "stop" {
            rig.start(*holder);
        }
        rig.wait_settled(holder.other(), stage::PATIENCE);
        *holder = holder.other();
    }
    let beyond: Vec<f64> = gaps.iter().zip(&scripts).map(|(g, s)| g - s).collect();
    let note = format!("scripts {}; beyond them {}", spread(&scripts, "ms"), spread(&beyond, "ms"));
    let verdict = Verdict::of(max(&beyond) <= ALLOWED_MS);
    let row =
        Row::new(&format!("hbd {command}: service gap"), "<= 30 ms + scripts", spread(&gaps, "ms"), verdict);
    Ok(row.note(note).samples(&gaps))
}
