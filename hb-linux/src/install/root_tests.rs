//! Roots for tests.

use super::options::Options;
use super::tree::Tree;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "../../tests/listing/mod.rs"]
mod listing;

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

    /// Everything in it.
    pub(super) fn all(&self) -> Vec<String> {
        listing::listing(&self.0)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
