//! `cargo xtask publish`: the core and the bridge's library as they would go to a registry, tried without sending anything. Two
//! names differ there: `hb-core` is a stranger's. The folders, and the paths in code, stay as they are.

use crate::paths;
use crate::proc::Cmd;
use crate::proof::plant::{folder, only, put};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Our folder, the name on the registry, the name in code.
const CRATES: [(&str, &str, &str); 2] =
    [("hb-core", "hbd-core", "hb_core"), ("hb-serial-bridge", "hbd-serial-bridge", "hb_serial_bridge")];

/// Packs both, builds each from its package, and stops before the upload. Needs the registry for the crates that they use.
///
/// # Errors
/// A package lacks something, or does not build.
pub fn dry_run() -> Result<String, String> {
    let dir = paths::scratch("publish")?;
    lay_out(&paths::root(), &dir)?;
    let mut args = vec!["publish", "--dry-run", "--allow-dirty"];
    args.extend(CRATES.iter().flat_map(|(_, package, _)| ["-p", package]));
    // Cargo keeps what is unpacked beside what is built.
    Cmd::cargo(args)
        .dir(&dir)
        .env("CARGO_TARGET_DIR", dir.join("target"))
        .limit(Duration::from_secs(900))
        .run()?;
    Ok(format!("{} packages, built as they would be fetched; nothing was sent", CRATES.len()))
}

/// A workspace of the two, under their names on the registry.
fn lay_out(root: &Path, dir: &Path) -> Result<(), String> {
    let text = |path: &Path| fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()));
    put(&dir.join("Cargo.toml"), &workspace(&text(&root.join("Cargo.toml"))?)?)?;
    put(&dir.join("Cargo.lock"), &text(&root.join("Cargo.lock"))?)?;
    for (name, package, path) in CRATES {
        let (from, to) = (root.join(name), dir.join(name));
        put(&to.join("Cargo.toml"), &manifest(&text(&from.join("Cargo.toml"))?, name, package, path)?)?;
        put(&to.join("README.md"), &text(&from.join("README.md"))?)?;
        for part in ["src", "examples"] {
            // What was deleted since must not stay.
            let _ = fs::remove_dir_all(to.join(part));
            if from.join(part).is_dir() {
                folder(&from.join(part), &to.join(part))?;
            }
        }
    }
    Ok(())
}

/// The workspace's manifest with these members alone, to be published.
fn workspace(manifest: &str) -> Result<String, String> {
    let mut text =
        only(manifest, &CRATES.map(|(name, ..)| name))?.replace("publish = false", "publish = true");
    for (name, package, _) in CRATES {
        let (before, after) = (
            format!("{name} = {{ path = \"{name}\""),
            format!("{name} = {{ package = \"{package}\", version = \"0.1.0\", path = \"{name}\""),
        );
        text = replaced(&text, &before, &after)?;
    }
    Ok(text)
}

/// One crate's manifest under its name on the registry.
fn manifest(text: &str, name: &str, package: &str, path: &str) -> Result<String, String> {
    let text = replaced(text, &format!("name = \"{name}\""), &format!("name = \"{package}\""))?;
    replaced(&text, "\n[features]", &format!("\n[lib]\nname = \"{path}\"\n\n[features]"))
}

fn replaced(text: &str, before: &str, after: &str) -> Result<String, String> {
    match text.matches(before).count() {
        1 => Ok(text.replacen(before, after, 1)),
        n => Err(format!("a manifest has {before:?} {n} times, not once: mend hil/src/dist/publish.rs")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_go_out_under_their_names_and_are_used_under_the_old_ones() {
        let root = paths::root();
        let text = |path: &str| fs::read_to_string(root.join(path)).expect("a manifest");
        let all: toml::Table = workspace(&text("Cargo.toml")).expect("laid out").parse().expect("a manifest");
        assert_eq!(all["workspace"]["package"]["publish"].as_bool(), Some(true));
        for (name, package, path) in CRATES {
            assert_eq!(all["workspace"]["dependencies"][name]["package"].as_str(), Some(package));
            let own = manifest(&text(&format!("{name}/Cargo.toml")), name, package, path).expect("laid out");
            let own: toml::Table = own.parse().expect("a manifest");
            assert_eq!(own["package"]["name"].as_str(), Some(package));
            assert_eq!(own["lib"]["name"].as_str(), Some(path));
        }
    }
}
