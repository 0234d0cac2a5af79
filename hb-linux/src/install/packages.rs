//! Is the original installed as a package? Two owners of the same names are one too many.

use super::host;
use super::options::Options;
use super::tree::Tree;
use std::fs;
use std::path::Path;

/// An installed package, and the line that removes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Package {
    /// For people.
    pub(super) what: &'static str,
    /// Leaves `/etc/ha.d` as it is.
    pub(super) removal: &'static str,
}

const DEBIAN: Package = Package {
    what: "Debian's package heartbeat",
    // Not purge: that deletes the configuration.
    removal: "apt-get remove heartbeat",
};

const RED_HAT: Package = Package {
    what: "the RPM package heartbeat",
    removal: "rpm -e heartbeat (and then, if nothing else needs them, heartbeat-stonith heartbeat-pils)",
};

/// The original's package, if it is installed.
pub(super) fn heartbeat(tree: &Tree, options: &Options) -> Option<Package> {
    let status = fs::read(tree.path(Path::new("var/lib/dpkg/status"))).unwrap_or_default();
    if installed(&status) {
        return Some(DEBIAN);
    }
    // The database of rpm is rpm's own business; below a root the package's files have to do.
    let by_rpm = match options.root {
        // As a part of a package, which conflicts with the other one, and while rpm has its database to itself.
        None if std::env::var_os("HBD_PACKAGED").is_some() => false,
        None => host::ask(&["/bin/rpm", "/usr/bin/rpm"], &["-q", "heartbeat"]) == Some(0),
        Some(_) => {
            let is_file = |path: &str| {
                fs::symlink_metadata(tree.path(Path::new(path))).is_ok_and(|meta| meta.is_file())
            };
            is_file("var/lib/rpm/Packages")
                && [
                    "usr/lib/heartbeat/heartbeat",
                    "usr/lib64/heartbeat/heartbeat",
                    "usr/libexec/heartbeat/heartbeat",
                ]
                .into_iter()
                .any(is_file)
        }
    };
    by_rpm.then_some(RED_HAT)
}

/// Does dpkg's list name `heartbeat` as installed, in whatever state of being so?
fn installed(status: &[u8]) -> bool {
    let mut ours = false;
    for line in status.split(|&byte| byte == b'\n') {
        if line.starts_with(b"Package:") {
            ours = line.trim_ascii_end() == b"Package: heartbeat";
        } else if let Some(state) = line.strip_prefix(b"Status: ")
            && ours
        {
            return !state.trim_ascii_end().ends_with(b"config-files")
                && !state.trim_ascii_end().ends_with(b"not-installed");
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::root_tests::root;
    use super::*;

    #[test]
    fn a_package_is_installed_or_has_left_its_configuration() {
        let list = |name: &str, state: &str| {
            format!(
                "Package: apt\nStatus: install ok installed\n\nPackage: {name}\nStatus: {state}\nVersion: 1\n"
            )
        };
        assert!(installed(list("heartbeat", "install ok installed").as_bytes()));
        assert!(installed(list("heartbeat", "install ok half-configured").as_bytes()));
        assert!(!installed(list("heartbeat", "deinstall ok config-files").as_bytes()));
        assert!(!installed(list("heartbeat-dev", "install ok installed").as_bytes()));
        assert!(!installed(b""));
    }

    #[test]
    fn red_hats_is_known_below_a_root_by_its_files() {
        let root = root("packages", &["var/lib/rpm/Packages", "usr/lib/heartbeat/heartbeat"]);
        let (tree, options) = root.tree();
        assert_eq!(heartbeat(&tree, &options), Some(RED_HAT));
        fs::remove_file(root.dir().join("usr/lib/heartbeat/heartbeat")).unwrap();
        assert_eq!(heartbeat(&tree, &options), None);
    }
}
