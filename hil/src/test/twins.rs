//! A page and its Chinese twin say the same: the same headings by level and number, commands, code, files, and figures.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The pages that exist twice.
const TWINS: [(&str, &str); 2] =
    [("README.md", "docs/zh/README.md"), ("docs/manual.md", "docs/zh/manual.md")];

/// What differs between the pages of a pair.
pub(super) fn faults(root: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    for (page, twin) in TWINS {
        match (fs::read_to_string(root.join(page)), fs::read_to_string(root.join(twin))) {
            (Ok(ours), Ok(theirs)) => {
                wrong.extend(differences(&ours, &theirs).into_iter().map(|what| format!("{twin}: {what}")));
            }
            _ => wrong.push(format!("{page} and {twin}: one of them cannot be read")),
        }
    }
    wrong
}

/// What must be the same in both, in the order in which people look for it.
fn differences(page: &str, twin: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if headings(page) != headings(twin) {
        wrong.push(format!("headings {:?}, not {:?}", headings(twin), headings(page)));
    }
    if blocks(page) != blocks(twin) {
        wrong.push("a block of commands or of a file differs from the English page".to_owned());
    }
    for (what, ours, theirs) in [
        ("code", counted(code(page)), counted(code(twin))),
        ("figure", counted(figures(page)), counted(figures(twin))),
    ] {
        let names = ours.keys().chain(theirs.keys()).collect::<std::collections::BTreeSet<_>>();
        for name in names.into_iter().filter(|name| ours.get(*name) != theirs.get(*name)) {
            let times = |found: &BTreeMap<String, usize>| found.get(name).copied().unwrap_or(0);
            wrong.push(format!("{what} `{name}` {} times, in English {}", times(&theirs), times(&ours)));
        }
    }
    wrong
}

fn counted(found: Vec<String>) -> BTreeMap<String, usize> {
    let mut sum = BTreeMap::new();
    for one in found {
        *sum.entry(one).or_default() += 1;
    }
    sum
}

/// Each heading as its level and its number.
fn headings(page: &str) -> Vec<(usize, String)> {
    let heading = |line: &str| {
        let level = line.bytes().take_while(|b| *b == b'#').count();
        let number: String =
            line[level..].trim().chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        (level > 0).then_some((level, number))
    };
    prose(page).lines().filter_map(heading).collect()
}

/// The fenced blocks, whole.
fn blocks(page: &str) -> Vec<&str> {
    page.split("```").skip(1).step_by(2).collect()
}

/// The page without its fenced blocks.
fn prose(page: &str) -> String {
    page.split("```").step_by(2).collect()
}

/// What stands in backticks, but links between pages.
fn code(page: &str) -> Vec<String> {
    let prose = prose(page);
    let words = prose.split('`').skip(1).step_by(2).filter(|word| !word.ends_with(".md"));
    words.map(str::to_owned).collect()
}

/// The numbers of the prose, addresses too.
fn figures(page: &str) -> Vec<String> {
    let prose = prose(page);
    let numbers = prose.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    numbers.map(|n| n.trim_matches('.')).filter(|n| !n.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# One\n\n## 1 Two `a b` 10 s\n\n```\nrun it\n```\n[`x.md`](x.md) `-v` 1.5\n";

    #[test]
    fn twins_in_other_words_are_the_same() {
        let twin = "# 一\n\n## 1 二 10 s `a b`\n\n```\nrun it\n```\n`-v`：1.5 [`../x.md`](../x.md)\n";
        assert_eq!(differences(PAGE, twin), Vec::<String>::new());
    }

    #[test]
    fn each_difference_is_named() {
        for (from, to, what) in [
            ("## 1 Two", "### 1 Two", "headings"),
            ("## 1 Two", "## 2 Two", "headings"),
            ("run it", "run that", "a block"),
            ("`a b`", "`a c`", "code `a b` 0 times, in English 1"),
            ("10 s", "12 s", "figure `10` 0 times, in English 1"),
        ] {
            let found = differences(PAGE, &PAGE.replace(from, to));
            assert!(found.iter().any(|line| line.starts_with(what)), "{what}: {found:?}");
        }
    }

    #[test]
    fn the_pages_are_twins() {
        assert_eq!(faults(&crate::paths::root()), Vec::<String>::new());
    }
}
