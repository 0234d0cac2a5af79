//! Two nodes on emulated Pentiums: no CMOV, no MMX, no SSE.

use super::{Context, Ended, plant, scenarios};
use crate::netns::{Builder, Node, Programs};
use crate::paths::which;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::time::Duration;

const QEMU: &str = "qemu-i386-static";
const SOON: Duration = Duration::from_secs(30);

/// The words that put a program on a Pentium.
///
/// # Errors
/// Why there is none here.
fn pentium() -> Result<Vec<String>, String> {
    let qemu = which(QEMU).ok_or_else(|| format!("no {QEMU}; install the package qemu-user-static"))?;
    Ok(vec![qemu.display().to_string(), "-cpu".to_owned(), "pentium".to_owned()])
}

/// The scan, and what it finds when something is planted.
///
/// # Errors
/// See [`plant::run`].
pub(super) fn instructions(context: &Context) -> Result<Ended, String> {
    match pentium() {
        Ok(words) => plant::run(context, &words).map(Ended::Passed),
        Err(reason) => Ok(Ended::Skipped(reason)),
    }
}

/// Scenarios with daemon, helper and commands on an emulated Pentium.
///
/// # Errors
/// One fails, or a daemon ran on the bare processor.
pub(super) fn nodes(context: &Context) -> Result<Ended, String> {
    let words = match pentium() {
        Ok(words) => words,
        Err(reason) => return Ok(Ended::Skipped(reason)),
    };
    catch_unwind(AssertUnwindSafe(|| emulated(context, &words)))
        .map_err(|_| "see the story above".to_owned())??;
    // All of them would be unfair: some measure what a processor of 2003 takes longer for, but not as long as an emulator.
    let some = if context.all { scenarios::SELECTION } else { scenarios::FEW };
    let text = scenarios::run(context, Some(some), &[("HBD_LAUNCHER", &words.join(" "))])?;
    Ok(Ended::Passed(format!("{text}; daemon, helper, send-arp emulated")))
}

/// The daemon and its helper are the emulator's processes; `send-arp`, which a script would start on the bare processor,
/// works there too.
fn emulated(context: &Context, words: &[String]) -> Result<(), String> {
    let programs = Programs {
        hbd: context.hbd.clone(),
        node: context.node.clone(),
        launcher: words.to_vec(),
        tools: None,
    };
    let builder = Node::BOTH
        .into_iter()
        .fold(Builder::new("pentium"), |builder, node| builder.programs_on(node, programs.clone()));
    let Some(rig) = builder.build() else { return Err("the rig needs root".to_owned()) };
    rig.start_both();
    rig.wait_settled(Node::Ha1, SOON);
    for node in Node::BOTH {
        let machine = rig.machine(node);
        for (what, pid) in [("daemon", machine.daemon_pid()), ("helper", machine.helper_pid())] {
            let pid = pid.ok_or_else(|| format!("{}: no {what}", node.name()))?;
            let exe = fs::read_link(format!("/proc/{pid}/exe")).map_err(|e| format!("{what}: {e}"))?;
            if !exe.display().to_string().contains("qemu") {
                return Err(format!("{}: the {what} is {}", node.name(), exe.display()));
            }
        }
    }
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).arg(&context.hbd).args([
        "send-arp",
        "-i",
        "10",
        "-r",
        "2",
        "eth0",
        "192.168.2.50",
    ]);
    let out = rig.machine(Node::Ha1).run(&mut command, SOON).map_err(|e| e.to_string())?;
    if out.code == Some(0) { Ok(()) } else { Err(format!("send-arp: {out:?}")) }
}
