//! When memory runs out, the kernel ends the process that it values least. With its memory locked the daemon looks large
//! on a small machine and would go first, its helper next; so both ask to be spared, and what they start does not
//! inherit that. Kernels from 2.6.11 on have a file for it, from 2.6.36 on another one; 2.4 has neither. Files alone, so nothing of
//! nix; here because what is spawned puts it back before it runs.

use super::{Errno, Fd, Result};
use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, Ordering};

/// The files, newest first, and what in each means *never*.
const FILES: [(&CStr, &[u8]); 2] =
    [(c"/proc/self/oom_score_adj", b"-1000\n"), (c"/proc/self/oom_adj", b"-17\n")];

/// Whether [`spare`] changed something that a child must not inherit.
static SPARED: AtomicBool = AtomicBool::new(false);

/// Ask never to be ended for want of memory. A kernel without a file for it is no error.
///
/// # Errors
/// The file is there, and this process may not write to it.
pub fn spare() -> Result<()> {
    for (file, never) in FILES {
        match write(file, never) {
            Err(Errno::NO_ENTRY) => {}
            done => {
                SPARED.store(done.is_ok(), Ordering::Relaxed);
                return done;
            }
        }
    }
    Ok(())
}

/// In a child, before it becomes another program: to be ended like any other. Allocates nothing.
pub fn ordinary() {
    if SPARED.load(Ordering::Relaxed) {
        for (file, _) in FILES {
            if write(file, b"0\n") != Err(Errno::NO_ENTRY) {
                return;
            }
        }
    }
}

fn write(file: &CStr, value: &[u8]) -> Result<()> {
    Fd::open(file, libc::O_WRONLY, 0)?.write(value).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process::{Ended, fork, wait_for};

    #[test]
    fn a_spared_process_starts_ordinary_ones_or_is_refused() {
        let child = fork(|| {
            let now = || std::fs::read_to_string("/proc/self/oom_score_adj").unwrap_or_default();
            let before = now();
            let spared = match spare() {
                Ok(()) => before.is_empty() || now() == "-1000\n",
                Err(_) => now() == before,
            };
            ordinary();
            let after = now();
            i32::from(!(spared && (after == before || after == "0\n")))
        })
        .unwrap();
        assert_eq!(wait_for(child), Some(Ended::Code(0)));
    }
}
