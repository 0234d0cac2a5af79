//! The Debian packages and rustup components that the tests need, in one place.
//!
//! As root, what is missing is installed without a question asked; otherwise the one line to run is printed.

use crate::dist;
use crate::dist::toolchain::{self, Compiler};
use crate::netns::package;
use crate::paths::{is_root, which};
use crate::proc::Cmd;
use crate::test::features::BOARD;
use std::time::Duration;

/// A Debian package and what it is for.
#[derive(Clone, Copy, Debug)]
pub struct Package {
    /// As apt names it, `:i386` included.
    pub name: &'static str,
    /// Why it is needed.
    pub reason: &'static str,
    /// Where it is needed.
    pub when: When,
}

/// What a machine must lack for a package to be of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// It is always needed.
    Always,
    /// rustup has no prebuilt std for the i586.
    NoPrebuilt,
    /// Nor has the everyday compiler the source of std.
    NoSource,
}

const fn package(name: &'static str, reason: &'static str, when: When) -> Package {
    Package { name, reason, when }
}

/// Everything that `cargo xtask test` runs.
pub const PACKAGES: &[Package] = &[
    package(
        "rustc-web",
        "a rustc whose source is packaged: std is built for i586 musl with it",
        When::NoSource,
    ),
    package("rust-web-src", "that source", When::NoSource),
    package("gcc-i686-linux-gnu", "links the i586 binary; its objdump reads it", When::NoPrebuilt),
    package("musl-dev:i386", "the C library of the static binary", When::NoPrebuilt),
    package("binutils", "objdump for the instruction scan", When::Always),
    package("binutils-arm-none-eabi", "links the core for a Cortex-M3 and weighs it", When::Always),
    package("binutils-i686-linux-gnu", "links the core for the old servers", When::Always),
    package("g++", "compiles libFuzzer", When::Always),
    package("qemu-system-arm", "the bridge's emulated board", When::Always),
    package("valgrind", "counts the core's instructions", When::Always),
    package("qemu-user-static", "runs the i586 binary on an emulated Pentium", When::Always),
    package("net-tools", "ifconfig and route, as Red Hat 9 has them", When::Always),
    package("iproute2", "namespaces and addresses of the two-node tests", When::Always),
    package("rpm", "rpmbuild and rpm2cpio, for the package of Red Hat 9", When::Always),
    package("rsync", "pulls data in the two-node tests", When::Always),
    package("openssh-server", "the way of such pulls", When::Always),
    package("openssh-client", "its other end", When::Always),
    package("strace", "counts system calls in the benchmark", When::Always),
];

/// What `cargo xtask hil` adds; installed when it runs.
pub const VIRTUAL: &[Package] = &[
    package("qemu-system-x86", "the two machines of the virtual rig", When::Always),
    package("iproute2", "their networks", When::Always),
    package("util-linux", "setpriv: ends QEMU with the rig", When::Always),
];

/// What the benchmark's `--peers` adds: fetched and unpacked below the target folder, never installed.
pub const PEERS: &[Package] = &[
    package("keepalived", "measured beside hbd", When::Always),
    package("heartbeat", "the original, measured beside hbd", When::Always),
];

/// Installs what is missing of [`PACKAGES`] and of rustfmt and clippy; returns one line on what was done.
///
/// # Errors
/// Something is missing and cannot be installed: the text holds the line to run.
pub fn ensure() -> Result<String, String> {
    components()?;
    ensure_all(PACKAGES)
}

/// Fetches [`PEERS`] for `cargo xtask bench --peers`; returns one line on where they are.
///
/// # Errors
/// One is neither installed nor to be had.
pub fn peers() -> Result<String, String> {
    let mut places = Vec::new();
    for peer in PEERS.iter().filter(|peer| which(peer.name).is_none()) {
        places.push(package::unpacked(peer.name)?.display().to_string());
    }
    Ok(if places.is_empty() { "the peers are installed".to_owned() } else { places.join(" ") })
}

/// Those of [`PACKAGES`] that the i586 binary and its packages are made with.
const DIST: [&str; 6] =
    ["rustc-web", "rust-web-src", "gcc-i686-linux-gnu", "musl-dev:i386", "binutils", "rpm"];

/// Installs what `cargo xtask dist` needs on a machine that has nothing but a Rust toolchain.
///
/// # Errors
/// As [`ensure`].
pub fn for_dist() -> Result<String, String> {
    if toolchain::route(dist::I586).is_err() {
        components()?;
    }
    let some: Vec<Package> = PACKAGES.iter().filter(|p| DIST.contains(&p.name)).copied().collect();
    ensure_all(&some)
}

/// The one line that installs all of these, for a user without root's rights.
#[must_use]
pub fn line_for_dist() -> String {
    one_line(&DIST)
}

/// Installs what is missing of some packages; returns one line on what was done.
///
/// # Errors
/// As [`ensure`].
pub fn ensure_all(packages: &[Package]) -> Result<String, String> {
    if which("dpkg-query").is_none() {
        return Ok("not a Debian machine: cross tools are taken as they are".to_owned());
    }
    let want: Vec<Package> = packages.iter().filter(|p| needed(p.when)).copied().collect();
    let missing: Vec<&str> = want.iter().filter(|p| !installed(p.name)).map(|p| p.name).collect();
    if missing.is_empty() {
        return Ok(format!("{} packages in place", want.len()));
    }
    for p in want.iter().filter(|p| missing.contains(&p.name)) {
        println!("missing: {} ({})", p.name, p.reason);
    }
    if !is_root() {
        return Err(format!("packages are missing; run: {}", one_line(&missing)));
    }
    install(&missing)?;
    Ok(format!("installed {}", missing.join(" ")))
}

/// The line that a user without root's rights hands to someone who has them.
pub fn one_line(missing: &[&str]) -> String {
    let foreign =
        if missing.iter().any(|p| p.ends_with(":i386")) { "dpkg --add-architecture i386; " } else { "" };
    format!(
        "sudo sh -c '{foreign}apt-get update; apt-get install -y --no-install-recommends {}'",
        missing.join(" ")
    )
}

/// True when dpkg reports the package as installed.
pub fn installed(name: &str) -> bool {
    let query = Cmd::new("dpkg-query").args(["-W", "-f=${db:Status-Status}\n", name]).output();
    query.is_ok_and(|o| o.code == Some(0) && o.stdout.lines().any(|l| l == "installed"))
}

fn needed(when: When) -> bool {
    match when {
        When::Always => true,
        When::NoPrebuilt => !toolchain::rustup_has(dist::I586),
        When::NoSource => needed(When::NoPrebuilt) && !Compiler::Everyday.has_source(),
    }
}

fn install(missing: &[&str]) -> Result<(), String> {
    if missing.iter().any(|p| p.ends_with(":i386")) {
        Cmd::new("dpkg").args(["--add-architecture", "i386"]).run()?;
    }
    let apt = |args: &[&str]| {
        Cmd::new("apt-get")
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .limit(Duration::from_secs(900))
            .run()
    };
    // One index that cannot be fetched is no reason to stop: the packages may be in the others.
    if let Err(e) = apt(&["update", "-q"]) {
        println!("apt-get update: {e}; going on");
    }
    let mut args = vec!["install", "-q", "-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0"];
    args.extend(missing);
    apt(&args).map_err(|e| format!("{e}; by hand: {}", one_line(missing)))
}

fn components() -> Result<(), String> {
    for (probe, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        let present = Cmd::cargo([probe, "--version"]).output().is_ok_and(|o| o.code == Some(0));
        if !present {
            Cmd::new("rustup").args(["component", "add", component]).run().map_err(|e| {
                format!("cargo {probe} is missing and could not be added ({e}); run: rustup component add {component}")
            })?;
        }
    }
    // rustup does not have these everywhere; each has another way.
    let wanted = [dist::I586, BOARD].into_iter().filter(|target| !toolchain::rustup_has(target));
    let mut asks: Vec<[&str; 3]> = wanted.map(|target| ["target", "add", target]).collect();
    if !Compiler::Everyday.has_source() {
        asks.push(["component", "add", "rust-src"]);
    }
    for ask in asks {
        let asked = Cmd::new("rustup").args(ask).limit(Duration::from_secs(180)).output();
        if !asked.is_ok_and(|o| o.code == Some(0)) {
            println!("rustup {}: not to be had here; going on", ask.join(" "));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dist_needs_is_among_the_packages() {
        assert!(DIST.iter().all(|name| PACKAGES.iter().any(|p| p.name == *name)));
    }

    #[test]
    fn a_machine_that_cannot_build_for_the_old_servers_is_told_the_one_line() {
        let said = toolchain::route("no-such-target").err().unwrap_or_else(line_for_dist);
        assert!(said.contains("sudo sh -c 'dpkg --add-architecture i386; apt-get update;"), "{said}");
        assert!(DIST.iter().all(|name| said.contains(name)), "{said}");
    }

    #[test]
    fn the_line_to_run_is_complete() {
        assert_eq!(
            one_line(&["strace", "musl-dev:i386"]),
            "sudo sh -c 'dpkg --add-architecture i386; apt-get update; \
             apt-get install -y --no-install-recommends strace musl-dev:i386'"
        );
        assert!(!one_line(&["strace"]).contains("architecture"));
    }

    #[test]
    fn an_unknown_package_is_not_installed() {
        assert!(!installed("no-such-package-at-all"));
    }
}
