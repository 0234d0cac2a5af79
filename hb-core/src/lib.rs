//! The pure core of `hbd`: heartbeat framing, authentication and the two-node failover state machine.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod action;
pub mod auth;
mod cluster;
pub mod config;
mod event;
pub mod frame;
mod ids;
mod input;
pub mod message;
mod node;
mod status;
mod time;

pub use action::{Action, Verb};
pub use config::Config;
pub use event::{BadFrame, Cause, Event, Wait};
pub use ids::{GroupId, Incarnation, LinkId, PingId, Side, Token};
pub use input::{Command, Input, Outcome, Refusal, Scope, Watchdog};
pub use node::{FRAME_BUF, Node, Saved};
pub use status::{GroupStatus, LinkStatus, PeerState, PeerStatus, Status};
pub use time::{Duration, Instant};
