//! `cargo xtask sim`: the simulator's campaign, built for speed and with the core's marks of the pairs that it meets.

use crate::proc::Cmd;
use crate::test::Outcome;
use std::time::Duration;

/// Seeds of one `cargo xtask test`.
const SEEDS: &str = "20000";

/// Build `hb-sim` and run it with `args`.
///
/// # Errors
/// It does not build, or a seed breaks a rule, or a pair or a kind of fault was not reached.
pub fn run(args: &[&str], limit: Duration) -> Outcome {
    let build = [
        "run",
        "--quiet",
        "--profile",
        "sim",
        "-p",
        "hb-tests",
        "--features",
        "coverage",
        "--bin",
        "hb-sim",
        "--",
    ];
    let mut last = String::new();
    Cmd::cargo(build).args(args).limit(limit).run_seeing(|line| {
        if !line.trim().is_empty() {
            last = line.to_owned();
        }
    })?;
    Ok(last)
}

/// The step of `cargo xtask test`.
pub(crate) fn step() -> Outcome {
    run(&["--seeds", SEEDS], Duration::from_secs(1800))
}
