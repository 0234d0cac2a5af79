//! The steps that are one or two cargo commands.

use super::{Outcome, deps};
use crate::paths;
use crate::proc::Cmd;
use std::time::Duration;

/// Lints that only the shipped code must pass: nothing there may panic.
const NO_PANIC: [&str; 10] = [
    "-D",
    "clippy::unwrap_used",
    "-D",
    "clippy::expect_used",
    "-D",
    "clippy::panic",
    "-D",
    "clippy::todo",
    "-D",
    "clippy::unimplemented",
];

/// `cargo fmt --check`.
pub(super) fn fmt() -> Outcome {
    Cmd::cargo(["fmt", "--all", "--check"]).run()?;
    for apart in ["fuzz", "hb-serial-bridge/boards"] {
        Cmd::cargo(["fmt", "--all", "--check"]).dir(&paths::root().join(apart)).run()?;
    }
    Ok("formatted".to_owned())
}

/// Clippy over everything, then the stricter set over what ships.
pub(super) fn clippy() -> Outcome {
    Cmd::cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]).run()?;
    let shipped =
        ["clippy", "-p", "hb-core", "-p", "hb-linux", "-p", "hb-serial-bridge", "--lib", "--bins", "--"];
    Cmd::cargo(shipped).args(["-D", "warnings"]).args(NO_PANIC).run()?;
    Ok("no warning".to_owned())
}

/// Unit and documentation tests of every crate but `tests`; real daemons once more under the allocation guard.
pub(super) fn unit() -> Outcome {
    let text = run_tests(
        &["test", "--workspace", "--exclude", "hb-tests", "--exclude", RIG, "--no-fail-fast"],
        900,
    )?;
    let guarded = run_tests(
        &["test", "-p", "hb-linux", "--features", "alloc-guard", "--test", "cli", "--test", "alloc_guard"],
        300,
    )?;
    Ok(format!("{text}; without allocation: {guarded}"))
}

/// The simulator's own tests and every cross-crate test but the namespace scenarios.
pub(super) fn cross() -> Outcome {
    let rules = run_tests(&["test", "-p", "hb-tests", "--no-fail-fast", "--lib", "--tests"], 900)?;
    let two = ["test", "-p", "hb-core", "--features", "next-wire", "--test", "next"];
    run_tests(&two, 300)?;
    let two = ["test", "-p", "hb-tests", "--features", "next-wire", "--test", "failover"];
    let versions = run_tests(&two, 600)?;
    let others: Vec<String> = deps::test_targets(RIG)?.into_iter().filter(|t| t != SCENARIOS).collect();
    let mut args = vec!["test", "-p", RIG, "--no-fail-fast"];
    for target in &others {
        args.extend(["--test", target]);
    }
    build_hbd()?;
    Ok(format!("{rules}; with two versions: {versions}; on the rig: {}", run_tests(&args, 900)?))
}

/// The package of the tests that need the rig.
const RIG: &str = "hb-scenarios";
const SCENARIOS: &str = "scenarios";

/// The two-node tests in network namespaces, on the debug build of `hbd`.
pub(super) fn scenarios() -> Outcome {
    if !deps::test_targets(RIG)?.iter().any(|t| t == SCENARIOS) {
        return Err(format!("{RIG} has no test target `{SCENARIOS}`"));
    }
    build_hbd()?;
    run_tests(&["test", "-p", RIG, "--no-fail-fast", "--test", SCENARIOS], 1200)
}

/// The daemon that these tests run aborts on any allocation after its start-up.
fn build_hbd() -> Result<(), String> {
    Cmd::cargo(["build", "-p", "hb-linux", "--bin", "hbd", "--features", "alloc-guard"]).run()
}

/// `cargo doc`; a warning (a broken link, say) is an error.
pub(super) fn doc() -> Outcome {
    Cmd::cargo(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings").run()?;
    Ok("no warning".to_owned())
}

/// Runs a `cargo test` command with its output shown and its counts summed.
pub(crate) fn count_tests(cmd: Cmd) -> (Counts, Result<(), String>) {
    let mut sum = Counts::default();
    let ran = cmd.run_seeing(|line| sum.add(line));
    (sum, ran)
}

/// As [`count_tests`]. No test at all is a failure.
pub(super) fn run_tests(args: &[&str], limit_s: u64) -> Outcome {
    let (sum, ran) = count_tests(Cmd::cargo(args).limit(Duration::from_secs(limit_s)));
    let text = format!("{} passed, {} failed, {} ignored", sum.passed, sum.failed, sum.ignored);
    match ran {
        Err(e) => Err(format!("{text}; {e}")),
        Ok(()) if sum.passed == 0 => Err(format!("{text}: no test ran")),
        Ok(()) => Ok(text),
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    pub(crate) ignored: u32,
    /// Tests that say themselves that they did not run; they count as passed too.
    pub(crate) skipped: u32,
}

impl Counts {
    /// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; ...`.
    fn add(&mut self, line: &str) {
        self.skipped += u32::from(line.starts_with("SKIPPED"));
        let Some((_, counts)) = line.split_once("test result: ").and_then(|(_, r)| r.split_once(". ")) else {
            return;
        };
        for part in counts.split(';') {
            let mut words = part.split_whitespace();
            let number = words.next().and_then(|n| n.parse::<u32>().ok()).unwrap_or(0);
            match words.next() {
                Some("passed") => self.passed += number,
                Some("failed") => self.failed += number,
                Some("ignored") => self.ignored += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_summed_over_test_programs() {
        let mut sum = Counts::default();
        sum.add(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        );
        sum.add("test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out");
        sum.add("test node::late ... ok");
        sum.add("SKIPPED: cold start: needs root");
        assert_eq!(sum, Counts { passed: 5, failed: 1, ignored: 1, skipped: 1 });
    }
}
