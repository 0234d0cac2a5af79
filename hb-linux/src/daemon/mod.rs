//! The daemon: start, loop, end (DESIGN §3, §8).

mod announce;
mod dog;
mod effects;
mod media;
pub mod pidfile;
mod reload;
mod requests;
mod shell;
mod start;
mod voice;

pub use start::run;
