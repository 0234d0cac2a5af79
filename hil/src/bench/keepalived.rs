//! keepalived at adverts of 10 ms on the same rig, for comparison: its losses and its ordered stops.
//!
//! It speaks VRRPv3 on the LAN, does not preempt, and starts and stops the service by its notify scripts. The package is
//! downloaded and unpacked below the target folder; nothing is installed.

use super::row::{Row, Verdict, ms, spread};
use super::stage::{self, USUAL};
use crate::netns::{Node, Rig, Stamp, package};
use crate::paths::which;
use std::env::consts::ARCH;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

const RUNS: usize = 7;
/// Adverts each 10 ms; a master is missed after three of them and the skew.
const ADVERT: &str = "0.01";

/// Power losses and stops of the master.
///
/// # Errors
/// No rig, or keepalived does not take its place.
pub(super) fn run() -> Result<Vec<Row>, String> {
    let package = match fetch() {
        Ok(package) => package,
        Err(why) => return Ok(vec![Row::skipped("keepalived, 10 ms adverts", "", why)]),
    };
    let rig = stage::rig("bench keepalived", USUAL)?;
    let begin = Stamp::now();
    Node::BOTH.iter().try_for_each(|node| start(&rig, *node, &package))?;
    let first = served_after(&rig, begin)?;
    let mut master = stage::server(&rig)?;
    let (mut losses, mut stops) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let at = rig.power_off(master);
        losses.push(stage::gap(&rig, master, at));
        rig.power_on(master);
        start(&rig, master, &package)?;
        thread::sleep(Duration::from_secs(2));
        master = stage::server(&rig)?;
    }
    for _ in 0..RUNS {
        let at = Stamp::now();
        tell(&rig, master, "-TERM")?;
        stops.push(stage::gap(&rig, master, at));
        thread::sleep(Duration::from_secs(1));
        start(&rig, master, &package)?;
        thread::sleep(Duration::from_secs(2));
        master = stage::server(&rig)?;
    }
    let row = |what: &str, samples: &[f64]| {
        Row::new(&format!("keepalived, 10 ms adverts: {what}"), "", spread(samples, "ms"), Verdict::Shown)
            .samples(samples)
    };
    Ok(vec![row("power loss", &losses), row("ordered stop", &stops), row("both started together", &[first])])
}

fn served_after(rig: &Rig, begin: Stamp) -> Result<f64, String> {
    while begin.elapsed() < stage::PATIENCE {
        if let Some((at, _)) = rig.client().good(begin).into_iter().find(|(at, _)| *at > begin) {
            thread::sleep(Duration::from_secs(3));
            return Ok(ms(at.since(begin)));
        }
        thread::sleep(Duration::from_millis(20));
    }
    let log = rig.machine(Node::Ha1).read("log/keepalived");
    Err(format!("keepalived brought no service up; it said:\n{log}"))
}

/// The unpacked package: its program and the search path of the libraries that it brings.
pub(super) struct Package {
    program: PathBuf,
    libraries: String,
}

pub(super) fn fetch() -> Result<Package, String> {
    if let Some(program) = which("keepalived") {
        return Ok(Package { program, libraries: String::new() });
    }
    let root = package::unpacked("keepalived")?;
    let libraries =
        ["usr/lib", "lib"].map(|dir| format!("{}/{dir}/{ARCH}-linux-gnu", root.display())).join(":");
    Ok(Package { program: root.join("usr/sbin/keepalived"), libraries })
}

pub(super) fn start(rig: &Rig, node: Node, package: &Package) -> Result<(), String> {
    let machine = rig.machine(node);
    let (conf, pid) = (machine.path("etc/keepalived.conf"), machine.path("run/keepalived.pid"));
    fs::write(&conf, configuration(node)).map_err(|e| format!("{}: {e}", conf.display()))?;
    let log = fs::File::create(machine.path("log/keepalived")).map_err(|e| e.to_string())?;
    let mut command = Command::new(&package.program);
    command.env("LD_LIBRARY_PATH", &package.libraries).args([
        "--dont-fork",
        "--vrrp",
        "--log-console",
        "--use-file",
    ]);
    command.arg(&conf).args(["--pid".as_ref(), pid.as_os_str()]);
    command.args(["--vrrp_pid".as_ref(), machine.path("run/vrrp.pid").as_os_str()]);
    command.stdin(Stdio::null()).stderr(log.try_clone().map_err(|e| e.to_string())?).stdout(log);
    let mut child = machine.spawn(&mut command).map_err(|e| format!("keepalived: {e}"))?;
    // Collected as soon as it ends: a machine is only off when none of its processes waits for that.
    thread::spawn(move || child.wait());
    Ok(())
}

fn configuration(node: Node) -> String {
    let priority = if node == Node::Ha1 { 150 } else { 100 };
    format!(
        "global_defs {{\n vrrp_version 3\n script_user root\n}}\n\
         vrrp_instance mail {{\n state BACKUP\n nopreempt\n interface eth0\n virtual_router_id 51\n priority {priority}\n\
         advert_int {ADVERT}\n virtual_ipaddress {{\n 192.168.2.50/24 dev eth0\n }}\n\
         notify_master \"/etc/init.d/jdmail start\"\n notify_backup \"/etc/init.d/jdmail stop\"\n\
         notify_fault \"/etc/init.d/jdmail stop\"\n notify_stop \"/etc/init.d/jdmail stop\"\n}}\n"
    )
}

/// A signal for the running keepalived of a node.
pub(super) fn tell(rig: &Rig, node: Node, signal: &str) -> Result<(), String> {
    let machine = rig.machine(node);
    let pid = machine.read("run/keepalived.pid");
    let mut kill = Command::new("kill");
    let out =
        machine.run(kill.args([signal, pid.trim()]), Duration::from_secs(5)).map_err(|e| e.to_string())?;
    if out.code == Some(0) {
        Ok(())
    } else {
        Err(format!("keepalived on {}: {}", node.name(), out.stderr.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_node_has_the_higher_priority() {
        assert!(configuration(Node::Ha1).contains("priority 150"));
        assert!(configuration(Node::Ha2).contains("priority 100"));
        assert!(configuration(Node::Ha2).contains("advert_int 0.01"));
    }
}
