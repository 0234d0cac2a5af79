//! What a file system has room for, and that what was written is on its disk. nix's `statfs` is the C library's, and
//! musl's asks for a call that Linux 2.4 has not (`statfs64`).

use super::errno::check;
use core::ffi::CStr;

/// Bytes that this user may still write on the file system of `path`; `None` where the kernel cannot say.
#[must_use]
pub fn room(path: &CStr) -> Option<u64> {
    // `statfs` of every kernel begins with type, size of a block, blocks, free ones, free ones for this user: five words.
    let mut words = [0_usize; 64];
    // SAFETY: the path ends in NUL, and the buffer is more than twice as long as any kernel's structure.
    let done = unsafe { libc::syscall(libc::SYS_statfs, path.as_ptr(), words.as_mut_ptr()) };
    check(i32::try_from(done).unwrap_or(-1)).ok()?;
    let [_, size, _, _, free, ..] = words;
    Some(u64::try_from(size).ok()?.saturating_mul(u64::try_from(free).ok()?))
}

/// Wait until all that was written so far is on its disk.
pub fn sync() {
    nix::unistd::sync();
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_file_system_says_what_it_has_room_for() {
        assert!(super::room(c"/").is_some_and(|bytes| bytes > 0));
        assert_eq!(super::room(c"/nonexistent"), None);
        super::sync();
    }
}
