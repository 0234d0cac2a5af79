//! The deterministic simulator: two real nodes on a virtual clock, with links that delay, lose and are cut, scripts
//! that are slow, fail or hang, daemons that freeze, die and come back. One run is one schedule: no randomness of its
//! own, no clock, no thread.

#[path = "../explore/mod.rs"]
pub mod explore;
pub mod script;
pub mod world;

pub use script::{Answer, Scripts};
pub use world::{Host, World, config, keys};
