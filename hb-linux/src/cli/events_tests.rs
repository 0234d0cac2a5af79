//! Lines are taken apart, put in order, and chosen by time.

use super::*;

/// Saturday, at noon somewhere.
const NOW: WallTime = WallTime { secs: 1_000_000_000, micros: 0 };

fn line(stamp: &str, number: u32, text: &str) -> Line {
    let [stamp, level, text] = [stamp, "info", text].map(ToString::to_string);
    Line { stamp, number, node: String::new(), level, text }
}

fn ring_of(texts: &[&str]) -> Vec<Line> {
    static NEXT: core::sync::atomic::AtomicU32 = core::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("hbd-events-{}-{number}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir(&dir).unwrap();
    let mut ring = ring::Ring::open(&dir).unwrap();
    for text in texts {
        ring.write(text).unwrap();
    }
    let lines = lines(&std::fs::read(dir.join(ring::FILE)).unwrap());
    std::fs::remove_dir_all(dir).unwrap();
    lines
}

#[test]
fn a_line_is_taken_apart_and_shown_in_both_forms() {
    let lines = ring_of(&[
        "heartbeat: 2026/11/23_22:13:05.123 info: Configuration validated. Starting hbd 0.1.0 as node ha-2 [pid 7] on Linux 6",
        "no form of ours",
        "heartbeat: 2026/11/23_22:13:15.127 WARN: ha-2 took over \"x\": no beat",
    ]);
    assert_eq!(lines.len(), 2);
    assert_eq!(whose(&lines).as_deref(), Some("ha-2"));
    assert_eq!(plain(&lines[1]), "2026/11/23_22:13:15.127 WARN: ha-2 took over \"x\": no beat");
    assert_eq!(
        object(&lines[1]),
        "{\"at\":\"2026-11-23T22:13:15.127\",\"level\":\"warn\",\"text\":\"ha-2 took over \\\"x\\\": no beat\"}"
    );
}

#[test]
fn two_rings_are_merged_by_time_and_each_keeps_its_order() {
    let start = "Configuration validated. Starting hbd 0.1.0 as node ha-2 [pid 7] on Linux 6";
    let own = [line("2026/11/23_22:00", 1, "a"), line("2026/11/23_22:02", 2, "c")];
    let theirs = [line("2026/11/23_22:01", 8, start), line("2026/11/23_22:03", 9, "d")];
    let all = merge(own.into(), theirs.into(), "ha-1");
    let shown: Vec<(&str, &str)> = all.iter().map(|l| (l.node.as_str(), l.text.as_str())).collect();
    assert_eq!(shown, [("ha-1", "a"), ("ha-2", start), ("ha-1", "c"), ("ha-2", "d")]);
    assert!(plain(&all[0]).starts_with("2026/11/23_22:00 ha-1 info: a"));
    assert!(object(&all[1]).contains("\"node\":\"ha-2\""));
}

#[test]
fn since_takes_what_people_write() {
    let at = |word: &str| since(word, NOW).map_err(|usage| usage.text);
    let hour = stamp(WallTime { secs: NOW.secs - 3600, ..NOW }.local());
    assert_eq!(at("1h"), Ok(hour.clone()));
    assert_eq!(at("60m"), Ok(hour.clone()));
    assert_eq!(at("3600s"), Ok(hour));
    assert_eq!(at("2026/11/23_22:13"), Ok("2026/11/23_22:13".to_string()));
    assert_eq!(at("2026-11-23 22:13"), Ok("2026/11/23_22:13".to_string()));
    assert_eq!(at("2026-11-23T22:13:05"), Ok("2026/11/23_22:13:05".to_string()));
    let day = stamp(NOW.local()).split('_').next().unwrap().to_string();
    assert_eq!(at("22:13"), Ok(format!("{day}_22:13")));
    for wrong in ["", "yesterday", "5", "1w", "h", "-5m", "12hm", "99999999999d"] {
        assert!(at(wrong).is_err_and(|text| text.contains("write 30m")), "{wrong:?}");
    }
}

#[test]
fn the_words_are_read() {
    let read = |line: &str| {
        let words = line.split_whitespace().map(OsString::from).collect();
        read(words, Options::default(), NOW).map_err(|usage| usage.text)
    };
    let wish = read("--follow --json --state-dir /s --since 22:13").unwrap();
    assert!(wish.follow && wish.options.json && wish.since.ends_with("_22:13"));
    assert_eq!(wish.options.state_dir, PathBuf::from("/s"));
    assert_eq!(read("--both /tmp/events").unwrap().both, Some(PathBuf::from("/tmp/events")));
    assert!(read("--both x --follow").is_err_and(|text| text.contains("choose one")));
    assert!(read("all").is_err() && read("--sinc 1h").is_err());
}
