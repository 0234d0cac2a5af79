//! QEMU's monitor (QMP): commands to it, events from it, one JSON object per line.

use super::port::Port;
use crate::netns::Stamp;
use serde_json::{Value, json};
use std::time::Duration;

/// How long QEMU may take for an answer.
const LIMIT: Duration = Duration::from_secs(20);

/// An event: when it came, its name, and all of it.
#[derive(Clone, Debug)]
pub struct Event {
    /// When it came.
    pub at: Stamp,
    /// `RESET`, `SHUTDOWN`, `WATCHDOG`, `STOP`, `RESUME`...
    pub name: String,
    /// The whole object.
    pub whole: Value,
}

/// The handshake: QEMU takes no command before it.
///
/// # Errors
/// QEMU does not greet or answer.
pub fn greet(port: &Port, since: usize) -> Result<(), String> {
    port.wait(since, LIMIT, |line| line.contains("\"QMP\"")).ok_or("QEMU does not greet")?;
    execute(port, "qmp_capabilities", &json!({})).map(drop)
}

/// One command and its answer.
///
/// # Errors
/// QEMU refuses or does not answer.
pub fn execute(port: &Port, command: &str, arguments: &Value) -> Result<Value, String> {
    let since = port.count();
    let id = format!("{command}-{since}");
    let whole = json!({ "execute": command, "arguments": arguments, "id": id });
    port.send(&whole.to_string()).map_err(|e| format!("{command}: {e}"))?;
    let ours = |line: &str| {
        serde_json::from_str::<Value>(line).is_ok_and(|v| v.get("id").and_then(Value::as_str) == Some(&id))
    };
    let (_, (_, line)) =
        port.wait(since, LIMIT, ours).ok_or_else(|| format!("{command}: QEMU does not answer"))?;
    let answer: Value = serde_json::from_str(&line).map_err(|e| format!("{command}: {e}"))?;
    match answer.get("return") {
        Some(value) => Ok(value.clone()),
        None => Err(format!("{command}: {line}")),
    }
}

/// All events from line number `since` on.
#[must_use]
pub fn events(port: &Port, since: usize) -> Vec<Event> {
    let parse = |(at, line): (Stamp, String)| {
        let whole: Value = serde_json::from_str(&line).ok()?;
        let name = whole.get("event")?.as_str()?.to_owned();
        Some(Event { at, name, whole })
    };
    port.lines(since).into_iter().filter_map(parse).collect()
}
