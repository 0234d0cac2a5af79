//! A folder as a list that two looks at it can be compared by; the unit tests of `install` read it as well.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Everything below `root`: path, mode, owner, contents, and of files the time.
pub(crate) fn listing(root: &Path) -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), vec![root.to_owned()]);
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let what = if meta.is_symlink() {
                format!("{:?}", fs::read_link(&path).unwrap())
            } else if meta.is_dir() {
                open.push(path.clone());
                String::new()
            } else {
                format!("{} {:x?}", meta.mtime(), fs::read(&path).unwrap())
            };
            found.push(format!("{} {:o} {} {what}", path.display(), meta.mode(), meta.uid()));
        }
    }
    found.sort();
    found
}
