//! `cargo xtask fuzz [TARGET...] [--seconds N] [--keep]`: libFuzzer on what reads bytes of strangers, and on whole nodes.
//!
//! The targets are in `fuzz/`, a workspace of its own. They are built by the everyday compiler with LLVM's coverage
//! counters, as `cargo fuzz` does it, but without a sanitizer, which only a nightly compiler has; debug assertions and
//! overflow checks are on. Each target has its corpus in `fuzz/corpus/`; what a run finds stays in the target folder,
//! unless `--keep` merges it back. An input that stopped a target is kept in `fuzz/found/` and run first ever after.

mod build;
mod run;

use crate::beside::{self, beside};
use crate::table::Table;
use crate::test::Outcome;

/// The targets and what each reads.
pub const TARGETS: [(&str, &str); 8] = [
    ("stream", "bytes on a serial line"),
    ("text", "messages of Linux-HA Heartbeat"),
    ("message", "the authenticated path, bodies behind a right tag"),
    ("node", "sequences of inputs and commands on a whole node"),
    ("bridge", "the relay between two ports"),
    ("ha_cf", "ha.cf"),
    ("haresources", "haresources"),
    ("authkeys", "authkeys"),
];

/// Seconds of each target in `cargo xtask test`.
const SMOKE: u32 = 10;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    targets: Vec<&'static str>,
    seconds: u32,
    keep: bool,
}

/// The step of the test command: every target, for a short time, from its corpus.
pub fn smoke() -> Outcome {
    run(&[])
}

/// The sub-command with its arguments.
///
/// # Errors
/// A word is not understood, the build fails, or a target found something.
pub fn run(words: &[&str]) -> Outcome {
    let order = order(words)?;
    build::all()?;
    let mut table = Table::new(["target", "executions", "per second", "edges", "corpus", "result"]);
    let (mut executed, mut wrong) = (0, Vec::new());
    let reports = beside(&order.targets, beside::computing(), |target| {
        println!("-- {target}: {} s", order.seconds);
        run::target(target, order.seconds)
    });
    for (target, report) in order.targets.iter().zip(reports) {
        let report = report?;
        let result = match &report.found {
            None => "ok".to_owned(),
            Some(text) => {
                wrong.push(format!("{target}: {text}"));
                "FOUND".to_owned()
            }
        };
        let figures =
            [report.executed, report.per_second, report.edges, report.corpus].map(|n| n.to_string());
        table.row([target, &figures[0], &figures[1], &figures[2], &figures[3], &result]);
        executed += report.executed;
        if order.keep && report.found.is_none() {
            run::keep(target)?;
        }
    }
    println!("\n{table}");
    if wrong.is_empty() {
        Ok(format!("{} targets, {executed} executions, nothing found", order.targets.len()))
    } else {
        Err(wrong.join("\n"))
    }
}

fn order(words: &[&str]) -> Result<Order, String> {
    let mut order = Order { targets: Vec::new(), seconds: SMOKE, keep: false };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--keep" => order.keep = true,
            "--seconds" => {
                let number = words.next().and_then(|n| n.parse().ok()).filter(|n| (1..=86_400).contains(n));
                order.seconds = number.ok_or("--seconds takes a number from 1 to 86400")?;
            }
            name => {
                let known = TARGETS.iter().find(|(target, _)| *target == name);
                let names = TARGETS.map(|(target, _)| target).join(", ");
                order.targets.push(known.ok_or(format!("no target `{name}`; there are {names}"))?.0);
            }
        }
    }
    if order.targets.is_empty() {
        order.targets.extend(TARGETS.map(|(target, _)| target));
    }
    Ok(order)
}

/// The targets, for the help text.
pub fn list() {
    for (target, about) in TARGETS {
        println!("  {target:<14} {about}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths;

    #[test]
    fn orders_are_understood_or_refused() {
        let all = order(&[]).unwrap();
        assert_eq!((all.targets.len(), all.seconds, all.keep), (TARGETS.len(), SMOKE, false));
        let one = order(&["node", "--seconds", "60", "--keep"]).unwrap();
        assert_eq!(one, Order { targets: vec!["node"], seconds: 60, keep: true });
        for bad in [&["nodes"][..], &["--seconds"], &["--seconds", "0"], &["--seconds", "x"]] {
            assert!(order(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn every_target_is_built_and_has_a_corpus() {
        let root = paths::root().join("fuzz");
        let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
        for (target, _) in TARGETS {
            assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
            let corpus = std::fs::read_dir(root.join("corpus").join(target)).unwrap();
            assert!(corpus.count() > 3, "{target} has no corpus");
        }
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
    }
}
