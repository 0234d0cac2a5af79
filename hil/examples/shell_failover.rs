//! Somebody else's failover daemon on the rig: the shell script that everybody writes once.
//!
//! `cargo run -p hb-hil --example shell_failover` (root) plays all cases on it and leaves `junit.xml` and
//! `verdicts.json` in `target/shell-failover`. It takes over when a machine dies. It also serves on both when a cable is
//! cut: the case says so.

use hb_hil::netns::{Node, Rig};
use hb_hil::series::{Series, Verdicts};
use hb_hil::subject::{self, CASES, Case, Subject};
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Whoever finds the address unanswered, or does not hear the other machine, serves until it is stopped. The address is
/// announced by `hbd send-arp`, in the place of an arping.
const SCRIPT: &str = r#"
peer=$1 patience=$2 hbd=$3 deaf=0 unanswered=0
# A kernel that refuses is alive.
answers() {
    said=$(timeout 1.5 bash -c "exec 3<>/dev/tcp/$1/$2" 2>&1) || case $said in *refused*) ;; *) return 1 ;; esac
}
trap '/etc/init.d/jdmail stop; ip addr del 192.168.2.50/24 dev eth0; exit 0' TERM
while [ $deaf -lt 2 ] && [ $unanswered -lt $patience ]; do
    sleep 0.1
    answers $peer 9 && deaf=0 || deaf=$((deaf + 1))
    answers 192.168.2.50 8025 && unanswered=0 || unanswered=$((unanswered + 1))
done
ip addr add 192.168.2.50/24 dev eth0
$hbd send-arp eth0 192.168.2.50
/etc/init.d/jdmail start
while sleep 0.1; do :; done
"#;

/// The script on both machines.
pub(crate) struct ShellFailover;

impl Subject for ShellFailover {
    fn name(&self) -> &str {
        "shell-failover"
    }

    fn start(&self, rig: &Rig, node: Node) -> Result<(), String> {
        let machine = rig.machine(node);
        let log = fs::File::create(machine.path("log/failover")).map_err(|e| e.to_string())?;
        let patience = if node == Node::Ha1 { "2" } else { "4" };
        let mut command = Command::new("bash");
        command.args(["-c", SCRIPT, "failover", &node.other().cross_address().to_string(), patience]);
        command.arg(machine.hbd(&[]).get_program());
        command.stdin(Stdio::null()).stdout(log.try_clone().map_err(|e| e.to_string())?).stderr(log);
        let pid = machine.launch(&mut command).map_err(|e| e.to_string())?;
        machine.write("run/failover.pid", &pid.to_string());
        Ok(())
    }

    fn stop(&self, rig: &Rig, node: Node) -> Result<(), String> {
        let pid = rig.machine(node).read("run/failover.pid").parse().map_err(|e| format!("its pid: {e}"))?;
        rig.signal(pid, nix::sys::signal::Signal::SIGTERM);
        Ok(())
    }

    fn within(&self) -> Duration {
        Duration::from_secs(12)
    }
}

/// These cases on it.
///
/// # Errors
/// No root, or no rig.
pub(crate) fn tried(cases: &[&Case]) -> Result<Verdicts, String> {
    subject::try_out(&ShellFailover, cases, Series::default())
}

#[allow(dead_code, reason = "the test uses the rest of this file")]
fn main() -> Result<(), String> {
    let verdicts = tried(&CASES.iter().collect::<Vec<_>>())?;
    let [json, _] = verdicts.write(&hb_hil::paths::scratch("shell-failover")?)?;
    println!("{}: {}", verdicts.word(), json.display());
    Ok(())
}
