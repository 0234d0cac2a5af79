//! Who physically held the service, and whether ever both did.

use super::clock::Stamp;
use std::time::Duration;

/// A stretch of time on one machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// Its first moment.
    pub from: Stamp,
    /// The moment after its last; [`Stamp::NEVER`] while it lasts.
    pub until: Stamp,
}

/// Turns comings (`true`) and goings, in order, into spans. `ends` are moments at which everything goes.
#[must_use]
pub(super) fn spans(events: &[(Stamp, bool)], ends: &[Stamp]) -> Vec<Span> {
    let mut all: Vec<(Stamp, bool)> = events.to_vec();
    all.extend(ends.iter().map(|&at| (at, false)));
    all.sort_by_key(|&(at, _)| at);
    let mut spans: Vec<Span> = Vec::new();
    for (at, up) in all {
        let lasting = spans.last().is_some_and(|span| span.until == Stamp::NEVER);
        if up && !lasting {
            spans.push(Span { from: at, until: Stamp::NEVER });
        } else if !up
            && lasting
            && let Some(last) = spans.last_mut()
        {
            last.until = at;
        }
    }
    spans
}

/// The times at which at least one of `spans` lasted.
#[must_use]
pub fn union(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| span.from);
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.from <= last.until => last.until = last.until.max(span.until),
            _ => merged.push(span),
        }
    }
    merged
}

/// For how long, within `window`, a span of `first` and a span of `second` lasted at the same time. The spans of each
/// side are disjoint (see [`union`]).
#[must_use]
pub fn overlap(first: &[Span], second: &[Span], window: Span) -> Duration {
    let mut total = Duration::ZERO;
    let end = window.until.min(Stamp::now());
    for a in first {
        for b in second {
            let from = a.from.max(b.from).max(window.from);
            total += a.until.min(b.until).min(end).since(from);
        }
    }
    total
}

/// The moments of `lines` (`NS word ...`) whose second word is `word`.
pub(super) fn stamps<'a>(lines: &'a str, word: &'a str) -> impl Iterator<Item = Stamp> + 'a {
    lines.lines().filter_map(move |line| {
        let mut words = line.split(' ');
        let at = words.next()?.parse().ok()?;
        (words.next()? == word).then_some(Stamp(at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ns: u64) -> Stamp {
        Stamp(ns)
    }

    #[test]
    fn comings_and_goings_become_spans() {
        let events = [(at(1), true), (at(2), true), (at(5), false), (at(6), false), (at(9), true)];
        let expected = vec![Span { from: at(1), until: at(5) }, Span { from: at(9), until: Stamp::NEVER }];
        assert_eq!(spans(&events, &[]), expected);
        assert_eq!(spans(&events, &[at(3)])[0], Span { from: at(1), until: at(3) });
    }

    #[test]
    fn touching_spans_become_one() {
        let span = |from, until| Span { from: at(from), until: at(until) };
        assert_eq!(
            union(vec![span(5, 9), span(1, 5), span(11, 12), span(2, 3)]),
            vec![span(1, 9), span(11, 12)]
        );
    }

    #[test]
    fn an_overlap_counts_only_inside_the_window() {
        let first = [Span { from: at(10), until: at(20) }];
        let second = [Span { from: at(15), until: at(40) }];
        let all = Span { from: at(0), until: Stamp::NEVER };
        assert_eq!(overlap(&first, &second, all), Duration::from_nanos(5));
        assert_eq!(overlap(&first, &second, Span { from: at(18), until: at(19) }), Duration::from_nanos(1));
        assert_eq!(overlap(&first, &[Span { from: at(20), until: at(30) }], all), Duration::ZERO);
    }
}
