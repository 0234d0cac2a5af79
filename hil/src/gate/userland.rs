//! What the machines have in `/bin`, `/sbin`, `/usr/bin` and `/usr/sbin`: busybox and nothing else, with or without `ip`.

use crate::paths::{self, which};
use crate::proc::Cmd;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// A small userland.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Userland {
    /// busybox with all its applets, `ip` among them.
    Ip,
    /// busybox' own `ifconfig` and `route`, and no `ip`.
    Ifconfig,
    /// As Red Hat 9 has them: `ifconfig` and `route` of the package net-tools, and no `ip`.
    NetTools,
}

impl Userland {
    pub(super) const ALL: [Self; 3] = [Self::Ip, Self::Ifconfig, Self::NetTools];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ip => "busybox' ip",
            Self::Ifconfig => "busybox' ifconfig",
            Self::NetTools => "net-tools' ifconfig",
        }
    }

    /// Makes the folder that stands for all four.
    ///
    /// # Errors
    /// A tool is missing here.
    pub(super) fn make(self, busybox: &Path, dir: &Path) -> Result<(), String> {
        let told = |what: &Path, e: std::io::Error| format!("{}: {e}", what.display());
        let own = dir.join("busybox");
        fs::copy(busybox, &own).map_err(|e| told(&own, e))?;
        let list = Cmd::new(busybox).args(["--list"]).output()?.stdout;
        for applet in list.lines().filter(|name| self == Self::Ip || *name != "ip" && *name != "ipaddr") {
            let link = dir.join(applet);
            if applet != "busybox" {
                symlink("busybox", &link).map_err(|e| told(&link, e))?;
            }
        }
        for tool in ["ifconfig", "route"] {
            let file = dir.join(tool);
            if self == Self::NetTools {
                let real =
                    which(tool).ok_or_else(|| format!("no {tool} here; install the package net-tools"))?;
                fs::remove_file(&file).map_err(|e| told(&file, e))?;
                fs::copy(&real, &file).map_err(|e| told(&real, e))?;
            } else if !file.exists() {
                return Err(format!("this busybox has no {tool}"));
            }
        }
        Ok(())
    }
}

/// A busybox that runs only the applets that `PATH` offers; `busybox-static` takes its own before any file.
///
/// # Errors
/// None is to be had here, for a message that says that something is skipped.
pub(super) fn busybox() -> Result<PathBuf, String> {
    if let Some(installed) = which("busybox").filter(|file| honest(file)) {
        return Ok(installed);
    }
    let dir = paths::scratch("gate/busybox")?;
    let unpacked = dir.join("bin/busybox");
    if !honest(&unpacked) {
        if which("apt-get").is_none() {
            return Err("no busybox here without applets of its own choice".to_owned());
        }
        // Unpacked, not installed: it would replace busybox-static.
        let got = Cmd::new("apt-get").args(["download", "-q", "busybox"]).dir(&dir).output()?;
        if got.code != Some(0) {
            return Err(format!("the package busybox cannot be downloaded: {}", got.stderr.trim()));
        }
        let archive = fs::read_dir(&dir).map_err(|e| e.to_string())?.flatten().map(|entry| entry.path());
        let archive = archive.into_iter().find(|path| path.extension().is_some_and(|end| end == "deb"));
        let archive = archive.ok_or("apt-get download left no package")?;
        Cmd::new("dpkg-deb").args(["-x"]).args([&archive, &dir]).run()?;
    }
    if honest(&unpacked) {
        Ok(unpacked)
    } else {
        Err("busybox takes its own applets before any file".to_owned())
    }
}

/// True when its shell does not find what is not on `PATH`.
fn honest(busybox: &Path) -> bool {
    let ask = ["ash", "-c", "PATH=/nonexistent; command -v ip || echo none"];
    Cmd::new(busybox).args(ask).output().is_ok_and(|out| out.code == Some(0) && out.stdout == "none\n")
}
