//! 20,000 datagrams a second that are garbage or wrongly signed, at the holder, for 10 s.

use super::debuglog::Mark;
use super::row::{Row, Verdict};
use super::stage::{self, USUAL};
use crate::netns::{Builder, Cable, Node, Rig, Stamp, noise};
use std::fs;
use std::time::Duration;

const RATE: u32 = 20_000;
const TIME: Duration = Duration::from_secs(10);
const MOST_CPU: f64 = 30.0;
const MOST_LOG: usize = 10 * 1024;
const BAR: &str = "no change, <= 30 % of a core, <= 10 KB log";

/// Garbage, then genuine frames with the last byte of the tag changed; with sha1, which costs more than crc.
///
/// # Errors
/// No rig, or nothing could be recorded.
pub(super) fn both() -> Result<Vec<Row>, String> {
    let builder = Builder::new("bench flood")
        .times(USUAL.times())
        .edit(|files| files.with("nice_failback", "on").with_keys("auth 2\n2 sha1 HI!\n"));
    let rig = stage::build(builder)?;
    stage::start(&rig);
    rig.mend(&[Cable::Intruder]);
    // Made before it begins: the flood itself must not be what keeps the machine busy.
    let noises: Vec<Vec<u8>> = (0..4096u64).map(|n| noise(n + 1, 20 + (n as usize % 200))).collect();
    let garbage = flood(&rig, "20,000 garbage datagrams a second", &noises)?;
    let record = rig.intruder().record("eth1", Duration::from_secs(2)).map_err(|e| e.to_string())?;
    let genuine: Vec<Vec<u8>> =
        record.of(Node::Ha2.cross_address()).datagrams.into_iter().map(|(_, _, bytes)| bytes).collect();
    if genuine.is_empty() {
        return Err("no heartbeat could be recorded".to_owned());
    }
    let forged = flood(&rig, "20,000 wrongly signed datagrams a second", &forge(genuine))?;
    Ok(vec![garbage, forged])
}

fn flood(rig: &Rig, what: &str, datagrams: &[Vec<u8>]) -> Result<Row, String> {
    let make = |n: u64| datagrams[n as usize % datagrams.len()].clone();
    let target = rig.machine(Node::Ha1);
    let processes: Vec<u32> = [target.daemon_pid(), target.helper_pid()].into_iter().flatten().collect();
    let epochs = || Node::BOTH.map(|node| rig.status(node).map(|s| s.epoch()));
    let (before, mark, busy, at) = (epochs(), Mark::new(rig), cpu(&processes), Stamp::now());
    let sent = rig
        .intruder()
        .flood("eth1", Node::Ha1.cross_address(), RATE, TIME, make)
        .map_err(|e| e.to_string())?;
    let took = at.elapsed();
    let share = (cpu(&processes) - busy).as_secs_f64() / took.as_secs_f64() * 100.0;
    let log = mark.growth(rig, Node::Ha1) + mark.growth(rig, Node::Ha2);
    let lines: String = Node::BOTH.iter().map(|node| mark.log(rig, *node)).collect();
    let moved = usize::from(epochs() != before) + lines.lines().filter(|l| l.contains("is dead")).count();
    let gap = stage::without_service(rig, at);
    let rate = sent as f64 / took.as_secs_f64();
    let met =
        moved == 0 && gap <= 0.0 && share <= MOST_CPU && log <= MOST_LOG && rate > f64::from(RATE) * 0.9;
    let value = format!("{moved} changes, {share:.1} % of a core, {log} bytes of log");
    let note = format!(
        "{rate:.0} a second were sent; daemon and helper together; sha1; client without service {gap:.0} ms"
    );
    Ok(Row::new(what, BAR, value, Verdict::of(met)).note(note).samples(&[share]))
}

/// The same frames with the last byte of the tag changed.
fn forge(mut frames: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    frames.iter_mut().filter_map(|frame| frame.last_mut()).for_each(|last| *last ^= 0x55);
    frames
}

/// The processor time that these processes have had.
fn cpu(processes: &[u32]) -> Duration {
    let of = |pid: &u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap_or_default();
        text.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
    };
    Duration::from_nanos(processes.iter().map(of).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forged_frame_differs_in_its_tag_only() {
        assert_eq!(forge(vec![vec![1, 2], vec![]]), [vec![1, 2 ^ 0x55], vec![]]);
    }

    #[test]
    fn processor_time_of_a_living_process_is_seen() {
        assert!(cpu(&[std::process::id()]) > Duration::ZERO);
        assert_eq!(cpu(&[]), Duration::ZERO);
    }
}
