//! The table of staged faults in `docs/log.md`: each is staged by a scenario that looks for its line, the daemon can say that
//! line, and the next step is in the line or beside it.

use std::fs;
use std::path::Path;

/// The headings of the table, and where it stands.
const TABLES: [(&str, &str); 2] =
    [("docs/log.md", "## Ten faults, from the log alone"), ("docs/zh/log.md", "## 十种故障，只看日志")];
/// So many are promised.
const FAULTS: usize = 10;
/// What a scenario looks for has at least so many letters of the line in a row.
const SEEN: usize = 6;

/// A row: line, step, scenario.
struct Row {
    line: String,
    step: String,
    test: String,
}

/// What does not hold.
pub(super) fn faults(root: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut pages = Vec::new();
    for (name, heading) in TABLES {
        let text = fs::read_to_string(root.join(name)).unwrap_or_default();
        let rows = rows(&text, heading);
        if rows.len() != FAULTS {
            wrong.push(format!("{name}: {} rows under `{heading}`, not {FAULTS}", rows.len()));
        }
        for row in &rows {
            wrong.extend(holds(root, &text, row).err().map(|why| format!("{name}: {}: {why}", row.line)));
        }
        pages.push(rows);
    }
    let same = |rows: &[Row]| rows.iter().map(|row| (row.line.clone(), row.test.clone())).collect::<Vec<_>>();
    if pages.windows(2).any(|pair| matches!(pair, [a, b] if same(a) != same(b))) {
        wrong.push("docs/log.md and docs/zh/log.md stage different faults".to_owned());
    }
    wrong
}

fn rows(text: &str, heading: &str) -> Vec<Row> {
    let table = text.split_once(heading).map_or("", |(_, rest)| rest);
    let table = table.split("\n## ").next().unwrap_or_default();
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").skip(1);
        let plain = |cell: &str| cell.trim_matches('`').to_owned();
        let (line, step, test) = (plain(cells.next()?), cells.next()?.to_owned(), plain(cells.next()?));
        test.contains("::").then_some(Row { line, step, test })
    };
    table.lines().filter_map(row).collect()
}

fn holds(root: &Path, text: &str, row: &Row) -> Result<(), String> {
    let Row { line, step, test } = row;
    let begin = format!("| `{line}` | ");
    let advice =
        text.lines().find_map(|told| told.strip_prefix(&begin)).ok_or("the daemon does not say it")?;
    let code: Vec<&str> = step.split('`').skip(1).step_by(2).collect();
    let named = |word: &&str| line.contains(*word) || advice.contains(*word);
    if code.is_empty() || !code.iter().all(named) {
        return Err(format!("the step `{step}` is neither in the line nor beside it"));
    }
    let (file, name) = test.split_once("::").ok_or("no scenario")?;
    let source = fs::read_to_string(root.join("tests/scenarios").join(file)).unwrap_or_default();
    let body = source.split_once(&format!("fn {name}(")).ok_or_else(|| format!("there is no {test}"))?.1;
    let body = body.split("\n}\n").next().unwrap_or_default();
    // Of what the scenario looks for in the log, a part is in the line.
    let sought = body.split(".contains(\"").skip(1).filter_map(|rest| rest.split('"').next());
    let seen = |words: &str| line.split('…').any(|part| overlap(part, words) >= SEEN);
    if sought.into_iter().any(seen) { Ok(()) } else { Err(format!("{test} does not look for it")) }
}

/// The longest text that both have.
fn overlap(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let longest = |n: usize| {
        (n..=b.len())
            .rev()
            .find(|end| b.get(n..*end).is_some_and(|part| a.contains(&part.iter().collect::<String>())))
    };
    (0..b.len()).map(|n| longest(n).map_or(0, |end| end - n)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_and_the_longest_common_text_is_found() {
        let text = "x\n## H\n\n| a | b | c | d |\n|---|---|---|---|\n| f | `l … m` | do `hbd x` | `t.rs::g` |\n\n## I\n| f | `z` | q | `t::u` |\n";
        let rows = rows(text, "## H");
        assert_eq!(rows.len(), 1);
        let row = rows.first().expect("one");
        assert_eq!(
            (row.line.as_str(), row.step.as_str(), row.test.as_str()),
            ("l … m", "do `hbd x`", "t.rs::g")
        );
        assert_eq!(overlap("is still answered by", "but 192 is still answered"), 17);
        assert_eq!(overlap("abc", "xyz"), 0);
    }
}
