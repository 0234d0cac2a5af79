//! The steps that are one or two cargo commands.

use super::{Outcome, deps};
use crate::beside::{self, beside};
use crate::paths;
use crate::proc::Cmd;
use std::collections::BTreeSet;
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

/// Everything but the simulator and the rig's tests.
pub(super) const MOST: [&str; 6] = ["test", "--workspace", "--exclude", "hb-tests", "--exclude", RIG];
/// Test programs that wait for most of their time, the longest first: each is run beside the others.
const WAITING: [&str; 7] = ["ipaddr", "exercise", "filesystem", "subject", "cli", "install", "mail_system"];

/// Unit and documentation tests of every crate but `tests`; real daemons once more under the allocation guard.
pub(super) fn unit() -> Outcome {
    Cmd::cargo(MOST).args(["--no-run"]).limit(Duration::from_secs(900)).run()?;
    let mut rest = vec!["--lib", "--bins"];
    let programs = test_programs()?;
    for program in programs.iter().filter(|name| !WAITING.contains(&name.as_str())) {
        rest.extend(["--test", program]);
    }
    let mut jobs: Vec<Vec<&str>> = WAITING.iter().map(|name| vec!["--test", name]).collect();
    jobs.extend([rest, vec!["--doc"]]);
    let sums = beside(&jobs, beside::waiting(), |job| quietly(job));
    let text = told(sums)?;
    let guarded = run_tests(
        &["test", "-p", "hb-linux", "--features", "alloc-guard", "--test", "cli", "--test", "alloc_guard"],
        300,
    )?;
    Ok(format!("{text}; without allocation: {guarded}"))
}

/// The test programs of [`MOST`]; some bear the same name.
fn test_programs() -> Result<BTreeSet<String>, String> {
    let mut all = BTreeSet::new();
    for member in deps::members()?.iter().filter(|name| !["hb-tests", RIG].contains(&name.as_str())) {
        all.extend(deps::test_targets(member)?);
    }
    Ok(all)
}

/// Runs what of [`MOST`] these words choose, and prints it as a whole when it has ended.
fn quietly(words: &[&str]) -> (Counts, Result<(), String>) {
    let cmd = Cmd::cargo(MOST).args(["--no-fail-fast"]).args(words).limit(Duration::from_secs(900));
    let line = cmd.line();
    match cmd.output() {
        Err(e) => (Counts::default(), Err(e)),
        Ok(out) => {
            let mut sum = Counts::default();
            out.stdout.lines().for_each(|line| sum.add(line));
            println!("-- {}\n{}\n{}", words.join(" "), out.stdout.trim(), out.stderr.trim());
            let ended =
                if out.code == Some(0) { Ok(()) } else { Err(format!("{line}: exit {:?}", out.code)) };
            (sum, ended)
        }
    }
}

/// The sum of what ran beside each other. A job in which no test ran is a failure.
fn told(jobs: Vec<(Counts, Result<(), String>)>) -> Outcome {
    let (mut all, mut wrong) = (Counts::default(), Vec::new());
    for (sum, ended) in jobs {
        all.passed += sum.passed;
        all.failed += sum.failed;
        all.ignored += sum.ignored;
        match ended {
            Err(e) => wrong.push(e),
            Ok(()) if sum.passed == 0 => wrong.push("a job in which no test ran".to_owned()),
            Ok(()) => {}
        }
    }
    let text = all.text();
    if wrong.is_empty() { Ok(text) } else { Err(format!("{text}; {}", wrong.join("; "))) }
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
    // They wait for the bits on a line.
    args.extend(["--", "--test-threads", "8"]);
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
    let threads = beside::waiting().to_string();
    run_tests(
        &["test", "-p", RIG, "--no-fail-fast", "--test", SCENARIOS, "--", "--test-threads", &threads],
        1200,
    )
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
    let text = sum.text();
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
    fn text(&self) -> String {
        format!("{} passed, {} failed, {} ignored", self.passed, self.failed, self.ignored)
    }

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
    fn what_runs_beside_others_is_there_and_runs_something() {
        let programs = test_programs().expect("cargo metadata");
        assert!(WAITING.iter().all(|name| programs.contains(*name)), "{programs:?}");
        let ran = |passed| Counts { passed, ..Counts::default() };
        assert_eq!(
            told(vec![(ran(2), Ok(())), (ran(3), Ok(()))]),
            Ok("5 passed, 0 failed, 0 ignored".to_owned())
        );
        assert!(told(vec![(ran(2), Ok(())), (ran(0), Ok(()))]).is_err());
        assert!(
            told(vec![(ran(2), Ok(())), (ran(9), Err("exit 1".to_owned()))])
                .is_err_and(|e| e.contains("11 passed"))
        );
    }

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
