//! A timeline as inline SVG: lanes of bars, of counts and of marks over one axis of seconds.

use crate::netns::Stamp;
use std::fmt::Write as _;

const LEFT: f64 = 150.0;
const WIDTH: f64 = 960.0;
const LANE: f64 = 22.0;
const GAP: f64 = 6.0;
/// Columns of a lane of counts.
const COLUMNS: usize = 480;

/// A drawing that grows downwards.
#[derive(Debug)]
pub(super) struct Drawing {
    /// Where the numbers of the axis count from.
    zero: Stamp,
    from: Stamp,
    until: Stamp,
    body: String,
    lanes: usize,
    marks: String,
    words: String,
    /// Where the last number stands: the next one needs room.
    numbered: f64,
    /// Where the last label of the lane ends.
    labelled: f64,
}

impl Drawing {
    /// From `from` to `until`, on an axis of seconds since `zero`.
    pub(super) fn new(zero: Stamp, from: Stamp, until: Stamp) -> Self {
        let until = until.max(from.plus(std::time::Duration::from_secs(1)));
        let (body, marks, words) = (String::new(), String::new(), String::new());
        Self { zero, from, until, body, lanes: 0, marks, words, numbered: 0.0, labelled: 0.0 }
    }

    /// Bars: from, until, class, and what a pointer over it is told.
    pub(super) fn bars(&mut self, label: &str, bars: &[(Stamp, Stamp, &str, String)]) {
        let y = self.lane(label);
        for (from, until, class, title) in bars.iter().filter(|bar| bar.1 >= self.from) {
            let (x, end) = (self.x(*from), self.x(*until));
            let _ = writeln!(
                self.body,
                "<rect x=\"{x:.1}\" y=\"{y}\" width=\"{:.1}\" height=\"{LANE}\" class=\"{class}\"><title>{}</title></rect>",
                (end - x).max(1.0),
                escape(title)
            );
        }
    }

    /// Words over the lane that was drawn last: within the stretch where they have room, else behind it; none where
    /// there is no room for them.
    pub(super) fn label(&mut self, from: Stamp, until: Stamp, text: &str) {
        let (x, end) = (self.x(from), self.x(until));
        let room = 7.0 * text.len() as f64;
        let y = self.top(self.lanes.saturating_sub(1)) + LANE * 0.7;
        let (at, class) = match (end - x > room, end + room < LEFT + WIDTH) {
            (true, _) => ((x + end) / 2.0, "within"),
            (false, true) => (end + 4.0, "behind"),
            (false, false) => (x - 4.0, "before"),
        };
        let left = match class {
            "within" => at - room / 2.0,
            "behind" => at,
            _ => at - room,
        };
        if left < self.labelled {
            return;
        }
        self.labelled = left + room;
        let _ = writeln!(
            self.words,
            "<text x=\"{at:.1}\" y=\"{y:.1}\" class=\"{class}\">{}</text>",
            escape(text)
        );
    }

    /// How often something happened, as columns whose height is relative to the fullest one.
    pub(super) fn counts(&mut self, label: &str, class: &str, moments: impl IntoIterator<Item = Stamp>) {
        let mut columns = [0u32; COLUMNS];
        let mut all = 0u32;
        for at in moments {
            if let Some(column) = columns.get_mut(self.column(at)) {
                *column += 1;
                all += 1;
            }
        }
        let y = self.lane(&format!("{label} ({all})"));
        let most = f64::from(columns.iter().copied().max().unwrap_or(0).max(1));
        let width = WIDTH / COLUMNS as f64;
        for (number, &count) in columns.iter().enumerate().filter(|(_, count)| **count > 0) {
            let height = LANE * f64::from(count) / most;
            let _ = writeln!(
                self.body,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" class=\"{class}\"/>",
                LEFT + number as f64 * width,
                y + LANE - height
            );
        }
    }

    /// A numbered line across all lanes.
    pub(super) fn mark(&mut self, at: Stamp, number: usize) {
        if at < self.from {
            return;
        }
        let x = self.x(at);
        let _ = writeln!(
            self.marks,
            "<line x1=\"{x:.1}\" y1=\"14\" x2=\"{x:.1}\" y2=\"HEIGHT\" class=\"mark\"/>"
        );
        if x - self.numbered > 16.0 {
            self.numbered = x;
            let _ = writeln!(self.marks, "<text x=\"{x:.1}\" y=\"10\" class=\"number\">{number}</text>");
        }
    }

    pub(super) fn finish(self) -> String {
        let height = self.top(self.lanes);
        let seconds = self.until.since(self.from).as_secs_f64();
        let step = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0]
            .into_iter()
            .find(|s| seconds / s <= 16.0)
            .unwrap_or(120.0);
        let mut axis = String::new();
        let first = self.from.since(self.zero).as_secs_f64();
        let mut at = (first / step).ceil() * step;
        while at <= first + seconds {
            let x = LEFT + WIDTH * (at - first) / seconds;
            let _ = writeln!(
                axis,
                "<text x=\"{x:.1}\" y=\"{:.1}\" class=\"axis\">{at:.0} s</text>",
                height + 12.0
            );
            at += step;
        }
        format!(
            "<svg viewBox=\"0 0 {:.0} {:.0}\" role=\"img\">\n{}{}{}{axis}</svg>\n",
            LEFT + WIDTH + 20.0,
            height + 20.0,
            self.body,
            self.marks.replace("HEIGHT", &format!("{height:.1}")),
            self.words,
        )
    }

    fn lane(&mut self, label: &str) -> f64 {
        let y = self.top(self.lanes);
        self.lanes += 1;
        self.labelled = 0.0;
        let _ = writeln!(
            self.body,
            "<text x=\"{:.0}\" y=\"{:.1}\" class=\"label\">{}</text><rect x=\"{LEFT}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{LANE}\" class=\"ground\"/>",
            LEFT - 8.0,
            y + LANE * 0.7,
            escape(label)
        );
        y
    }

    fn top(&self, lane: usize) -> f64 {
        18.0 + lane as f64 * (LANE + GAP)
    }

    fn x(&self, at: Stamp) -> f64 {
        let whole = self.until.since(self.from).as_secs_f64();
        LEFT + WIDTH * (at.min(self.until).since(self.from).as_secs_f64() / whole)
    }

    fn column(&self, at: Stamp) -> usize {
        if at < self.from || at >= self.until {
            return COLUMNS;
        }
        let part = at.since(self.from).as_secs_f64() / self.until.since(self.from).as_secs_f64();
        (part * COLUMNS as f64) as usize
    }
}

/// Text that may stand in HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_lies_where_its_times_say() {
        let mut drawing = Drawing::new(Stamp(0), Stamp(0), Stamp(10_000_000_000));
        drawing.bars("ha-1", &[(Stamp(5_000_000_000), Stamp::NEVER, "one", "a < b".to_owned())]);
        drawing.mark(Stamp(0), 1);
        drawing.label(Stamp(0), Stamp(1_000_000), "1 ms");
        drawing.label(Stamp(0), Stamp(5_000_000_000), "5.00 s");
        drawing.counts("beats", "one", [Stamp(0), Stamp(1), Stamp(20_000_000_000)]);
        let text = drawing.finish();
        assert!(text.contains("x=\"630.0\" y=\"18\" width=\"480.0\"") && text.contains("a &lt; b"), "{text}");
        assert!(
            text.contains("class=\"behind\">1 ms<") && text.contains("class=\"within\">5.00 s<"),
            "{text}"
        );
        assert!(text.contains("beats (2)") && !text.contains("HEIGHT"), "{text}");
    }

    #[test]
    fn what_was_before_its_beginning_is_not_drawn_and_the_axis_goes_on_counting() {
        let second = |n: u64| Stamp(n * 1_000_000_000);
        let mut drawing = Drawing::new(second(0), second(95), second(100));
        drawing.bars("x", &[(second(1), second(90), "one", "early".to_owned())]);
        drawing.bars("y", &[(second(1), second(97), "one", "cut".to_owned())]);
        drawing.mark(second(3), 7);
        let text = drawing.finish();
        assert!(!text.contains("early") && !text.contains(">7<"), "{text}");
        assert!(text.contains("x=\"150.0\" y=\"46\" width=\"384.0\""), "{text}");
        assert!(text.contains(">95 s<") && text.contains(">100 s<") && !text.contains(">0 s<"), "{text}");
    }

    #[test]
    fn labels_do_not_lie_upon_each_other() {
        let mut drawing = Drawing::new(Stamp(0), Stamp(0), Stamp(10_000_000_000));
        drawing.bars("x", &[]);
        for n in 0..20 {
            drawing.label(Stamp(n * 1_000_000), Stamp(n * 1_000_000 + 1), "0.20 s");
        }
        assert_eq!(drawing.finish().matches("0.20 s").count(), 1);
    }
}
