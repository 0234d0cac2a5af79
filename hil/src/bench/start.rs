//! Both nodes started together: how long until the client is served.

use super::debuglog::Mark;
use super::row::{Row, Verdict, max, ms, spread};
use super::stage::{self, USUAL};
use crate::netns::Node;

const RUNS: usize = 7;

/// Cold start of both, from power-on with empty run folders.
///
/// # Errors
/// No rig.
pub(super) fn cold() -> Result<Vec<Row>, String> {
    let rig = stage::rig("bench start", USUAL)?;
    let (mut times, mut scripts) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        if run > 0 {
            for node in Node::BOTH {
                rig.power_off(node);
            }
            for node in Node::BOTH {
                rig.power_on(node);
            }
        }
        let mark = Mark::new(&rig);
        let at = rig.start_both();
        rig.wait("the client is served", stage::PATIENCE, || {
            rig.client().good(at).iter().any(|(t, _)| *t > at)
        });
        let first = rig.client().good(at).into_iter().find(|(t, _)| *t > at);
        let Some((first, by)) = first else { continue };
        let server = if by == Node::Ha1.name() { Node::Ha1 } else { Node::Ha2 };
        times.push(ms(first.since(at)));
        rig.wait_settled(server, stage::PATIENCE);
        scripts.push(ms(mark.time(&rig, server, &["start", "stop", "status"])));
    }
    let beyond: Vec<f64> = times.iter().zip(&scripts).map(|(t, s)| t - s).collect();
    let bar = 3.0 * USUAL.keepalive as f64;
    let note = format!("scripts {}; beyond them {}", spread(&scripts, "ms"), spread(&beyond, "ms"));
    let verdict = Verdict::of(max(&beyond) <= bar && times.len() == RUNS);
    let row = Row::new(
        "both started together, to service up",
        "<= 3 keepalives (300 ms) + scripts",
        spread(&times, "ms"),
        verdict,
    );
    Ok(vec![row.note(note).samples(&times)])
}
