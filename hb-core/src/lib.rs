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
//!
//! # Features
//!
//! Each adds something, and all but the last three are on by default. A board leaves out what it has no use for:
//!
//! | feature | with it | without it |
//! |---|---|---|
//! | `md5`, `sha1`, `sha256` | frames are tagged with a secret by this method | its keys are refused; with `crc` alone there is no word of secrets |
//! | `large` | room for eight groups and eight links, code for speed | two and three, code for size |
//! | `data` | a copy of data follows its group, with stamps and pulls | stamps of the peer are passed over |
//! | `ask` | service addresses are asked for before a claim, ping nodes count, a look follows an interface | silence alone decides; a ping node is refused, nobody is isolated, scores are not compared; [`Input::Look`] and [`Input::Asked`] change nothing |
//! | `linux-ha` | verified text of Linux-HA Heartbeat shows its peer | it is a bad frame like any other |
//! | `twins` | another machine of the same name is proven and named | frames of the own side are dropped |
//! | `key-trial` | a new signing key is on trial beside a living peer | it is in use at once |
//! | `defmt` | events and states can be logged with `defmt` | |
//! | `coverage` | marks which pairs of state and event were met, for the simulator | |
//! | `next-wire` | a node of the next version of the wire, to try both beside each other | |

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
