//! Who ran each group when: how long nobody served, and whether two did.

use crate::log::tale::Seconds;
use hb_core::{Duration, Instant};
use std::format;
use std::string::String;
use std::vec::Vec;

/// From a moment on: which of the two serve, and of which something may run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    pub(crate) from: Instant,
    pub(crate) serves: [bool; 2],
    pub(crate) may: [bool; 2],
}

/// By group: every change.
#[derive(Clone, Debug)]
pub(crate) struct Ledger(Vec<Vec<Span>>);

/// What came of one group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Judged {
    /// Nobody served, from when to when.
    pub(crate) gaps: Vec<(Instant, Instant)>,
    /// Two may have run it.
    pub(crate) both: Vec<(Instant, Instant)>,
    /// Who serves at the end.
    pub(crate) last: [bool; 2],
}

impl Ledger {
    pub(crate) fn new(groups: usize) -> Self {
        Self((0..groups).map(|_| Vec::new()).collect())
    }

    pub(crate) fn groups(&self) -> usize {
        self.0.len()
    }

    /// How often anything has changed.
    pub(crate) fn changes(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// As it is now.
    pub(crate) fn note(&mut self, now: Instant, group: usize, serves: [bool; 2], may: [bool; 2]) {
        let Some(spans) = self.0.get_mut(group) else { return };
        let span = Span { from: now, serves, may };
        match spans.last_mut() {
            Some(last) if (last.serves, last.may) == (serves, may) => {}
            // A moment of no length is none.
            Some(last) if last.from == now => *last = span,
            _ => spans.push(span),
        }
    }

    /// The spans of a group from `begin` to `end`, each with its end.
    pub(crate) fn spans(&self, group: usize, begin: Instant, end: Instant) -> Vec<(Span, Instant)> {
        let spans = self.0.get(group).map(Vec::as_slice).unwrap_or_default();
        let ends = spans.iter().skip(1).map(|span| span.from).chain([end]);
        let cut = spans.iter().zip(ends).map(|(span, to)| (Span { from: span.from.max(begin), ..*span }, to));
        cut.filter(|(span, to)| span.from < *to).collect()
    }

    /// What came of it between `begin` and `end`.
    pub(crate) fn judge(&self, group: usize, begin: Instant, end: Instant) -> Judged {
        let spans = self.spans(group, begin, end);
        let those = |which: fn(&Span) -> bool| {
            let mut all: Vec<(Instant, Instant)> = Vec::new();
            for (span, to) in spans.iter().filter(|(span, _)| which(span)) {
                match all.last_mut() {
                    Some(last) if last.1 == span.from => last.1 = *to,
                    _ => all.push((span.from, *to)),
                }
            }
            all
        };
        Judged {
            gaps: those(|span| span.serves == [false; 2]),
            both: those(|span| span.may == [true; 2]),
            last: spans.last().map_or([false; 2], |(span, _)| span.serves),
        }
    }
}

fn whole(spans: &[(Instant, Instant)]) -> Duration {
    spans.iter().fold(Duration::ZERO, |sum, (from, to)| sum.plus(to.since(*from)))
}

impl Judged {
    /// In words; times count from `begun`.
    pub(crate) fn words(&self, nodes: &[&str], begun: Instant) -> String {
        let list = |spans: &[(Instant, Instant)]| -> String {
            let one = |(from, to): &(Instant, Instant)| {
                format!("{} to {}", Seconds(from.since(begun)), Seconds(to.since(begun)))
            };
            spans.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        let mut text = match self.gaps.as_slice() {
            [] => String::from("served all the time"),
            gaps => format!("expected outage {} ({})", Seconds(whole(gaps)), list(gaps)),
        };
        if !self.both.is_empty() {
            text += &format!("; BOTH NODES ran it for {} ({})", Seconds(whole(&self.both)), list(&self.both));
        }
        let at = nodes.iter().zip(self.last).find(|(_, serves)| *serves).map(|(name, _)| *name);
        text + &format!("; at the end on {}", at.unwrap_or("neither node"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    #[test]
    fn gaps_and_overlaps_are_counted_within_the_story() {
        let mut ledger = Ledger::new(1);
        ledger.note(at(0), 0, [false, false], [false, false]);
        ledger.note(at(500), 0, [true, false], [true, false]);
        ledger.note(at(2000), 0, [false, false], [false, false]);
        ledger.note(at(3000), 0, [false, false], [false, true]);
        ledger.note(at(3000), 0, [false, false], [true, true]);
        ledger.note(at(3500), 0, [false, true], [true, true]);
        ledger.note(at(4000), 0, [false, true], [false, true]);
        ledger.note(at(4500), 0, [false, true], [false, true]);
        let judged = ledger.judge(0, at(1000), at(9000));
        assert_eq!(judged.gaps, [(at(2000), at(3500))]);
        assert_eq!(judged.both, [(at(3000), at(4000))]);
        assert_eq!(
            judged.words(&["ha-1", "ha-2"], at(1000)),
            "expected outage 1.50 s (1.00 s to 2.50 s); BOTH NODES ran it for 1.00 s (2.00 s to 3.00 s); at the end on ha-2"
        );
        let judged = ledger.judge(0, at(4000), at(9000));
        assert_eq!(judged.words(&["ha-1", "ha-2"], at(4000)), "served all the time; at the end on ha-2");
    }
}
