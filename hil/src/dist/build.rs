//! The two release builds of `hbd`.

use super::I586;
use super::toolchain::{self, Route};
use crate::paths;
use crate::proc::Cmd;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(900);
/// The old servers have time for a few more instructions a beat, and no room for a few more kilobytes.
const SMALL_CORE: [&str; 2] = ["--config", "profile.release.package.hb-core.opt-level='z'"];

/// What is left out of the build for the old servers, and what is in it: its limit has no room for comforts.
const FEATURES: &[&str] = &["--no-default-features", "--features", "data"];

/// Builds `target/dist/i586-unknown-linux-musl/hbd`.
///
/// # Errors
/// No toolchain for it is here, or the build fails.
pub fn i586() -> Result<PathBuf, String> {
    keep(&built(FEATURES)?, I586, "hbd")
}

/// Builds `hbd-full` beside it, with every comfort and no limit: the line test before a pair is set up, the demo.
///
/// # Errors
/// As [`i586`].
pub fn full() -> Result<PathBuf, String> {
    keep(&built(&[])?, I586, "hbd-full")
}

/// The bytes of the i586 binary that each comfort would add, by name, and first without any.
///
/// # Errors
/// As [`i586`].
pub fn parts() -> Result<Vec<(&'static str, u64)>, String> {
    let size = |features: &str| {
        let file = built(&["--no-default-features", "--features", features])?;
        std::fs::metadata(&file).map(|data| data.len()).map_err(|e| format!("{}: {e}", file.display()))
    };
    let least = size("")?;
    let mut all = vec![("nothing of these", least)];
    for part in PARTS {
        all.push((part, size(part)?.saturating_sub(least)));
    }
    Ok(all)
}

/// The features of `hb-linux` that a build may leave out.
const PARTS: [&str; 23] = [
    "systemd",
    "export",
    "page",
    "demo-web",
    "late-record",
    "bridge",
    "data",
    "attend",
    "guard",
    "metrics",
    "config-show",
    "simulate",
    "drill",
    "address",
    "by-name",
    "why",
    "monitor",
    "events",
    "exercise",
    "fence-test",
    "manual",
    "linktest",
    "demo",
];

/// Builds `hbd` for the old servers with these features, and says where it is.
fn built(features: &[&str]) -> Result<PathBuf, String> {
    let compiler = match toolchain::route(I586)? {
        Route::Prebuilt => {
            // Its compiler options are in .cargo/config.toml.
            Cmd::cargo(["build", "--release", "-p", "hb-linux", "--bin", "hbd", "--target", I586])
                .args(features)
                .args(SMALL_CORE)
                .limit(LIMIT)
                .run()?;
            return Ok(paths::target().join(I586).join("release/hbd"));
        }
        Route::Source(compiler) => compiler,
    };
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
    let std = ["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"];
    compiler
        .cargo(&["build", "--release", "-p", "hb-linux", "--bin", "hbd", "--target", I586])?
        .args(std)
        .args(features)
        .env("CARGO_TARGET_I586_UNKNOWN_LINUX_MUSL_LINKER", linker)
        // Added to those of .cargo/config.toml, where an environment variable would replace them.
        .args(["--config", &format!("target.{I586}.rustflags={options:?}")])
        .args(SMALL_CORE)
        .limit(LIMIT)
        .run()?;
    Ok(paths::target().join("dist/build").join(I586).join("release/hbd"))
}

/// Builds `target/dist/<host>/hbd` with the everyday toolchain.
///
/// # Errors
/// The build fails.
pub fn native() -> Result<PathBuf, String> {
    Cmd::cargo(["build", "--release", "-p", "hb-linux", "--bin", "hbd"]).limit(LIMIT).run()?;
    keep(&paths::target().join("release/hbd"), &host()?, "hbd")
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
fn keep(built: &Path, triple: &str, name: &str) -> Result<PathBuf, String> {
    let place = paths::scratch(&format!("dist/{triple}"))?.join(name);
    let fresh = place.with_extension("new");
    let told = |e: std::io::Error| format!("{}: {e}", place.display());
    fs::copy(built, &fresh).map_err(told)?;
    fs::rename(&fresh, &place).map_err(told)?;
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;

    #[test]
    fn every_part_of_the_whole_binary_is_weighed() {
        let manifest = paths::root().join("hb-linux/Cargo.toml");
        let manifest: toml::Table =
            fs::read_to_string(manifest).unwrap_or_default().parse().expect("a manifest");
        let whole = manifest["features"]["default"].as_array().expect("the default features");
        let whole: BTreeSet<&str> = whole.iter().filter_map(toml::Value::as_str).collect();
        let weighed = BTreeSet::from(PARTS);
        // `address` comes with `by-name`.
        let missing: Vec<_> = whole.difference(&weighed).collect();
        let strange: Vec<_> = weighed.difference(&whole).filter(|part| **part != "address").collect();
        assert!(missing.is_empty() && strange.is_empty(), "missing {missing:?}, no part {strange:?}");
    }
}
