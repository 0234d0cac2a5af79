//! Roots for tests.

use super::options::Options;
use super::tree::Tree;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::string::String;
use std::vec::Vec;
use std::{format, vec};

/// A root of a test, removed with it.
pub(super) struct Root(PathBuf);

/// Make one with these files; a name that ends in a slash is a directory.
pub(super) fn root(name: &str, files: &[&str]) -> Root {
    let dir = std::env::temp_dir().join(format!("hbd-install-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    let root = Root(dir.canonicalize().unwrap());
    for file in files {
        let path = root.0.join(file);
        fs::create_dir_all(if file.ends_with('/') { path.as_path() } else { path.parent().unwrap() })
            .unwrap();
        if !file.ends_with('/') {
            fs::write(path, "").unwrap();
        }
    }
    root
}

impl Root {
    pub(super) fn dir(&self) -> &Path {
        &self.0
    }

    pub(super) fn options(&self) -> Options {
        Options { root: Some(self.0.clone()), ..Options::default() }
    }

    pub(super) fn tree(&self) -> (Tree, Options) {
        (Tree::open(&self.options()).unwrap(), self.options())
    }

    /// Every path with its kind, mode and contents.
    pub(super) fn all(&self) -> Vec<String> {
        let (mut found, mut open) = (Vec::new(), vec![self.0.clone()]);
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
                    format!("{:?}", fs::read(&path).unwrap())
                };
                found.push(format!("{} {:o} {what}", path.display(), meta.mode()));
            }
        }
        found.sort();
        found
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
