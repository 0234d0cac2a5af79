//! The kernel panics, and does not reboot by itself.

use crate::netns::Node::{Ha1, Ha2};
use crate::virt::case::Case;
use crate::virt::rig::Setup;
use crate::virt::scene::{Scene, Told};
use std::time::Duration;

pub(super) const PANIC: Case = Case {
    name: "kernel-panic",
    about: "the first machine's kernel panics: the second takes over",
    everyday: true,
    setup: || Setup::new("500ms", "1500ms", "3", "8"),
    story,
};

fn story(scene: &mut Scene) -> Told<()> {
    scene.in_service()?;
    let since = scene.panic(Ha1)?;
    scene.served_by(Ha2, Duration::from_secs(60))?;
    scene.take_over(since, Ha2, Duration::from_millis(3500))?;
    scene.never_both(since);
    let told = scene.guest(Ha1).console.wait(0, Duration::ZERO, |line| line.contains("Kernel panic"));
    scene.record.check("the console tells of the panic", told.is_some(), "");
    let reset = scene.event(Ha1, "RESET", since);
    scene.say(&match reset {
        Some(at) => {
            format!("softdog's timer outlived the panic: reset after {} ms", at.since(since).as_millis())
        }
        None => "softdog did not outlive the panic: no reset".to_owned(),
    });
    Ok(())
}
