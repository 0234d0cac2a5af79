//! Where one group's data is, and how its files are reached.

use super::note::{self, Note};
use crate::config::{self, DataSettings, Settings};
use crate::files::{replace, sync_dir};
use crate::scripts::Places;
use crate::sys::Errno;
use crate::sys::disk;
use hb_core::{GroupId, Stamp};
use std::ffi::CString;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// What is in the data directory and takes no part in pulls.
pub const OWN: &str = ".hbd";
/// The stamp, below the data directory.
pub const STAMP: &str = ".hbd/stamp";

/// One group's data on this node.
#[derive(Clone, Debug)]
pub struct Site {
    /// The directive.
    pub data: DataSettings,
    /// The group's name.
    pub group: String,
    /// In the state directory: `data-HASH`, and temporary files that begin so.
    pub state: PathBuf,
    /// A word of the environment by which the next life finds what this one left running.
    pub mark: String,
}

/// The name of a group's note in the state directory.
#[must_use]
pub fn state_name(hash: u32) -> String {
    format!("data-{hash:08x}")
}

/// By which the pulls of a daemon with this run directory are found.
#[must_use]
pub fn mark(run_dir: &Path) -> String {
    format!("HBD_DATA={}", run_dir.display())
}

/// The data of all groups, by the core's numbers.
#[must_use]
pub fn all(settings: &Settings, places: &Places) -> Vec<(GroupId, Site)> {
    let mut sites = Vec::new();
    for (id, (group, data)) in (0_u8..).zip(settings.groups.iter().zip(&settings.data)) {
        let (Some(data), Some(first)) = (data, group.resources.first()) else { continue };
        let site = Site {
            data: data.clone(),
            group: group.name.clone(),
            state: places.state_dir.join(state_name(config::name_hash(first))),
            mark: mark(&places.run_dir),
        };
        sites.push((GroupId(id), site));
    }
    sites
}

impl Site {
    /// A temporary file beside the note.
    #[must_use]
    pub fn beside(&self, name: &str) -> PathBuf {
        let mut path = self.state.clone().into_os_string();
        path.push(name);
        PathBuf::from(path)
    }

    /// The directory of what was moved aside.
    #[must_use]
    pub fn kept(&self) -> PathBuf {
        self.data.directory.join(OWN).join("kept")
    }

    /// May the directory be used? If not, why.
    ///
    /// # Errors
    /// It is not there, or not mounted.
    pub fn usable(&self) -> Result<(), String> {
        let dir = &self.data.directory;
        let about = fs::metadata(dir).map_err(|why| format!("{}: {}", dir.display(), words(&why)))?;
        if !about.is_dir() {
            return Err(format!("{} is no directory", dir.display()));
        }
        if self.data.mountpoint && !is_mounted(dir) {
            return Err(format!("{} is not mounted, and `mountpoint yes` wants it to be", dir.display()));
        }
        Ok(())
    }

    /// The stamp in the directory; `None` if there is none, or a damaged one.
    #[must_use]
    pub fn stamp(&self) -> Option<Stamp> {
        note::decode_stamp(&fs::read(self.data.directory.join(STAMP)).ok()?)
    }

    /// What this node remembers.
    #[must_use]
    pub fn note(&self) -> Option<Note> {
        note::decode_note(&fs::read(&self.state).ok()?)
    }

    /// Put both on the disk, the note first: a cut in between shows as a stamp that is not known.
    ///
    /// # Errors
    /// As the calls.
    pub fn write(&self, note: &Note) -> io::Result<()> {
        replace(&self.state, note::encode_note(note).as_bytes(), 0o600)?;
        let own = self.data.directory.join(OWN);
        match DirBuilder::new().mode(0o755).create(&own) {
            Err(why) if why.kind() != io::ErrorKind::AlreadyExists => return Err(why),
            _ => {}
        }
        replace(&self.data.directory.join(STAMP), note::encode_stamp(&note.stamp).as_bytes(), 0o644)?;
        sync_dir(&self.data.directory)
    }

    /// Is what a pull moves aside on the file system of the data, with room for `bytes` more?
    ///
    /// # Errors
    /// Why not.
    pub fn has_room(&self, bytes: u64) -> Result<(), String> {
        let dir = &self.data.directory;
        let device = |path: &Path| fs::metadata(path).map(|about| about.dev());
        for below in [dir.join(OWN), self.kept()] {
            match (device(&below), device(dir)) {
                (Err(why), _) if why.kind() == io::ErrorKind::NotFound => {}
                (Ok(one), Ok(other)) if one == other => {}
                _ => {
                    return Err(format!(
                        "{} is not on the file system of {}",
                        below.display(),
                        dir.display()
                    ));
                }
            }
        }
        let name = CString::new(dir.as_os_str().as_bytes()).unwrap_or_default();
        match disk::room(&name) {
            Some(room) if room < bytes.saturating_add(SPARE) => Err(format!(
                "{} has {} KB left, and the pull needs {} KB",
                dir.display(),
                room / 1024,
                bytes.saturating_add(SPARE) / 1024
            )),
            _ => Ok(()),
        }
    }
}

/// Is something mounted right there?
fn is_mounted(dir: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    mounts.lines().any(|line| line.split(' ').nth(1).is_some_and(|place| Path::new(place) == dir))
}

/// Left free beside what is pulled: directories, and what rsync writes before it renames.
const SPARE: u64 = 1 << 20;

/// An error of the system in words, without its number.
#[must_use]
pub fn words(why: &io::Error) -> &'static str {
    Errno::from(why).text()
}
