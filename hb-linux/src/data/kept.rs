//! What pulls moved aside: folders that age, files that are listed and put back.
//!
//! ```text
//! p1-DATE --(a whole pull)--> p2-DATE --(a whole pull)--> p3-DATE --(a whole pull)--> gone
//!    \__________________________\__________________________\--(a tenure here, or a pull that keeps)--> k-DATE
//! ```

use crate::files::{remove_tree, sync_dir};
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// A live pull's folder stays for this many further whole pulls.
const PULLS: u8 = 2;

/// What became of a file that was moved aside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Twin {
    /// The tree has the same one: in its place or, in a Maildir, in the other folder of it.
    There,
    /// The tree has another one in its place.
    Differs,
    /// Nowhere in the tree.
    Nowhere,
}

/// A file that was moved aside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// The folder.
    pub folder: PathBuf,
    /// Its place in the tree, and below the folder.
    pub path: PathBuf,
    /// Is it in the tree?
    pub twin: Twin,
}

fn folders(kept: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(kept).into_iter().flatten().flatten();
    let mut all: Vec<_> = entries.map(|e| (e.file_name().to_string_lossy().into_owned(), e.path())).collect();
    all.sort();
    all
}

/// A live pull's folders: their age in whole pulls, and the name behind it.
fn aging(name: &str) -> Option<(u8, &str)> {
    let (age, rest) = name.strip_prefix('p')?.split_once('-')?;
    Some((age.parse().ok()?, rest))
}

/// A live pull is whole: what the pulls before it moved aside is one older, and the oldest goes.
///
/// # Errors
/// As the calls; what could not be removed stays.
pub fn grow_older(kept: &Path) -> io::Result<()> {
    // The oldest first: a folder of the next age is out of the way then.
    for (name, path) in folders(kept).iter().rev() {
        let Some((age, rest)) = aging(name) else { continue };
        if age > PULLS {
            remove_tree(path)?;
        } else {
            fs::rename(path, kept.join(format!("p{}-{rest}", age + 1)))?;
        }
    }
    Ok(())
}

/// From here on nothing of it goes by itself: the source is another one, or this node writes.
///
/// # Errors
/// As the calls.
pub fn pin(kept: &Path) -> io::Result<()> {
    for (name, path) in folders(kept) {
        if let Some((_, rest)) = aging(&name) {
            fs::rename(path, free(kept, &format!("k-{rest}")))?;
        }
    }
    Ok(())
}

/// The first name in `kept` that nothing has, `name` or `name` with a number.
#[must_use]
pub fn free(kept: &Path, name: &str) -> PathBuf {
    let taken = |path: &PathBuf| fs::symlink_metadata(path).is_ok();
    let first = kept.join(name);
    let more = (2_u32..).map(|n| kept.join(format!("{name}.{n}")));
    core::iter::once(first.clone()).chain(more).find(|path| !taken(path)).unwrap_or(first)
}

/// The files below `dir` that are no directories, as paths below it. What [`super::site::OWN`] holds is none of them.
#[must_use]
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), Vec::from([PathBuf::new()]));
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(dir.join(&at)).into_iter().flatten().flatten() {
            let path = at.join(entry.file_name());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if path.as_os_str() != super::site::OWN {
                    open.push(path);
                }
            } else {
                found.push(path);
            }
        }
    }
    found
}

/// A mail's name without its flags, if `path` is one: Maildirs move it from `new` to `cur` and add them.
#[must_use]
pub fn mail(path: &str) -> Option<&str> {
    let (folder, name) = path.rsplit_once('/')?;
    let maildir = matches!(folder.rsplit('/').next(), Some("new" | "cur"));
    maildir.then(|| name.split(':').next().unwrap_or(name))
}

/// Every file that was moved aside, against the tree `dir`.
#[must_use]
pub fn list(dir: &Path, kept: &Path) -> Vec<Kept> {
    let mut all = Vec::new();
    for (_, folder) in folders(kept) {
        for path in files(&folder) {
            let twin = twin(dir, &folder.join(&path), &path);
            all.push(Kept { folder: folder.clone(), path, twin });
        }
    }
    all.sort_by(|a, b| a.path.cmp(&b.path).then(a.folder.cmp(&b.folder)));
    all
}

/// Is `file`, which was at `path` of the tree `dir`, there?
fn twin(dir: &Path, file: &Path, path: &Path) -> Twin {
    let place = dir.join(path);
    if fs::symlink_metadata(&place).is_ok() {
        return if same(file, &place) { Twin::There } else { Twin::Differs };
    }
    let text = path.to_string_lossy();
    let (Some(base), Some(maildir)) = (mail(&text), place.parent().and_then(Path::parent)) else {
        return Twin::Nowhere;
    };
    for folder in ["new", "cur"] {
        for entry in fs::read_dir(maildir.join(folder)).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().split(':').next() == Some(base) && same(file, &entry.path()) {
                return Twin::There;
            }
        }
    }
    Twin::Nowhere
}

/// Do two files hold the same?
fn same(a: &Path, b: &Path) -> bool {
    let (Ok(x), Ok(y)) = (fs::symlink_metadata(a), fs::symlink_metadata(b)) else { return false };
    if x.file_type() != y.file_type() || x.len() != y.len() {
        return false;
    }
    if x.is_symlink() {
        return fs::read_link(a).ok() == fs::read_link(b).ok();
    }
    if !x.is_file() {
        return true;
    }
    let open = |path: &Path| fs::File::open(path).ok();
    let (Some(mut a), Some(mut b)) = (open(a), open(b)) else { return false };
    let (mut left, mut right) = ([0; 8192], [0; 8192]);
    loop {
        match (fill(&mut a, &mut left), fill(&mut b, &mut right)) {
            (Some(0), Some(0)) => return true,
            (Some(n), Some(m)) if left.get(..n) == right.get(..m) => {}
            _ => return false,
        }
    }
}

fn fill(file: &mut fs::File, buf: &mut [u8]) -> Option<usize> {
    use std::io::Read as _;
    let mut done = 0;
    while let Some(room) = buf.get_mut(done..).filter(|room| !room.is_empty()) {
        match file.read(room) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    Some(done)
}

/// Put a file that the tree has nowhere back in its place. `false`: something is there meanwhile.
///
/// # Errors
/// As the calls; the file is where it was then.
pub fn restore(dir: &Path, file: &Kept) -> io::Result<bool> {
    let (from, to) = (file.folder.join(&file.path), dir.join(&file.path));
    parents(dir, file.path.parent().unwrap_or(Path::new("")))?;
    match fs::hard_link(&from, &to) {
        Ok(()) => {}
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(why) => return Err(why),
    }
    sync_dir(to.parent().unwrap_or(dir))?;
    fs::remove_file(&from)?;
    Ok(true)
}

/// Make what is missing of the folders `below` of `dir`; a new one is its parent's owner's, with its mode.
fn parents(dir: &Path, below: &Path) -> io::Result<()> {
    let mut at = dir.to_path_buf();
    for part in below {
        let about = fs::metadata(&at)?;
        at.push(part);
        match fs::create_dir(&at) {
            Ok(()) => {
                fs::set_permissions(&at, fs::Permissions::from_mode(about.mode() & 0o7777))?;
                chown(&at, Some(about.uid()), Some(about.gid()))?;
            }
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {}
            Err(why) => return Err(why),
        }
    }
    Ok(())
}

/// Remove folders that hold no file any more.
pub fn tidy(kept: &Path) {
    for (_, folder) in folders(kept) {
        if files(&folder).is_empty() {
            let _ = remove_tree(&folder);
        }
    }
}

/// Of the deleted files, those that were not only moved within a Maildir: what is transferred has the same mail.
#[must_use]
pub fn gone(deleted: &[&str], transferred: &[&str]) -> usize {
    let mut moved: Vec<&str> = transferred.iter().filter_map(|path| mail(path)).collect();
    moved.sort_unstable();
    let search = |base: &str| moved.binary_search_by(|other| (*other).cmp(base)).is_ok();
    deleted.iter().filter(|path| !mail(path).is_some_and(search)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("hbd-kept-{}-{name}", std::process::id()));
        let _ = remove_tree(&dir);
        fs::create_dir_all(&dir).unwrap();
        dir
    }

    fn put(dir: &Path, path: &str, text: &str) {
        let at = dir.join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, text).unwrap();
    }

    #[test]
    fn a_live_pulls_folder_stays_for_two_further_pulls() {
        let kept = place("age");
        put(&kept, "p1-a/u/new/1", "x");
        put(&kept, "k-b/u/new/2", "y");
        for names in [["k-b", "p2-a"], ["k-b", "p3-a"]] {
            grow_older(&kept).unwrap();
            let found: Vec<String> = folders(&kept).into_iter().map(|(name, _)| name).collect();
            assert_eq!(found, names);
            put(&kept, "p1-c/u/new/3", "z");
            remove_tree(&kept.join("p1-c")).unwrap();
        }
        put(&kept, "p1-a/u/new/4", "x");
        grow_older(&kept).unwrap();
        let found: Vec<String> = folders(&kept).into_iter().map(|(name, _)| name).collect();
        assert_eq!(found, ["k-b", "p2-a"], "the oldest went, the one of the same name grew older");
        pin(&kept).unwrap();
        grow_older(&kept).unwrap();
        let found: Vec<String> = folders(&kept).into_iter().map(|(name, _)| name).collect();
        assert_eq!(found, ["k-a", "k-b"]);
        remove_tree(&kept).unwrap();
    }

    #[test]
    fn each_file_is_told_by_its_twin_and_put_back_where_nothing_is() {
        let dir = place("twin");
        let kept = dir.join(".hbd/kept");
        put(&dir, "u/cur/1:2,S", "one");
        put(&dir, "u/cur/2:2,S", "other");
        put(&dir, "box", "new");
        put(&dir, "same", "same");
        for (path, text) in
            [("u/new/1", "one"), ("u/new/2", "two"), ("w/new/3", "three"), ("box", "old"), ("same", "same")]
        {
            put(&kept.join("k-1"), path, text);
        }
        let all = list(&dir, &kept);
        let told: Vec<_> = all.iter().map(|k| (k.path.to_str().unwrap(), k.twin)).collect();
        assert_eq!(
            told,
            [
                ("box", Twin::Differs),
                ("same", Twin::There),
                ("u/new/1", Twin::There),
                ("u/new/2", Twin::Nowhere),
                ("w/new/3", Twin::Nowhere)
            ]
        );
        for file in all.iter().filter(|k| k.twin == Twin::Nowhere) {
            assert!(restore(&dir, file).unwrap());
        }
        assert_eq!(fs::read(dir.join("w/new/3")).unwrap(), b"three");
        assert_eq!(fs::read(dir.join("box")).unwrap(), b"new", "what is there stays");
        assert_eq!(list(&dir, &kept).iter().filter(|k| k.twin == Twin::Nowhere).count(), 0);
        remove_tree(&dir).unwrap();
    }

    #[test]
    fn a_mail_that_was_only_moved_is_not_gone() {
        assert_eq!(gone(&["u/new/1.a", "u/new/2.a", "x"], &["u/cur/1.a:2,S", "y"]), 2);
        assert_eq!(mail("u/cur/1.a:2,S"), Some("1.a"));
        assert_eq!(mail("u/tmp/1.a"), None);
    }
}
