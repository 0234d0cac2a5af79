//! Which groups a command means.

use super::args::Usage;
use crate::control::wire::Which;

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
    #[must_use]
    pub fn read(word: Option<&str>) -> Self {
        match word {
            None | Some("all") => Self::All,
            Some("local") => Self::Local,
            // The original's other word for it.
            Some("foreign" | "failback") => Self::Foreign,
            Some(name) => Self::One(name.to_string()),
        }
    }

    /// The same of one word at most.
    ///
    /// # Errors
    /// More than one.
    pub fn read_one(words: &[String]) -> Result<Self, Usage> {
        match words {
            [_, word, ..] => Err(Usage::new(format!("{word:?} is one word too many"))),
            words => Ok(Self::read(words.first().map(String::as_str))),
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
