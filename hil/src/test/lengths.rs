//! How long the source files are. A file over 300 lines is named, one over 500 fails.

use super::{Outcome, house, source};
use crate::paths;
use std::fs;

const NAMED: usize = 300;
const FAILS: usize = 500;

/// Counts every Rust file of the workspace and prints the long ones.
pub(super) fn report() -> Outcome {
    let root = paths::root();
    let mut files = Vec::new();
    for name in house::CRATES {
        for path in source::rust_files(&root.join(name))? {
            let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            let relative = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
            files.push((text.lines().count(), relative));
        }
    }
    files.sort();
    for (lines, path) in files.iter().rev().take_while(|(lines, _)| *lines > NAMED) {
        println!("{lines:5} {path}");
    }
    verdict(&files)
}

/// Judges files sorted by length.
fn verdict(files: &[(usize, String)]) -> Outcome {
    let over = |limit: usize| files.iter().filter(|(lines, _)| *lines > limit).count();
    let median = files.get(files.len() / 2).map_or(0, |f| f.0);
    let total: usize = files.iter().map(|f| f.0).sum();
    let text =
        format!("{total} lines in {} files, median {median}, {} over {NAMED}", files.len(), over(NAMED));
    if over(FAILS) == 0 { Ok(text) } else { Err(format!("{text}, {} over {FAILS}", over(FAILS))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_over_the_limit_fails() {
        let long = |lines| [(10, "a.rs".to_owned()), (lines, "b.rs".to_owned())];
        assert_eq!(verdict(&long(301)), Ok("311 lines in 2 files, median 301, 1 over 300".to_owned()));
        assert!(verdict(&long(FAILS)).is_ok());
        assert!(verdict(&long(FAILS + 1)).is_err());
    }
}
