//! Memory runs out: the kernel ends processes, but neither the daemon nor its helper.

use crate::netns::Node::Ha1;
use crate::virt::case::Case;
use crate::virt::rig::Setup;
use crate::virt::scene::{Scene, Told};
use std::time::Duration;

pub(super) const EXHAUSTED: Case = Case {
    name: "out-of-memory",
    about: "memory runs out: the kernel ends others than the daemon, and nothing moves",
    everyday: false,
    setup: || Setup::new("500ms", "1500ms", "3", "8"),
    story,
};

/// How likely the daemon (its process number is left out), its helper and a service are to be ended.
const SCORES: &str = "/oom_score_adj; for p in $(pidof hbd); do read name </proc/$p/comm; \
    [ $name != hbd-helper ] || cat /proc/$p/oom_score_adj; done; \
    for p in $(pidof httpd); do cat /proc/$p/oom_score_adj; done 2>/dev/null | tail -n 1";

fn story(scene: &mut Scene) -> Told<()> {
    scene.in_service()?;
    let since = scene.say("the service may not move from here on");
    let daemon = scene.status(Ha1).and_then(|s| s.number("/pid")).ok_or("no daemon answers")?;
    let scores = scene.shell(Ha1, &format!("cat /proc/{daemon}{SCORES}"))?;
    let scores: Vec<&str> = scores.split_whitespace().collect();
    let spared = scores == ["-1000", "-1000", "0"];
    scene.record.check("daemon and helper are spared, a service is not", spared, &scores.join(" "));
    // A process that takes all there is; the kernel ends it, or another.
    scene.last_words(Ha1, "tail /dev/zero")?;
    let killed = |s: &Scene| s.guest(Ha1).console.wait(0, Duration::ZERO, |l| l.contains("Killed process"));
    scene.until("the kernel ends a process", Duration::from_secs(60), |s| killed(s).is_some())?;
    scene.pass(Duration::from_secs(10));
    let lines = scene.guest(Ha1).console.lines(0);
    let ended: Vec<&str> = lines
        .iter()
        .filter_map(|(_, line)| line.split_once("Killed process ")?.1.split_whitespace().nth(1))
        .collect();
    let daemon = ended.iter().any(|name| name.contains("hbd"));
    scene.record.check("it was not the daemon", !daemon, &ended.join(" "));
    let reset = scene.event(Ha1, "RESET", since);
    scene.record.check("no reset", reset.is_none(), &format!("{reset:?}"));
    scene.stayed_held(Ha1, since);
    Ok(())
}
