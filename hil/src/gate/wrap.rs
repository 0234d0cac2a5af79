//! Two nodes whose only clock is `times(2)` live through its odd wrap at `HZ=512`, one after the other.

use super::kernel::Kernel;
use super::{Context, ticks};
use crate::netns::{Builder, Node, Programs, Rig, Stamp};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

/// Ample time for what takes a second or two on an idle machine.
const SOON: Duration = Duration::from_secs(20);
/// From the start of the daemons to the first wrap.
const SETTLING: Duration = Duration::from_secs(8);
/// Between the wraps, and after the last.
const APART: Duration = Duration::from_secs(3);

/// Nothing moves while the clocks wrap, and a failover works as ever after it.
///
/// # Errors
/// Something moved, the failover failed, or a daemon was not told the odd values.
pub(super) fn run(context: &Context) -> Result<String, String> {
    let dir = context.folder("wrap")?;
    let logs = [dir.join("ha-1"), dir.join("ha-2")];
    let wraps = [dir.join("wrap-1"), dir.join("wrap-2")];
    let story = || {
        let builder = Builder::new("odd wrap").with_serial().alone();
        let builder = Node::BOTH.into_iter().fold(builder, |builder, node| {
            let n = node.index();
            let launcher = context.launcher(Kernel::Strict, &logs[n], Some(&wraps[n]));
            let (hbd, own) = (context.hbd.clone(), context.node.clone());
            builder.programs_on(node, Programs { hbd, node: own, launcher, tools: None })
        });
        let Some(rig) = builder.build() else { return Err("the rig needs root".to_owned()) };
        let now = super::tracer::now_ns().map_err(|e| e.to_string())?;
        let wrap = [now + ns(SETTLING), now + ns(SETTLING + APART)];
        for node in Node::BOTH {
            let (file, at) = (&wraps[node.index()], wrap[node.index()]);
            fs::write(file, at.to_string()).map_err(|e| format!("{}: {e}", file.display()))?;
        }
        let started = rig.start_both();
        rig.wait_settled(Node::Ha1, SOON);
        let settled = super::tracer::now_ns().map_err(|e| e.to_string())?;
        if settled + ns(Duration::from_secs(1)) > wrap[0] {
            return Err("the rig was not settled a second before the wrap".to_owned());
        }
        let since = rig.note("the wraps come");
        let epoch = rig.status(Node::Ha1).map(|status| status.epoch());
        let until = Duration::from_nanos(wrap[1].saturating_sub(settled)) + APART;
        rig.stays("ha-1 holds, ha-2 does not, each sees the other", until, || {
            Node::BOTH.iter().all(|&node| {
                let wanted = if node == Node::Ha1 { "held" } else { "idle" };
                rig.status(node).is_some_and(|s| s.group() == wanted && s.peer() == "up")
            })
        });
        if rig.status(Node::Ha1).map(|status| status.epoch()) != epoch {
            return Err("the group was claimed anew".to_owned());
        }
        let gap = rig.client().longest_outage(since);
        if gap > Duration::from_millis(250) {
            return Err(format!("the client was without an answer for {gap:?}"));
        }
        for node in Node::BOTH {
            clock_is_right(&rig, node, started)?;
        }
        let lost = rig.power_off(Node::Ha1);
        rig.wait_answer(Node::Ha2, SOON);
        let gap = rig.client().longest_outage(lost);
        if !(Duration::from_millis(850)..Duration::from_millis(2500)).contains(&gap) {
            return Err(format!("after the wrap a takeover at a deadtime of 1 s took {gap:?}"));
        }
        if rig.overlap(rig.born()) > Duration::ZERO {
            return Err("both nodes had a part of the service".to_owned());
        }
        Ok(gap)
    };
    let gap = catch_unwind(AssertUnwindSafe(story)).map_err(|_| "see the story above".to_owned())??;
    for log in &logs {
        told(log)?;
    }
    Ok(format!("both clocks wrapped and nothing moved; a takeover after it: {} ms", gap.as_millis()))
}

/// The daemon's own clock lost next to nothing, and did not leap: a leap looks like a stall of its own loop, which the core
/// lives through, but says.
fn clock_is_right(rig: &Rig, node: Node, started: Stamp) -> Result<(), String> {
    let real = started.elapsed().as_secs();
    let own = rig.status(node).and_then(|status| status.number("/uptime_s")).unwrap_or(u64::MAX);
    if own > real + 1 || own + 2 < real {
        return Err(format!("{} has run for {real} s and says {own} s", node.name()));
    }
    match rig.log(node).lines().find(|line| line.contains("stood still")) {
        Some(line) => Err(format!("{} takes the wrap for a stall: {line}", node.name())),
        None => Ok(()),
    }
}

/// The daemon asked, and was told each odd value.
fn told(log: &Path) -> Result<(), String> {
    let text = fs::read_to_string(log).map_err(|e| format!("{}: {e}", log.display()))?;
    for value in ticks::ODD {
        if !text.lines().any(|line| line == format!("times {value}")) {
            return Err(format!("{}: times(2) never told {value}", log.display()));
        }
    }
    super::scenarios::met(log).map(drop)
}

fn ns(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
