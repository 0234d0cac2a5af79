//! `hil-gate KERNEL [--log FILE] [--wrap-at FILE] PROGRAM [ARGUMENT...]` becomes an i386 program that sees a kernel of the
//! 2.4 line; see [`hb_hil::gate`].

use hb_hil::gate::launch::Launch;
use std::process::ExitCode;

fn main() -> ExitCode {
    let launch = match Launch::parse(std::env::args_os().skip(1).collect()) {
        Ok(launch) => launch,
        Err(text) => {
            eprintln!("hil-gate: {text}");
            return ExitCode::from(2);
        }
    };
    match launch.become_it() {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("hil-gate: {}: {error}", launch.command[0].display());
            ExitCode::from(125)
        }
    }
}
