//! Taking away what was put, as far as it is still as it was put.

use super::record::Sum;
use super::tree::{Tree, sum};
use std::fs;
use std::io;
use std::path::Path;

impl Tree {
    /// Is this file as it was put?
    pub(super) fn is(&self, path: &str, was: Sum) -> bool {
        sum(&self.root.join(path)).is_ok_and(|there| there == Some(was))
    }

    /// Take a file away that is as it was put; answers whether it is gone.
    pub(super) fn take_file(&self, path: &str, was: Sum) -> Result<bool, String> {
        let place = self.root.join(path);
        match sum(&place) {
            Ok(Some(there)) if there == was => self.take(path, |place| fs::remove_file(place)),
            Ok(None) => Ok(true),
            _ => Ok(false),
        }
    }

    /// Take a link away that is as it was put; answers whether it is gone.
    pub(super) fn take_link(&self, path: &str, target: &str) -> Result<bool, String> {
        match fs::read_link(self.root.join(path)) {
            Ok(there) if there == Path::new(target) => self.take(path, |place| fs::remove_file(place)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            _ => Ok(false),
        }
    }

    /// Put a file back that was moved aside, where its place is free; answers whether it is back.
    pub(super) fn put_back(&self, path: &str, from: &str) -> Result<bool, String> {
        if !self.exists(from) || (self.exists(path) && !self.dry) {
            return Ok(false);
        }
        if !self.dry {
            fs::rename(self.root.join(from), self.root.join(path))
                .map_err(|error| format!("/{from}: {error}"))?;
        }
        self.tell("put back", "would put back", path);
        Ok(true)
    }

    /// Take a directory away if it is empty.
    pub(super) fn take_dir(&self, path: &str) {
        if !self.dry && fs::remove_dir(self.root.join(path)).is_ok() {
            self.tell("removed", "", path);
        }
    }

    /// Forget the installation.
    pub(super) fn take_record(&self) -> Result<(), String> {
        if self.dry { Ok(()) } else { fs::remove_file(self.record_path()).map_err(|e| e.to_string()) }
    }

    fn take(&self, path: &str, how: impl Fn(&Path) -> io::Result<()>) -> Result<bool, String> {
        if !self.dry {
            how(&self.root.join(path)).map_err(|error| format!("/{path}: {error}"))?;
        }
        self.tell("removed", "would remove", path);
        Ok(true)
    }
}
