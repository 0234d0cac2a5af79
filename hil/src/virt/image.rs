//! The first (and only) file system of a guest: busybox, the modules, the daemon that ships, and the rig's own scripts.

use super::cpio::Archive;
use super::packages::{MODULES, Parts};
use std::fs;
use std::path::{Path, PathBuf};

const INIT: &str = include_str!("guest/init");
const INITTAB: &str = include_str!("guest/inittab");
const AGENT: &str = include_str!("guest/agent");
const JDMAIL: &str = include_str!("guest/jdmail");

/// Kernel and file system of a guest, as files of this machine.
#[derive(Clone, Debug)]
pub struct Image {
    /// The kernel.
    pub kernel: PathBuf,
    /// The packed file system.
    pub initramfs: PathBuf,
}

/// Packs the file system around this `hbd` and puts it into `dir`.
///
/// # Errors
/// A file cannot be read or written.
pub fn build(parts: &Parts, hbd: &Path, dir: &Path) -> Result<Image, String> {
    let read = |path: &Path| fs::read(path).map_err(|e| format!("{}: {e}", path.display()));
    let mut archive = Archive::default();
    for folder in ["bin", "dev", "etc", "etc/init.d", "lib", "lib/modules", "sbin", "var"] {
        archive.folder(folder);
    }
    // Process 1 must have somewhere to speak before it has mounted anything.
    archive.device("dev/console", 5, 1);
    archive.file("bin/busybox", 0o755, &read(&parts.busybox)?);
    archive.file("sbin/hbd", 0o755, &read(hbd)?);
    // The line test is a comfort of the other build.
    if let Ok(full) = fs::read(hbd.with_file_name("hbd-full")) {
        archive.file("sbin/hbd-full", 0o755, &full);
    }
    for module in MODULES {
        let file = format!("{module}.ko");
        archive.file(&format!("lib/modules/{file}"), 0o644, &read(&parts.modules.join(&file))?);
    }
    archive.file("lib/modules/order", 0o644, MODULES.join("\n").as_bytes());
    archive.file("init", 0o755, INIT.as_bytes());
    archive.file("etc/inittab", 0o644, INITTAB.as_bytes());
    archive.file("etc/init.d/jdmail", 0o755, JDMAIL.as_bytes());
    archive.file("sbin/rig-agent", 0o755, AGENT.as_bytes());
    let initramfs = dir.join("initramfs");
    fs::write(&initramfs, archive.finish()).map_err(|e| format!("{}: {e}", initramfs.display()))?;
    Ok(Image { kernel: parts.kernel.clone(), initramfs })
}
