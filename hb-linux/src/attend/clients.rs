//! The programs of `respawn`: started again when they end, until they ask for no more or end too fast too often.

use super::{Client, Setup};
use crate::sys::process::{self, Ended, Pid, own_pid};
use crate::sys::spawn::{Image, Words, become_image};
use crate::sys::{Errno, oom, user};
use hb_core::{Duration, Instant};
use std::ffi::CString;
use std::fs;
use std::path::Path;

/// The original's: a shorter life is a fast one, and more than so many in a row are too many.
const SHORT: Duration = Duration::from_secs(30);
const FAST: u8 = 10;
/// A program that ends with this wants no further life.
const NO_MORE: u8 = 100;

/// What follows the end of a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Another life, at once.
    Again,
    /// It asked for no more.
    Asked,
    /// Too many short lives in a row.
    GivenUp,
}

/// The lives of one program.
#[derive(Clone, Copy, Debug)]
pub struct Lives {
    born: Instant,
    fast: u8,
}

impl Lives {
    /// None yet.
    pub const NONE: Self = Self { born: Instant::ZERO, fast: 0 };

    /// A life begins.
    pub const fn begin(&mut self, now: Instant) {
        self.born = now;
    }

    /// It ended.
    pub fn end(&mut self, now: Instant, ended: Ended) -> Next {
        self.fast = if now.since(self.born) < SHORT { self.fast.saturating_add(1) } else { 0 };
        match ended {
            Ended::Code(NO_MORE) => Next::Asked,
            _ if self.fast > FAST => Next::GivenUp,
            _ => Next::Again,
        }
    }
}

/// The user's number, group, and all groups, as the machine's own tables have them.
#[must_use]
pub fn user(etc_dir: &Path, name: &str) -> Option<(u32, u32, Vec<u32>)> {
    let read = |file: &str| fs::read(etc_dir.join(file)).unwrap_or_default();
    let passwd = String::from_utf8_lossy(&read("passwd")).into_owned();
    let own = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let own = own.filter(|fields| fields.first() == Some(&name)).find_map(|fields| {
        Some((fields.get(2)?.trim().parse::<u32>().ok()?, fields.get(3)?.trim().parse::<u32>().ok()?))
    });
    let (uid, gid) = own?;
    let mut groups = Vec::from([gid]);
    for line in String::from_utf8_lossy(&read("group")).lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let member = fields.get(3).is_some_and(|all| all.split(',').any(|one| one.trim() == name));
        let number = fields.get(2).and_then(|number| number.trim().parse::<u32>().ok());
        groups.extend(number.filter(|number| member && *number != gid));
    }
    Some((uid, gid, groups))
}

/// Start a program as its user, with that one's groups, in a session of its own. It is killed when this process ends.
///
/// # Errors
/// `ESRCH`: there is no such user. Else as `fork(2)`.
pub fn start(setup: &Setup, client: &Client) -> Result<Pid, Errno> {
    let (uid, gid, groups) = user(&setup.paths.etc_dir, &client.user).ok_or(Errno(libc::ESRCH))?;
    let path = client.words.first().map_or("", String::as_str);
    let path = CString::new(path).map_err(|_| Errno::INVALID)?;
    let argv = Words::new(&client.words).ok_or(Errno::INVALID)?;
    let envp = Words::new(&setup.env).ok_or(Errno::INVALID)?;
    let parent = own_pid();
    process::fork(|| {
        process::new_session();
        oom::ordinary();
        process::umask(0o022);
        if user::become_user(uid, gid, &groups).is_err() {
            return 126;
        }
        let _ = become_image(&Image { path: &path, argv: &argv, envp: &envp }, parent, None, None);
        127
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_given_up_after_more_than_ten_fast_deaths() {
        let at = |ms| Instant::ZERO.plus(Duration::from_millis(ms));
        let mut lives = Lives::NONE;
        for n in 0..10 {
            lives.begin(at(n * 100));
            assert_eq!(lives.end(at(n * 100 + 50), Ended::Code(0)), Next::Again);
        }
        // A long life forgives.
        lives.begin(at(2_000));
        assert_eq!(lives.end(at(32_000), Ended::Signal(9)), Next::Again);
        for n in 0..10 {
            lives.begin(at(40_000 + n));
            assert_eq!(lives.end(at(40_000 + n), Ended::Code(1)), Next::Again);
        }
        lives.begin(at(50_000));
        assert_eq!(lives.end(at(50_001), Ended::Code(1)), Next::GivenUp);
        assert_eq!(lives.end(at(60_000), Ended::Code(100)), Next::Asked);
    }

    #[test]
    fn a_user_has_all_groups_that_name_him() {
        let dir = std::env::temp_dir().join(format!("hbd-user-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("passwd"), "root:x:0:0::/root:/bin/sh\nhacluster:x:90:91::/:/bin/false\n")
            .unwrap();
        fs::write(dir.join("group"), "haclient:x:91:hacluster\nadm:x:4:a,hacluster\nmail:x:8:a\n").unwrap();
        assert_eq!(user(&dir, "hacluster"), Some((90, 91, Vec::from([91, 4]))));
        assert_eq!(user(&dir, "nobody"), None);
        fs::remove_dir_all(dir).unwrap();
    }
}
