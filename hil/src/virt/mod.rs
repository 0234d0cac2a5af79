//! The virtual rig (`cargo xtask hil`): two emulated machines of 2003 with the binary that ships, a null-modem, two
//! Ethernets, a real watchdog driver, and a client.
//!
//! ```text
//!             LAN 192.168.2.0/24 (a bridge in a namespace)
//!     .2            .3         .100       .1        .101    .102
//!  +------+      +------+   +--------+ +---------+ +-----+ +-----+
//!  | ha-1 |      | ha-2 |   | client | | gateway | | eye | | eye |
//!  +------+      +------+   +--------+ +---------+ +-----+ +-----+
//!  eth1 | 10.0.0.1  | 10.0.0.2     an eye asks one guest by its own hardware address whether it has the service address
//!       +-----------+  heartbeat Ethernet
//!  ttyS1|           |
//!       +-----------+  null-modem: a relay that paces, cuts, delays, and makes noise; or two such, and the bridge's
//!                      emulated board between them
//! ```
//!
//! The guests (`qemu-system-i386`, 64 MB, TCG) boot Debian's i386 kernel with busybox, the i586 `hbd` and the seed's
//! configuration. [`cases`] holds the stories; each leaves a folder of evidence, and all of them one HTML page.

pub mod adapter;
pub mod agent;
pub mod board;
pub mod case;
pub mod cases;
pub mod cpio;
pub mod evidence;
pub mod eye;
pub mod faults;
pub mod guest;
pub mod image;
pub mod line;
pub mod lines;
pub mod measure;
pub mod monitor;
pub mod needs;
pub mod network;
pub mod packages;
pub mod port;
pub mod record;
pub mod relay;
pub mod replay;
pub mod report;
pub mod rig;
pub mod run;
pub mod scene;
pub mod tally;
