//! A start script fails.

use crate::netns::Node::{Ha1, Ha2};
use crate::virt::case::Case;
use crate::virt::rig::Setup;
use crate::virt::scene::{SOON, Scene, Told};
use std::time::Duration;

pub(super) const START: Case = Case {
    name: "start-fails",
    about: "the mail service does not start on the first machine: the second serves, until the operator clears it",
    everyday: true,
    setup: || Setup::new("500ms", "1500ms", "3", "8"),
    story,
};

fn story(scene: &mut Scene) -> Told<()> {
    scene.start_fails(Ha1, true)?;
    scene.boot_both()?;
    let since = scene.served_by(Ha2, Duration::from_secs(60))?;
    let group = |scene: &Scene| scene.status(Ha1).map(|s| s.group().to_owned()).unwrap_or_default();
    let state = group(scene);
    scene.record.check("the group is failed on the first", state == "failed", &state);
    let address = scene.try_shell(Ha1, "ip -o addr show to 192.168.2.50")?.text;
    scene.record.check("what had been started there is stopped", address.is_empty(), &address);
    scene.pass(Duration::from_secs(5));
    scene.stayed(Ha2, since);
    scene.say("the operator mends it and says so");
    scene.start_fails(Ha1, false)?;
    scene.operator(Ha1, "clear 192.168.2.50")?;
    scene.served_by(Ha1, Duration::from_secs(60))?;
    scene.until("the group is held on the first", SOON, |s| group(s) == "held")?;
    scene.never_both(since);
    Ok(())
}
