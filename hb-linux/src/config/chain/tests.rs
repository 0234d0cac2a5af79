use super::*;
use crate::config::finding::{Class, Findings};
use crate::config::ha_cf;

fn run(text: &str) -> (Times, Vec<String>) {
    let mut findings = Findings::new();
    let report = &mut Report::new("ha.cf", &mut findings);
    let times = resolve(&ha_cf::parse(text.as_bytes(), report), report);
    let mark = |class| if class == Class::Configuration { "error" } else { "warning" };
    let texts =
        findings.as_slice().iter().map(|f| format!("{} {}: {}", mark(f.class), f.line, f.text)).collect();
    (times, texts)
}

/// The one finding of each text, and that the value it names first mends it.
fn each(table: &[(&str, &str, &str)]) {
    for (text, expected, mend) in table {
        assert_eq!(run(text).1, [*expected], "{text}");
        let (name, _) = mend.split_once(' ').expect("a directive and its value");
        assert!(expected.contains(&format!("`{mend}`")), "{mend} is not what the finding says");
        let kept: String =
            text.lines().filter(|l| !l.starts_with(&format!("{name} "))).map(|l| format!("{l}\n")).collect();
        let mended = format!("{mend}\n{kept}");
        let left: Vec<String> = run(&mended).1.into_iter().filter(|f| f.starts_with("error")).collect();
        assert!(left.is_empty(), "{mended}: {left:?}");
    }
}

#[test]
fn defaults_follow_the_originals_rules() {
    let seconds = |text: &str| {
        let t = run(text).0.timing;
        [t.keepalive, t.warntime, t.deadtime, t.initdead, t.deadping].map(|d| d.as_millis())
    };
    assert_eq!(seconds(""), [1000, 15_000, 30_000, 30_000, 30_000]);
    assert_eq!(seconds("deadtime 5"), [1000, 2500, 5000, 12_000, 5000]);
    assert_eq!(seconds("deadtime 6"), [1000, 3000, 6000, 12_000, 6000]);
    assert_eq!(seconds("deadtime 10"), [1000, 5000, 10_000, 20_000, 10_000]);
    assert_eq!(seconds("deadtime 11"), [1000, 5500, 11_000, 11_000, 11_000]);
    let (times, findings) = run("keepalive 2\ndeadtime 10\nwarntime 8\ninitdead 120\nwatchdog /dev/watchdog");
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(times.watchdog, Some(8));
    let limits = times.limits;
    assert_eq!([limits.start, limits.stop, limits.status].map(|d| d.as_millis()), [60_000, 60_000, 20_000]);
    assert_eq!(seconds("keepalive 500ms\ndeadtime 5\nwarntime 10"), [500, 2500, 5000, 12_000, 5000]);
    let limits = run("script_timeout 5\nscript_timeout stop 90").0.limits;
    assert_eq!([limits.start, limits.stop, limits.status].map(|d| d.as_millis()), [5000, 90_000, 5000]);
}

#[test]
fn silence() {
    each(&[
        (
            "keepalive 2\ndeadtime 4",
            "error 2: deadtime 4 s is not more than twice keepalive 2 s; write `deadtime 10` or `keepalive 800ms`",
            "deadtime 10",
        ),
        (
            "keepalive 2\ndeadtime 4",
            "error 2: deadtime 4 s is not more than twice keepalive 2 s; write `deadtime 10` or `keepalive 800ms`",
            "keepalive 800ms",
        ),
        (
            "keepalive 20",
            "error 1: deadtime 30 s is not more than twice keepalive 20 s; write `deadtime 100` or `keepalive 6`",
            "deadtime 100",
        ),
        (
            "keepalive 20ms\ndeadtime 40ms",
            "error 2: deadtime 40 ms is not more than twice keepalive 20 ms; write `deadtime 100ms`",
            "deadtime 100ms",
        ),
        (
            "deadtime 10\nwarntime 10",
            "warning 2: warntime 10 s is not below deadtime 10 s, and half of that is used; write `warntime 5`",
            "warntime 5",
        ),
        (
            "deadtime 10\nwarntime 1",
            "warning 2: warntime 1 s is not above keepalive 1 s: every heartbeat would be reported late; \
             write `warntime 5`",
            "warntime 5",
        ),
        (
            "deadtime 20\ninitdead 15",
            "error 2: initdead 15 s is below deadtime 20 s; write `initdead 20`",
            "initdead 20",
        ),
        (
            "deadtime 5\ninitdead 5",
            "warning 2: initdead 5 s is short: a network often needs 10 s after a boot; write `initdead 10` or more",
            "initdead 10",
        ),
        (
            "keepalive 2\ndeadping 4",
            "error 2: deadping 4 s is not more than twice keepalive 2 s; write `deadping 10`",
            "deadping 10",
        ),
        (
            "monitor 500ms",
            "warning 1: monitor 500 ms is shorter than keepalive 1 s: scripts would run more often than heartbeats; \
             write `monitor 5` or more",
            "monitor 5",
        ),
    ]);
}

#[test]
fn serial_lines() {
    assert_eq!(frame_times(19_200), (Duration::from_micros(20_834), Duration::from_micros(104_167)));
    each(&[
        (
            "keepalive 200ms\ndeadtime 5\nbaud 1200\nserial /dev/ttyS0",
            "error 4: `serial /dev/ttyS0` at 1200 baud takes 333.3 ms for a heartbeat, more than keepalive 200 ms; \
             write `baud 4800` before it, or `keepalive 667ms`",
            "baud 4800",
        ),
        (
            "keepalive 200ms\ndeadtime 5\nbaud 1200\nserial /dev/ttyS0",
            "error 4: `serial /dev/ttyS0` at 1200 baud takes 333.3 ms for a heartbeat, more than keepalive 200 ms; \
             write `baud 4800` before it, or `keepalive 667ms`",
            "keepalive 667ms",
        ),
        (
            "keepalive 30ms\ndeadtime 1\nserial /dev/ttyS0",
            "warning 3: `serial /dev/ttyS0` at 19200 baud takes 20.8 ms for a heartbeat, more than half of keepalive \
             30 ms; write `baud 38400` before it, or `keepalive 42ms`",
            "baud 38400",
        ),
        (
            "keepalive 50ms\ndeadtime 150ms\nserial /dev/ttyS0",
            "error 3: `serial /dev/ttyS0` at 19200 baud takes 104.1 ms for a first heartbeat, no less than deadtime \
             less keepalive, 100 ms; write `baud 38400` before it, or `deadtime 259ms`",
            "deadtime 259ms",
        ),
    ]);
}

#[test]
fn watchdog_timeouts() {
    each(&[
        (
            "keepalive 100ms\ndeadtime 500ms\nwatchdog /dev/watchdog",
            "warning 3: the watchdog's shortest timeout, 1 s, is longer than deadtime 500 ms less keepalive 100 ms: \
             after a hang both nodes may hold for up to 600 ms; write `deadtime 2` or more",
            "deadtime 2",
        ),
        (
            "keepalive 2\ndeadtime 10\nwatchdog /dev/watchdog\nwatchdog_timeout 9",
            "error 4: watchdog_timeout 9 s is longer than deadtime 10 s less keepalive 2 s: after a hang both nodes \
             would hold; write `watchdog_timeout 8` or `deadtime 11`",
            "watchdog_timeout 8",
        ),
        (
            "keepalive 2\ndeadtime 10\nwatchdog /dev/watchdog\nwatchdog_timeout 9",
            "error 4: watchdog_timeout 9 s is longer than deadtime 10 s less keepalive 2 s: after a hang both nodes \
             would hold; write `watchdog_timeout 8` or `deadtime 11`",
            "deadtime 11",
        ),
        (
            "keepalive 1\ndeadtime 2100ms\nwatchdog /dev/watchdog",
            "error 3: the watchdog's timeout, 1 s, is not longer than keepalive 1 s: this node would be reset between \
             two heartbeats; write `deadtime 3` or more",
            "deadtime 3",
        ),
        (
            "keepalive 2\ndeadtime 10\nwatchdog /dev/watchdog\nwatchdog_timeout 2",
            "error 4: the watchdog's timeout, 2 s, is not longer than keepalive 2 s: this node would be reset between \
             two heartbeats; write `watchdog_timeout 3`",
            "watchdog_timeout 3",
        ),
        (
            "keepalive 500ms\ndeadtime 1600ms\nwatchdog /dev/watchdog",
            "warning 3: the watchdog's timeout, 1 s, is less than keepalive 500 ms and its granularity, 1 s, together: \
             some drivers would reset this node between two heartbeats; write `deadtime 2500ms` or more",
            "deadtime 2500ms",
        ),
    ]);
    assert_eq!(
        run("watchdog_timeout 5").1,
        [
            "warning 1: `watchdog_timeout` has no effect without `watchdog`; write `watchdog /dev/watchdog` too"
        ]
    );
    let seconds = |text: &str| run(&format!("{text}\nwatchdog /dev/watchdog")).0.watchdog;
    assert_eq!(seconds("keepalive 1\ndeadtime 30"), Some(29));
    assert_eq!(seconds("keepalive 100ms\ndeadtime 500ms"), Some(1));
    assert_eq!(seconds("keepalive 500ms\ndeadtime 3"), Some(2));
    assert_eq!(seconds("keepalive 2\ndeadtime 10\nwatchdog_timeout 5"), Some(5));
    assert_eq!(run("").0.watchdog, None);
    // A deadtime that is wrong itself gives one finding, not two that contradict each other.
    assert_eq!(run("keepalive 1\ndeadtime 2\nwatchdog /dev/watchdog").1.len(), 1);
}
