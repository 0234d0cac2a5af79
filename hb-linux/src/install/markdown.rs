//! The pages of `docs/` that are in the binary, taken apart: one source for the site, the manual pages and the samples.
//!
//! Only what those pages use: headings, paragraphs, tables, code blocks, and in a line code, bold, italics and links.

/// A part of a page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Block<'a> {
    /// Its level, and the text.
    Heading(usize, &'a str),
    /// A paragraph on one line.
    Text(String),
    /// Lines as they are.
    Code(Vec<&'a str>),
    /// Rows of cells; the first row names the columns.
    Table(Vec<Vec<String>>),
}

/// How a piece of a line looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Style {
    Plain,
    /// Code and bold.
    Strong,
    Slanted,
}

/// What stands below the heading `## name`, without it.
pub(super) fn section<'a>(page: &'a str, name: &str) -> &'a str {
    let begin = page.split("\n## ").find_map(|part| part.strip_prefix(name)?.strip_prefix('\n'));
    begin.unwrap_or_default()
}

/// The parts of a page.
pub(super) fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut all = Vec::new();
    let mut fenced = false;
    // Whether the last line goes on in the next one.
    let mut open = false;
    for line in page.lines() {
        let fence = line.starts_with("```");
        let code = if fenced && !fence { Some(line) } else { line.strip_prefix("    ").filter(|_| !open) };
        let text = line.trim();
        let more = core::mem::replace(&mut open, false);
        if fence {
            fenced = !fenced;
            if fenced {
                all.push(Block::Code(Vec::new()));
            }
        } else if let Some(line) = code {
            match all.last_mut() {
                Some(Block::Code(lines)) => lines.push(line),
                _ => all.push(Block::Code([line].into())),
            }
        } else if text.starts_with('#') {
            let title = text.trim_start_matches('#');
            all.push(Block::Heading(text.len() - title.len(), title.trim()));
        } else if text.starts_with('|') {
            if text.starts_with("|---") {
                continue;
            }
            match all.last_mut() {
                Some(Block::Table(rows)) => rows.push(cells(text)),
                _ => all.push(Block::Table([cells(text)].into())),
            }
        } else if !text.is_empty() {
            open = true;
            match all.last_mut() {
                Some(Block::Text(whole)) if more => {
                    whole.push(' ');
                    whole.push_str(text);
                }
                _ => all.push(Block::Text(text.to_string())),
            }
        }
    }
    all
}

/// The cells of a row; `\|` is a bar.
fn cells(row: &str) -> Vec<String> {
    let row = row.replace("\\|", "\0");
    let inner = row.trim_matches('|');
    inner.split('|').map(|cell| cell.trim().replace('\0', "|")).collect()
}

/// A row behind its first cell, as one text: each cell with the name of its column, but where there is one only.
pub(super) fn rest(columns: &[String], row: &[String]) -> String {
    let mut text = String::new();
    for (column, cell) in columns.iter().zip(row).skip(1).filter(|(_, cell)| !cell.is_empty()) {
        if !text.is_empty() {
            text.push_str("; ");
        }
        if row.len() > 2 {
            text.push_str(column);
            text.push_str(": ");
        }
        text.push_str(cell);
    }
    text
}

/// A text as pieces of one look each; of a link its words.
pub(super) fn pieces(text: &str) -> Vec<(Style, String)> {
    let mut all: Vec<(Style, String)> = Vec::new();
    let mut style = Style::Plain;
    let mut put = |style: Style, text: &str| match all.last_mut() {
        Some((last, piece)) if *last == style => piece.push_str(text),
        _ => all.push((style, text.to_string())),
    };
    let mut left = text;
    while let Some(first) = left.chars().next() {
        let behind = left.get(first.len_utf8()..).unwrap_or_default();
        let link = || {
            let (words, more) = behind.split_once("](")?;
            Some((words, more.split_once(')')?.1))
        };
        match first {
            '`' => {
                let (code, more) = behind.split_once('`').unwrap_or((behind, ""));
                put(Style::Strong, code);
                left = more;
            }
            '*' => {
                let double = behind.strip_prefix('*');
                let other = if double.is_some() { Style::Strong } else { Style::Slanted };
                style = if style == other { Style::Plain } else { other };
                left = double.unwrap_or(behind);
            }
            '[' if link().is_some() => {
                if let Some((words, more)) = link() {
                    put(style, &words.replace('`', ""));
                    left = more;
                }
            }
            _ => {
                let end = behind.find(['`', '*', '[']).map_or(left.len(), |at| at + first.len_utf8());
                let (plain, more) = left.split_at(end);
                put(style, plain);
                left = more;
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_taken_apart() {
        let page = "# t\none\ntwo\n\n    code\n    more\n\n| a | b |\n|---|---|\n| `x\\|y` | z |\n\n```\nas is\n```\n## ha.cf\nin\n## next\n";
        let own = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<String>>();
        assert_eq!(
            blocks(page),
            [
                Block::Heading(1, "t"),
                Block::Text("one two".into()),
                Block::Code(["code", "more"].into()),
                Block::Table([own(&["a", "b"]), own(&["`x|y`", "z"])].into()),
                Block::Code(["as is"].into()),
                Block::Heading(2, "ha.cf"),
                Block::Text("in".into()),
                Block::Heading(2, "next"),
            ]
        );
        assert_eq!(section(page, "ha.cf"), "in");
        for name in ["ha.cf", "haresources", "authkeys"] {
            assert!(section(&crate::texts::Text::Configuration.read(), name).len() > 500, "{name}");
        }
    }

    #[test]
    fn a_line_has_looks() {
        use Style::{Plain, Slanted, Strong};
        let read: Vec<(Style, String)> = pieces("a `b*` **c** *d* [`e`](f.md) [g]");
        let read: Vec<(Style, &str)> = read.iter().map(|(style, text)| (*style, text.as_str())).collect();
        assert_eq!(
            read,
            [
                (Plain, "a "),
                (Strong, "b*"),
                (Plain, " "),
                (Strong, "c"),
                (Plain, " "),
                (Slanted, "d"),
                (Plain, " e [g]")
            ]
        );
    }
}
