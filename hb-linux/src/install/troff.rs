//! The manual pages, as `man` wants them, out of the pages of `docs/`.

use super::markdown::{self, Block, Style};
use crate::cli::VERSION;
use crate::texts::Text;
use core::fmt::Write as _;

/// One page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    /// As `man` is asked for it.
    pub(super) name: &'static str,
    /// Of the manual.
    pub(super) section: u8,
    /// The line of its first section; empty where the text has one.
    about: &'static str,
}

/// All pages.
pub(super) const PAGES: [Page; 4] = [
    Page { name: "hbd", section: 8, about: "" },
    Page { name: "ha.cf", section: 5, about: "nodes, media and times of the heartbeat daemon hbd" },
    Page { name: "haresources", section: 5, about: "what moves between the two nodes of hbd" },
    Page { name: "authkeys", section: 5, about: "the keys that sign the heartbeats of hbd" },
];

impl Page {
    /// The whole file.
    pub(super) fn text(self) -> String {
        let mut out = String::new();
        let _ = writeln!(
            out,
            ".TH \"{}\" {} \"\" \"hbd {VERSION}\"",
            self.name.to_ascii_uppercase(),
            self.section
        );
        // What is a chapter of the page it comes from is a page here.
        let page = if self.about.is_empty() { Text::Commands } else { Text::Configuration }.read();
        let (source, chapter) = if self.about.is_empty() {
            (page.as_str(), 2)
        } else {
            let _ = write!(out, ".SH NAME\n{} \\- {}\n.SH DESCRIPTION\n", self.name, self.about);
            (markdown::section(&page, self.name), 3)
        };
        for block in markdown::blocks(source) {
            put(&mut out, &block, chapter);
        }
        if !self.about.is_empty() {
            out.push_str(".SH FILES\n/etc/ha.d/");
            out.push_str(self.name);
            out.push_str("\n.SH SEE ALSO\nhbd(8), ha.cf(5), haresources(5), authkeys(5)\n");
        }
        out
    }
}

fn put(out: &mut String, block: &Block<'_>, chapter: usize) {
    match block {
        Block::Heading(level, _) if *level < chapter => {}
        Block::Heading(level, title) => {
            let (macro_name, title) = if *level == chapter {
                (".SH", title.to_ascii_uppercase())
            } else {
                (".SS", String::from(*title))
            };
            let _ = writeln!(out, "{macro_name} {title}");
        }
        Block::Text(text) => {
            out.push_str(".PP\n");
            line(out, text);
        }
        Block::Code(lines) => {
            out.push_str(".PP\n.nf\n.RS\n");
            for text in lines {
                out.push_str("\\&");
                escaped(out, text);
                out.push('\n');
            }
            out.push_str(".RE\n.fi\n");
        }
        Block::Table(rows) => {
            let Some((columns, rows)) = rows.split_first() else { return };
            for row in rows {
                out.push_str(".TP\n");
                line(out, row.first().map_or("", String::as_str));
                line(out, &markdown::rest(columns, row));
            }
        }
    }
}

/// A line with its looks, and its end.
fn line(out: &mut String, text: &str) {
    // A line that begins with a dot would be a command.
    out.push_str("\\&");
    for (style, piece) in markdown::pieces(text) {
        out.push_str(match style {
            Style::Plain => "",
            Style::Strong => "\\fB",
            Style::Slanted => "\\fI",
        });
        escaped(out, &piece);
        if style != Style::Plain {
            out.push_str("\\fR");
        }
    }
    out.push('\n');
}

fn escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\e"),
            '-' => out.push_str("\\-"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    #[test]
    fn every_directive_and_command_is_in_its_page() {
        let page = |at: usize| PAGES[at].text().replace("\\-", "-");
        for word in
            ["\\fBkeepalive TIME\\fR", "range: 10 ms to 1 h; default: 1 s", ".SH WATCHDOG", "bcast INTERFACE"]
        {
            assert!(page(1).contains(word), "{word}");
        }
        for word in [".SH NAME", ".SH COMMANDS", "\\fBtakeover\\fR", "hbd install", ".SH EXIT CODES"] {
            assert!(page(0).contains(word), "{word}");
        }
        assert!(page(2).contains(".SH DESCRIPTION") && page(3).contains("sha256"));
    }

    #[test]
    fn man_has_nothing_to_say_about_them() {
        for page in PAGES {
            let text = page.text();
            assert!(text.is_ascii() && !text.contains('`') && !text.contains("**"), "{}", page.name);
            let mut groff = Command::new("groff");
            let groff = groff.args(["-man", "-Tascii", "-ww"]).stdin(Stdio::piped());
            let run = groff.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
            let Ok(mut child) = run else { return println!("SKIPPED: no groff here") };
            child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && said.is_empty(), "{}: {said}", page.name);
            assert!(output.stdout.len() > 1000);
        }
    }
}
