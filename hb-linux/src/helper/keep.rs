//! The record of lateness on its way to the disk, by a child of the helper: neither a state nor a line waits for it.

use crate::files;
use crate::sys::fd;
use crate::sys::process::{self, Pid};
use std::path::Path;

/// Name of the file in the state directory.
pub const FILE: &str = "late";

/// What was given and is not written yet.
#[derive(Debug, Default)]
pub(super) struct Keep {
    newest: Option<Vec<u8>>,
    child: Option<Pid>,
}

impl Keep {
    /// The newest is the only one that counts.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.newest = Some(bytes.to_vec());
    }

    /// Have it written, if none is being written. Without a child it is tried again with the next one.
    pub(super) fn idle(&mut self, dir: &Path) {
        if self.child.is_some_and(process::has_ended) {
            self.child = None;
        }
        if self.child.is_none()
            && let Some(bytes) = self.newest.take()
        {
            let helper = process::own_pid();
            let child = process::fork(|| {
                process::die_with(helper);
                fd::close_others(3, &[]);
                i32::from(files::replace(&dir.join(FILE), &bytes, 0o600).is_err())
            });
            self.child = child.ok();
        }
    }

    /// Write the last one, at the end.
    pub(super) fn finish(&mut self, dir: &Path) {
        if let Some(child) = self.child.take() {
            process::wait_for(child);
        }
        if let Some(bytes) = self.newest.take() {
            // There is nobody left to tell.
            let _ = files::replace(&dir.join(FILE), &bytes, 0o600);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_newest_is_written_last_and_by_a_child() {
        let dir = std::env::temp_dir().join(format!("hbd-keep-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).unwrap();
        let mut keep = Keep::default();
        keep.idle(&dir);
        assert!(keep.child.is_none(), "nothing to write");
        keep.take(b"one");
        keep.idle(&dir);
        assert!(keep.child.is_some(), "a child writes it");
        keep.take(b"two");
        keep.take(b"three");
        keep.finish(&dir);
        assert_eq!(fs::read(dir.join(FILE)).unwrap(), b"three");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
        fs::remove_dir_all(dir).unwrap();
    }
}
