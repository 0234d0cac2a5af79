//! A child of the daemon that keeps the programs of `respawn` running and calls people's hooks, far from the timing path.
//!
//! ```text
//! hbd ----- news, a line each -----> hbd-attend ----> notify.d/*, rc.d/TYPE: one at a time, in order, with a limit
//!     <---- lines for the log -----              ----> programs of respawn
//! ```
//! It exists where there is something for it to do. The daemon waits for it at its very end alone: news that the pipe has no
//! room for is counted, and told with the next. The end of the pipe is the order to end the programs and to go.

pub mod clients;
pub mod hooks;
mod run;
#[cfg(test)]
mod tests;

use crate::sys::process::{self, Pid};
use crate::sys::{Fd, Result, fd};
use std::path::PathBuf;

/// Between the values of a piece of news.
pub const SEPARATOR: char = '\u{1f}';
/// Longest piece of news, and longest line for the log: a pipe takes it whole or not at all.
pub const LONGEST: usize = 2048;

/// A program of `respawn`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Client {
    /// As whom it runs.
    pub user: String,
    /// The program's full path, and its arguments.
    pub words: Vec<String>,
}

/// What the child is told once.
#[derive(Clone, Debug)]
pub struct Setup {
    /// In the order of `ha.cf`.
    pub clients: Vec<Client>,
    /// Holds `notify.d` and `rc.d`.
    pub config_dir: PathBuf,
    /// `/etc`: users and groups.
    pub etc_dir: PathBuf,
    /// The environment that resource scripts have.
    pub env: Vec<String>,
    /// Milliseconds that a hook may take, and a program to end.
    pub limits_ms: (u64, u64),
}

impl Setup {
    /// Is there anything to do?
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.clients.is_empty() || hooks::DIRS.iter().any(|dir| self.config_dir.join(dir).is_dir())
    }
}

/// Fork the child: its number, the pipe for news, the pipe of its lines.
///
/// # Errors
/// As `pipe(2)` and `fork(2)`.
pub fn launch(setup: &Setup) -> Result<(Pid, Fd, Fd)> {
    let ((orders, news), (lines, says)) = (fd::pipe()?, fd::pipe()?);
    for end in [&orders, &news, &lines, &says] {
        end.set_nonblocking(true)?;
    }
    let pid = process::fork(|| run::run(setup, &orders, &says))?;
    Ok((pid, news, lines))
}
