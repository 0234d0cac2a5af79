//! The command line (DESIGN §10).

pub mod json;
pub mod show;
