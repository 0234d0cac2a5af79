//! The story as a picture: a bar for each group and node, what the clients saw, and what was done when.

use super::settings::Pair;
use super::story::{Turn, When};
use super::world::World;
use core::fmt::Write as _;
use hb_core::Instant;
use std::format;
use std::string::String;
use std::vec::Vec;

/// Where the time begins and ends, in pixels.
const LEFT: u64 = 210;
const RIGHT: u64 = 940;
const ROW: u64 = 26;
const BAR: u64 = 16;

const SERVES: &str = "#2a7f3f";
const MAY: &str = "#d9a400";
const NOBODY: &str = "#c02020";
const FAULT: &str = "#8090a0";

/// The rows so far.
struct Sheet {
    body: String,
    y: u64,
    begin: Instant,
    end: Instant,
}

impl Sheet {
    fn x(&self, at: Instant) -> u64 {
        let whole = self.end.since(self.begin).as_millis().max(1);
        let part = at.since(self.begin).as_millis().min(whole);
        LEFT + (RIGHT - LEFT) * part / whole
    }

    fn label(&mut self, text: &str, bold: bool) {
        self.y += ROW;
        let weight = if bold { " font-weight=\"bold\"" } else { "" };
        let _ = writeln!(self.body, "<text x=\"10\" y=\"{}\"{weight}>{}</text>", self.y, escaped(text));
    }

    fn bar(&mut self, from: Instant, to: Instant, colour: &str, what: &str) {
        let (x, width) = (self.x(from), self.x(to).saturating_sub(self.x(from)).max(1));
        let y = self.y.saturating_sub(BAR - 3);
        let _ = writeln!(
            self.body,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{BAR}\" fill=\"{colour}\"><title>{}</title></rect>",
            escaped(what)
        );
    }
}

/// The whole picture.
pub(crate) fn draw(world: &World, pair: &Pair, story: &[When]) -> String {
    let mut sheet = Sheet { body: String::new(), y: 14, begin: world.begun, end: world.now };
    let nodes = world.node_names();
    for (at, group) in pair.names().groups.iter().enumerate() {
        let judged = world.ledger.judge(at, sheet.begin, sheet.end);
        sheet.label(&format!("{}: {}", group.name, judged.words(&nodes, sheet.begin)), true);
        for (side, node) in nodes.iter().enumerate() {
            sheet.label(node, false);
            for (span, to) in world.ledger.spans(at, sheet.begin, sheet.end) {
                let of = |both: [bool; 2]| both.get(side) == Some(&true);
                match (of(span.serves), of(span.may)) {
                    (true, _) => sheet.bar(span.from, to, SERVES, "serves"),
                    (false, true) => sheet.bar(span.from, to, MAY, "starts, stops, or stands still"),
                    (false, false) => {}
                }
            }
        }
        sheet.label("clients", false);
        let (begin, end) = (sheet.begin, sheet.end);
        sheet.bar(begin, end, SERVES, "served");
        for (from, to) in judged.gaps {
            sheet.bar(from, to, NOBODY, "nobody serves");
        }
        for (from, to) in judged.both {
            sheet.bar(from, to, "#000000", "two run it");
        }
    }
    faults(&mut sheet, world, story, &nodes);
    sheet.y += ROW;
    let seconds = sheet.end.since(sheet.begin).as_millis() / 1000;
    for tenth in 0..=10_u64 {
        let x = LEFT + (RIGHT - LEFT) * tenth / 10;
        let _ = writeln!(
            sheet.body,
            "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{} s</text>",
            sheet.y,
            seconds * tenth / 10
        );
    }
    let height = sheet.y + 14;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 980 {height}\" width=\"980\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"980\" height=\"{height}\" fill=\"#ffffff\"/>\n{}</svg>\n",
        sheet.body
    )
}

/// A row for each thing that was done, from its begin to its end.
fn faults(sheet: &mut Sheet, world: &World, story: &[When], nodes: &[&str]) {
    if !story.is_empty() {
        sheet.label("what was done", true);
    }
    let mut done: Vec<bool> = story.iter().map(|_| false).collect();
    for (at, when) in story.iter().enumerate() {
        if done.get(at) == Some(&true) {
            continue;
        }
        let node = |side: usize| nodes.get(side).copied().unwrap_or("?");
        let (text, ends) = match when.turn {
            Turn::Off(side) => (format!("{}: no power", node(side)), Some(Turn::On(side))),
            Turn::Freeze(side, true) => {
                (format!("{}: stands still", node(side)), Some(Turn::Freeze(side, false)))
            }
            Turn::Cut(link, true) => {
                let name = link
                    .and_then(|link| world.wires.get(link))
                    .map_or("every link", |wire| wire.name.as_str());
                (format!("{name}: cut"), Some(Turn::Cut(link, false)))
            }
            Turn::Clients(true) => ("clients' network: in two".into(), Some(Turn::Clients(false))),
            Turn::Standby(side) => (format!("{}: hbd standby", node(side)), None),
            Turn::Takeover(side) => (format!("{}: hbd takeover", node(side)), None),
            Turn::On(_) | Turn::Freeze(_, false) | Turn::Cut(_, false) | Turn::Clients(false) => continue,
        };
        let begin = sheet.begin.plus(when.at);
        let end = ends.and_then(|turn| {
            let found = story.iter().enumerate().skip(at).find(|(_, other)| other.turn == turn)?;
            done.get_mut(found.0).into_iter().for_each(|done| *done = true);
            Some(sheet.begin.plus(found.1.at))
        });
        let to = match (ends, end) {
            (None, _) => begin,
            (Some(_), end) => end.unwrap_or(sheet.end),
        };
        sheet.label(&text, false);
        sheet.bar(begin, to, FAULT, &text);
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
