//! Runs of `rsync`: its words, what it says, how it ended. Only options that rsync 2.5.5 (Red Hat 9) has.

use super::site::{OWN, STAMP, Site};
use crate::config::Transport;
use crate::sys::process::{self, Ended, own_pid};
use crate::sys::spawn::{Image, Words, become_image};
use crate::sys::{Errno, Fd};
use std::ffi::CString;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Seconds without a byte after which rsync gives up by itself. The core has the limit of the whole.
const SILENCE: u32 = 120;
/// Where programs are looked for, as for scripts.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Complaints that are read, in bytes.
const COMPLAINTS: u64 = 16_384;

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// Everything was brought.
    Whole,
    /// Files vanished while they were listed or read, and nothing else was wrong.
    Vanished,
    /// With this code; 127: it could not be run; 128 and more: a signal.
    Failed(u8),
}

/// A run that ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// How.
    pub end: End,
    /// The first line of its complaints.
    pub said: String,
}

/// The words that every run has.
fn front(site: &Site) -> Vec<String> {
    let mut words = Vec::from(["rsync".to_string(), "--timeout".to_string(), SILENCE.to_string()]);
    if site.data.transport == Transport::Ssh {
        words.extend(["-e".to_string(), site.data.command.clone()]);
    }
    words
}

/// Where `below` of the other node's directory is.
fn source(site: &Site, below: &str) -> String {
    let data = &site.data;
    match &data.transport {
        Transport::Ssh => format!("{}:{}/{below}", data.peer, data.directory.display()),
        Transport::Rsync { module } => format!("{}::{module}/{below}", data.peer),
    }
}

/// Bring the other node's stamp to `place`.
#[must_use]
pub fn stamp_words(site: &Site, place: &Path) -> Vec<String> {
    let mut words = front(site);
    words.extend([source(site, STAMP), place.display().to_string()]);
    words
}

/// How the tree is brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How<'a> {
    /// Only say what would be done.
    Dry,
    /// Do it.
    Real {
        /// What is in the way goes there.
        aside: &'a Path,
        /// Files count as the same by their contents alone.
        keep: bool,
        /// So many are deleted at most: the source's disk may go while it is read.
        most: usize,
    },
}

/// Bring everything.
#[must_use]
pub fn tree_words(site: &Site, how: How<'_>) -> Vec<String> {
    let mut words = front(site);
    let mut add = |list: &[&str]| words.extend(list.iter().map(ToString::to_string));
    add(&["-a", "--numeric-ids", "--delete"]);
    match how {
        How::Dry => add(&["-n", "-v", "--stats"]),
        How::Real { aside, keep, most } => {
            add(&["--delete-after", &format!("--max-delete={most}")]);
            add(&["--backup", "--backup-dir", &aside.display().to_string()]);
            if keep {
                add(&["--checksum"]);
            }
        }
    }
    add(&[&format!("--exclude=/{OWN}/")]);
    for pattern in &site.data.excludes {
        add(&[&format!("--exclude={pattern}")]);
    }
    add(&[&source(site, ""), &format!("{}/", site.data.directory.display())]);
    words
}

/// Run these words to their end; what it prints goes to `output`.
#[must_use]
pub fn run(site: &Site, words: &[String], output: &Path) -> Run {
    let complaints = site.beside(".err");
    let end = launch(site, words, output, &complaints);
    let said = read(&complaints);
    let first = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
    let end = match end {
        Ok(Some(Ended::Code(code))) => judge(code, &said),
        Ok(Some(Ended::Signal(signal))) => End::Failed(signal.saturating_add(128)),
        Ok(None) | Err(_) => End::Failed(127),
    };
    Run { end, said: first.to_string() }
}

/// Run a command of the operator's; all that it says is in `output`. Its exit code as of [`End::Failed`], and the first line
/// of its complaints.
#[must_use]
pub fn command(site: &Site, words: &[String], output: &Path) -> (u8, String) {
    let complaints = site.beside(".err");
    let code = match launch(site, words, output, &complaints) {
        Ok(Some(Ended::Code(code))) => code,
        Ok(Some(Ended::Signal(signal))) => signal.saturating_add(128),
        Ok(None) | Err(_) => 127,
    };
    let said = read(&complaints);
    if let Ok(mut file) = fs::OpenOptions::new().append(true).open(output) {
        let _ = file.write_all(said.as_bytes());
    }
    (code, said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("").to_string())
}

fn launch(site: &Site, words: &[String], output: &Path, complaints: &Path) -> Result<Option<Ended>, Errno> {
    let name = words.first().map_or("", String::as_str);
    let file = PATH.split(':').map(|dir| Path::new(dir).join(name)).find(|file| file.is_file());
    let file = file.ok_or(Errno::NO_ENTRY)?;
    let path = CString::new(file.as_os_str().as_bytes()).map_err(|_| Errno::INVALID)?;
    let argv = Words::new(words).ok_or(Errno::INVALID)?;
    let path_word = format!("PATH={PATH}");
    let env = [path_word.as_str(), "HOME=/root", "LC_ALL=C", "SHELL=/bin/sh", &site.mark];
    let envp = Words::new(&env).ok_or(Errno::INVALID)?;
    let stdout = create(output)?;
    let stderr = create(complaints)?;
    let parent = own_pid();
    let child = process::fork(|| {
        let image = Image { path: &path, argv: &argv, envp: &envp };
        let _ = become_image(&image, parent, Some(&stdout), Some(&stderr));
        127
    })?;
    Ok(process::wait_for(child))
}

fn create(path: &Path) -> Result<Fd, Errno> {
    let _ = fs::remove_file(path);
    let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::INVALID)?;
    Fd::open(&name, libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL | libc::O_NOCTTY, 0o600)
}

fn read(path: &Path) -> String {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(path) {
        let _ = file.take(COMPLAINTS).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// 24 says that files vanished. Old ones have 23 for that and for much else: then every line has to be about a file that
/// is not there.
fn judge(code: u8, said: &str) -> End {
    let vanished = |line: &str| {
        let line = line.trim();
        line.is_empty()
            || line.contains("vanished")
            || line.ends_with("No such file or directory")
            || line.ends_with("No such file or directory (2)")
            || line.starts_with("rsync error: some files could not be transferred")
            || line.starts_with("rsync error: partial transfer")
            || line.starts_with("IO error encountered")
    };
    match code {
        0 => End::Whole,
        24 => End::Vanished,
        23 if !said.trim().is_empty() && said.lines().all(vanished) => End::Vanished,
        code => End::Failed(code),
    }
}

/// What a dry run says that the real one would do.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan<'a> {
    /// Files that would go.
    pub deleted: Vec<&'a str>,
    /// Files and folders that would be brought or changed.
    pub brought: Vec<&'a str>,
    /// Bytes of the files that would be brought.
    pub bytes: u64,
}

/// Read what a dry run printed.
#[must_use]
pub fn plan(text: &str) -> Plan<'_> {
    let mut plan = Plan::default();
    let mut names = true;
    for line in text.lines() {
        if let Some(size) = line.strip_prefix("Total transferred file size: ") {
            let digits = size.split(" b").next().unwrap_or_default().bytes();
            let number = |sum: u64, digit: u8| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
            plan.bytes = digits.filter(u8::is_ascii_digit).fold(0, number);
        }
        // Behind the first empty line come the sums.
        names &= !line.is_empty();
        if !names || line.starts_with("receiving ") && line.contains("file list") {
            continue;
        }
        match line.strip_prefix("deleting ") {
            Some(path) if path.ends_with('/') || path.starts_with("directory ") => plan.brought.push(path),
            Some(path) => plan.deleted.push(path),
            None => plan.brought.push(line),
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_apart() {
        let vanished = "file has vanished: \"/d/u/new/1\"\nrsync warning: some files vanished before they could be \
                        transferred (code 24) at main.c(1835) [generator=3.2.7]\n";
        assert_eq!(judge(0, ""), End::Whole);
        assert_eq!(judge(24, vanished), End::Vanished);
        let old = "send_files failed to open u/new/1: No such file or directory\nrsync error: partial transfer (code 23) \
                   at main.c(1045)\n";
        assert_eq!(judge(23, old), End::Vanished);
        let denied = format!("{old}send_files failed to open u/new/2: Permission denied\n");
        assert_eq!(judge(23, &denied), End::Failed(23));
        assert_eq!(judge(23, ""), End::Failed(23));
        assert_eq!(judge(12, vanished), End::Failed(12));
    }

    #[test]
    fn a_dry_run_is_read() {
        let new = "receiving incremental file list\ndeleting u/new/1.a\ndeleting old/\n./\nu/cur/1.a:2,S\n\n\
                   Number of files: 5 (reg: 2, dir: 3)\nTotal transferred file size: 1,234,567 bytes\n\
                   sent 20 bytes  received 99 bytes  238.00 bytes/sec\n";
        let told = plan(new);
        assert_eq!((told.deleted.as_slice(), told.bytes), (&["u/new/1.a"][..], 1_234_567));
        assert_eq!(told.brought, ["old/", "./", "u/cur/1.a:2,S"]);
        let old = "receiving file list ... done\ndeleting directory x\ndeleting y\n\
                   \nrsync[1] (receiver) heap statistics:\nTotal transferred file size: 77 bytes\n";
        let told = plan(old);
        assert_eq!((told.deleted.len(), told.brought.len(), told.bytes), (1, 1, 77));
        assert_eq!(plan("receiving incremental file list\n\nsent 20 bytes\n"), Plan::default());
    }
}
