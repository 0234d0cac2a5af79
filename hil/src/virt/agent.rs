//! Calls of the rig's agent in a guest: a shell line in, its output and exit code out.

use super::port::Port;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// What a shell line in a guest said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Its exit code.
    pub code: i32,
    /// Its output, standard error too.
    pub text: String,
}

/// To tell an answer that came too late from the one that is waited for.
static CALLS: AtomicU32 = AtomicU32::new(1);

/// Runs one line in the guest's shell.
///
/// # Errors
/// The guest is off, or does not answer within `limit`.
pub fn run(port: &Port, line: &str, limit: Duration) -> Result<Answer, String> {
    let since = port.count();
    let id = CALLS.fetch_add(1, Ordering::Relaxed);
    port.send(&format!("{id} {line}")).map_err(|e| e.to_string())?;
    let mark = format!("@end {id} ");
    let (last, (_, end)) = port
        .wait(since, limit, |line| line.starts_with(&mark))
        .ok_or_else(|| format!("no answer within {} ms", limit.as_millis()))?;
    let code = end.strip_prefix(&mark).and_then(|code| code.trim().parse().ok());
    let lines: Vec<String> = port.lines(since).into_iter().take(last - since).map(|(_, line)| line).collect();
    Ok(Answer { code: code.ok_or("an answer without a code")?, text: lines.join("\n").trim().to_owned() })
}
