//! Runs the i586 binary on an emulated Pentium.

use super::{Check, seed};
use crate::paths;
use crate::proc::{Cmd, Output};
use std::path::Path;
use std::time::Duration;

const QEMU: &str = "qemu-i386-static";

/// Every check that runs the binary.
pub fn checks(binary: &Path, full: &Path) -> Vec<Check> {
    vec![
        ("version on a Pentium", pentium(binary, &["version"]).and_then(|o| version(&o))),
        ("check of the seed on a Pentium", check_seed(binary)),
        ("commands in its help", commands(binary)),
        ("the full one on a Pentium", pentium(full, &["help"]).and_then(|o| lists(&o.stdout, "linktest"))),
    ]
}

fn pentium(binary: &Path, args: &[&str]) -> Result<Output, String> {
    if paths::which(QEMU).is_none() {
        return Err(format!("{QEMU} is missing; install the package qemu-user-static"));
    }
    Cmd::new(QEMU).args(["-cpu", "pentium"]).args([binary]).args(args).limit(Duration::from_secs(60)).output()
}

fn version(out: &Output) -> Result<String, String> {
    let first = out.stdout.lines().next().unwrap_or_default();
    if out.code == Some(0) && first.starts_with("hbd ") {
        Ok(first.to_owned())
    } else {
        Err(format!("exit {:?}, said {first:?} {}", out.code, out.stderr.trim()))
    }
}

fn check_seed(binary: &Path) -> Result<String, String> {
    let dir = paths::scratch("dist/seed")?;
    seed::write(&dir)?;
    let dir = dir.display().to_string();
    seed_verdict(&pentium(binary, &["check", "--node", "ha-1", "--config-dir", &dir])?)
}

/// What this build lacks is not named in its help, and the rest is.
fn commands(binary: &Path) -> Result<String, String> {
    named(&pentium(binary, &["help"])?.stdout)
}

fn lists(help: &str, word: &str) -> Result<String, String> {
    let found =
        help.lines().find(|line| line.trim_start().strip_prefix("hbd ").is_some_and(|l| l.starts_with(word)));
    found.map(|line| line.trim().to_owned()).ok_or_else(|| format!("its help does not name {word}"))
}

fn named(help: &str) -> Result<String, String> {
    let wanted = ["sync", "data", "check"];
    let lacking =
        ["demo", "linktest", "events", "why", "monitor", "config", "simulate", "drill", "guard", "fence"];
    for word in wanted {
        lists(help, word)?;
    }
    match lacking.into_iter().find(|word| lists(help, word).is_ok()) {
        Some(word) => Err(format!("its help names {word}, which it has not")),
        None => Ok("with sync and data, without what only the full one has".to_owned()),
    }
}

/// The seed's files disagree: exit 6 (not configured), and the stranger named with its file and line.
fn seed_verdict(out: &Output) -> Result<String, String> {
    let said = format!("{}{}", out.stdout, out.stderr);
    let found = said.lines().find(|line| line.contains("haresources:1") && line.contains("ha-a"));
    match (out.code, found) {
        (Some(6), Some(line)) => Ok(format!("exit 6: {}", line.trim())),
        (code, _) => {
            Err(format!("exit {code:?}, wanted 6 with a line on ha-a in haresources:1; said:\n{said}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(code: i32, stdout: &str) -> Output {
        Output { code: Some(code), stdout: stdout.to_owned(), stderr: String::new() }
    }

    #[test]
    fn a_version_needs_exit_0_and_the_name() {
        assert!(version(&out(0, "hbd 0.1.0\n")).is_ok());
        assert!(version(&out(1, "hbd 0.1.0\n")).is_err());
        assert!(version(&out(0, "")).is_err());
    }

    #[test]
    fn a_command_that_is_not_there_is_named_nowhere() {
        let text = "  hbd sync [GROUP]\n  hbd data list\n  hbd check X\n";
        assert!(named(text).is_ok());
        assert!(named(&format!("{text}  hbd demo  show\n")).is_err_and(|e| e.contains("names demo")));
        assert!(named("  hbd sync\n  hbd check\n").is_err_and(|e| e.contains("does not name data")));
    }

    #[test]
    fn the_seed_needs_exit_6_and_the_stranger_by_name() {
        let line = "/etc/ha.d/haresources:1: ha-a is no node of ha.cf; write ha-1 or ha-2\n";
        assert!(seed_verdict(&out(6, line)).is_ok());
        assert!(seed_verdict(&out(1, line)).is_err());
        assert!(seed_verdict(&out(6, "something is wrong\n")).is_err());
    }
}
