//! The two release builds of `hbd`.

use super::I586;
use super::toolchain::{self, Compiler, Route};
use crate::paths;
use crate::proc::Cmd;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(900);
/// The old servers have time for a few more instructions a beat, and no room for a few more kilobytes.
const SMALL_CORE: [&str; 2] = ["--config", "profile.release.package.hb-core.opt-level='z'"];

/// The features of the build for the old servers: what its limit has no room for is left out, `data` as yet.
const FEATURES: &str = "--no-default-features";

/// Builds `target/dist/i586-unknown-linux-musl/hbd`.
///
/// # Errors
/// No toolchain for it is here, or the build fails.
pub fn i586() -> Result<PathBuf, String> {
    match toolchain::route(I586)? {
        Route::Prebuilt => {
            // Its compiler options are in .cargo/config.toml.
            Cmd::cargo(["build", "--release", "-p", "hb-linux", "--bin", "hbd", "--target", I586])
                .args([FEATURES])
                .args(SMALL_CORE)
                .limit(LIMIT)
                .run()?;
            keep(&paths::target().join(I586).join("release/hbd"), I586)
        }
        Route::Source(compiler) => from_source(compiler),
    }
}

fn from_source(compiler: Compiler) -> Result<PathBuf, String> {
    let (linker, libs) = toolchain::musl_linker()?;
    let search = format!("-L{}", libs.display());
    let remap = format!("--remap-path-prefix={}=", paths::root().display());
    // No table for an unwinder that is not there: it would be a tenth of the binary.
    let mut options =
        vec!["-Clink-self-contained=no", "-Cforce-unwind-tables=no", search.as_str(), remap.as_str()];
    options.extend(compiler.short_jumps());
    if compiler.immediate_abort() {
        options.extend(["-Zunstable-options", "-Cpanic=immediate-abort", "-Zlocation-detail=none"]);
    }
    let args = [
        "build",
        "--release",
        "-p",
        "hb-linux",
        "--bin",
        "hbd",
        FEATURES,
        "--target",
        I586,
        "-Zbuild-std=std,panic_abort",
        "-Zbuild-std-features=optimize_for_size",
    ];
    compiler
        .cargo(&args)?
        .env("CARGO_TARGET_I586_UNKNOWN_LINUX_MUSL_LINKER", linker)
        // Added to those of .cargo/config.toml, where an environment variable would replace them.
        .args(["--config", &format!("target.{I586}.rustflags={options:?}")])
        .args(SMALL_CORE)
        .limit(LIMIT)
        .run()?;
    keep(&paths::target().join("dist/build").join(I586).join("release/hbd"), I586)
}

/// Builds `target/dist/<host>/hbd` with the everyday toolchain.
///
/// # Errors
/// The build fails.
pub fn native() -> Result<PathBuf, String> {
    Cmd::cargo(["build", "--release", "-p", "hb-linux", "--bin", "hbd"]).limit(LIMIT).run()?;
    keep(&paths::target().join("release/hbd"), &host()?)
}

/// The machine's own target triple.
///
/// # Errors
/// rustc does not answer.
pub fn host() -> Result<String, String> {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let said = Cmd::new(rustc).args(["-vV"]).output()?.stdout;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc -vV names no host".to_owned())
}

/// Puts a built binary into its place under `target/dist`. Written beside and renamed, so that a copy that runs
/// meanwhile is not in the way.
fn keep(built: &Path, triple: &str) -> Result<PathBuf, String> {
    let place = paths::scratch(&format!("dist/{triple}"))?.join("hbd");
    let fresh = place.with_extension("new");
    let told = |e: std::io::Error| format!("{}: {e}", place.display());
    fs::copy(built, &fresh).map_err(told)?;
    fs::rename(&fresh, &place).map_err(told)?;
    Ok(place)
}
