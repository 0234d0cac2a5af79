//! Which groups a command means.

use super::args::Usage;
use crate::control::wire::Which;
use std::format;
use std::string::{String, ToString};

/// Which groups a command means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Groups {
    /// Every one.
    All,
    /// Those that prefer this node.
    Local,
    /// Those that prefer the other node.
    Foreign,
    /// The one of this name.
    One(String),
}

impl Groups {
    /// `all`, `local`, `foreign` or the name of a group; nothing is `all`.
    ///
    /// # Errors
    /// More than one word.
    pub fn read(values: &[String]) -> Result<Self, Usage> {
        match values {
            [] => Ok(Self::All),
            [word] => Ok(match word.as_str() {
                "all" => Self::All,
                "local" => Self::Local,
                // The original's other word for it.
                "foreign" | "failback" => Self::Foreign,
                name => Self::One(name.to_string()),
            }),
            [_, word, ..] => Err(Usage::new(format!("{word:?} is one word too many"))),
        }
    }

    /// The same for the daemon.
    #[must_use]
    pub fn which(&self) -> Which<'_> {
        match self {
            Self::All => Which::All,
            Self::Local => Which::Local,
            Self::Foreign => Which::Foreign,
            Self::One(name) => Which::One(name),
        }
    }
}
