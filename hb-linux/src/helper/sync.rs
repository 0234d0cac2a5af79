//! The event ring's way to the disk, by a child of the helper.

use super::ring::Ring;
use crate::sys::process::{self, Pid};
use crate::sys::{Errno, Fd, fd};

/// A child that brings the event ring to the disk: a state that comes meanwhile does not wait for that.
pub(super) struct Sync {
    pub(super) child: Pid,
    /// It says here how that went.
    pub(super) end: Fd,
    /// Records that are written then.
    pub(super) count: u32,
}

impl Sync {
    /// Begin, with everything closed that is the helper's alone.
    pub(super) fn begin(ring: &Ring, count: u32) -> Result<Self, Errno> {
        let (end, say) = fd::pipe()?;
        end.set_nonblocking(true)?;
        let helper = process::own_pid();
        let child = process::fork(|| {
            process::die_with(helper);
            fd::close_others(3, &[ring.raw(), say.raw()]);
            let why = ring.flush().err().map_or(0, |why| why.0);
            i32::from(say.write(&why.to_ne_bytes()).is_err())
        })?;
        Ok(Self { child, end, count })
    }
}
