//! Where things are: the workspace, its target folder, cargo itself.

use std::path::PathBuf;
use std::{env, fs};

/// The workspace's root: the folder above this crate's manifest.
pub fn root() -> PathBuf {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let hil = manifest.filter(|dir| dir.join("src/bin/xtask.rs").is_file());
    let hil = hil.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    hil.parent().map_or_else(|| PathBuf::from("."), PathBuf::from)
}

/// Cargo's target folder: `CARGO_TARGET_DIR` where set, else `target/` in the workspace.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// A folder of ours under the target folder, made if missing.
///
/// # Errors
/// The folder cannot be made.
pub fn scratch(name: &str) -> Result<PathBuf, String> {
    let dir = target().join(name);
    fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    Ok(dir)
}

/// The cargo that runs us (cargo sets `CARGO` for what it runs).
pub fn cargo() -> String {
    env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// This very program, to run it again: also when a build has put a newer file in its place meanwhile, for which
/// `current_exe` names a file that is gone.
pub const ITSELF: &str = "/proc/self/exe";

/// The full path of a program on `PATH`, `/sbin` and `/usr/sbin` searched too.
pub fn which(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let dirs = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    dirs.map(|dir| dir.join(program)).find(|file| file.is_file())
}

/// True for the superuser.
pub fn is_root() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|text| {
        text.lines().any(|l| l.strip_prefix("Uid:").is_some_and(|u| u.split_whitespace().nth(1) == Some("0")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_workspace() {
        let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap_or_default();
        assert!(manifest.contains("[workspace]"));
    }

    #[test]
    fn a_program_whose_file_is_replaced_runs_itself_again() {
        let dir = scratch("replaced").expect("a folder");
        let file = dir.join("shell");
        fs::copy(fs::canonicalize("/bin/sh").expect("a shell"), &file).expect("a copy");
        let script = format!("rm {}; exec {ITSELF} -c 'echo again'", file.display());
        let output = std::process::Command::new(&file).args(["-c", &script]).output().expect("it runs");
        assert_eq!(output.stdout, b"again\n", "{output:?}");
    }

    #[test]
    fn programs_are_found_on_the_path_only() {
        assert!(which("sh").is_some());
        assert!(which("no-such-program-at-all").is_none());
    }
}
