//! `hbd reload` and `SIGHUP`: new keys at once; for everything else it is said that it needs a restart.

use crate::config::{FileDigests, Paths, Settings, reload_keys};
use crate::log::Text;
use crate::sys::Fd;
use core::ffi::CStr;
use hb_core::Node;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The files and what they were at start.
#[derive(Debug)]
pub(super) struct Reload {
    authkeys: PathBuf,
    ha_cf: CString,
    haresources: CString,
    at_start: FileDigests,
}

/// One line about a reload: is it trouble, and the line.
pub(super) type Told<'a> = (bool, &'a str);

impl Reload {
    /// As the daemon starts. `None` if a path contains a NUL.
    #[must_use]
    pub(super) fn new(paths: &Paths, settings: &Settings) -> Option<Self> {
        let c = |path: PathBuf| CString::new(path.as_os_str().as_bytes()).ok();
        Some(Self {
            authkeys: paths.authkeys(),
            ha_cf: c(paths.ha_cf())?,
            haresources: c(paths.haresources())?,
            at_start: settings.files,
        })
    }

    /// Read the files again. Every line goes to `tell`; answers whether the keys were taken over. A file that is wrong
    /// changes nothing.
    pub(super) fn run(&self, node: &mut Node, mut tell: impl FnMut(Told<'_>)) -> bool {
        crate::sys::guard::pass("reload");
        let taken = match reload_keys(&self.authkeys) {
            Ok(keys) => {
                node.set_keys(keys);
                tell((false, "authkeys was read again: its keys sign and verify from now on"));
                true
            }
            Err(faults) => {
                for fault in &faults {
                    let mut text = Text::<300>::new();
                    text.put(format_args!("{}:{}: {fault}", self.authkeys.display(), fault.line));
                    tell((true, text.as_str()));
                }
                tell((true, "authkeys is wrong: the keys in use stay as they are"));
                false
            }
        };
        let others = [
            (&self.ha_cf, self.at_start.ha_cf, "ha.cf"),
            (&self.haresources, self.at_start.haresources, "haresources"),
        ];
        for (path, then, name) in others {
            let now = digest(path);
            if now != then {
                let mut text = Text::<300>::new();
                text.put(format_args!(
                    "{name} has {}: that takes effect at the next start (hbd check, then hbd stop and hbd run)",
                    if now.is_none() { "become unreadable" } else { "changed" }
                ));
                tell((true, text.as_str()));
            }
        }
        taken
    }
}

/// CRC-32 of a file, as in [`FileDigests`], without allocating. Files of a configuration have a few thousand bytes.
fn digest(path: &CStr) -> Option<u32> {
    let fd = Fd::open(path, libc::O_RDONLY, 0).ok()?;
    let mut crc = u32::MAX;
    let mut buf = [0; 1024];
    loop {
        let n = fd.read(&mut buf).ok()??;
        if n == 0 {
            return Some(!crc);
        }
        for &byte in buf.get(..n)? {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_one_that_was_taken_at_the_start() {
        let dir = std::env::temp_dir().join(std::format!("hbd-reload-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let paths = Paths::new(&dir);
        std::fs::write(paths.ha_cf(), "123456789").unwrap();
        let c = CString::new(paths.ha_cf().to_str().unwrap()).unwrap();
        assert_eq!(digest(&c), Some(0xcbf4_3926));
        assert_eq!(digest(&c), crate::config::file_digests(&paths).ha_cf);
        std::fs::remove_file(paths.ha_cf()).unwrap();
        assert_eq!(digest(&c), None);
        std::fs::remove_dir_all(dir).unwrap();
    }
}
