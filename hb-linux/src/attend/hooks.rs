//! Which programs a piece of news is told to, and with what environment.

use super::{SEPARATOR, Setup};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Below the configuration directory: every program is told everything; and those of the original, by type.
pub const DIRS: [&str; 2] = ["notify.d", "rc.d"];
/// What shows that a script of `rc.d` is Linux-HA's own, which moves services by itself.
const OWN: [&str; 5] = ["mach_down", "ResourceManager", "req_resource", "takegroup", "givegroup"];

/// A call of one program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// The program.
    pub path: PathBuf,
    /// Its one argument: the kind of news, or the type of the original's message.
    pub word: String,
    /// Beside what resource scripts have.
    pub env: Vec<String>,
}

/// The calls that a line of news asks for, in their order; and a program that is not called, for it is Linux-HA's own.
#[must_use]
pub fn calls(setup: &Setup, line: &str) -> (Vec<Call>, Option<PathBuf>) {
    let env: Vec<String> =
        line.split(SEPARATOR).filter(|word| word.contains('=')).map(String::from).collect();
    let value = |name: &str| {
        env.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('=')).unwrap_or("").to_string()
    };
    let (kind, message) = (value("HBD_EVENT"), value("HA_t"));
    let call = |path: PathBuf, word: &str| Call { path, word: word.to_string(), env: env.clone() };
    let mut all: Vec<Call> = programs(&setup.paths.config_dir.join("notify.d"))
        .into_iter()
        .map(|path| call(path, &kind))
        .collect();
    let path = setup.paths.config_dir.join("rc.d").join(&message);
    if message.is_empty() || !can_run(&path) {
        return (all, None);
    }
    let text = fs::read(&path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    if OWN.iter().any(|word| text.contains(word)) {
        return (all, Some(path));
    }
    all.push(call(path, &message));
    (all, None)
}

/// The programs of a directory by name; none that an editor or a package left there (`x~`, `x.rpmsave`, `.x`).
fn programs(dir: &Path) -> Vec<PathBuf> {
    let plain = |path: &PathBuf| {
        let name = path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
        let left = [".rpmsave", ".rpmnew", ".rpmorig", ".orig", ".bak", ".dpkg-old", ".dpkg-dist", ".swp"];
        !name.starts_with('.') && !name.ends_with('~') && !left.iter().any(|ending| name.ends_with(ending))
    };
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut all: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| plain(path) && can_run(path)).collect();
    all.sort();
    all
}

fn can_run(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

/// The words and the environment of a call. A text without `#!` is run by the shell, as the original did.
#[must_use]
pub fn words(setup: &Setup, call: &Call) -> (Vec<String>, Vec<String>) {
    let path = call.path.display().to_string();
    let start = fs::read(&call.path).unwrap_or_default();
    let by_itself = start.starts_with(b"#!") || start.starts_with(b"\x7fELF");
    let mut words = if by_itself { Vec::new() } else { Vec::from([String::from("/bin/sh")]) };
    words.extend([path, call.word.clone()]);
    let named = |word: &String, name: &str| word.split('=').next() == Some(name);
    let own = setup.env.iter().filter(|word| {
        let name = word.split('=').next().unwrap_or_default();
        !call.env.iter().any(|new| named(new, name))
    });
    (words, own.chain(&call.env).cloned().collect())
}
