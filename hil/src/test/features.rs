//! The core in each feature set, and core and bridge without std for a microcontroller.

use super::{Outcome, cargo};
use crate::dist::toolchain::{self, Route};
use crate::proc::Cmd;

const HASHES: [&str; 3] = ["md5", "sha1", "sha256"];
/// A Cortex-M3: 32-bit, no 64-bit atomics, no operating system.
pub(crate) const BOARD: &str = "thumbv7m-none-eabi";

/// Checks `hb-core` with no feature (crc alone), each hash alone and with defmt (which does not link on a host, so it
/// is only checked), and runs its tests without any hash.
pub(super) fn core() -> Outcome {
    let mut sets: Vec<String> = HASHES.iter().map(|h| (*h).to_owned()).collect();
    sets.push(HASHES.join(","));
    sets.extend(["linux-ha", "ask", "twins", "key-trial", "witness"].map(str::to_owned));
    sets.push(format!("linux-ha,{}", HASHES.join(",")));
    sets.push("next-wire,large,data,ask,linux-ha,twins,key-trial".to_owned());
    sets.push("defmt".to_owned());
    sets.push(format!("defmt,{}", HASHES.join(",")));
    for set in &sets {
        println!("-- hb-core with {set}");
        let set =
            ["clippy", "-q", "-p", "hb-core", "--lib", "--no-default-features", "--features", set.as_str()];
        Cmd::cargo(set).args(["--", "-D", "warnings"]).run()?;
    }
    println!("-- hb-core with crc alone");
    let tests = cargo::run_tests(&["test", "-p", "hb-core", "--lib", "--no-default-features"], 600)?;
    Ok(format!("{} feature sets; crc alone: {tests}", sets.len() + 1))
}

/// Builds `hb-core` (all hashes) and the bridge's library for a Cortex-M3.
pub(super) fn nostd() -> Outcome {
    let base = ["build", "-p", "hb-core", "-p", "hb-serial-bridge", "--lib", "--target", BOARD];
    let route = toolchain::route(BOARD)?;
    match route {
        Route::Prebuilt => Cmd::cargo(base).run()?,
        Route::Source(compiler) => {
            let mut args = base.to_vec();
            args.push("-Zbuild-std=core");
            compiler.cargo(&args)?.run()?;
        }
    }
    Ok(format!("{BOARD} by {route:?}"))
}
