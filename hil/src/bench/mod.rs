//! `cargo xtask bench [NAME...] [--peers]`: prints what hbd reaches, measured on the rig of network namespaces.
//!
//! Each benchmark runs in a process of its own, alone on the machine, so that one that breaks takes no other along; its
//! rows are also written to `target/bench/NAME.json`, all of them to `target/bench/all.json`.

mod debuglog;
mod flood;
mod handover;
mod keepalived;
mod original;
mod partition;
mod peers;
mod process;
mod replay;
mod row;
mod serial;
mod stage;
mod stall;
mod start;
mod takeover;

pub use row::{Row, Verdict};

use crate::table::{Table, human};
use crate::{dist, paths, proc::Cmd};
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};

/// Which build of hbd a benchmark runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Build {
    /// The release build for this machine.
    Native,
    /// The i586 binary.
    Old,
}

struct Bench {
    name: &'static str,
    about: &'static str,
    build: Build,
    /// Only with `--peers`.
    peer: bool,
    run: fn() -> Result<Vec<Row>, String>,
}

const fn bench(name: &'static str, about: &'static str, run: fn() -> Result<Vec<Row>, String>) -> Bench {
    Bench { name, about, build: Build::Native, peer: false, run }
}

const BENCHES: &[Bench] = &[
    bench("takeover", "power loss of the holder at deadtime 500 ms", takeover::usual),
    bench("fastest", "the fastest stable setting, and take-over there", takeover::fastest),
    bench("start", "both started together", start::cold),
    bench("heal", "a full partition and its end", partition::heal),
    bench("stall", "SIGSTOP and SIGCONT of the holder", stall::stop_and_go),
    bench("replay", "recorded frames of a dead node", replay::frames),
    bench("flood", "garbage and forged datagrams", flood::both),
    bench("moves", "hbd standby and hbd stop", handover::moves),
    bench("serial", "bytes of a heartbeat", serial::heartbeat),
    bench("size", "the i586 binary", process::size),
    Bench { build: Build::Old, ..bench("memory", "resident memory", process::memory) },
    bench("calls", "system calls at rest", process::calls),
    Bench {
        peer: true,
        ..bench(
            "peers",
            "hbd and keepalived in turns, each part of a take-over: docs/measured.md",
            peers::run,
        )
    },
    Bench {
        peer: true,
        ..bench("keepalived", "keepalived 10 ms adverts: the same losses and stops", keepalived::run)
    },
    Bench {
        peer: true,
        ..bench("original", "the original Heartbeat: start, losses, moves, healing", original::run)
    },
    Bench {
        peer: true,
        ..bench("migration", "the original stops on the other node, hbd serves here", original::migration)
    },
];

/// One line per benchmark for the help text.
pub fn list() {
    for b in BENCHES {
        println!("  {:<14} {}", b.name, b.about);
    }
}

/// Runs the named benchmarks, or all of them, and prints the table.
///
/// # Errors
/// An unknown name, a build that fails, a bar that was missed or a benchmark that broke.
pub fn run(words: &[&str]) -> Result<(), String> {
    let peers = words.contains(&"--peers");
    let names: Vec<&str> = words.iter().copied().filter(|w| *w != "--peers").collect();
    if let Some(name) = names.iter().find(|name| !BENCHES.iter().any(|b| b.name == **name)) {
        return Err(format!("no benchmark `{name}`; `cargo xtask help` lists them"));
    }
    let chosen = |b: &&Bench| {
        if names.is_empty() { !b.peer || peers } else { names.contains(&b.name) || (peers && b.peer) }
    };
    let (native, old) = (dist::build::native()?, dist::build::i586()?);
    let mut rows = Vec::new();
    for b in BENCHES.iter().filter(chosen) {
        println!("\n== {}: {}", b.name, b.about);
        let began = Instant::now();
        let hbd = if b.build == Build::Old { &old } else { &native };
        let got = alone(b.name, hbd);
        print_rows(&got);
        println!("{} took {}", b.name, human(began.elapsed()));
        rows.extend(got);
    }
    write("all", &rows)?;
    println!("\n{}", table(&rows));
    println!("{}", surroundings());
    let bad: Vec<&str> =
        rows.iter().filter(|r| r.verdict == Verdict::Missed).map(|r| r.what.as_str()).collect();
    if bad.is_empty() { Ok(()) } else { Err(format!("missed: {}", bad.join("; "))) }
}

/// Runs one benchmark in a process of its own and reads back its rows.
fn alone(name: &str, hbd: &std::path::Path) -> Vec<Row> {
    let file = paths::target().join(format!("bench/{name}.json"));
    let _ = fs::remove_file(&file);
    let ran = Cmd::new(paths::ITSELF)
        .args(["bench-alone", name])
        .env("HBD", hbd)
        .limit(Duration::from_secs(1800))
        .run();
    let text = fs::read_to_string(&file).unwrap_or_default();
    let rows: Value = serde_json::from_str(&text).unwrap_or_default();
    let mut rows: Vec<Row> =
        rows.get("rows").and_then(Value::as_array).into_iter().flatten().map(Row::from_json).collect();
    if let Err(why) = ran {
        rows.push(Row::new(name, "", "broke off".to_owned(), Verdict::Missed).note(why));
    }
    rows
}

/// What the process started by `alone` does: one benchmark, its rows into its file.
///
/// # Errors
/// The benchmark breaks or its file cannot be written.
pub fn one(name: &str) -> Result<(), String> {
    let b = BENCHES.iter().find(|b| b.name == name).ok_or_else(|| format!("no benchmark `{name}`"))?;
    write(name, &(b.run)()?)
}

fn write(name: &str, rows: &[Row]) -> Result<(), String> {
    let file = paths::scratch("bench")?.join(format!("{name}.json"));
    let rows: Vec<Value> = rows.iter().map(Row::to_json).collect();
    let text = format!("{:#}\n", json!({ "schema": 1, "machine": surroundings(), "rows": rows }));
    fs::write(&file, text).map_err(|e| format!("{}: {e}", file.display()))
}

/// What the figures were taken on.
fn surroundings() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    format!("{cores} cores, Linux {}, load {load}", read("/proc/sys/kernel/osrelease"))
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(["what", "bar", "reached", "verdict"]);
    for r in rows {
        table.row([&r.what, &r.bar, &r.value, r.verdict.word()]);
    }
    table
}

fn print_rows(rows: &[Row]) {
    for r in rows {
        println!("{}: {} (bar {}): {}", r.what, r.value, r.bar, r.verdict.word());
        if !r.note.is_empty() {
            println!("    {}", r.note);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_an_error() {
        assert!(run(&["no-such-benchmark"]).is_err_and(|e| e.contains("no-such-benchmark")));
        assert!(one("no-such-benchmark").is_err());
    }

    #[test]
    fn no_two_benchmarks_share_a_name() {
        let names: std::collections::BTreeSet<&str> = BENCHES.iter().map(|b| b.name).collect();
        assert_eq!(names.len(), BENCHES.len());
    }
}
