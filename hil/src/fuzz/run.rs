//! One target: first what stopped it before, then its corpus and what grows from it.

use super::build::program;
use crate::paths;
use crate::proc::{Cmd, Output};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// What a run came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) executed: u64,
    pub(super) per_second: u64,
    /// Edges of the program that the corpus and its offspring reach.
    pub(super) edges: u64,
    pub(super) corpus: u64,
    /// What stopped it.
    pub(super) found: Option<String>,
}

/// Runs `target` for so many seconds.
pub(super) fn target(target: &str, seconds: u32) -> Result<Report, String> {
    let root = paths::root().join("fuzz");
    let found = root.join("found").join(target);
    let grown = grown(target)?;
    let prefix = paths::scratch(&format!("fuzz/found/{target}"))?.join("x");
    let prefix = prefix.display().to_string().trim_end_matches('x').to_owned();
    let known: Vec<PathBuf> = files(&found);
    if !known.is_empty() {
        let said = Cmd::new(program(target)?).args(&known).limit(Duration::from_secs(120)).output()?;
        if said.code != Some(0) {
            return Ok(Report { found: Some(why(&said, "an input of fuzz/found")), ..Report::default() });
        }
    }
    let mut fuzzer = Cmd::new(program(target)?)
        .args([format!("-max_total_time={seconds}"), format!("-artifact_prefix={prefix}")])
        .args(["-print_final_stats=1", "-timeout=10", "-rss_limit_mb=1024", "-max_len=4096"]);
    let words = root.join("dict").join(format!("{target}.dict"));
    if words.is_file() {
        fuzzer = fuzzer.args([format!("-dict={}", words.display())]);
    }
    // New inputs go into the first folder; the corpus is only read.
    let limit = Duration::from_secs(u64::from(seconds) + 120);
    let said = fuzzer.args([grown, root.join("corpus").join(target)]).limit(limit).output()?;
    let mut report = read(&said.stderr);
    if said.code != Some(0) {
        report.found = Some(why(&said, &format!("see {prefix}*, copy it to {}", found.display())));
    } else if report.executed == 0 || report.edges == 0 {
        // A program without counters runs well and finds nothing.
        return Err(format!("{target}: nothing ran, or nothing was counted:\n{}", said.stderr));
    }
    Ok(report)
}

/// Puts a small set of inputs that reaches every edge into the corpus.
pub(super) fn keep(target: &str) -> Result<(), String> {
    let corpus = paths::root().join("fuzz/corpus").join(target);
    let fresh = paths::scratch(&format!("fuzz/merged/{target}"))?;
    for file in files(&fresh) {
        fs::remove_file(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    Cmd::new(program(target)?)
        .args(["-set_cover_merge=1", "-use_counters=0", "-max_len=1024"])
        .args([&fresh, &grown(target)?, &corpus])
        .limit(Duration::from_secs(600))
        .run()?;
    for file in files(&corpus) {
        fs::remove_file(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    for file in files(&fresh) {
        let name = file.file_name().unwrap_or_default();
        fs::copy(&file, corpus.join(name)).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    Ok(())
}

/// Where new inputs of a target go.
fn grown(target: &str) -> Result<PathBuf, String> {
    paths::scratch(&format!("fuzz/grown/{target}"))
}

fn files(dir: &std::path::Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    let mut files: Vec<PathBuf> =
        entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.is_file()).collect();
    files.sort();
    files
}

/// The line that says what broke.
fn why(said: &Output, otherwise: &str) -> String {
    let mut lines = said.stderr.lines().skip_while(|line| !line.contains("panicked at"));
    match (lines.next(), lines.next()) {
        (Some(place), Some(text)) => format!("{place} {text}; {otherwise}"),
        _ => format!("exit {:?}; {otherwise}", said.code),
    }
}

/// Reads libFuzzer's last words: `#548708 DONE cov: 170 ft: 1009 corp: 463/44Kb lim: 1170 exec/s: 26128 rss: 28Mb`.
fn read(said: &str) -> Report {
    let number =
        |text: &str| text.split(|c: char| !c.is_ascii_digit()).find_map(|n| n.parse().ok()).unwrap_or(0);
    let line = said.lines().rev().find(|line| line.starts_with('#') && line.contains("cov: "));
    let after = |name: &str| line.and_then(|line| line.split_once(name)).map_or(0, |(_, rest)| number(rest));
    let executed = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    Report {
        executed: executed.map_or(0, number),
        per_second: after("exec/s: "),
        edges: after("cov: "),
        corpus: after("corp: "),
        found: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_read() {
        let said = "#2 INITED cov: 9 ft: 10 corp: 1/1b exec/s: 0 rss: 27Mb\n\
                    #548708\tDONE   cov: 170 ft: 1009 corp: 463/44Kb lim: 1170 exec/s: 26128 rss: 28Mb\n\
                    stat::number_of_executed_units: 548708\n";
        let expected = Report { executed: 548_708, per_second: 26_128, edges: 170, corpus: 463, found: None };
        assert_eq!(read(said), expected);
        assert_eq!(read("nothing"), Report::default());
    }

    #[test]
    fn what_broke_is_named() {
        let stderr = "INFO: x\nthread '<unnamed>' panicked at a.rs:1:2:\nit broke\n==1== ERROR\n".to_owned();
        let said = Output { code: Some(77), stdout: String::new(), stderr };
        assert_eq!(why(&said, "y"), "thread '<unnamed>' panicked at a.rs:1:2: it broke; y");
        let said = Output { code: None, stdout: String::new(), stderr: String::new() };
        assert_eq!(why(&said, "y"), "exit None; y");
    }
}
