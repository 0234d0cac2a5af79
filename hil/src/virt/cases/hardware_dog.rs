//! A watchdog chip that remembers that it fired.

use crate::netns::Node::{Ha1, Ha2};
use crate::virt::case::Case;
use crate::virt::guest::Dog;
use crate::virt::rig::Setup;
use crate::virt::scene::{Scene, Told};
use std::time::Duration;

/// `WDIOF_CARDRESET` of `linux/watchdog.h`.
const CARD_RESET: u64 = 32;

pub(super) const BOOT_STATUS: Case = Case {
    name: "boot-status",
    about: "i6300esb resets the machine of a stopped daemon, and `hbd status` then says so",
    everyday: true,
    setup: || Setup { dog: Dog::I6300Esb, ..Setup::new("500ms", "1500ms", "3", "8") },
    story,
};

fn story(scene: &mut Scene) -> Told<()> {
    scene.in_service()?;
    let before = scene.status(Ha1).and_then(|s| s.number("/watchdog/boot_status"));
    scene.record.check("the boot status is clear at first", before == Some(0), &format!("{before:?}"));
    let since = scene.signal_daemon(Ha1, "STOP")?;
    scene.reset_seen(Ha1, since, Duration::from_secs(30))?;
    let chip = scene.event(Ha1, "WATCHDOG", since);
    scene.record.check("it was the chip", chip.is_some(), "QEMU's event WATCHDOG");
    scene.served_by(Ha2, Duration::from_secs(60))?;
    scene.take_over(since, Ha2, Duration::from_secs(3))?;
    scene.until("the daemon runs there again", Duration::from_secs(120), |s| s.status(Ha1).is_some())?;
    let after = scene.status(Ha1).and_then(|s| s.number("/watchdog/boot_status"));
    let told = after.is_some_and(|bits| bits & CARD_RESET != 0);
    scene.record.check("hbd status says that the watchdog caused the boot", told, &format!("{after:?}"));
    scene.never_both(since);
    Ok(())
}
