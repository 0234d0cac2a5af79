//! 20,000 datagrams a second that are garbage or wrongly signed, at the holder, for 10 s.

use super::debuglog::Mark;
use super::row::{Row, Verdict, max, median, ms};
use super::stage::{self, USUAL};
use crate::netns::{Builder, Cable, Node, Rig, Stamp, noise};
use std::fs;
use std::time::Duration;

const RUNS: usize = 7;
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
    let garbage = row("20,000 garbage datagrams a second", &floods(&rig, &noises)?);
    let record = rig.intruder().record("eth1", Duration::from_secs(2)).map_err(|e| e.to_string())?;
    let genuine: Vec<Vec<u8>> =
        record.of(Node::Ha2.cross_address()).datagrams.into_iter().map(|(_, _, bytes)| bytes).collect();
    if genuine.is_empty() {
        return Err("no heartbeat could be recorded".to_owned());
    }
    let forged = row("20,000 wrongly signed datagrams a second", &floods(&rig, &forge(genuine))?);
    Ok(vec![garbage, forged])
}

/// What one flood did.
#[derive(Clone, Copy, Debug)]
struct Flood {
    /// Changes of an epoch, and lines that say that somebody is dead.
    moved: usize,
    /// Of a core, daemon and helper together.
    percent: f64,
    /// Both nodes, both logs.
    log: usize,
    /// Datagrams that really went out in a second.
    rate: f64,
    /// Milliseconds without service.
    gap: f64,
}

/// Met if every single flood kept within all of the bar and was as strong as it says.
fn row(what: &str, floods: &[Flood]) -> Row {
    let met = floods.iter().all(|f| {
        f.moved == 0
            && f.gap <= 0.0
            && f.percent <= MOST_CPU
            && f.log <= MOST_LOG
            && f.rate > f64::from(RATE) * 0.9
    });
    let percents: Vec<f64> = floods.iter().map(|f| f.percent).collect();
    let slowest = floods.iter().map(|f| f.rate).reduce(f64::min).unwrap_or(0.0);
    let value = format!(
        "{} changes, median {:.1} / max {:.1} % of a core, at most {} bytes of log (n={})",
        floods.iter().map(|f| f.moved).sum::<usize>(),
        median(&percents),
        max(&percents),
        floods.iter().map(|f| f.log).max().unwrap_or(0),
        floods.len(),
    );
    let note = format!(
        "at least {slowest:.0} a second were sent; daemon and helper together; sha1; client without service {:.0} ms",
        floods.iter().map(|f| f.gap).sum::<f64>()
    );
    Row::new(what, BAR, value, Verdict::of(met && !floods.is_empty())).note(note).samples(&percents)
}

fn floods(rig: &Rig, datagrams: &[Vec<u8>]) -> Result<Vec<Flood>, String> {
    (0..RUNS).map(|_| flood(rig, datagrams)).collect()
}

fn flood(rig: &Rig, datagrams: &[Vec<u8>]) -> Result<Flood, String> {
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
    let percent = ms(cpu(&processes) - busy) / ms(took) * 100.0;
    let log = mark.growth(rig, Node::Ha1) + mark.growth(rig, Node::Ha2);
    let lines: String = Node::BOTH.iter().map(|node| mark.log(rig, *node)).collect();
    let moved = usize::from(epochs() != before) + lines.lines().filter(|l| l.contains("is dead")).count();
    let gap = stage::without_service(rig, at);
    let rate = sent as f64 / took.as_secs_f64();
    println!("    {moved} changes, {percent:.1} % of a core, {log} bytes of log, {rate:.0} a second");
    Ok(Flood { moved, percent, log, rate, gap })
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
    fn one_bad_flood_of_many_is_a_miss() {
        let good = Flood { moved: 0, percent: 20.0, log: 300, rate: 19_990.0, gap: 0.0 };
        let with = |bad: Flood| row("x", &[good, bad, good]).verdict;
        assert_eq!(with(good), Verdict::Met);
        assert_eq!(with(Flood { moved: 1, ..good }), Verdict::Missed);
        assert_eq!(with(Flood { percent: 30.1, ..good }), Verdict::Missed);
        assert_eq!(with(Flood { log: MOST_LOG + 1, ..good }), Verdict::Missed);
        assert_eq!(with(Flood { rate: 12_000.0, ..good }), Verdict::Missed);
        assert_eq!(with(Flood { gap: 45.0, ..good }), Verdict::Missed);
        assert_eq!(row("x", &[]).verdict, Verdict::Missed);
    }

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
