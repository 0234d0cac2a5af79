//! `cargo xtask hil`: chooses cases, runs them one after the other, and sums up.

use super::case::Case;
use super::cases::CASES;
use super::evidence;
use super::needs::{self, Lack, Ready};
use super::record::Record;
use super::replay::{self, Played};
use super::report;
use super::rig::Rig;
use super::scene::Scene;
use crate::paths;
use crate::rigfile::RigFile;
use crate::series::{One, Series, folder};
use crate::table::{Table, human};
use nix::fcntl::{Flock, FlockArg};
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// After this no further case of `cargo xtask test` is begun. They take some 10 minutes on two cores.
const STEP: Duration = Duration::from_secs(15 * 60);

pub use crate::series::Outcome as Verdict;

/// A case that ended, with what the report says of it.
#[derive(Debug)]
pub struct Ended {
    /// Which.
    pub case: &'static Case,
    /// In which round of the series, from 1.
    pub round: u32,
    /// How.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
    /// Its measured times, in one line.
    pub figures: String,
    /// Its chapter of the report.
    pub chapter: String,
}

/// What `cargo xtask hil` is asked to do.
#[derive(Debug, Default)]
struct Ask {
    list: bool,
    all: bool,
    keep: bool,
    hbd: Option<PathBuf>,
    names: Vec<String>,
    series: Series,
}

/// `cargo xtask hil` with its arguments; evidence goes into `base`, else into `target/hil`.
///
/// # Errors
/// A name is unknown, or a case failed.
pub fn command(args: &[&str], base: Option<&Path>) -> Result<(), String> {
    let ask = parse(args)?;
    if ask.list {
        for case in CASES {
            println!("{} {:<22} {}", if case.everyday { '*' } else { ' ' }, case.name, case.about);
        }
        println!("\n* without a name and without --all, these run");
        return Ok(());
    }
    let chosen = CASES.iter().filter(|case| match ask.names.as_slice() {
        [] => ask.all || case.everyday,
        names => names.iter().any(|name| name == case.name),
    });
    let chosen = ask.series.share(chosen.collect());
    let (text, failed) = run(&chosen, &ask, base, Duration::MAX)?;
    println!("{text}");
    if failed { Err("a case failed".to_owned()) } else { Ok(()) }
}

/// The cases of `cargo xtask test`, by way of a rig file as somebody would write it.
///
/// # Errors
/// One failed.
pub fn step() -> Result<String, String> {
    let file = paths::scratch("hil")?.join("rig.toml");
    fs::write(&file, "kind = \"qemu\"\nevidence = \".\"\n")
        .map_err(|e| format!("{}: {e}", file.display()))?;
    let RigFile::Qemu(rig) = RigFile::read(&file)? else {
        return Err(format!("{}: not taken for an emulated rig", file.display()));
    };
    let cases: Vec<&Case> = CASES.iter().filter(|case| case.everyday).collect();
    let (text, failed) = run(&cases, &Ask::default(), rig.evidence.as_deref(), STEP)?;
    if failed { Err(text) } else { Ok(text) }
}

fn parse(args: &[&str]) -> Result<Ask, String> {
    let mut ask = Ask::default();
    let mut args = args.iter();
    while let Some(&arg) = args.next() {
        match arg {
            "--hbd" => ask.hbd = Some(args.next().ok_or("--hbd wants a file")?.into()),
            "--list" => ask.list = true,
            "--all" => ask.all = true,
            "--keep" => ask.keep = true,
            name if CASES.iter().any(|case| case.name == name) => ask.names.push(name.to_owned()),
            word if ask.series.take(word, &mut args)? => {}
            other => return Err(format!("no case `{other}`; `cargo xtask hil --list` names them")),
        }
    }
    Ok(ask)
}

/// Runs them, prints their table, writes the report; begins none after `time`. Answers one line, and whether one failed.
fn run(
    cases: &[&'static Case],
    ask: &Ask,
    base: Option<&Path>,
    time: Duration,
) -> Result<(String, bool), String> {
    let (dir, _claim) = new_folder(ask.keep, base)?;
    let ready = needs::ready(ask.hbd.as_deref(), &dir);
    if let Err(Lack::Broken(why)) = ready {
        return Err(why);
    }
    let mut ended: Vec<Ended> = Vec::new();
    let began = Instant::now();
    // What cannot run at all is said once.
    let series = if ready.is_ok() { ask.series } else { Series::default() };
    let verdicts = series.play("hil", cases, |round, &case| {
        let number = ended.len() % cases.len() + 1;
        println!("\n== {} ({number} of {}): {}", case.name, cases.len(), case.about);
        let one = match (&ready, out_of_time(began.elapsed(), time)) {
            (Err(Lack::Skip(why) | Lack::Broken(why)), _) => skipped(case, why),
            (Ok(_), Some(why)) => skipped(case, &why),
            (Ok(ready), None) => play(case, ready, &dir.join(folder(round, case.name)))?,
        };
        println!("== {}: {}", case.name, word(&one.verdict));
        let one = Ended { round, ..one };
        let verdict = one.one();
        ended.push(one);
        Ok(verdict)
    })?;
    println!("\n{}", table(&ended));
    let page = dir.join("report.html");
    fs::write(&page, report::page(&ended, ready.as_ref().ok()))
        .map_err(|e| format!("{}: {e}", page.display()))?;
    verdicts.write(&dir)?;
    let (passed, failed, skips) = verdicts.counts();
    let front = if passed + failed == 0 { "SKIPPED: " } else { "" };
    let text = format!("{front}{passed} passed, {failed} failed, {skips} skipped; {}", page.display());
    Ok((text, failed > 0))
}

impl Ended {
    /// For those who count.
    fn one(&self) -> One {
        One {
            case: self.case.name.to_owned(),
            round: self.round,
            outcome: self.verdict.clone(),
            took: self.took,
            detail: self.figures.clone(),
        }
    }
}

/// Why no further case is begun.
fn out_of_time(spent: Duration, time: Duration) -> Option<String> {
    (spent >= time).then(|| format!("the {} are over; `cargo xtask hil CASE` runs it", human(time)))
}

/// Builds one case's rig, plays its story, and writes its evidence into `dir`.
fn play(case: &'static Case, ready: &Ready, dir: &Path) -> Result<Ended, String> {
    fs::create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let began = Instant::now();
    let setup = (case.setup)();
    let rig = match Rig::new(&setup, &ready.image, dir) {
        Ok(rig) => rig,
        Err(why) => return Ok(Ended { took: began.elapsed(), ..failed(case, vec![why]) }),
    };
    let mut scene = Scene { rig, record: Record::new(true), setup };
    let told = (case.story)(&mut scene);
    let mut end = None;
    if let Err(why) = told {
        scene.say(&format!("the story ends here: {why}"));
        end = Some(why);
    }
    let schedule = evidence::schedule(&scene.record, &scene.setup);
    in_simulator(&mut scene.record, &schedule, dir)?;
    let mut why = scene.record.failures();
    why.extend(end);
    let verdict = if why.is_empty() { Verdict::Passed } else { Verdict::Failed(why) };
    evidence::write_rig(&scene.rig, &scene.record, dir)?;
    evidence::write_verdict(case.name, &verdict, &scene.record, &schedule, ready, dir)?;
    let chapter = report::chapter(case, &verdict, &scene);
    let figures: Vec<String> =
        scene.record.figures.iter().map(|f| format!("{} {} ms", f.what, f.value.as_millis())).collect();
    Ok(Ended { case, round: 1, verdict, took: began.elapsed(), figures: figures.join("; "), chapter })
}

/// The same faults in the simulator, which must keep its rules under them as well.
fn in_simulator(record: &mut Record, schedule: &Value, dir: &Path) -> Result<(), String> {
    let (held, about, timeline) = match replay::play(schedule) {
        Played::Held { about, timeline } => (true, about, timeline),
        Played::Broken { about, timeline } => (false, about, timeline),
        Played::Unplayable(why) => {
            record.note(&format!("not played in the simulator: {why}"));
            return Ok(());
        }
    };
    record.check("the same faults in the simulator", held, &about);
    let path = dir.join("simulator.txt");
    fs::write(&path, timeline).map_err(|e| format!("{}: {e}", path.display()))
}

fn skipped(case: &'static Case, why: &str) -> Ended {
    let verdict = Verdict::Skipped(why.to_owned());
    Ended { case, round: 1, verdict, took: Duration::ZERO, figures: String::new(), chapter: String::new() }
}

fn failed(case: &'static Case, why: Vec<String>) -> Ended {
    Ended { verdict: Verdict::Failed(why), ..skipped(case, "") }
}

/// `run` in `base` or in `target/hil`, empty, and claimed for this process; with `keep` one that no later run replaces.
fn new_folder(keep: bool, base: Option<&Path>) -> Result<(PathBuf, Option<Flock<File>>), String> {
    let base = base.map_or_else(|| paths::scratch("hil"), |dir| Ok(dir.to_owned()))?;
    let told = |path: &Path, e: std::io::Error| format!("{}: {e}", path.display());
    fs::create_dir_all(&base).map_err(|e| told(&base, e))?;
    if keep {
        let made = (1..10_000).map(|n| base.join(format!("run-{n}"))).find(|dir| fs::create_dir(dir).is_ok());
        return made.map(|dir| (dir, None)).ok_or_else(|| format!("{}: takes no new folder", base.display()));
    }
    let file = base.join("lock");
    let claim = File::create(&file).map_err(|e| told(&file, e))?;
    let claim = Flock::lock(claim, FlockArg::LockExclusiveNonblock)
        .map_err(|_| format!("{}: another run goes on there; wait for it, or use --keep", base.display()))?;
    let dir = base.join("run");
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).map_err(|e| told(&dir, e))?;
    Ok((dir, Some(claim)))
}

/// A verdict in a few words.
#[must_use]
pub fn word(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Passed => "passed".to_owned(),
        Verdict::Failed(why) => format!("FAILED: {}", why.join("; ")),
        Verdict::Skipped(why) => format!("skipped: {why}"),
    }
}

fn table(ended: &[Ended]) -> Table {
    let mut table = Table::new(["case", "result", "time", "measured, or why not"]);
    for one in ended {
        let (result, detail) = one.one().row();
        table.row([&folder(one.round, one.case.name), result, &human(one.took), &detail]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_cases_and_options_and_nothing_else() {
        let ask = parse(&["chapter5", "--keep"]).unwrap_or_default();
        assert!(ask.keep && !ask.all && ask.names == ["chapter5"]);
        let other = parse(&["--hbd", "/tmp/hbd", "frozen"]).unwrap_or_default();
        assert!(other.hbd == Some(PathBuf::from("/tmp/hbd")) && other.names == ["frozen"]);
        assert!(parse(&["--hbd"]).is_err_and(|e| e.contains("file")));
        assert!(parse(&["no-such-case"]).is_err_and(|e| e.contains("--list")));
    }

    #[test]
    fn two_runs_at_once_do_not_share_a_folder() {
        let base = std::env::temp_dir().join(format!("hbd-run-{}", std::process::id()));
        let first = new_folder(false, Some(&base)).expect("a folder");
        assert!(new_folder(false, Some(&base)).is_err_and(|e| e.contains("--keep")));
        let kept = [0, 1].map(|_| new_folder(true, Some(&base)).expect("a folder").0);
        assert!(kept[0] != kept[1] && kept.iter().all(|dir| dir.is_dir()));
        drop(first);
        assert!(new_folder(false, Some(&base)).is_ok());
        let _ = fs::remove_dir_all(base);
    }

    #[test]
    fn no_two_cases_share_a_name() {
        let names: std::collections::BTreeSet<&str> = CASES.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), CASES.len());
    }

    #[test]
    fn a_case_that_is_not_begun_in_time_is_skipped_with_the_reason() {
        assert_eq!(out_of_time(Duration::from_secs(899), STEP), None);
        assert!(
            out_of_time(STEP, STEP).is_some_and(|why| why.contains("15 min") && why.contains("hil CASE"))
        );
        assert_eq!(out_of_time(Duration::from_secs(86_400), Duration::MAX), None);
    }

    #[test]
    fn a_skipped_case_is_not_a_passed_one() {
        let one = skipped(&CASES[0], "no tap");
        let text = table(&[one]).to_string();
        assert!(text.contains("skipped") && text.contains("no tap") && !text.contains("passed"), "{text}");
    }
}
