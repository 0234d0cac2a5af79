//! What there is to put, and where.

use super::layout::Layout;
use super::samples;
use super::tree::Tree;
#[cfg(feature = "manual")]
use super::troff;
use crate::cli::say;
use crate::texts::Text;
use std::path::Path;

/// The program itself.
const PROGRAM: &str = "usr/sbin/hbd";
/// What the links lead to.
const TARGET: &str = "/usr/sbin/hbd";

/// Where the original has its programs: 1.0 all but the second and the last two, later ones those.
const LINKS: [&str; 6] = [
    "usr/lib/heartbeat/heartbeat",
    "usr/bin/cl_status",
    "usr/lib/heartbeat/hb_standby",
    "usr/lib/heartbeat/hb_takeover",
    "usr/share/heartbeat/hb_standby",
    "usr/share/heartbeat/hb_takeover",
];

/// Where units of the administrator are.
const UNITS: &str = "etc/systemd/system";

/// Is this file hbd's own init script, of whatever version?
pub(super) fn is_ours(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|text| text.windows(11).any(|word| word == b"HBD_PROGRAM"))
}

/// Put everything that this kind of system takes.
pub(super) fn put_all(tree: &mut Tree, layout: &Layout) -> Result<(), String> {
    let own = std::fs::read("/proc/self/exe").map_err(|error| format!("/proc/self/exe: {error}"))?;
    tree.file(PROGRAM, &own, 0o755)?;
    for link in LINKS {
        tree.link(link, TARGET)?;
    }
    if !tree.file(&format!("{}/heartbeat", layout.init_dir), Text::InitScript.read().as_bytes(), 0o755)? {
        say("                 that init script is somebody else's: --from-heartbeat moves it aside");
    }
    if layout.systemd {
        let unit = format!("{UNITS}/heartbeat.service");
        tree.file(&unit, Text::Unit.read().as_bytes(), 0o644)?;
        // What `systemctl enable` would make of its last section.
        for link in ["hbd.service", "multi-user.target.wants/heartbeat.service"] {
            tree.link(&format!("{UNITS}/{link}"), &format!("/{unit}"))?;
        }
    }
    samples::put_files(tree)?;
    if layout.logrotate {
        tree.file("etc/logrotate.d/heartbeat", Text::Logrotate.read().as_bytes(), 0o644)?;
    }
    #[cfg(feature = "manual")]
    if let Some(dir) = layout.completions {
        let text = Text::Completion.read().replace("@CASES@\n", &crate::cli::commands::completion());
        tree.file(&format!("{dir}/hbd"), text.as_bytes(), 0o644)?;
    }
    #[cfg(feature = "manual")]
    if layout.man {
        for page in troff::PAGES {
            tree.file(
                &format!("usr/share/man/man{}/{}.{0}", page.section, page.name),
                page.text().as_bytes(),
                0o644,
            )?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::root_tests::root;
    use super::*;

    const OLD: [&str; 4] = ["etc/rc.d/init.d/", "etc/logrotate.d/", "usr/share/man/man8/", "var/lib/"];

    #[test]
    fn a_second_time_changes_nothing() {
        let root = root("parts", &OLD);
        let (mut tree, options) = root.tree();
        let layout = Layout::of(&tree, &options);
        put_all(&mut tree, &layout).unwrap();
        let all = root.all();
        for path in
            ["usr/sbin/hbd", "etc/rc.d/init.d/heartbeat", "etc/ha.d/authkeys", "usr/share/man/man5/ha.cf.5"]
        {
            assert!(all.iter().any(|line| line.contains(path)), "{path}");
        }
        put_all(&mut Tree::open(&options).unwrap(), &layout).unwrap();
        assert_eq!(root.all(), all);
    }
}
