//! What tests outside of this crate drive by itself: real namespaces, ptys and sockets, and texts that a fuzzer makes.
//! Nothing else of the daemon can be named from outside.

pub use crate::arp::{Announcer, Probe, Prober, send_arp};
pub use crate::config::{Class, Findings, Paths, Settings, Texts, examine_texts};
pub use crate::link::{Change, Incoming, Link, Outgoing, Why};
pub use crate::resources::unpack;
pub use crate::sys::clock::Clock;
pub use crate::sys::iface::{IfName, hardware_address, holding, index};
pub use crate::sys::poll::{PollFd, poll, sleep_ms};
pub use crate::sys::process::effective_uid;
pub use crate::sys::{Errno, Fd, packet, pty};
