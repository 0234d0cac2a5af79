//! `ARCHITECTURE.md` and `CONTRIBUTING.md` name no file or folder that is not there.

use std::fs;
use std::path::{Path, PathBuf};

const PAGES: [&str; 2] = ["ARCHITECTURE.md", "CONTRIBUTING.md"];
/// What each chapter's short names are below of, beside what the same row named before.
const CHAPTERS: [(&str, &str); 2] = [("## hb-core", "hb-core/src"), ("## hb-linux", "hb-linux/src")];
/// Paths on the machines that run the daemon.
const ELSEWHERE: [&str; 3] = ["/", "resource.d", "~"];

/// Names that lead nowhere.
pub(super) fn faults(root: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    for page in PAGES {
        match fs::read_to_string(root.join(page)) {
            Ok(text) => {
                let lost = lost(&text, |path| root.join(path).exists());
                wrong.extend(lost.into_iter().map(|(line, name)| {
                    format!("{page}:{line}: `{name}` is not there; write where it is now")
                }));
            }
            Err(error) => wrong.push(format!("{page}: {error}")),
        }
    }
    wrong
}

/// The line and the name of each path of `text` that does not exist.
fn lost(text: &str, exists: impl Fn(&Path) -> bool) -> Vec<(usize, String)> {
    let (mut wrong, mut chapter) = (Vec::new(), None);
    for (number, line) in (1..).zip(text.lines()) {
        if line.starts_with("## ") {
            chapter =
                CHAPTERS.iter().find(|(title, _)| line == *title).map(|(_, folder)| PathBuf::from(folder));
        }
        let mut near: Vec<PathBuf> = chapter.iter().cloned().collect();
        for name in line.split('`').skip(1).step_by(2).filter(|name| is_path(name)) {
            let path = Path::new(name.trim_end_matches('/'));
            let found =
                [PathBuf::new()].iter().chain(&near).map(|folder| folder.join(path)).find(|p| exists(p));
            match found {
                // Whatever stands behind it in the row may be named from any folder above it.
                Some(found) => {
                    near.extend(found.ancestors().filter(|p| p.parent().is_some()).map(PathBuf::from))
                }
                None => wrong.push((number, name.to_owned())),
            }
        }
    }
    wrong
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
        let found = lost(page, exists);
        assert_eq!(found, [(5, "build.rs".to_owned()), (6, "docs/b.md".to_owned())]);
    }

    #[test]
    fn the_map_is_true() {
        assert_eq!(faults(&crate::paths::root()), Vec::<String>::new());
    }
}
