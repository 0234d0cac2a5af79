//! Which compiler builds for a target: rustup's prebuilt std where it is there, else std from source
//! (`-Zbuild-std`), by the everyday compiler with `rust-src`, or by Debian's `rustc-web` with `rust-web-src`.

use crate::paths::{self, which};
use crate::proc::Cmd;
use std::fs;
use std::path::PathBuf;

/// Debian's rustc, beside which `rust-web-src` puts the source of std.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_SOURCE: &str = "/usr/lib/rustlib/src/rust/library/std";
/// How Debian's musl-dev tells a foreign gcc about its start files and library.
const MUSL_SPECS: &str = "/usr/lib/i386-linux-musl/musl-gcc.specs";

/// The way a target is built here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// `rustup target add` has brought a prebuilt std.
    Prebuilt,
    /// This compiler builds std (or only core) from source.
    Source(Compiler),
}

/// A compiler that has the source of std beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compiler {
    /// The one that builds everything else.
    Everyday,
    /// Debian's `rustc-web`: older, but it comes from the same place as the C library.
    Debian,
}

impl Compiler {
    fn path(self) -> PathBuf {
        match self {
            Self::Everyday => std::env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from),
            Self::Debian => PathBuf::from(DEBIAN_RUSTC),
        }
    }

    /// Is the source of std beside it?
    pub fn has_source(self) -> bool {
        match self {
            Self::Everyday => {
                let said = Cmd::new(self.path()).args(["--print", "sysroot"]).output();
                said.is_ok_and(|o| {
                    PathBuf::from(o.stdout.trim()).join("lib/rustlib/src/rust/library/std").exists()
                })
            }
            Self::Debian => self.path().exists() && PathBuf::from(DEBIAN_SOURCE).exists(),
        }
    }

    /// A cargo command on this compiler, which as a released one needs leave for `-Z` options. It gets a target
    /// folder of its own, so that it does not fight the everyday builds.
    ///
    /// # Errors
    /// The target folder cannot be made.
    pub fn cargo(self, args: &[&str]) -> Result<Cmd, String> {
        let folder = paths::scratch("dist/build")?;
        Ok(Cmd::cargo(args)
            .env("RUSTC", self.path())
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_DIR", folder)
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS"))
    }

    /// True when it knows `-Cpanic=immediate-abort`: no unwinder, no panic text, half the size.
    pub fn immediate_abort(self) -> bool {
        self.knows(&["-Zunstable-options", "-Cpanic=immediate-abort"])
    }

    /// The option that has LLVM lay blocks out for short jumps, where this compiler's LLVM (20 and later) knows it.
    pub fn short_jumps(self) -> Option<&'static str> {
        const OPTION: &str = "-Cllvm-args=-apply-ext-tsp-for-size";
        self.knows(&[OPTION]).then_some(OPTION)
    }

    fn knows(self, options: &[&str]) -> bool {
        let probe =
            Cmd::new(self.path()).args(options).args(["--print", "cfg"]).env("RUSTC_BOOTSTRAP", "1").output();
        probe.is_ok_and(|o| o.code == Some(0))
    }
}

/// True when the active rustup toolchain has a prebuilt std for the target.
pub fn rustup_has(target: &str) -> bool {
    let list = Cmd::new("rustup").args(["target", "list", "--installed"]).output();
    list.is_ok_and(|o| o.stdout.lines().any(|line| line == target))
}

/// Chooses the way for a target.
///
/// # Errors
/// No way is open; the text says what to install.
pub fn route(target: &str) -> Result<Route, String> {
    if rustup_has(target) {
        return Ok(Route::Prebuilt);
    }
    let compilers = [Compiler::Everyday, Compiler::Debian];
    compilers.into_iter().find(|c| c.has_source()).map(Route::Source).ok_or_else(|| {
        format!(
            "nothing here builds for {target}; run: rustup target add {target}; or, where rustup has none: {}",
            crate::setup::line_for_dist()
        )
    })
}

/// Writes the linker wrapper and an empty `libunwind.a`, and returns the wrapper and the library's folder.
///
/// std asks for libunwind on musl targets although nothing of it is called once a panic aborts at once. The wrapper's
/// name ends in `gcc`, because rustc reads from it how to pass options.
///
/// # Errors
/// A file cannot be written, or Debian's musl or cross gcc is missing.
pub fn musl_linker() -> Result<(PathBuf, PathBuf), String> {
    for (needed, package) in [(MUSL_SPECS, "musl-dev:i386"), ("i686-linux-gnu-gcc", "gcc-i686-linux-gnu")] {
        if which(needed).is_none() && !PathBuf::from(needed).is_file() {
            return Err(format!("{needed} is missing; install the package {package}"));
        }
    }
    let dir = paths::scratch("dist/link")?;
    let wrapper = dir.join("i586-musl-gcc");
    write(&wrapper, format!("#!/bin/sh\nexec i686-linux-gnu-gcc -specs {MUSL_SPECS} \"$@\"\n").as_bytes())?;
    set_mode(&wrapper, 0o755)?;
    // An archive with no member is its eight-byte signature.
    write(&dir.join("libunwind.a"), b"!<arch>\n")?;
    Ok((wrapper, dir))
}

fn write(path: &PathBuf, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|e| format!("{}: {e}", path.display()))
}

/// Sets a file's permission bits.
///
/// # Errors
/// The file's name and why it cannot be changed.
pub fn set_mode(path: &std::path::Path, mode: u32) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(|e| format!("{}: {e}", path.display()))
}
