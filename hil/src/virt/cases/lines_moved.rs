//! What the reset line in the null-modem does to DTR and RTS, by QEMU's trace of the UARTs: nothing that fires at boot, at the
//! driver's load and at a start; one write for a pulse and one for its end; a kill in the middle of a pulse ends it.
//!
//! DSR of an emulated UART is up and never falls: a pulse is made, and stays unproven.

use crate::netns::Node::Ha1;
use crate::netns::Stamp;
use crate::virt::case::Case;
use crate::virt::lines::{DTR, RTS};
use crate::virt::rig::Setup;
use crate::virt::scene::{Scene, Told};
use std::fs;
use std::time::Duration;

pub(super) const FENCE: Case = Case {
    name: "modem-line",
    about: "DTR and RTS by QEMU's trace: rest at boot and start, one write a pulse, and a kill in the middle of one",
    everyday: false,
    setup: || {
        let setup = Setup::new("250ms", "1500ms", "3", "8").serial_only(19_200).by_hand();
        let setup = setup.with("fence", "modem-line /dev/ttyS1 pulse 2").with("startup_fence", "on");
        Setup { traced: true, ..setup }
    },
    story,
};

const PULSE: Duration = Duration::from_secs(2);
/// What a busy machine may add to a pulse.
const MORE: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(120);

impl Scene {
    /// The writes since `since` that say what the lines do, without those that repeat the one before: when, DTR, RTS.
    fn moves(&self, since: Stamp) -> Vec<(Stamp, u8)> {
        let mut moves: Vec<(Stamp, u8)> = Vec::new();
        for (at, value) in self.guest(Ha1).modem_control().into_iter().filter(|(at, _)| *at >= since) {
            let lines = value & (DTR | RTS);
            if moves.last().is_none_or(|(_, last)| *last != lines) {
                moves.push((at, lines));
            }
        }
        moves
    }

    /// The pulses since `since`: when the lines began to fire, and for how long.
    fn pulses(&self, since: Stamp) -> Vec<(Stamp, Option<Duration>)> {
        let moves = self.moves(since);
        let ends = |at: usize| moves.get(at + 1).map(|(end, _)| end.since(moves[at].0));
        (0..moves.len()).filter(|at| moves[*at].1 == RTS).map(|at| (moves[at].0, ends(at))).collect()
    }
}

fn story(scene: &mut Scene) -> Told<()> {
    let began = scene.say("QEMU traces what is written to the UARTs");
    scene.boot(Ha1)?;
    let proven = "/dev/ttyS1 1795000000 proven\n";
    fs::write(scene.guest(Ha1).path("lib/fence-line"), proven).map_err(|e| e.to_string())?;
    let booted = scene.pulses(began);
    scene.record.check("boot and driver fire nothing", booted.is_empty(), &format!("{booted:?}"));
    let since = scene.say("the daemon starts; the other machine is off");
    scene.shell(Ha1, "hbd run")?;
    scene.until("a first pulse, and its end", LIMIT, |s| {
        s.pulses(since).first().is_some_and(|(_, length)| length.is_some())
    })?;
    let first = scene.pulses(since).first().and_then(|(_, length)| *length).unwrap_or_default();
    scene.record.figure("the pulse", first, Some(PULSE + MORE));
    scene.record.check(
        "it was not shorter",
        first + Duration::from_millis(20) >= PULSE,
        &format!("{first:?}"),
    );
    let pid = scene.daemon_pid(Ha1)?;
    scene.until("a second pulse begins", LIMIT, |s| s.pulses(since).len() >= 2)?;
    scene.signal_process(Ha1, "KILL", pid)?;
    scene.until("it ends", LIMIT, |s| s.pulses(since).get(1).is_some_and(|(_, length)| length.is_some()))?;
    let second = scene.pulses(since).get(1).and_then(|(_, length)| *length).unwrap_or_default();
    scene.record.figure("the pulse whose daemon was killed", second, Some(PULSE + MORE));
    scene.pass(Duration::from_secs(1));
    let rest = scene.moves(since).last().map(|(_, lines)| *lines);
    scene.record.check("the lines are at rest: DTR up, RTS down", rest == Some(DTR), &format!("{rest:?}"));
    scene.record.check("two pulses in all", scene.pulses(since).len() == 2, "by the trace");
    Ok(())
}
