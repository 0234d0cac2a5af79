//! Both lose their power, and one returns.

use crate::netns::Node::{Ha1, Ha2};
use crate::virt::case::Case;
use crate::virt::rig::Setup;
use crate::virt::scene::{Scene, Told};
use std::time::Duration;

const INITDEAD: Duration = Duration::from_secs(12);

pub(super) const BOTH_DOWN: Case = Case {
    name: "return-of-one",
    about: "both machines lose their power, the second returns: it serves after initdead, not before",
    everyday: true,
    setup: || Setup::new("500ms", "1500ms", "3", "12"),
    story,
};

fn story(scene: &mut Scene) -> Told<()> {
    scene.in_service()?;
    scene.power_off(Ha1);
    scene.power_off(Ha2);
    scene.pass(Duration::from_secs(5));
    scene.boot(Ha2)?;
    let since = scene.until("its daemon runs", Duration::from_secs(60), |s| s.status(Ha2).is_some())?;
    let served = scene.served_by(Ha2, Duration::from_secs(120))?;
    let waited = served.since(since);
    // The daemon had begun to wait a moment before it was first seen to run; the scripts come on top.
    let early = waited + Duration::from_secs(2) < INITDEAD;
    scene.record.check(
        "not before initdead",
        !early,
        &format!("{} ms after it was seen to run", waited.as_millis()),
    );
    scene.record.figure(
        "from the daemon's start to the service",
        waited,
        Some(INITDEAD + Duration::from_secs(3)),
    );
    Ok(())
}
