//! What the daemon costs at rest: resident memory of the i586 binary, system calls per keepalive period, size on disk.

use super::row::{Row, Verdict, max, median, spread};
use super::stage::{self, USUAL};
use crate::dist;
use crate::netns::{Builder, Node, Rig, Stamp};
use crate::paths;
use crate::proc::Cmd;
use std::fs;
use std::thread;
use std::time::Duration;

const MOST_KB: u64 = 800;
const MOST_CALLS: f64 = 8.0;
const RUNS: usize = 7;
/// The start script's announcements are over: nobody else has a page of the binary.
const ALONE: Duration = Duration::from_secs(7);
/// How long the calls are counted each time.
const WATCHED: Duration = Duration::from_secs(5);

/// The size of the i586 binary.
///
/// # Errors
/// It was not built.
pub(super) fn size() -> Result<Vec<Row>, String> {
    let path = dist::i586_binary();
    let bytes = fs::metadata(&path).map_err(|e| format!("{}: {e}", path.display()))?.len();
    let value = format!("{bytes} bytes ({:.0} KB)", bytes as f64 / 1024.0);
    Ok(vec![
        Row::new("i586 binary", "<= 640 KB", value, Verdict::of(bytes <= dist::SIZE_LIMIT))
            .samples(&[bytes as f64]),
    ])
}

/// Resident memory of daemon and helper, in as many lives. The runner sets `HBD` to the i586 binary for this one.
///
/// # Errors
/// No rig, or a process is gone.
pub(super) fn memory() -> Result<Vec<Row>, String> {
    let rig = stage::rig("bench memory", USUAL)?;
    let (mut sums, mut locks, mut each) = (Vec::new(), Vec::new(), String::new());
    for _ in 0..RUNS {
        // One node alone, so that no page is shared with the other.
        rig.start(Node::Ha1);
        rig.wait_answer(Node::Ha1, stage::PATIENCE);
        thread::sleep(ALONE);
        let machine = rig.machine(Node::Ha1);
        let daemon = machine.daemon_pid().ok_or("the daemon is gone")?;
        let helper = machine.helper_pid().ok_or("the helper is gone")?;
        let both = [daemon, helper];
        sums.push(both.map(|pid| field(pid, "smaps_rollup", "Pss:")).iter().sum::<u64>() as f64);
        locks.push(field(daemon, "status", "VmLck:"));
        let of = |pid| {
            format!("{} KB ({} locked)", field(pid, "status", "VmRSS:"), field(pid, "status", "VmLck:"))
        };
        each = format!("daemon {}, helper {}", of(daemon), of(helper));
        let said = rig.hbd(Node::Ha1, &["stop"]);
        if said.code != Some(0) {
            return Err(format!("hbd stop: exit {:?} {}", said.code, said.stderr.trim()));
        }
    }
    Ok(vec![resident(&sums, &locks, &each)])
}

/// Met if every life kept within the bar; a daemon whose memory could not be locked is said aloud.
fn resident(sums: &[f64], locks: &[u64], each: &str) -> Row {
    let locked = locks.iter().min().copied().unwrap_or(0);
    let limited = if locked == 0 { "NOT LOCKED: memory locking is not allowed here; " } else { "" };
    let note = format!("{limited}a page that both have counts once; each by itself: {each}");
    let met = !sums.is_empty() && sums.iter().all(|kb| (1.0..=MOST_KB as f64).contains(kb));
    let what = "resident, daemon and helper together, i586";
    Row::new(what, "<= 800 KB", spread(sums, "KB"), Verdict::of(met)).note(note).samples(sums)
}

/// A field in kilobytes of a file in `/proc/PID`.
fn field(pid: u32, file: &str, key: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix(key));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// System calls of daemon and helper per keepalive period, idle, with one medium.
///
/// # Errors
/// No rig, or strace cannot attach.
pub(super) fn calls() -> Result<Vec<Row>, String> {
    let mut builder = Builder::new("bench calls").times(USUAL.times()).edit(|files| files.without("ping"));
    for node in Node::BOTH {
        // A file in a watchdog's place: hbd feeds it with the same system call, and nothing is reset.
        let dog = paths::scratch("bench")?.join(format!("{}.fake", node.name()));
        fs::write(&dog, "").map_err(|e| format!("{}: {e}", dog.display()))?;
        let dog = dog.display().to_string();
        builder = builder.edit_on(node, move |files| files.with("watchdog", &dog));
    }
    let rig = stage::build(builder)?;
    stage::start(&rig);
    thread::sleep(Duration::from_secs(3));
    Node::BOTH.into_iter().map(|node| traced(&rig, node)).collect()
}

fn traced(rig: &Rig, node: Node) -> Result<Row, String> {
    let role = if node == Node::Ha1 { "holder" } else { "standby" };
    let what = format!("system calls per keepalive, idle, one medium and watchdog, {role}");
    if paths::which("strace").is_none() {
        return Ok(Row::skipped(&what, "<= 8", "strace is not installed"));
    }
    let machine = rig.machine(node);
    let pids: Vec<String> =
        [machine.daemon_pid(), machine.helper_pid()].into_iter().flatten().map(|p| p.to_string()).collect();
    let (mut per, mut names) = (Vec::new(), String::new());
    for _ in 0..RUNS {
        let (count, which) = count(&pids, node)?;
        per.push(count);
        names = which;
    }
    let met = per.iter().all(|calls| (1.0..=MOST_CALLS).contains(calls));
    let value = format!("median {:.2} / max {:.2} (n={})", median(&per), max(&per), per.len());
    Ok(Row::new(&what, "<= 8", value, Verdict::of(met))
        .note(format!("daemon and helper; the last {} s: {names}", WATCHED.as_secs()))
        .samples(&per))
}

/// The calls of these processes per keepalive period, and which they were.
fn count(pids: &[String], node: Node) -> Result<(f64, String), String> {
    let out = paths::scratch("bench")?.join(format!("strace-{}", node.name()));
    let _ = fs::remove_file(&out);
    let seconds = WATCHED.as_secs().to_string();
    let begin = Stamp::now();
    let mut cmd =
        Cmd::new("timeout").args(["-s", "INT", seconds.as_str(), "strace", "-f", "-o"]).args([&out]);
    for pid in pids {
        cmd = cmd.args(["-p", pid.as_str()]);
    }
    let said = cmd.output()?;
    let took = begin.elapsed().min(WATCHED);
    let text = fs::read_to_string(&out).map_err(|e| format!("strace: {e} {}", said.stderr.trim()))?;
    let (count, names) = tally(&text);
    Ok((count as f64 / (took.as_secs_f64() * 1000.0 / USUAL.keepalive as f64), names))
}

/// Counts the calls in strace's lines (`PID name(args) = result`), a resumed one once, and names them.
fn tally(text: &str) -> (usize, String) {
    let mut names: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for line in text.lines() {
        let call = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
        let Some((name, _)) = call.split_once('(') else { continue };
        if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            *names.entry(name).or_default() += 1;
        }
    }
    let list: Vec<String> = names.iter().map(|(name, count)| format!("{name} {count}")).collect();
    (names.values().sum(), list.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_once() {
        let text = "12 poll([{fd=3}], 1, 5 <unfinished ...>\n13 write(4, \"\\0\", 1) = 1\n12 <... poll resumed>) = 0\n\
                    12 sendto(3, \"x\", 1) = 1\n12 --- SIGCHLD {si_signo=17} ---\n12 poll([{fd=3}], 1, 5) = 1\n";
        assert_eq!(tally(text), (4, "poll 2, sendto 1, write 1".to_owned()));
    }

    #[test]
    fn one_life_over_the_bar_is_a_miss() {
        assert_eq!(resident(&[700.0, 800.0], &[10, 10], "").verdict, Verdict::Met);
        assert_eq!(resident(&[700.0, 801.0, 700.0], &[10, 10, 10], "").verdict, Verdict::Missed);
        assert_eq!(resident(&[0.0], &[10], "").verdict, Verdict::Missed);
        assert_eq!(resident(&[], &[], "").verdict, Verdict::Missed);
        assert!(resident(&[700.0, 700.0], &[10, 0], "").note.contains("NOT LOCKED"));
    }

    #[test]
    fn the_memory_of_a_living_process_is_seen() {
        assert!(field(std::process::id(), "status", "VmRSS:") > 0);
        assert_eq!(field(std::process::id(), "status", "NoSuchField:"), 0);
    }
}
