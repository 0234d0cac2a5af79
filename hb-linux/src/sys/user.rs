//! Becoming another user.

use super::Result;
use super::errno::check;

/// In a child, before it becomes another program: run as `uid` and `gid`, with `groups` beside.
///
/// # Errors
/// `EPERM`: only root may. What was done of it stays done; the child has to end.
pub fn become_user(uid: u32, gid: u32, groups: &[u32]) -> Result<()> {
    // SAFETY: setgroups reads as many numbers as it is told of; the others touch no memory.
    unsafe {
        check(libc::setgroups(groups.len(), groups.as_ptr()))?;
        check(libc::setgid(gid))?;
        check(libc::setuid(uid))?;
    }
    Ok(())
}
