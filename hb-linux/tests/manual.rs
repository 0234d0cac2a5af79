//! What the manual shows is what the program takes: its files pass `hbd check`, its commands are those of `hbd help`.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const PAGES: [&str; 6] = [
    "README.md",
    "docs/manual.md",
    "docs/log.md",
    "docs/migration.md",
    "docs/configuration.md",
    "docs/cable.md",
];

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(name)).expect("the page is there")
}

fn hbd(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_hbd")).args(words).output().expect("hbd");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_files_of_the_manual_have_no_configuration_error() {
    let dir = std::env::temp_dir().join(format!("hbd-manual-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("directory");
    let manual = page("docs/manual.md");
    for name in ["ha.cf", "haresources", "authkeys"] {
        let shown = manual.split(&format!("```{name}\n")).nth(1).and_then(|rest| rest.split("```").next());
        let path = dir.join(name);
        fs::write(&path, shown.unwrap_or_else(|| panic!("the manual shows {name}"))).expect("write");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("mode");
    }
    let config = dir.display().to_string();
    for node in ["ha-1", "ha-2"] {
        let told = hbd(&["check", "--config-dir", &config, "--node", node]);
        assert!(!told.contains("Configuration errors"), "{told}");
        assert!(told.contains("  192.168.2.50 prefers ha-1:\n"), "{told}");
        // Nothing in them needs an excuse: what is warned of is the machine's, not the files'.
        let warned: Vec<&str> =
            told.lines().filter(|line| line.contains("keepalive") && line.contains("; ")).collect();
        assert!(warned.is_empty(), "{warned:?}");
    }
    fs::remove_dir_all(&dir).expect("remove");
}

/// `hbd VERB` wherever a page shows one in code.
fn verbs(page: &str) -> BTreeSet<&str> {
    let code = page.split('`').skip(1).step_by(2).chain(page.split("```").skip(1).step_by(2));
    code.flat_map(str::lines).filter_map(verb).collect()
}

fn verb(line: &str) -> Option<&str> {
    let rest = line.trim_start().trim_start_matches("./").strip_prefix("hbd ")?;
    let verb = rest.split([' ', ';', ',']).next()?;
    // What the log says of the daemon is none.
    let sentence = rest.starts_with("is gone");
    (!sentence && verb.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')).then_some(verb)
}

#[test]
fn each_command_of_the_pages_is_one() {
    let help = hbd(&["help"]);
    let mut seen = 0;
    for name in PAGES {
        // What the README says is not there yet is none.
        let page = page(name);
        let page = page.split("## Not there yet").next().unwrap_or_default();
        for verb in verbs(page) {
            assert!(help.contains(&format!("hbd {verb}")), "{name}: hbd {verb} is no command:\n{help}");
            seen += 1;
        }
    }
    assert!(seen >= 20, "{seen} commands");
}
