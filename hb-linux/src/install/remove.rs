//! `hbd install --uninstall`: what was put goes, as far as nobody changed it. Never what the daemon keeps, keys that are in
//! use, or what anybody else made.

use super::layout::Layout;
use super::options::Options;
use super::record::Entry;
use super::tree::Tree;
use super::{STATE_DIR, host, runs};
use crate::cli::say;

const KEYS: &str = "etc/ha.d/authkeys";
const HA_CF: &str = "etc/ha.d/ha.cf";

/// Take everything away again.
pub(super) fn all(tree: Tree, options: &Options) -> Result<(), String> {
    if runs(&tree, options) {
        return Err("a daemon runs here; end it first: hbd stop".to_string());
    }
    let known: Vec<Entry> = tree.known().to_vec();
    if known.is_empty() {
        return Err("nothing here was put by hbd install".to_string());
    }
    let layout = Layout::of(&tree, options);
    let in_use = keys_in_use(&tree);
    host::unregister(&tree, &layout, options);
    for entry in known.iter().rev() {
        let (path, gone) = match entry {
            Entry::File { path, .. } if path == KEYS && in_use => {
                tree.tell("KEPT, in use", "kept, in use", path);
                continue;
            }
            Entry::File { sum, path } => (path, tree.take_file(path, *sum)?),
            Entry::Link { target, path } => (path, tree.take_link(path, target)?),
            Entry::Moved { path, to } => (to, tree.put_back(path, to)?),
            Entry::Dir { .. } => continue,
        };
        if !gone {
            tree.tell("KEPT, changed", "kept, changed", path);
        }
    }
    tree.take_record()?;
    for entry in known.iter().rev() {
        if let Entry::Dir { path } = entry {
            tree.take_dir(path);
        }
    }
    host::forget(&tree, &layout, options);
    if options.dry_run {
        say("Nothing was touched.");
    }
    Ok(())
}

/// Did a daemon run with them, or did somebody write the file that makes one run?
fn keys_in_use(tree: &Tree) -> bool {
    let sample =
        |entry: &Entry| matches!(entry, Entry::File { sum, path } if path == HA_CF && tree.is(path, *sum));
    tree.exists(&format!("{STATE_DIR}/{}", crate::state::FILE))
        || (tree.exists(HA_CF) && !tree.known().iter().any(sample))
}

#[cfg(test)]
mod tests {
    use super::super::parts;
    use super::super::root_tests::{Root, root};
    use super::*;
    use crate::sys::Signal;
    use std::fs;

    const NEW: [&str; 6] = [
        "etc/init.d/",
        "etc/logrotate.d/",
        "lib/systemd/systemd",
        "etc/systemd/system/",
        "usr/share/man/",
        "usr/share/bash-completion/completions/",
    ];

    fn installed(name: &str) -> (Root, Vec<String>) {
        let root = root(name, &NEW);
        let before = root.all();
        let (mut tree, options) = root.tree();
        let layout = Layout::of(&tree, &options);
        parts::put_all(&mut tree, &layout).unwrap();
        (root, before)
    }

    fn uninstall(root: &Root) -> Result<(), String> {
        let (tree, options) = root.tree();
        all(tree, &options)
    }

    #[test]
    fn what_was_put_goes_to_the_byte() {
        let (root, before) = installed("remove");
        assert!(root.all().len() > before.len() + 15);
        uninstall(&root).unwrap();
        assert_eq!(root.all(), before);
        assert!(uninstall(&root).unwrap_err().contains("nothing here"));
    }

    #[test]
    fn what_was_changed_or_is_in_use_stays() {
        let (root, before) = installed("keep");
        let path = |below: &str| root.dir().join(below);
        fs::write(path(HA_CF), "node ha-1 ha-2\n").unwrap();
        fs::remove_file(path("usr/bin/cl_status")).unwrap();
        fs::write(path("usr/bin/cl_status"), "theirs").unwrap();
        fs::write(path("var/lib/heartbeat/state"), "").unwrap();
        let keys = fs::read(path(KEYS)).unwrap();
        uninstall(&root).unwrap();
        assert_eq!(fs::read(path(KEYS)).unwrap(), keys);
        let left: Vec<String> = root.all().into_iter().filter(|line| !before.contains(line)).collect();
        for part in [HA_CF, KEYS, "usr/bin/cl_status", "var/lib/heartbeat/state"] {
            assert!(left.iter().any(|line| line.contains(part)), "{part}: {left:?}");
        }
        assert!(!left.iter().any(|line| line.contains("sbin") || line.contains("man/")), "{left:?}");
    }

    #[test]
    fn a_dry_run_touches_nothing() {
        let (root, _) = installed("dry");
        let before = root.all();
        let options = Options { dry_run: true, ..root.options() };
        all(Tree::open(&options).unwrap(), &options).unwrap();
        assert_eq!(root.all(), before);
    }

    #[test]
    fn a_daemon_that_runs_is_in_the_way() {
        let (root, _) = installed("runs");
        let before = root.all();
        let dir = root.dir().join(STATE_DIR);
        let child = crate::sys::process::fork(|| {
            let _lock = crate::daemon::pidfile::PidFile::take(&dir, &dir);
            crate::sys::poll::sleep_ms(20_000);
            0
        })
        .unwrap();
        assert!((0..500).any(|_| {
            crate::sys::poll::sleep_ms(10);
            crate::daemon::pidfile::is_locked(&dir)
        }));
        let said = uninstall(&root).unwrap_err();
        crate::sys::process::signal(child, Signal::SIGKILL).unwrap();
        crate::sys::process::wait_for(child);
        assert!(said.contains("hbd stop"), "{said}");
        fs::remove_file(dir.join("lock")).unwrap();
        assert_eq!(root.all(), before);
    }
}
