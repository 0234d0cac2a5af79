//! Two real daemons that only the emulated board joins: they meet through it and stay together under noise and while it is
//! reset; without it the link is dead; with it they are together again. No output of the board moves meanwhile.

use super::mcu::{Lines, Mcu};
use crate::netns::{Builder, Node, Rig, Times};
use crate::test::Outcome;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Longer than anything here takes on a machine that does ten other things.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs it.
///
/// # Errors
/// What did not hold.
pub(super) fn run(image: &Path) -> Outcome {
    let told = |what: &str| {
        let what = what.to_owned();
        move |e: std::io::Error| format!("{what}: {e}")
    };
    let lines = Lines::new().map_err(told("the lines"))?;
    let tty = [lines.tty(0).to_path_buf(), lines.tty(1).to_path_buf()];
    let mut builder = Builder::new("bridge").times(Times::new("200ms", "1", "3", "5"));
    builder = builder.edit(|files| files.without("bcast"));
    for (node, tty) in Node::BOTH.into_iter().zip(tty) {
        builder = builder.edit_on(node, move |files| files.with_serial(&tty));
    }
    let Some(rig) = builder.build() else { return Ok("SKIPPED: needs root".to_owned()) };
    let dir = rig.machine(Node::Ha1).path("bridge");
    fs::create_dir_all(&dir).map_err(told("the board's folder"))?;
    let power_on = || -> Result<(), String> {
        lines.wire(Some(Mcu::start(image, &dir).map_err(told("the emulated board"))?));
        Ok(())
    };
    power_on()?;
    for node in Node::BOTH {
        rig.machine(node).start_daemon().map_err(told("hbd"))?;
    }
    together(&rig, "by way of the bridge")?;
    let holder = Node::BOTH.into_iter().find(|node| rig.group(*node) == "held").ok_or("nobody holds")?;

    lines.noise(true);
    stays(&rig, holder, Duration::from_secs(6), "noise on both lines")?;
    lines.noise(false);
    lines.reset().map_err(told("the monitor"))?;
    stays(&rig, holder, Duration::from_secs(6), "the board was reset")?;

    lines.wire(None);
    wait(&rig, "the link is dead on both nodes without a board", || {
        Node::BOTH.iter().all(|node| rig.status(*node).is_some_and(|s| s.link_state("serial") != "up"))
    })?;
    power_on()?;
    together(&rig, "by way of a new bridge")?;
    lines.wire(None);
    judge(&dir)
}

/// Both are up to each other, and one holds while the other one stands by.
fn together(rig: &Rig, how: &str) -> Result<(), String> {
    wait(rig, &format!("the nodes are together {how}"), || {
        let up = |node: &Node| {
            rig.status(*node).is_some_and(|s| s.peer() == "up" && s.link_state("serial") == "up")
        };
        let mut groups = Node::BOTH.map(|node| rig.group(node));
        groups.sort();
        Node::BOTH.iter().all(up) && groups == ["held", "idle"]
    })
}

fn wait(rig: &Rig, what: &str, condition: impl FnMut() -> bool) -> Result<(), String> {
    let seen = rig.within(what, LIMIT, condition);
    seen.map(drop).ok_or_else(|| {
        let logs = Node::BOTH.map(|node| rig.log(node)).join("\n-- and --\n");
        format!("not within {} s: {what}\n{logs}", LIMIT.as_secs())
    })
}

/// Nothing moves: the holder holds, and neither node ever calls the other dead.
fn stays(rig: &Rig, holder: Node, time: Duration, why: &str) -> Result<(), String> {
    let dead = |node: Node| rig.log(node).matches("is dead").count();
    let before = Node::BOTH.map(dead);
    let other = if holder == Node::Ha1 { Node::Ha2 } else { Node::Ha1 };
    std::thread::sleep(time);
    let groups = [rig.group(holder), rig.group(other)];
    if groups != ["held", "idle"] || Node::BOTH.map(dead) != before {
        return Err(format!("{why}: {groups:?}\n{}\n{}", rig.log(holder), rig.log(other)));
    }
    Ok(())
}

/// What the board itself said and did.
fn judge(dir: &Path) -> Outcome {
    let read = |name: &str| fs::read_to_string(dir.join(name)).map_err(|e| format!("{name}: {e}"));
    let log = read("log0")?;
    let shape: Vec<String> = log.lines().map(|line| line.replace(|c: char| c.is_ascii_digit(), "")).collect();
    // Started twice, for it was reset; what it carried every five seconds; nothing else.
    let starts = shape.iter().filter(|line| *line == " start, cause ").count();
    let counts = shape.iter().filter(|line| *line == " a to b, b to a      ").count();
    if starts != 2 || counts == 0 || starts + counts != shape.len() {
        return Err(format!("the board's log is not what it should be:\n{log}"));
    }
    let numbers = |line: &str| -> Vec<u64> { line.split(' ').filter_map(|word| word.parse().ok()).collect() };
    let noisy = log.lines().map(numbers).find(|n| matches!(n[..], [_, _, _, a, _, _, b] if a.min(b) >= 100));
    let Some([_, from_a, to_b, _, from_b, to_a, _]) = noisy.as_deref() else {
        return Err(format!("the board saw no noise:\n{log}"));
    };
    if to_b > from_a || to_a > from_b || *to_b < 10 || *to_a < 10 {
        return Err(format!("the board did not pass on what it read:\n{log}"));
    }
    let traces = read("trace0")? + &read("trace1")?;
    let moved = traces.lines().filter(|line| line.contains("pl061_set_output")).count();
    if moved != 0 || !traces.contains("pl061_write") {
        return Err(format!("an output of the board moved, or was not watched:\n{traces}"));
    }
    Ok(format!("two daemons by way of it: {from_a} and {from_b} frames under noise; no output moved"))
}
