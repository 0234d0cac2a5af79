//! Who this machine is, and which of its lives this is.

use super::Result;
use nix::sys::utsname::uname;
use nix::unistd::{AccessFlags, access, geteuid};
use std::fs;
use std::path::Path;

/// The node name, as `uname -n` prints it.
#[must_use]
pub fn node_name() -> String {
    uname().map_or_else(|_| String::new(), |names| names.nodename().to_string_lossy().into_owned())
}

/// The kernel's release, as `uname -r` prints it.
#[must_use]
pub fn kernel_release() -> String {
    uname().map_or_else(|_| String::new(), |names| names.release().to_string_lossy().into_owned())
}

/// May this process write to `path`, by its rights and by how the file system is mounted?
///
/// # Errors
/// `EROFS`, `EACCES`, `ENOENT`, ...: why not.
pub fn writable(path: &Path) -> Result<()> {
    Ok(access(path, AccessFlags::W_OK)?)
}

/// May `file` be executed, by how its file system is mounted? `None`: only root is told.
#[must_use]
pub fn executable(file: &Path) -> Option<bool> {
    geteuid().is_root().then(|| access(file, AccessFlags::X_OK).is_ok())
}

/// A number that is the same for all processes of one boot of this machine, and differs with the next boot: a hash of
/// the kernel's boot id (which 2.4 has as well). Zero if it cannot be read: then no restart counts as a new boot. The
/// boot time in `/proc/stat` is no substitute, for it moves when the wall clock is set, and a boot that did not happen
/// would be taken for proof of a reset (DESIGN §7 O7).
#[must_use]
pub fn boot_identity() -> u32 {
    fs::read("/proc/sys/kernel/random/boot_id").map_or(0, |id| boot_hash(&id))
}

fn boot_hash(id: &[u8]) -> u32 {
    match id.trim_ascii() {
        [] => 0,
        id => fnv(id),
    }
}

/// FNV-1a, never zero.
fn fnv(bytes: &[u8]) -> u32 {
    let hash = bytes.iter().fold(0x811c_9dc5_u32, |h, &b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
    hash.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_name_a_kernel_and_one_boot() {
        assert!(!node_name().is_empty());
        assert!(kernel_release().contains('.'));
        assert_ne!(boot_identity(), 0);
        assert_eq!(boot_identity(), boot_identity());
    }

    #[test]
    fn only_the_id_itself_counts() {
        assert_eq!(boot_hash(b"ab\n"), boot_hash(b"ab"));
        assert_ne!(boot_hash(b"ab\n"), boot_hash(b"ac\n"));
        assert_eq!(boot_hash(b"\n"), 0);
    }
}
