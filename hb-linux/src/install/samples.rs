//! Samples of the three files: everything that can be written, as comments, and the least that works.

use super::markdown::{self, Block};
use super::tree::Tree;
use crate::cli::say;
use crate::sys::random;
use crate::texts::Text;
use core::fmt::Write as _;

/// Columns of a comment at most.
const WIDTH: usize = 98;

/// Behind all comments. No machine has these names, so no daemon starts on a sample that nobody wrote into.
const HA_CF: &str = "\
# ---- In force. Write the two names that `uname -n` prints, and the interface of the cable between them.

node node-a node-b
keepalive 2
warntime 8
deadtime 10
initdead 120
auto_failback on
#baud 19200
#serial /dev/ttyS0
udpport 694
bcast eth1
#ping 192.168.2.1
#watchdog /dev/watchdog
logfacility local0
logfile /var/log/ha-log
debugfile /var/log/ha-debug
";

const HARESOURCES: &str = "\
# ---- In force. The same file on both nodes: the preferred node, then what moves.

node-a 192.0.2.50
";

const KEYS: &str = "\
# ---- In force. The same file on both nodes: copy this one, its key is random.

auth 1
1 sha1 ";

/// `ha.cf`, `haresources` or `authkeys`; `key` is the secret of the last one.
fn text(name: &str, key: &str) -> String {
    let mut out = String::new();
    let man = if cfg!(feature = "manual") { "man" } else { "docs/configuration.md of the archive," };
    let _ = writeln!(out, "# {name}: {man} {name}, hbd check. Lines that begin with # have no effect.");
    #[cfg(feature = "manual")]
    comments(&mut out, name);
    out.push_str("#\n");
    match name {
        "ha.cf" => out.push_str(HA_CF),
        "haresources" => out.push_str(HARESOURCES),
        _ => {
            let _ = writeln!(out, "{KEYS}{key}");
        }
    }
    out
}

/// What its page says of the file.
#[cfg(feature = "manual")]
fn comments(out: &mut String, name: &str) {
    let page = Text::Configuration.read();
    for block in markdown::blocks(markdown::section(&page, name)) {
        put(out, &block);
    }
}

fn put(out: &mut String, block: &Block<'_>) {
    match block {
        Block::Heading(_, title) => {
            let _ = write!(out, "#\n# ---- {title}\n");
        }
        Block::Text(text) => {
            out.push_str("#\n");
            wrapped(out, "# ", text);
        }
        Block::Code(lines) => {
            out.push_str("#\n");
            lines.iter().for_each(|line| {
                let _ = writeln!(out, "#     {line}");
            });
        }
        Block::Table(rows) => {
            let Some((columns, rows)) = rows.split_first() else { return };
            for row in rows {
                out.push_str("#\n");
                wrapped(out, "#   ", row.first().map_or("", String::as_str));
                wrapped(out, "#       ", &markdown::rest(columns, row));
            }
        }
    }
}

/// A text as comment lines without its looks.
fn wrapped(out: &mut String, front: &str, text: &str) {
    let plain: String = markdown::pieces(text).into_iter().map(|(_, piece)| piece).collect();
    let mut column = 0;
    for word in plain.split_whitespace() {
        if column > 0 && column + 1 + word.len() <= WIDTH {
            out.push(' ');
            column += 1;
        } else {
            out.push_str(if column > 0 { "\n" } else { "" });
            out.push_str(front);
            column = front.len();
        }
        out.push_str(word);
        column += word.len();
    }
    out.push('\n');
}

/// Put the samples in place, where none of the three files is there; else beside, as `NAME.sample`: a file of one's own and
/// a sample would make a pair that nobody meant, and two fresh keys on two nodes hear nobody.
pub(super) fn put_files(tree: &mut Tree) -> Result<(), String> {
    const NAMES: [&str; 3] = ["ha.cf", "haresources", "authkeys"];
    let path = |name: &str| format!("etc/ha.d/{name}");
    let bare = !NAMES.iter().any(|name| tree.exists(&path(name)));
    let mut bytes = [0; 16];
    random::fill(&mut bytes).map_err(|why| format!("/dev/urandom: {why}"))?;
    let key: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    for name in NAMES {
        let place = if bare { path(name) } else { format!("{}.sample", path(name)) };
        if tree.exists(&path(name)) || tree.exists(&place) {
            tree.tell("there already", "there already", &path(name));
            continue;
        }
        tree.file(&place, text(name, &key).as_bytes(), if name == "authkeys" { 0o600 } else { 0o644 })?;
    }
    if bare {
        tree.put_samples();
    } else if NAMES.iter().any(|name| !tree.exists(&path(name))) {
        say("  One of the three files is missing: write it, or take its .sample on both nodes.");
    }
    tree.dir("etc/ha.d/resource.d")
}

#[cfg(test)]
mod tests {
    use super::super::root_tests::root;
    use super::*;
    use crate::config::{Class, Paths, check, load};
    use std::fs;

    #[test]
    fn check_finds_no_fault_with_them() {
        let root = root("samples", &["etc/"]);
        let (mut tree, _) = root.tree();
        put_files(&mut tree).unwrap();
        let paths = Paths::new(root.dir().join("etc/ha.d"));
        for node in ["node-a", "node-b"] {
            let (settings, findings) = load(&paths, Some(node));
            assert!(settings.is_some() && !findings.any(Class::Configuration), "{findings:?}");
            let mut out = Vec::new();
            let code = check::run(&paths, Some(node), None, &mut out).unwrap();
            let out = String::from_utf8(out).unwrap();
            assert!(code <= 1 && out.contains("configuration errors 0"), "{code}: {out}");
        }
        // A machine of another name does not start on them.
        assert!(load(&paths, Some("ha-1")).0.is_none());
        let keys = fs::read_to_string(paths.authkeys()).unwrap();
        let other = root_keys();
        assert_ne!(keys.lines().last(), other.lines().last(), "a fresh key each time");
    }

    fn root_keys() -> String {
        let root = root("samples-2", &["etc/"]);
        put_files(&mut root.tree().0).unwrap();
        fs::read_to_string(root.dir().join("etc/ha.d/authkeys")).unwrap()
    }

    #[test]
    fn every_directive_is_there_with_range_and_default() {
        let text = text("ha.cf", "");
        for name in crate::config::directives().filter(|name| !matches!(*name, "crm" | "udp")) {
            let at = text.lines().position(|line| {
                line.strip_prefix("#   ").is_some_and(|line| line.split_whitespace().next() == Some(name))
            });
            let listed = text.lines().any(|line| line.starts_with("# ") && line.contains(name));
            assert!(
                at.is_some() || (matches!(name, "respawn" | "stonith" | "stonith_host") && listed),
                "{name}"
            );
        }
        assert!(
            text.contains("#   keepalive TIME\n#       range: 10 ms to 1 h; default: 1 s; rule: between two")
        );
        assert!(text.lines().all(|line| line.len() <= 120));
    }

    #[test]
    fn beside_files_of_ones_own_they_are_no_files() {
        let root = root("samples-own", &["etc/ha.d/ha.cf"]);
        let (mut tree, options) = root.tree();
        put_files(&mut tree).unwrap();
        let is = |name: &str| root.dir().join("etc/ha.d").join(name).is_file();
        assert!(is("haresources.sample") && is("authkeys.sample") && !is("authkeys") && !is("haresources"));
        let all = root.all();
        put_files(&mut Tree::open(&options).unwrap()).unwrap();
        assert_eq!(root.all(), all);
    }
}
