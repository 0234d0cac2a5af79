//! The exhaustive check of the core (`tests/explore`), and the mistakes that it and the simulator must see.

pub mod mistake;
pub mod tree;

use crate::paths;
use crate::proc::Cmd;
use crate::table::{Table, human};
use mistake::Mistake;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tree::Tree;

const PROFILE: &str = "explore";
/// Seeds of the simulator that a mistake gets.
const SEEDS: &str = "2000";
/// One mistake with its build gets this long.
const LIMIT: Duration = Duration::from_secs(1800);

/// `cargo xtask explore ARGS`: builds the exhaustive check and runs it with these.
///
/// # Errors
/// It cannot be built, or a rule is broken.
pub fn explore(args: &[&str]) -> Result<(), String> {
    Cmd::cargo(["build", "--quiet", "--profile", PROFILE, "-p", "hb-tests", "--bin", "explore"]).run()?;
    let binary = paths::target().join(PROFILE).join("explore");
    Cmd::new(binary).args(args).dir(&paths::root()).limit(Duration::from_secs(48 * 3600)).run()
}

/// The step: what is small enough for every run.
///
/// # Errors
/// As [`explore`].
pub fn step() -> Result<String, String> {
    explore(&["--quick"])?;
    Ok("no rule broken".to_owned())
}

/// The step: all known mistakes.
///
/// # Errors
/// As [`mistakes`].
pub fn mistakes_step() -> Result<String, String> {
    mistakes(&[])
}

/// `cargo xtask mistakes [NAME...]`: the core as it is must pass, and with each known mistake a rule must be reported as
/// broken, the one that it is about.
///
/// # Errors
/// A mistake that nobody sees, or that is seen as something else; a stale list; the core as it is breaks a rule.
pub fn mistakes(names: &[&str]) -> Result<String, String> {
    let (all, mut tree) = (mistake::read(names)?, Tree::new()?);
    let (mut table, mut wrong) = (Table::new(["mistake", "seen by", "rule", "time"]), Vec::new());
    let looks = all.iter().flat_map(|m| m.explore.iter().map(String::as_str));
    // The step `explore` looks at all of these in the core as it is.
    let looks: BTreeSet<&str> = looks.filter(|look| !look.starts_with("plain:2")).collect();
    let sim = all.iter().any(|mistake| !mistake.sim.is_empty());
    let began = Instant::now();
    build(&tree)?;
    let mut args: Vec<&str> = looks.into_iter().collect();
    if sim {
        args.extend(["--seeds", SEEDS]);
    }
    if let Some(broken) = look(&args)? {
        return Err(format!("the core as it is breaks a rule:\n{broken}"));
    }
    let told: Vec<&str> = all.iter().flat_map(|m| m.stories.iter().map(String::as_str)).collect();
    if !told.is_empty()
        && let Some(failed) = stories(&tree, &told)?
    {
        return Err(format!("the core as it is fails a story:\n{failed}"));
    }
    table.row(["none", "-", "-", &human(began.elapsed())]);
    for mistake in &all {
        let began = Instant::now();
        tree.plant(mistake)?;
        build(&tree)?;
        for seen in sightings(&tree, mistake)? {
            let time = human(began.elapsed());
            println!("{}: {} in {time}", mistake.name, seen.what);
            table.row([mistake.name.as_str(), &seen.by, &seen.rule, &time]);
            wrong.extend(seen.fault);
        }
    }
    println!("\n{table}");
    if wrong.is_empty() {
        Ok(format!("{} of {} mistakes seen, each as what it is", all.len(), all.len()))
    } else {
        Err(wrong.join("\n"))
    }
}

/// What came of one look at a mistake.
struct Sighting {
    by: String,
    rule: String,
    what: String,
    fault: Option<String>,
}

/// The exhaustive check looks where the mistake says, the simulator if it says so, and its stories are told.
fn sightings(tree: &Tree, mistake: &Mistake) -> Result<Vec<Sighting>, String> {
    let mut all = Vec::new();
    if !mistake.explore.is_empty() {
        let args: Vec<&str> = mistake.explore.iter().map(String::as_str).collect();
        all.push(judge(mistake, &mistake.rules, look(&args)?));
    }
    if !mistake.sim.is_empty() {
        all.push(judge(mistake, &mistake.sim, look(&["--seeds", SEEDS])?));
    }
    for story in &mistake.stories {
        all.push(told(mistake, story, stories(tree, &[story])?));
    }
    Ok(all)
}

/// One story of the mistake must fail.
fn told(mistake: &Mistake, story: &str, failed: Option<String>) -> Sighting {
    let (by, rule) = ("story".to_owned(), story.to_owned());
    match failed {
        Some(_) => Sighting { by, what: format!("story {story} fails"), rule, fault: None },
        None => {
            let fault = Some(format!("{}: the story {story} passes all the same", mistake.name));
            Sighting { by: "nobody".to_owned(), rule, what: "NOT SEEN".to_owned(), fault }
        }
    }
}

/// Run these stories: what was said if one fails.
fn stories(tree: &Tree, names: &[&str]) -> Result<Option<String>, String> {
    let target = paths::target().join("mistakes/target");
    let build = ["test", "--quiet", "--profile", PROFILE, "-p", "hb-tests", "--test", "failover"];
    let cargo = |args: &[&str]| {
        let args = build.iter().chain(args);
        Cmd::cargo(args).dir(tree.dir()).env("CARGO_TARGET_DIR", &target).limit(LIMIT).output()
    };
    let built = cargo(&["--no-run"])?;
    if built.code != Some(0) {
        return Err(format!("the stories do not build:\n{}", built.stderr));
    }
    let out = cargo(&[&["--"], names].concat())?;
    if names.iter().any(|name| !name.is_empty()) && out.stdout.contains("running 0 tests") {
        return Err(format!("no story {}", names.join(" ")));
    }
    Ok((out.code != Some(0)).then_some(out.stdout))
}

fn judge(mistake: &Mistake, rules: &[String], broken: Option<String>) -> Sighting {
    let Some(text) = broken else {
        let what = "NOT SEEN".to_owned();
        let fault = Some(format!("{}: nobody sees it", mistake.name));
        return Sighting { by: "nobody".to_owned(), rule: "-".to_owned(), what, fault };
    };
    let mut words = text.lines().next().unwrap_or_default().split_whitespace().map(str::to_owned);
    let (by, rule) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let known = rules.contains(&rule);
    let fault = (!known)
        .then(|| format!("{}: seen as {rule}, expected {}\n{text}", mistake.name, rules.join(" or ")));
    let what = format!("{by} reports {rule}{}", if known { "" } else { ", WHICH IS NOT WHAT IT IS ABOUT" });
    Sighting { by, rule, what, fault }
}

fn build(tree: &Tree) -> Result<(), String> {
    let args = ["build", "--quiet", "--profile", PROFILE, "-p", "hb-tests", "--bin", "mistakes"];
    let target = paths::target().join("mistakes/target");
    let out = Cmd::cargo(args).dir(tree.dir()).env("CARGO_TARGET_DIR", target).limit(LIMIT).output()?;
    if out.code == Some(0) {
        Ok(())
    } else {
        Err(format!("the changed core does not build:\n{}", out.stderr))
    }
}

/// The first broken rule, if any: who saw it and which, then the timeline.
fn look(args: &[&str]) -> Result<Option<String>, String> {
    let binary = paths::target().join("mistakes/target").join(PROFILE).join("mistakes");
    let out = Cmd::new(binary).args(args).limit(LIMIT).output()?;
    match out.code {
        Some(0) => Ok(None),
        Some(1) => Ok(Some(out.stdout)),
        // A panic is a sighting too.
        Some(101) => Ok(Some(format!("panic panic\n{}", out.stderr))),
        code => Err(format!("mistakes {}: {code:?} {}", args.join(" "), out.stderr)),
    }
}
