//! When memory runs out, the kernel ends the process that it values least. With its memory locked the daemon looks large
//! on a small machine and would go first, its helper next; so both ask to be spared, and what they start does not
//! inherit that. Kernels from 2.6.11 on have a file for it, from 2.6.36 on another one; 2.4 has neither.

use super::{Errno, Fd, Result};
use core::ffi::CStr;
use core::fmt::Write;
use core::sync::atomic::{AtomicI32, Ordering};
use heapless::String;

/// The files, newest first, and the value in each that means *never*.
const FILES: [(&CStr, i32); 2] = [(c"/proc/self/oom_score_adj", -1000), (c"/proc/self/oom_adj", -17)];

/// Nothing was changed.
const UNTOUCHED: i32 = i32::MIN;

/// By file: what stood there before [`spare`].
static BEFORE: [AtomicI32; 2] = [AtomicI32::new(UNTOUCHED), AtomicI32::new(UNTOUCHED)];

/// Ask never to be ended for want of memory. A kernel without a file for it is no error.
///
/// # Errors
/// The file is there, and this process may not write to it.
pub fn spare() -> Result<()> {
    for ((file, never), before) in FILES.iter().zip(&BEFORE) {
        let Ok(value) = read(file) else { continue };
        if value == *never {
            return Ok(());
        }
        write(file, *never)?;
        before.store(value, Ordering::Relaxed);
        return Ok(());
    }
    Ok(())
}

/// In a child, before it becomes another program: as it was before [`spare`]. Allocates nothing.
pub(super) fn ordinary() {
    for ((file, _), before) in FILES.iter().zip(&BEFORE) {
        let value = before.load(Ordering::Relaxed);
        if value != UNTOUCHED {
            let _ = write(file, value);
        }
    }
}

fn read(file: &CStr) -> Result<i32> {
    let fd = Fd::open(file, libc::O_RDONLY, 0)?;
    let mut buf = [0; 16];
    let count = fd.read(&mut buf)?.unwrap_or(0);
    let text = core::str::from_utf8(buf.get(..count).unwrap_or(&[])).unwrap_or("");
    text.trim().parse().map_err(|_| Errno::INVALID)
}

fn write(file: &CStr, value: i32) -> Result<()> {
    let mut text: String<16> = String::new();
    let _ = writeln!(text, "{value}");
    Fd::open(file, libc::O_WRONLY, 0)?.write(text.as_bytes()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process::{Ended, fork, wait_for};

    #[test]
    fn a_spared_process_starts_ordinary_ones_or_is_refused() {
        let child = fork(|| {
            let Ok(before) = read(FILES[0].0) else { return 0 };
            let spared = match spare() {
                Ok(()) => read(FILES[0].0) == Ok(-1000),
                Err(_) => read(FILES[0].0) == Ok(before),
            };
            ordinary();
            i32::from(!(spared && read(FILES[0].0) == Ok(before)))
        })
        .unwrap();
        assert_eq!(wait_for(child), Some(Ended::Code(0)));
    }
}
