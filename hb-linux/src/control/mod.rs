//! The control socket: how `hbd status`, `standby` and the others reach the running daemon (DESIGN §10).
//!
//! An `AF_UNIX` stream in the run directory, for root (or the daemon's own user) alone. A client sends one
//! [`wire::Request`] at a time; the daemon answers with a row of [`wire::Reply`]s that ends with one for which
//! [`wire::Reply::is_last`] holds.

pub mod client;
pub mod server;
pub mod snapshot;
pub mod wire;

pub use client::Client;
pub use server::{Out, Server};
pub use snapshot::Snapshot;
pub use wire::{Reply, Request};

/// The socket's name in the run directory.
pub const SOCKET: &str = "control";
