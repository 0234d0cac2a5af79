//! What a case leaves: the bytes of the wire, QEMU's events, and the verdict as JSON. Consoles, disks and QEMU's own
//! words are in the folder already, for they are written as they come.

use super::monitor;
use super::needs::Ready;
use super::record::Record;
use super::replay;
use super::rig::{Rig, Setup};
use super::run::Verdict;
use crate::netns::{Node, Stamp};
use crate::proc::Cmd;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Writes `wire.log`, `client.log` and `qemu-events.jsonl`.
///
/// # Errors
/// The disk refuses.
pub fn write_rig(rig: &Rig, record: &Record, dir: &Path) -> Result<(), String> {
    let mut wire = String::from("# seconds sender bytes; `lost`: the wire was cut or nobody was there\n");
    for (at, line) in wire_lines(rig) {
        let _ = writeln!(wire, "{:.4} {line}", seconds(at, record));
    }
    write(&dir.join("wire.log"), &wire)?;
    let mut client = String::from("# seconds, ms until the answer, the answer\n");
    for sample in rig.network.client.samples() {
        let took = sample.done.since(sample.sent).as_millis();
        let _ = writeln!(client, "{:.4} {took} {:?}", seconds(sample.sent, record), sample.reply);
    }
    write(&dir.join("client.log"), &client)?;
    let mut events = String::new();
    for guest in &rig.guests {
        for event in monitor::events(&guest.monitor, 0) {
            let line = json!({
                "at_s": seconds(event.at, record), "node": guest.node.name(), "event": event.name, "qmp": event.whole,
            });
            let _ = writeln!(events, "{line}");
        }
    }
    write(&dir.join("qemu-events.jsonl"), &events)
}

/// Every byte on every serial cable, by when it was sent.
fn wire_lines(rig: &Rig) -> Vec<(Stamp, String)> {
    let mut lines = Vec::new();
    for node in Node::BOTH {
        for chunk in rig.wire(node).log(Stamp::default()) {
            let sender = match (&rig.board, chunk.from == node.index()) {
                (_, true) => node.name().to_owned(),
                (Some(_), false) => format!("bridge>{}", node.name()),
                // Without a bridge both are at one cable, of which the other's turn tells.
                (None, false) => continue,
            };
            let bytes: String = chunk.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            lines.push((chunk.at, format!("{sender} {bytes}{}", if chunk.delivered { "" } else { " lost" })));
        }
    }
    lines.sort_by_key(|(at, _)| *at);
    lines
}

/// Writes `verdict.json`.
///
/// # Errors
/// The disk refuses.
pub fn write_verdict(
    name: &str,
    verdict: &Verdict,
    record: &Record,
    schedule: &Value,
    ready: &Ready,
    dir: &Path,
) -> Result<(), String> {
    let checks: Vec<Value> =
        record.checks.iter().map(|c| json!({ "what": c.what, "held": c.held, "detail": c.detail })).collect();
    let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3;
    let figures: Vec<Value> = record
        .figures
        .iter()
        .map(|f| json!({ "what": f.what, "ms": ms(f.value), "limit_ms": f.limit.map(ms) }))
        .collect();
    let story: Vec<Value> =
        record.notes.iter().map(|(at, text)| json!({ "at_s": seconds(*at, record), "text": text })).collect();
    let whole = json!({
        "case": name,
        "verdict": verdict.name(),
        "why": verdict.why(),
        "checks": checks,
        "figures": figures,
        "schedule": schedule,
        "story": story,
        "commit": commit(),
        "hbd_sha256": ready.hbd_digest,
        "kernel": ready.kernel,
    });
    let text = serde_json::to_string_pretty(&whole).map_err(|e| e.to_string())?;
    write(&dir.join("verdict.json"), &text)
}

/// What was done to wires, machines and daemons, and on what set-up: `cargo xtask hil --replay` plays it.
#[must_use]
pub fn schedule(record: &Record, setup: &Setup) -> Value {
    let faults: Vec<Value> = record
        .faults
        .iter()
        .map(|f| {
            json!({
                "at_s": seconds(f.at, record), "what": f.what.name(), "begins": f.begins, "link": f.link,
                "node": f.node, "amount": f.amount,
            })
        })
        .collect();
    let until = record.notes.last().map_or(record.began, |(at, _)| *at);
    json!({ "setup": replay::setup(setup), "faults": faults, "until_s": seconds(until, record) })
}

/// Seconds since the case began; negative for what was before it.
#[must_use]
pub fn seconds(at: Stamp, record: &Record) -> f64 {
    (at.0 as f64 - record.began.0 as f64) / 1e9
}

/// The commit that was built, where git knows it.
fn commit() -> String {
    let said = Cmd::new("git").args(["describe", "--always", "--dirty"]).dir(&crate::paths::root()).output();
    said.map(|o| o.stdout.trim().to_owned()).unwrap_or_default()
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}
