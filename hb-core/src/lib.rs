#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod action;
pub mod auth;
mod cluster;
pub mod config;
#[cfg(feature = "coverage")]
pub mod coverage;
mod event;
pub mod frame;
pub mod identity;
mod ids;
mod input;
mod list;
pub mod message;
mod node;
mod stamp;
mod status;
mod time;
#[cfg(feature = "witness")]
pub mod witness;

pub use action::{Action, Verb};
pub use cluster::foreign::Heard;
pub use config::Config;
pub use event::{BadFrame, Cause, Event, Stale, Wait};
pub use ids::{GroupId, Incarnation, LinkId, PingId, Side, Token};
pub use input::{Asked, Command, Input, Outcome, Pulled, Refusal, Scope, Unable, Watchdog};
pub use node::{FRAME_BUF, Glance, Node, Record, Saved};
pub use stamp::{Origin, Stamp};
pub use status::{CopyStatus, Culprit, GroupStatus, LinkStatus, PeerState, PeerStatus, Status};
pub use time::{Duration, Instant};
