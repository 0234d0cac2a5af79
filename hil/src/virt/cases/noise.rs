//! Noise on the only link.

use crate::netns::Node::{Ha1, Ha2};
use crate::virt::case::Case;
use crate::virt::rig::Setup;
use crate::virt::scene::{Scene, Told};
use std::time::Duration;

pub(super) const AT_19200: Case = Case {
    name: "noise-19200",
    about: "noise on the null-modem at 19200: no false failover, and a true one in time",
    everyday: false,
    setup: || Setup::new("250ms", "1", "3", "8").serial_only(19_200),
    story,
};

pub(super) const AT_9600: Case = Case {
    name: "noise-9600",
    about: "noise on the null-modem at 9600: no false failover, and a true one in time",
    everyday: false,
    setup: || Setup::new("250ms", "1", "3", "8").serial_only(9600),
    story,
};

fn story(scene: &mut Scene) -> Told<()> {
    scene.in_service()?;
    // Of the beats of some 25 bytes one in four is hit, and bytes that nobody sent come between them.
    let since = scene.noise(12, true);
    scene.pass(Duration::from_secs(30));
    scene.stayed(Ha1, since);
    let bad = scene.status(Ha2).map_or(0, |status| status.counted("bad"));
    scene.record.check("the damaged frames are counted", bad > 5, &format!("{bad} bad frames"));
    scene.say("the first server loses its power while the noise goes on");
    let off = scene.power_off(Ha1);
    scene.served_by(Ha2, Duration::from_secs(60))?;
    scene.take_over(off, Ha2, Duration::from_millis(3500))?;
    scene.never_both(since);
    Ok(())
}
