//! From the command line to the loop, and the end after it.
//!
//! ```text
//! read and examine everything -> take the sockets -> go into the background -> take the lock
//!   -> helper -> end left-over scripts -> open links (one at least) -> arm the watchdog
//!   -> node -> lock memory, real time -> tell the caller -> loop -> disarm or not -> end
//! ```
//! Up to the sockets nothing is touched. The caller's shell waits until the links are open, and gets the exit code.

use super::dog::Dog;
use super::effects::Effects;
use super::limits;
use super::notify;
use super::pidfile::{self, PidFile, Taken};
use super::shell::Shell;
use super::voice::Voice;
use crate::cli::{EXIT_FAILURE, EXIT_NOT_CONFIGURED, EXIT_OK, EXIT_PERMISSION, Options, say, tell};
use crate::config::{self, Class, Findings, Paths, Settings, Shown};
use crate::control::{self, Listeners, SOCKET, STATUS_SOCKET};
use crate::helper::Level;
use crate::link::Link;
use crate::scripts::Places;
use crate::sys::{Errno, Fd, fd, limit, process, signal, unix};
use core::cell::Cell;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::rc::Rc;

/// How long the end waits for the helper to write what it has.
const LAST_WORDS_MS: i32 = 2000;

/// `hbd run`. `already` is the exit code if a daemon runs here.
#[must_use]
pub fn run(options: &Options, already: i32) -> i32 {
    signal::ignore_limits();
    // Strangers' descriptors would stay open in the daemon and in every script for ever.
    fd::close_others(3, &[]);
    if let Err(sentence) = limits::enough(limit::raise_files(), limit::raise_stack()) {
        tell(&sentence);
        return EXIT_FAILURE;
    }
    let paths = options.paths();
    let (settings, mut findings) = config::load(&paths, options.node.as_deref());
    let Some(settings) = settings else {
        print(&findings);
        return if config::denied(&paths) { EXIT_PERMISSION } else { EXIT_NOT_CONFIGURED };
    };
    if let Some(pid) = config::environment::original(&paths) {
        tell(&format!(
            "Linux-HA Heartbeat runs on this machine [pid {pid}], and two masters of the same services are one too many: \
             stop it first (/etc/init.d/heartbeat stop)"
        ));
        return EXIT_FAILURE;
    }
    findings.append(config::environment::examine(&paths, &settings));
    let places = options.places();
    if let Err(code) = directories(&places) {
        return code;
    }
    let running = |pid: Option<u32>| {
        let pid = pid.map_or(String::from("pid unknown"), |pid| format!("pid {pid}"));
        tell(&format!("already running [{pid}]"));
        already
    };
    if let Some(pid) = pidfile::owner(&options.state_dir) {
        return running(Some(pid));
    }
    let listeners = match listeners(&options.run_dir) {
        Ok(mut listeners) => {
            let group = settings.status_group.as_deref();
            // One that is not there is among the findings.
            if let Some(number) = group.and_then(|name| config::environment::group_number(&paths, name)) {
                also_for(&mut listeners, number, &options.run_dir);
            }
            listeners
        }
        Err(Taken::Running(pid)) => return running(pid),
        Err(Taken::Failed(why)) => {
            let path = options.run_dir.join(SOCKET);
            return failed(
                &format!("{}: the socket for commands cannot be made: {why}", path.display()),
                why,
            );
        }
    };
    if !options.foreground {
        // In the foreground the log shows them here as well.
        print(&findings);
    }
    let listeners = Cell::new(Some(listeners));
    let start = Start { paths, places, settings: Rc::new(settings), findings, listeners };
    if options.foreground {
        return start.go(None);
    }
    let settings = Rc::clone(&start.settings);
    match process::detach(move |pipe| wait_for_start(&pipe, &settings)) {
        Ok(caller) => start.go(Some(caller)),
        Err(why) => failed(&format!("cannot go into the background: {why}"), why),
    }
}

/// In the caller: the daemon's first byte is the exit code, its number follows; its end without a word is a failure.
fn wait_for_start(pipe: &Fd, settings: &Settings) -> i32 {
    let mut word = [0; 5];
    match pipe.read(&mut word) {
        Ok(Some(5)) => {
            let [code, pid @ ..] = word;
            if i32::from(code) == EXIT_OK {
                say(&started(u32::from_le_bytes(pid), settings));
            }
            code.into()
        }
        _ => {
            tell("the daemon ended while it started; its log says why");
            EXIT_FAILURE
        }
    }
}

/// What to expect of a daemon that has just begun.
fn started(pid: u32, settings: &Settings) -> String {
    if settings.groups.is_empty() {
        return format!("started, pid {pid}; there is nothing to serve in haresources");
    }
    let (peer, time) = (&settings.peer, Shown(settings.timing.initdead));
    format!("started, pid {pid}; serves when {peer} is met, at the latest in {time}")
}

fn print(findings: &Findings) {
    for finding in findings.as_slice() {
        let class = match finding.class {
            Class::Configuration => "error",
            Class::Environment => "missing",
            Class::Warning => "warning",
        };
        tell(&format!("{class}: {finding}"));
    }
}

/// Say what failed; the exit code for it.
pub(super) fn failed(text: &str, why: Errno) -> i32 {
    tell(text);
    if why == Errno::ACCESS || why == Errno::PERM { EXIT_PERMISSION } else { EXIT_FAILURE }
}

fn directories(places: &Places) -> Result<(), i32> {
    for (dir, mode, lasting) in [(&places.run_dir, 0o755, false), (&places.state_dir, 0o700, true)] {
        // A directory is on the disk when the one that it is in is: a power cut soon after the first start would lose
        // the state with it.
        let fresh: Vec<&Path> = dir.ancestors().take_while(|dir| !dir.exists()).collect();
        let made = std::fs::DirBuilder::new().recursive(true).mode(mode).create(dir);
        if let Err(error) = made {
            return Err(failed(&format!("{}: {error}", dir.display()), Errno::from(&error)));
        }
        for made in fresh.iter().filter(|_| lasting) {
            let parent = made.parent().filter(|parent| !parent.as_os_str().is_empty());
            let _ = std::fs::File::open(parent.unwrap_or(Path::new("."))).and_then(|dir| dir.sync_all());
        }
    }
    Ok(())
}

/// The sockets for commands: whoever has them is the daemon of this run directory.
fn listeners(run_dir: &Path) -> Result<Listeners, Taken> {
    let path = run_dir.join(SOCKET);
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Taken::Failed(Errno::INVALID))?;
    let name = control::abstract_name(run_dir);
    match Listeners::open(&path, &name) {
        Err(Errno::ADDRESS_IN_USE) if control::owner(&name).is_some() || unix::connect(&path).is_ok() => {
            Err(Taken::Running(control::owner(&name).or_else(|| pidfile::pid(run_dir))))
        }
        other => other.map_err(Taken::Failed),
    }
}

/// The socket for the group of `status_group`. Without it root is served all the same.
fn also_for(listeners: &mut Listeners, group: u32, run_dir: &Path) {
    let path = run_dir.join(STATUS_SOCKET);
    let made = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::INVALID);
    if let Err(why) = made.and_then(|path| listeners.also_for(&path, group)) {
        tell(&format!("warning: {}: the socket of status_group cannot be made: {why}", path.display()));
    }
}

/// Everything that is known before the daemon touches anything.
pub(super) struct Start {
    pub(super) paths: Paths,
    pub(super) places: Places,
    pub(super) settings: Rc<Settings>,
    pub(super) findings: Findings,
    /// Until the server takes them.
    pub(super) listeners: Cell<Option<Listeners>>,
}

impl Start {
    /// Be the daemon. `caller` is told once how the start went.
    fn go(self, caller: Option<Fd>) -> i32 {
        let foreground = caller.is_none();
        // Here and not before: the lock is this process's, not its parent's.
        let mut pidfile = match PidFile::take(&self.places.state_dir, &self.places.run_dir) {
            Ok(pidfile) => pidfile,
            Err(why) => {
                let lock = self.places.state_dir.join(pidfile::LOCK);
                let code = match why {
                    Taken::Running(_) => failed("already running", Errno::BUSY),
                    Taken::Failed(why) => failed(&format!("{}: {why}", lock.display()), why),
                };
                report(caller, code);
                return code;
            }
        };
        let mut shell = match self.shell(&mut pidfile, foreground) {
            Ok(shell) => shell,
            Err(code) => {
                pidfile.unwrite();
                report(caller, code);
                return code;
            }
        };
        if !foreground {
            let _ = fd::standard_to_null(3);
        }
        report(caller, EXIT_OK);
        notify::tell(notify::READY);
        crate::sys::guard::arm();
        let clean = shell.run();
        crate::sys::guard::disarm();
        let code = finish(shell, clean, &pidfile);
        // The locks go with the process, and not before.
        core::mem::forget(pidfile);
        code
    }
}

/// Tell the caller how the start went.
fn report(caller: Option<Fd>, code: i32) {
    if let Some(caller) = caller {
        let [a, b, c, d] = process::own_pid().get().to_le_bytes();
        let _ = caller.write(&[u8::try_from(code).unwrap_or(1), a, b, c, d]);
    }
}

/// The watchdog is let go only by who is still feeding: the helper's descriptor first, then the daemon's own with the
/// magic character. A helper that does not answer (its disk does not) is ended, and if the kernel does not let it go,
/// feeding goes on for as long as that takes.
fn end_helper(voice: &mut Voice, dog: Option<Dog>, clean: bool) {
    let Some(mut dog) = dog else {
        voice.helper.stop(clean, LAST_WORDS_MS, || ());
        return;
    };
    let gone = voice.helper.stop(clean, LAST_WORDS_MS, || dog.feed_quietly(clean));
    if clean && !gone && dog.armed().is_some() {
        voice.helper.kill(|| dog.feed_quietly(true));
    }
    dog.end(clean);
}

/// The end: the watchdog is disarmed only if every group is proven stopped.
fn finish(mut shell: Shell, clean: bool, pidfile: &PidFile) -> i32 {
    shell.fx.runner.kill_all();
    shell.fx.copies.kill_all();
    shell.fx.fencer.kill_all();
    shell.server = None;
    let Effects { mut voice, mut links, dog, attendant, .. } = shell.fx;
    links.iter_mut().for_each(Link::close);
    if clean {
        voice.say(Level::Info, format_args!("Heartbeat shutdown complete."));
    } else {
        let armed = dog.as_ref().is_some_and(|dog| dog.armed().is_some());
        let what = if armed {
            "the watchdog is left armed and will reset this machine"
        } else {
            "no watchdog is armed, so it may go on running here"
        };
        voice.say(Level::Critical, format_args!("ending although a group is not proven stopped: {what}"));
    }
    shell.facts.record.write(&shell.facts.late, &mut voice.helper);
    end_helper(&mut voice, dog, clean);
    // As the original: behind the groups, and in order.
    attendant.end();
    if clean {
        pidfile.clear();
        EXIT_OK
    } else {
        EXIT_FAILURE
    }
}
