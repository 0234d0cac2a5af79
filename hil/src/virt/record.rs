//! What a case did and found: notes, checks, measured figures. Said aloud as they come.

use crate::netns::Stamp;
use std::time::Duration;

/// A statement that held or did not.
#[derive(Clone, Debug)]
pub struct Check {
    /// The statement.
    pub what: String,
    /// Whether it held.
    pub held: bool,
    /// What was seen.
    pub detail: String,
}

/// A measured time.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// How long it was.
    pub value: Duration,
    /// What it may be at most, where there is a bound.
    pub limit: Option<Duration>,
}

/// One change of a wire, in the simulator's terms.
#[derive(Clone, Debug)]
pub struct Fault {
    /// When.
    pub at: Stamp,
    /// `serial` or `eth1`.
    pub link: &'static str,
    /// Whose bytes; `None`: both ways.
    pub from: Option<&'static str>,
    /// `cut`, `mend`, or `flips N`, `noise`, `clean`.
    pub change: String,
}

/// The record of one case.
#[derive(Clone, Debug)]
pub struct Record {
    /// When the case began.
    pub began: Stamp,
    /// The story as it was told.
    pub notes: Vec<(Stamp, String)>,
    /// All checks.
    pub checks: Vec<Check>,
    /// All figures.
    pub figures: Vec<Figure>,
    /// What was done to the wires.
    pub faults: Vec<Fault>,
    loud: bool,
}

impl Record {
    /// Begins now. `loud` prints what is noted.
    #[must_use]
    pub fn new(loud: bool) -> Self {
        let began = Stamp::now();
        Self { began, notes: Vec::new(), checks: Vec::new(), figures: Vec::new(), faults: Vec::new(), loud }
    }

    /// Notes a step of the story. Says when.
    pub fn note(&mut self, text: &str) -> Stamp {
        let at = Stamp::now();
        if self.loud {
            println!("  {:7.2}  {text}", at.since(self.began).as_secs_f64());
        }
        self.notes.push((at, text.to_owned()));
        at
    }

    /// Notes a change of a wire.
    pub fn fault(&mut self, link: &'static str, from: Option<&'static str>, change: &str) {
        self.faults.push(Fault { at: Stamp::now(), link, from, change: change.to_owned() });
    }

    /// Checks a statement; a false one fails the case, which goes on.
    pub fn check(&mut self, what: &str, held: bool, detail: &str) {
        self.note(&format!("{}: {what} ({detail})", if held { "yes" } else { "NO" }));
        self.checks.push(Check { what: what.to_owned(), held, detail: detail.to_owned() });
    }

    /// Measures a time; one above its limit fails the case.
    pub fn figure(&mut self, what: &str, value: Duration, limit: Option<Duration>) {
        let bound = limit.map_or(String::new(), |limit| format!(", at most {} ms", limit.as_millis()));
        let held = limit.is_none_or(|limit| value <= limit);
        let mark = if held { "" } else { " TOO LONG" };
        self.note(&format!("{what}: {} ms{bound}{mark}", value.as_millis()));
        self.figures.push(Figure { what: what.to_owned(), value, limit });
    }

    /// What did not hold.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let checks =
            self.checks.iter().filter(|check| !check.held).map(|c| format!("{}: {}", c.what, c.detail));
        let figures = self.figures.iter().filter(|f| f.limit.is_some_and(|limit| f.value > limit));
        checks.chain(figures.map(|f| format!("{}: {} ms", f.what, f.value.as_millis()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_false_check_and_a_long_time_are_failures() {
        let mut record = Record::new(false);
        record.check("it held", true, "");
        record.figure("short", Duration::from_millis(5), Some(Duration::from_millis(5)));
        record.figure("unbounded", Duration::from_secs(5), None);
        assert!(record.failures().is_empty());
        record.check("it did not", false, "seen");
        record.figure("long", Duration::from_millis(6), Some(Duration::from_millis(5)));
        assert_eq!(record.failures(), ["it did not: seen", "long: 6 ms"]);
    }
}
