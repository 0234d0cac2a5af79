//! The file system below `/` or `--root`: puts things there, lists what it does, and leaves alone what it finds.

use super::STATE_DIR;
use super::options::Options;
use super::record::{self, Entry, Sum};
use crate::cli::say;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// The record's name in the state directory.
const RECORD: &str = "installed";

/// The tree, and what an installation put there.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) root: PathBuf,
    pub(super) dry: bool,
    known: Vec<Entry>,
    record: Option<File>,
    samples: bool,
}

impl Tree {
    /// The tree that `options` name.
    pub(super) fn open(options: &Options) -> Result<Self, String> {
        let root = options.root.clone().unwrap_or_else(|| PathBuf::from("/"));
        let mut tree = Self { root, dry: options.dry_run, known: Vec::new(), record: None, samples: false };
        let path = tree.record_path();
        tree.known = match fs::read(&path) {
            Ok(bytes) => record::read(&String::from_utf8_lossy(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        Ok(tree)
    }

    /// Where `below` is for this process.
    pub(super) fn path(&self, below: &Path) -> PathBuf {
        self.root.join(below)
    }

    pub(super) fn record_path(&self) -> PathBuf {
        self.root.join(STATE_DIR).join(RECORD)
    }

    /// What was put here, in its order.
    pub(super) fn known(&self) -> &[Entry] {
        &self.known
    }

    /// Was one of the three files made?
    pub(super) fn samples_put(&self) -> bool {
        self.samples
    }

    /// Samples were put in place of the three files.
    pub(super) fn put_samples(&mut self) {
        self.samples = true;
    }

    /// Is something there, if only a link that leads nowhere?
    pub(super) fn exists(&self, path: &str) -> bool {
        fs::symlink_metadata(self.root.join(path)).is_ok()
    }

    /// List what was done, or would be.
    pub(super) fn tell(&self, done: &str, would: &str, path: &str) {
        say(&format!("  {:<14} /{path}", if self.dry { would } else { done }));
    }

    /// Put a file. One that is there stays, but for one that an earlier installation put there as it is now. Answers
    /// whether it is there.
    pub(super) fn file(&mut self, path: &str, bytes: &[u8], mode: u32) -> Result<bool, String> {
        let place = self.root.join(path);
        let fresh = Entry::File { sum: Sum::of(bytes, mode), path: path.to_string() };
        let (done, would) = match sum(&place) {
            Ok(None) => ("installed", "would install"),
            Ok(Some(there)) if fresh == (Entry::File { sum: there, path: path.to_string() }) => {
                self.tell("up to date", "up to date", path);
                return Ok(true);
            }
            Ok(Some(there)) if self.known.contains(&Entry::File { sum: there, path: path.to_string() }) => {
                ("updated", "would update")
            }
            _ => {
                self.tell("KEPT, another", "kept, another", path);
                return Ok(false);
            }
        };
        if !self.dry {
            self.parent(path)?;
            self.note(fresh)?;
            write_whole(&place, bytes, mode).map_err(|error| format!("{}: {error}", place.display()))?;
        }
        self.tell(done, would, path);
        Ok(true)
    }

    /// Make a directory, if it is not there.
    pub(super) fn dir(&mut self, path: &str) -> Result<(), String> {
        if self.dry { Ok(()) } else { self.parent(&format!("{path}/x")) }
    }

    /// Put a symbolic link, if nothing is there.
    pub(super) fn link(&mut self, path: &str, target: &str) -> Result<(), String> {
        let place = self.root.join(path);
        let shown = format!("{path} -> {target}");
        if fs::read_link(&place).is_ok_and(|there| there == Path::new(target)) {
            self.tell("up to date", "up to date", &shown);
        } else if self.exists(path) {
            self.tell("KEPT, another", "kept, another", path);
        } else {
            if !self.dry {
                self.parent(path)?;
                self.note(Entry::Link { target: target.to_string(), path: path.to_string() })?;
                symlink(target, &place).map_err(|error| format!("{}: {error}", place.display()))?;
            }
            self.tell("linked", "would link", &shown);
        }
        Ok(())
    }

    /// Move somebody else's file aside, to the same name with `.orig`.
    pub(super) fn aside(&mut self, path: &str) -> Result<(), String> {
        let to = format!("{path}.orig");
        if self.exists(&to) {
            return Err(format!(
                "/{to} is there already; move it away, so that /{path} can be kept under that name"
            ));
        }
        if !self.dry {
            self.inside(path)?;
            self.note(Entry::Moved { path: path.to_string(), to: to.clone() })?;
            fs::rename(self.root.join(path), self.root.join(&to))
                .map_err(|error| format!("/{path}: {error}"))?;
        }
        self.tell("moved aside", "would move", &format!("{path} to /{to}"));
        Ok(())
    }

    /// Make the directories above `path`.
    fn parent(&mut self, path: &str) -> Result<(), String> {
        self.inside(path)?;
        let Some(parent) = Path::new(path).parent() else { return Ok(()) };
        for dir in self.missing(parent) {
            self.note(Entry::Dir { path: dir.clone() })?;
            make_dir(&self.root.join(&dir), 0o755)?;
        }
        Ok(())
    }

    /// Those of the directories to `dir` that are not there, the highest first.
    fn missing(&self, dir: &Path) -> Vec<String> {
        let mut missing: Vec<String> = dir
            .ancestors()
            .filter(|dir| !dir.as_os_str().is_empty() && !self.root.join(dir).exists())
            .map(|dir| dir.display().to_string())
            .collect();
        missing.reverse();
        missing
    }

    /// A link on the way must not lead out of the root.
    fn inside(&self, path: &str) -> Result<(), String> {
        let place = self.root.join(path);
        let there = place.ancestors().skip(1).find(|dir| dir.exists()).unwrap_or(&self.root);
        match there.canonicalize() {
            Ok(real) if real.starts_with(&self.root) => Ok(()),
            Ok(real) => Err(format!(
                "/{path}: the way there leads out of {}, to {}",
                self.root.display(),
                real.display()
            )),
            Err(error) => Err(format!("{}: {error}", there.display())),
        }
    }

    /// Write down what is about to be made.
    fn note(&mut self, entry: Entry) -> Result<(), String> {
        let path = self.record_path();
        let bad = |error: io::Error| format!("{}: {error}", path.display());
        let mut entries = vec![entry];
        if self.record.is_none() {
            self.inside(&format!("{STATE_DIR}/{RECORD}"))?;
            let missing = self.missing(Path::new(STATE_DIR));
            for dir in &missing {
                // As the daemon makes its own.
                make_dir(&self.root.join(dir), if dir == STATE_DIR { 0o700 } else { 0o755 })?;
            }
            let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(&path).map_err(bad)?;
            self.record = Some(opened);
            let dirs = missing.into_iter().map(|path| Entry::Dir { path });
            entries = dirs.chain(entries).collect();
        }
        for entry in entries {
            if self.known.contains(&entry) {
                continue;
            }
            if let Some(record) = &mut self.record {
                record.write_all(entry.line().as_bytes()).and_then(|()| record.sync_data()).map_err(bad)?;
            }
            self.known.push(entry);
        }
        Ok(())
    }
}

fn make_dir(path: &Path, mode: u32) -> Result<(), String> {
    let made = DirBuilder::new().mode(mode).create(path);
    // Whatever the umask is.
    let made = made.and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode)));
    made.map_err(|error| format!("{}: {error}", path.display()))
}

/// Contents and mode of a regular file; `None` if nothing is there at all.
pub(super) fn sum(path: &Path) -> io::Result<Option<Sum>> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => Ok(Some(Sum::of(&fs::read(path)?, meta.mode()))),
        Ok(_) => Err(io::Error::from(io::ErrorKind::InvalidInput)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The whole file or nothing, on the disk when this comes back.
fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let fresh = path.with_file_name(format!(".{name}.hbd-new"));
    let _ = fs::remove_file(&fresh);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode & 0o700).open(&fresh)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.set_permissions(Permissions::from_mode(mode)))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::super::root_tests::root;
    use super::*;

    #[test]
    fn what_is_there_stays_and_what_was_put_is_brought_up_to_date() {
        let root = root("tree", &["etc/theirs"]);
        let (mut tree, options) = root.tree();
        tree.file("etc/theirs", b"ours", 0o644).unwrap();
        tree.file("etc/new/ours", b"one", 0o755).unwrap();
        tree.link("etc/theirs", "/usr/sbin/hbd").unwrap();
        let read = |path: &str| fs::read_to_string(root.dir().join(path)).unwrap();
        assert_eq!((read("etc/theirs").as_str(), read("etc/new/ours").as_str()), ("", "one"));
        // The next version.
        let mut tree = Tree::open(&options).unwrap();
        tree.file("etc/new/ours", b"two", 0o755).unwrap();
        assert_eq!(read("etc/new/ours"), "two");
        fs::write(root.dir().join("etc/new/ours"), "by hand").unwrap();
        let mut tree = Tree::open(&options).unwrap();
        tree.file("etc/new/ours", b"three", 0o755).unwrap();
        assert_eq!(read("etc/new/ours"), "by hand");
    }

    #[test]
    fn nothing_is_put_outside_of_the_root() {
        let root = root("escape", &["etc/"]);
        symlink("/tmp", root.dir().join("var")).unwrap();
        let (mut tree, _) = root.tree();
        let error = tree.file("etc/x", b"", 0o644).unwrap_err();
        assert!(error.contains("leads out of"), "{error}");
        assert!(!root.dir().join("etc/x").exists() && !Path::new("/tmp/lib/heartbeat").exists());
    }
}
