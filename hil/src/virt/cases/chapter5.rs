//! The test in the operators' own manual, its chapter 5, step by step.

use crate::netns::Node::{Ha1, Ha2};
use crate::virt::case::Case;
use crate::virt::rig::Setup;
use crate::virt::scene::{SOON, Scene, Told};
use std::time::Duration;

/// With times that a busy machine can wait for.
pub(super) const QUICK: Case = Case {
    name: "chapter5",
    about: "the manual's own test: power off the first, the second serves; the first returns, and serves",
    everyday: true,
    setup: || Setup::new("500ms", "1500ms", "3", "8"),
    story: |scene| story(scene, Duration::from_millis(3500)),
};

/// With the seed's own times.
pub(super) const SEED: Case = Case {
    name: "chapter5-seed-times",
    about: "the same with the seed's keepalive 2, deadtime 10, initdead 120",
    everyday: false,
    setup: || Setup::new("2", "8", "10", "120"),
    story: |scene| story(scene, Duration::from_millis(10_500)),
};

/// `limit`: of the outage, without the scripts in the guest.
fn story(scene: &mut Scene, limit: Duration) -> Told<()> {
    scene.say("the standby server is off; the first serves the page");
    scene.boot(Ha1)?;
    scene.served_by(Ha1, Duration::from_secs(200))?;
    scene.say("the standby server starts: heartbeat runs there, the mail service does not");
    scene.boot(Ha2)?;
    scene.peer_up(Ha2, SOON)?;
    let httpd = scene.try_shell(Ha2, "pidof httpd")?;
    scene.record.check("no mail service on the standby", httpd.code != 0, &httpd.text);
    scene.pass(Duration::from_secs(2));
    let began = scene.record.began;
    scene.say("the first server loses its power");
    let off = scene.power_off(Ha1);
    scene.served_by(Ha2, limit + Duration::from_secs(60))?;
    scene.take_over(off, Ha2, limit)?;
    scene.say("the first server comes back, and the service with it");
    scene.boot(Ha1)?;
    scene.served_by(Ha1, Duration::from_secs(60))?;
    scene.pass(Duration::from_secs(2));
    let moved = scene.outage(off, Ha1).ok_or("no move back was seen")?;
    scene.record.figure("outage of the way back", moved.first_good.since(moved.last_good), None);
    let serves = scene.rig.network.client.answered_by().unwrap_or_default();
    scene.record.check("the first serves on", serves == "ha-1", &serves);
    scene.never_both(began);
    Ok(())
}
