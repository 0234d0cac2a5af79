//! All heartbeat links are cut and healed while the service network lives: nothing moves, for the address is asked before
//! it is claimed. Where the owner chose `answered claim` both serve meanwhile, and one of them goes on without a pause.

use crate::netns::Node::{Ha1, Ha2};
use crate::virt::case::Case;
use crate::virt::faults::Link;
use crate::virt::rig::Setup;
use crate::virt::scene::{Scene, Told};
use std::time::Duration;

pub(super) const HEALED: Case = Case {
    name: "links-cut-and-healed",
    about: "all links cut, under `answered claim`: both serve; healed: one goes on without a pause",
    everyday: true,
    setup: || Setup::new("500ms", "1500ms", "3", "8").with("nice_failback", "on").with("answered", "claim"),
    story,
};

pub(super) const ASKED: Case = Case {
    name: "links-cut-address-answers",
    about: "all links cut: the address still answers, so nothing moves; then the holder loses power: it is served",
    everyday: true,
    setup: || Setup::new("500ms", "1500ms", "3", "8").with("nice_failback", "on"),
    story: asked,
};

/// The watchdog of these machines is armed, so the default is `answered wait`.
fn asked(scene: &mut Scene) -> Told<()> {
    scene.in_service()?;
    let cut = scene.cut(&Link::ALL)?;
    scene.pass(Duration::from_secs(15));
    scene.stayed(Ha1, cut);
    scene.record.figure("both had the service address", scene.both_held(cut), Some(Duration::ZERO));
    let dead = scene.power_off(Ha1);
    scene.served_by(Ha2, Duration::from_secs(60))?;
    // Deadtime, watchdog, two keepalives, and half a second of an emulated machine.
    scene.take_over(dead, Ha2, Duration::from_millis(1500 + 3000 + 1000 + 500))
}

fn story(scene: &mut Scene) -> Told<()> {
    scene.in_service()?;
    scene.cut(&Link::ALL)?;
    scene.both_hold(Duration::from_secs(30))?;
    scene.pass(Duration::from_secs(3));
    let healed = scene.mend(&Link::ALL)?;
    let one = scene.one_holds(Duration::from_secs(60))?;
    scene.pass(Duration::from_secs(5));
    // The newer claim goes on; the older one does not come back.
    scene.stayed_held(Ha2, one);
    let nobody = scene.nobody_held(healed);
    scene.record.figure("nobody had the service address after healing", nobody, Some(Duration::ZERO));
    scene.record.figure(
        "longest silence of the service address after healing",
        scene.longest_silence(healed),
        Some(Duration::from_millis(300)),
    );
    let failed = scene.failed_requests(healed);
    let first = failed.first().map(|sample| sample.sent.since(healed));
    scene.say(&format!(
        "requests without an answer after the healing: {}, the first after {first:?}",
        failed.len()
    ));
    let pause = scene.rig.network.client.longest_outage(healed);
    // What the client feels is also what an emulated web server gets of a busy machine; that it was never stopped is not.
    scene.record.figure("longest pause between two answers", pause, None);
    let stops = scene.guest(Ha2).console.lines(0).into_iter();
    let stops = stops.filter(|(at, line)| *at >= healed && line.contains("jdmail: stop begins")).count();
    scene.record.check(
        "the one that goes on never stopped its service",
        stops == 0,
        &format!("{stops} stops"),
    );
    Ok(())
}
