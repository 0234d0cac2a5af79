//! `cargo xtask dist`: the one static i586 binary for the old servers, a native one beside it, the packages of both, and the
//! checks that it will run there: no shared library, no instruction a Pentium lacks, small, alive under QEMU.

pub mod build;
pub mod elf;
pub mod isa;
pub mod packages;
pub mod publish;
pub mod rpm;
pub mod running;
pub mod seed;
pub mod toolchain;

use crate::table::Table;
use std::path::{Path, PathBuf};
use std::{fs, io::Write, thread};

/// The target of the old servers.
pub const I586: &str = "i586-unknown-linux-musl";
/// What the i586 binary must not outgrow, in bytes, with everything in it.
pub const SIZE_LIMIT: u64 = 640 * 1024;

/// One check of the i586 binary: its name and how it ended, with a detail either way.
pub type Check = (&'static str, Result<String, String>);

/// Builds both binaries and checks the i586 one. With `thorough` it is also run, its demo included.
///
/// # Errors
/// A package is missing that only root may install, a build fails, or a check does: the text says which.
pub fn run(thorough: bool) -> Result<String, String> {
    println!("{}", crate::setup::for_dist()?);
    // Each links on one processor, in a target folder of its own.
    let (native, others) = thread::scope(|scope| {
        let native = scope.spawn(build::native);
        let others = build::i586().and_then(|old| Ok((old, build::full()?)));
        (native.join().unwrap_or_else(|_| Err("the native build broke down".to_owned())), others)
    });
    let (native, (old, full)) = (native?, others?);
    println!("\n{}\n{}\n{}", native.display(), old.display(), full.display());
    let mut checks = inspect(&old)?;
    checks.push(("packages", packages::make(&native, &old, &full)));
    if thorough {
        checks.extend(running::checks(&old, &full));
    }
    report(&checks)
}

/// What each comfort that the i586 binary leaves out would add to it.
///
/// # Errors
/// A build fails.
pub fn parts() -> Result<(), String> {
    let mut table = Table::new(["part", "bytes"]);
    for (part, bytes) in build::parts()? {
        table.row([part, &bytes.to_string()]);
    }
    println!("\n{table}");
    Ok(())
}

/// Where the i586 binary is put.
pub fn i586_binary() -> PathBuf {
    crate::paths::target().join("dist").join(I586).join("hbd")
}

/// The checks that only read the file.
///
/// # Errors
/// The file cannot be read.
pub fn inspect(binary: &Path) -> Result<Vec<Check>, String> {
    let bytes = fs::read(binary).map_err(|e| format!("{}: {e}", binary.display()))?;
    Ok(vec![
        ("static i386 ELF", elf::check(&bytes)),
        ("no instruction beyond i586", isa::check(binary)),
        ("size", size(bytes.len() as u64, SIZE_LIMIT)),
    ])
}

fn size(bytes: u64, limit: u64) -> Result<String, String> {
    let text = format!("{bytes} bytes of {limit}");
    if bytes <= limit { Ok(text) } else { Err(text) }
}

/// Prints the table of checks and sums it up.
fn report(checks: &[Check]) -> Result<String, String> {
    let mut table = Table::new(["check", "result", "detail"]);
    for (name, outcome) in checks {
        let (result, detail) = match outcome {
            Ok(detail) => ("ok", detail),
            Err(detail) => ("FAILED", detail),
        };
        table.row([name, result, detail.lines().next().unwrap_or_default()]);
    }
    println!("\n{table}");
    for (name, outcome) in checks {
        if let Err(detail) = outcome
            && detail.lines().count() > 1
        {
            println!("{name}:\n{detail}\n");
        }
    }
    // The table is long output's end: make it visible before a caller goes on.
    let _ = std::io::stdout().flush();
    let failed: Vec<&str> = checks.iter().filter(|(_, o)| o.is_err()).map(|(name, _)| *name).collect();
    if failed.is_empty() {
        let size = checks.iter().find(|(name, _)| *name == "size").and_then(|(_, o)| o.as_ref().ok());
        Ok(format!("{} checks, {}", checks.len(), size.map_or("", String::as_str)))
    } else {
        Err(format!("failed: {}", failed.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_over_the_budget_fails() {
        assert!(size(SIZE_LIMIT, SIZE_LIMIT).is_ok());
        assert!(size(SIZE_LIMIT + 1, SIZE_LIMIT).is_err());
    }

    #[test]
    fn one_failed_check_fails_the_report() {
        let good: Check = ("size", Ok("1 bytes of 2".to_owned()));
        let bad: Check = ("static", Err("PT_INTERP".to_owned()));
        assert_eq!(report(std::slice::from_ref(&good)), Ok("1 checks, 1 bytes of 2".to_owned()));
        assert_eq!(report(&[good, bad]), Err("failed: static".to_owned()));
    }
}
