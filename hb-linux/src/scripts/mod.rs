//! Resource scripts as children: how they are called, how their answers are read, how they end.

pub mod answer;
pub mod deaf;
mod drains;
pub mod fitness;
pub mod leftover;
pub mod output;
pub mod program;
pub mod runner;

pub use output::Last;
pub use program::{Places, Programs};
pub use runner::{Finished, MAX_OUTPUTS, Runner, What};
