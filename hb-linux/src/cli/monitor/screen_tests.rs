//! What stands on the screen, and what an hour of it costs on the wire.

use super::super::paint::tests::Terminal;
use super::super::paint::{BUDGET, Painter};
use super::*;
use crate::cli::show::tests::sample;

#[test]
fn all_that_one_looks_for_is_on_one_screen() {
    let mut past = Past::default();
    let mut shot = sample();
    past.note(&shot);
    shot.links[0].rx += 30;
    shot.links[0].lost += 10;
    past.note(&shot);
    let events: Vec<String> = (0..40).map(|n| format!("22:13:05 event {n} \x1b[2J\u{e9}")).collect();
    let rows = screen(&shot, &past, &events, "22:13:07   foot".into());
    assert_eq!(rows.len(), ROWS);
    assert!(rows.iter().all(|row| row.len() <= COLUMNS && row.chars().all(|c| clean(c) == c)), "{rows:?}");
    let all = rows.join("\n");
    for part in [
        "OK: ha-1 holds 192.168.2.50, ha-2 stands by",
        "node   ha-1             up ",
        "peer   ha-2             up           heard 0.1 s ago",
        "link   eth1             up      loss [##......]  25 %  trip [#.......] 0.4 ms",
        "group  192.168.2.50     held/idle    for 90 s: node ha-2 left",
        "dog    /dev/watchdog armed, 8 s      helper: all written",
        "ping   192.168.2.1 answers",
        "event 39 ?[2J?",
        "22:13:07   foot",
    ] {
        assert!(all.contains(part), "{part}\n{all}");
    }
    assert!(rows[ROWS - 2].contains("event 39"), "the newest is the last");
}

#[test]
fn many_links_and_groups_find_their_end() {
    let mut shot = sample();
    let (link, group) = (shot.links[0].clone(), shot.groups[0].clone());
    shot.links = vec![link; 8];
    shot.groups = vec![group; 8];
    shot.groups[0].state = "stuck".into();
    let rows = screen(&shot, &Past::default(), &["event".into()], "00:00:00".into());
    let all = rows.join("\n");
    assert_eq!(rows.len(), ROWS);
    assert!(all.contains("and 3 links more") && all.contains("and 2 groups more"), "{all}");
    assert!(all.contains("STUCK/idle") && rows[0].starts_with("CRITICAL: "), "{all}");
    let rows = silent("CRITICAL: hbd is stopped on this machine", &["event".into()], "00:00:00".into());
    assert!(rows.len() == ROWS && rows[0].starts_with("CRITICAL") && rows[2] == "event");
}

#[test]
fn an_hour_at_9600_baud_stays_within_a_kilobyte_a_second() {
    let (mut painter, mut terminal, mut past) = (Painter::new(), Terminal::new(), Past::default());
    let mut shot = sample();
    let link = shot.links[0].clone();
    shot.links = vec![link; 8];
    let mut worst_steady = 0;
    for second in 0..3600_u32 {
        for (at, link) in (0..).zip(&mut shot.links) {
            link.rx += 10;
            link.lost += (second + at) % 3;
            link.rtt_us = Some(u64::from((second * 7919 + at * 104_729) % 900_000));
        }
        shot.peer.last_heard_ms = Some(u64::from(second * 37 % 1000));
        (shot.own.uptime_s, shot.groups[0].since_s) = (second.into(), second.into());
        past.note(&shot);
        let events: Vec<String> = (0..second / 10).map(|n| format!("22:13:05 event {n}")).collect();
        let clock = format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
        let rows = screen(&shot, &past, &events, clock);
        let bytes = painter.paint(&rows);
        assert!(bytes.len() <= BUDGET, "{}", bytes.len());
        terminal.take(&bytes);
        if second > 10 {
            worst_steady = worst_steady.max(bytes.len());
            for (row, want) in rows.iter().enumerate() {
                assert_eq!(&terminal.line(row), want, "at {second} s");
            }
        }
    }
    assert!(worst_steady <= BUDGET, "{worst_steady}");
}

#[test]
fn without_a_terminal_only_what_changes_seldom_is_said() {
    let mut shot = sample();
    let before = lines(&shot);
    shot.links[0].rx += 100;
    shot.links[0].rtt_us = Some(9);
    shot.own.uptime_s += 10;
    shot.groups[0].since_s += 10;
    assert_eq!(lines(&shot), before);
    shot.groups[0].state = "stopping".into();
    assert_ne!(lines(&shot), before);
}
