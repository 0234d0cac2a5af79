//! How the cases of a series ended, for machines to read.

use super::junit;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How a case ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Everything held.
    Passed,
    /// What did not.
    Failed(Vec<String>),
    /// It could not run: why. That proves nothing.
    Skipped(String),
}

impl Outcome {
    /// `passed`, `failed` or `skipped`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
        }
    }

    /// What did not hold, or why it could not run.
    #[must_use]
    pub fn why(&self) -> &[String] {
        match self {
            Self::Passed => &[],
            Self::Failed(why) => why,
            Self::Skipped(why) => std::slice::from_ref(why),
        }
    }
}

/// One case of one round.
#[derive(Clone, Debug)]
pub struct One {
    /// Which.
    pub case: String,
    /// The round, from 1.
    pub round: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
    /// What was measured, in one line.
    pub detail: String,
}

impl One {
    /// Its verdict for people's eyes, and what was measured, or why not.
    #[must_use]
    pub fn row(&self) -> (&'static str, String) {
        match &self.outcome {
            Outcome::Passed => ("passed", self.detail.clone()),
            Outcome::Failed(why) => ("FAILED", why.join("; ")),
            Outcome::Skipped(why) => ("skipped", why.clone()),
        }
    }
}

/// All of a series.
#[derive(Clone, Debug)]
pub struct Verdicts {
    /// What kind of bench it was: `hil`, or `wires` with the server's name.
    pub suite: String,
    /// Each case of each round, in their order.
    pub all: Vec<One>,
}

impl Verdicts {
    /// Without a case as yet.
    #[must_use]
    pub fn new(suite: &str) -> Self {
        Self { suite: suite.to_owned(), all: Vec::new() }
    }

    /// How many passed, failed, were skipped.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |is: fn(&Outcome) -> bool| self.all.iter().filter(|one| is(&one.outcome)).count();
        (
            count(|o| *o == Outcome::Passed),
            count(|o| matches!(o, Outcome::Failed(_))),
            count(|o| matches!(o, Outcome::Skipped(_))),
        )
    }

    /// The series in a word: `passed` only if a case passed and none failed.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.counts() {
            (_, 1.., _) => "failed",
            (1.., 0, _) => "passed",
            (0, 0, _) => "skipped",
        }
    }

    /// As `verdicts.json` has it (`docs/bench.md`).
    #[must_use]
    pub fn json(&self) -> Value {
        let (passed, failed, skipped) = self.counts();
        let cases: Vec<Value> = self
            .all
            .iter()
            .map(|one| {
                json!({
                    "case": one.case, "round": one.round, "verdict": one.outcome.name(), "why": one.outcome.why(),
                    "seconds": one.took.as_secs_f64(), "detail": one.detail,
                })
            })
            .collect();
        json!({
            "suite": self.suite, "verdict": self.word(),
            "passed": passed, "failed": failed, "skipped": skipped, "cases": cases,
        })
    }

    /// Writes `verdicts.json` and `junit.xml` into `dir`; says where.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, dir: &Path) -> Result<[PathBuf; 2], String> {
        let told = |path: &Path, e: std::io::Error| format!("{}: {e}", path.display());
        fs::create_dir_all(dir).map_err(|e| told(dir, e))?;
        let [json, xml] = ["verdicts.json", "junit.xml"].map(|name| dir.join(name));
        fs::write(&json, format!("{:#}\n", self.json())).map_err(|e| told(&json, e))?;
        fs::write(&xml, junit::text(self)?).map_err(|e| told(&xml, e))?;
        Ok([json, xml])
    }
}

#[cfg(test)]
pub(in crate::series) mod tests {
    use super::*;

    pub(in crate::series) fn some() -> Verdicts {
        let one = |case: &str, round, outcome| One {
            case: case.to_owned(),
            round,
            outcome,
            took: Duration::from_millis(1500),
            detail: "outage 41 ms".to_owned(),
        };
        Verdicts {
            suite: "wires ha-1".to_owned(),
            all: vec![
                one("cut", 1, Outcome::Passed),
                one("power", 1, Outcome::Skipped("no power_off in the file".to_owned())),
                one(
                    "cut",
                    2,
                    Outcome::Failed(vec!["both served <3 s> & more".to_owned(), "late".to_owned()]),
                ),
            ],
        }
    }

    #[test]
    fn what_did_not_run_is_not_a_pass() {
        let mut verdicts = some();
        assert_eq!((verdicts.counts(), verdicts.word()), ((1, 1, 1), "failed"));
        verdicts.all.pop();
        assert_eq!(verdicts.word(), "passed");
        verdicts.all.remove(0);
        assert_eq!(verdicts.word(), "skipped");
        assert_eq!(Verdicts::new("hil").word(), "skipped");
    }

    #[test]
    fn the_file_has_each_case_with_its_reason() {
        let json = some().json();
        assert_eq!(json["verdict"], "failed");
        assert_eq!(json["cases"][2]["why"][0], "both served <3 s> & more");
        assert_eq!(json["cases"][2]["round"], 2);
        assert_eq!(json["cases"][1]["verdict"], "skipped");
        assert_eq!(json["cases"][0]["seconds"], 1.5);
    }

    #[test]
    fn both_files_are_written() {
        let dir = std::env::temp_dir().join(format!("hbd-verdicts-{}", std::process::id()));
        let written = some().write(&dir).expect("written");
        let read = written.map(|path| fs::read_to_string(path).unwrap_or_default());
        let _ = fs::remove_dir_all(dir);
        assert!(serde_json::from_str::<Value>(&read[0]).is_ok_and(|v| v["skipped"] == 1));
        assert!(read[1].starts_with("<?xml"), "{}", read[1]);
    }
}
