//! Called by the names of Linux-HA Heartbeat's programs, it answers as they do: words and exit codes that scripts,
//! init scripts and monitoring rely on.

use super::args::{self, Options, Usage};
use super::ask::{self, Way};
use super::groups::Groups;
use super::{
    EXIT_FAILURE, EXIT_NOT_RUNNING, EXIT_OK, EXIT_STOPPED, EXIT_UNSUPPORTED, VERSION, refuse, say, tell,
};
use crate::control::client::Trouble;
use crate::control::wire::Which;
use crate::daemon::pidfile;
use crate::sys::host;
use lexopt::{Arg, Parser, ValueExt};
use std::ffi::OsString;

/// `heartbeat [-f] [-l] [-d...] [-v] | -s | -k | -r | -V`, and the verbs of its init script.
pub(super) fn heartbeat(words: Vec<OsString>) -> i32 {
    match heartbeat_words(words) {
        Ok((Job::Start, options)) => crate::daemon::run(&options, EXIT_OK),
        Ok((Job::Status, options)) => heartbeat_status(&options),
        Ok((Job::Kill, options)) => match ask::snapshot(&options) {
            Err(Trouble::NotRunning) if !ask::runs(&options) => {
                tell_plain("INFO: Heartbeat already stopped.");
                EXIT_OK
            }
            _ => ask::stop(&options),
        },
        Ok((Job::Restart, options)) => super::restart::restart(&options, EXIT_OK),
        Ok((Job::Standby, options)) => ask::move_groups(&options, Way::Away, Which::All),
        Ok((Job::ReloadOnly, options)) => ask::reload(&options),
        Ok((Job::Reload, options)) => match ask::snapshot(&options) {
            Err(Trouble::NotRunning) => crate::daemon::run(&options, EXIT_OK),
            _ => ask::reload(&options),
        },
        Ok((Job::Version, _)) => {
            say(VERSION);
            EXIT_OK
        }
        Ok((Job::NotOurs(what), _)) => {
            tell(&format!("heartbeat {what} is not available in this version"));
            EXIT_UNSUPPORTED
        }
        Err(usage) => refuse(&usage),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Job {
    Start,
    Status,
    Kill,
    /// Start it if it does not run.
    Reload,
    /// As LSB has it: code 7 if it does not run.
    ReloadOnly,
    Restart,
    Standby,
    Version,
    NotOurs(&'static str),
}

fn heartbeat_words(words: Vec<OsString>) -> Result<(Job, Options), Usage> {
    let mut parser = Parser::from_args(words);
    let (mut job, mut options) = (Job::Start, Options::default());
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Short('s') => job = Job::Status,
            Arg::Short('k') => job = Job::Kill,
            Arg::Short('r') => job = Job::Reload,
            Arg::Short('V') => job = Job::Version,
            Arg::Short('f') => options.foreground = true,
            // Debug level and no real-time scheduling: the one is in ha.cf here, the other is a wish anyway.
            Arg::Short('d' | 'l' | 'v') => {}
            Arg::Value(word) => {
                let word = word.string()?;
                job = match word.as_str() {
                    "start" => Job::Start,
                    "stop" => Job::Kill,
                    "status" => Job::Status,
                    "restart" => Job::Restart,
                    "reload" | "force-reload" => Job::ReloadOnly,
                    "standby" => Job::Standby,
                    _ => {
                        return Err(Usage::new(format!(
                            "unknown word {word:?}; write start, stop, status, restart, reload, force-reload or standby"
                        )));
                    }
                };
            }
            Arg::Short('M') => job = Job::NotOurs("-M"),
            Arg::Short('D') => job = Job::NotOurs("-D"),
            Arg::Short('W') => job = Job::NotOurs("-W"),
            Arg::Short('R') => job = Job::NotOurs("-R"),
            Arg::Short('C') => {
                parser.value()?;
                job = Job::NotOurs("-C");
            }
            Arg::Long(name) => {
                let name = name.to_string();
                args::common(&name, &mut parser, &mut options)?;
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Ok((job, options))
}

/// `heartbeat -s`: 0 running, 1 dead but its pid file is left, 3 stopped.
fn heartbeat_status(options: &Options) -> i32 {
    let running = |pid: u32, host: &str| {
        say(&format!("heartbeat OK [pid {pid} et al] is running on {host} [{host}]..."));
        EXIT_OK
    };
    match ask::snapshot(options) {
        Ok(shot) => running(shot.own.pid, &shot.own.name),
        Err(_) if ask::runs(options) => {
            let host = options.node.clone().unwrap_or_else(host::node_name);
            running(pidfile::owner(&options.state_dir).unwrap_or(0), &host)
        }
        Err(_) => {
            say("heartbeat is stopped. No process");
            if pidfile::pid(&options.run_dir).is_some() { EXIT_FAILURE } else { EXIT_STOPPED }
        }
    }
}

/// `hb_standby` and `hb_takeover`: accepted or not; the groups then move by themselves.
pub(super) fn hb_move(way: Way, words: impl Iterator<Item = OsString>) -> i32 {
    match move_words(words) {
        Ok((which, options)) => match ask::move_groups(&options, way, which.which()) {
            // Code 7 means nothing to scripts written for the original.
            EXIT_NOT_RUNNING => EXIT_FAILURE,
            code => code,
        },
        Err(usage) => {
            refuse(&usage);
            tell_plain("usage: [all|foreign|local|failback]");
            EXIT_FAILURE
        }
    }
}

fn move_words(words: impl Iterator<Item = OsString>) -> Result<(Groups, Options), Usage> {
    let mut parser = Parser::from_args(words);
    let mut options = Options { no_wait: true, ..Options::default() };
    let mut values = Vec::new();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Value(word) => values.push(word.string()?),
            Arg::Long(name) => {
                let name = name.to_string();
                args::common(&name, &mut parser, &mut options)?;
            }
            other @ Arg::Short(_) => return Err(other.unexpected().into()),
        }
    }
    match Groups::read_one(&values)? {
        Groups::One(name) => {
            Err(Usage::new(format!("{name:?} is no set of groups; write all, local or foreign")))
        }
        groups => Ok((groups, options)),
    }
}

/// A line of trouble in the original's own words.
pub(super) fn tell_plain(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn the_options_of_heartbeat() {
        let job = |line: &str| heartbeat_words(words(line)).map(|(job, _)| job);
        assert_eq!(job(""), Ok(Job::Start));
        assert_eq!(job("-s"), Ok(Job::Status));
        assert_eq!(job("-k"), Ok(Job::Kill));
        assert_eq!(job("-dd -l -f"), Ok(Job::Start));
        assert_eq!(job("-C full"), Ok(Job::NotOurs("-C")));
        assert_eq!(job("start --node ha-1"), Ok(Job::Start));
        assert_eq!(
            ["stop", "status", "restart"].map(job),
            [Ok(Job::Kill), Ok(Job::Status), Ok(Job::Restart)]
        );
        assert_eq!(["reload", "force-reload"].map(job), [Ok(Job::ReloadOnly), Ok(Job::ReloadOnly)]);
        assert!(job("-x").is_err() && job("begin").is_err());
        assert!(heartbeat_words(words("-f --run-dir /r")).unwrap().1.foreground);
    }

    #[test]
    fn hb_standby_takes_one_set_of_groups() {
        let ok =
            |line: &str| move_words(words(line).into_iter()).map(|(which, options)| (which, options.no_wait));
        assert_eq!(ok(""), Ok((Groups::All, true)));
        assert_eq!(ok("failback"), Ok((Groups::Foreign, true)));
        assert!(ok("all all").is_err() && ok("web").is_err());
    }
}
