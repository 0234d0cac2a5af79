//! Runs `hbd demo` as a stranger would: it must end by itself, succeed, and leave no process and no file.

use super::Outcome;
use crate::paths;
use crate::proc::{Cmd, Output};
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// It takes about 30 s; a slow machine gets ample more.
const LIMIT: Duration = Duration::from_secs(150);
/// When it is interrupted: the plug has been pulled, nobody serves.
const INTERRUPTED: Duration = Duration::from_millis(3500);
/// An account without rights, to prove that none are needed.
const NOBODY: u32 = 65534;
/// How many folders were made, to tell their names apart.
static PLACES: AtomicU32 = AtomicU32::new(0);

/// The README's command on the native build.
pub fn run() -> Outcome {
    let native = crate::dist::build::native()?;
    run_binary(&native)
}

/// The demo of one binary, as root under an account without rights: two at once to their ends, then one that is
/// interrupted in the middle of its first failover.
pub fn run_binary(binary: &Path) -> Outcome {
    let before = strays();
    let first = Place::new(binary)?;
    let second = Place::new(binary)?;
    let began = Instant::now();
    let (one, two) = thread::scope(|scope| {
        let beside = scope.spawn(|| second.demo().output().and_then(|o| ended(&second, &o, 0)));
        (first.demo().run(), beside.join())
    });
    let took = began.elapsed();
    one?;
    two.unwrap_or_else(|_| Err("the second demo was lost".to_owned()))?;
    nothing_left(&first)?;
    interrupted(&first)?;
    let new: Vec<String> = strays().difference(&before).cloned().collect();
    if new.is_empty() {
        Ok(format!("two at once, exit 0 in {}; one interrupted; nothing left", crate::table::human(took)))
    } else {
        Err(format!("left behind: {}", new.join(", ")))
    }
}

/// Ctrl-C: the terminal signals the whole group.
fn interrupted(place: &Place) -> Result<(), String> {
    let end = format!("cd {}/tmp; read group <pid; rm pid; kill -s INT -- -$group", place.dir.display());
    let out = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(INTERRUPTED);
            Cmd::new("sh").args(["-c", &end]).output()
        });
        place.demo_noting_its_group().output()
    })?;
    ended(place, &out, 1)?;
    if out.stderr.contains("interrupted") {
        Ok(())
    } else {
        Err(format!("interrupted, it said {:?}", out.stderr.trim()))
    }
}

/// It ended with this code and left nothing.
fn ended(place: &Place, out: &Output, code: i32) -> Result<(), String> {
    nothing_left(place)?;
    if out.code == Some(code) {
        Ok(())
    } else {
        Err(format!("exit {:?}, wanted {code}: {}\n{}", out.code, out.stderr.trim(), out.stdout))
    }
}

fn nothing_left(place: &Place) -> Result<(), String> {
    let left = settle(place);
    if left.is_empty() { Ok(()) } else { Err(format!("left behind: {}", left.join(", "))) }
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

    /// The demo, to be run with nothing but what a stranger has.
    fn demo(&self) -> Cmd {
        self.command(Cmd::new(&self.binary).args(["demo"]))
    }

    /// The demo, with the number of its process group in the file `tmp/pid`.
    fn demo_noting_its_group(&self) -> Cmd {
        // The stack is as small as some shells leave it: it is enlarged, or the daemons would die of it.
        let line = format!(
            "ulimit -S -s 200; echo $$ >{}/tmp/pid; exec {} demo",
            self.dir.display(),
            self.binary.display()
        );
        self.command(Cmd::new("sh").args(["-c", &line]))
    }

    fn command(&self, cmd: Cmd) -> Cmd {
        let cmd = cmd.dir(&self.dir).limit(LIMIT).env("TMPDIR", self.dir.join("tmp"));
        if paths::is_root() { cmd.user(NOBODY) } else { cmd }
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
