//! The original Heartbeat on the same rig, for comparison: its losses, moves, stops, and what a healed partition costs.
//!
//! Its fastest stable setting there is keepalive 100 ms, deadtime 500 ms. It has the machine's own three files and init
//! script, and announces its address by `hbd send-arp`.

use super::debuglog::Mark;
use super::row::{Row, Verdict, max, ms, spread};
use super::stage::{self, USUAL};
use crate::netns::{Builder, Cable, Node, Original, Rig, Span, Stamp, Times};
use std::process::Command;
use std::thread;
use std::time::Duration;

const RUNS: usize = 7;
/// A rig each, for the original starts slowly.
const MIGRATIONS: usize = 3;
/// It waits some 10 s before it acquires anything, whatever its times are.
const COLD: Duration = Duration::from_secs(60);
/// So long after its start it has met the other and takes part again.
const REJOINED: Duration = Duration::from_secs(12);
/// So long both go on cut off from each other.
const APART: Duration = Duration::from_secs(5);
/// After a partition it restarts itself, and with it the service.
const HEALED: Duration = Duration::from_secs(45);
/// Now and then it completes its start without having started anything.
const TRIES: usize = 3;

/// Cold start, losses, moves and stops, one healing.
///
/// # Errors
/// No rig, or it does not take its place.
pub(super) fn run() -> Result<Vec<Row>, String> {
    let original = match Original::fetch() {
        Ok(original) => original,
        Err(why) => return Ok(vec![Row::skipped("the original Heartbeat, 100 / 500 ms", "", why)]),
    };
    let (rig, up) = started(&original)?;
    thread::sleep(REJOINED);
    let pair = Pair { rig, original };
    let mut holder = Node::Ha1;
    let losses = pair.each(&mut holder, |pair, holder| {
        let at = pair.rig.power_off(holder);
        let gap = stage::gap(&pair.rig, holder, at);
        pair.rig.power_on(holder);
        pair.original.start(pair.rig.machine(holder)).map(|()| gap)
    })?;
    let moves = pair.each(&mut holder, |pair, holder| {
        let at = Stamp::now();
        pair.call(holder, "/usr/share/heartbeat/hb_standby all")?;
        Ok(stage::gap(&pair.rig, holder, at))
    })?;
    let stops = pair.each(&mut holder, |pair, holder| {
        let at = Stamp::now();
        pair.original.stop(pair.rig.machine(holder))?;
        let gap = stage::gap(&pair.rig, holder, at);
        pair.original.start(pair.rig.machine(holder)).map(|()| gap)
    })?;
    let (gap, both) = pair.heal(holder)?;
    let row = |what: &str, samples: &[f64]| {
        let what = format!("the original, 100 / 500 ms: {what}");
        Row::new(&what, "", spread(samples, "ms"), Verdict::Shown).samples(samples)
    };
    Ok(vec![
        row("both started together", &[up]),
        row("power loss", &losses),
        row("hb_standby", &moves),
        row("ordered stop", &stops),
        row("heal after a full partition: time without service", &[gap]).note(format!(
            "cut for {} s beyond the take-over; both held after the mending for {both:.0} ms",
            APART.as_secs()
        )),
    ])
}

/// The middle of a migration: the original serves on ha-1, hbd waits on ha-2; `heartbeat stop` there, service here.
///
/// # Errors
/// No rig, or one of them does not take its place.
pub(super) fn migration() -> Result<Vec<Row>, String> {
    const WHAT: &str = "heartbeat stop on the other node, hbd here: service gap";
    const BAR: &str = "<= 100 ms + scripts";
    let original = match Original::fetch() {
        Ok(original) => original,
        Err(why) => return Ok(vec![Row::skipped(WHAT, BAR, why)]),
    };
    let (mut gaps, mut scripts) = (Vec::new(), Vec::new());
    let mut tries = 0;
    while gaps.len() < MIGRATIONS {
        let rig = stage::build(Builder::new("bench migration").times(Times::new("1", "3", "4", "10")))?;
        original.start(rig.machine(Node::Ha1))?;
        let serves = || rig.client().answered_by().as_deref() == Some("ha-1");
        if rig.within("the original serves", COLD, serves).is_none() {
            tries += 1;
            if tries == TRIES {
                return Err(format!("the original started its resources in none of {TRIES} tries"));
            }
            continue;
        }
        rig.start(Node::Ha2);
        rig.wait("hbd hears it", stage::PATIENCE, || {
            rig.status(Node::Ha2).is_some_and(|s| s.0.pointer("/peer/foreign") == Some(&true.into()))
        });
        // Only of one that was watched for a deadtime, 4 s here, is `shutdone` believed (DESIGN §4.23).
        thread::sleep(Duration::from_secs(6));
        let (mark, at) = (Mark::new(&rig), Stamp::now());
        original.stop(rig.machine(Node::Ha1))?;
        gaps.push(stage::gap(&rig, Node::Ha1, at));
        // What stops there: from the first part that is gone to the last one.
        let end = |spans: Vec<Span>| spans.last().map_or(at, |span| span.until);
        let parts = [end(rig.service_spans(Node::Ha1)), end(rig.address_spans(Node::Ha1))];
        let stopping = parts[0].max(parts[1]).since(parts[0].min(parts[1]));
        scripts.push(ms(stopping + mark.time(&rig, Node::Ha2, &["start", "status"])));
    }
    let beyond: Vec<f64> = gaps.iter().zip(&scripts).map(|(gap, scripts)| gap - scripts).collect();
    let note = format!("scripts {}; beyond them {}", spread(&scripts, "ms"), spread(&beyond, "ms"));
    let verdict = Verdict::of(max(&beyond) <= 100.0);
    Ok(vec![Row::new(WHAT, BAR, spread(&gaps, "ms"), verdict).note(note).samples(&gaps)])
}

/// Both started together; how long until the client was served.
fn started(original: &Original) -> Result<(Rig, f64), String> {
    for _ in 0..TRIES {
        let times = Times { initdead: "5".to_owned(), ..USUAL.times() };
        let builder = Builder::new("bench original").times(times);
        let rig = stage::build(builder.edit(|files| files.with("auto_failback", "off")))?;
        let begin = Stamp::now();
        Node::BOTH.iter().try_for_each(|node| original.start(rig.machine(*node)))?;
        let served = || rig.client().good(begin).into_iter().find(|(at, _)| *at > begin);
        if rig.within("the original serves", COLD, || served().is_some()).is_some()
            && let Some((at, _)) = served()
        {
            return Ok((rig, ms(at.since(begin))));
        }
    }
    Err(format!("the original started its resources in none of {TRIES} tries"))
}

struct Pair {
    rig: Rig,
    original: Original,
}

impl Pair {
    /// `RUNS` times the same to whoever holds, with all well before each.
    fn each(
        &self,
        holder: &mut Node,
        what: impl Fn(&Self, Node) -> Result<f64, String>,
    ) -> Result<Vec<f64>, String> {
        let mut gaps = Vec::new();
        for _ in 0..RUNS {
            *holder = stage::server(&self.rig)?;
            gaps.push(what(self, *holder)?);
            thread::sleep(REJOINED);
        }
        *holder = stage::server(&self.rig)?;
        Ok(gaps)
    }

    fn call(&self, node: Node, line: &str) -> Result<(), String> {
        let machine = self.rig.machine(node);
        let mut shell = Command::new("sh");
        let out =
            machine.run(shell.args(["-c", line]), Duration::from_secs(30)).map_err(|e| e.to_string())?;
        if out.code == Some(0) { Ok(()) } else { Err(format!("{line}: {out:?}")) }
    }

    /// Cuts until both hold and some time more; after the mending, the time without service and the time both held.
    fn heal(&self, holder: Node) -> Result<(f64, f64), String> {
        self.rig.cut(&[Cable::Cross]);
        self.rig.wait("both hold", stage::PATIENCE, || {
            let held = |node| self.rig.service_spans(node).last().is_some_and(|s| s.until == Stamp::NEVER);
            held(holder) && held(holder.other())
        });
        thread::sleep(APART);
        let at = self.rig.mend(&[Cable::Cross]);
        thread::sleep(HEALED);
        stage::server(&self.rig)?;
        Ok((stage::without_service(&self.rig, at), ms(self.rig.overlap(at))))
    }
}
