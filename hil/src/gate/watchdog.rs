//! The watchdog's discipline on a 2.4 kernel, on the stand-in that writes down each feed (`.`) and the magic close (`V`).

use super::kernel::Kernel;
use super::{Context, scenarios};
use crate::netns::{Builder, Node, Programs, Rig, Times};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;
use std::{fs, thread};

const SOON: Duration = Duration::from_secs(20);

/// Fed while all is well, not while the daemon stands still nor after its death, disarmed by an ordered stop alone.
///
/// # Errors
/// What was otherwise.
pub(super) fn run(context: &Context) -> Result<String, String> {
    let dir = context.folder("watchdog")?;
    let log = dir.join("log");
    let programs = Programs {
        hbd: context.hbd.clone(),
        node: context.node.clone(),
        launcher: context.launcher(Kernel::Strict, &log, None),
        tools: None,
    };
    let text = catch_unwind(AssertUnwindSafe(|| story(&dir, &programs)))
        .map_err(|_| "see the story above".to_owned())??;
    scenarios::met(&log)?;
    Ok(text)
}

fn story(dir: &Path, programs: &Programs) -> Result<String, String> {
    let device = |node: Node| dir.join(format!("{}.fake", node.name()));
    // Long enough that neither stop below is a death.
    let builder = Builder::new("watchdog").times(Times::new("100ms", "5", "6", "8"));
    let builder = Node::BOTH.into_iter().fold(builder, |builder, node| {
        let path = device(node).display().to_string();
        builder.programs_on(node, programs.clone()).edit_on(node, move |files| files.with("watchdog", &path))
    });
    for node in Node::BOTH {
        fs::write(device(node), "").map_err(|e| e.to_string())?;
    }
    let Some(rig) = builder.build() else { return Err("the rig needs root".to_owned()) };
    rig.start_both();
    rig.wait_settled(Node::Ha1, SOON);
    let fed = |node: Node| fs::read(device(node)).unwrap_or_default();
    let per_second = rate(&rig, &fed)?;
    rig.freeze(Node::Ha1);
    thread::sleep(Duration::from_millis(200));
    let frozen = fed(Node::Ha1).len();
    thread::sleep(Duration::from_secs(1));
    if fed(Node::Ha1).len() != frozen {
        return Err("a frozen daemon was fed for".to_owned());
    }
    rig.thaw(Node::Ha1);
    rig.wait_settled(Node::Ha1, SOON);
    rig.wait("it is fed again", SOON, || fed(Node::Ha1).len() > frozen);
    rig.kill_daemon(Node::Ha2);
    let killed = fed(Node::Ha2).len();
    thread::sleep(Duration::from_secs(1));
    if fed(Node::Ha2).len() != killed || fed(Node::Ha2).contains(&b'V') {
        return Err("a killed daemon was fed for, or its watchdog was disarmed".to_owned());
    }
    let stopped = rig.hbd(Node::Ha1, &["stop"]);
    if stopped.code != Some(0) {
        return Err(format!("stop: {stopped:?}"));
    }
    let written = fed(Node::Ha1);
    if !written.ends_with(b".V") || written[..written.len() - 1].contains(&b'V') {
        return Err(format!("the stop left {:?}", String::from_utf8_lossy(&written)));
    }
    Ok(format!("{per_second} feeds a second; none while frozen or killed; V on an ordered stop alone"))
}

/// Feeds in a second, on the slower of the two.
fn rate(rig: &Rig, fed: &dyn Fn(Node) -> Vec<u8>) -> Result<usize, String> {
    let before = Node::BOTH.map(|node| fed(node).len());
    rig.note("a second of feeds");
    thread::sleep(Duration::from_secs(1));
    let counts = Node::BOTH.map(|node| fed(node).len() - before[node.index()]);
    let least = counts[0].min(counts[1]);
    // A beat each 100 ms, on a machine that may be busy.
    if (5..=30).contains(&least) { Ok(least) } else { Err(format!("fed {counts:?} times in a second")) }
}
