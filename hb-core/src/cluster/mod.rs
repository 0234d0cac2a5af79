//! The rules, one file each, in the order in which a beat meets them. Nothing here sends or stores bytes: each file
//! holds one decision, as a small state machine or a pure function, and `node` puts them together.
//!
//! `clock` (own running time) -> `link` and `peer` (liveness) -> `handshake` (incarnations),
//! `foreign` (one that runs Heartbeat) -> `ping` (score, isolation)
//! -> `conflict`, `right`, `handover`, `ask`, `stage` and `voice` (who may run a group) -> `fence` -> `group` and `sequence` (doing it) -> `watchdog`.

pub(crate) mod ask;
pub(crate) mod call;
pub(crate) mod clock;
pub(crate) mod conflict;
pub(crate) mod data;
pub(crate) mod fence;
pub(crate) mod foreign;
pub(crate) mod group;
pub(crate) mod handover;
pub(crate) mod handshake;
pub(crate) mod link;
pub(crate) mod monitor;
pub(crate) mod peer;
pub(crate) mod ping;
pub(crate) mod question;
pub(crate) mod right;
pub(crate) mod sequence;
pub(crate) mod stage;
mod voice;
pub(crate) mod watchdog;
