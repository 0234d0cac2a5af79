//! What people read: the core's events in words, and the lines that the daemon adds itself.

mod ask;
mod data;
pub mod groups;
pub mod names;
pub mod reasons;
pub mod tale;
mod text;
pub mod words;

pub use ask::Mac;
pub use names::Names;
pub use text::{LINE, Text};
