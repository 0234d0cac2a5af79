//! Limits that the caller's shell may have set, and that would hurt in the middle of a take-over.

use super::errno::check;
use super::{Errno, Result};

/// Descriptors that the daemon wants to be allowed: its own are some sixty at most, and `poll(2)` refuses a longer list
/// than the limit.
const FILES: libc::rlim_t = 1024;

/// Allow `FILES` open files, if fewer were allowed. Answers how many are allowed now.
///
/// # Errors
/// `EPERM`: not root, and the hard limit is lower; it stays as it is then.
pub fn raise_files() -> Result<u64> {
    let mut now = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: getrlimit writes one rlimit.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut now) })?;
    if now.rlim_cur >= FILES {
        return Ok(now.rlim_cur);
    }
    let wide = libc::rlimit { rlim_cur: FILES, rlim_max: now.rlim_max.max(FILES) };
    let narrow = libc::rlimit { rlim_cur: now.rlim_max.min(FILES), rlim_max: now.rlim_max };
    for want in [wide, narrow] {
        // SAFETY: setrlimit reads one rlimit.
        if check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const want) }).is_ok() {
            return Ok(want.rlim_cur);
        }
    }
    Err(Errno::PERM)
}

/// Allow files of any size, for the helper: the event ring has 64 KB, and a log grows. Refused without root; then a write
/// that goes too far fails, which is told.
pub fn any_file_size() {
    let none = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: setrlimit reads one rlimit.
    unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const none) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process::{Ended, fork, wait_for};

    #[test]
    fn a_low_limit_is_raised_as_far_as_it_may_be() {
        let child = fork(|| {
            let low = libc::rlimit { rlim_cur: 33, rlim_max: 33 };
            // SAFETY: setrlimit reads one rlimit; this is a child of the test's own.
            unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const low) };
            let first = raise_files();
            let soft = libc::rlimit { rlim_cur: 20, rlim_max: first.unwrap_or(33) };
            // SAFETY: as above.
            unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const soft) };
            // Beyond the hard limit only who may; up to it everybody.
            i32::from(!matches!(first, Ok(33 | 1024)) || raise_files() != first)
        })
        .unwrap();
        assert_eq!(wait_for(child), Some(Ended::Code(0)));
    }
}
