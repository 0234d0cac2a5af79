//! `ARCHITECTURE.md` and `CONTRIBUTING.md` name no file or folder that is not there; and where a row of the map names an example
//! (*a field of `status`, as `lost_lines`*), it names every file of what ships that one more of the kind must touch: all that
//! know the example.

use super::source;
use std::fs;
use std::path::{Path, PathBuf};

const PAGES: [&str; 2] = ["ARCHITECTURE.md", "CONTRIBUTING.md"];
/// What each chapter's short names are below of, beside what the same row named before.
const CHAPTERS: [(&str, &str); 2] = [("## hb-core", "hb-core/src"), ("## hb-linux", "hb-linux/src")];
/// What must touch one more of a kind: the crates that ship.
const SHIPPED: [&str; 3] = ["hb-core/src", "hb-linux/src", "hb-serial-bridge/src"];
/// Paths on the machines that run the daemon.
const ELSEWHERE: [&str; 3] = ["/", "resource.d", "~"];

/// Names that lead nowhere, and files that a row leaves out.
pub(super) fn faults(root: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    let code = code(root).unwrap_or_else(|error| {
        wrong.push(error);
        Vec::new()
    });
    for page in PAGES {
        match fs::read_to_string(root.join(page)) {
            Ok(text) => {
                let rows = rows(&text, |path| root.join(path).exists());
                for row in &rows {
                    wrong.extend(row.lost.iter().map(|name| {
                        format!("{page}:{}: `{name}` is not there; write where it is now", row.line)
                    }));
                    wrong.extend(row.left_out(&code).map(|(example, file)| {
                        format!(
                            "{page}:{}: {} knows `{example}`; name it in this row",
                            row.line,
                            file.display()
                        )
                    }));
                }
            }
            Err(error) => wrong.push(format!("{page}: {error}")),
        }
    }
    wrong
}

/// The files that ship, each with its code alone: no comments, no tests.
fn code(root: &Path) -> Result<Vec<(PathBuf, String)>, String> {
    let mut all = Vec::new();
    for folder in SHIPPED {
        for path in source::rust_files(&root.join(folder))? {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            if stem != "tests" && !stem.ends_with("_tests") {
                let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
                let shipped = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
                let code = shipped.lines().filter(|line| !line.trim_start().starts_with("//"));
                let shipped: String = code.flat_map(|line| [line, "\n"]).collect();
                all.push((path.strip_prefix(root).unwrap_or(&path).to_owned(), shipped));
            }
        }
    }
    Ok(all)
}

/// A line of a page: what it names.
#[derive(Debug, Default, PartialEq, Eq)]
struct Row {
    line: usize,
    /// Files and folders that are there.
    found: Vec<PathBuf>,
    /// Those that are not.
    lost: Vec<String>,
    /// One of the kind that is there already.
    example: Option<String>,
}

impl Row {
    /// Files that know the example and are in no place that the row names.
    fn left_out<'a>(&'a self, code: &'a [(PathBuf, String)]) -> impl Iterator<Item = (&'a str, &'a Path)> {
        let example = self.example.as_deref();
        let knows = move |text: &str| example.is_some_and(|example| has_word(text, example));
        code.iter()
            .filter(move |(file, text)| {
                knows(text) && !self.found.iter().any(|place| file.starts_with(place))
            })
            .map(move |(file, _)| (example.unwrap_or_default(), file.as_path()))
    }
}

/// Does the word stand in the text, neither begun nor ended inside a longer one?
fn has_word(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !before.ends_with(part) && !after.starts_with(part)
    })
}

/// What each line of `text` names.
fn rows(text: &str, exists: impl Fn(&Path) -> bool) -> Vec<Row> {
    let (mut all, mut chapter) = (Vec::new(), None);
    for (number, line) in (1..).zip(text.lines()) {
        if line.starts_with("## ") {
            chapter =
                CHAPTERS.iter().find(|(title, _)| line == *title).map(|(_, folder)| PathBuf::from(folder));
        }
        let mut near: Vec<PathBuf> = chapter.iter().cloned().collect();
        let mut row = Row { line: number, example: example(line), ..Row::default() };
        for name in line.split('`').skip(1).step_by(2).filter(|name| is_path(name)) {
            let path = Path::new(name.trim_end_matches('/'));
            let found =
                [PathBuf::new()].iter().chain(&near).map(|folder| folder.join(path)).find(|p| exists(p));
            match found {
                // Whatever stands behind it in the row may be named from any folder above it.
                Some(found) => {
                    near.extend(found.ancestors().filter(|p| p.parent().is_some()).map(PathBuf::from));
                    row.found.push(found);
                }
                None => row.lost.push(name.to_owned()),
            }
        }
        all.push(row);
    }
    all
}

/// What the first cell says behind *as*: `| a field of status, as `lost_lines` | ...`.
fn example(line: &str) -> Option<String> {
    let (first, _) = line.strip_prefix("| ")?.split_once(" |")?;
    let (_, word) = first.split_once(", as `")?;
    word.split_once('`').map(|(word, _)| word.to_owned())
}

/// Is this word a path of the repository?
fn is_path(name: &str) -> bool {
    let one = !name.contains([' ', ':', '(', '*', '#', '=']);
    let kind = name.ends_with(".rs") || name.ends_with(".md") || name.contains('/');
    one && kind && !ELSEWHERE.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_up_from_the_root_the_chapter_and_what_the_row_named() {
        let there =
            ["hb-core/src/frame", "hb-linux/src/config/ha_cf", "hb-linux/src/config/build.rs", "docs/a.md"];
        let exists = |path: &Path| there.iter().any(|one| Path::new(one) == path);
        let page = "## hb-core\n| `frame/` | COBS |\n## Other\n| x | `hb-linux/src/config/ha_cf/`, `build.rs`, `docs/a.md` |\n\
                    | y | `build.rs` |\n| z | `/etc/ha.d`, `cargo xtask a/b`, `docs/b.md` |\n";
        let found: Vec<(usize, String)> = rows(page, exists)
            .into_iter()
            .flat_map(|row| row.lost.into_iter().map(move |name| (row.line, name)))
            .collect();
        assert_eq!(found, [(5, "build.rs".to_owned()), (6, "docs/b.md".to_owned())]);
    }

    #[test]
    fn a_row_names_every_file_that_knows_its_example() {
        let exists = |path: &Path| ["a/x", "a/x/one.rs", "a/two.rs"].iter().any(|one| Path::new(one) == path);
        let code = ["a/x/one.rs", "a/two.rs", "a/three.rs"]
            .map(|file| (PathBuf::from(file), "lost_lines: 1".to_owned()));
        let missing = |page: &str| -> Vec<String> {
            let rows = rows(page, exists);
            rows.iter()
                .flat_map(|row| row.left_out(&code))
                .map(|(_, file)| file.display().to_string())
                .collect()
        };
        assert_eq!(missing("| a field, as `lost_lines` | `a/x/`, `two.rs` |\n"), ["a/three.rs"]);
        assert_eq!(missing("| a field, as `lost_line` | `a/x/`, `two.rs` |\n"), Vec::<String>::new());
        assert_eq!(missing("| a field | `a/x/` |\n"), Vec::<String>::new());
    }

    #[test]
    fn the_map_is_true() {
        assert_eq!(faults(&crate::paths::root()), Vec::<String>::new());
    }
}
