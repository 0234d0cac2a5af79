//! `authkeys`.

use core::fmt;
use hb_core::auth::Keyring;
use std::path::Path;

/// What is wrong with one line of `authkeys`. `Display` gives the text, without file and line and never with a secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyFault {
    /// The line, counted from 1.
    pub line: u32,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not read")
    }
}

/// All that is wrong with `authkeys`, at most 16.
pub type KeyFaults = heapless::Vec<KeyFault, 16>;

/// Read `authkeys` again. Allocates nothing, also when it fails.
///
/// # Errors
/// What is wrong; the keys in use stay as they are.
pub fn reload_keys(_path: &Path) -> Result<Keyring, KeyFaults> {
    Err(KeyFaults::new())
}
