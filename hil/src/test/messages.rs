//! Every line that the daemon can say stands in `docs/log.md` and its Chinese twin, with what to do; and no other.

use super::source;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Where the daemon's sentences are written.
const SPEAKERS: [&str; 29] = [
    "log/words.rs",
    "log/groups.rs",
    "log/ask.rs",
    "log/data.rs",
    "log/tale.rs",
    "log/reasons.rs",
    "daemon/dog.rs",
    "daemon/bridge.rs",
    "daemon/fence.rs",
    "daemon/voice.rs",
    "daemon/serve.rs",
    "daemon/announce.rs",
    "daemon/interfaces.rs",
    "daemon/reload.rs",
    "daemon/requests.rs",
    "daemon/reread.rs",
    "daemon/shout.rs",
    "daemon/start.rs",
    "daemon/past.rs",
    "daemon/build.rs",
    "daemon/late_record.rs",
    "helper/run.rs",
    "helper/outlet.rs",
    "watchdog.rs",
    "data/worker.rs",
    "attend/run.rs",
    "daemon/attendant.rs",
    "data/pull.rs",
    "data/site.rs",
];
/// The tables: the same lines in each.
const TABLES: [&str; 2] = ["docs/log.md", "docs/zh/log.md"];
/// Fewer words than this are no sentence that anybody would look up.
const SENTENCE: usize = 3;

/// What is missing in a table, and what stands there though nothing says it.
pub(super) fn faults(root: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut said = BTreeSet::new();
    for name in SPEAKERS {
        match fs::read_to_string(root.join("hb-linux/src").join(name)) {
            Ok(text) => said.extend(sentences(&text)),
            Err(error) => wrong.push(format!("hb-linux/src/{name}: {error}")),
        }
    }
    for name in TABLES {
        match fs::read_to_string(root.join(name)) {
            Ok(text) => {
                let told = rows(&text);
                wrong.extend(said.difference(&told).map(|line| format!("{name}: no row for `{line}`")));
                wrong.extend(told.difference(&said).map(|line| format!("{name}: nothing says `{line}`")));
            }
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    wrong
}

/// The sentences in a file's string literals, its tests left out, with `…` for each value.
fn sentences(text: &str) -> BTreeSet<String> {
    let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
    let literals = source::strings(shipped).into_iter().map(|literal| plain(&literal));
    literals.filter(|line| words(line) >= SENTENCE).collect()
}

/// How many of its words have two letters in a row.
fn words(line: &str) -> usize {
    let letters = |word: &str| {
        let bytes = word.as_bytes();
        bytes.windows(2).any(|pair| pair.iter().all(u8::is_ascii_alphabetic))
    };
    line.split_whitespace().filter(|word| letters(word)).count()
}

/// A literal as it is read: lines joined, escapes gone, `…` for what is put in.
fn plain(literal: &str) -> String {
    let (mut out, mut chars) = (String::new(), literal.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('\n') => while chars.next_if(|c| c.is_whitespace()).is_some() {},
                Some('n') | None => out.push(' '),
                Some(other) => out.push(other),
            },
            '{' if chars.next_if_eq(&'{').is_some() => out.push('{'),
            '{' => {
                chars.by_ref().find(|c| *c == '}');
                out.push('…');
            }
            other => out.push(other),
        }
    }
    out.trim().to_owned()
}

/// The first column of every row of a table.
fn rows(text: &str) -> BTreeSet<String> {
    let row = |line: &str| {
        let cell = line.strip_prefix("| `")?.split_once("` |")?.0;
        Some(cell.replace("\\|", "|"))
    };
    text.lines().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_read_as_people_see_them() {
        let text = "fn f() { say(\"node {peer}: is \\\n      gone, {{odd}} \\\"now\\\"\"); g(\"two words\"); }\n\
                    // \"not in a comment\"\n#[cfg(test)]\nmod tests { \"not in the tests\" }";
        let found: Vec<String> = sentences(text).into_iter().collect();
        assert_eq!(found, ["node …: is gone, {odd}} \"now\""]);
    }

    #[test]
    fn a_row_is_its_first_column() {
        let table = "| line | what |\n|---|---|\n| `a … b` | do it |\n| `c \\| d` | no |\ntext `x` |\n";
        assert_eq!(rows(table), ["a … b".to_owned(), "c | d".to_owned()].into());
    }

    #[test]
    fn both_tables_have_every_line() {
        assert_eq!(faults(&crate::paths::root()), Vec::<String>::new());
    }
}
