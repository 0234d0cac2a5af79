//! The null-modem is measured with `hbd linktest` on both machines, and the pair then lives by what that recommends.

use crate::netns::Node::{self, Ha1, Ha2};
use crate::virt::case::Case;
use crate::virt::rig::Setup;
use crate::virt::scene::{Scene, Told};
use std::time::Duration;

pub(super) const ADVICE: Case = Case {
    name: "linktest",
    about: "hbd linktest on both ends of the null-modem; a pair with the recommended times fails over in that time",
    everyday: false,
    setup: || Setup::new("2", "8", "10", "20").serial_only(19_200).by_hand(),
    story,
};

/// What `linktest` may take: meeting, agreeing, 20 s of a test, telling.
const LIMIT: Duration = Duration::from_secs(90);

fn story(scene: &mut Scene) -> Told<()> {
    scene.boot_both()?;
    for node in Node::BOTH {
        let test =
            "hbd-full linktest --baud 19200 --seconds 20 /dev/ttyS1 >/data/log/linktest 2>&1 </dev/null";
        scene.shell(node, &format!("({test}; echo $? >/data/log/linktest.code) >/dev/null 2>&1 &"))?;
    }
    let ended = |s: &Scene| Node::BOTH.iter().all(|&n| s.guest(n).read("log/linktest.code").ends_with('\n'));
    scene.until("both ends have measured", LIMIT, ended)?;
    let mut advice = Vec::new();
    for node in Node::BOTH {
        let code = scene.guest(node).read("log/linktest.code");
        let told = scene.guest(node).read("log/linktest");
        for line in told.lines() {
            scene.say(&format!("{}: {line}", node.name()));
        }
        scene.record.check("the line holds at 19200", code.trim() == "0", &format!("code {}", code.trim()));
        for (what, words) in [
            ("nothing was lost", "lost 0 frames, damaged 0; lost 0 bytes"),
            ("the round trip is told", "round trip: min "),
            ("the modem lines are told", "modem lines that are on: "),
            ("the kernel counted no overrun", "overrun 0, buffer overrun 0, framing 0"),
            ("the fastest speed is told", "fastest speed that holds: 19200 baud"),
        ] {
            scene.record.check(what, told.contains(words), node.name());
        }
        advice.push((value(&told, "baud")?, value(&told, "keepalive")?, value(&told, "deadtime")?));
    }
    // Each end recommends from what both measured.
    scene.record.check("both recommend the same", advice[0] == advice[1], &format!("{advice:?}"));
    let (_, keepalive, deadtime) = advice.swap_remove(0);
    let limit = milliseconds(&deadtime)?;
    scene.say("the pair lives by that");
    for node in Node::BOTH {
        let sed = format!(
            "sed -i -e 's/^keepalive .*/keepalive {keepalive}/' -e 's/^deadtime .*/deadtime {deadtime}/' -e '/^warntime/d' \
             /etc/ha.d/ha.cf"
        );
        scene.shell(node, &sed)?;
        scene.shell(node, "hbd run")?;
    }
    scene.served_by(Ha1, Duration::from_secs(60))?;
    scene.peer_up(Ha1, LIMIT)?;
    scene.peer_up(Ha2, LIMIT)?;
    let since = scene.say("nothing happens: nothing may happen");
    scene.pass(Duration::from_secs(20));
    scene.stayed(Ha1, since);
    let off = scene.power_off(Ha1);
    scene.served_by(Ha2, Duration::from_secs(60))?;
    scene.take_over(off, Ha2, limit + Duration::from_millis(200))?;
    scene.never_both(since);
    Ok(())
}

/// What is recommended for a directive.
fn value(told: &str, directive: &str) -> Told<String> {
    let (_, advice) = told.split_once("for ha.cf").ok_or("nothing is recommended")?;
    let mut lines = advice.lines().map(str::split_whitespace);
    let found = lines.find_map(|mut words| (words.next() == Some(directive)).then(|| words.next()).flatten());
    found.map(str::to_owned).ok_or_else(|| format!("no {directive} is recommended"))
}

/// A time as `ha.cf` has it.
fn milliseconds(word: &str) -> Told<Duration> {
    let (number, scale) = word.strip_suffix("ms").map_or((word, 1000.0), |number| (number, 1.0));
    let number: f64 = number.parse().map_err(|_| format!("{word} is no time"))?;
    Ok(Duration::from_secs_f64(number * scale / 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_is_read_from_its_own_lines() {
        let told = "9600 baud holds\nfor ha.cf, with this line as the only link:\n    baud 19200\n    keepalive 100ms\n    \
                    deadtime 1.2\n    # 5 lost heartbeats in a row; with a watchdog: deadtime 2\n";
        assert_eq!(value(told, "baud"), Ok("19200".to_owned()));
        let deadtime = value(told, "deadtime").and_then(|word| milliseconds(&word));
        assert_eq!(deadtime, Ok(Duration::from_millis(1200)));
        assert!(value("9600 baud holds\n", "baud").is_err() && milliseconds("soon").is_err());
    }
}
