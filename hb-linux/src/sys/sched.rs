//! Locked memory and real-time scheduling. Both are wishes: what the kernel refuses is reported and lived without. nix has
//! neither `sched_setscheduler` nor `setpriority`, and memory that is given back by address is unsafe with it too.

use super::process::Pid;
use super::{Errno, Result};
use core::ffi::{c_int, c_long};
use nix::sys::mman::{MlockAllFlags, mlockall};

/// `SCHED_OTHER` and `SCHED_RR`, as the kernel numbers them.
const OTHER: c_int = 0;
const ROUND_ROBIN: c_int = 2;

/// Stack that stays locked below the caller's frame: what the daemon's loop can need.
const STACK_KEEP: usize = 48 * 1024;

/// Keep all present and future pages of this process in memory. The stack's unused depths, which the kernel maps
/// generously and `mlockall` would fill, are given back.
///
/// # Errors
/// `EPERM` or `ENOMEM`: not root, or a limit. Nothing is locked then.
pub fn lock_memory() -> Result<()> {
    touch_stack();
    mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE)?;
    release_deep_stack();
    Ok(())
}

/// Make the stack that the loop can need present before it is needed. Not inlined: its frame must be gone when the
/// stack below the caller is given back.
#[inline(never)]
fn touch_stack() {
    let mut page = [0_u8; STACK_KEEP];
    core::hint::black_box(&mut page);
}

/// Unlock and drop the stack's pages between its mapped end and [`STACK_KEEP`] below this frame. Not
/// inlined: a caller's large frame would put live data below the marker.
#[inline(never)]
fn release_deep_stack() {
    let marker = 0_u8;
    let here = core::hint::black_box(&raw const marker) as usize;
    let Some(low) = stack_start(here) else { return };
    let page = 4096;
    let end = here.saturating_sub(STACK_KEEP) & !(page - 1);
    if end <= low {
        return;
    }
    let (start, len) = (low as *mut core::ffi::c_void, end - low);
    // SAFETY: the range is page-aligned, inside this thread's stack mapping and at least STACK_KEEP below every live
    // frame, so it holds nothing; dropped pages come back as zeros when the stack grows into them.
    unsafe {
        if libc::munlock(start, len) == 0 {
            libc::madvise(start, len, libc::MADV_DONTNEED);
        }
    }
}

/// Where the mapping that contains `address` begins, from `/proc/self/maps`.
fn stack_start(address: usize) -> Option<usize> {
    let maps = std::fs::read("/proc/self/maps").ok()?;
    for line in maps.split(|&b| b == b'\n') {
        let range = line.split(|&b| b == b' ').next().and_then(|word| core::str::from_utf8(word).ok())?;
        if let Some((low, high)) = range.split_once('-') {
            let low = usize::from_str_radix(low, 16).ok()?;
            let high = usize::from_str_radix(high, 16).ok()?;
            if (low..high).contains(&address) {
                return Some(low);
            }
        }
    }
    None
}

/// Ask for `SCHED_RR` at `priority`, 1 to 99.
///
/// # Errors
/// `EPERM`: not allowed here. `EINVAL`: no such priority.
pub fn realtime(priority: i32) -> Result<()> {
    set_policy(0, ROUND_ROBIN, priority)
}

/// Ask for `SCHED_RR` at `priority` for another process, or (0) for what is ordinary. A wish.
pub fn hurry(process: Pid, priority: i32) {
    let policy = if priority > 0 { ROUND_ROBIN } else { OTHER };
    let _ = set_policy(process.get(), policy, priority);
}

/// Ordinary scheduling at nice 0: for children. Allocates nothing.
pub(super) fn ordinary() {
    let _ = set_policy(0, OTHER, 0);
    // SAFETY: setpriority touches no memory. The type of its first argument differs between C libraries.
    unsafe { libc::setpriority(libc::PRIO_PROCESS as _, 0, 0) };
}

/// The system call itself: musl's function of this name only answers `ENOSYS`.
fn set_policy(process: c_int, policy: c_int, priority: c_int) -> Result<()> {
    // struct sched_param of the kernel: one int.
    let parameter: [c_int; 1] = [priority];
    // SAFETY: the call reads one int through the pointer; process 0 is this one.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_sched_setscheduler,
            c_long::from(process),
            c_long::from(policy),
            parameter.as_ptr(),
        )
    };
    if answer == -1 { Err(Errno::last()) } else { Ok(()) }
}

/// The policy now: is it `SCHED_RR`?
#[cfg(test)]
#[must_use]
pub fn is_realtime() -> bool {
    // SAFETY: the call touches no memory; 0 is this process.
    unsafe { libc::syscall(libc::SYS_sched_getscheduler, 0 as c_long) == c_long::from(ROUND_ROBIN) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process::{Ended, fork, wait_for};

    #[test]
    fn a_priority_that_does_not_exist_is_refused() {
        assert_eq!(realtime(1000), Err(Errno::INVALID));
    }

    #[test]
    fn another_process_is_hurried_and_no_longer() {
        let child = fork(|| {
            crate::sys::poll::sleep_ms(20_000);
            0
        })
        .unwrap();
        // SAFETY: the call touches no memory.
        let policy = || unsafe { libc::syscall(libc::SYS_sched_getscheduler, c_long::from(child.get())) };
        hurry(child, 1);
        let allowed = realtime_allowed();
        assert_eq!(policy() == c_long::from(ROUND_ROBIN), allowed);
        hurry(child, 0);
        assert_eq!(policy(), c_long::from(OTHER));
        crate::sys::process::signal(child, crate::sys::Signal::SIGKILL).unwrap();
        wait_for(child);
    }

    /// May this process become real-time? Tried in a child.
    fn realtime_allowed() -> bool {
        let child = fork(|| i32::from(realtime(1).is_err())).unwrap();
        wait_for(child) == Some(Ended::Code(0))
    }

    #[test]
    fn realtime_and_locks_hold_or_are_reported() {
        let child = fork(|| {
            let realtime_ok = match realtime(1) {
                Ok(()) => is_realtime(),
                Err(why) => why == Errno::PERM,
            };
            let lock_ok = match lock_memory() {
                Ok(()) => true,
                Err(why) => why == Errno::PERM || why.0 == libc::ENOMEM,
            };
            ordinary();
            i32::from(!(realtime_ok && lock_ok && !is_realtime()))
        })
        .unwrap();
        assert_eq!(wait_for(child), Some(Ended::Code(0)));
    }
}
