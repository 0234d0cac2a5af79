//! Who sees a mistake: the exhaustive check, the simulator, or a story.

use super::mistake::Mistake;
use super::tree::Tree;
use crate::proc::Cmd;
use std::path::Path;
use std::time::Duration;

/// What the copies are built with.
pub const PROFILE: &str = "explore";
/// One build gets this long, and one look: a mistake may have set the simulator going for ever, and the machine be busy.
const LIMIT: Duration = Duration::from_secs(1800);
/// A look may take so much memory, in KiB: beside a mistake a queue may grow without end.
const BOUND: &str = "ulimit -v 6000000 && exec \"$@\"";
const TARGET: &str = "CARGO_TARGET_DIR";

/// What came of one look at a mistake.
#[derive(Debug)]
pub struct Sighting {
    /// Who saw it.
    pub by: String,
    /// As what: the rule, or the story.
    pub rule: String,
    /// The same as a sentence.
    pub what: String,
    /// What is wrong about that, if anything is.
    pub fault: Option<String>,
}

impl Sighting {
    /// Nothing was looked for, and nothing was seen.
    #[must_use]
    pub fn nothing() -> Self {
        Self { by: "-".to_owned(), rule: "-".to_owned(), what: "nothing broken".to_owned(), fault: None }
    }
}

/// The exhaustive check looks where the mistake says, the simulator if it says so, and its stories are told.
///
/// # Errors
/// The changed core does not build, or a look broke down.
pub fn sightings(tree: &Tree, mistake: &Mistake) -> Result<Vec<Sighting>, String> {
    let mut all = Vec::new();
    if mistake.seeds() > 0 || !mistake.explore.is_empty() {
        build(tree)?;
    }
    let binary = tree.binary();
    if !mistake.explore.is_empty() {
        let args: Vec<&str> = mistake.explore.iter().map(String::as_str).collect();
        all.push(judge(mistake, &mistake.rules, look(&binary, &args)?));
    }
    if !mistake.sim.is_empty() {
        let seeds = mistake.seeds().to_string();
        all.push(judge(mistake, &mistake.sim, look(&binary, &["--seeds", &seeds])?));
    }
    if !mistake.stories.is_empty() {
        let names: Vec<&str> = mistake.stories.iter().map(String::as_str).collect();
        let failed = stories(tree, &names)?;
        all.extend(mistake.stories.iter().map(|story| told(mistake, story, &failed)));
    }
    Ok(all)
}

/// One story of the mistake must fail.
fn told(mistake: &Mistake, story: &str, failed: &[String]) -> Sighting {
    let (by, rule) = ("story".to_owned(), story.to_owned());
    if failed.iter().any(|name| name.contains(story)) {
        Sighting { by, what: format!("story {story} fails"), rule, fault: None }
    } else {
        let fault = Some(format!("{}: the story {story} passes all the same", mistake.name));
        Sighting { by: "nobody".to_owned(), rule, what: format!("NOT SEEN by {story}"), fault }
    }
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

/// Builds the exhaustive check with the simulator.
///
/// # Errors
/// It does not build.
pub fn build(tree: &Tree) -> Result<(), String> {
    let args = ["build", "--quiet", "--profile", PROFILE, "-p", "hb-tests", "--bin", "mistakes"];
    let out = Cmd::cargo(args).dir(tree.dir()).env(TARGET, tree.target()).limit(LIMIT).output()?;
    if out.code == Some(0) {
        Ok(())
    } else {
        Err(format!("the changed core does not build:\n{}", out.stderr))
    }
}

/// `program`, with a bound on its memory.
fn bounded(program: &Path) -> Cmd {
    Cmd::new("sh").args(["-c", BOUND, "sh"]).args([program])
}

/// Runs these stories: the names of those that fail.
///
/// # Errors
/// One of them is not there, or they come to no end.
pub fn stories(tree: &Tree, names: &[&str]) -> Result<Vec<String>, String> {
    let (votes, others): (Vec<&str>, Vec<&str>) =
        names.iter().partition(|name| VOTES.iter().any(|room| name.starts_with(room)));
    let mut failed = Vec::new();
    // What runs for a moment alone is built as quickly as can be, what looks at every order with a little more care.
    // Two versions of the wire are told of too: what is not said to be newer is of the release.
    let told = ["--profile", "dev", "--features", "next-wire", "--test", "failover"];
    let looked = ["--profile", "test", "--test", "witness"];
    for (how, names) in [(&told[..], others), (&looked[..], votes)] {
        if !names.is_empty() {
            failed.extend(failing(tree, how, &names)?);
        }
    }
    Ok(failed)
}

/// Rooms of `tests/witness`: every order of two nodes and a third member.
const VOTES: [&str; 2] = ["lease::", "clocks::"];

fn failing(tree: &Tree, how: &[&str], names: &[&str]) -> Result<Vec<String>, String> {
    let out = bounded(Path::new(&crate::paths::cargo()))
        .args(["test", "-p", "hb-tests"])
        .args(how)
        .args(["--"])
        .args(names)
        .dir(tree.dir())
        .env(TARGET, tree.target())
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .limit(LIMIT)
        .output()?;
    let results: Vec<&str> = out.stdout.lines().filter_map(|line| line.strip_prefix("test ")).collect();
    if let Some(unknown) = names.iter().find(|name| !results.iter().any(|result| result.contains(*name))) {
        return Err(format!("no story {unknown}, no end of it, or no build:\n{}", out.stderr));
    }
    let failed = |line: &&str| line.strip_suffix(" ... FAILED").map(str::to_owned);
    let failed: Vec<String> = results.iter().filter_map(failed).collect();
    if failed.is_empty() && out.code != Some(0) {
        return Err(format!("the stories {} broke down: {:?}\n{}", names.join(" "), out.code, out.stderr));
    }
    Ok(failed)
}

/// The first broken rule, if any: who saw it and which, then the timeline.
///
/// # Errors
/// The look comes to no end, or breaks down.
pub fn look(binary: &Path, args: &[&str]) -> Result<Option<String>, String> {
    let out = bounded(binary).args(args).limit(LIMIT).output()?;
    match out.code {
        Some(0) => Ok(None),
        Some(1) => Ok(Some(out.stdout)),
        // A panic is a sighting too.
        Some(101) => Ok(Some(format!("panic panic\n{}", out.stderr))),
        code => Err(format!("a look at {args:?} came to no end: {code:?} {}", out.stderr)),
    }
}
