//! The targets, with coverage counters that libFuzzer reads.

use crate::dist::build::host;
use crate::paths;
use crate::proc::Cmd;
use std::path::PathBuf;
use std::time::Duration;

/// LLVM's own coverage pass and what libFuzzer wants of it.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Builds every target.
pub(super) fn all() -> Result<(), String> {
    // A target triple keeps the counters out of build scripts and macros, which have no libFuzzer to give them to.
    Cmd::cargo(["build", "--quiet", "--release", "--target", host()?.as_str()])
        .dir(&paths::root().join("fuzz"))
        .env("CARGO_TARGET_DIR", paths::scratch("fuzz")?)
        .env("RUSTFLAGS", COVERAGE)
        .limit(Duration::from_secs(900))
        .run()
}

/// Where a target's program is.
pub(super) fn program(target: &str) -> Result<PathBuf, String> {
    Ok(paths::scratch("fuzz")?.join(host()?).join("release").join(target))
}
