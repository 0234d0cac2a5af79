//! What an operator asks for: moves and an ordered end.

use crate::netns::Node::{Ha1, Ha2};
use crate::virt::case::Case;
use crate::virt::rig::Setup;
use crate::virt::scene::{Scene, Told};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

pub(super) const MOVES: Case = Case {
    name: "standby-and-stop",
    about: "standby, takeover, ordered stop: the service moves each time, never both, without waiting for a deadtime",
    everyday: true,
    setup: || Setup::new("500ms", "1500ms", "10", "20"),
    story: moves,
};

pub(super) const END: Case = Case {
    name: "ordered-end",
    about: "the daemon is ended in order with its watchdog armed: the machine is not reset",
    everyday: true,
    setup: || Setup::new("500ms", "1500ms", "3", "8"),
    story: end,
};

fn moves(scene: &mut Scene) -> Told<()> {
    scene.in_service()?;
    let began = scene.say("the operator gives the service to the second server");
    scene.operator(Ha1, "standby")?;
    scene.served_by(Ha2, SOON)?;
    let back = scene.say("the operator takes it back");
    scene.operator(Ha1, "takeover")?;
    scene.served_by(Ha1, SOON)?;
    let stop = scene.say("the daemon of the first is ended in order");
    scene.operator(Ha1, "stop")?;
    scene.served_by(Ha2, SOON)?;
    scene.pass(Duration::from_secs(1));
    for (what, since, to) in [("standby", began, Ha2), ("takeover", back, Ha1), ("stop", stop, Ha2)] {
        let outage = scene.outage(since, to).ok_or_else(|| format!("no move by {what} was seen"))?;
        let length = outage.first_good.since(outage.last_good);
        // Stop and start scripts on two emulated machines; the deadtime would be 10 s.
        scene.record.figure(&format!("outage of {what}"), length, Some(Duration::from_secs(6)));
    }
    scene.never_both(began);
    Ok(())
}

fn end(scene: &mut Scene) -> Told<()> {
    scene.in_service()?;
    let armed = scene.status(Ha1).and_then(|s| s.number("/watchdog/timeout_s"));
    scene.record.check("the watchdog is armed with 2 s", armed == Some(2), &format!("{armed:?}"));
    let since = scene.say("the daemon of the first is ended in order");
    scene.operator(Ha1, "stop")?;
    scene.served_by(Ha2, SOON)?;
    scene.pass(Duration::from_secs(10));
    let reset = scene.event(Ha1, "RESET", since);
    scene.record.check("no reset in five times the timeout", reset.is_none(), &format!("{reset:?}"));
    let left = scene.try_shell(Ha1, "hbd status")?;
    scene.record.check("no daemon runs there", left.code == 3, &left.text);
    scene.never_both(since);
    Ok(())
}
