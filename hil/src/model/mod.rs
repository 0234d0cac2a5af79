//! The exhaustive check of the core (`tests/explore`), and the mistakes that it, the simulator and the stories must see.

pub mod look;
pub mod mistake;
pub mod tree;

use crate::beside::{self, beside};
use crate::paths;
use crate::proc::Cmd;
use crate::table::{Table, human};
use look::{Sighting, sightings};
use mistake::Mistake;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tree::Tree;

/// Copies of the core that are changed and built beside each other, at most. Most of one build uses one processor.
const JOBS: usize = 4;

/// What is small enough for every run, what takes longest first: every case with one fault or command, two of them with
/// every instant told apart, and two of the kinds that most of what broke was made of.
const EVERY_RUN: [&[&str]; 5] = [
    &["--fine", "--depth", "1", "--case", "fence"],
    &["--depth", "1"],
    &["--fine", "--depth", "1", "--case", "watchdog"],
    &["--depth", "2", "--rest-every", "10", "--only", "cut,power,kill,order", "--case", "plain"],
    &["--depth", "2", "--rest-every", "10", "--only", "not-run,missing,wrong-code,kill", "--case", "plain"],
];

/// `cargo xtask explore ARGS`: builds the exhaustive check and runs it with these.
///
/// # Errors
/// It cannot be built, or a rule is broken.
pub fn explore(args: &[&str]) -> Result<(), String> {
    explorer(args)?.run()
}

fn explorer(args: &[&str]) -> Result<Cmd, String> {
    Cmd::cargo(["build", "--quiet", "--profile", look::PROFILE, "-p", "hb-tests", "--bin", "explore"])
        .run()?;
    let binary = paths::target().join(look::PROFILE).join("explore");
    Ok(Cmd::new(binary).args(args).dir(&paths::root()).limit(Duration::from_secs(48 * 3600)))
}

/// The step: what is small enough for every run.
///
/// # Errors
/// As [`explore`].
pub fn step() -> Result<String, String> {
    // Built once, before they want it beside each other.
    explorer(&[])?;
    let parts = beside(&EVERY_RUN, beside::computing(), |args| {
        let out = explorer(args)?.output()?;
        println!("-- explore {}\n{}", args.join(" "), out.stdout.trim_end());
        match out.code {
            Some(0) => Ok(()),
            code => Err(format!("explore {}: exit {code:?}\n{}", args.join(" "), out.stdout)),
        }
    });
    let broken: Vec<String> = parts.into_iter().filter_map(Result::err).collect();
    if broken.is_empty() {
        Ok(format!("{} parts, no rule broken", EVERY_RUN.len()))
    } else {
        Err(broken.join("\n"))
    }
}

/// The step: all known mistakes.
///
/// # Errors
/// As [`mistakes`].
pub fn mistakes_step() -> Result<String, String> {
    mistakes(&[])
}

/// One thing to do.
#[derive(Clone, Copy, Debug)]
enum Work<'a> {
    /// The core as it is breaks no rule here, and in so many seeds.
    Unchanged(&'a str, u64),
    /// The core with this.
    Planted(&'a Mistake),
}

/// What came of it, and how long that took.
type Outcome = (usize, Result<Vec<Sighting>, String>, Duration);

/// `cargo xtask mistakes [NAME...]`: the core as it is must pass (of some mistakes by name only their stories), and with each
/// known mistake a rule must be reported as broken, the one that it is about.
///
/// # Errors
/// A mistake that nobody sees, or that is seen as something else; a stale list; the core as it is breaks a rule.
pub fn mistakes(names: &[&str]) -> Result<String, String> {
    let all = mistake::read(names)?;
    for mistake in &all {
        tree::changed(mistake)?;
    }
    let first = Tree::new(0)?;
    let told: BTreeSet<&str> = all.iter().flat_map(|m| m.stories.iter().map(String::as_str)).collect();
    let told: Vec<&str> = told.into_iter().collect();
    if !told.is_empty() {
        let failed = look::stories(&first, &told)?;
        if !failed.is_empty() {
            return Err(format!("the core as it is fails the stories {}", failed.join(" ")));
        }
    }
    // The core as it is takes its time, and the whole list has seen it. The step `explore` looks at the others of these.
    let whole = |_: &&Mistake| names.is_empty();
    let looks = all.iter().filter(whole).flat_map(|m| m.explore.iter().map(String::as_str));
    let looks: BTreeSet<&str> = looks.filter(|look| !look.starts_with("plain:2")).collect();
    let seeds = all.iter().filter(whole).map(Mistake::seeds).max().unwrap_or_default();
    let mut work: Vec<Work<'_>> = looks.into_iter().map(|look| Work::Unchanged(look, 0)).collect();
    if seeds > 0 {
        work.push(Work::Unchanged("plain:0", seeds));
    }
    let unchanged = paths::target().join("mistakes/unchanged");
    if !work.is_empty() {
        look::build(&first)?;
        fs::copy(first.binary(), &unchanged).map_err(|e| format!("{}: {e}", unchanged.display()))?;
    }
    work.extend(all.iter().map(Work::Planted));
    let jobs = thread::available_parallelism().map_or(1, usize::from).min(JOBS);
    let (next, seen) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for job in 1..jobs {
            let (work, next, seen, unchanged) = (&work, &next, &seen, &unchanged);
            scope.spawn(move || {
                // Without a second copy one is enough.
                if let Ok(tree) = Tree::new(job) {
                    carry(tree, unchanged, work, next, seen);
                }
            });
        }
        carry(first, &unchanged, &work, &next, &seen);
    });
    let mut seen = seen.into_inner().map_err(|_| "a look at a mistake broke down")?;
    seen.sort_by_key(|(at, _, _): &Outcome| *at);
    sum_up(&work, seen)?;
    Ok(format!("{} of {} mistakes seen, each as what it is", all.len(), all.len()))
}

/// One after the other, until nothing is left.
fn carry(
    mut tree: Tree,
    unchanged: &Path,
    work: &[Work<'_>],
    next: &AtomicUsize,
    seen: &Mutex<Vec<Outcome>>,
) {
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let Some(work) = work.get(at) else { return };
        let began = Instant::now();
        let found = match work {
            Work::Unchanged(case, seeds) => as_it_is(unchanged, case, *seeds),
            Work::Planted(mistake) => tree.plant(mistake).and_then(|()| sightings(&tree, mistake)),
        };
        let took = began.elapsed();
        match &found {
            Ok(found) => {
                for one in found {
                    println!("{}: {} in {}", work.name(), one.what, human(took));
                }
            }
            Err(text) => println!("{}: {text}", work.name()),
        }
        if let Ok(mut seen) = seen.lock() {
            seen.push((at, found, took));
        }
    }
}

/// A rule that is broken without a mistake could pass for a sighting.
fn as_it_is(binary: &Path, case: &str, seeds: u64) -> Result<Vec<Sighting>, String> {
    let seeds = seeds.to_string();
    match look::look(binary, &[case, "--seeds", &seeds])? {
        Some(broken) => Err(format!("the core as it is breaks a rule:\n{broken}")),
        None => Ok(vec![Sighting::nothing()]),
    }
}

impl Work<'_> {
    fn name(&self) -> String {
        match self {
            Self::Unchanged(case, 0) => format!("none: {case}"),
            Self::Unchanged(_, seeds) => format!("none: {seeds} seeds"),
            Self::Planted(mistake) => mistake.name.clone(),
        }
    }
}

/// The table, and whatever is wrong.
fn sum_up(work: &[Work<'_>], seen: Vec<Outcome>) -> Result<(), String> {
    let (mut table, mut wrong) = (Table::new(["mistake", "seen by", "rule", "time"]), Vec::new());
    for (at, found, took) in seen {
        let Some(work) = work.get(at) else { continue };
        match found {
            Ok(found) => {
                for one in found {
                    table.row([work.name().as_str(), &one.by, &one.rule, &human(took)]);
                    wrong.extend(one.fault);
                }
            }
            Err(text) => {
                table.row([work.name().as_str(), "nobody", "-", &human(took)]);
                wrong.push(format!("{}: {text}", work.name()));
            }
        }
    }
    println!("\n{table}");
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}
