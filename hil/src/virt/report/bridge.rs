//! The lanes of the serial bridge, where a case has one.

use super::drawing::Drawing;
use super::html::CLASSES;
use crate::netns::{Node, Stamp};
use crate::virt::board::Board;
use crate::virt::scene::Scene;
use std::time::Duration;

/// What befell the board and what its outputs did, and what it sent to each node.
pub(super) fn lanes(drawing: &mut Drawing, scene: &Scene, now: Stamp) {
    let Some(board) = &scene.rig.board else { return };
    drawing.bars("bridge", &bars(board, now));
    for node in Node::BOTH {
        let far = node.other().index();
        let wire = board.cable(node).log(scene.record.began);
        let frames = wire.iter().filter(|chunk| chunk.from == far && chunk.bytes.contains(&0));
        let at = frames.map(|chunk| chunk.at);
        drawing.counts(&format!("bridge to {}", node.name()), CLASSES[far], at);
    }
}

/// When the bridge had no power, was reset, and held a reset line.
fn bars(board: &Board, now: Stamp) -> Vec<(Stamp, Stamp, &'static str, String)> {
    let (off, resets) = board.troubles();
    let mut bars: Vec<(Stamp, Stamp, &'static str, String)> = Vec::new();
    for (from, until) in off {
        bars.push((from, until.min(now), "off", "the bridge: no power".to_owned()));
    }
    for at in resets {
        bars.push((at, at.plus(Duration::from_millis(100)), "event", "the bridge is reset".to_owned()));
    }
    let edges = board.edges();
    for (at, edge) in edges.iter().enumerate().filter(|(_, edge)| edge.on) {
        let ends = edges[at..].iter().find(|other| other.node == edge.node && !other.on);
        let until = ends.map_or(now, |end| end.at);
        let told = format!("the reset line of {}: {} ms", edge.node.name(), until.since(edge.at).as_millis());
        bars.push((edge.at, until, "bad", told));
    }
    bars
}
