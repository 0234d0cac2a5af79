//! The rows as SVG: plain shapes and text, light and dark by the reader's own setting, nothing from elsewhere.

use super::rows::{Chapter, Line, Row};
use crate::virt::report::escape;
use std::fmt::Write as _;

/// The client's strip begins here; a mark is as wide as [`MARK`].
const STRIP: f32 = 430.0;
const MARK: f32 = 21.0;
const WIDTH: u32 = 880;
const ROW: u32 = 24;
const CAPTION: u32 = 34;

const STYLE: &str = "\
svg{--ink:#1f2328;--soft:#656d76;--paper:#fff;--idle:#d8dee4;--held:#1a7f37;--off:#6e7781;--bad:#cf222e;--line:#afb8c1}\
@media(prefers-color-scheme:dark){svg{--ink:#e6edf3;--soft:#8d96a0;--paper:#0d1117;--idle:#30363d;--held:#238636;--off:#484f58;\
--bad:#da3633;--line:#484f58}}\
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:var(--ink)}\
.c{font-weight:600}.s{fill:var(--soft)}.r{fill:var(--soft);text-anchor:end}.n{text-anchor:middle}.w{fill:#fff;text-anchor:middle}\
.p{fill:var(--paper)}.idle{fill:var(--idle)}.held{fill:var(--held)}.off{fill:none;stroke:var(--off);stroke-dasharray:3 2}\
.good{fill:var(--held)}.gap{fill:var(--bad)}.up{stroke:var(--held);stroke-width:3}\
.dead{stroke:var(--bad);stroke-width:3;stroke-dasharray:2 5}.unknown{stroke:var(--line);stroke-width:2;stroke-dasharray:1 4}";

/// The picture.
pub(super) fn svg(story: &[Chapter]) -> String {
    let rows: usize = story.iter().map(|chapter| chapter.rows.len()).sum();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let height = 40 + count(story.len()) * CAPTION + count(rows) * ROW + 12;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"A failover as hbd demo shows it\">\n<style>{STYLE}</style>\n\
         <rect class=\"p\" width=\"{WIDTH}\" height=\"{height}\"/>\n"
    );
    let _ = writeln!(
        out,
        "<text x=\"105\" y=\"24\" class=\"n s\">ha-1</text><text x=\"220\" y=\"24\" class=\"n s\">serial, UDP</text>\
         <text x=\"335\" y=\"24\" class=\"n s\">ha-2</text><text x=\"{STRIP}\" y=\"24\" class=\"s\">the client, each 50 ms</text>"
    );
    let mut y = 40;
    for chapter in story {
        let caption = escape(&chapter.caption);
        let _ = writeln!(out, "<text x=\"16\" y=\"{}\" class=\"c\">{caption}</text>", y + 22);
        if let Some(remark) = chapter.remarks.last() {
            let x = WIDTH - 20;
            let _ = writeln!(out, "<text x=\"{x}\" y=\"{}\" class=\"r\">{}</text>", y + 22, escape(remark));
        }
        y += CAPTION;
        for row in &chapter.rows {
            draw_row(row, y, &mut out);
            y += ROW;
        }
    }
    out.push_str("</svg>\n");
    out
}

fn draw_row(row: &Row, y: u32, out: &mut String) {
    let text = y + 15;
    let _ = writeln!(out, "<text x=\"44\" y=\"{text}\" class=\"r\">{} s</text>", row.second);
    for (name, x) in row.nodes.iter().zip([60, 290]) {
        let (class, word) = match name.as_str() {
            "HELD" => ("held", "w"),
            "off" => ("off", "n s"),
            _ => ("idle", "n"),
        };
        let middle = x + 45;
        let name = escape(&name.to_lowercase());
        let _ = writeln!(
            out,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"90\" height=\"20\" rx=\"4\"/>\
             <text x=\"{middle}\" y=\"{text}\" class=\"{word}\">{name}</text>"
        );
    }
    for (line, at) in row.lines.iter().zip([y + 6, y + 14]) {
        let class = match line {
            Line::Up => "up",
            Line::Dead => "dead",
            Line::Unknown => "unknown",
        };
        let _ = writeln!(out, "<line class=\"{class}\" x1=\"156\" y1=\"{at}\" x2=\"284\" y2=\"{at}\"/>");
    }
    // Marks of one kind that follow each other are one bar.
    let mut from = 0;
    while from < row.marks.len() {
        let good = row.marks[from];
        let length = row.marks[from..].iter().take_while(|&&mark| mark == good).count();
        let class = if good { "good" } else { "gap" };
        let (x, width) = (STRIP + MARK * short(from), MARK * short(length) - 1.0);
        let _ = writeln!(
            out,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"12\" rx=\"2\"/>",
            y + 4
        );
        from += length;
    }
}

fn short(n: usize) -> f32 {
    f32::from(u16::try_from(n).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::rows::{read, tests::DEMO};
    use super::*;

    #[test]
    fn what_the_client_went_without_is_one_bar_and_markup_is_escaped() {
        let picture = svg(&read(&DEMO.replace("somebody", "a <&> b")));
        assert_eq!(picture.matches("<rect class=\"gap\"").count(), 2);
        assert_eq!(picture.matches("<rect class=\"good\"").count(), 2);
        assert!(picture.contains("width=\"41\""), "two marks are one bar: {picture}");
        assert!(picture.contains("a &lt;&amp;&gt; b") && picture.contains("after 0.994 s without"));
        assert!(picture.contains("<rect class=\"held\"") && picture.contains("<line class=\"dead\""));
        assert_eq!(picture.matches("<svg").count(), picture.matches("</svg>").count());
    }
}
