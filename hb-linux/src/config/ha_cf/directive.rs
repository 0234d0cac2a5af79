//! One line of `ha.cf`, and the shapes of value that most directives share.

use super::At;
use crate::config::finding::Report;
use crate::config::lexer::Word;
use crate::config::time::{self, Shown};
use hb_core::Duration;
use std::path::PathBuf;

/// A directive's name, line and words.
pub(super) struct Directive<'a> {
    pub(super) name: &'a str,
    pub(super) line: u32,
    pub(super) args: &'a [Word<'a>],
}

impl<'a> Directive<'a> {
    /// The only value, or a finding that shows `example`.
    pub(super) fn value(&self, example: &str, report: &mut Report<'_>) -> Option<&'a str> {
        let name = self.name;
        match self.args {
            [one] => Some(one.text),
            [] => {
                report.error(
                    self.line,
                    format_args!("`{name}` has no value; write for example `{name} {example}`"),
                );
                None
            }
            [number, unit, ..]
                if matches!(unit.text, "ms" | "msec" | "us" | "usec")
                    && number.text.bytes().all(|b| b.is_ascii_digit() || b == b'.') =>
            {
                let (number, unit) = (number.text, unit.text);
                report.error(
                    self.line,
                    format_args!("a blank stands before `{unit}`; write `{name} {number}{unit}`"),
                );
                None
            }
            [first, second, ..] => {
                let (first, second) = (first.text, second.text);
                report.error(
                    self.line,
                    format_args!("`{second}` is too much: `{name}` takes one value; write `{name} {first}`"),
                );
                None
            }
        }
    }

    /// Put `value` into `slot`. A second, different value for the same thing is an error.
    pub(super) fn set<T: PartialEq>(&self, slot: &mut Option<At<T>>, value: T, report: &mut Report<'_>) {
        match slot {
            Some(first) if first.value == value => report.warn(
                self.line,
                format_args!("`{}` says the same as line {}; remove one", self.name, first.line),
            ),
            Some(first) => report.error(
                self.line,
                format_args!("`{}` contradicts line {}; keep one of the two", self.name, first.line),
            ),
            None => *slot = Some(At { value, line: self.line }),
        }
    }

    /// The only value as a time from `min` to `max`, into `slot`.
    pub(super) fn set_time(
        &self,
        slot: &mut Option<At<Duration>>,
        min: Duration,
        max: Duration,
        report: &mut Report<'_>,
    ) {
        if let Some(time) = self.time(min, max, report) {
            self.set(slot, time, report);
        }
    }

    /// The only value as a time from `min` to `max`.
    pub(super) fn time(&self, min: Duration, max: Duration, report: &mut Report<'_>) -> Option<Duration> {
        let word = self.value("2", report)?;
        self.time_of(word, min, max, report)
    }

    /// `word` as a time from `min` to `max`.
    pub(super) fn time_of(
        &self,
        word: &str,
        min: Duration,
        max: Duration,
        report: &mut Report<'_>,
    ) -> Option<Duration> {
        match time::parse(word) {
            Ok(time) if time >= min && time <= max => Some(time),
            // Seconds that are meant as milliseconds.
            Ok(time)
                if time > max && time.divided(1000) >= min && word.bytes().all(|b| b.is_ascii_digit()) =>
            {
                report.error(
                    self.line,
                    format_args!(
                        "`{0} {word}` is out of range, as a number without a unit means seconds; if milliseconds are meant, \
                         write `{0} {word}ms`, else {1} to {2}",
                        self.name,
                        Shown(min),
                        Shown(max)
                    ),
                );
                None
            }
            Ok(_) => {
                report.error(
                    self.line,
                    format_args!(
                        "`{} {word}` is out of range; write {} to {}",
                        self.name,
                        Shown(min),
                        Shown(max)
                    ),
                );
                None
            }
            Err(error) => {
                report.error(self.line, format_args!("{}: {error}", self.name));
                None
            }
        }
    }

    /// The only value as a whole number from `min` to `max`.
    pub(super) fn number(&self, min: u32, max: u32, example: &str, report: &mut Report<'_>) -> Option<u32> {
        let word = self.value(example, report)?;
        self.number_of("", word, min, max, report)
    }

    /// `word`, called `what`, as a whole number from `min` to `max`.
    pub(super) fn number_of(
        &self,
        what: &str,
        word: &str,
        min: u32,
        max: u32,
        report: &mut Report<'_>,
    ) -> Option<u32> {
        match word.parse::<u32>() {
            Ok(number) if (min..=max).contains(&number) && !word.starts_with('+') => Some(number),
            _ => {
                let blank = if what.is_empty() { "" } else { " " };
                report.error(
                    self.line,
                    format_args!(
                        "{}: {what}{blank}`{word}` is not a number from {min} to {max}; write one",
                        self.name
                    ),
                );
                None
            }
        }
    }

    /// The only value as `on` or `off`, into `slot`.
    pub(super) fn set_switch(&self, slot: &mut Option<At<bool>>, report: &mut Report<'_>) {
        let Some(word) = self.value("on", report) else { return };
        match switch(word) {
            Some(value) => self.set(slot, value, report),
            None => report.error(
                self.line,
                format_args!("{0}: `{word}` is neither on nor off; write `{0} on` or `{0} off`", self.name),
            ),
        }
    }

    /// The only value as one of two words, into `slot`; the first one is the example.
    pub(super) fn set_choice<T: PartialEq + Copy>(
        &self,
        slot: &mut Option<At<T>>,
        words: [(&str, T); 2],
        report: &mut Report<'_>,
    ) {
        let [(first, _), (second, _)] = words;
        let Some(word) = self.value(first, report) else { return };
        match words.iter().find(|(known, _)| *known == word) {
            Some((_, value)) => self.set(slot, *value, report),
            None => report.error(
                self.line,
                format_args!("{0}: `{word}` is not known; write `{0} {first}` or `{0} {second}`", self.name),
            ),
        }
    }

    /// The only value as a full path, into `slot`.
    pub(super) fn set_path(&self, slot: &mut Option<At<PathBuf>>, example: &str, report: &mut Report<'_>) {
        let Some(word) = self.value(example, report) else { return };
        if let Some(path) = self.path(word, example, report) {
            self.set(slot, path, report);
        }
    }

    /// `word` as a full path.
    pub(super) fn path(&self, word: &str, example: &str, report: &mut Report<'_>) -> Option<PathBuf> {
        if word.starts_with('/') {
            return Some(PathBuf::from(word));
        }
        report.error(
            self.line,
            format_args!("{}: `{word}` is not a full path; write one such as `{example}`", self.name),
        );
        None
    }
}

/// The words that Heartbeat takes for yes and no.
pub(super) fn switch(word: &str) -> Option<bool> {
    let is = |list: &[&str]| list.iter().any(|w| word.eq_ignore_ascii_case(w));
    if is(&["on", "yes", "y", "true", "1"]) {
        Some(true)
    } else if is(&["off", "no", "n", "false", "0"]) {
        Some(false)
    } else {
        None
    }
}
