//! `hbd` called by the name `IPaddr` or `IPaddr2`, as a script of `resource.d` is: what the daemon does by itself in its own
//! children, with the same words, for scripts and people.

use super::{EXIT_FAILURE, tell};
use crate::resources::ipaddr;
use crate::sys::iface::IfName;
use crate::sys::spawn::{Image, Program, Words, spawn};
use core::net::Ipv4Addr;
use std::env;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// Do it; the exit code. An address that was set up is announced for five seconds, in the background.
pub(super) fn main(words: impl Iterator<Item = OsString>) -> i32 {
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let run_dir = env::var_os("HBD_RUN_DIR").filter(|dir| !dir.is_empty());
    let run_dir = run_dir.map_or_else(|| PathBuf::from("/var/run"), PathBuf::from);
    let Some((code, started)) = ipaddr::call(&words, &run_dir) else {
        tell("this kernel has no rtnetlink; call the script IPaddr");
        return EXIT_FAILURE;
    };
    if let Some((dev, ip)) = started
        && announce(&dev, ip).is_none()
    {
        tell(&format!("{ip} is not announced by ARP"));
    }
    code
}

fn announce(dev: &IfName, ip: Ipv4Addr) -> Option<()> {
    let own = || env::current_exe().ok().map(OsString::from);
    let program = env::var_os("HBD").filter(|program| !program.is_empty()).or_else(own)?;
    let path = CString::new(program.as_bytes()).ok()?;
    let argv = Words::new(&["hbd", "send-arp", "-i", "500", "-r", "10", dev.as_str(), &format!("{ip}")])?;
    let env = env::vars_os().map(|(name, value)| [name.into_vec(), value.into_vec()].join(&b'='));
    let envp = Words::new(&env.collect::<Vec<_>>())?;
    let choose = || Some(Image { path: &path, argv: &argv, envp: &envp });
    let (stdin, stdout, stderr) = (None, None, None);
    let program = Program { choose: &choose, stdin, stdout, stderr, held: &[], die_with_us: false };
    spawn(&program).ok().map(drop)
}
