//! `cargo xtask faults [--all] [CALL[:ERROR]...]`: each system call of the daemon's loop fails, once and for two seconds, or is late
//! by a second and a half, on a pair of real daemons in network namespaces. A fault of one machine may cost it its own
//! work, but not a core, and the pair nothing: no false death, no second holder, no daemon that ends.
//!
//! The step of `cargo xtask test` is a selection; `--all` is every call with every error, on the holder and on the standby;
//! `read` is that call with every error, `read:ENOMEM` or `poll:late` with that one alone.

mod calls;
pub mod churn;
pub mod inject;

use crate::netns::{Builder, Cable, Node, Rig, Stamp, Times};
use crate::table::{Table, human};
use crate::{dist, paths};
use calls::{CALLS, Call, Cause, ERRORS, untried};
use inject::{Fault, Span, inject, processor_time};
use nix::sys::signal::Signal;
use std::collections::BTreeSet;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// How long a call goes on failing.
const FAILING: Duration = Duration::from_secs(2);
/// How late a call is.
const LATE: Duration = Duration::from_millis(1500);
/// A call that does not come within this is not one of the loop's, or not now.
const COMES: Duration = Duration::from_millis(2500);
/// How long the calls of the loop are counted.
const BUSY: Duration = Duration::from_secs(8);
/// Of a core, for as long as the fault lasts.
const MOST_CPU: f64 = 0.30;
/// How long the pair may take to show that all is well again.
const WELL: Duration = Duration::from_secs(10);

/// One thing to try.
struct Try {
    call: &'static Call,
    error: &'static str,
    fault: Fault,
    span: Span,
    node: Node,
}

/// What came of it.
struct Row {
    what: String,
    met: u32,
    cpu: f64,
    bad: Vec<String>,
}

/// Runs the selection, or with `--all` everything, or the named calls; in a process of its own, with the shipped build.
///
/// # Errors
/// A fault that cost more than it may.
pub fn run(words: &[&str]) -> Result<String, String> {
    if !paths::is_root() {
        return Ok("SKIPPED: needs root, for namespaces and ptrace".to_owned());
    }
    alone("faults-alone", words)
}

/// This program again, with the daemon to run in its environment.
///
/// # Errors
/// It fails.
fn alone(task: &str, words: &[&str]) -> Result<String, String> {
    let hbd = match std::env::var_os("HBD") {
        Some(given) => given.into(),
        None => dist::build::native()?,
    };
    let status = Command::new(paths::ITSELF)
        .arg(task)
        .args(words)
        .env("HBD", hbd)
        .status()
        .map_err(|e| e.to_string())?;
    if status.success() { Ok(format!("{task}: see the table")) } else { Err(format!("{task} failed")) }
}

/// The work of [`run`].
///
/// # Errors
/// As there.
pub fn run_here(words: &[&str]) -> Result<String, String> {
    let all = words.contains(&"--all");
    let named: Vec<&str> = words.iter().copied().filter(|word| *word != "--all").collect();
    if let Some(odd) = named.iter().find(|word| !known(word)) {
        return Err(format!("no call, or no error {odd} in the lists of hil/src/faults/calls.rs"));
    }
    let (mut rows, mut seen) = (Vec::new(), BTreeSet::new());
    for (deadtime, slow) in [("1", false), ("4", true)] {
        let rig = pair(deadtime).ok_or("network namespaces need root")?;
        if !slow {
            seen = made(&rig)?;
        }
        for one in tries(all, &named).filter(|one| needs_time(one) == slow && seen.contains(&one.call.number))
        {
            rows.push(attempt(&rig, &one)?);
        }
    }
    let names: Vec<&str> = CALLS.iter().filter(|c| seen.contains(&c.number)).map(|c| c.name).collect();
    println!("calls of the loop: {}", names.join(" "));
    let (odd, sum) = (untried(&seen), sum_up(&rows));
    if odd.is_empty() {
        sum
    } else {
        Err(format!("the loop makes calls that nothing tries, by number: {odd:?}"))
    }
}

/// A call that is late, one without which the peer hears nothing, and one that is made while it is silent, needs a deadtime
/// that is longer than the fault.
fn needs_time(one: &Try) -> bool {
    one.call.speaks || one.call.cause == Cause::Silent || matches!(one.fault, Fault::Late(_))
}

/// `CALL` or `CALL:ERROR`, taken apart.
fn parts(word: &str) -> (&str, Option<&str>) {
    word.split_once(':').map_or((word, None), |(call, error)| (call, Some(error)))
}

/// Are call and error of this word in the lists?
fn known(word: &str) -> bool {
    let (name, error) = parts(word);
    let listed = |error| error == "late" || ERRORS.iter().any(|(name, _)| *name == error);
    CALLS.iter().any(|call| call.name == name) && error.is_none_or(listed)
}

/// Is that call with that error among the words?
fn wanted(named: &[&str], call: &str, error: &str) -> bool {
    let fits = |word: &str| {
        let (name, only) = parts(word);
        name == call && only.is_none_or(|only| only == error)
    };
    named.iter().any(|word| fits(word))
}

/// What is tried: everything, or of each call the errors that differ most.
fn tries(all: bool, named: &[&str]) -> impl Iterator<Item = Try> {
    let calls = CALLS.iter();
    let pick = |call: &Call, error: &str, selected: bool| match named {
        [] => all || selected,
        named => wanted(named, call.name, error),
    };
    let mut tries = Vec::new();
    for call in calls {
        for node in Node::BOTH {
            for (at, (error, number)) in ERRORS.into_iter().enumerate() {
                let selected =
                    matches!(call.name, "poll" | "recvfrom" | "accept" | "clone" | "sendto" | "read")
                        && ((at == 2 && node == Node::Ha2) || (at == 4 && node == Node::Ha1));
                for span in [Span::Once, Span::For(FAILING)] {
                    if pick(call, error, selected && span != Span::Once) {
                        tries.push(Try { call, error, fault: Fault::Errno(number), span, node });
                    }
                }
            }
            let selected = matches!(call.name, "poll" | "sendto") && node == Node::Ha1;
            if pick(call, "late", selected) {
                tries.push(Try { call, error: "late", fault: Fault::Late(LATE), span: Span::Once, node });
            }
        }
    }
    tries.into_iter()
}

/// A settled pair on Ethernet, null-modem and ping node, whose services are looked at every second.
fn pair(deadtime: &str) -> Option<Rig> {
    let rig = Builder::new("faults")
        .times(Times::new("100ms", "900ms", deadtime, "6"))
        .with_serial()
        .edit(|files| files.with("ping", "192.168.2.1").with("monitor", "1").with("nice_failback", "on"))
        .build()?;
    rig.start_both();
    rig.wait_settled(Node::Ha1, Duration::from_secs(30));
    Some(rig)
}

/// The numbers of the calls that the loops of both daemons make in a busy time: they are asked, an interface changes, the
/// group moves there and back, the files are read again, and the helper is killed.
fn made(rig: &Rig) -> Result<BTreeSet<u64>, String> {
    let mut seen = BTreeSet::new();
    for node in Node::BOTH {
        // Nobody but the tracer may wait for the daemon while it is traced.
        let (pid, helper) =
            (rig.machine(node).daemon_pid().ok_or("no daemon")?, rig.machine(node).helper_pid());
        let counted = thread::scope(|scope| {
            let count = scope.spawn(|| inject(pid, &[], Fault::Count, Span::For(BUSY), COMES));
            busy(rig, node, helper);
            count.join()
        });
        let tally = counted.map_err(|_| "the tracer panicked")?.map_err(|e| format!("ptrace: {e}"))?;
        seen.extend(tally.into_keys());
        rig.wait_settled(Node::Ha1, Duration::from_secs(30));
    }
    Ok(seen)
}

/// What a daemon meets in its life, one after the other; both ways of a move are of both nodes.
fn busy(rig: &Rig, node: Node, helper: Option<u32>) {
    let asked = |words: &[&str]| drop(rig.hbd(node, words));
    let _ = rig.status(node);
    asked(&["reload"]);
    for words in
        ["link set eth1 mtu 1400\nlink set eth1 mtu 1500\n", "link set eth1 down\nlink set eth1 up\n"]
    {
        let _ = rig.machine(node).net().ip(words);
        thread::sleep(Duration::from_millis(300));
    }
    if let Some(helper) = helper {
        rig.signal(helper, Signal::SIGKILL);
    }
    let there = if rig.group(node) == "held" { "standby" } else { "takeover" };
    let back = if there == "standby" { "takeover" } else { "standby" };
    for verb in [there, back] {
        asked(&[verb]);
    }
    // Silence for longer than the deadtime, and a return.
    rig.freeze(node.other());
    thread::sleep(Duration::from_secs(2));
    rig.thaw(node.other());
    // The standby took it over, and keeps it; what has just been thawed refuses for a moment.
    let home = || rig.group(Node::Ha1) == "held" || rig.hbd(Node::Ha1, &["takeover"]).code == Some(0);
    let _ = rig.within("the group is back", WELL, home);
}

/// Tries one thing, and sees what it cost.
fn attempt(rig: &Rig, one: &Try) -> Result<Row, String> {
    let span = if one.span == Span::Once { "once" } else { "2 s" };
    let span = if let Fault::Late(_) = one.fault { "1.5 s" } else { span };
    let what = format!("{} {} {span} {}", one.call.name, one.error, one.node.name());
    let since = Stamp::now();
    let logs = Node::BOTH.map(|node| rig.log(node).len());
    let daemons = Node::BOTH.map(|node| rig.machine(node).daemon_pid());
    let holder = Node::BOTH.into_iter().find(|node| rig.group(*node) == "held").ok_or("nobody holds")?;
    let (pid, helper) = (daemons[one.node.index()].ok_or("no daemon")?, rig.machine(one.node).helper_pid());
    let (began, before) = (Instant::now(), processor_time(pid).map_err(|e| e.to_string())?);
    let tally = thread::scope(|scope| {
        let comes = if one.call.cause == Cause::Cut { COMES * 2 } else { COMES };
        let work = scope.spawn(move || inject(pid, &[one.call.number], one.fault, one.span, comes));
        match one.call.cause {
            Cause::Always => {}
            // It may get no answer in time, which is what is tried here.
            Cause::Asked => drop(rig.status(one.node)),
            Cause::Changed => {
                while !work.is_finished() {
                    let _ =
                        rig.machine(one.node).net().ip("link set eth1 mtu 1400\nlink set eth1 mtu 1500\n");
                    thread::sleep(Duration::from_millis(200));
                }
            }
            Cause::Cut => {
                rig.cut(&[Cable::Cross]);
                while !work.is_finished() {
                    thread::sleep(Duration::from_millis(100));
                }
                rig.mend(&[Cable::Cross]);
            }
            Cause::Silent => {
                rig.freeze(one.node.other());
                while !work.is_finished() {
                    thread::sleep(Duration::from_millis(50));
                }
                rig.thaw(one.node.other());
            }
            Cause::Orphaned => {
                // The tracer is there by then.
                thread::sleep(Duration::from_millis(300));
                if let Some(helper) = helper {
                    rig.signal(helper, Signal::SIGKILL);
                }
            }
            // It may get no answer, as above.
            Cause::Reread => {
                thread::sleep(Duration::from_millis(300));
                drop(rig.hbd(one.node, &["reload"]));
            }
        }
        work.join()
    });
    let mut bad = Vec::new();
    let met = match tally.map_err(|_| "the tracer panicked")? {
        Ok(tally) => tally.into_values().sum(),
        Err(error) => {
            bad.push(format!("{error}"));
            0
        }
    };
    let spent = processor_time(pid).unwrap_or_default().saturating_sub(before);
    let cpu = spent.as_secs_f64() / began.elapsed().as_secs_f64().max(0.5);
    if cpu > MOST_CPU {
        bad.push(format!("{:.0} % of a core", cpu * 100.0));
    }
    if rig.within("all is well", WELL, || well(rig, holder)).is_none() {
        bad.push("not well after 10 s".to_owned());
    }
    if rig.within("a helper", WELL, || rig.machine(one.node).helper_pid().is_some()).is_none() {
        bad.push("no helper after 10 s".to_owned());
    }
    if Node::BOTH.map(|node| rig.machine(node).daemon_pid()) != daemons {
        bad.push("a daemon ended".to_owned());
    }
    let overlap = rig.overlap(since);
    if !overlap.is_zero() {
        bad.push(format!("both held for {overlap:?}"));
    }
    if rig.calls(holder.other(), "start", since) > 0 {
        bad.push("the other one started it".to_owned());
    }
    for (node, from) in Node::BOTH.into_iter().zip(logs) {
        let log = rig.log(node);
        let dead = format!("node {}: is dead", node.other().name());
        if log.get(from..).is_some_and(|news| news.contains(&dead)) {
            bad.push(format!("{} called its peer dead", node.name()));
        }
    }
    println!("{what:<40} met {met:>5}, {:>4.1} % of a core {}", cpu * 100.0, bad.join("; "));
    if bad.iter().any(|text| text.contains("not well") || text.contains("ended")) {
        recover(rig);
    }
    Ok(Row { what, met, cpu, bad })
}

/// The pair as it should be, with `holder` as before.
fn well(rig: &Rig, holder: Node) -> bool {
    let (Some(own), Some(other)) = (rig.status(holder), rig.status(holder.other())) else { return false };
    [own.group(), own.peer(), other.group(), other.peer()] == ["held", "up", "idle", "up"]
}

/// After a failure: a fresh start for what comes next.
fn recover(rig: &Rig) {
    for node in Node::BOTH {
        if rig.machine(node).daemon_pid().is_some() {
            rig.kill_daemon(node);
        }
        rig.start(node);
    }
    let any = || Node::BOTH.into_iter().any(|node| well(rig, node));
    let _ = rig.within("a holder after a failure", Duration::from_secs(60), any);
}

fn sum_up(rows: &[Row]) -> Result<String, String> {
    let mut table = Table::new(["fault", "calls", "cpu", "result"]);
    for row in rows {
        let result = match (row.bad.is_empty(), row.met) {
            (false, _) => row.bad.join("; "),
            (true, 0) => "did not come".to_owned(),
            (true, _) => "ok".to_owned(),
        };
        table.row([&row.what, &row.met.to_string(), &format!("{:.0} %", row.cpu * 100.0), &result]);
    }
    println!("\n{table}");
    let bad = rows.iter().filter(|row| !row.bad.is_empty()).count();
    let met = rows.iter().filter(|row| row.met > 0).count();
    let worst = rows.iter().map(|row| row.cpu).fold(0.0, f64::max);
    let text = format!(
        "{met} of {} faults met a call, {bad} bad, at most {:.0} % of a core",
        rows.len(),
        worst * 100.0
    );
    if bad > 0 || met == 0 { Err(text) } else { Ok(text) }
}

/// The step of `cargo xtask test`.
///
/// # Errors
/// As [`run`].
pub fn step() -> Result<String, String> {
    let began = Instant::now();
    run(&[]).map(|text| format!("{text}, {}", human(began.elapsed())))
}
