//! The daemon: start, loop, end (DESIGN §3, §8).

mod announce;
#[cfg(feature = "attend")]
mod attendant;
#[cfg(not(feature = "attend"))]
#[path = "no_attendant.rs"]
mod attendant;
#[cfg(feature = "bridge")]
mod bridge;
#[cfg(not(feature = "bridge"))]
#[path = "no_bridge.rs"]
mod bridge;
mod build;
#[cfg(feature = "data")]
mod copies;
#[cfg(not(feature = "data"))]
#[path = "no_copies.rs"]
mod copies;
mod dog;
mod effects;
mod fence;
mod history;
mod interfaces;
mod keeper;
mod late;
#[cfg(feature = "late-record")]
mod late_record;
#[cfg(not(feature = "late-record"))]
#[path = "no_late_record.rs"]
mod late_record;
mod limits;
mod media;
mod mirrors;
mod notify;
mod open;
mod outage;
mod past;
pub mod pidfile;
mod reload;
mod requests;
mod reread;
mod serve;
mod shell;
mod shout;
mod standbys;
mod start;
mod voice;
#[cfg(feature = "why")]
mod why;

pub use start::run;
