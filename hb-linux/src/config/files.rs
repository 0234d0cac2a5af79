//! Reading whole files of bounded size, and their checksum.

use super::Paths;
use super::finding::Report;
use core::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes of `ha.cf` and of `haresources` at most.
const MAX_FILE: u64 = 64 * 1024;

/// It is not there.
pub(super) const ABSENT: &str = "there is no such file";
/// This user may not read it.
pub(super) const DENIED: &str = "permission denied";

/// Open a regular file. Anything else (a FIFO would block, a device might react) is refused unopened.
pub(super) fn open_regular(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    File::open(path)
}

/// Why a file cannot be read, in words.
pub(super) fn reason(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => ABSENT,
        io::ErrorKind::PermissionDenied => DENIED,
        io::ErrorKind::InvalidInput | io::ErrorKind::IsADirectory => "it is not a regular file",
        _ => "it cannot be read",
    }
}

/// The bytes of a configuration file, or a finding that says why not.
pub(super) fn read(path: &Path, report: &mut Report<'_>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    match open_regular(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)) {
        Ok(_) if bytes.len() as u64 > MAX_FILE => {
            report.error(1, format_args!("the file is larger than 64 KB; write a shorter one"));
            None
        }
        Ok(_) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            report.error(1, format_args!("{}; run as root", reason(&error)));
            None
        }
        Err(error) => match misspelt(path).filter(|_| error.kind() == io::ErrorKind::NotFound) {
            Some(there) => {
                report.error(1, format_args!("{}", Move { there: &there, path }));
                None
            }
            None => {
                report.error(
                    1,
                    format_args!(
                        "{}; write the file, or name its directory with --config-dir",
                        reason(&error)
                    ),
                );
                None
            }
        },
    }
}

/// A file beside the missing `path` that was meant to be it: its name differs in case, in a dot or a sign, or in one letter.
pub(super) fn misspelt(path: &Path) -> Option<PathBuf> {
    let plain = |name: &str| -> String {
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    let wanted = plain(path.file_name()?.to_str()?);
    let ending =
        |name: String| name.strip_suffix("conf").map_or(name.clone(), |stem| stem.to_string() + "cf");
    let near = |found: &Path| -> Option<usize> {
        let name = ending(plain(found.file_name()?.to_str()?));
        // What editors and packages leave beside a file is none of its kind.
        let name = name.strip_suffix("txt").unwrap_or(&name);
        Some(distance(name, &wanted)).filter(|distance| *distance <= 1 && found.is_file())
    };
    let beside = fs::read_dir(path.parent()?).ok()?.flatten().map(|entry| entry.path());
    beside
        .filter(|found| found != path)
        .filter_map(|found| Some((near(&found)?, found)))
        .min()
        .map(|(_, found)| found)
}

/// Says where the missing `path` is, and the line that puts it in its place.
pub(super) struct Move<'a> {
    /// The file that is there.
    pub(super) there: &'a Path,
    /// The one that is not.
    pub(super) path: &'a Path,
}

impl fmt::Display for Move<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (there, path) = (self.there.display(), self.path.display());
        write!(f, "{ABSENT}, but {there} is there; run `mv {there} {path}`")
    }
}

/// Letters to insert, delete or replace to make one word of the other.
pub fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let best = (diagonal + usize::from(x != y)).min(left + 1).min(*cell + 1);
            diagonal = *cell;
            *cell = best;
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(a.len())
}

/// Is one of the three files there, and this user may not read it?
pub(super) fn denied(paths: &Paths) -> bool {
    let denied =
        |path: &Path| open_regular(path).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
    [paths.ha_cf(), paths.haresources(), paths.authkeys()].iter().any(|path| denied(path))
}

/// A small file of `/proc` or `/etc` as text, empty when it cannot be read.
pub(super) fn read_text(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes));
    if read.is_err() {
        bytes.clear();
    }
    bytes
}

/// CRC-32 (IEEE 802.3) of everything fed into it.
#[derive(Clone, Copy)]
pub(crate) struct Crc32(u32);

impl Crc32 {
    /// Of nothing yet.
    pub(crate) const fn new() -> Self {
        Self(!0)
    }

    /// Take in `bytes`.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 ^= u32::from(*byte);
            for _ in 0..8 {
                let low = self.0 & 1;
                self.0 = (self.0 >> 1) ^ (low * 0xEDB8_8320);
            }
        }
    }

    /// The checksum.
    pub(crate) const fn finish(self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_well_known_one() {
        let mut crc = Crc32::new();
        crc.update(b"12345");
        crc.update(b"6789");
        assert_eq!(crc.finish(), 0xCBF4_3926);
    }
}
