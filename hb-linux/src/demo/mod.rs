//! `hbd demo`: a failover to watch, on one machine, without root and without set-up.
//!
//! Two real daemons run with files of their own in a temporary directory, joined by a null-modem (two pseudo-terminals)
//! and UDP on the loopback interface. Between them moves one service behind one init script, at one address, and a
//! client asks it every 10 ms. The demo pulls plugs, shows what follows, and measures how long the client went without.
//!
//! ```text
//!            client (10 ms)
//!               | 127.0.0.1:PORT
//!      service  v        . . . . . service
//!   +----------------+          +----------------+
//!   | ha-1: hbd run  |==serial==| ha-2: hbd run  |
//!   |                |===udp====|                |
//!   +----------------+          +----------------+
//! ```

mod client;
mod files;
mod nodes;
mod nullmodem;
mod processes;
mod service;
mod stage;
mod story;
mod timeline;
mod watch;

use stage::Failure;
use std::io::{IsTerminal, Write};

/// `hbd demo`. Prints to standard output, and what went wrong with the ends of the logs to standard error. The exit
/// code: 0 if all went as it should and nothing stayed behind, 1 otherwise.
#[must_use]
pub fn run() -> u8 {
    let out = std::io::stdout();
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let ansi = out.is_terminal()
        && variable("NO_COLOR").is_none()
        && variable("TERM").is_some_and(|terminal| terminal != "dumb");
    let mut stage = match story::prepare(out, ansi) {
        Ok(stage) => stage,
        Err(why) => return complain(&format!("hbd demo: {why}\n")),
    };
    let result = story::tell(&mut stage);
    let logs = match &result {
        Err(Failure::Reason(_)) => stage.nodes.iter().map(nodes::Node::log_tails).collect(),
        _ => String::new(),
    };
    let _ = stage.timeline.close();
    drop(stage);
    match result {
        Ok(()) => 0,
        Err(Failure::Interrupted) => complain("hbd demo: interrupted; nothing is left behind\n"),
        Err(Failure::Reason(why)) => complain(&format!("{logs}hbd demo: {why}\n")),
    }
}

/// `hbd demo-service NODE PORT PIDFILE`: the demo's service, for its init script; no command for people. The exit code.
#[must_use]
pub fn run_service(words: &[String]) -> u8 {
    let Some(job) = service::Job::parse(words) else {
        let _ =
            complain("usage: hbd demo-service NODE PORT PIDFILE (hbd demo runs it; there is no other use)\n");
        return 2;
    };
    match job.start() {
        Ok(()) => 0,
        Err(why) => complain(&format!("demo-service: {why}\n")),
    }
}

fn complain(text: &str) -> u8 {
    let _ = std::io::stderr().write_all(text.as_bytes());
    1
}
