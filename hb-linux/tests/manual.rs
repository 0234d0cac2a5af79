//! What the manual shows is what the program takes: its files pass `hbd check`, each command of every page with all of its words.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// Every page of the project.
fn pages() -> Vec<String> {
    let mut found = vec!["README.md".to_owned(), "ARCHITECTURE.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    for folder in ["docs", "docs/spec", "docs/zh"] {
        let names = fs::read_dir(Path::new(ROOT).join(folder)).expect("a folder").flatten();
        let names = names.filter_map(|entry| entry.file_name().into_string().ok());
        found.extend(names.filter(|name| name.ends_with(".md")).map(|name| format!("{folder}/{name}")));
    }
    found.sort();
    found
}

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

/// The commands of a page with their words, wherever it shows one in code. What is a form (`[…]`, `A|B`) is none.
fn commands(page: &str) -> BTreeSet<Vec<String>> {
    let code = page.split('`').skip(1).step_by(2).chain(page.split("```").skip(1).step_by(2));
    let parts = code.flat_map(str::lines).flat_map(|line| line.split([';', ',', '&']));
    parts.filter_map(command).collect()
}

/// The one that begins a part, stands behind `ssh HOST`, or ends a line of the log: `on both nodes: hbd stop`.
fn command(part: &str) -> Option<Vec<String>> {
    let part = part.trim().trim_start_matches("then ").trim_start_matches("./");
    let begins = part.strip_prefix("hbd ").or_else(|| part.strip_prefix("hbd-full "));
    let behind = |mark: &str| part.split_once(mark).and_then(|(_, rest)| rest.split_once("hbd "));
    let told = [": hbd ", "(hbd ", "see hbd "].iter().find_map(|mark| Some(part.split_once(mark)?.1));
    let remote = behind("ssh ").filter(|(host, _)| !host.trim().contains(' ')).map(|(_, rest)| rest);
    let rest = begins.or(remote).or(told)?;
    // A remark behind it, and where its output goes.
    let rest = rest.split(" #").next()?.split(" > ").next()?.split(" | ").next()?.split("  ").next()?;
    let rest = rest.split(')').next()?;
    let form = rest.contains(['[', '|', '(', '=', ':']) || rest.contains("...");
    // Prose goes on behind the command: `hbd reload there`, `hbd check says more`.
    let words = rest.split_whitespace().take_while(|word| !["says", "there", "once", "names"].contains(word));
    let words: Vec<String> = words.map(|word| word.replace("PORT", "8694").replace('…', "NAME")).collect();
    let verb = words.first()?;
    let sentence = verb == "is" || !verb.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    (!form && !sentence).then_some(words)
}

/// What is wrong with a command, whichever part of the program reads its words.
fn refused(words: &[String], empty: &Path) -> Option<String> {
    let asked = hb_linux::cli::args::parse(words.iter().map(Into::into));
    // A verb alone is spoken of, not shown.
    let spoken = words.iter().skip(1).all(|word| word.starts_with("--") || word == "restore");
    let needs = |text: &str| spoken && text.contains(" need");
    if let Err(usage) = &asked {
        return (!needs(&usage.text)).then(|| usage.text.clone());
    }
    // These read their words themselves. None finds anything to do in an empty folder, and none gets that far without an answer.
    let own = ["events", "export", "simulate", "drill", "config", "data"].contains(&words[0].as_str());
    let places = ["--config-dir", "--state-dir", "--run-dir"]
        .map(|place| [place.to_owned(), empty.display().to_string()]);
    let words: Vec<&str> =
        words.iter().map(String::as_str).chain(places.iter().flatten().map(String::as_str)).collect();
    let output = own.then(|| Command::new(env!("CARGO_BIN_EXE_hbd")).args(words).output().expect("hbd"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code() == Some(2) && !needs(&said)).then_some(said)
}

fn wrong(name: &str, page: &str, empty: &Path) -> (usize, Vec<String>) {
    let commands = commands(page);
    let told =
        |words: &Vec<String>| Some(format!("{name}: hbd {}: {}", words.join(" "), refused(words, empty)?));
    (commands.len(), commands.iter().filter_map(told).collect())
}

#[test]
fn each_command_of_the_pages_is_taken_with_all_of_its_words() {
    let empty = std::env::temp_dir().join(format!("hbd-commands-{}", std::process::id()));
    fs::create_dir_all(&empty).expect("directory");
    let (mut seen, mut all) = (0, Vec::new());
    for name in pages() {
        let (count, found) = wrong(&name, &page(&name), &empty);
        seen += count;
        all.extend(found);
    }
    assert!(all.is_empty(), "{all:#?}");
    assert!(seen >= 180, "{seen} commands");
    // A mistake is seen, wherever it stands.
    for shown in [
        "statu",
        "status --jsn",
        "events --sinse 1",
        "drill a b",
        "simulate --kil x",
        "clear a b",
        "data lst",
    ] {
        for page in [
            format!("`hbd {shown}`"),
            format!("```\nssh ha-1 hbd {shown}\n```"),
            format!("`so: hbd {shown}`"),
        ] {
            assert_eq!(wrong("a page", &page, &empty).1.len(), 1, "{page}");
        }
    }
    fs::remove_dir_all(&empty).expect("remove");
}

#[test]
fn a_page_and_its_twin_show_the_same_files() {
    let shown = |name: &str, kind: &str| {
        let page = page(name);
        let code = page.split(&format!("```{kind}\n")).nth(1).and_then(|rest| rest.split("```").next());
        let lines = code.unwrap_or_else(|| panic!("{name} shows {kind}")).lines();
        // What a line says, without the remark.
        lines
            .map(|line| line.split('#').next().unwrap_or_default().trim().to_owned())
            .filter(|l| !l.is_empty())
            .collect::<Vec<_>>()
    };
    for kind in ["ha.cf", "haresources", "authkeys"] {
        assert_eq!(shown("docs/manual.md", kind), shown("docs/zh/manual.md", kind), "{kind}");
    }
}
