//! Programs of this machine that must know of a new service: `chkconfig`, `update-rc.d`, `systemctl`.

use super::layout::Layout;
use super::options::Options;
use super::tree::Tree;
use crate::cli::say;
use crate::sys::process::{Ended, wait_for};
use crate::sys::spawn::{Image, Program, Words, spawn};
use std::ffi::CString;
use std::path::Path;

const CHKCONFIG: [&str; 2] = ["/sbin/chkconfig", "/usr/sbin/chkconfig"];
const UPDATE_RC: [&str; 1] = ["/usr/sbin/update-rc.d"];
const SYSTEMCTL: [&str; 2] = ["/bin/systemctl", "/usr/bin/systemctl"];

/// Have every boot start it. What cannot be done here is said with the line to give.
pub(super) fn register(tree: &Tree, layout: &Layout, options: &Options) {
    // Where systemd runs, the links beside the unit are the registration.
    let calls: &[(&[&str], &[&str])] = if layout.systemd {
        &[(&SYSTEMCTL, &["daemon-reload"])]
    } else {
        &[(&CHKCONFIG, &["--add", "heartbeat"]), (&UPDATE_RC, &["heartbeat", "defaults"])]
    };
    tell_of(tree, layout, options, calls, "for each boot write into rc.local: /usr/sbin/hbd run");
}

/// The opposite, before the init script goes.
pub(super) fn unregister(tree: &Tree, layout: &Layout, options: &Options) {
    if !layout.systemd {
        let calls: [(&[&str], &[&str]); 1] = [(&CHKCONFIG, &["--del", "heartbeat"])];
        tell_of(tree, layout, options, &calls, "");
    }
}

/// The rest of the opposite, when the files are gone.
pub(super) fn forget(tree: &Tree, layout: &Layout, options: &Options) {
    let calls: [(&[&str], &[&str]); 1] = if layout.systemd {
        [(&SYSTEMCTL, &["daemon-reload"])]
    } else {
        [(&UPDATE_RC, &["heartbeat", "remove"])]
    };
    tell_of(tree, layout, options, &calls, "");
}

/// Give the first of the calls whose program is here, and list it.
fn tell_of(tree: &Tree, layout: &Layout, options: &Options, calls: &[(&[&str], &[&str])], none: &str) {
    let there = |path: &&&str| tree.path(Path::new(path.trim_start_matches('/'))).is_file();
    let Some((program, words)) =
        calls.iter().find_map(|(places, words)| Some((places.iter().find(there)?, words)))
    else {
        if !none.is_empty() && !layout.systemd {
            say(&format!("  not registered: neither chkconfig nor update-rc.d is here; {none}"));
        }
        return;
    };
    let line = format!("{program} {}", words.join(" "));
    if options.dry_run {
        say(&format!("  would run      {line}"));
    } else if options.root.is_some() {
        say(&format!("  left to do     {line}"));
    } else {
        match ask(&[program], words) {
            Some(0) => say(&format!("  ran            {line}")),
            _ => say(&format!("  FAILED         {line}: give it by hand, and see what it says")),
        }
    }
}

/// Run the first of `places` that is here, in silence; its exit code.
pub(super) fn ask(places: &[&str], words: &[&str]) -> Option<u8> {
    let path = *places.iter().find(|path| Path::new(path).is_file())?;
    let argv: Vec<&str> = core::iter::once(path).chain(words.iter().copied()).collect();
    let argv = Words::new(&argv)?;
    let envp = Words::new(&["PATH=/sbin:/usr/sbin:/bin:/usr/bin", "LC_ALL=C"])?;
    let path = CString::new(path).ok()?;
    let choose = || Some(Image { path: &path, argv: &argv, envp: &envp });
    let child = spawn(&Program {
        choose: &choose,
        stdin: None,
        stdout: None,
        stderr: None,
        held: &[],
        die_with_us: false,
    })
    .ok()?;
    match wait_for(child.pid) {
        Some(Ended::Code(code)) => Some(code),
        _ => None,
    }
}

/// Have systemd restart the unit, and wait for it.
pub(crate) fn restart_unit() -> bool {
    ask(&SYSTEMCTL, &["restart", "heartbeat.service"]) == Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_the_host_answers_by_its_code() {
        assert_eq!(ask(&["/no/such/program", "/bin/sh"], &["-c", "exit 7"]), Some(7));
        assert_eq!(ask(&["/no/such/program"], &[]), None);
        assert_eq!(ask(&["/bin/sh"], &["-c", "kill -9 $$"]), None);
    }
}
