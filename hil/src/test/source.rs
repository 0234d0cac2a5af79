//! The project's Rust source as the text checks see it: comments, string contents and test modules blanked out,
//! line numbers kept.

use std::fs;
use std::path::{Path, PathBuf};

/// Every `.rs` file below a folder, sorted.
///
/// # Errors
/// A folder cannot be read.
pub(super) fn rust_files(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let told = |e: std::io::Error| format!("{}: {e}", dir.display());
    for entry in fs::read_dir(dir).map_err(told)? {
        let path = entry.map_err(told)?.path();
        if path.is_dir() && path.file_name().is_none_or(|n| n != "target") {
            found.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The code alone: comments and the insides of string and character literals become blanks.
pub(super) fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_or_comment(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// The insides of the string literals that are no raw ones, as they are written; those in comments are none.
pub(super) fn strings(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < chars.len() {
        let end = literal_or_comment(&chars, at);
        if end > at + 1 && chars[at] == '"' {
            found.push(chars[at + 1..end - 1].iter().collect());
        }
        at = end.max(at + 1);
    }
    found
}

/// The end of the comment or literal that begins at `at`, or `at` itself.
fn literal_or_comment(c: &[char], at: usize) -> usize {
    let is = |i: usize, want: char| c.get(i) == Some(&want);
    match c[at] {
        '/' if is(at + 1, '/') => (at..c.len()).find(|i| c[*i] == '\n').unwrap_or(c.len()),
        '/' if is(at + 1, '*') => block_comment(c, at),
        '"' => quoted(c, at),
        'r' if (is(at + 1, '"') || is(at + 1, '#')) && (at == 0 || !word(c[at - 1]) || c[at - 1] == 'b') => {
            raw(c, at)
        }
        // A character literal, told from a lifetime by its closing quote.
        '\'' if is(at + 1, '\\') => (at + 3..c.len()).find(|i| c[*i] == '\'').map_or(c.len(), |i| i + 1),
        '\'' if is(at + 2, '\'') => at + 3,
        _ => at,
    }
}

fn word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn block_comment(c: &[char], at: usize) -> usize {
    let (mut depth, mut i) = (0, at);
    while i + 1 < c.len() {
        match (c[i], c[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
    c.len()
}

fn quoted(c: &[char], at: usize) -> usize {
    let mut i = at + 1;
    while i < c.len() {
        match c[i] {
            '\\' => i += 2,
            '"' => return i + 1,
            _ => i += 1,
        }
    }
    c.len()
}

fn raw(c: &[char], at: usize) -> usize {
    let hashes = c[at + 1..].iter().take_while(|x| **x == '#').count();
    let open = at + 1 + hashes;
    if c.get(open) != Some(&'"') {
        return at;
    }
    let closes =
        |i: usize| c[i] == '"' && c[i + 1..].iter().take(hashes).filter(|x| **x == '#').count() == hashes;
    (open + 1..c.len()).find(|i| closes(*i)).map_or(c.len(), |i| i + 1 + hashes)
}

/// Blanks every item under `#[cfg(test)]` in text that [`code_only`] has been through: to its closing brace, or to
/// the `;` of an item without a body.
pub(super) fn without_tests(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = rest.find("#[cfg(test)]") {
        let (before, item) = rest.split_at(start);
        out.push_str(before);
        let end = item_end(item);
        out.extend(item[..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &item[end..];
    }
    out.push_str(rest);
    out
}

fn item_end(item: &str) -> usize {
    let mut depth = 0u32;
    for (i, c) in item.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return i + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return i + 1,
            _ => {}
        }
    }
    item.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_lines_kept() {
        let code =
            code_only("let a = \"std::thread\"; // std::time\n/* x /* y */ z */ let b = 'q';\nfn f<'a>() {}");
        assert!(!code.contains("std") && !code.contains('z') && !code.contains('q'));
        assert!(code.contains("let a =") && code.contains("let b =") && code.contains("fn f<'a>() {}"));
        assert_eq!(code.lines().count(), 3);
    }

    #[test]
    fn raw_strings_and_escapes_end_where_they_should() {
        assert_eq!(code_only(r##"f(r#"a"b"#, x)"##).replace(' ', ""), "f(,x)");
        assert_eq!(code_only(r#"f("a\"b", '\'', x)"#).replace(' ', ""), "f(,,x)");
        assert_eq!(code_only("for r in x { r }"), "for r in x { r }");
    }

    #[test]
    fn test_modules_are_left_out() {
        let code = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn t() { x() }\n}\nfn b() {}\n#[cfg(test)]\nmod other;\nfn c() {}";
        let kept = without_tests(code);
        assert!(kept.contains("fn a") && kept.contains("fn b") && kept.contains("fn c"));
        assert!(!kept.contains("fn t") && !kept.contains("other"));
        assert_eq!(kept.lines().count(), code.lines().count());
    }
}
