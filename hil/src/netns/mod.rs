//! Two machines, a client and the cables between them, made of network namespaces on one kernel.
//!
//! ```text
//!                 LAN 192.168.2.0/24 (a switch)
//!      .2           .3          .100        .1          .66
//!   +------+     +------+    +--------+  +---------+  +----------+
//!   | ha-1 |     | ha-2 |    | client |  | gateway |  | intruder |
//!   +------+     +------+    +--------+  +---------+  +----------+
//!   eth1 | 10.0.0.1  | 10.0.0.2                            | 10.0.0.66, unplugged
//!        +-----------+-------------------------------------+   crossover segment (a hub)
//!   ttyS |           |
//!        +-----------+   null-modem: two ptys and a relay that can cut, log and inject
//! ```
//!
//! A [`Machine`] has its own network, UTS, mount and PID namespaces, so that a power loss is one SIGKILL of its first
//! process, and each power-on is a new boot with a new boot id and an empty `/var/run`. Nothing has a name outside
//! this process: when it dies, however it dies, the kernel takes the namespaces, and with them every process, away.
//!
//! [`Rig`] puts the parts together; the scenario tests and the benchmark are written against it.

mod addresses;
mod arps;
mod builder;
mod client;
mod clock;
mod failure;
mod fault;
mod files;
mod firewall;
mod holding;
mod hostbridge;
mod intruder;
mod machine;
mod namespace;
mod node;
mod nullmodem;
mod original;
pub mod package;
mod plugs;
mod programs;
mod rig;
mod slot;
mod status;
mod urgent;
mod wiring;

pub use addresses::AddressWatch;
pub use arps::ArpWatch;
pub use builder::{Builder, skip};
pub use client::{Client, Outage, Reply, Sample};
pub use clock::Stamp;
pub use fault::{Damage, Faults};
pub use files::{Files, Times};
pub use holding::{Span, overlap, union};
pub use hostbridge::HostBridge;
pub use intruder::{Intruder, Recording, noise};
pub use machine::{Machine, Output};
pub use namespace::Namespace;
pub use node::Node;
pub(crate) use nullmodem::raw_pty;
pub use nullmodem::{Chunk, NullModem};
pub use original::Original;
pub use plugs::Cable;
pub use programs::Programs;
pub use rig::Rig;
pub(crate) use slot::Slot;
pub use status::Status;
pub(crate) use urgent::{Heirs, urgent};
pub use wiring::Wiring;

/// The service address of `haresources`.
pub const SERVICE_ADDRESS: [u8; 4] = [192, 168, 2, 50];
/// The TCP port of the service.
pub const SERVICE_PORT: u16 = 8025;
/// The UDP port of the heartbeats in the seed's `ha.cf`.
pub const HEARTBEAT_PORT: u16 = 694;
