//! Resource scripts that are part of the binary, for machines to which nothing but the binary was copied.
//!
//! A script of the same name in the configuration's `resource.d` wins; `IPaddr` the daemon does by itself ([`ipaddr`]). The embedded ones are written to the run directory
//! at start ([`unpack`]) and run as `/bin/sh PATH ARGUMENTS VERB`: the run directory may be mounted without the right
//! to execute.

pub(crate) mod ipaddr;
mod rtnetlink;

use crate::texts::Text;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What runs the embedded scripts.
pub const INTERPRETER: &str = "/bin/sh";

const SCRIPTS: [(&str, Text); 7] = [
    ("IPaddr", Text::IpAddr),
    // The later original's name for it.
    ("IPaddr2", Text::IpAddr),
    ("jdmail", Text::Jdmail),
    ("Filesystem", Text::Filesystem),
    ("MailTo", Text::MailTo),
    ("Delay", Text::Delay),
    ("systemd", Text::Systemd),
];

/// What scripts find behind `$HA_FUNCS` where the original's own file is gone with its package.
const FUNCTIONS: (&str, Text) = ("shellfuncs", Text::ShellFunctions);

/// Is there an embedded script `name`?
#[must_use]
pub fn embedded(name: &str) -> bool {
    SCRIPTS.iter().any(|(known, _)| *known == name)
}

/// The names of all embedded scripts.
pub fn names() -> impl Iterator<Item = &'static str> {
    SCRIPTS.iter().map(|&(name, _)| name)
}

/// Where [`unpack`] puts the embedded script `name`; `None` if there is none of that name.
#[must_use]
pub fn unpacked_path(run_dir: &Path, name: &str) -> Option<PathBuf> {
    embedded(name).then(|| run_dir.join("resource.d").join(name))
}

/// Where [`unpack`] puts the shell functions.
#[must_use]
pub fn functions_path(run_dir: &Path) -> PathBuf {
    run_dir.join("resource.d").join(FUNCTIONS.0)
}

/// Is everything there that [`unpack`] writes? One look at each, not into it.
#[must_use]
pub fn is_unpacked(run_dir: &Path) -> bool {
    let dir = run_dir.join("resource.d");
    SCRIPTS.iter().chain([&FUNCTIONS]).all(|(name, _)| dir.join(name).is_file())
}

/// Write every embedded script and the shell functions to `run_dir/resource.d`, for root only (0700), each whole or not at
/// all. Those of an older binary are replaced.
///
/// # Errors
/// As the calls.
pub fn unpack(run_dir: &Path) -> io::Result<()> {
    let dir = run_dir.join("resource.d");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
    for (name, text) in SCRIPTS.into_iter().chain([FUNCTIONS]) {
        let (path, fresh) = (dir.join(name), dir.join(format!(".{name}.new")));
        if fs::read(&path).is_ok_and(|old| text.is(&old)) {
            continue;
        }
        // A name that exists could be a link to somewhere else.
        let _ = fs::remove_file(&fresh);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o700).open(&fresh)?;
        file.write_all(text.read().as_bytes())?;
        drop(file);
        fs::rename(&fresh, &path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn scripts_are_unpacked_private_and_whole() {
        let dir = std::env::temp_dir().join(format!("hbd-resources-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        unpack(&dir).unwrap();
        for (name, text) in SCRIPTS {
            let path = unpacked_path(&dir, name).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text.read(), "{name}");
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
            assert!(fs::read_to_string(&path).unwrap().starts_with("#!/bin/sh\n"));
        }
        assert_eq!(fs::read_to_string(functions_path(&dir)).unwrap(), FUNCTIONS.1.read());
        assert!(!embedded(FUNCTIONS.0), "no resource");
        fs::write(dir.join("resource.d/IPaddr"), "old").unwrap();
        unpack(&dir).unwrap();
        assert_eq!(fs::read_to_string(dir.join("resource.d/IPaddr")).unwrap(), Text::IpAddr.read());
        assert_eq!((embedded("nothing"), unpacked_path(&dir, "nothing")), (false, None));
        fs::remove_dir_all(dir).unwrap();
    }
}
