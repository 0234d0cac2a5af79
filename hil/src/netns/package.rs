//! A Debian package that is unpacked for a rig and not installed.

use crate::paths;
use crate::proc::Cmd;
use std::fs;
use std::path::{Path, PathBuf};

/// Downloads (apt, as root) and unpacks `name` and what it depends on below the target folder, once. What is installed on
/// this machine already is not among it. Answers where.
///
/// # Errors
/// Why it is not to be had here, for a message that says that something is skipped.
pub fn unpacked(name: &str) -> Result<PathBuf, String> {
    let place = paths::scratch("peers")?;
    let root = place.join(name);
    if root.exists() {
        return Ok(root);
    }
    if paths::which("apt-get").is_none() {
        return Err(format!("the package {name} is to be had on Debian only"));
    }
    let archives = paths::scratch(&format!("peers/{name}-archives"))?;
    paths::scratch(&format!("peers/{name}-archives/partial"))?;
    let cache = format!("Dir::Cache::archives={}", archives.display());
    let got = Cmd::new("apt-get")
        .args(["install", "--download-only", "-y", "-q", "--no-install-recommends"])
        // Nothing is installed, so nobody's lock is needed.
        .args(["-o", "Debug::NoLocking=1", "-o", &cache, name])
        .output()?;
    if got.code != Some(0) {
        return Err(format!("the package {name} cannot be downloaded: {}", got.stderr.trim()));
    }
    // Renamed when it is whole: a run that was cut short leaves nothing that looks finished.
    let fresh = place.join(format!("{name}-unpacking"));
    let _ = fs::remove_dir_all(&fresh);
    debs(&archives)?.iter().try_for_each(|deb| {
        Cmd::new("dpkg").args(["-x".as_ref(), deb.as_os_str(), fresh.as_os_str()]).run()
    })?;
    fs::rename(&fresh, &root).map_err(|e| format!("{}: {e}", fresh.display()))?;
    Ok(root)
}

/// The packages in a folder; none at all is an error.
fn debs(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let told = |e| format!("{}: {e}", folder.display());
    let files = fs::read_dir(folder).map_err(told)?.flatten().map(|entry| entry.path());
    let debs: Vec<PathBuf> = files.filter(|file| file.extension().is_some_and(|e| e == "deb")).collect();
    if debs.is_empty() { Err(format!("no package in {}", folder.display())) } else { Ok(debs) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packages_are_unpacked_and_none_is_an_error() {
        let Ok(dir) = paths::scratch(&format!("tests/debs-{}", std::process::id())) else { return };
        assert!(debs(&dir).is_err_and(|e| e.contains("no package")));
        for name in ["a.deb", "lock", "b.deb.part"] {
            assert!(fs::write(dir.join(name), "").is_ok());
        }
        assert_eq!(debs(&dir), Ok(vec![dir.join("a.deb")]));
        let _ = fs::remove_dir_all(&dir);
        assert!(debs(&dir).is_err());
    }
}
