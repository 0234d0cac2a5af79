//! Who waits for logins on a serial line, and eats heartbeats: by inittab, upstart, systemd, or running now.

use super::processes;
use crate::config::Paths;
use crate::config::files::read_text;
use core::fmt;
#[cfg(feature = "systemd")]
use std::fs;
use std::path::PathBuf;

/// What keeps a getty on a line. `Display` says which, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Getty {
    /// A line of `inittab`, counted from 1.
    Inittab(PathBuf, usize),
    /// An upstart job.
    #[cfg(feature = "systemd")]
    Upstart(PathBuf),
    /// A unit that is linked into a target.
    #[cfg(feature = "systemd")]
    Systemd(PathBuf),
    /// A process, by whatever it was started.
    Process(u32, String),
}

impl Getty {
    /// The first that is found on `tty` (a name below `/dev`).
    pub(super) fn on(paths: &Paths, tty: &str) -> Option<Self> {
        let inittab = paths.etc_dir.join("inittab");
        let lines = String::from_utf8_lossy(&read_text(&inittab)).into_owned();
        if let Some(at) = lines.lines().position(|line| in_inittab(line, tty)) {
            return Some(Self::Inittab(inittab, at + 1));
        }
        if let Some(younger) = Self::younger(paths, tty) {
            return Some(younger);
        }
        let process = processes::getty(&paths.proc_dir, tty)?;
        Some(Self::Process(process.pid, String::from(process.name())))
    }

    #[cfg(not(feature = "systemd"))]
    fn younger(_: &Paths, _: &str) -> Option<Self> {
        None
    }

    /// By upstart or systemd.
    #[cfg(feature = "systemd")]
    fn younger(paths: &Paths, tty: &str) -> Option<Self> {
        let mut jobs: Vec<PathBuf> = fs::read_dir(paths.etc_dir.join("init"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|e| e.path())
            .collect();
        jobs.sort();
        let job = |path: &PathBuf| {
            let text = String::from_utf8_lossy(&read_text(path)).into_owned();
            path.extension().is_some_and(|e| e == "conf") && text.lines().any(|line| in_job(line, tty))
        };
        if let Some(path) = jobs.into_iter().find(job) {
            return Some(Self::Upstart(path));
        }
        let units = paths.etc_dir.join("systemd/system");
        let links = fs::read_dir(&units).into_iter().flatten().flatten();
        let mut wanted: Vec<PathBuf> = links
            .map(|target| target.path())
            .filter(|target| target.extension().is_some_and(|e| e == "wants"))
            .flat_map(|target| {
                ["serial-getty", "getty"].map(|unit| target.join(format!("{unit}@{tty}.service")))
            })
            // A link that leads nowhere here is still a link.
            .filter(|unit| fs::symlink_metadata(unit).is_ok())
            .collect();
        wanted.sort();
        wanted.into_iter().next().map(Self::Systemd)
    }

    /// What to do about it on `tty`.
    pub(super) fn advice<'a>(&'a self, tty: &'a str) -> Advice<'a> {
        Advice(self, tty)
    }
}

impl fmt::Display for Getty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inittab(file, line) => write!(f, "{}:{line}", file.display()),
            #[cfg(feature = "systemd")]
            Self::Upstart(file) | Self::Systemd(file) => write!(f, "{}", file.display()),
            Self::Process(pid, name) => write!(f, "{name} [pid {pid}]"),
        }
    }
}

/// The second half of the finding.
pub(super) struct Advice<'a>(&'a Getty, &'a str);

impl fmt::Display for Advice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tty = self.1;
        match self.0 {
            Getty::Inittab(..) => f.write_str("put a # before that line and run `init q`"),
            #[cfg(feature = "systemd")]
            Getty::Upstart(file) => {
                let job = file.file_stem().unwrap_or_default().to_string_lossy();
                write!(f, "run `initctl stop {job}` and `mv {0} {0}.off`", file.display())
            }
            #[cfg(feature = "systemd")]
            Getty::Systemd(unit) => {
                let unit = unit.file_name().unwrap_or_default().to_string_lossy();
                write!(f, "run `systemctl disable --now {unit}`")
            }
            Getty::Process(..) => {
                write!(
                    f,
                    "find what starts it and end that, such as `systemctl mask --now serial-getty@{tty}.service`"
                )
            }
        }
    }
}

/// Is this a line of `inittab` that keeps a getty on `tty`?
fn in_inittab(line: &str, tty: &str) -> bool {
    let mut fields = line.splitn(4, ':');
    let active = !line.trim_start().starts_with('#') && fields.nth(2).is_some_and(|a| a != "off");
    active && is_getty(fields.next().unwrap_or_default(), tty)
}

#[cfg(feature = "systemd")]
/// Is this a line of an upstart job that runs a getty on `tty`?
fn in_job(line: &str, tty: &str) -> bool {
    line.trim_start().strip_prefix("exec").is_some_and(|command| is_getty(command, tty))
}

fn is_getty(command: &str, tty: &str) -> bool {
    let path = |word: &str| word.strip_prefix("/dev/").unwrap_or(word) == tty;
    command.as_bytes().windows(5).any(|w| w == b"getty") && command.split_whitespace().any(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gettys_of_inittab() {
        assert!(in_inittab("S0:2345:respawn:/sbin/agetty -L 9600 ttyS0 vt100", "ttyS0"));
        assert!(in_inittab("S0:2345:respawn:/sbin/mgetty /dev/ttyS0", "ttyS0"));
        assert!(!in_inittab("#S0:2345:respawn:/sbin/agetty -L 9600 ttyS0 vt100", "ttyS0"));
        assert!(!in_inittab("S0:2345:off:/sbin/agetty -L 9600 ttyS0 vt100", "ttyS0"));
        assert!(!in_inittab("S1:2345:respawn:/sbin/agetty -L 9600 ttyS1 vt100", "ttyS0"));
        assert!(!in_inittab("", "ttyS0"));
    }

    #[test]
    fn gettys_of_upstart() {
        assert!(in_job("exec /sbin/getty -L 115200 ttyS0 vt102", "ttyS0"));
        assert!(!in_job("# exec /sbin/getty -L 115200 ttyS0 vt102", "ttyS0"));
        assert!(!in_job("exec /sbin/getty -L 115200 ttyS1 vt102", "ttyS0"));
        assert!(!in_job("start on stopped rc RUNLEVEL=[2345]", "ttyS0"));
    }
}
