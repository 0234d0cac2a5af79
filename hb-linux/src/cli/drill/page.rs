//! A drill as one page: plain HTML, with a picture for each move.

use super::report::{Drill, Step, outage_words};
use crate::log::tale::Seconds;
use core::fmt::Write as _;
use hb_core::Duration;
use std::format;
use std::string::String;

const WIDTH: u64 = 700;

/// The page; it needs nothing from elsewhere.
pub(super) fn html(drill: &Drill) -> String {
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>drill of {groups}</title></head>\n\
         <body style=\"font-family: sans-serif; max-width: 60em; margin: 2em auto\">\n<h1>Drill of {groups}</h1>\n\
         <p>On {} and {}, {}. Measured from {} by {}.</p>\n<p><b>{}</b></p>\n",
        escaped(&drill.node),
        escaped(&drill.peer),
        escaped(&drill.begun),
        escaped(&drill.node),
        drill.method(),
        escaped(&drill.verdict()),
        groups = escaped(&drill.groups.join(", ")),
    );
    for (number, step) in drill.steps.iter().enumerate() {
        let _ = writeln!(
            out,
            "<h2>{}. {}{} to {}: {}</h2>",
            number + 1,
            escaped(&step.from),
            if step.power { " loses its power:" } else { "" },
            escaped(&step.to),
            Seconds(step.took)
        );
        out.push_str(&picture(step));
        out.push_str("<ul>\n");
        for outage in &step.outages {
            let _ = writeln!(out, "<li>{}</li>", escaped(&outage_words(drill, outage)));
        }
        out.push_str("</ul>\n<table cellpadding=\"4\">\n");
        for (at, what) in &step.seen {
            let _ =
                writeln!(out, "<tr><td align=\"right\">{}</td><td>{}</td></tr>", Seconds(*at), escaped(what));
        }
        out.push_str("</table>\n");
    }
    out.push_str("</body></html>\n");
    out
}

/// A bar for each address: green while it was served, red while nobody did.
fn picture(step: &Step) -> String {
    let whole = step.took.as_millis().max(1);
    let x = |at: Duration| WIDTH * at.as_millis().min(whole) / whole;
    let height = 24 * step.outages.len() as u64 + 20;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n",
        WIDTH + 160
    );
    for (row, outage) in (0_u64..).zip(&step.outages) {
        let y = row * 24;
        let (from, to) = (x(outage.from), x(outage.to.unwrap_or(step.took)));
        let _ = writeln!(
            out,
            "<rect x=\"0\" y=\"{y}\" width=\"{WIDTH}\" height=\"16\" fill=\"#2a7f3f\"/>\
             <rect x=\"{from}\" y=\"{y}\" width=\"{}\" height=\"16\" fill=\"#c02020\"/>\
             <text x=\"{}\" y=\"{}\">{}</text>",
            to.saturating_sub(from).max(1),
            WIDTH + 8,
            y + 13,
            escaped(&outage.what)
        );
    }
    let _ = writeln!(
        out,
        "<text x=\"0\" y=\"{0}\">0.00 s</text><text x=\"{WIDTH}\" y=\"{0}\" text-anchor=\"end\">{1}</text></svg>",
        height - 4,
        Seconds(step.took)
    );
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::sample;
    use super::*;

    #[test]
    fn the_page_stands_alone_and_shows_each_move() {
        let page = html(&sample());
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"), "{page}");
        for part in [
            "<h1>Drill of web</h1>",
            "1. ha-2 to ha-1: 1.50 s",
            "&lt;stopping&gt;",
            "outage 1.20 s",
            "well: there and back",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        assert_eq!(page.matches("<svg").count(), 2);
        assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("href="), "{page}");
    }
}
