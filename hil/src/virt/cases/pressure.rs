//! The machine is short of memory and of processor time.

use crate::netns::Node::{Ha1, Ha2};
use crate::virt::case::Case;
use crate::virt::rig::Setup;
use crate::virt::scene::{Scene, Told};
use std::time::Duration;

pub(super) const KILLED: Case = Case {
    name: "under-pressure",
    about: "memory and processor are taken: no false failover; then kill -9 of the daemon, and a true one",
    everyday: false,
    setup: || Setup::new("500ms", "1500ms", "3", "8"),
    story,
};

fn story(scene: &mut Scene) -> Told<()> {
    scene.in_service()?;
    let daemon = scene.daemon_pid(Ha1)?;
    let since = scene.say("all memory but 10 MB, and three processes that never sleep");
    let free = "free=$(sed -n 's/^MemAvailable: *\\([0-9]*\\).*/\\1/p' /proc/meminfo)";
    let fill = "head -c $(((free - 10240) * 1024)) /dev/zero >/tmp/fill";
    let line = format!("{free}; mount -t tmpfs -o size=60m none /tmp; {fill}");
    let filled = scene.guest(Ha1).shell(&line, Duration::from_secs(120))?;
    scene.record.check("the memory is taken", filled.code == 0, &filled.text);
    for _ in 0..3 {
        scene.shell(Ha1, "(while :; do :; done) </dev/null >/dev/null 2>&1 &")?;
    }
    let left = scene.shell(Ha1, "grep -E '^Mem(Free|Available)' /proc/meminfo")?;
    scene.say(&left.replace('\n', ", "));
    scene.pass(Duration::from_secs(20));
    scene.stayed_held(Ha1, since);
    match scene.status(Ha1).and_then(|s| s.number("/worst_late_us")) {
        Some(late) => {
            scene.record.figure("the daemon's loop was late by at most", Duration::from_micros(late), None);
        }
        // The command is a process like those that never sleep; the daemon is not.
        None => {
            scene.say("hbd status gets no turn in 20 s");
        }
    }
    let killed = scene.signal_process(Ha1, "KILL", daemon)?;
    scene.reset_seen(Ha1, killed, Duration::from_secs(30))?;
    scene.served_by(Ha2, Duration::from_secs(60))?;
    // Its web server had no processor time for the client: the outage is no measure of the daemon here.
    let outage = scene.outage(killed, Ha2).ok_or("no move was seen")?;
    let limit = Duration::from_millis(4500);
    scene.record.figure(
        "from the kill to an answer of the peer",
        outage.first_good.since(killed),
        Some(limit),
    );
    scene.never_both(since);
    Ok(())
}
