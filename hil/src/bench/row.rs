//! One line of the benchmark's table, and its form as JSON.

use serde_json::{Value, json};

/// How a figure stands to its bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The bar is reached.
    Met,
    /// The bar is missed.
    Missed,
    /// There is no bar: shown for comparison.
    Shown,
    /// Not measured; the note says why.
    Skipped,
}

impl Verdict {
    /// `Met` or `Missed`.
    #[must_use]
    pub const fn of(met: bool) -> Self {
        if met { Self::Met } else { Self::Missed }
    }

    /// The word in the table and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "MISSED",
            Self::Shown => "shown",
            Self::Skipped => "skipped",
        }
    }

    fn from_word(word: &str) -> Self {
        let all = [Self::Met, Self::Missed, Self::Shown, Self::Skipped];
        all.into_iter().find(|v| v.word() == word).unwrap_or(Self::Skipped)
    }
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// What it must reach.
    pub bar: String,
    /// The figure, for people.
    pub value: String,
    /// How it stands.
    pub verdict: Verdict,
    /// What is needed to read the figure right.
    pub note: String,
    /// The single measurements, in the unit that `value` names.
    pub samples: Vec<f64>,
}

impl Row {
    /// A row without note and samples.
    #[must_use]
    pub fn new(what: &str, bar: &str, value: String, verdict: Verdict) -> Self {
        Self {
            what: what.to_owned(),
            bar: bar.to_owned(),
            value,
            verdict,
            note: String::new(),
            samples: Vec::new(),
        }
    }

    /// A row for something that could not be measured.
    #[must_use]
    pub fn skipped(what: &str, bar: &str, why: impl Into<String>) -> Self {
        Self::new(what, bar, "-".to_owned(), Verdict::Skipped).note(why)
    }

    /// With a note.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// With the single measurements.
    #[must_use]
    pub fn samples(mut self, samples: &[f64]) -> Self {
        self.samples = samples.to_vec();
        self
    }

    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "what": self.what, "bar": self.bar, "value": self.value,
            "verdict": self.verdict.word(), "note": self.note, "samples": self.samples,
        })
    }

    /// From JSON; what is missing is empty.
    #[must_use]
    pub fn from_json(value: &Value) -> Self {
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let samples = value.get("samples").and_then(Value::as_array).into_iter().flatten();
        Self {
            what: text("what"),
            bar: text("bar"),
            value: text("value"),
            verdict: Verdict::from_word(&text("verdict")),
            note: text("note"),
            samples: samples.filter_map(Value::as_f64).collect(),
        }
    }
}

/// The median; zero of nothing.
#[must_use]
pub(super) fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// The largest; zero of nothing or of negative figures.
#[must_use]
pub(super) fn max(samples: &[f64]) -> f64 {
    samples.iter().copied().reduce(f64::max).unwrap_or(0.0)
}

/// `median 512 / max 530 ms (n=7)`.
#[must_use]
pub(super) fn spread(samples: &[f64], unit: &str) -> String {
    format!("median {:.0} / max {:.0} {unit} (n={})", median(samples), max(samples), samples.len())
}

/// Milliseconds.
#[must_use]
pub(super) fn ms(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_survives_json() {
        let row = Row::new("size", "<= 2", "1".to_owned(), Verdict::Met).note("n").samples(&[1.0, 2.5]);
        assert_eq!(Row::from_json(&row.to_json()), row);
    }

    #[test]
    fn medians_and_maxima() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert_eq!(spread(&[3.0, 1.0, 2.0], "ms"), "median 2 / max 3 ms (n=3)");
        assert!((max(&[-3.0, -5.0]) + 3.0).abs() < 1e-9);
    }
}
