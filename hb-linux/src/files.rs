//! Files as wholes: one is replaced or is not, a folder goes with all that is in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Put `bytes` in place of the file at `path` so that a power cut leaves the old one or the new one: written beside it as
/// `NAME.new`, synced, renamed, and the directory synced. Waits for the disk.
///
/// # Errors
/// As the calls; the old file stands then.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let fresh = path.with_file_name(format!("{name}.new"));
    // Whatever is there (a FIFO would hold us up, a link would lead elsewhere): a new file.
    let mut how = OpenOptions::new();
    how.write(true).create_new(true).mode(mode);
    let mut file = match how.open(&fresh) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(&fresh).or_else(|_| fs::remove_dir(&fresh))?;
            how.open(&fresh)?
        }
        other => other?,
    };
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&fresh, path)?;
    sync_dir(path.parent().unwrap_or(Path::new("/")))
}

/// Bring the names in a directory to the disk.
///
/// # Errors
/// As the calls.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Remove a folder and all that is in it; links are removed, not followed. Linux 2.4 lacks the calls that the standard
/// library's way needs, so nobody else may put anything into it meanwhile.
///
/// # Errors
/// As the calls; what could not be removed stays.
pub fn remove_tree(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    fs::remove_dir(dir)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_file_is_replaced_over_whatever_stands_beside_and_a_tree_goes_without_what_it_leads_to() {
        let dir = std::env::temp_dir().join(format!("hbd-files-{}", std::process::id()));
        let (tree, other) = (dir.join("tree"), dir.join("other"));
        fs::create_dir_all(tree.join("below/state.new")).unwrap();
        fs::write(&other, "stays").unwrap();
        symlink(&dir, tree.join("below/link")).unwrap();
        let file = tree.join("below/state");
        for text in ["one", "two"] {
            replace(&file, text.as_bytes(), 0o600).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
            // Somebody's link in its way: it goes, and what it leads to stays.
            symlink(&other, tree.join("below/state.new")).unwrap();
        }
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        remove_tree(&tree).unwrap();
        assert_eq!((tree.exists(), fs::read_to_string(&other).unwrap().as_str()), (false, "stays"));
        fs::remove_file(other).unwrap();
        fs::remove_dir(dir).unwrap();
    }
}
