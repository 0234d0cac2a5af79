//! The microcontroller on the null-modem cable between two `hbd` nodes, as a library over `embedded-io`.
//!
//! ```text
//! ha-1 ttyS0 <----> port A  Bridge  port B <----> ttyS0 ha-2
//! ```
//!
//! **Relay.** [`Bridge`] passes whole frames from one port to the other, both ways at once, and nothing else: noise and cut
//! frames are counted and dropped; text of Linux-HA Heartbeat passes where it is told to (feature `linux-ha`). It needs no key for
//! that: whether a frame is authentic is for the nodes to say.
//!
//! A heartbeat is worthless once there is a newer one. So each direction holds the frame that is being written and one
//! more, the newest: nothing queues up behind a slow port, and a frame older than the limit given to [`Bridge::new`] is
//! dropped, because a beat delivered late would be taken for life.
//!
//! **Report.** A node that asks gets the counters, one page for each question ([`report`]). Nobody asks: nothing is sent, and
//! the nodes cannot tell the bridge from a cable but by its delay, the time of one frame.
//!
//! **Fence.** With a key ([`Bridge::guard`]) each node may ask for the reset of the other one, in two steps ([`fence`]). The
//! board sets its outputs to what [`Bridge::resets`] says after each step.
//!
//! **Client.** A node asks for both by [`client`].
//!
//! Nothing blocks: a port is read and written only when its `ReadReady` and `WriteReady` say that it can be. Nothing
//! allocates or panics. The same code runs on a board's UARTs and on a host's ttys.
//!
//! The *witness* (DESIGN §7 O9) is not here yet; its rules are `hb_core::witness`.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod bridge;
pub mod client;
pub mod fence;
mod lane;
mod office;
mod out;
pub mod provision;
pub mod report;
mod stats;
#[cfg(feature = "linux-ha")]
mod text;

pub use bridge::{About, Bridge, STEP_BYTES};
pub use out::MAX_OWN;
pub use stats::Stats;

/// Which port, and so which node: the one that is wired to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Port {
    /// The first one.
    A,
    /// The second one.
    B,
}

impl Port {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// This one's of two.
    pub(crate) const fn of<T>(self, two: &[T; 2]) -> &T {
        let [a, b] = two;
        match self {
            Self::A => a,
            Self::B => b,
        }
    }

    /// This one's of two.
    pub(crate) const fn of_mut<T>(self, two: &mut [T; 2]) -> &mut T {
        let [a, b] = two;
        match self {
            Self::A => a,
            Self::B => b,
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}
