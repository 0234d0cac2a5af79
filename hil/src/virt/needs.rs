//! What the virtual rig needs of this machine; what is missing is installed, or named.

use super::image::{self, Image};
use super::packages;
use crate::dist;
use crate::paths::{is_root, which};
use crate::setup;
use std::path::{Path, PathBuf};

/// Everything that a case is built from.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Kernel and file system.
    pub image: Image,
    /// The daemon in it.
    pub hbd: PathBuf,
    /// The SHA-256 of that.
    pub hbd_digest: String,
    /// The kernel's package and digest.
    pub kernel: String,
}

/// Why there is nothing to run on.
#[derive(Clone, Debug)]
pub enum Lack {
    /// This machine cannot: the cases are skipped.
    Skip(String),
    /// It should have been possible: an error.
    Broken(String),
}

/// Looks, installs, fetches, builds, and puts the machines' file system into `dir`; `hbd` is taken in place of the one
/// that is built.
///
/// # Errors
/// What is missing, or what failed.
pub fn ready(hbd: Option<&Path>, dir: &Path) -> Result<Ready, Lack> {
    if !is_root() {
        return Err(Lack::Skip("needs root: network namespaces and taps".to_owned()));
    }
    if !Path::new("/dev/net/tun").exists() {
        return Err(Lack::Skip("there is no /dev/net/tun: no tap for a guest".to_owned()));
    }
    setup::ensure_all(setup::VIRTUAL).map_err(Lack::Skip)?;
    for tool in ["qemu-system-i386", "setpriv", "sha256sum", "dpkg", "apt-get"] {
        if which(tool).is_none() {
            return Err(Lack::Skip(format!("{tool} is missing")));
        }
    }
    let parts = packages::parts().map_err(Lack::Skip)?;
    let hbd = match hbd {
        Some(file) => file.to_owned(),
        None => {
            dist::build::full().map_err(Lack::Broken)?;
            dist::build::i586().map_err(Lack::Broken)?
        }
    };
    let image = image::build(&parts, &hbd, dir).map_err(Lack::Broken)?;
    let hbd_digest = packages::sha256(&hbd).map_err(Lack::Broken)?;
    Ok(Ready { image, hbd, hbd_digest, kernel: parts.about })
}
