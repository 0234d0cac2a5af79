//! Becoming another user.

use super::Result;
use nix::unistd::{Gid, Uid, setgid, setgroups, setuid};

/// In a child, before it becomes another program: run as `uid` and `gid`, with `groups` beside.
///
/// # Errors
/// `EPERM`: only root may. What was done of it stays done; the child has to end.
pub fn become_user(uid: u32, gid: u32, groups: &[u32]) -> Result<()> {
    let groups: Vec<Gid> = groups.iter().copied().map(Gid::from_raw).collect();
    setgroups(&groups)?;
    setgid(Gid::from_raw(gid))?;
    setuid(Uid::from_raw(uid))?;
    Ok(())
}
