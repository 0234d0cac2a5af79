//! Runs `hbd demo` as a stranger would: it must end by itself, succeed, and leave no process and no file.

use super::Outcome;
use crate::paths;
use crate::proc::Cmd;
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// It takes about 30 s; a slow machine gets ample more.
const LIMIT: Duration = Duration::from_secs(150);
/// An account without rights, to prove that none are needed.
const NOBODY: u32 = 65534;
/// How many folders were made, to tell their names apart.
static PLACES: AtomicU32 = AtomicU32::new(0);

/// The README's command on the native build.
pub fn run() -> Outcome {
    let native = crate::dist::build::native()?;
    run_binary(&native)
}

/// Runs the demo of one binary, as root under an account without rights.
pub fn run_binary(binary: &Path) -> Outcome {
    let place = Place::new(binary)?;
    let before = strays();
    let began = Instant::now();
    let mut cmd = Cmd::new(&place.binary).args(["demo"]).dir(&place.dir).limit(LIMIT);
    cmd = cmd.env("TMPDIR", place.dir.join("tmp"));
    if paths::is_root() {
        cmd = cmd.user(NOBODY);
    }
    let ran = cmd.run();
    let took = began.elapsed();
    let left = settle(&place);
    ran?;
    let new: Vec<String> = strays().difference(&before).cloned().collect();
    if left.is_empty() && new.is_empty() {
        Ok(format!("exit 0 in {}, nothing left", crate::table::human(took)))
    } else {
        Err(format!("left behind: {}", left.into_iter().chain(new).collect::<Vec<_>>().join(", ")))
    }
}

/// A folder that anyone may enter, with a copy of the binary and an empty `tmp`; gone when dropped.
struct Place {
    dir: PathBuf,
    binary: PathBuf,
}

impl Place {
    fn new(binary: &Path) -> Result<Self, String> {
        let number = PLACES.fetch_add(1, Ordering::Relaxed);
        let dir = env::temp_dir().join(format!("xtask-demo-{}-{number}", std::process::id()));
        let told = |e: std::io::Error| format!("{}: {e}", dir.display());
        // What a run that was cut short left under the same number.
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("tmp")).map_err(told)?;
        let copy = dir.join("hbd");
        fs::copy(binary, &copy).map_err(|e| format!("{}: {e}", binary.display()))?;
        for (path, mode) in [(&dir, 0o755), (&copy, 0o755), (&dir.join("tmp"), 0o1777)] {
            crate::dist::toolchain::set_mode(path, mode)?;
        }
        Ok(Self { binary: copy, dir })
    }

    /// Processes that still run the copy, and files in its temporary folder.
    fn left(&self) -> Vec<String> {
        let mut left: Vec<String> =
            processes_of(&self.binary).iter().map(|pid| format!("process {pid}")).collect();
        left.extend(names(&self.dir.join("tmp")).into_iter().map(|name| format!("tmp/{name}")));
        left
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for pid in processes_of(&self.binary) {
            let _ = Cmd::new("kill").args(["-KILL", &pid.to_string()]).output();
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// What is left, after a moment for the last child to go.
fn settle(place: &Place) -> Vec<String> {
    let end = Instant::now() + Duration::from_secs(2);
    loop {
        let left = place.left();
        if left.is_empty() || Instant::now() > end {
            return left;
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// The numbers of all processes whose program is this file.
fn processes_of(binary: &Path) -> Vec<u32> {
    let running = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = running.filter_map(|e| e.file_name().to_str().and_then(|n| n.parse().ok()));
    pids.filter(|pid: &u32| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == binary))
        .collect()
}

/// The names in a folder.
fn names(dir: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|e| e.file_name().into_string().ok()).collect()
}

/// The names in the machine's temporary folder that the account without rights owns: a demo that ignores `TMPDIR`.
fn strays() -> BTreeSet<String> {
    let dir = env::temp_dir();
    let foreign = |name: &String| fs::metadata(dir.join(name)).is_ok_and(|m| m.uid() == NOBODY);
    names(&dir).into_iter().filter(foreign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_left_behind_is_seen_and_ended() {
        let Some(sleep) = paths::which("sleep") else { return };
        let Ok(place) = Place::new(&fs::canonicalize(&sleep).unwrap_or(sleep)) else { return };
        // A multi-call program looks at its own name; then there is nothing to see here.
        let Ok(mut child) = std::process::Command::new(&place.binary).arg("60").spawn() else { return };
        thread::sleep(Duration::from_millis(100));
        let alive = matches!(child.try_wait(), Ok(None));
        let left = place.left();
        drop(place);
        let _ = child.kill();
        let _ = child.wait();
        assert!(!alive || left.iter().any(|l| l.starts_with("process ")), "{left:?}");
    }

    #[test]
    fn a_file_left_behind_is_seen() {
        let Ok(place) = Place::new(Path::new("/bin/sh")) else { return };
        assert_eq!(place.left(), Vec::<String>::new());
        assert!(fs::write(place.dir.join("tmp/forgotten"), "").is_ok());
        assert_eq!(place.left(), ["tmp/forgotten"]);
    }
}
