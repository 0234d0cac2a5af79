//! `cargo xtask test`: every check of the project, in order, each also a sub-command of its own name.
//!
//! A step that fails does not hide the later ones; the table at the end names every one.

pub(crate) mod cargo;
pub mod demo;
pub mod deps;
pub mod features;
pub mod house;
pub mod lengths;
mod map;
mod messages;
pub mod quick;
pub mod source;
mod staged;
mod trace;
mod twins;

use crate::fuzz;
use crate::proof::{budgets, nopanic};
use crate::table::{Table, human};
use std::time::{Duration, Instant};

/// What a step answers: one line for the table, or what is wrong.
pub type Outcome = Result<String, String>;

/// One step: its sub-command, what it does, and the function.
#[derive(Debug)]
pub struct Step {
    /// The sub-command that runs it alone.
    pub name: &'static str,
    /// One line for the help text.
    pub about: &'static str,
    /// The check itself.
    pub run: fn() -> Outcome,
}

/// All steps, in the order of `cargo xtask test`: set-up, quick checks, tests, then what takes longest.
pub const STEPS: &[Step] = &[
    Step {
        name: "setup",
        about: "install what the tests need (as root), or say how",
        run: crate::setup::ensure,
    },
    Step { name: "fmt", about: "formatting", run: cargo::fmt },
    Step { name: "deps", about: "dependencies point one way", run: deps::check },
    Step {
        name: "house",
        about: "calls a 2.4 kernel lacks, unsafe code, left-over markers",
        run: house::check,
    },
    Step {
        name: "trace",
        about: "every sentence of the rules: cited, tested, and broken by a planted mistake",
        run: trace::check,
    },
    Step { name: "lengths", about: "how long the files are", run: lengths::report },
    Step { name: "clippy", about: "lints, warnings are errors", run: cargo::clippy },
    Step { name: "features", about: "the core with each feature set", run: features::core },
    Step { name: "nostd", about: "core and bridge for a Cortex-M3, no std", run: features::nostd },
    Step { name: "nopanic", about: "core and bridge linked without a panic", run: nopanic::check },
    Step { name: "budgets", about: "flash, RAM and instructions of the core", run: budgets::check },
    Step {
        name: "firmware",
        about: "the bridge's boards: built, weighed, the emulated one run",
        run: crate::firmware::step,
    },
    Step { name: "unit", about: "unit tests of every crate", run: cargo::unit },
    Step { name: "cross", about: "simulator and cross-crate tests", run: cargo::cross },
    Step {
        name: "sim",
        about: "20,000 seeds of the simulator, every rule, every pair",
        run: crate::sim::step,
    },
    Step { name: "explore", about: "the core, every order of events up to a depth", run: crate::model::step },
    Step {
        name: "mistakes",
        about: "the core with each known mistake, which must be seen",
        run: crate::model::mistakes_step,
    },
    Step { name: "scenarios", about: "two real nodes in network namespaces", run: cargo::scenarios },
    Step {
        name: "faults",
        about: "system calls of two real daemons fail or are late, a selection",
        run: crate::faults::step,
    },
    Step { name: "fuzz", about: "every fuzz target for a short time", run: fuzz::smoke },
    Step { name: "wires", about: "this machine as the peer of a server, over a pty", run: wires },
    Step { name: "doc", about: "documentation, warnings are errors", run: cargo::doc },
    Step { name: "dist", about: "the i586 binary, built and checked", run: dist },
    Step { name: "gate", about: "the i586 binary on a 2.4 kernel's calls and a Pentium", run: gate },
    Step {
        name: "hil",
        about: "two emulated i386 machines, the cases that fit",
        run: crate::virt::run::step,
    },
    Step { name: "demo", about: "the README's first command", run: demo::run },
];

fn wires() -> Outcome {
    crate::wires::standin::run(&[], 1)
}

fn dist() -> Outcome {
    crate::dist::run(true)
}

fn gate() -> Outcome {
    crate::gate::run(&[])
}

/// Runs the given steps and prints their table.
///
/// # Errors
/// At least one failed; the text names them.
pub fn run(steps: &[&Step]) -> Result<(), String> {
    let began = Instant::now();
    let results: Vec<(&str, Outcome, Duration)> = steps.iter().map(|step| timed(step)).collect();
    let (table, failed) = sum_up(&results);
    println!("\n{table}\n{} steps in {}", results.len(), human(began.elapsed()));
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

fn timed(step: &Step) -> (&'static str, Outcome, Duration) {
    println!("\n== {}: {}", step.name, step.about);
    let began = Instant::now();
    let outcome = (step.run)();
    match &outcome {
        Ok(text) => println!("== {}: ok, {text}", step.name),
        Err(text) => println!("== {}: FAILED\n{text}", step.name),
    }
    (step.name, outcome, began.elapsed())
}

fn sum_up(results: &[(&'static str, Outcome, Duration)]) -> (Table, Vec<&'static str>) {
    let mut table = Table::new(["step", "result", "time", "detail"]);
    let mut failed = Vec::new();
    for (name, outcome, time) in results {
        let (result, detail) = match outcome {
            // What could not run here is not said to hold.
            Ok(detail) if detail.starts_with("SKIPPED") => ("skipped", detail),
            Ok(detail) => ("ok", detail),
            Err(detail) => ("FAILED", detail),
        };
        if outcome.is_err() {
            failed.push(*name);
        }
        let detail: String = detail.lines().next().unwrap_or_default().chars().take(120).collect();
        table.row([name, result, &human(*time), &detail]);
    }
    (table, failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    static RAN: AtomicU32 = AtomicU32::new(0);

    fn bad() -> Outcome {
        Err("broken\nin detail".to_owned())
    }

    fn good() -> Outcome {
        RAN.fetch_add(1, Ordering::Relaxed);
        Ok("fine".to_owned())
    }

    #[test]
    fn a_failing_step_hides_no_later_one() {
        let steps =
            [Step { name: "first", about: "", run: bad }, Step { name: "second", about: "", run: good }];
        assert_eq!(run(&steps.iter().collect::<Vec<_>>()), Err("failed: first".to_owned()));
        assert_eq!(RAN.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn the_table_names_each_step() {
        let results = [("first", bad(), Duration::ZERO), ("second", Ok("fine".to_owned()), Duration::ZERO)];
        let text = sum_up(&results).0.to_string();
        assert!(
            text.contains("first   FAILED  0 ms  broken\n") && text.contains("second  ok      0 ms  fine\n")
        );
    }

    #[test]
    fn a_skipped_step_is_not_ok() {
        let (table, failed) = sum_up(&[("first", Ok("SKIPPED: no root".to_owned()), Duration::ZERO)]);
        assert!(failed.is_empty() && table.to_string().contains("first  skipped"), "{table}");
    }

    #[test]
    fn no_two_steps_share_a_name() {
        let names: std::collections::BTreeSet<&str> = STEPS.iter().map(|s| s.name).collect();
        assert_eq!(names.len(), STEPS.len());
    }
}
