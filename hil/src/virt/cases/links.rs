//! One of two links is cut: the other carries on, and nothing moves.

use crate::netns::Node::{Ha1, Ha2};
use crate::virt::case::Case;
use crate::virt::faults::Link;
use crate::virt::rig::Setup;
use crate::virt::scene::{SOON, Scene, Told};

pub(super) const ONE_OF_TWO: Case = Case {
    name: "one-of-two-links",
    about: "the serial line is cut, then one wire of it, then the Ethernet: the other link carries on",
    everyday: false,
    setup: || Setup::new("500ms", "1500ms", "3", "8"),
    story,
};

fn story(scene: &mut Scene) -> Told<()> {
    scene.in_service()?;
    let since = scene.say("the service may not move from here on");
    scene.cut(&[Link::Serial])?;
    link_is(scene, "ttyS1", &["dead"])?;
    scene.mend(&[Link::Serial])?;
    link_is(scene, "ttyS1", &["up"])?;
    scene.cut_wire(Ha2, true);
    link_is(scene, "ttyS1", &["dead"])?;
    let one_way = scene.status(Ha2).map(|s| s.link_state("ttyS1").to_owned()).unwrap_or_default();
    scene.record.check("the other end sees that it is not heard", one_way == "one_way", &one_way);
    scene.cut_wire(Ha2, false);
    link_is(scene, "ttyS1", &["up"])?;
    scene.cut(&[Link::Ethernet])?;
    link_is(scene, "eth1", &["dead", "down"])?;
    scene.mend(&[Link::Ethernet])?;
    link_is(scene, "eth1", &["up"])?;
    scene.stayed(Ha1, since);
    scene.never_both(since);
    Ok(())
}

/// Waits until the first node sees the link in one of these states.
fn link_is(scene: &mut Scene, link: &str, states: &[&str]) -> Told<()> {
    scene.until(&format!("{link} is {}", states.join(" or ")), SOON, |scene| {
        scene.status(Ha1).is_some_and(|status| states.contains(&status.link_state(link)))
    })?;
    Ok(())
}
