//! The words behind `hbd install`.

use lexopt::{Arg, Parser};
use std::ffi::OsString;
use std::path::PathBuf;

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Options {
    /// The directory to take for `/`; `None` is this machine itself.
    pub(super) root: Option<PathBuf>,
    /// Replace Linux-HA Heartbeat.
    pub(super) from_heartbeat: bool,
    /// Take away what was installed.
    pub(super) uninstall: bool,
    /// Say what would be done.
    pub(super) dry_run: bool,
}

/// Read them; the error is a line for people.
pub(super) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Options, String> {
    let mut parser = Parser::from_args(words);
    let mut options = Options::default();
    while let Some(arg) = parser.next().map_err(|e| e.to_string())? {
        match arg {
            Arg::Long("root") => {
                let root = PathBuf::from(parser.value().map_err(|e| e.to_string())?);
                if !root.is_dir() {
                    return Err(format!("--root {}: there is no such directory", root.display()));
                }
                // `/` is this machine, with everything that belongs to it.
                let root = root.canonicalize().map_err(|e| format!("--root {}: {e}", root.display()))?;
                options.root = (root.as_os_str() != "/").then_some(root);
            }
            Arg::Long("from-heartbeat") => options.from_heartbeat = true,
            Arg::Long("uninstall") => options.uninstall = true,
            Arg::Long("dry-run") => options.dry_run = true,
            other => {
                return Err(format!(
                    "install: {}; write some of --root DIR, --from-heartbeat, --uninstall, --dry-run",
                    other.unexpected()
                ));
            }
        }
    }
    if options.uninstall && options.from_heartbeat {
        return Err("install: --uninstall and --from-heartbeat are two things: choose one".to_string());
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_install() {
        let read = |line: &str| parse(line.split_whitespace().map(OsString::from));
        assert_eq!(read(""), Ok(Options::default()));
        assert_eq!(read("--root /").map(|o| o.root), Ok(None), "this machine");
        let both = read("--dry-run --root /tmp --from-heartbeat").unwrap();
        assert!(both.dry_run && both.from_heartbeat && both.root.is_some());
        for (line, part) in [
            ("--root /no/such/place", "no such directory"),
            ("--root", "root"),
            ("now", "write some of"),
            ("--colour", "write some of"),
            ("--uninstall --from-heartbeat", "choose one"),
        ] {
            assert!(read(line).unwrap_err().contains(part), "{line}");
        }
    }
}
