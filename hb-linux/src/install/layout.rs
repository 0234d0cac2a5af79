//! What kind of system it is: where init scripts are, whether systemd runs, which folders it has.

use super::options::Options;
use super::tree::Tree;
use std::path::Path;

/// The system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Layout {
    /// Where init scripts are, without the first slash.
    pub(super) init_dir: &'static str,
    /// It has systemd for its first process.
    pub(super) systemd: bool,
    /// The folder for completions, if bash completes here.
    pub(super) completions: Option<&'static str>,
    /// It turns logs over.
    pub(super) logrotate: bool,
    /// It has pages of a manual.
    pub(super) man: bool,
}

impl Layout {
    /// Look at it.
    pub(super) fn of(tree: &Tree, options: &Options) -> Self {
        let is_dir = |path: &str| tree.path(Path::new(path)).is_dir();
        // Below a root nothing runs; what is there says what will.
        let systemd = if options.root.is_some() {
            ["usr/lib/systemd/systemd", "lib/systemd/systemd"]
                .iter()
                .any(|path| tree.path(Path::new(path)).is_file())
        } else {
            is_dir("run/systemd/system")
        };
        let completions = ["usr/share/bash-completion/completions", "etc/bash_completion.d"];
        Self {
            init_dir: if is_dir("etc/rc.d/init.d") { "etc/rc.d/init.d" } else { "etc/init.d" },
            systemd,
            completions: completions.into_iter().find(|path| is_dir(path)),
            logrotate: is_dir("etc/logrotate.d"),
            man: is_dir("usr/share/man"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::root_tests::root;
    use super::*;

    #[test]
    fn a_system_of_2003_and_one_of_today() {
        let old = root("layout-old", &["etc/rc.d/init.d/", "usr/share/man/", "etc/logrotate.d/"]);
        let (tree, options) = old.tree();
        let layout = Layout::of(&tree, &options);
        assert_eq!((layout.init_dir, layout.systemd, layout.completions), ("etc/rc.d/init.d", false, None));
        assert!(layout.man && layout.logrotate);
        let new = root(
            "layout-new",
            &["etc/init.d/", "lib/systemd/systemd", "usr/share/bash-completion/completions/"],
        );
        let (tree, options) = new.tree();
        let layout = Layout::of(&tree, &options);
        assert_eq!((layout.init_dir, layout.systemd), ("etc/init.d", true));
        assert_eq!(layout.completions, Some("usr/share/bash-completion/completions"));
        assert!(!layout.man && !layout.logrotate);
    }
}
