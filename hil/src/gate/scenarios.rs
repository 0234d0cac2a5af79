//! The two-node scenarios of `tests/scenarios`, on another kernel.

use super::Context;
use super::kernel::Kernel;
use crate::proc::Cmd;
use crate::test::cargo::{Counts, count_tests};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Cold start, power loss of the holder, return, kill -9 and freeze of the daemon, standby, takeover, stop, reload, serial
/// only, a stuck script, the other media, a lost state, the commands. `--all` runs every scenario.
pub(super) const SELECTION: &[&str] = &[
    "start::two_nodes_started_together_serve_without_a_fixed_wait",
    "start::a_missing_watchdog_is_said_and_does_not_stop_the_node",
    "power::the_standby_takes_over_when_the_holder_loses_its_power",
    "power::the_preferred_node_takes_its_group_back_when_it_returns",
    "daemon::a_killed_daemon_comes_back_within_deadtime_and_never_do_both_serve",
    "daemon::a_frozen_standby_takes_nothing_when_it_thaws",
    "daemon::a_daemon_is_not_started_twice",
    "commands::standby_moves_the_group_and_it_stays_moved_though_failback_is_on",
    "commands::an_ordered_stop_hands_over_at_once",
    "commands::a_reload_says_what_needs_a_restart_and_changes_nothing_else",
    "links::a_null_modem_alone_at_its_real_speed_carries_a_failover",
    "links::the_cut_of_one_link_of_two_moves_nothing",
    "scripts::a_stop_that_hangs_blocks_the_peer_until_it_is_cleared",
    "media::multicast_carries_the_pair",
    "disk::a_lost_state_file_costs_nothing",
];

/// What is run where most is known already.
pub(super) const FEW: &[&str] = &[
    "start::two_nodes_started_together_serve_without_a_fixed_wait",
    "power::the_preferred_node_takes_its_group_back_when_it_returns",
    "commands::an_ordered_stop_hands_over_at_once",
    "links::a_null_modem_alone_at_its_real_speed_carries_a_failover",
];

/// Scenarios with the daemon on `kernel`: `some`, or all of them.
///
/// # Errors
/// One fails, one of `some` is not there, or the daemon did not run behind the gate.
pub(super) fn kernel(context: &Context, kernel: Kernel, some: &[&str]) -> Result<String, String> {
    let dir = context.folder(kernel.name())?;
    let log = dir.join("log");
    let launcher = context.launcher(kernel, &log, None).join(" ");
    let some = if context.all { None } else { Some(some) };
    let text = run(context, some, &[("HBD_LAUNCHER", &launcher)])?;
    Ok(format!("{text}; {}", met(&log)?))
}

/// Runs `some` scenarios, or all, with these variables set. Each of `some` must be there: their names are a contract here.
pub(super) fn run(
    context: &Context,
    some: Option<&[&str]>,
    variables: &[(&str, &str)],
) -> Result<String, String> {
    let mut args = vec!["test", "-p", "hb-scenarios", "--no-fail-fast", "--test", "scenarios"];
    if let Some(some) = some {
        args.extend(["--", "--exact"]);
        args.extend(some);
    }
    let mut cmd = Cmd::cargo(args).env("HBD", &context.hbd).limit(Duration::from_secs(2400));
    for (name, value) in variables {
        cmd = cmd.env(name, value);
    }
    let (counts, ran) = count_tests(cmd);
    let text = judge(&counts, some.map(<[&str]>::len));
    ran.map_err(|e| format!("{}; {e}", text.clone().unwrap_or_else(|e| e)))?;
    text
}

/// A scenario that skips itself counts as passed for the test harness, but not here.
fn judge(counts: &Counts, wanted: Option<usize>) -> Result<String, String> {
    let really = counts.passed.saturating_sub(counts.skipped);
    let text = format!("{really} scenarios passed, {} failed, {} skipped", counts.failed, counts.skipped);
    match wanted {
        Some(count) if usize::try_from(really) == Ok(count) => Ok(text),
        Some(count) => Err(format!("{text}, of {count} named ones")),
        None if really > 0 => Ok(text),
        None => Err(format!("{text}: nothing ran")),
    }
}

/// What the tracers wrote down, in short.
///
/// # Errors
/// Nothing: then the gate was not there. Or an error of a tracer, or a refusal that only a tracer sees.
pub(super) fn met(log: &Path) -> Result<String, String> {
    let text = fs::read_to_string(log).map_err(|e| format!("the gate left no notes: {e}"))?;
    let lines: BTreeSet<&str> = text.lines().collect();
    let count = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
    if !lines.contains("begun vdso hidden") || lines.contains("begun without vdso") {
        return Err("the gate did not hide the vDSO of each program".to_owned());
    }
    if !lines.contains("socketcall 1") {
        return Err("no socketcall: the filter was not in the way".to_owned());
    }
    if let Some(error) = lines.iter().find(|line| line.starts_with("error ")) {
        return Err(format!("the tracer: {error}"));
    }
    let newer: Vec<&str> =
        lines.iter().copied().filter(|l| l.starts_with("refused ") || l.starts_with("ignored ")).collect();
    Ok(format!("{} kinds of socketcall; newer flags met: {}", count("socketcall "), list(&newer)))
}

fn list(lines: &[&str]) -> String {
    if lines.is_empty() { "none".to_owned() } else { lines.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_that_is_gone_or_skips_itself_is_a_failure() {
        let counts = |passed, skipped| Counts { passed, failed: 0, ignored: 0, skipped };
        assert!(judge(&counts(4, 0), Some(4)).is_ok());
        assert!(judge(&counts(3, 0), Some(4)).is_err());
        assert!(judge(&counts(4, 1), Some(4)).is_err());
        assert!(judge(&counts(4, 1), None).is_ok_and(|text| text.starts_with("3 scenarios passed")));
        assert!(judge(&counts(4, 4), None).is_err());
    }
}
