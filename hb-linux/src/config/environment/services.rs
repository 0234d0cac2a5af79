//! The scripts behind the resources, and the files that other directives name.

use super::texts;
#[cfg(feature = "systemd")]
use super::units;
use crate::config::Paths;
use crate::config::files::read_text;
use crate::config::finding::Report;
use crate::config::ha_cf::{At, HaCf};
use crate::config::scripts;
use crate::config::settings::{FenceDevice, Given, Group, Script};
use crate::fence::STONITH;
use crate::scripts::fitness::{self, Unfit};
use crate::scripts::program;
use core::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Each resource has a script that can run, and nobody else starts it.
pub(super) fn scripts(paths: &Paths, cf: &HaCf, groups: &[At<Group>], report: &mut Report<'_>) {
    let monitored = cf.monitor.is_some_and(|m| m.value.is_some());
    for resource in groups.iter().flat_map(|g| &g.value.resources) {
        let (name, line) = (&resource.name, resource.line);
        #[cfg(feature = "systemd")]
        units::enabled(paths, resource, report);
        match (scripts::find(paths, resource), &resource.script) {
            ((Script::Missing, Some(idle)), _) => report.lacks(
                line,
                format_args!("{0} has no run bit; run `chmod 755 {0}`", idle.display()),
            ),
            ((Script::Missing, None), _) => match (one_colon(name), scripts::other_case(paths, name)) {
                (Some((script, argument)), _) => report.lacks(
                    line,
                    format_args!(
                        "`{name}` has one colon where two divide a script from its argument; write `{script}::{argument}`"
                    ),
                ),
                (None, _) if name == "jdmail" => report.lacks(
                    line,
                    format_args!(
                        "script `jdmail` is in none of {}; install the mail system in /jdmail (or write `jdmail::DIRECTORY`), for \
                         which hbd has a script",
                        Dirs(paths)
                    ),
                ),
                (None, Some(there)) => report.lacks(
                    line,
                    format_args!("script `{name}` is not there, but `{there}` is, and case matters; write `{there}`"),
                ),
                (None, None) => match scripts::no_file(paths, name) {
                    Some(other) => report.lacks(
                        line,
                        format_args!("{} is no file; put the script `{name}` in its place", other.display()),
                    ),
                    None => report.lacks(
                        line,
                        format_args!(
                            "script `{name}` is in none of {}; put it into one of these",
                            Dirs(paths)
                        ),
                    ),
                },
            },
            ((Script::File(used), Some(idle)), _) => report.warn(
                line,
                format_args!(
                    "{0} has no run bit and {1} is used instead; run `chmod 755 {0}`, or remove it",
                    idle.display(),
                    used.display()
                ),
            ),
            ((Script::Embedded, Some(idle)), _) => report.warn(
                line,
                format_args!(
                    "{0} has no run bit and hbd's own `{name}` is used instead; run `chmod 755 {0}`, or remove it",
                    idle.display()
                ),
            ),
            ((Script::File(_) | Script::Embedded, None), _) => {}
        }
        if let Script::File(path) = &resource.script
            && let Some(why) = fitness::unfit(path)
        {
            let own = if why == Unfit::Deaf && crate::resources::embedded(name) {
                format!(", or run `mv {0} {0}.off`: hbd has a `{name}` of its own", path.display())
            } else {
                String::new()
            };
            report.lacks(line, format_args!("{} {why}{own}", path.display()));
        } else if let Script::File(path) = &resource.script {
            texts::examine(path, line, report);
        }
        if let Script::File(path) = &resource.script
            && resource.address.is_some()
        {
            shadowed(path, name, line, report);
        }
        if let Script::File(path) = &resource.script
            && mute(&read_text(path))
        {
            let more = if monitored { ", and `monitor` restarts it without end" } else { "" };
            report.warn(
                line,
                format_args!(
                    "{} knows no `status`: a stop that answers 0 is believed without a proof, one that answers anything else \
                     makes the group stuck{more}; add one that prints `running` or `stopped`",
                    path.display()
                ),
            );
        }
        if let Script::File(path) = &resource.script
            && paths.init_dirs.iter().any(|dir| path.starts_with(dir))
            && let Some(link) = boot_link(&paths.etc_dir, name)
        {
            report.warn(
                line,
                format_args!(
                    "`{name}` is also started at every boot ({}), on the standby node as well; \
                     run `chkconfig {name} off`, or remove that link",
                    link.display()
                ),
            );
        }
    }
}

/// A script and its argument that one colon divides.
fn one_colon(name: &str) -> Option<(&str, &str)> {
    name.split_once(':').filter(|(script, argument)| !script.is_empty() && !argument.is_empty())
}

/// A file of the name of a script that `hbd` carries goes first. That of Linux-HA works only with the rest of its package.
fn shadowed(path: &Path, name: &str, line: u32, report: &mut Report<'_>) {
    let text = read_text(path);
    let originals = [&b"findif"[..], b"hto-mapfuncs", b"ra_execocf", b"ocf-shellfuncs"]
        .iter()
        .any(|word| text.windows(word.len()).any(|part| part == *word));
    if originals && program::findif().is_none() {
        report.lacks(
            line,
            format_args!(
                "{0} hides hbd's own `{name}` and calls `findif`, which is in none of {1}, so every start fails; \
                 run `mv {0} {0}.off`",
                path.display(),
                program::ORIGINAL_TOOLS.join(", ")
            ),
        );
    } else {
        report.warn(
            line,
            format_args!(
                "{0} hides hbd's own `{name}`, which looks after two starts at once, interfaces that are off, \
                 the route cache of a 2.4 kernel and repeated announcements; run `mv {0} {0}.off`",
                path.display()
            ),
        );
    }
}

/// A shell script that tells `stop` from other verbs by itself, and has no word about `status`.
fn mute(text: &[u8]) -> bool {
    let has = |word: &[u8]| text.windows(word.len()).any(|w| w == word);
    text.starts_with(b"#!") && has(b"stop)") && !has(b"status")
}

/// The directories that are searched, as a list.
struct Dirs<'a>(&'a Paths);

impl fmt::Display for Dirs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.config_dir.join("resource.d").display())?;
        self.0.init_dirs.iter().try_for_each(|dir| write!(f, ", {}", dir.display()))
    }
}

/// A link `S80name` of run level 3 or 5.
fn boot_link(etc: &Path, name: &str) -> Option<PathBuf> {
    let dirs = ["rc.d/rc3.d", "rc.d/rc5.d", "rc3.d", "rc5.d"];
    let starts = |entry: &fs::DirEntry| {
        let file = entry.file_name();
        let rest = file.to_str().and_then(|f| f.strip_prefix('S'));
        rest.and_then(|r| {
            r.strip_prefix(|c: char| c.is_ascii_digit())?.strip_prefix(|c: char| c.is_ascii_digit())
        }) == Some(name)
    };
    dirs.iter()
        .filter_map(|dir| fs::read_dir(etc.join(dir)).ok())
        .flatten()
        .filter_map(Result::ok)
        .find(starts)
        .map(|entry| entry.path())
}

/// Files, directories and users that `logfile`, `debugfile` and `respawn` name.
pub(super) fn helpers(paths: &Paths, cf: &HaCf, report: &mut Report<'_>) {
    for log in [&cf.logfile, &cf.debugfile].into_iter().flatten() {
        let parent = log.value.parent().unwrap_or(&log.value);
        if !parent.is_dir() {
            report.warn(
                log.line,
                format_args!(
                    "directory {} is not there, so nothing will be logged; create it",
                    parent.display()
                ),
            );
        } else if log.value.is_dir() {
            report.warn(
                log.line,
                format_args!(
                    "{0} is a directory, so nothing will be logged; write a file, such as {0}/ha-log",
                    log.value.display()
                ),
            );
        }
    }
    let passwd = String::from_utf8_lossy(&read_text(&paths.etc_dir.join("passwd"))).into_owned();
    for respawn in &cf.respawn {
        let (user, words) = &respawn.value;
        let command = Path::new(words.first().map_or("", String::as_str));
        if !passwd.lines().any(|l| l.split(':').next() == Some(user)) {
            report.warn(
                respawn.line,
                format_args!("respawn: there is no user `{user}`; create it, or write another"),
            );
        }
        if !scripts::can_run(command) {
            report.warn(
                respawn.line,
                format_args!("respawn: {} is not an executable file; write one", command.display()),
            );
        }
    }
}

/// What the fences call is there and can be run.
pub(super) fn fences(cf: &HaCf, report: &mut Report<'_>) {
    let hosts = cf.stonith_hosts.iter().map(|host| (&host.value.1, host.line));
    for (device, line) in cf.fence.iter().map(|fence| (&fence.value, fence.line)).chain(hosts) {
        match device {
            FenceDevice::External { script, .. } if !script.exists() => report.lacks(
                line,
                format_args!(
                    "fence: {} is not there, so no peer is proven off; write the script that resets it",
                    script.display()
                ),
            ),
            FenceDevice::External { script, .. } if !scripts::can_run(script) => report
                .lacks(line, format_args!("fence: {0} cannot be run; run `chmod 755 {0}`", script.display())),
            FenceDevice::External { .. } | FenceDevice::ModemLine { .. } | FenceDevice::Bridge => {}
            FenceDevice::Stonith { given, .. } => {
                if let Given::File(file) = given
                    && !file.is_file()
                {
                    report.warn(
                        line,
                        format_args!("stonith: {} is not there; write the device's file", file.display()),
                    );
                }
                if !STONITH.iter().any(|path| scripts::can_run(Path::new(path))) {
                    report.lacks(
                        line,
                        format_args!(
                            "the command `stonith` is in none of {}; install the package that has it (cluster-glue), or write \
                             `fence external SCRIPT`",
                            STONITH.join(", ")
                        ),
                    );
                }
            }
        }
    }
}
