//! Bytes to lines of words: comments, delimiters, continuation lines, and bytes that no word may hold.

use super::finding::Report;
use core::str;

/// Bytes of a word at most.
const MAX_WORD: usize = 255;

/// What separates and joins in one kind of file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Syntax {
    /// Words are separated by blanks, tabs and commas; a line is a line.
    HaCf,
    /// Words are separated by blanks and tabs; a backslash at the end continues a line.
    Haresources,
}

/// One word and the line that it stands on. Printable ASCII, 1 to 255 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Word<'a> {
    /// The word.
    pub(super) text: &'a str,
    /// Its line, counted from 1.
    pub(super) line: u32,
}

/// The words of one logical line, at least one.
pub(super) type Line<'a> = Vec<Word<'a>>;

/// Split a file into its logical lines. A line with a bad word is reported and left out; whether one was comes with the
/// rest, for what seems to be missing may be in it.
pub(super) fn lines<'a>(bytes: &'a [u8], syntax: Syntax, report: &mut Report<'_>) -> (Vec<Line<'a>>, bool) {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut all = Vec::new();
    let mut words = Line::new();
    let (mut bad, mut dos, mut open, mut number) = (false, false, false, 0);
    let mut left_out = false;
    for raw in bytes.split(|b| *b == b'\n') {
        number += 1;
        if number == 1 && raw.len() == bytes.len() && raw.trim_ascii().contains(&b'\r') {
            report.error(
                number,
                format_args!(
                    "the lines end with a carriage return alone; write Unix ones (`tr '\\r' '\\n'`)"
                ),
            );
            return (all, true);
        }
        if raw.ends_with(b"\r") && !dos {
            dos = true;
            report.warn(
                number,
                format_args!("the file has DOS line ends; write it with Unix ones (`tr -d '\\r'`)"),
            );
        }
        let mut text = trim_end(raw.split(|b| *b == b'#').next().unwrap_or_default());
        open = text.ends_with(b"\\");
        if open {
            text = text.get(..text.len() - 1).unwrap_or_default();
            if syntax == Syntax::HaCf {
                open = false;
                report.error(
                    number,
                    format_args!(
                        "`\\` does not continue a line of ha.cf; repeat the directive on the next line"
                    ),
                );
            }
        }
        for word in
            text.split(|b| matches!(b, b' ' | b'\t' | b'\r') || (*b == b',' && syntax == Syntax::HaCf))
        {
            if word.is_empty() {
                continue;
            }
            match checked(word, number, report) {
                Some(text) => words.push(Word { text, line: number }),
                None => (bad, left_out) = (true, true),
            }
        }
        if !open {
            let line = core::mem::take(&mut words);
            if !line.is_empty() && !bad {
                all.push(line);
            }
            bad = false;
        }
    }
    if open {
        report.error(number, format_args!("`\\` at the end of the file continues nothing; remove it"));
        if !words.is_empty() && !bad {
            all.push(words);
        }
    }
    (all, left_out)
}

fn trim_end(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t' | b'\r'] = text {
        text = rest;
    }
    text
}

fn checked<'a>(word: &'a [u8], line: u32, report: &mut Report<'_>) -> Option<&'a str> {
    if let Some(byte) = word.iter().find(|b| !b.is_ascii_graphic()) {
        report.error(
            line,
            format_args!("byte 0x{byte:02x} is not plain text; write ASCII letters, digits and signs only"),
        );
        return None;
    }
    if word.len() > MAX_WORD {
        report.error(line, format_args!("a word of {} bytes; write at most {MAX_WORD}", word.len()));
        return None;
    }
    str::from_utf8(word).ok()
}

#[cfg(test)]
mod tests {
    use super::super::finding::Findings;
    use super::*;

    fn run(text: &[u8], syntax: Syntax) -> (Vec<Vec<(String, u32)>>, Vec<String>) {
        let mut findings = Findings::new();
        let (lines, _) = lines(text, syntax, &mut Report::new("f", &mut findings));
        let lines = lines.iter().map(|l| l.iter().map(|w| (w.text.to_string(), w.line)).collect()).collect();
        (lines, findings.as_slice().iter().map(ToString::to_string).collect())
    }

    fn words(list: &[(&str, u32)]) -> Vec<(String, u32)> {
        list.iter().map(|(text, line)| (text.to_string(), *line)).collect()
    }

    #[test]
    fn comments_blanks_tabs_and_commas() {
        let (lines, findings) = run(b"# all\n\n node\ta, b # trailing\n##\nx#y\n", Syntax::HaCf);
        assert_eq!(lines, [words(&[("node", 3), ("a", 3), ("b", 3)]), words(&[("x", 5)])]);
        assert!(findings.is_empty());
        let (lines, _) = run(b"a b,c", Syntax::Haresources);
        assert_eq!(lines, [words(&[("a", 1), ("b,c", 1)])]);
    }

    #[test]
    fn continuation_lines_keep_the_line_of_each_word() {
        let (lines, findings) = run(b"a b \\\n c \\ \t# note\nd\ne\n", Syntax::Haresources);
        assert_eq!(lines, [words(&[("a", 1), ("b", 1), ("c", 2), ("d", 3)]), words(&[("e", 4)])]);
        assert!(findings.is_empty());
        let (lines, findings) = run(b"# a comment ends in \\\na\\\n", Syntax::Haresources);
        assert_eq!(lines, [words(&[("a", 2)])]);
        assert!(findings.is_empty(), "{findings:?}");
        let (lines, findings) = run(b"a \\", Syntax::Haresources);
        assert_eq!(lines, [words(&[("a", 1)])]);
        assert_eq!(findings, ["f:1: `\\` at the end of the file continues nothing; remove it"]);
        let (lines, findings) = run(b"node a \\\nb", Syntax::HaCf);
        assert_eq!(lines, [words(&[("node", 1), ("a", 1)]), words(&[("b", 2)])]);
        assert_eq!(
            findings,
            ["f:1: `\\` does not continue a line of ha.cf; repeat the directive on the next line"]
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_named_but_comments_may_hold_anything() {
        let (lines, findings) = run(b"\xEF\xBB\xBFa b\r\nnode \xA3\xA1 x\n# \xD6\xD0\nc\r\n", Syntax::HaCf);
        assert_eq!(lines, [words(&[("a", 1), ("b", 1)]), words(&[("c", 4)])]);
        assert_eq!(
            findings,
            [
                "f:1: the file has DOS line ends; write it with Unix ones (`tr -d '\\r'`)",
                "f:2: byte 0xa3 is not plain text; write ASCII letters, digits and signs only",
            ]
        );
        let (lines, findings) = run(b"a b\rc d\r", Syntax::HaCf);
        assert!(lines.is_empty());
        assert_eq!(
            findings,
            ["f:1: the lines end with a carriage return alone; write Unix ones (`tr '\\r' '\\n'`)"]
        );
        let (lines, findings) = run(&[b'x'; 256], Syntax::HaCf);
        assert!(lines.is_empty());
        assert_eq!(findings, ["f:1: a word of 256 bytes; write at most 255"]);
    }
}
