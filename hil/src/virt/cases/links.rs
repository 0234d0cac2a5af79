//! One of two links is cut: the other carries on, and nothing moves.

use crate::netns::Node::{self, Ha1, Ha2};
use crate::virt::case::Case;
use crate::virt::faults::Link;
use crate::virt::rig::Setup;
use crate::virt::scene::{SOON, Scene, Told};

pub(super) const ONE_OF_TWO: Case = Case {
    name: "one-of-two-links",
    about: "the serial line is cut, then one wire of it, then the Ethernet: the other link carries on",
    everyday: true,
    setup: || Setup::new("500ms", "1500ms", "3", "8"),
    story,
};

fn story(scene: &mut Scene) -> Told<()> {
    scene.in_service()?;
    let since = scene.say("the service may not move from here on");
    scene.cut(&[Link::Serial])?;
    link_is(scene, Ha1, "ttyS1", &["dead"])?;
    scene.mend(&[Link::Serial])?;
    link_is(scene, Ha1, "ttyS1", &["up"])?;
    scene.cut_wire(Ha2, true);
    link_is(scene, Ha1, "ttyS1", &["dead"])?;
    scene.say("the other end learns over the Ethernet that it is not heard on this line");
    link_is(scene, Ha2, "ttyS1", &["one_way"])?;
    scene.cut_wire(Ha2, false);
    link_is(scene, Ha1, "ttyS1", &["up"])?;
    scene.cut(&[Link::Ethernet])?;
    link_is(scene, Ha1, "eth1", &["dead", "down"])?;
    scene.mend(&[Link::Ethernet])?;
    link_is(scene, Ha1, "eth1", &["up"])?;
    scene.stayed(Ha1, since);
    scene.never_both(since);
    Ok(())
}

/// Waits until a node sees the link in one of these states.
fn link_is(scene: &mut Scene, node: Node, link: &str, states: &[&str]) -> Told<()> {
    scene.until(&format!("{}: {link} is {}", node.name(), states.join(" or ")), SOON, |scene| {
        scene.status(node).is_some_and(|status| states.contains(&status.link_state(link)))
    })?;
    Ok(())
}
