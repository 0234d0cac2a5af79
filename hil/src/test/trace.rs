//! `cargo xtask trace`: every numbered sentence of the rules (`docs/DESIGN.md`, §4 to §9) has a place in the code that cites
//! it, a test, and a planted mistake that this test sees; or a reason, in `docs/trace.md`, why no mistake is planted for it.

use super::{Outcome, house, source};
use crate::model::mistake::{self, Mistake};
use crate::paths;
use crate::table::Table;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const RULES: &str = "docs/DESIGN.md";
const LIST: &str = "docs/trace.md";
/// Sentences without a planted mistake. May only shrink.
const WITHOUT: usize = 30;
/// What ships, and so has to cite.
const SHIPPED: [&str; 3] = ["hb-core/src", "hb-linux/src", "hb-serial-bridge/src"];

/// What `docs/trace.md` says of one sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Held {
    /// These planted mistakes break it, each seen by what its file names.
    Mistakes(Vec<String>),
    /// No mistake is planted for it: the test that holds it, and why there is none.
    Test(String, String),
}

/// Prints the table; one hole fails.
pub(super) fn check() -> Outcome {
    let root = paths::root();
    let read = |page: &str| fs::read_to_string(root.join(page)).map_err(|e| format!("{page}: {e}"));
    let (rules, list) = (numbered(&read(RULES)?), listed(&read(LIST)?)?);
    let is_rule = |number: &str| rules.iter().any(|(rule, _)| rule == number);
    let mistakes = mistake::read(&[])?;
    let (cited, tests) = (citations(&root)?, tests(&root)?);
    let (mut table, mut wrong) = (Table::new(["rule", "says", "cited in", "held by", "planted"]), Vec::new());
    for (number, words) in &rules {
        let places = cited.get(number).cloned().unwrap_or_default();
        if places.is_empty() {
            wrong.push(format!("{RULES}: [{number}]: no file of what ships cites it; write `DESIGN §{number}` where it is done"));
        }
        let (by, planted) = match list.get(number) {
            None => {
                wrong.push(format!("{LIST}: no row for [{number}]; name its planted mistakes, or a test and why there is none"));
                (String::new(), String::new())
            }
            Some(held) => match held_by(held, &mistakes, &tests) {
                Ok(found) => found,
                Err(what) => {
                    wrong.push(format!("{LIST}: {number}: {what}"));
                    (String::new(), String::new())
                }
            },
        };
        table.row([number.as_str(), words, &short(&places), &by, &planted]);
    }
    wrong.extend(
        list.keys()
            .filter(|n| !is_rule(n))
            .map(|n| format!("{LIST}: {n}: no such sentence in {RULES}; delete the row")),
    );
    wrong.extend(
        cited
            .keys()
            .filter(|n| !is_rule(n))
            .map(|n| format!("{n} is cited, and {RULES} has no such sentence")),
    );
    wrong.extend(unnamed(&mistakes, &list));
    let without = list.values().filter(|held| matches!(held, Held::Test(..))).count();
    if without != WITHOUT {
        wrong.push(format!("{LIST}: {without} sentences without a planted mistake, {WITHOUT} are allowed; where there are fewer, lower the number in hil/src/test/trace.rs, so that it only shrinks"));
    }
    println!("\n{table}");
    if wrong.is_empty() {
        Ok(format!(
            "{} sentences, {} with a planted mistake, {without} with a test and a reason",
            rules.len(),
            rules.len() - without
        ))
    } else {
        Err(wrong.join("\n"))
    }
}

/// The sentences that bear a number, with their first words.
fn numbered(page: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (at, _) in page.match_indices('[') {
        let Some((number, rest)) = page.get(at + 1..).and_then(|rest| rest.split_once(']')) else { continue };
        if is_number(number) {
            let words: Vec<&str> = rest.split_whitespace().take(7).collect();
            all.push((number.to_owned(), words.join(" ")));
        }
    }
    all
}

/// `4.12`, `O2c.3`.
fn is_number(word: &str) -> bool {
    let Some((section, sentence)) = word.split_once('.') else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let chapter = matches!(section, "4" | "5" | "6" | "8" | "9");
    let rule = section.strip_prefix('O').is_some_and(|rest| digits(rest.trim_end_matches(['a', 'b', 'c'])));
    (chapter || rule) && digits(sentence)
}

/// The rows of both tables of the list.
fn listed(page: &str) -> Result<BTreeMap<String, Held>, String> {
    let mut all = BTreeMap::new();
    for (n, line) in (1..).zip(page.lines()).filter(|(_, line)| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let number = cells.first().copied().unwrap_or_default();
        if !is_number(number) {
            continue;
        }
        let words = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        let held = match cells.as_slice() {
            [_, mistakes] if !words(mistakes).is_empty() => Held::Mistakes(words(mistakes)),
            [_, test, why] if words(test).len() == 1 && !why.is_empty() => {
                Held::Test(words(test).remove(0), (*why).to_owned())
            }
            _ => {
                return Err(format!(
                    "{LIST}:{n}: write `| number | mistakes |`, or `| number | test | why no mistake |`"
                ));
            }
        };
        if all.insert(number.to_owned(), held).is_some() {
            return Err(format!("{LIST}:{n}: {number} has a second row; keep one"));
        }
    }
    Ok(all)
}

/// Who holds it, and what is planted; or what is not there.
fn held_by(held: &Held, mistakes: &[Mistake], tests: &BTreeSet<String>) -> Result<(String, String), String> {
    match held {
        Held::Test(test, _) if !tests.contains(test) => Err(format!("there is no test {test}")),
        Held::Test(test, why) => Ok((test.clone(), format!("- ({why})"))),
        Held::Mistakes(names) => {
            let mut by = BTreeSet::new();
            for name in names {
                let found = mistakes.iter().find(|mistake| mistake.name == *name);
                let mistake = found.ok_or(format!("there is no mistake {name} in tests/mistakes"))?;
                by.extend(mistake.stories.iter().cloned());
                let explored = mistake.rules.iter().filter(|_| !mistake.explore.is_empty());
                by.extend(explored.chain(&mistake.sim).map(|rule| format!("rule {rule}")));
            }
            let by: Vec<String> = by.into_iter().collect();
            Ok((by.join(", "), names.join(", ")))
        }
    }
}

/// Mistakes that are planted for no sentence.
fn unnamed(mistakes: &[Mistake], list: &BTreeMap<String, Held>) -> Vec<String> {
    let named: BTreeSet<&String> = list
        .values()
        .filter_map(|held| match held {
            Held::Mistakes(names) => Some(names),
            Held::Test(..) => None,
        })
        .flatten()
        .collect();
    let lost = mistakes.iter().filter(|mistake| !named.contains(&mistake.name));
    lost.map(|mistake| {
        format!("{LIST}: the mistake {} belongs to no sentence; name the one that it breaks", mistake.name)
    })
    .collect()
}

/// By number the files that cite it.
fn citations(root: &Path) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for folder in SHIPPED {
        for path in source::rust_files(&root.join(folder))? {
            let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            for number in cited(&text) {
                all.entry(number).or_default().insert(name.clone());
            }
        }
    }
    Ok(all)
}

/// The numbers behind `DESIGN` in the comments of one file.
fn cited(text: &str) -> BTreeSet<String> {
    let comments = text.lines().filter(|line| line.trim_start().starts_with("//") && line.contains("DESIGN"));
    let words = comments.flat_map(|line| {
        line.split_once("DESIGN").map_or("", |(_, rest)| rest).split([' ', ',', ')', ';', ':'])
    });
    words
        .map(|word| word.trim_start_matches('§').trim_end_matches('.'))
        .filter(|word| is_number(word))
        .map(str::to_owned)
        .collect()
}

/// The names of all tests.
fn tests(root: &Path) -> Result<BTreeSet<String>, String> {
    let mut all = BTreeSet::new();
    for folder in house::CRATES {
        for path in source::rust_files(&root.join(folder))? {
            let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            for part in text.split("#[test]").skip(1) {
                let name = part.split_once("fn ").and_then(|(_, rest)| rest.split_once('('));
                all.extend(name.map(|(name, _)| name.to_owned()));
            }
        }
    }
    Ok(all)
}

/// The first file, and how many more.
fn short(places: &BTreeSet<String>) -> String {
    match places.len() {
        0 | 1 => places.first().cloned().unwrap_or_default(),
        more => format!("{} and {}", places.first().map_or("", String::as_str), more - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_where_they_stand() {
        let page = "- [4.1] COBS between zero bytes.\n- **O2c**: [O2c.10] a fence [x] [docs.rs](y) [7.1] goes first\n";
        let found = numbered(page);
        assert_eq!(found[0], ("4.1".to_owned(), "COBS between zero bytes. - **O2c**: [O2c.10]".to_owned()));
        assert!(found.len() == 2 && found[1].0 == "O2c.10");
        let code = "/// Feeds (DESIGN §8.3, §7 O7.3).\nlet x = 8.4; // no\n// DESIGN §4, §7 O2: see O9.1.\n";
        assert_eq!(cited(code).into_iter().collect::<Vec<_>>(), ["8.3", "O7.3", "O9.1"]);
    }

    #[test]
    fn rows_are_read_and_bad_ones_are_named() {
        let page = "| sentence | x |\n|---|---|\n| 4.5 | `a`, `b` |\n| O1.1 | `a_test` | golden bytes |\n";
        let list = listed(page).expect("good rows");
        assert_eq!(list["4.5"], Held::Mistakes(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(list["O1.1"], Held::Test("a_test".to_owned(), "golden bytes".to_owned()));
        for bad in ["| 4.5 | |", "| 4.5 | `t` | |", "| 4.5 | `a` |\n| 4.5 | `b` |"] {
            assert!(listed(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_hole_is_named() {
        let list = BTreeMap::from([("4.5".to_owned(), Held::Mistakes(vec!["gone".to_owned()]))]);
        assert!(held_by(&list["4.5"], &[], &BTreeSet::new()).is_err_and(|e| e.contains("gone")));
        let test = Held::Test("lost".to_owned(), "why".to_owned());
        assert!(held_by(&test, &[], &BTreeSet::new()).is_err_and(|e| e.contains("lost")));
        let mistakes = mistake::read(&[]).expect("the list of mistakes");
        assert_eq!(unnamed(&mistakes, &list).len(), mistakes.len());
    }
}
