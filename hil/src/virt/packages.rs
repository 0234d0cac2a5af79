//! The kernel, its modules and busybox, out of Debian's i386 packages: fetched, unpacked, never installed.

use crate::paths;
use crate::proc::Cmd;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The modules that a guest loads, in the order in which they need each other.
pub const MODULES: [&str; 15] = [
    "virtio",
    "virtio_ring",
    "virtio_pci_modern_dev",
    "virtio_pci_legacy_dev",
    "virtio_pci",
    "virtio_console",
    "netfs",
    "fscache",
    "9pnet",
    "9pnet_virtio",
    "9p",
    "e1000",
    "watchdog",
    "softdog",
    "i6300esb",
];

/// Packages whose newest kernel is taken: the first depends on it by name.
const KERNEL: &str = "linux-image-686:i386";
const BUSYBOX: &str = "busybox-static:i386";

/// What a guest is made of, as files of this machine.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The kernel.
    pub kernel: PathBuf,
    /// The folder of the modules of [`MODULES`].
    pub modules: PathBuf,
    /// A static busybox for i386.
    pub busybox: PathBuf,
    /// The kernel's package and its SHA-256.
    pub about: String,
}

/// The parts, from earlier or fetched now.
///
/// # Errors
/// They cannot be had here; the text says why.
pub fn parts() -> Result<Parts, String> {
    let dir = paths::scratch("hil/parts")?;
    let parts = |about: String| Parts {
        kernel: dir.join("vmlinuz"),
        modules: dir.join("modules"),
        busybox: dir.join("busybox"),
        about,
    };
    // Written last: when it is there, everything is.
    if let Ok(about) = fs::read_to_string(dir.join("about")) {
        return Ok(parts(about));
    }
    let fetch = paths::scratch("hil/fetch")?;
    let about = unpack(&fetch, &dir).map_err(|e| format!("no i386 kernel: {e}"))?;
    fs::write(dir.join("about"), &about).map_err(|e| format!("{}: {e}", dir.display()))?;
    // 190 MB of modules that nobody asked for.
    let _ = fs::remove_dir_all(&fetch);
    Ok(parts(about))
}

fn unpack(fetch: &Path, dir: &Path) -> Result<String, String> {
    let image = match kernel_package()? {
        Some(image) => image,
        None => {
            Cmd::new("dpkg").args(["--add-architecture", "i386"]).run()?;
            // One index that cannot be fetched is no reason to stop: the packages may be in the others.
            let _ = Cmd::new("apt-get").args(["update", "-q"]).limit(Duration::from_secs(300)).run();
            kernel_package()?.ok_or_else(|| format!("{KERNEL} is not to be had"))?
        }
    };
    println!("fetching {image} and {BUSYBOX}");
    let fetched = Cmd::new("apt-get").args(["download", "-q", &image, BUSYBOX]).dir(fetch);
    let fetched = fetched.limit(Duration::from_secs(300)).output()?;
    if fetched.code != Some(0) {
        return Err(format!("apt-get download: {}", fetched.stderr.trim()));
    }
    let root = fetch.join("root");
    for package in files_of(fetch)?.iter().filter(|file| file.extension().is_some_and(|e| e == "deb")) {
        let said = Cmd::new("dpkg").args(["-x".as_ref(), package.as_os_str(), root.as_os_str()]).output()?;
        if said.code != Some(0) {
            return Err(format!("dpkg -x {}: {}", package.display(), said.stderr.trim()));
        }
    }
    let boot = files_of(&root.join("boot"))?;
    let kernel = boot.iter().find(|file| name_of(file).starts_with("vmlinuz")).ok_or("no vmlinuz in it")?;
    copy(kernel, &dir.join("vmlinuz"))?;
    copy(&root.join("bin/busybox"), &dir.join("busybox"))?;
    let modules = dir.join("modules");
    fs::create_dir_all(&modules).map_err(|e| format!("{}: {e}", modules.display()))?;
    let all = files_below(&root.join("lib/modules"));
    for module in MODULES {
        let file = format!("{module}.ko");
        let found =
            all.iter().find(|path| name_of(path) == file).ok_or_else(|| format!("no {file} in it"))?;
        copy(found, &modules.join(&file))?;
    }
    Ok(format!("{image}, SHA-256 {}", sha256(kernel)?))
}

/// The package that [`KERNEL`] stands for; `None` when this machine has not heard of it.
fn kernel_package() -> Result<Option<String>, String> {
    let said = Cmd::new("apt-cache").args(["depends", KERNEL]).output()?;
    Ok(said.stdout.lines().find_map(|line| line.trim().strip_prefix("Depends: linux-image")).map(|rest| {
        let rest = rest.trim_end_matches(":i386");
        format!("linux-image{rest}:i386")
    }))
}

/// The SHA-256 of a file, in hexadecimal digits.
///
/// # Errors
/// The file cannot be read, or `sha256sum` is missing.
pub fn sha256(file: &Path) -> Result<String, String> {
    let said = Cmd::new("sha256sum").args([file]).output()?;
    let digest = said.stdout.split_whitespace().next().map(str::to_owned);
    digest
        .filter(|d| said.code == Some(0) && d.len() == 64)
        .ok_or_else(|| format!("sha256sum: {}", said.stderr))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map(drop).map_err(|e| format!("{}: {e}", from.display()))
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn files_of(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in files_of(&folder).unwrap_or_default() {
            if path.is_dir() && !path.is_symlink() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}
