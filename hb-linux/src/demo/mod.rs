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
mod news;
mod nodes;
mod nullmodem;
mod processes;
mod service;
mod stage;
mod story;
mod timeline;
mod watch;
#[cfg(feature = "demo-web")]
mod web;

use stage::{Audience, Failure, Out};
use std::ffi::OsString;
use std::io::Write;

/// Everything behind the word `demo`; the exit code. Without words the demo runs: 0 if all went as it should and nothing
/// stayed behind, 1 otherwise; with `--web` for a browser too. `--service NODE PORT PIDFILE` is the demo's service, for its init script. Anything else
/// is 2.
#[must_use]
pub fn main(words: impl IntoIterator<Item = OsString>) -> i32 {
    let words: Vec<String> = words.into_iter().map(|word| word.to_string_lossy().into_owned()).collect();
    match words.split_first() {
        None => run(Audience::default()),
        #[cfg(feature = "demo-web")]
        Some((first, rest)) if first == "--web" => web::main(rest),
        Some((first, rest)) if first == "--service" => run_service(rest),
        Some(_) => {
            complain("hbd demo: it takes no words and no option but --web; write: hbd demo\n");
            2
        }
    }
}

/// Tell the story on standard output; what went wrong, and the ends of the logs, go to standard error.
fn run(audience: Audience) -> i32 {
    // A row that is drawn as it fills is for terminals alone.
    let ansi = audience.copy.is_none() && crate::cli::terminal();
    let mut stage = match story::prepare(Out::new(audience.copy), ansi) {
        Ok(stage) => stage,
        Err(why) => return complain(&format!("hbd demo: {why}\n")),
    };
    stage.beside = audience.beside;
    let result = story::tell(&mut stage);
    if result.is_ok()
        && let Some(text) = audience.stay
    {
        stage.stay(&text);
    }
    let logs = match &result {
        Err(Failure::Reason(_)) => stage.nodes.iter().map(nodes::Node::log_tails).collect(),
        _ => String::new(),
    };
    if result.is_err() {
        stage.timeline.close();
    }
    let dir = stage.temp.path().to_path_buf();
    // Whatever still lives goes now, then the files.
    drop(stage);
    let left = if dir.exists() { format!("; {} could not be removed", dir.display()) } else { String::new() };
    match result {
        Ok(()) if left.is_empty() => {
            let _ = std::io::stdout().write_all(b"No process and no file is left behind.\n");
            0
        }
        Ok(()) => complain(&format!("hbd demo: all went as it should{left}\n")),
        Err(Failure::Interrupted) => complain(&format!("hbd demo: interrupted{left}\n")),
        Err(Failure::Reason(why)) => complain(&format!("{logs}hbd demo: {why}{left}\n")),
    }
}

/// Start the service and come back once it answers.
fn run_service(words: &[String]) -> i32 {
    let Some(job) = service::Job::parse(words) else {
        complain("hbd demo: --service is for the demo's own init script; write: hbd demo\n");
        return 2;
    };
    match job.start() {
        Ok(()) => 0,
        Err(why) => complain(&format!("hbd demo --service: {why}\n")),
    }
}

fn complain(text: &str) -> i32 {
    let _ = std::io::stderr().write_all(text.as_bytes());
    1
}
