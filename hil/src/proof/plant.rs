//! A copy of what `hb-proof` is built from, with one `unwrap` planted: the proof must fail there.

use crate::paths;
use std::fs;
use std::path::{Path, PathBuf};

/// One change of the source: where, what stands there, and what is put there.
#[derive(Clone, Copy, Debug)]
pub struct Plant {
    /// The file.
    pub file: &'static str,
    /// What stands there, once or more.
    pub from: &'static str,
    /// What stands there afterwards.
    pub to: &'static str,
}

/// One in what reads a frame, one in what decides about a group, one in the bridge.
pub const PLANTS: [Plant; 3] = [
    Plant {
        file: "hb-core/src/auth/mod.rs",
        from: "let key = keys.get(header.key).ok_or(BadFrame::UnknownKey)?;",
        to: "let key = keys.get(header.key).unwrap();",
    },
    Plant {
        file: "hb-core/src/node/operator.rs",
        from: "let Some(group) = self.group_mut(id) else { return Err(Refusal::NothingToDo) };",
        to: "let group = self.group_mut(id).unwrap();",
    },
    Plant {
        file: "hb-serial-bridge/src/out.rs",
        from: "What::Datagram(datagram) => encode(datagram, &mut place.bytes).unwrap_or(0),",
        to: "What::Datagram(datagram) => encode(datagram, &mut place.bytes).unwrap(),",
    },
];

/// The crates of the copy; everything else of the workspace is left out.
const CRATES: [&str; 3] = ["hb-core", "hb-serial-bridge", "proof"];

/// Copies the crates into a folder of their own and plants there.
///
/// # Errors
/// A file cannot be copied, or the place of the plant is not there any more.
pub fn copy(plant: &Plant) -> Result<PathBuf, String> {
    let (root, copy) = (paths::root(), paths::scratch("proof/planted")?);
    let text = |path: PathBuf| fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()));
    put(&copy.join("Cargo.toml"), &only(&text(root.join("Cargo.toml"))?, &CRATES)?)?;
    put(&copy.join("Cargo.lock"), &text(root.join("Cargo.lock"))?)?;
    put(&copy.join(".cargo/config.toml"), &text(root.join(".cargo/config.toml"))?)?;
    for name in CRATES {
        put(&copy.join(name).join("Cargo.toml"), &text(root.join(name).join("Cargo.toml"))?)?;
        // The page of the crate is a part of its source.
        if let Ok(page) = text(root.join(name).join("README.md")) {
            put(&copy.join(name).join("README.md"), &page)?;
        }
        let place = copy.join(name).join("src");
        // What was deleted since must not stay.
        let _ = fs::remove_dir_all(&place);
        folder(&root.join(name).join("src"), &place)?;
    }
    let place = copy.join(plant.file);
    let before = text(place.clone())?;
    if !before.contains(plant.from) {
        return Err(format!("{}: {:?} is not there any more; plant elsewhere", plant.file, plant.from));
    }
    put(&place, &before.replacen(plant.from, plant.to, 1))?;
    Ok(copy)
}

/// The workspace's manifest with no other members.
pub(crate) fn only(manifest: &str, members: &[&str]) -> Result<String, String> {
    let (before, rest) = manifest.split_once("members = [").ok_or("the manifest names no members")?;
    let (_, after) = rest.split_once(']').ok_or("the manifest's members have no end")?;
    // Nor other workspaces that are left out of this one.
    let after: String =
        after.lines().filter(|line| !line.starts_with("exclude")).map(|l| format!("{l}\n")).collect();
    Ok(format!("{before}members = {members:?}{after}"))
}

pub(crate) fn folder(from: &Path, to: &Path) -> Result<(), String> {
    let told = |e: std::io::Error| format!("{}: {e}", from.display());
    for entry in fs::read_dir(from).map_err(told)? {
        let path = entry.map_err(told)?.path();
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            folder(&path, &to.join(name))?;
        } else {
            put(&to.join(name), &fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?)?;
        }
    }
    Ok(())
}

/// Writes a file where it differs, so that what is built from it stays built.
pub(crate) fn put(path: &Path, text: &str) -> Result<(), String> {
    let told = |e: std::io::Error| format!("{}: {e}", path.display());
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(told)?;
    }
    if fs::read_to_string(path).is_ok_and(|before| before == text) {
        return Ok(());
    }
    fs::write(path, text).map_err(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plant_finds_its_place() {
        for plant in PLANTS {
            let text = fs::read_to_string(paths::root().join(plant.file)).unwrap_or_default();
            assert!(text.contains(plant.from), "{plant:?}");
            assert!(plant.to.contains(".unwrap()"));
        }
    }

    #[test]
    fn the_copy_has_no_other_members() {
        let text = "[workspace]\nmembers = [\"a\", \"b\"]\nexclude = [\"c\"]\n[x]\n";
        let expected = "[workspace]\nmembers = [\"hb-core\", \"hb-serial-bridge\", \"proof\"]\n[x]\n";
        assert_eq!(only(text, &CRATES).as_deref(), Ok(expected));
        assert!(only("[package]\n", &CRATES).is_err());
    }
}
