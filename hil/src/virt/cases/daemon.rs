//! The daemon stands still, or dies, and its services go on without it: the watchdog must end them before the peer starts
//! its own.

use crate::netns::Node::{Ha1, Ha2};
use crate::virt::case::Case;
use crate::virt::rig::Setup;
use crate::virt::scene::{Scene, Told};
use std::time::Duration;

const DEADTIME: Duration = Duration::from_secs(3);

pub(super) const STOPPED: Case = Case {
    name: "daemon-stopped",
    about: "SIGSTOP for the daemon: softdog resets the machine, the peer takes over, never both",
    everyday: true,
    setup,
    story: |scene| story(scene, "STOP"),
};

pub(super) const KILLED: Case = Case {
    name: "daemon-killed",
    about: "SIGKILL for the daemon: its helper keeps the watchdog running, the peer takes over, never both",
    everyday: true,
    setup,
    story: |scene| story(scene, "KILL"),
};

/// The watchdog's timeout becomes 2 s: deadtime less keepalive, in whole seconds.
fn setup() -> Setup {
    Setup::new("500ms", "1500ms", "3", "8")
}

fn story(scene: &mut Scene, signal: &str) -> Told<()> {
    scene.in_service()?;
    let since = scene.signal_daemon(Ha1, signal)?;
    let reset = scene.reset_seen(Ha1, since, Duration::from_secs(30))?;
    scene.served_by(Ha2, Duration::from_secs(60))?;
    // The 2 s of softdog begin with the last feed; its clock is the guest's.
    scene.record.figure("from the signal to the reset", reset.since(since), Some(Duration::from_secs(3)));
    scene.take_over(since, Ha2, DEADTIME)?;
    scene.never_both(since);
    scene.say("the machine boots again, and takes its service back");
    scene.served_by(Ha1, Duration::from_secs(120))?;
    scene.pass(Duration::from_secs(1));
    scene.never_both(since);
    Ok(())
}
