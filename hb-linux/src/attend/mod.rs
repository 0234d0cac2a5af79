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

use crate::config::{Paths, Settings};
use crate::sys::process::{self, Pid};
use crate::sys::{Fd, Result, fd};

/// Between the values of a piece of news.
pub const SEPARATOR: char = '\u{1f}';
/// Longest piece of news, and longest line for the log: a pipe takes it whole or not at all.
pub const LONGEST: usize = 2048;

/// In place of a piece of news: the files are right and changed, read `ha.cf` again.
pub const REREAD: &str = "reread\n";
/// Exit code of a child that was made to read the files again and found nothing to do.
pub const IDLE: u8 = 3;

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
    /// Its `config_dir` holds `notify.d` and `rc.d`, its `etc_dir` users and groups.
    pub paths: Paths,
    /// This node's name.
    pub own: String,
    /// The environment that resource scripts have.
    pub env: Vec<String>,
    /// Milliseconds that a hook may take, and a program to end.
    pub limits_ms: (u64, u64),
}

impl Setup {
    /// Is there anything to do?
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.clients.is_empty() || self.has_hooks()
    }

    fn has_hooks(&self) -> bool {
        hooks::DIRS.iter().any(|dir| self.paths.config_dir.join(dir).is_dir())
    }
}

/// The programs that the files name: those of `respawn`, and the page.
#[must_use]
pub fn clients(settings: &Settings, paths: &Paths) -> Vec<Client> {
    let all = settings.respawn.iter();
    let all = all.map(|(user, words)| Client { user: user.clone(), words: words.clone() });
    #[cfg(feature = "page")]
    let all = all.chain(settings.page.and_then(|port| crate::cli::page::client(port, &paths.run_dir)));
    #[cfg(not(feature = "page"))]
    let _ = paths;
    all.collect()
}

/// Fork the child: its number, the pipe for news, the pipe of its lines. `again`: it reads the files first, for they changed
/// since `setup` was made, and ends with [`IDLE`] if there is nothing to do.
///
/// # Errors
/// As `pipe(2)` and `fork(2)`.
pub fn launch(setup: &Setup, again: bool) -> Result<(Pid, Fd, Fd)> {
    let ((orders, news), (lines, says)) = (fd::pipe()?, fd::pipe()?);
    for end in [&orders, &news, &lines, &says] {
        end.set_nonblocking(true)?;
    }
    let pid = process::fork(|| run::run(setup, again, &orders, &says))?;
    Ok((pid, news, lines))
}
