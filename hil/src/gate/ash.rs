//! The resource scripts on a small userland: `IPaddr` and the init script under busybox' `ash`, called by the daemon on a
//! 2.4 kernel, on machines that have nothing else.

use super::kernel::Kernel;
use super::userland::{Userland, busybox};
use super::{Context, Ended, scenarios};
use crate::netns::{Builder, Node, Programs, Rig, Stamp};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

/// The service moves by power loss, return, `standby` and stop; then `IPaddr` alone in every form of address.
///
/// # Errors
/// The userland on which something went wrong, and what.
pub(super) fn run(context: &Context) -> Result<Ended, String> {
    let busybox = match busybox() {
        Ok(file) => file,
        Err(reason) => return Ok(Ended::Skipped(reason)),
    };
    let (mut ran, mut skipped) = (Vec::new(), Vec::new());
    for (n, userland) in Userland::ALL.into_iter().enumerate() {
        let tools = context.folder(&format!("userland-{n}"))?;
        if let Err(reason) = userland.make(&busybox, &tools) {
            skipped.push(format!("{} skipped: {reason}", userland.name()));
            continue;
        }
        let log = context.folder(&format!("ash-{n}"))?.join("log");
        let programs = Programs {
            hbd: context.hbd.clone(),
            node: context.node.clone(),
            launcher: context.launcher(Kernel::Strict, &log, None),
            tools: Some(tools),
        };
        catch_unwind(AssertUnwindSafe(|| story(userland, &programs)))
            .map_err(|_| format!("{}: see the story above", userland.name()))?
            .map_err(|e| format!("{}: {e}", userland.name()))?;
        scenarios::met(&log)?;
        ran.push(userland.name().to_owned());
    }
    if ran.is_empty() {
        return Ok(Ended::Skipped(skipped.join("; ")));
    }
    ran.extend(skipped);
    Ok(Ended::Passed(ran.join(", ")))
}

fn story(userland: Userland, programs: &Programs) -> Result<(), String> {
    let builder = Node::BOTH
        .into_iter()
        .fold(Builder::new("busybox"), |builder, node| builder.programs_on(node, programs.clone()));
    let Some(rig) = builder.build() else { return Err("the rig needs root".to_owned()) };
    tools_are_what_they_should_be(&rig, userland)?;
    rig.start_both();
    rig.wait_settled(Node::Ha1, SOON);
    label(&rig, userland)?;
    rig.power_off(Node::Ha1);
    rig.wait_answer(Node::Ha2, SOON);
    rig.power_on(Node::Ha1);
    rig.start(Node::Ha1);
    rig.wait_settled(Node::Ha1, SOON);
    let asked = rig.hbd(Node::Ha1, &["standby"]);
    if asked.code != Some(0) {
        return Err(format!("standby: {asked:?}"));
    }
    rig.wait_settled(Node::Ha2, SOON);
    for node in Node::BOTH {
        let stopped = rig.hbd(node, &["stop"]);
        let left = rig.holding(node).last().is_some_and(|span| span.until == Stamp::NEVER);
        if stopped.code != Some(0) || left {
            return Err(format!("stop of {}: {stopped:?}, something left: {left}", node.name()));
        }
    }
    if rig.overlap(rig.born()) > Duration::ZERO {
        return Err("both nodes had a part of the service".to_owned());
    }
    forms(&rig)
}

/// Runs a line in the machine's own shell: exit code, and all that it said.
fn shell(rig: &Rig, line: &str) -> Result<(Option<i32>, String), String> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", line]).env("PATH", "/sbin:/usr/sbin:/bin:/usr/bin");
    let out = rig.machine(Node::Ha1).run(&mut command, SOON).map_err(|e| format!("{line}: {e}"))?;
    Ok((out.code, format!("{}{}", out.stdout, out.stderr).trim().to_owned()))
}

fn expect(rig: &Rig, line: &str, code: i32, text: &str) -> Result<(), String> {
    match shell(rig, line)? {
        (Some(got), said) if got == code && said == text => Ok(()),
        other => Err(format!("{line}: {other:?}, wanted {code} {text:?}")),
    }
}

/// The shell is busybox, there is no other, and `ip` is there only where it should be.
fn tools_are_what_they_should_be(rig: &Rig, userland: Userland) -> Result<(), String> {
    expect(rig, "readlink /bin/sh; command -v bash dash perl", 127, "busybox")?;
    let code = if userland == Userland::Ip { 0 } else { 127 };
    match shell(rig, "command -v ip")? {
        (Some(got), _) if got == code => Ok(()),
        other => Err(format!("command -v ip: {other:?}, wanted {code}")),
    }
}

/// The address was set by the tool that is there: `ip` labels it `eth0:hb`, `ifconfig` makes an `eth0:0`.
fn label(rig: &Rig, userland: Userland) -> Result<(), String> {
    let wanted = if userland == Userland::Ip { "eth0:hb" } else { "eth0:0" };
    let net = rig.machine(Node::Ha1).net();
    let out = net.run(|| {
        Command::new("ip").args(["-o", "-f", "inet", "addr", "show", "to", "192.168.2.50/32"]).output()
    });
    let text = out.map_err(|e| e.to_string())?.stdout;
    let text = String::from_utf8_lossy(&text).into_owned();
    if text.contains(&format!(" {wanted}\\")) && text.contains("192.168.2.50/24 brd 192.168.2.255") {
        Ok(())
    } else {
        Err(format!("the address is set as {text:?}, wanted {wanted}"))
    }
}

/// `IPaddr` in every form of address, and what it refuses.
fn forms(rig: &Rig) -> Result<(), String> {
    let script = rig.machine(Node::Ha1).path("run/resource.d/IPaddr");
    // The announcements of a start are another's test, and would outlive it.
    let call = |form: &str, verb: &str| format!("HBD=/bin/true /bin/sh {} {form} {verb}", script.display());
    for form in
        ["192.168.2.50", "192.168.2.50/25", "192.168.2.50/24/192.168.2.210", "10.9.9.9/20/eth0/10.9.9.99"]
    {
        for (verb, code, text) in [
            ("status", 3, "stopped"),
            ("start", 0, ""),
            ("start", 0, ""),
            ("monitor", 0, "running"),
            ("stop", 0, ""),
            ("stop", 0, ""),
            ("status", 3, "stopped"),
        ] {
            expect(rig, &call(form, verb), code, text)?;
        }
    }
    for (form, why) in
        [("192.168.2.2", "fixed address"), ("198.51.100.1", "no route"), ("192.168.2", "not an address")]
    {
        match shell(rig, &call(form, "start"))? {
            (Some(1), said) if said.contains(why) => {}
            other => return Err(format!("start of {form}: {other:?}, wanted 1 and {why:?}")),
        }
    }
    Ok(())
}
