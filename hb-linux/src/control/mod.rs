//! The control socket: how `hbd status`, `standby` and the others reach the running daemon (DESIGN §10).
//!
//! An `AF_UNIX` stream in the run directory (and one with an abstract name beside it), for root (or the daemon's own user) alone. A client sends one
//! [`wire::Request`] at a time; the daemon answers with a row of [`wire::Reply`]s that ends with one for which
//! [`wire::Reply::is_last`] holds.

pub mod client;
pub mod server;
pub mod snapshot;
pub mod wire;
pub mod words;

use crate::sys::{process, unix};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub use server::{Listeners, Out, Server};
pub use snapshot::Snapshot;
pub use wire::{Reply, Request};

/// The socket's name in the run directory.
pub const SOCKET: &str = "control";
/// The name of the socket that answers `status` alone, for the group of `status_group`.
pub const STATUS_SOCKET: &str = "status";

/// The daemon's second name: abstract, so that it stands as long as the daemon lives, whatever becomes of its files. Made
/// of the run directory's place: the same whether that directory is still there or not.
#[must_use]
pub fn abstract_name(run_dir: &Path) -> Vec<u8> {
    let parent = run_dir.parent().and_then(|parent| std::fs::canonicalize(parent).ok());
    let place = match (parent, run_dir.file_name()) {
        (Some(parent), Some(last)) => parent.join(last),
        _ => run_dir.to_owned(),
    };
    let mut name = b"\0hbd:".to_vec();
    let path = place.as_os_str().as_bytes();
    // 108 bytes at most: of a longer path the end, which differs, and a checksum of all.
    match path.len().checked_sub(80) {
        Some(cut) if cut > 0 => {
            name.extend_from_slice(format!("{:08x}", crate::state::crc32(path)).as_bytes());
            name.extend_from_slice(path.get(cut..).unwrap_or_default());
        }
        _ => name.extend_from_slice(path),
    }
    name
}

/// The process that listens at the abstract `name`, if it is root's or this user's: nobody else can stand in for a daemon.
#[must_use]
pub fn owner(name: &[u8]) -> Option<u32> {
    let peer = unix::peer(&unix::connect_abstract(name).ok()?).ok()?;
    (peer.uid() == 0 || peer.uid() == process::effective_uid()).then(|| u32::try_from(peer.pid()).ok())?
}
