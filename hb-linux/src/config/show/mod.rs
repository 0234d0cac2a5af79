//! `hbd config`: every value that holds, with the place that it came from (`show`), and the numbers by which two nodes compare
//! their files (`digest`).

#[cfg(feature = "data")]
mod data;
mod digest;
mod keys;
mod rows;

use super::{Findings, Paths};
use std::io::{self, Write};

/// Prints every value of the three files as they stand, one a line, with `file:line` or the rule that gave it. Gives what is
/// wrong with them: a value that was refused shows its default.
///
/// # Errors
/// Those of `out`.
pub fn values(paths: &Paths, node: Option<&str>, out: &mut dyn Write) -> io::Result<Findings> {
    let loaded = super::read(paths, node);
    let mut all = rows::of(&loaded);
    all.extend(keys::of(&paths.authkeys()));
    for row in all {
        writeln!(out, "{row}")?;
    }
    Ok(loaded.findings)
}

/// Prints what the two nodes compare: the same text on both exactly when they agree. `Err` holds what is wrong with the files.
///
/// # Errors
/// Those of `out`.
pub fn digests(
    paths: &Paths,
    node: Option<&str>,
    out: &mut dyn Write,
) -> io::Result<Result<digest::Digests, Findings>> {
    let (settings, findings) = super::load(paths, node);
    let Some(settings) = settings else { return Ok(Err(findings)) };
    let digests = digest::of(&settings);
    write!(out, "{digests}")?;
    Ok(Ok(digests))
}

#[cfg(test)]
mod tests;
