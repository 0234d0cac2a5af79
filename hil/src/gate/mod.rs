//! `cargo xtask gate`: the shipped i586 binary on what the old servers have, in software: the system calls of a 2.4 kernel,
//! the instructions of a Pentium, the tools of a small userland.
//!
//! `hil-gate` ([`launch`]) becomes a program that sees such a kernel: a seccomp filter ([`bpf`]) answers ENOSYS to each
//! call that the kernel lacks and refuses newer flags of older calls; a tracer ([`tracer`]) looks at what the filter cannot
//! see and hides the vDSO, whose clock no filter would meet. It cannot imitate a 2.4 kernel's bugs, its `/proc` or its drivers.

mod ash;
pub mod auxv;
pub mod bpf;
mod cases;
pub mod kernel;
pub mod launch;
mod pentium;
mod plant;
mod probe;
mod proof;
pub mod rules;
mod scenarios;
pub mod socket;
pub mod sys;
pub mod ticks;
pub mod tracer;
mod userland;
mod watchdog;
mod wrap;

use crate::paths;
use crate::proc::Cmd;
use crate::table::{Table, human};
use kernel::Kernel;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// How a case ended well: it ran, or it could not run here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ended {
    /// It ran, and this came of it.
    Passed(String),
    /// It did not run, for this reason.
    Skipped(String),
}

/// One case.
#[derive(Debug)]
pub struct Case {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line for the list.
    pub about: &'static str,
    /// Run it.
    pub run: fn(&Context) -> Result<Ended, String>,
}

/// What the cases share.
#[derive(Clone, Debug)]
pub struct Context {
    /// The shipped binary.
    pub hbd: PathBuf,
    /// Every scenario, not only the selection.
    pub all: bool,
    gate: PathBuf,
    node: PathBuf,
}

impl Context {
    fn new(all: bool) -> Result<Self, String> {
        // A moment's work where it is up to date.
        let hbd = crate::dist::build::i586()?;
        Cmd::cargo(["build", "--quiet", "-p", "hb-hil", "--bin", "hil-gate", "--bin", "hil-node"]).run()?;
        let built = |name: &str| paths::target().join("debug").join(name);
        Ok(Self { hbd, all, gate: built("hil-gate"), node: built("hil-node") })
    }

    /// An empty folder below `target/gate`.
    fn folder(&self, name: &str) -> Result<PathBuf, String> {
        let dir = paths::scratch(&format!("gate/{name}"))?;
        fs::remove_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        paths::scratch(&format!("gate/{name}"))
    }

    /// The words that put a program on a kernel; the tracer's notes go to `log`. File `wrap` holds when `times(2)` wraps.
    fn launcher(&self, kernel: Kernel, log: &Path, wrap: Option<&Path>) -> Vec<String> {
        let mut words = vec![self.gate.display().to_string(), kernel.name().to_owned()];
        words.extend(["--log".to_owned(), log.display().to_string()]);
        if let Some(file) = wrap {
            words.extend(["--wrap-at".to_owned(), file.display().to_string()]);
        }
        words
    }
}

/// Runs the named cases, or all; `--all` among the names runs every scenario, `--list` only lists the cases.
///
/// # Errors
/// An unknown name, or the cases that failed.
pub fn run(names: &[&str]) -> Result<String, String> {
    let (options, names): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| name.starts_with("--"));
    if let Some(odd) = options.iter().find(|option| !["--all", "--list"].contains(option)) {
        return Err(format!("no option {odd}; --all runs every scenario, --list names the cases"));
    }
    if let Some(odd) = names.iter().find(|name| cases::CASES.iter().all(|case| case.name != **name)) {
        return Err(format!("no case {odd}; `cargo xtask gate --list` names them"));
    }
    if options.contains(&"--list") {
        for case in cases::CASES {
            println!("  {:<12} {}", case.name, case.about);
        }
        return Ok(format!("{} cases", cases::CASES.len()));
    }
    if !paths::is_root() {
        return Ok("SKIPPED: needs root, for namespaces and a seccomp filter with a tracer".to_owned());
    }
    let context = Context::new(options.contains(&"--all"))?;
    let wanted = |case: &&Case| names.is_empty() || names.contains(&case.name);
    let cases: Vec<&Case> = cases::CASES.iter().filter(wanted).collect();
    sum_up(cases.into_iter().map(|case| timed(case, &context)).collect())
}

/// One row of the table: name, outcome, seconds.
type Row = (&'static str, Result<Ended, String>, String);

fn timed(case: &Case, context: &Context) -> Row {
    println!("\n-- {}: {}", case.name, case.about);
    let began = Instant::now();
    let outcome = (case.run)(context);
    (case.name, outcome, human(began.elapsed()))
}

fn sum_up(rows: Vec<Row>) -> Result<String, String> {
    let mut table = Table::new(["case", "result", "time", "detail"]);
    let (mut passed, mut skipped, mut failed) = (0, Vec::new(), Vec::new());
    for (name, outcome, time) in &rows {
        let (result, detail) = match outcome {
            Ok(Ended::Passed(detail)) => ("ok", detail),
            Ok(Ended::Skipped(reason)) => ("SKIPPED", reason),
            Err(detail) => ("FAILED", detail),
        };
        match result {
            "ok" => passed += 1,
            "SKIPPED" => skipped.push(format!("{name} ({detail})")),
            _ => failed.push(format!("{name}: {detail}")),
        }
        table.row([name, result, time, detail.lines().next().unwrap_or_default()]);
    }
    println!("\n{table}");
    if !failed.is_empty() {
        return Err(failed.join("\n"));
    }
    if passed == 0 {
        return Ok(format!("SKIPPED: {}", skipped.join(", ")));
    }
    let rest = if skipped.is_empty() { String::new() } else { format!(", SKIPPED: {}", skipped.join(", ")) };
    Ok(format!("{passed} cases passed{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skipped_case_is_never_a_passed_one() {
        let row = |outcome| ("ash", outcome, String::new());
        let text = sum_up(vec![row(Ok(Ended::Skipped("no busybox".to_owned())))]);
        assert_eq!(text, Ok("SKIPPED: ash (no busybox)".to_owned()));
        let both = vec![row(Ok(Ended::Passed("1".to_owned()))), row(Err("bad\nin detail".to_owned()))];
        assert_eq!(sum_up(both), Err("ash: bad\nin detail".to_owned()));
    }

    #[test]
    fn what_is_not_there_is_refused() {
        assert!(run(&["no-such-case"]).is_err_and(|e| e.contains("no-such-case")));
        assert!(run(&["--quick"]).is_err_and(|e| e.contains("--all")));
    }
}
