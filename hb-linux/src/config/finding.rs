//! What is wrong with a configuration, where, and how much it matters.

use core::fmt;

/// How much a finding matters. In this order they are printed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Class {
    /// The files contradict themselves, each other or this node: `check` and `run` stop with exit code 6.
    Configuration,
    /// The files are right but this machine does not match them (device, interface, script, right): `check` fails
    /// with exit code 1, `run` starts degraded.
    Environment,
    /// Worth knowing; nothing fails.
    Warning,
}

/// One thing that is wrong. `Display` prints `file:line: what is wrong; what to write instead`, no line end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The file, as a path that can be opened from here.
    pub file: String,
    /// The line, counted from 1. What is missing from a file altogether is reported at line 1.
    pub line: u32,
    /// How much it matters.
    pub class: Class,
    /// What is wrong and what to write instead. Never holds a secret, a control character or a line end.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.text)
    }
}

/// All findings of one run over the configuration, in the order of file name and line.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Add one at its place; the same text at the same place is kept once.
    pub fn push(&mut self, finding: Finding) {
        if self.0.contains(&finding) {
            return;
        }
        let place = (finding.file.as_str(), finding.line, finding.class);
        let at = self.0.iter().take_while(|f| (f.file.as_str(), f.line, f.class) <= place).count();
        self.0.insert(at, finding);
    }

    /// Add all of `other`.
    pub fn append(&mut self, other: Self) {
        for finding in other.0 {
            self.push(finding);
        }
    }

    /// All of them, sorted.
    #[must_use]
    pub fn as_slice(&self) -> &[Finding] {
        &self.0
    }

    /// Those of one class, sorted.
    pub fn of(&self, class: Class) -> impl Iterator<Item = &Finding> {
        self.0.iter().filter(move |f| f.class == class)
    }

    /// Does it hold one of this class?
    #[must_use]
    pub fn any(&self, class: Class) -> bool {
        self.of(class).next().is_some()
    }
}

/// Collects the findings about one file.
pub(super) struct Report<'a> {
    file: &'a str,
    findings: &'a mut Findings,
}

impl<'a> Report<'a> {
    /// Findings about `file` go to `findings`.
    pub(super) const fn new(file: &'a str, findings: &'a mut Findings) -> Self {
        Self { file, findings }
    }

    /// A configuration error.
    pub(super) fn error(&mut self, line: u32, text: fmt::Arguments<'_>) {
        self.add(line, Class::Configuration, text);
    }

    /// Something that this machine lacks.
    pub(super) fn lacks(&mut self, line: u32, text: fmt::Arguments<'_>) {
        self.add(line, Class::Environment, text);
    }

    /// A warning.
    pub(super) fn warn(&mut self, line: u32, text: fmt::Arguments<'_>) {
        self.add(line, Class::Warning, text);
    }

    fn add(&mut self, line: u32, class: Class, text: fmt::Arguments<'_>) {
        self.findings.push(Finding {
            file: String::from(self.file),
            line: line.max(1),
            class,
            text: std::fmt::format(text),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_sorted_by_file_and_line_and_kept_once() {
        let mut all = Findings::new();
        Report::new("b", &mut all).warn(1, format_args!("last"));
        let mut report = Report::new("a", &mut all);
        report.lacks(9, format_args!("third"));
        report.warn(2, format_args!("second"));
        report.error(2, format_args!("first"));
        report.error(2, format_args!("first"));
        let texts: Vec<&str> = all.as_slice().iter().map(|f| f.text.as_str()).collect();
        assert_eq!(texts, ["first", "second", "third", "last"]);
        assert_eq!(all.as_slice()[2].to_string(), "a:9: third");
        assert!(all.any(Class::Configuration) && all.any(Class::Environment) && all.any(Class::Warning));
        assert_eq!(all.of(Class::Warning).count(), 2);
    }
}
