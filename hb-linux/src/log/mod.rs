//! What people read: the core's events in words, and the lines that the daemon adds itself.

pub mod names;
mod text;
pub mod words;

pub use names::{GroupNames, Names};
pub use text::{LINE, Text};

/// How loud a line is. In this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// For the debug log alone.
    Debug,
    /// As expected.
    Info,
    /// Worth a look.
    Warn,
    /// Something failed.
    Error,
    /// The service is at stake.
    Crit,
}
