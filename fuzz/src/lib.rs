//! What several fuzz targets share: messages and inputs of any content, and the peer that a fuzzed node talks to.

pub mod files;
pub mod messages;
pub mod peer;
pub mod shell;
