//! The pure core of `hbd`: heartbeat framing, authentication and the two-node failover state machine.
//!
//! Bytes go in, actions come out: `frame` takes a byte stream apart, `auth` checks the tag over the received bytes,
//! [`message`] is what they mean, `cluster` holds the rules, and [`Node`] puts them together. The core reads no clock,
//! allocates nothing, does no I/O and cannot panic; a shell drives it:
//!
//! ```
//! use hb_core::{Action, Input, Instant, Node, FRAME_BUF};
//!
//! /// Steps 2 to 6 of the loop that [`Node`] describes, with the shell's part as closures.
//! fn round(
//!     node: &mut Node,
//!     now: Instant,
//!     ready: &[Input<'_>],
//!     mut act: impl FnMut(Action, &[u8; FRAME_BUF]),
//! ) -> Instant {
//!     let mut frame = [0; FRAME_BUF];
//!     let tick = [Input::Tick { drained: true }];
//!     for input in ready.iter().chain(&tick) {
//!         node.handle_input(now, *input);
//!         while let Some(action) = node.poll_action(&mut frame) {
//!             act(action, &frame);
//!         }
//!     }
//!     // Sleep until this time at the latest, or until something is ready.
//!     node.poll_deadline()
//! }
//! ```

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
