//! Real wires: this machine plays the peer node over the null-modem to a server under test, with the product's own core.
//!
//! `cargo xtask wires --rig FILE` runs the cases against the servers of a rig file; without `--rig` it makes a stand-in
//! first (a real daemon in namespaces, its serial line a pty, its power switch and console commands like any others)
//! and runs the same on that.

mod bench;
mod cases;
mod cluster;
pub mod labgrid;
mod peer;
mod port;
mod server;
pub mod standin;

pub use bench::{Answer, Bench, Verdict};
pub use cases::{CASES, Case};

use crate::rigfile::{self, RigFile};
use crate::series::{One, Outcome, Series, Verdicts, folder};
use crate::table::{Table, human};
use server::{Client, Server};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What the command line asks for.
#[derive(Debug, Default)]
struct Job {
    rig: Option<PathBuf>,
    cases: Vec<&'static Case>,
    series: Series,
}

/// `cargo xtask wires` with these words.
///
/// # Errors
/// The words, the rig file, or the cases that failed.
pub fn command(words: &[&str]) -> Result<(), String> {
    if words == ["--list"] {
        for case in CASES {
            println!("  {:<10} {}", case.name, case.about);
        }
        return Ok(());
    }
    let job = parse(words)?;
    match &job.rig {
        Some(file) => with_file(file, &job.series.share(job.cases), job.series),
        None => {
            let names = job.cases.iter().map(|case| case.name.to_owned());
            let words: Vec<String> = names.chain(job.series.words()).collect();
            standin::run(&words, job.series.rounds()).map(|text| println!("{text}"))
        }
    }
}

/// `cargo xtask hil --rig FILE` with these words behind it: what the file says the rig is.
///
/// # Errors
/// The file, the words, or the cases that failed.
pub fn rig(file: &str, words: &[&str]) -> Result<(), String> {
    match RigFile::read(Path::new(file))? {
        RigFile::Qemu(rig) => crate::virt::run::command(words, rig.evidence.as_deref()),
        RigFile::Wires(_) => command(&[&["--rig", file], words].concat()),
    }
}

/// The cases on the servers of this rig file.
///
/// # Errors
/// The file, or the cases that failed; no case at all is a failure too.
pub fn with_file(file: &Path, cases: &[&'static Case], series: Series) -> Result<(), String> {
    let RigFile::Wires(rig) = RigFile::read(file)? else {
        return Err(format!("{}: this rig is emulated; run it with: cargo xtask hil", file.display()));
    };
    let evidence = rig.evidence.clone().map_or_else(|| crate::paths::scratch("wires"), Ok)?;
    let mut table = Table::new(["server", "case", "verdict", "time", "detail"]);
    let (mut failed, mut passed) = (Vec::new(), 0);
    for server in rig.servers {
        let name = server.name.clone();
        println!("== {name} on {} at {} baud", server.serial.display(), server.baud);
        let verdicts = on_server(bench(server)?, cases, series, &evidence.join(&name))?;
        for one in &verdicts.all {
            let (verdict, detail) = one.row();
            let case = folder(one.round, &one.case);
            if matches!(one.outcome, Outcome::Failed(_)) {
                failed.push(format!("{name} {case}"));
            }
            table.row([&name, &case, verdict, &human(one.took), &detail]);
        }
        passed += verdicts.counts().0;
        verdicts.write(&evidence.join(&name))?;
    }
    println!("\n{table}\nevidence: {}", evidence.display());
    match (failed.is_empty(), passed) {
        (true, 1..) => Ok(()),
        (true, _) => Err("no case ran".to_owned()),
        (false, _) => Err(format!("failed: {}", failed.join(", "))),
    }
}

/// The series on one server.
fn on_server(
    mut bench: Bench,
    cases: &[&'static Case],
    series: Series,
    evidence: &Path,
) -> Result<Verdicts, String> {
    let suite = format!("wires {}", bench.server.file.name);
    series.play(&suite, cases, |round, case| {
        let begun = Instant::now();
        println!("-- {}: {}", case.name, case.about);
        let answer = match bench.settle() {
            Ok(()) => (case.run)(&mut bench),
            Err(text) => Err(Verdict::Failed(format!("before the case: {text}"))),
        };
        bench.evidence(evidence, &folder(round, case.name), &answer)?;
        let (outcome, detail) = match answer {
            Ok(text) => (Outcome::Passed, text),
            Err(Verdict::Skipped(text)) => (Outcome::Skipped(text), String::new()),
            Err(Verdict::Failed(text)) => (Outcome::Failed(vec![text]), String::new()),
        };
        let one = One { case: case.name.to_owned(), round, outcome, took: begun.elapsed(), detail };
        let (word, text) = one.row();
        println!("   {word} in {}: {text}", human(one.took));
        Ok(one)
    })
}

fn bench(file: rigfile::Server) -> Result<Bench, String> {
    let role = cluster::peer_of(&file.name, &file.config)?;
    let client = match &file.service {
        None => None,
        Some(service) => {
            let service = service.parse().map_err(|e| format!("{service}: {e}"))?;
            Some(Client::start(service, file.interface.clone()).map_err(|e| e.to_string())?)
        }
    };
    Ok(Bench::new(Server { file }, role, client))
}

fn parse(words: &[&str]) -> Result<Job, String> {
    let mut job = Job::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--rig" => job.rig = Some(words.next().ok_or("--rig wants a file")?.into()),
            word if job.series.take(word, &mut words)? => {}
            name => {
                let case = CASES.iter().find(|case| case.name == name);
                job.cases.push(case.ok_or(format!("no case `{name}`; cargo xtask wires --list names them"))?);
            }
        }
    }
    if job.cases.is_empty() {
        job.cases = CASES.iter().collect();
    }
    Ok(job)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cases_or_a_rig() {
        let job = parse(&["--rig", "bench.toml", "cut", "noise"]).unwrap();
        assert_eq!(job.rig, Some(PathBuf::from("bench.toml")));
        assert_eq!(job.cases.iter().map(|c| c.name).collect::<Vec<_>>(), ["cut", "noise"]);
        assert_eq!(parse(&[]).unwrap().cases.len(), CASES.len());
        assert!(parse(&["--rig"]).is_err() && parse(&["fire"]).is_err_and(|e| e.contains("fire")));
    }

    #[test]
    fn no_two_cases_share_a_name() {
        let names: std::collections::BTreeSet<&str> = CASES.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), CASES.len());
    }
}
