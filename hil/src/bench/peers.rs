//! hbd and keepalived in turns, in one run on one rig: who gets the service back sooner, and where hbd's time goes.
//!
//! The client asks each millisecond, so that no grid hides what is between. What the table says is also written as
//! `docs/measured.md`, which README quotes.

use super::debuglog::Mark;
use super::keepalived::{self, Package};
use super::row::{Row, Verdict, median, ms};
use super::stage::{self, Pace};
use crate::netns::{ArpWatch, Client, Node, Rig, SERVICE_PORT, Stamp};
use crate::paths;
use std::fmt::Write as _;
use std::fs;
use std::thread;
use std::time::{Duration, SystemTime};

/// keepalived misses a master after three adverts and the skew: 34 to 36 ms.
const PACE: Pace = Pace { keepalive: 10, deadtime: 36 };
/// Turns of each, with so many losses and stops each time.
const TURNS: usize = 3;
const LOSSES: usize = 3;
const STOPS: usize = 2;
const EVERY: Duration = Duration::from_millis(1);
const PAUSE: Duration = Duration::from_secs(2);

/// What was measured of one of the two, in milliseconds.
#[derive(Debug, Default)]
struct Figures {
    loss: Vec<f64>,
    arp: Vec<f64>,
    stop: Vec<f64>,
}

/// The parts of hbd's losses.
#[derive(Debug, Default)]
struct Split {
    detected: Vec<f64>,
    reserved: Vec<f64>,
    status: Vec<f64>,
    start: Vec<f64>,
    arp: Vec<f64>,
    answer: Vec<f64>,
}

struct Bench {
    rig: Rig,
    client: Client,
    arps: ArpWatch,
    package: Package,
}

/// All turns, and the file.
///
/// # Errors
/// No rig, or one of the two does not take its place.
pub(super) fn run() -> Result<Vec<Row>, String> {
    let package = match keepalived::fetch() {
        Ok(package) => package,
        Err(why) => return Ok(vec![Row::skipped("hbd beside keepalived, in turns", "", why)]),
    };
    let rig = stage::rig("bench peers", PACE)?;
    let told = |e: std::io::Error| e.to_string();
    let client = Client::to_port(rig.client_net(), SERVICE_PORT, EVERY).map_err(told)?;
    let arps = ArpWatch::new(rig.client_net()).map_err(told)?;
    let bench = Bench { rig, client, arps, package };
    let (mut ours, mut theirs, mut split) = (Figures::default(), Figures::default(), Split::default());
    for _ in 0..TURNS {
        bench.hbd(&mut ours, &mut split)?;
        bench.keepalived(&mut theirs)?;
    }
    let rows = rows(&ours, &theirs, &split);
    let file = paths::root().join("docs/measured.md");
    fs::write(&file, page(&rows)).map_err(|e| format!("{}: {e}", file.display()))?;
    Ok(rows)
}

impl Bench {
    fn hbd(&self, figures: &mut Figures, split: &mut Split) -> Result<(), String> {
        let rig = &self.rig;
        rig.start_both();
        rig.wait_settled(Node::Ha1, stage::PATIENCE);
        let mut holder = Node::Ha1;
        for _ in 0..LOSSES {
            thread::sleep(PAUSE);
            let (mark, clock) = (Mark::new(rig), Wall::now());
            let at = rig.power_off(holder);
            figures.loss.push(self.gap(holder, at));
            figures.arp.extend(self.arp(at));
            self.take_apart(split, &mark, clock, holder.other());
            rig.power_on(holder);
            rig.start(holder);
            rig.wait_settled(holder.other(), stage::PATIENCE);
            holder = holder.other();
        }
        for _ in 0..STOPS {
            thread::sleep(PAUSE);
            let at = Stamp::now();
            self.order(holder)?;
            figures.stop.push(self.gap(holder, at));
            rig.start(holder);
            rig.wait_settled(holder.other(), stage::PATIENCE);
            holder = holder.other();
        }
        self.order(holder.other())?;
        self.order(holder)
    }

    fn order(&self, node: Node) -> Result<(), String> {
        let said = self.rig.hbd(node, &["stop"]);
        if said.code == Some(0) { Ok(()) } else { Err(format!("hbd stop: {}", said.stderr.trim())) }
    }

    fn keepalived(&self, figures: &mut Figures) -> Result<(), String> {
        let rig = &self.rig;
        Node::BOTH.iter().try_for_each(|node| keepalived::start(rig, *node, &self.package))?;
        for n in 0..LOSSES + STOPS {
            let master = self.master()?;
            thread::sleep(PAUSE);
            let lost = n < LOSSES;
            let at = if lost { rig.power_off(master) } else { Stamp::now() };
            if !lost {
                keepalived::tell(rig, master, "-TERM")?;
            }
            let gap = self.gap(master, at);
            if lost {
                figures.loss.push(gap);
                figures.arp.extend(self.arp(at));
                rig.power_on(master);
            } else {
                figures.stop.push(gap);
                thread::sleep(PAUSE);
            }
            keepalived::start(rig, master, &self.package)?;
        }
        thread::sleep(PAUSE);
        let last = self.master()?;
        keepalived::tell(rig, last.other(), "-TERM")?;
        keepalived::tell(rig, last, "-TERM")?;
        thread::sleep(PAUSE);
        Ok(())
    }

    fn master(&self) -> Result<Node, String> {
        let begin = Stamp::now();
        while begin.elapsed() < stage::PATIENCE {
            if let Ok(node) = stage::server(&self.rig) {
                return Ok(node);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err("keepalived brought no service up".to_owned())
    }

    fn gap(&self, lost: Node, at: Stamp) -> f64 {
        let _ = stage::gap(&self.rig, lost, at);
        ms(self.client.longest_outage(at))
    }

    fn arp(&self, at: Stamp) -> Option<f64> {
        self.arps.first_after(at).map(|arp| ms(arp.since(at)))
    }

    /// Where the time of one loss went, by the debug log of the one that took over.
    fn take_apart(&self, split: &mut Split, mark: &Mark, clock: Wall, node: Node) {
        let text = mark.debug(&self.rig, node);
        let line = |what: &str| text.lines().find(|line| line.contains(what));
        let when = |what: &str| line(what).and_then(Wall::of).map(|at| clock.stamp(at));
        let Some(dead) = when("is dead: no beat") else { return };
        split.detected.extend(line("is dead: no beat").and_then(silence).map(|ms| ms - PACE.deadtime as f64));
        split.reserved.extend(when("status begins").map(|first| ms(first.since(dead))));
        split.status.push(ms(mark.time(&self.rig, node, &["status"])));
        split.start.push(ms(mark.time(&self.rig, node, &["start"])));
        split.arp.extend(self.arps.first_after(dead).map(|arp| ms(arp.since(dead))));
        let answer = self.client.good(dead).into_iter().find(|(when, _)| *when > dead);
        split.answer.extend(answer.map(|(when, _)| ms(when.since(dead))));
    }
}

/// Milliseconds in `node ha-1: is dead: no beat on any link for 41 ms (deadtime)`.
fn silence(line: &str) -> Option<f64> {
    line.split_once(" link for ")?.1.split_once(" ms")?.0.parse().ok()
}

/// The wall clock beside the rig's own, in milliseconds; lines of the log have the former, in whatever time zone.
#[derive(Clone, Copy)]
struct Wall {
    wall: u64,
    stamp: Stamp,
}

/// All time zones are whole quarters of an hour.
const QUARTER: u64 = 15 * 60 * 1000;

impl Wall {
    fn now() -> Self {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { wall: u64::try_from(wall.as_millis()).unwrap_or(0) % QUARTER, stamp: Stamp::now() }
    }

    /// When `line` says that it was written: `heartbeat: 2026/11/30_23:41:12.667 ...`.
    fn of(line: &str) -> Option<u64> {
        let time = line.split_whitespace().nth(1)?.split_once('_')?.1;
        let (minute, second) = time.split_once(':')?.1.split_once(':')?;
        let (second, milli) = second.split_once('.')?;
        let number = |word: &str| word.parse::<u64>().ok();
        Some(((number(minute)? * 60 + number(second)?) * 1000 + number(milli)?) % QUARTER)
    }

    /// That time on the rig's clock; it was after this reading.
    fn stamp(self, line: u64) -> Stamp {
        self.stamp.plus(Duration::from_millis((line + QUARTER - self.wall) % QUARTER))
    }
}

fn rows(ours: &Figures, theirs: &Figures, split: &Split) -> Vec<Row> {
    let shown =
        |what: &str, samples: &[f64]| Row::new(what, "", spread(samples), Verdict::Shown).samples(samples);
    let pair = |what: &str, bar: f64, ours: &[f64], theirs: &[f64]| {
        let ratio = median(ours) / median(theirs);
        let met = !ours.is_empty() && !theirs.is_empty() && ratio <= bar;
        let value = format!("{ratio:.2} (n={}, {})", ours.len(), theirs.len());
        Row::new(&format!("{what}: hbd / keepalived, medians"), &format!("<= {bar}"), value, Verdict::of(met))
    };
    let parts: [(&str, &[f64]); 6] = [
        ("the last beat to \"dead\", beyond deadtime", &split.detected),
        ("\"dead\" to the first script: the epoch is on the disk", &split.reserved),
        ("all `status`", &split.status),
        ("all `start`, the service's own among them", &split.start),
        ("\"dead\" to the first gratuitous ARP", &split.arp),
        ("\"dead\" to the first good answer", &split.answer),
    ];
    let mut rows = vec![
        shown("hbd: power loss, 10 ms beats, deadtime 36 ms", &ours.loss),
        shown("keepalived: power loss, 10 ms adverts", &theirs.loss),
        pair("power loss", 0.9, &ours.loss, &theirs.loss),
        shown("hbd: loss to the first gratuitous ARP", &ours.arp),
        shown("keepalived: loss to the first gratuitous ARP", &theirs.arp),
        shown("hbd: ordered stop", &ours.stop),
        shown("keepalived: ordered stop", &theirs.stop),
        pair("ordered stop", 0.8, &ours.stop, &theirs.stop),
    ];
    rows.extend(parts.map(|(what, samples)| shown(&format!("hbd, of the power loss: {what}"), samples)));
    rows
}

/// `min 41.2 / median 45.0 / max 50.3 ms (n=9)`.
fn spread(samples: &[f64]) -> String {
    let of = |pick: fn(f64, f64) -> f64| samples.iter().copied().reduce(pick).unwrap_or(0.0);
    let (min, max, n) = (of(f64::min), of(f64::max), samples.len());
    format!("min {min:.1} / median {:.1} / max {max:.1} ms (n={n})", median(samples))
}

fn page(rows: &[Row]) -> String {
    let mut page = format!(
        "# hbd beside keepalived\n\nWritten by `cargo xtask bench peers`: the two in turns on one rig of network namespaces, with a client \
         that asks each\nmillisecond, an address and the service `jdmail`. {}.\n\n| what | bar | measured | verdict |\n|---|---|---|---|\n",
        super::surroundings()
    );
    for row in rows {
        let bar = if row.bar.is_empty() { "-" } else { &row.bar };
        let _ = writeln!(page, "| {} | {bar} | {} | {} |", row.what, row.value, row.verdict.word());
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_log_is_placed_on_the_rigs_clock() {
        let line =
            "heartbeat: 2026/11/30_05:44:59.998 WARN: node ha-1: is dead: no beat on any link for 41 ms";
        let at = Wall::of(line).unwrap_or_default();
        assert_eq!(at, (14 * 60 + 59) * 1000 + 998);
        let clock = Wall { wall: at - 40, stamp: Stamp(7_000_000) };
        assert_eq!(clock.stamp(at), Stamp(47_000_000));
        // Over the end of a quarter of an hour.
        assert_eq!(clock.stamp(2), Stamp(51_000_000));
        assert_eq!(Wall::of("nothing of the kind"), None);
        assert_eq!((silence(line), silence("is dead")), (Some(41.0), None));
    }

    #[test]
    fn a_ratio_needs_figures_of_both() {
        let (some, none) = (Figures { loss: vec![40.0], ..Figures::default() }, Figures::default());
        let verdict = |ours: &Figures, theirs: &Figures| rows(ours, theirs, &Split::default())[2].verdict;
        assert_eq!(verdict(&some, &none), Verdict::Missed);
        assert_eq!(verdict(&none, &some), Verdict::Missed);
        assert_eq!(verdict(&some, &Figures { loss: vec![50.0], ..Figures::default() }), Verdict::Met);
        assert!(page(&rows(&some, &some, &Split::default())).contains("| <= 0.9 | 1.00 (n=1, 1) | MISSED |"));
    }
}
