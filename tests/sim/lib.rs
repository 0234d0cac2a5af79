//! The deterministic simulator: two real nodes on a virtual clock, with links that pace, delay, lose, damage and are
//! cut, scripts that are slow, fail or hang, daemons that freeze, die and come back. One seed is one run.

pub mod campaign;
#[cfg(feature = "coverage")]
pub mod cover;
pub mod dice;
pub mod disk;
pub mod drift;
pub mod edit;
#[path = "../explore/mod.rs"]
pub mod explore;
pub mod fault;
pub mod host;
pub mod lan;
pub mod note;
pub mod open;
pub mod plan;
pub mod rules;
pub mod run;
pub mod script;
pub mod setting;
pub mod setup;
pub mod shrink;
pub mod speed;
pub mod text;
pub mod timeline;
pub mod wire;
pub mod world;

mod act;
mod befall;
mod copies;
mod lines;
mod power;
mod queue;
mod stream;
mod versions;
mod widen;

pub use disk::Files;
pub use host::{Dog, Host};
pub use lan::Lan;
pub use note::Note;
pub use plan::Plan;
pub use run::{Report, Violation, execute, execute_in, run};
pub use script::{Answer, Scripts};
pub use setup::{config, keys};
pub use timeline::Timeline;
pub use world::World;
