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

/// What befalls a case, in the terms of the simulator (`replay.rs`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// A link carries nothing; of one node: nothing that this one sends.
    Cut,
    /// Of a thousand bytes on a link, so many have a bit changed (`amount`).
    Flips,
    /// Bytes on a link that nobody sent.
    Noise,
    /// A machine has no power, or its kernel is dead.
    Power,
    /// A daemon is dead (SIGKILL).
    Kill,
    /// A daemon stands still (SIGSTOP).
    Freeze,
    /// A machine stands still as a whole, its clock too.
    Halt,
    /// Start scripts fail.
    StartFails,
    /// An operator gives the groups away.
    Standby,
    /// An operator takes them.
    Takeover,
    /// An operator ends a daemon in order.
    Stop,
    /// An operator clears a group.
    Clear,
}

impl What {
    /// As `verdict.json` has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Flips => "flips",
            Self::Noise => "noise",
            Self::Power => "power",
            Self::Kill => "kill",
            Self::Freeze => "freeze",
            Self::Halt => "halt",
            Self::StartFails => "start-fails",
            Self::Standby => "standby",
            Self::Takeover => "takeover",
            Self::Stop => "stop",
            Self::Clear => "clear",
        }
    }
}

/// The begin or the end of a fault, or a command.
#[derive(Clone, Debug)]
pub struct Fault {
    /// When.
    pub at: Stamp,
    /// What.
    pub what: What,
    /// `serial` or `eth1`, where it is of a link.
    pub link: Option<&'static str>,
    /// Whose; `None`: of both.
    pub node: Option<&'static str>,
    /// It begins; else it ends.
    pub begins: bool,
    /// How much, where that is said.
    pub amount: u64,
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
    /// What was done to wires, machines and daemons.
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

    /// Notes a fault of a link, of what `node` sends or of both ways, or its end.
    pub fn link_fault(
        &mut self,
        what: What,
        link: &'static str,
        node: Option<&'static str>,
        begins: bool,
        amount: u64,
    ) {
        self.faults.push(Fault { at: Stamp::now(), what, link: Some(link), node, begins, amount });
    }

    /// Notes a fault of a node or its end, or a command there.
    pub fn fault(&mut self, what: What, node: &'static str, begins: bool) {
        self.faults.push(Fault { at: Stamp::now(), what, link: None, node: Some(node), begins, amount: 0 });
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
