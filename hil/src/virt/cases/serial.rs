//! The null-modem alone, with a deadtime below one second.

use crate::netns::Node::{Ha1, Ha2};
use crate::virt::case::Case;
use crate::virt::rig::Setup;
use crate::virt::scene::{Scene, Told};
use std::time::Duration;

pub(super) const AT_9600: Case = Case {
    name: "serial-9600",
    about: "heartbeat over the null-modem alone at 9600, deadtime 800 ms",
    everyday: true,
    setup: || Setup::new("200ms", "500ms", "800ms", "8").serial_only(9600),
    story: |scene| story(scene, Duration::from_millis(1100)),
};

pub(super) const AT_19200: Case = Case {
    name: "serial-19200",
    about: "heartbeat over the null-modem alone at 19200, keepalive 100 ms, deadtime 400 ms",
    everyday: true,
    setup: || Setup::new("100ms", "250ms", "400ms", "8").serial_only(19_200),
    story: |scene| story(scene, Duration::from_millis(600)),
};

/// `limit`: of the outage, without the scripts in the guest.
fn story(scene: &mut Scene, limit: Duration) -> Told<()> {
    scene.in_service()?;
    let since = scene.say("nothing happens: nothing may happen");
    scene.pass(Duration::from_secs(10));
    scene.stayed(Ha1, since);
    scene.say("the first server loses its power");
    let off = scene.power_off(Ha1);
    scene.served_by(Ha2, Duration::from_secs(60))?;
    scene.take_over(off, Ha2, limit)?;
    scene.never_both(since);
    Ok(())
}
