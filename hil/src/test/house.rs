//! House rules that no compiler checks: what the daemon may not call because Linux 2.4 lacks it (DESIGN §1), where unsafe
//! code may be, no work left marked as undone, no line of the log that the manual does not explain, no page that its
//! Chinese twin contradicts, no path in the map of the project that leads nowhere.

use super::{Outcome, map, messages, source, staged, twins};
use crate::paths;
use std::fs;
use std::path::Path;

/// What the daemon's shipped code may not name. Each needs something newer than 2.4.20, or panics there.
const NOT_ON_2_4: &[&str] = &[
    "std::process::Command",
    "process::Command",
    "std::thread",
    "std::time",
    "core::time::Instant",
    "Instant::now",
    "SystemTime",
    "UdpSocket",
    "TcpStream",
    "TcpListener",
    "ToSocketAddrs",
    "epoll",
    "signalfd",
    "timerfd",
    "eventfd",
    "inotify",
    "ppoll",
    "pselect",
    "pipe2",
    "accept4",
    "dup3",
    "openat",
    "unlinkat",
    "fstatat",
    "SOCK_CLOEXEC",
    "SOCK_NONBLOCK",
    "posix_spawn",
    "getrandom",
    "recvmmsg",
    "sendmmsg",
    "clock_nanosleep",
    "timer_create",
    "waitid",
    "SO_REUSEPORT",
    "remove_dir_all",
    "prlimit",
];

/// Marks of unfinished work, looked for in comments too. Built so that this file does not name itself.
const UNDONE: &[&str] =
    &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("unimple", "mented!"), concat!("to", "do!(")];

/// The bridge's boards: unsafe code is in their register files alone.
const BOARDS: &str = "hb-serial-bridge/boards/";

/// Every folder with source of the project.
pub(super) const CRATES: [&str; 7] =
    ["hb-core", "hb-linux", "hb-serial-bridge", "proof", "fuzz", "tests", "hil"];

/// Scans the source of every crate.
pub(super) fn check() -> Outcome {
    let root = paths::root();
    let (mut files, mut wrong) = (0, Vec::new());
    let cases = fs::read_to_string(root.join(CASES)).map_err(|e| format!("{CASES}: {e}"))?;
    let mut named = tests_named(&cases);
    for name in CRATES {
        for path in source::rust_files(&root.join(name))? {
            let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            let relative = path.strip_prefix(&root).unwrap_or(&path);
            wrong.extend(faults(relative, &text));
            named.retain(|(_, test)| !text.contains(&format!("fn {test}()")));
            files += 1;
        }
    }
    for lib in ["hb-core/src/lib.rs", "hb-serial-bridge/src/lib.rs"] {
        let text = fs::read_to_string(root.join(lib)).unwrap_or_default();
        if !source::code_only(&text).contains("#![forbid(unsafe_code)]") {
            wrong.push(format!("{lib}: no #![forbid(unsafe_code)]"));
        }
    }
    wrong.extend(named.iter().map(|(n, test)| format!("{CASES}:{n}: {test}: there is no such test")));
    wrong.extend(map::faults(&root));
    wrong.extend(messages::faults(&root));
    wrong.extend(staged::faults(&root));
    wrong.extend(twins::faults(&root));
    if wrong.is_empty() { Ok(format!("{files} files")) } else { Err(wrong.join("\n")) }
}

/// The page that says which test holds what.
const CASES: &str = "docs/cases.md";

/// The functions that [`CASES`] names, each with its line: words in backticks of so many parts that they can be no call.
fn tests_named(page: &str) -> Vec<(usize, &str)> {
    let words = page
        .lines()
        .enumerate()
        .flat_map(|(n, line)| line.split('`').skip(1).step_by(2).map(move |word| (n + 1, word)));
    let test = |word: &str| {
        word.matches('_').count() > 2 && word.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    words.filter(|(_, word)| test(word)).collect()
}

/// What is wrong in one file, as `file:line: what`.
fn faults(path: &Path, text: &str) -> Vec<String> {
    let code = source::code_only(text);
    let shipped = source::without_tests(&code);
    // `tests.rs` and `x_tests.rs` beside the code are compiled for tests alone.
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let test_file = stem == "tests" || stem.ends_with("_tests");
    let daemon = path.starts_with("hb-linux/src") && !test_file;
    // A board has its registers, attributes of the linker, where a section is "unsafe", and defmt's logger, which is an unsafe trait.
    let unsafe_allowed = path.starts_with("hb-linux/src/sys")
        || path.starts_with(BOARDS) && matches!(stem, "registers" | "boot" | "log_defmt");
    let product = path.starts_with("hb-linux/src")
        || path.starts_with("hb-core")
        || path.starts_with("hb-serial-bridge");
    let mut wrong = Vec::new();
    let mut report = |n: usize, what: String| wrong.push(format!("{}:{}: {what}", path.display(), n + 1));
    for (n, line) in shipped.lines().enumerate().filter(|_| daemon) {
        for name in NOT_ON_2_4.iter().filter(|name| names(line, name)) {
            report(n, format!("{name}: not on Linux 2.4.20; use what hb-linux/src/sys offers"));
        }
    }
    for (n, line) in code.lines().enumerate().filter(|_| product && !unsafe_allowed) {
        if names(line, "unsafe") {
            report(n, "unsafe code outside hb-linux/src/sys and the boards' registers".to_owned());
        }
    }
    for (n, line) in text.lines().enumerate() {
        for mark in UNDONE.iter().filter(|mark| line.contains(**mark)) {
            report(n, format!("{mark}: finish it, or say plainly what is not there"));
        }
    }
    wrong
}

/// True when the name stands in the line and neither begins nor ends inside a longer one.
fn names(line: &str, name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + name.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        faults(Path::new(path), text).len()
    }

    #[test]
    fn calls_that_2_4_lacks_are_refused_in_the_daemon_only() {
        assert_eq!(found("hb-linux/src/a.rs", "use std::thread;\n"), 1);
        assert_eq!(found("hb-linux/src/sys/a.rs", "libc::pipe2(fds, 0);\n"), 1);
        assert_eq!(found("hb-linux/src/a.rs", "let flags = libc::SOCK_CLOEXEC;\n"), 1);
        assert_eq!(found("hil/src/a.rs", "use std::thread;\n"), 0);
        assert_eq!(found("hb-linux/src/a.rs", "// no epoll here\nlet my_pipe2x = \"openat\";\n"), 0);
        assert_eq!(found("hb-linux/src/a/tests.rs", "fn a() { std::thread::yield_now() }\n"), 0);
        assert_eq!(found("hb-linux/src/a/contests.rs", "fn a() { std::thread::yield_now() }\n"), 1);
        assert_eq!(found("hb-linux/src/a.rs", "#[cfg(test)]\nmod tests { use std::thread; }\n"), 0);
    }

    #[test]
    fn a_page_names_tests_by_their_functions() {
        let page = "# x\n| `tests.rs` `one_that_holds_it`, `xtask faults` | `a_b` |\n`c17_what_was_told`\n";
        assert_eq!(tests_named(page), [(2, "one_that_holds_it"), (3, "c17_what_was_told")]);
    }

    #[test]
    fn unsafe_code_stays_in_sys() {
        assert_eq!(found("hb-linux/src/sys/fd.rs", "unsafe { f() }\n"), 0);
        assert_eq!(found("hb-linux/src/link/a.rs", "unsafe { f() }\n"), 1);
        assert_eq!(found("hb-serial-bridge/boards/x/src/registers.rs", "unsafe { f() }\n"), 0);
        assert_eq!(found("hb-serial-bridge/boards/x/src/main.rs", "unsafe { f() }\n"), 1);
        assert_eq!(found("hb-core/src/a.rs", "unsafe fn f() {}\n"), 1);
        assert_eq!(found("hb-core/src/a.rs", "#![forbid(unsafe_code)]\n"), 0);
    }

    #[test]
    fn unfinished_work_is_found_in_comments_too() {
        assert_eq!(found("hil/src/a.rs", &format!("// {}: later\n", UNDONE[0])), 1);
        assert_eq!(found("hb-core/src/a.rs", &format!("fn f() {{ {}) }}\n", UNDONE[3])), 1);
    }
}
