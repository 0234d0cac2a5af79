//! `cargo xtask sim`: the simulator's campaign, built for speed and with the core's marks of the pairs that it meets.

use crate::paths;
use crate::proc::Cmd;
use crate::test::Outcome;
use std::time::Duration;

/// Seeds of one `cargo xtask test`.
const SEEDS: &str = "20000";

/// How `hb-sim` is built and run.
const BUILD: [&str; 11] = [
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
/// Parts of the world in which two versions are beside each other: all but those about links that carry one way only and
/// holders that restart in place beside another one (docs/simulator.md).
const PARTS: &str = "lists,edits,ratio,groups,epochs,numbers,old,old-stream,hellos,newer,foreign,own,busy,thaw,boot,disk,kept,\
                     stuck,versions,unkillable";
/// Seeds of mixed pairs in one `cargo xtask test`.
const MIXED: &str = "5000";

/// Builds `hb-sim` and runs it with `args`.
///
/// # Errors
/// It does not build, or a seed breaks a rule, or a pair or a kind of fault was not reached.
pub fn run(args: &[&str], limit: Duration) -> Outcome {
    let mut last = String::new();
    Cmd::cargo(BUILD).args(args).limit(limit).run_seeing(|line| {
        if !line.trim().is_empty() {
            last = line.to_owned();
        }
    })?;
    Ok(last)
}

/// `cargo xtask sim-mixed ARGS`: the same over pairs of two versions of the wire, in a build of its own.
///
/// # Errors
/// As [`run`].
pub fn mixed(args: &[&str], limit: Duration) -> Outcome {
    let target = paths::target().join("next-wire");
    let mut build = BUILD;
    build[7] = "coverage,next-wire";
    let mut last = String::new();
    let versions = ["--only", PARTS, "--no-coverage"];
    let run = Cmd::cargo(build).args(versions).args(args).env("CARGO_TARGET_DIR", &target).limit(limit);
    run.run_seeing(|line| {
        if !line.trim().is_empty() {
            last = line.to_owned();
        }
    })?;
    Ok(last)
}

/// The step of `cargo xtask test`.
pub(crate) fn step() -> Outcome {
    let own = run(&["--seeds", SEEDS], Duration::from_secs(1800))?;
    let two = mixed(&["--seeds", MIXED], Duration::from_secs(1800))?;
    Ok(format!("{own}; of two versions: {two}"))
}
