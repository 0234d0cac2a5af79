//! `hbd check`.

use super::Paths;
use std::io::{self, Write};

/// Print everything that is wrong, then the chain of times. Returns the exit code: 0 ok, 1 the environment does not
/// match, 6 not configured.
///
/// # Errors
/// Those of `out`.
pub fn run(_paths: &Paths, _node: Option<&str>, _out: &mut dyn Write) -> io::Result<u8> {
    Ok(6)
}
