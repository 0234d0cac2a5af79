//! What people see: one row a second with the two nodes, the links between them and the client's answers, and between
//! the rows what happened. On a terminal the row of the running second is drawn as it fills.

use core::fmt;
use hb_core::{Duration, Instant};
use std::io::Write;

/// Marks of the client in one row.
const MARKS: usize = 20;
/// What one mark stands for.
const MARK: Duration = Duration::from_millis(50);

/// What the client got during one mark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mark {
    None,
    Good,
    Bad,
}

/// How a link or a node is doing, or what kind of event a line tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tone {
    /// As it should be.
    Good,
    /// Nothing to worry about.
    Plain,
    /// Not as it should be.
    Bad,
    /// Done by the one who holds the demo's reins.
    Bold,
}

impl Tone {
    const fn code(self) -> &'static str {
        match self {
            Self::Good => "\x1b[32m",
            Self::Plain => "",
            Self::Bad => "\x1b[31m",
            Self::Bold => "\x1b[1m",
        }
    }
}

/// How a link is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cable {
    /// Beats pass both ways.
    Good,
    /// Nothing passes.
    Dead,
    /// Nobody is there to say.
    Dark,
}

/// What a row shows besides the client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Look {
    /// A word for each node, of 8 letters at most, and its tone.
    pub(super) nodes: [(&'static str, Tone); 2],
    /// The serial line and UDP.
    pub(super) cables: [Cable; 2],
}

/// The timeline.
#[derive(Debug)]
pub(super) struct Timeline<W> {
    out: W,
    /// The terminal understands colours and going back to the beginning of a line.
    ansi: bool,
    start: Instant,
    row: u64,
    marks: [Mark; MARKS],
    look: Look,
    drawn: Option<Instant>,
    dirty: bool,
    /// Somebody closed the output, so there is nobody to tell anything to.
    pub(super) broken: bool,
}

impl<W: Write> Timeline<W> {
    /// A timeline that begins at `start`.
    pub(super) fn new(out: W, ansi: bool, start: Instant) -> Self {
        let look = Look { nodes: [("off", Tone::Plain); 2], cables: [Cable::Dark; 2] };
        Self {
            out,
            ansi,
            start,
            row: 0,
            marks: [Mark::None; MARKS],
            look,
            drawn: None,
            dirty: false,
            broken: false,
        }
    }

    /// Print lines that belong to no second: the introduction, the result.
    pub(super) fn text(&mut self, text: fmt::Arguments<'_>) {
        self.broken |= self.out.write_fmt(text).and_then(|()| self.out.flush()).is_err();
    }

    /// Print the headline of the next part of the story.
    pub(super) fn chapter(&mut self, now: Instant, title: &str) {
        self.advance(now);
        self.erase();
        let title = self.paint(title, Tone::Bold);
        self.text(format_args!("\n{title}\n"));
    }

    /// Print what happened at `now`.
    pub(super) fn event(&mut self, now: Instant, tone: Tone, text: fmt::Arguments<'_>) {
        self.advance(now);
        self.erase();
        let at = now.since(self.start).as_millis();
        let (on, off) = self.colour(tone);
        self.text(format_args!("  {:>3}.{:03} s  {on}{text}{off}\n", at / 1000, at % 1000));
        self.dirty = true;
    }

    /// The client got an answer, or none.
    pub(super) fn mark(&mut self, now: Instant, good: bool) {
        self.advance(now);
        let within = now.since(self.start).as_micros() % 1_000_000 / MARK.as_micros();
        if let Some(mark) = usize::try_from(within).ok().and_then(|at| self.marks.get_mut(at)) {
            let new = if good && *mark != Mark::Bad { Mark::Good } else { Mark::Bad };
            self.dirty |= *mark != new;
            *mark = new;
        }
    }

    /// Show `look` from `now` on.
    pub(super) fn show(&mut self, now: Instant, look: Look) {
        self.advance(now);
        if look != self.look {
            self.look = look;
            self.dirty = true;
        }
        // A slow terminal is spared: one drawing a mark.
        if self.ansi && self.dirty && self.drawn.is_none_or(|drawn| now.since(drawn) >= MARK) {
            let row = self.render();
            self.text(format_args!("\r{row}\x1b[K"));
            self.drawn = Some(now);
            self.dirty = false;
        }
    }

    /// Finish the row of a second that is over.
    fn advance(&mut self, now: Instant) {
        let second = now.since(self.start).as_micros() / 1_000_000;
        if second != self.row {
            self.close();
            self.row = second;
        }
    }

    /// Print the row as it is now, and begin a new one.
    pub(super) fn close(&mut self) {
        self.erase();
        let row = self.render();
        self.text(format_args!("{}\n", row.trim_end()));
        self.marks = [Mark::None; MARKS];
        self.dirty = true;
    }

    /// Take back the row that is still being filled.
    fn erase(&mut self) {
        if self.drawn.take().is_some() {
            self.text(format_args!("\r\x1b[K"));
        }
    }

    fn render(&self) -> String {
        let [one, two] = &self.look.nodes;
        let [serial, udp] = &self.look.cables;
        let node = |(word, tone): &(&str, Tone)| format!("[{}]", self.paint(&format!("{word:^8}"), *tone));
        let cable = |name: &str, cable: &Cable| match cable {
            Cable::Good => self.paint(&format!("=={name}=="), Tone::Good),
            Cable::Dead => self.paint(&format!("xx{name}xx"), Tone::Bad),
            Cable::Dark => format!("..{name}.."),
        };
        let mut marks = String::new();
        for run in self.marks.chunk_by(|a, b| a == b) {
            let (sign, tone) = match run.first() {
                Some(Mark::Good) => ("|", Tone::Good),
                Some(Mark::Bad) => ("x", Tone::Bad),
                _ => (" ", Tone::Plain),
            };
            marks.push_str(&self.paint(&sign.repeat(run.len()), tone));
        }
        let (serial, udp) = (cable("serial", serial), cable("udp", udp));
        format!(" {:>3} s  ha-1{} {serial} {udp} {}ha-2  {marks}", self.row, node(one), node(two))
    }

    /// What stands before and after text of this tone.
    fn colour(&self, tone: Tone) -> (&'static str, &'static str) {
        if self.ansi && tone != Tone::Plain { (tone.code(), "\x1b[0m") } else { ("", "") }
    }

    fn paint(&self, text: &str, tone: Tone) -> String {
        let (on, off) = self.colour(tone);
        [on, text, off].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look() -> Look {
        let nodes = [("HELD", Tone::Good), ("idle", Tone::Plain)];
        Look { nodes, cables: [Cable::Good, Cable::Dead] }
    }

    fn story(ansi: bool) -> String {
        let at = Instant::from_millis;
        let mut line = Timeline::new(Vec::new(), ansi, at(0));
        line.show(at(1), look());
        line.mark(at(10), true);
        line.mark(at(60), true);
        line.mark(at(70), false);
        line.mark(at(80), true);
        line.show(at(90), look());
        line.event(at(500), Tone::Bold, format_args!("the plug is pulled"));
        line.mark(at(999), true);
        line.show(at(1001), look());
        String::from_utf8(line.out).unwrap()
    }

    #[test]
    fn a_second_is_one_plain_row_below_its_events() {
        let text = story(false);
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows.len(), 2, "{text}");
        assert_eq!(rows[0], "    0.500 s  the plug is pulled");
        assert_eq!(rows[1], "   0 s  ha-1[  HELD  ] ==serial== xxudpxx [  idle  ]ha-2  |x                 |");
        assert!(rows[1].len() < 80 && !text.contains('\x1b'));
    }

    #[test]
    fn a_terminal_sees_the_row_grow_and_no_line_wraps() {
        let text = story(true);
        assert!(text.matches('\r').count() >= 3, "{text:?}");
        for row in text.split(['\r', '\n']) {
            let mut visible = String::new();
            let mut rest = row;
            while let Some((before, after)) = rest.split_once("\x1b[") {
                visible.push_str(before);
                rest = after.split_once(|c: char| c.is_ascii_alphabetic()).map_or("", |(_, tail)| tail);
            }
            visible.push_str(rest);
            assert!(visible.len() < 80, "{visible}");
        }
    }

    #[test]
    fn marks_outside_of_a_row_begin_the_next_one() {
        let at = Instant::from_millis;
        let mut line = Timeline::new(Vec::new(), false, at(0));
        line.mark(at(990), true);
        line.mark(at(1000), false);
        line.close();
        let text = String::from_utf8(line.out).unwrap();
        let rows: Vec<&str> = text.lines().collect();
        assert!(rows[0].starts_with("   0 s") && rows[0].ends_with("ha-2                     |"), "{text}");
        assert!(rows[1].starts_with("   1 s") && rows[1].ends_with("ha-2  x"), "{text}");
    }
}
