//! A copy of the core and its tests, to make a mistake in.

use super::mistake::Mistake;
use crate::paths;
use crate::proof::plant::{folder, only, put};
use std::fs;
use std::path::{Path, PathBuf};

/// What is copied.
const CRATES: [&str; 2] = ["hb-core", "tests"];

/// The copy.
#[derive(Debug)]
pub struct Tree {
    dir: PathBuf,
    target: PathBuf,
    /// The file that is changed at present.
    changed: Option<PathBuf>,
}

impl Tree {
    /// A fresh copy, without any mistake, for one of several jobs. What did not change since the last copy keeps its date,
    /// so that it stays built.
    ///
    /// # Errors
    /// A file cannot be copied.
    pub fn new(job: usize) -> Result<Self, String> {
        let base = paths::scratch(&format!("mistakes/{job}"))?;
        let (root, dir) = (paths::root(), base.join("tree"));
        write(&dir.join("Cargo.toml"), &only(&text(&root.join("Cargo.toml"))?, &CRATES)?)?;
        write(&dir.join("Cargo.lock"), &text(&root.join("Cargo.lock"))?)?;
        for name in CRATES {
            // What was deleted since must not stay.
            prune(&dir.join(name), &root.join(name))?;
            folder(&root.join(name), &dir.join(name))?;
        }
        // The other crates are not there, and the tests that need them are not built.
        let manifest = dir.join("tests/Cargo.toml");
        let kept: Vec<String> =
            text(&manifest)?.lines().filter(|line| !line.starts_with("hb-hil")).map(str::to_owned).collect();
        put(&manifest, &(kept.join("\n") + "\n"))?;
        Ok(Self { dir, target: base.join("target"), changed: None })
    }

    /// Where it is built.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The exhaustive check and the simulator, once built.
    #[must_use]
    pub fn binary(&self) -> PathBuf {
        self.target.join(super::look::PROFILE).join("mistakes")
    }

    /// Makes this mistake, and none of those before.
    ///
    /// # Errors
    /// Its place is not there, or is there more than once: the list is stale.
    pub fn plant(&mut self, mistake: &Mistake) -> Result<(), String> {
        if let Some(before) = self.changed.take() {
            write(&self.dir.join(&before), &text(&paths::root().join(&before))?)?;
        }
        let file = PathBuf::from(&mistake.file);
        write(&self.dir.join(&file), &changed(mistake)?)?;
        self.changed = Some(file);
        Ok(())
    }
}

/// The file of the mistake with it.
///
/// # Errors
/// Its place is not there, or is there more than once: the list is stale.
pub fn changed(mistake: &Mistake) -> Result<String, String> {
    let whole = text(&paths::root().join(&mistake.file))?;
    match whole.matches(&mistake.find).count() {
        1 => Ok(whole.replacen(&mistake.find, &mistake.put, 1)),
        places => Err(format!(
            "{}: {} has its text {places} times, not once: mend the list",
            mistake.name, mistake.file
        )),
    }
}

/// Deletes from `dir` what is not in `of`.
fn prune(dir: &Path, of: &Path) -> Result<(), String> {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let (path, other) = (entry.path(), of.join(entry.file_name()));
        let told = |e: std::io::Error| format!("{}: {e}", path.display());
        if path.is_dir() {
            if other.is_dir() {
                prune(&path, &other)?;
            } else {
                fs::remove_dir_all(&path).map_err(told)?;
            }
        } else if !other.is_file() {
            fs::remove_file(&path).map_err(told)?;
        }
    }
    Ok(())
}

fn text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    put(path, text)
}
