//! What a simulation asks of the files, beyond the settings of one node.

use super::{Paths, read, time};
use hb_core::Duration;
use std::string::String;
use std::vec::Vec;

/// The nodes that `ha.cf` names, in its order.
#[must_use]
pub(crate) fn node_names(paths: &Paths) -> Vec<String> {
    read(paths, None).parsed.ha_cf.nodes.iter().map(|node| node.value.clone()).collect()
}

/// A time as `ha.cf` writes it.
pub(crate) fn time_of(word: &str) -> Option<Duration> {
    time::parse(word).ok()
}
