//! The microcontroller on the null-modem cable between two `hbd` nodes, as a library over `embedded-io`.
//!
//! ```text
//! ha-1 ttyS0 <----> port A  Bridge  port B <----> ttyS0 ha-2
//! ```
//!
//! Here it is the relay: [`Bridge`] passes whole frames from one port to the other, both ways at once, and nothing else:
//! noise, cut frames and text are counted and dropped. It needs no key and reads no message; whether a frame is
//! authentic is for the nodes to say. Linux-HA's text does not pass either, so a node behind a bridge cannot name a peer
//! that runs it.
//!
//! A heartbeat is worthless once there is a newer one. So each direction holds the frame that is being written and one
//! more, the newest: nothing queues up behind a slow port, and a frame older than the limit given to [`Bridge::new`] is
//! dropped, because a beat delivered late would be taken for life.
//!
//! Nothing blocks: a port is read and written only when its `ReadReady` and `WriteReady` say that it can be. Nothing
//! allocates or panics. The same code runs on a board's UARTs and on a host's ttys.
//!
//! The two other offices of the microcontroller have their place beside the relay, on the same ports and the same
//! decoder: the *witness* (DESIGN §7 O9) answers beats that ask for a vote, with a frame of its own in a lane's waiting
//! place; the *fence* (O2) switches a node's power on a frame that a key of its own authenticates. Both need what the
//! relay does without: keys, and a clock that is right while a lease runs.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod bridge;
mod lane;
mod stats;

pub use bridge::{Bridge, STEP_BYTES};
pub use stats::Stats;
