//! `hbd install --from-heartbeat`: what the original left behind that would be in the way, and what will differ.

use super::layout::Layout;
use super::options::Options;
use super::tree::Tree;
use super::{STATE_DIR, parts};
use crate::cli::say;
use crate::config::{self, Class, Paths};
use crate::scripts::program;
use crate::texts::Text;
use std::fs;
use std::path::{Path, PathBuf};

const IPADDR: &str = "etc/ha.d/resource.d/IPaddr";
/// Findings that are shown: one screen is all that is read.
const SHOWN: usize = 12;

/// Say what will differ, and move aside what is in the way.
pub(super) fn take_over(tree: &mut Tree, layout: &Layout, options: &Options) -> Result<(), String> {
    if !tree.exists("etc/ha.d/ha.cf") {
        return Err(
            "there is no /etc/ha.d/ha.cf to take over; without --from-heartbeat samples are put there"
                .to_string(),
        );
    }
    say(Text::Differences.read().trim_end());
    for line in findings(tree, options) {
        say(&format!("  - {line}"));
    }
    let script = format!("{}/heartbeat", layout.init_dir);
    if tree.exists(&script) && !parts::is_ours(&tree.path(Path::new(&script))) {
        tree.aside(&script)?;
    }
    if needs_findif(&tree.path(Path::new(IPADDR))) && !has_findif(tree) {
        tree.aside(IPADDR)?;
    }
    Ok(())
}

/// What `hbd check` would say of the files themselves; they are left as they are.
fn findings(tree: &Tree, options: &Options) -> impl Iterator<Item = String> {
    let mut paths = Paths::new(tree.path(Path::new("etc/ha.d")));
    paths.init_dirs = ["etc/rc.d/init.d", "etc/init.d"].map(|dir| tree.path(Path::new(dir))).into();
    paths.state_dir = tree.path(Path::new(STATE_DIR));
    // Below a root this machine's name says nothing: any of the two will do.
    let node = options.root.as_ref().and_then(|_| first_node(&paths.ha_cf()));
    let (_, findings) = config::load(&paths, node.as_deref());
    let mut lines: Vec<String> = findings
        .of(Class::Configuration)
        .chain(findings.of(Class::Warning))
        .map(ToString::to_string)
        .collect();
    let more = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    if more > 0 {
        lines.push(format!("{more} more; hbd check says all"));
    }
    lines.into_iter()
}

fn first_node(ha_cf: &Path) -> Option<String> {
    let text = fs::read(ha_cf).ok()?;
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines()
        .find_map(|line| line.trim().strip_prefix("node")?.split_whitespace().next().map(ToString::to_string))
}

/// Is it the original's script, which calls a program of its package?
fn needs_findif(path: &Path) -> bool {
    fs::read(path).is_ok_and(|text| text.windows(6).any(|word| word == b"findif"))
}

fn has_findif(tree: &Tree) -> bool {
    let below = |dir: &&str| tree.path(&PathBuf::from(dir.trim_start_matches('/')).join("findif")).is_file();
    program::ORIGINAL_TOOLS.iter().any(below)
}

#[cfg(test)]
mod tests {
    use super::super::remove;
    use super::super::root_tests::root;
    use super::*;

    const SEED: [(&str, &str); 3] = [
        ("ha.cf", include_str!("../../tests/seed/ha.cf")),
        ("haresources", include_str!("../../tests/seed/haresources")),
        ("authkeys", include_str!("../../tests/seed/authkeys")),
    ];

    #[test]
    fn the_originals_leavings_go_aside_and_come_back() {
        let root = root("from", &["etc/rc.d/init.d/heartbeat", IPADDR]);
        let write = |path: &str, text: &str| fs::write(root.dir().join(path), text).unwrap();
        for (name, text) in SEED {
            write(&format!("etc/ha.d/{name}"), text);
        }
        write("etc/rc.d/init.d/heartbeat", "#!/bin/sh\n# theirs\n");
        write(IPADDR, "#!/bin/sh\n$HA_BIN/findif -C\n");
        let before = root.all();
        let (mut tree, options) = root.tree();
        let layout = Layout::of(&tree, &options);
        // The wrong name is named, with its line, and left.
        let said: Vec<String> = findings(&tree, &options).collect();
        assert!(said.iter().any(|line| line.contains("haresources:") && line.contains("ha-a")), "{said:?}");
        assert!(said.len() + Text::Differences.read().lines().count() <= 24, "one screen: {said:#?}");
        take_over(&mut tree, &layout, &options).unwrap();
        parts::put_all(&mut tree, &layout).unwrap();
        let read = |path: &str| fs::read_to_string(root.dir().join(path)).unwrap();
        assert!(
            read("etc/rc.d/init.d/heartbeat").contains("hbd")
                && read(&format!("{IPADDR}.orig")).contains("findif")
        );
        assert_eq!(read("etc/ha.d/haresources"), SEED[1].1);
        assert!(!root.dir().join(IPADDR).exists());
        // Once more finds nothing in the way.
        let all = root.all();
        let mut tree = Tree::open(&options).unwrap();
        take_over(&mut tree, &layout, &options).unwrap();
        parts::put_all(&mut tree, &layout).unwrap();
        assert_eq!(root.all(), all);
        remove::all(Tree::open(&options).unwrap(), &options).unwrap();
        assert_eq!(root.all(), before);
    }

    #[test]
    fn a_script_that_finds_its_findif_stays_and_no_files_are_no_heartbeat() {
        let root = root("from-2", &["etc/ha.d/", IPADDR, "usr/lib/heartbeat/findif", "etc/init.d/"]);
        let (mut tree, options) = root.tree();
        let layout = Layout::of(&tree, &options);
        assert!(take_over(&mut tree, &layout, &options).unwrap_err().contains("ha.cf"));
        for (name, text) in SEED {
            fs::write(root.dir().join("etc/ha.d").join(name), text).unwrap();
        }
        fs::write(root.dir().join(IPADDR), "findif\n").unwrap();
        take_over(&mut tree, &layout, &options).unwrap();
        assert!(root.dir().join(IPADDR).is_file());
    }
}
