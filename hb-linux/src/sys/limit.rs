//! Limits that the caller's shell may have set, and that would hurt in the middle of a take-over. nix's `setrlimit` is the C
//! library's, and musl's holds what it takes to stop every thread: 2 KB.

use super::Result;
use nix::sys::resource::{Resource, getrlimit};

/// Descriptors that the daemon wants to be allowed: its own are some sixty at most, and `poll(2)` refuses a longer list
/// than the limit.
const FILES: libc::rlim_t = 1024;

/// Stack that the start of the daemon has room in: some 350 KB are used. A shell that allows less would end it there.
const STACK: libc::rlim_t = 1024 * 1024;

/// Allow `FILES` open files, if fewer were allowed. Answers how many are allowed now.
///
/// # Errors
/// The kernel tells no limit.
pub fn raise_files() -> Result<u64> {
    raise(Resource::RLIMIT_NOFILE, FILES)
}

/// Allow `STACK` bytes of stack, if fewer were allowed: the kernel reads the limit each time the stack grows.
///
/// # Errors
/// The kernel tells no limit.
pub fn raise_stack() -> Result<u64> {
    raise(Resource::RLIMIT_STACK, STACK)
}

/// Raises a limit to `least`, if it is lower: the hard one too if it may, else as far as the hard one. Answers what holds
/// now.
fn raise(resource: Resource, least: libc::rlim_t) -> Result<u64> {
    let (soft, hard) = getrlimit(resource)?;
    if soft >= least {
        return Ok(soft);
    }
    for (soft, hard) in [(least, hard.max(least)), (hard.min(least), hard)] {
        if set(resource, soft, hard) {
            return Ok(soft);
        }
    }
    Ok(soft)
}

/// Allow files of any size, for the helper: the event ring has 64 KB, and a log grows. Refused without root; then a write
/// that goes too far fails, which is told.
pub fn any_file_size() {
    set(Resource::RLIMIT_FSIZE, libc::RLIM_INFINITY, libc::RLIM_INFINITY);
}

/// Sets a limit, soft and hard, by the call itself.
fn set(resource: Resource, soft: libc::rlim_t, hard: libc::rlim_t) -> bool {
    // The kernel's own is as wide as a register, and all ones are no limit there too.
    let word = |limit| libc::c_ulong::try_from(limit).unwrap_or(libc::c_ulong::MAX);
    let want = [word(soft), word(hard)];
    // SAFETY: setrlimit reads two words.
    unsafe { libc::syscall(libc::SYS_setrlimit, resource as libc::c_int, want.as_ptr()) == 0 }
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
