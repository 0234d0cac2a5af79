//! A machine stands still as a whole, its clock and its watchdog with it, and goes on later as if nothing had been.

use crate::netns::Node::{Ha1, Ha2};
use crate::virt::case::Case;
use crate::virt::faults::Link;
use crate::virt::rig::Setup;
use crate::virt::scene::{Scene, Told};
use std::time::Duration;

const DEADTIME: Duration = Duration::from_millis(3500);

pub(super) const LINKED: Case = Case {
    name: "frozen",
    about: "a machine freezes and goes on: it hears the higher epoch and lets go",
    everyday: true,
    setup: || Setup::new("500ms", "1500ms", "3", "8"),
    story: linked,
};

pub(super) const ALONE: Case = Case {
    name: "frozen-all-links-cut",
    about: "the same with all links cut meanwhile: it finds that another answers for its address, and lets go",
    everyday: true,
    setup: || Setup::new("500ms", "1500ms", "3", "8"),
    story: alone,
};

fn linked(scene: &mut Scene) -> Told<()> {
    scene.in_service()?;
    let since = scene.freeze(Ha1)?;
    scene.served_by(Ha2, Duration::from_secs(60))?;
    scene.take_over(since, Ha2, DEADTIME)?;
    scene.pass(Duration::from_secs(3));
    let thawed = scene.thaw(Ha1)?;
    scene.pass(Duration::from_secs(1));
    scene.one_holds(Duration::from_secs(60))?;
    scene.pass(Duration::from_secs(3));
    // Its clock stood still too: it cannot know before it hears the peer, and then its scripts must end.
    let both = scene.both_held(thawed);
    let what = "both had the service address: what only a fence prevents";
    scene.record.figure(what, both, Some(Duration::from_secs(3)));
    Ok(())
}

fn alone(scene: &mut Scene) -> Told<()> {
    scene.in_service()?;
    let since = scene.freeze(Ha1)?;
    scene.served_by(Ha2, Duration::from_secs(60))?;
    scene.take_over(since, Ha2, DEADTIME)?;
    scene.cut(&Link::ALL)?;
    let thawed = scene.thaw(Ha1)?;
    // Before a link is mended: after the gap it asks for the address before anything else.
    scene.one_holds(Duration::from_secs(20))?;
    scene.pass(Duration::from_secs(5));
    let both = scene.both_held(thawed);
    let what = "both had the service address: what only a fence prevents";
    scene.record.figure(what, both, Some(Duration::from_secs(3)));
    scene.mend(&Link::ALL)?;
    scene.one_holds(Duration::from_secs(60)).map(drop)
}
