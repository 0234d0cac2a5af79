//! The command line (DESIGN §10): what the words mean, what is printed, which exit code it ends with.

pub mod args;
mod ask;
#[cfg(feature = "bridge")]
mod bridge;
mod cl_status;
pub mod commands;
mod compat;
#[cfg(feature = "data")]
mod data;
#[cfg(feature = "drill")]
mod drill;
#[cfg(feature = "events")]
mod events;
#[cfg(feature = "export")]
mod export;
#[cfg(feature = "fence-test")]
mod fence;
mod groups;
#[cfg(feature = "guard")]
mod guard;
mod help;
#[cfg(feature = "by-name")]
mod ipaddr;
pub mod json;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "monitor")]
mod monitor;
mod notes;
#[cfg(feature = "page")]
pub(crate) mod page;
mod restart;
mod send_arp;
#[cfg(feature = "config-show")]
mod settings;
pub mod show;
pub mod status_json;
pub mod verdict;

pub use args::Options;
pub use ask::snapshot;

use crate::config;
use crate::sys::limit;
use args::Usage;
use ask::Way;
use hb_core::message::GroupState;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::Path;

/// Done.
pub const EXIT_OK: i32 = 0;
/// Not done.
pub const EXIT_FAILURE: i32 = 1;
/// The words made no sense.
pub const EXIT_USAGE: i32 = 2;
/// A command that this version does not have.
pub const EXIT_UNSUPPORTED: i32 = 3;
/// `status` of a stopped daemon.
pub const EXIT_STOPPED: i32 = 3;
/// Not allowed.
pub const EXIT_PERMISSION: i32 = 4;
/// The configuration is missing or wrong.
pub const EXIT_NOT_CONFIGURED: i32 = 6;
/// There is no daemon to ask.
pub const EXIT_NOT_RUNNING: i32 = 7;

/// Of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The whole program: the words it was called with to the exit code.
#[must_use]
pub fn main(words: impl IntoIterator<Item = OsString>) -> i32 {
    // Before anything that needs it. Where it may not be raised, what there is may still do.
    let _ = limit::raise_stack();
    let mut words = words.into_iter();
    let own = words.next().unwrap_or_default();
    let name = Path::new(&own).file_name().map_or(String::new(), |n| n.to_string_lossy().into_owned());
    match name.as_str() {
        "heartbeat" => compat::heartbeat(words.collect()),
        "cl_status" => cl_status::main(words),
        #[cfg(feature = "by-name")]
        "IPaddr" | "IPaddr2" => ipaddr::main(words),
        "hb_standby" => compat::hb_move(Way::Away, words),
        "hb_takeover" => compat::hb_move(Way::Here, words),
        _ => match args::parse(words) {
            Ok(call) => call.command.run(&call.options, &call.words, call.own),
            Err(usage) => refuse(&usage),
        },
    }
}

fn check(options: &Options) -> i32 {
    let paths = options.paths();
    // What a daemon that runs here knows.
    let running = ask::snapshot(options).ok().map(|shot| config::environment::Running {
        own: shot.own.name,
        foreign: shot.peer.foreign.then_some(shot.peer.name),
        // A group that is idle is proven stopped here; of every other one something may run.
        twin: shot.own.twin,
        spent: shot.groups.iter().filter(|g| g.spent).map(|g| g.name.clone()).collect(),
        mirrors: shot.pings.into_iter().filter_map(|p| Some((p.host, p.mirror?.0))).collect(),
        unsigned: shot.links.into_iter().filter(|l| l.unsigned).map(|l| l.name).collect(),
        holds: shot.groups.into_iter().filter(|g| g.state != GroupState::Idle).map(|g| g.name).collect(),
    });
    let (node, out) = (options.node.as_deref(), &mut std::io::stdout());
    match config::check::run(&paths, node, running.as_ref(), out) {
        Ok(code) => code.into(),
        Err(_) => EXIT_FAILURE,
    }
}

fn refuse(usage: &Usage) -> i32 {
    tell(&usage.text);
    usage.code
}

/// Print a line; a closed output is no reason to fail.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Print a line of trouble.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "hbd: {}", line);
}

/// Is standard output a terminal that understands colours and going back to the beginning of a line?
pub(crate) fn terminal() -> bool {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    std::io::stdout().is_terminal()
        && variable("NO_COLOR").is_none()
        && variable("TERM").is_some_and(|terminal| terminal != "dumb")
}
