//! The deterministic simulator: two real nodes on a virtual clock, with links that pace, delay, lose, damage and are
//! cut, scripts that are slow, fail or hang, daemons that freeze, die and come back. One seed is one run.

pub mod dice;
pub mod drift;
pub mod host;
pub mod note;
pub mod script;
pub mod setup;
pub mod wire;
pub mod world;

mod act;
mod lines;
mod power;
mod queue;

pub use act::FENCE_TIME;
pub use host::{Dog, Host};
pub use note::Note;
pub use script::{Answer, Scripts};
pub use setup::{config, keys};
pub use world::World;
