//! `cargo xtask churn [--minutes N]`: a bad day for two real daemons: moves, cables pulled, interfaces switched off and on,
//! reloads, a daemon and helpers killed, daemons frozen; and at every quiet moment a count of descriptors, memory and
//! processes. The standby's daemon lives through all of it: what it loses shows.

use crate::netns::{Builder, Cable, Heirs, Node, Rig, Stamp, Times, urgent};
use nix::sys::signal::Signal;
use std::collections::BTreeSet;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// How long the pair may take to come to rest after anything.
const REST: Duration = Duration::from_secs(40);
/// Nobody looked for addresses for this long: what a run says then is not known.
const BLIND: Duration = Duration::from_millis(100);
/// So many descriptors more than the fewest of a life are no leak: a link may have been closed when those were counted, and a
/// script's pipe open when the most were.
const MOST_FILES: usize = 2;
/// A daemon's memory may grow by this much after its first minute, in KiB: pages of the C library's that were never
/// touched before.
const MOST_KIB: u64 = 256;

/// So often the descriptors are counted, until they are as few as ever in this life.
const LOOKS: u32 = 34;

/// One life of a daemon, counted at quiet moments.
#[derive(Clone, Debug, Default)]
struct Life {
    pid: u32,
    samples: u32,
    files: (usize, usize),
    kib: (u64, u64),
}

/// Runs for so many minutes, with the shipped build.
///
/// # Errors
/// Something leaked, both held at once, or the pair did not come to rest.
pub fn run(words: &[&str]) -> Result<String, String> {
    if !crate::paths::is_root() {
        return Ok("SKIPPED: needs root, for namespaces".to_owned());
    }
    super::alone("churn-alone", words)
}

/// The work of [`run`].
///
/// # Errors
/// As there.
pub fn run_here(words: &[&str]) -> Result<String, String> {
    let minutes: u64 = match words {
        [] => 20,
        ["--minutes", n] => n.parse().map_err(|_| format!("{n} is no number of minutes"))?,
        _ => return Err("cargo xtask churn [--minutes N]".to_owned()),
    };
    let rig = Builder::new("churn")
        .times(Times::new("100ms", "700ms", "2", "4"))
        .with_serial()
        .edit(|files| files.with("ping", "192.168.2.1").with("monitor", "2").with("nice_failback", "on"))
        .build()
        .ok_or("network namespaces need root")?;
    // A freeze, a cut or a restart that the machine draws out beyond the deadtime is another test: what is done to the
    // pair is done on time. The daemons and their scripts have the priorities that they give themselves.
    if !urgent(Heirs::All) {
        println!("no real-time priority here: a busy machine may draw out what is done to the pair");
    }
    rig.start_both();
    rig.wait_settled(Node::Ha1, REST);
    let (began, mut dice, mut done) = (Instant::now(), Dice(0x2545_F491_4F6C_DD1D), 0_u32);
    let mut lives: Vec<Vec<Life>> = vec![Vec::new(), Vec::new()];
    let mut most = [0, 0];
    let (mut zombies, mut overlap, mut blind) = (BTreeSet::new(), Duration::ZERO, Duration::ZERO);
    while began.elapsed() < Duration::from_secs(60 * minutes) {
        let (since, start) = (Stamp::now(), Instant::now());
        let what = act(&rig, &mut dice);
        let took = start.elapsed();
        done += 1;
        rest(&rig).map_err(|e| format!("after {what} ({done} acts): {e}"))?;
        let both = rig.overlap(since);
        if !both.is_zero() {
            println!("{done} acts: both held for {both:?} after {what}, which took {took:?}");
            rig.tell();
            overlap += both;
        }
        blind = blind.max(rig.blind(since));
        for node in Node::BOTH {
            let (count, dead) = processes(&rig, node);
            most[node.index()] = count.max(most[node.index()]);
            // One that is seen twice is left over; one that is seen once is on its way.
            if let Some(left) = dead.iter().find(|pid| !zombies.insert(**pid)) {
                return Err(format!("after {what}: zombie {left} on {}", node.name()));
            }
            sample(&rig, node, &mut lives[node.index()])?;
        }
        if done.is_multiple_of(25) {
            println!("{:>5} s, {done} acts, {}", began.elapsed().as_secs(), line(&lives));
        }
    }
    let text = format!(
        "{done} acts in {minutes} min; {}; processes at most {most:?}; a look was {blind:?} late at most",
        line(&lives)
    );
    println!("{text}");
    let mut bad = Vec::new();
    for (node, lives) in Node::BOTH.into_iter().zip(&lives) {
        for life in lives.iter().filter(|life| life.samples > 0) {
            if life.files.1 > life.files.0 + MOST_FILES {
                bad.push(format!("{} [{}]: descriptors {:?}", node.name(), life.pid, life.files));
            }
            if life.kib.1 > life.kib.0 + MOST_KIB {
                bad.push(format!("{} [{}]: memory {:?} KiB", node.name(), life.pid, life.kib));
            }
        }
    }
    if !overlap.is_zero() {
        bad.push(format!("both held for {overlap:?}"));
    }
    if blind > BLIND {
        bad.push(format!("nobody looked for addresses for {blind:?}"));
    }
    // First process, daemon, helper, the service and a script or two at the moment of the count.
    if most.iter().any(|n| *n > 12) {
        bad.push(format!("processes: {most:?}"));
    }
    if bad.is_empty() { Ok(text) } else { Err(bad.join("; ")) }
}

/// One thing that happens on a bad day.
fn act(rig: &Rig, dice: &mut Dice) -> String {
    let node = if dice.below(2) == 0 { Node::Ha1 } else { Node::Ha2 };
    let pause = Duration::from_millis(u64::from(100 + dice.below(1200)));
    match dice.below(12) {
        0 | 1 => {
            rig.hbd(node, &["standby"]);
            "standby".to_owned()
        }
        2 => {
            rig.hbd(node, &["takeover"]);
            "takeover".to_owned()
        }
        3 | 4 => {
            let cable = if dice.below(2) == 0 { Cable::Cross } else { Cable::Serial };
            rig.cut(&[cable]);
            thread::sleep(pause);
            rig.mend(&[cable]);
            format!("{cable:?} out")
        }
        5 => {
            rig.hbd(node, &["reload"]);
            "reload".to_owned()
        }
        6 | 7 => {
            let net = rig.machine(node).net();
            let _ = net.ip("link set eth1 down\n");
            thread::sleep(pause);
            let _ = net.ip("link set eth1 up\n");
            "eth1 off and on".to_owned()
        }
        8 => {
            if let Some(helper) = rig.machine(node).helper_pid() {
                rig.signal(helper, Signal::SIGKILL);
            }
            "helper killed".to_owned()
        }
        9 => {
            rig.freeze(node);
            thread::sleep(pause);
            rig.thaw(node);
            "frozen".to_owned()
        }
        10 => {
            rig.kill_daemon(Node::Ha1);
            rig.start(Node::Ha1);
            "daemon killed".to_owned()
        }
        _ => {
            for _ in 0..20 {
                let _ = rig.status(node);
            }
            "asked".to_owned()
        }
    }
}

/// Waits until one holds, the other is idle, and both see each other.
fn rest(rig: &Rig) -> Result<(), String> {
    let well = || Node::BOTH.into_iter().any(|node| super::well(rig, node));
    match rig.within("the pair is at rest", REST, well) {
        Some(_) => {
            thread::sleep(Duration::from_millis(300));
            Ok(())
        }
        None => Err(format!("no rest: {:?}", Node::BOTH.map(|node| rig.status(node)))),
    }
}

/// How many processes a machine has, and which of them are dead and not taken.
fn processes(rig: &Rig, node: Node) -> (usize, Vec<u32>) {
    let own =
        rig.machine(node).daemon_pid().and_then(|pid| fs::read_link(format!("/proc/{pid}/ns/pid")).ok());
    let (mut count, mut dead) = (0, Vec::new());
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if own.is_none() || fs::read_link(format!("/proc/{pid}/ns/pid")).ok() != own {
            continue;
        }
        count += 1;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')) {
            dead.push(pid);
        }
    }
    (count, dead)
}

/// Counts a daemon's descriptors and memory.
fn sample(rig: &Rig, node: Node, lives: &mut Vec<Life>) -> Result<(), String> {
    let pid = rig.machine(node).daemon_pid().ok_or("no daemon")?;
    if lives.last().is_none_or(|life| life.pid != pid) {
        lives.push(Life { pid, ..Life::default() });
    }
    let Some(life) = lives.last_mut() else { return Ok(()) };
    // A script's pipe, or a caller, may be open at the moment, on a busy machine for a while: what leaked stays.
    let look = || fs::read_dir(format!("/proc/{pid}/fd")).map_or(usize::MAX, Iterator::count);
    let usual = if life.samples == 0 { 0 } else { life.files.0 };
    let mut files = look();
    for _ in 0..LOOKS {
        if files <= usual {
            break;
        }
        thread::sleep(Duration::from_millis(30));
        files = files.min(look());
    }
    let status = fs::read_to_string(format!("/proc/{pid}/status")).map_err(|e| e.to_string())?;
    let kib = status.lines().find_map(|l| l.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
    let kib = kib.unwrap_or(0);
    life.samples += 1;
    if life.samples == 1 {
        (life.files, life.kib) = ((files, files), (kib, kib));
    }
    life.files = (life.files.0.min(files), life.files.1.max(files));
    // The first samples are the base: it may still be settling in.
    life.kib = if life.samples <= 5 {
        (kib.max(life.kib.0), kib.max(life.kib.1))
    } else {
        (life.kib.0, kib.max(life.kib.1))
    };
    Ok(())
}

fn line(lives: &[Vec<Life>]) -> String {
    let one = |lives: &Vec<Life>| {
        let longest = lives.iter().max_by_key(|life| life.samples).cloned().unwrap_or_default();
        format!(
            "{} lives, the longest: descriptors {}..{}, {}..{} KiB",
            lives.len(),
            longest.files.0,
            longest.files.1,
            longest.kib.0,
            longest.kib.1
        )
    };
    lives.iter().map(one).collect::<Vec<_>>().join(" | ")
}

/// The same day every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 >> 32).unwrap_or(0) % n
    }
}
