//! What the table shows.

use super::*;
use crate::control::snapshot::{Own, Peer, Ping, Watchdog};
use crate::control::wire::HelperReply;

pub(in crate::cli) fn sample() -> Snapshot {
    Snapshot {
        own: Own {
            name: "ha-1".into(),
            version: "0.1.0".into(),
            pid: 471,
            phase: "up".into(),
            incarnation: (12, 0x9f3a_01bc),
            config_digest: 0x0012_34ab,
            worst_late_us: 1234,
            uptime_s: 4000,
            realtime: true,
            ..Own::default()
        },
        peer: Peer {
            name: "ha-2".into(),
            state: "up".into(),
            phase: Some("up".into()),
            last_heard_ms: Some(120),
            config_match: Some(true),
            timing_match: Some(true),
            ..Peer::default()
        },
        links: vec![Link {
            name: "eth1".into(),
            medium: "bcast".into(),
            state: "up".into(),
            rx: 10,
            tx: 11,
            limited: true,
            rtt_us: Some(412),
            ..Link::default()
        }],
        groups: vec![Group {
            name: "192.168.2.50".into(),
            preferred: "ha-1".into(),
            state: "held".into(),
            peer_state: Some("idle".into()),
            epoch: 4,
            pinned: true,
            since_s: 90,
            why: "node ha-2 left".into(),
            resources: vec!["192.168.2.50".into(), "jdmail".into()],
            ..Group::default()
        }],
        watchdog: Some(Watchdog {
            device: "/dev/watchdog".into(),
            timeout_s: Some(8),
            fed: 99,
            boot_status: Some(0),
            held_by: None,
        }),
        pings: vec![Ping { host: "192.168.2.1".into(), alive: true, mirror: None }],
        helper: HelperReply { alive: true, last_write_ms: Some(250), ..HelperReply::default() },
        ..Snapshot::default()
    }
}

#[test]
fn the_table_reads_at_a_glance() {
    let text = human(&sample());
    let lines: Vec<&str> = text.lines().collect();
    let cells = |i: usize| lines[i].split("  ").filter(|c| !c.is_empty()).map(str::trim).collect::<Vec<_>>();
    assert_eq!(lines[0], "OK: ha-1 holds 192.168.2.50, ha-2 stands by");
    assert_eq!(cells(1), ["node", "ha-1", "in service"]);
    assert_eq!(cells(2), ["peer", "ha-2", "up", "heard 120 ms ago"]);
    assert_eq!(lines[1].find("in service"), lines[2].find("up"));
    assert!(lines[3].starts_with("link      eth1           bcast up  "), "{text}");
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains(
            "held for 90 s: node ha-2 left; prefers ha-1, epoch 4, idle on ha-2, moved by an operator, which \
             stands against failback"
        ),
        "{text}"
    );
    assert!(flat.contains("armed 8 s, fed 99 times") && text.contains("192.168.2.1"), "{text}");
}

#[test]
fn a_line_fits_a_terminal_and_loses_no_word() {
    let mut s = sample();
    s.groups[0].why = "a reason that takes many words, and then some more of them, to be told".into();
    s.groups[0].name = "a-service-with-a-very-long-name-indeed".into();
    s.groups[0].resources = (0..40).map(|n| format!("resource-{n}")).collect();
    s.links[0].name = "eth12345678901".into();
    s.links[0].rx = u32::MAX;
    s.links[0].tx = u32::MAX;
    let text = human(&s);
    for line in text.lines() {
        assert!(line.chars().count() <= WIDTH, "{line}\n{text}");
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(words.join(" ").contains(&s.groups[0].why) && words.contains(&"resource-39"), "{text}");
    assert_eq!(fold("x", 2), "x\n");
    let long = "y".repeat(100);
    assert_eq!(fold(&long, 2), format!("{long}\n"), "one word is not cut");
    assert_eq!(fold(&format!("{long} z"), 2), format!("{long} z\n"));
}

#[test]
fn trouble_is_loud() {
    let mut s = sample();
    s.peer.state = "dead".into();
    s.groups[0].state = "stuck".into();
    s.groups[0].trouble = Some("jdmail stop: return code 1; mend it, then: hbd clear x".into());
    s.watchdog = None;
    s.links[0].state = "down".into();
    s.pings[0].alive = false;
    s.helper = HelperReply { alive: true, last_write_ms: Some(7000), backlog: 12, ..HelperReply::default() };
    let text = human(&s);
    for word in [
        "CRITICAL",
        "DEAD",
        "STUCK",
        "not configured",
        "DOWN",
        "SILENT",
        "jdmail stop: return code 1",
        "hbd clear x",
        "HELPER LATE: 12",
    ] {
        assert!(text.contains(word), "{word} in {text}");
    }
}

#[test]
fn what_a_peer_that_is_gone_showed_is_past() {
    let mut s = sample();
    s.peer.state = "dead".into();
    s.groups[0].state = "idle".into();
    s.groups[0].peer_state = Some("held".into());
    assert!(human(&s).contains("was held on"), "{}", human(&s));
    s.peer.left = true;
    let text = human(&s);
    assert!(text.contains("stopped  ") && !text.contains("held on") && !text.contains("DEAD"), "{text}");
    s.peer.left = false;
    s.own.isolated = true;
    assert!(human(&s).contains("hbd confirm-down ha-2"), "{}", human(&s));
}

#[test]
fn times_that_differ_are_not_the_groups_lines() {
    let mut s = sample();
    s.groups[0].config_match = Some(false);
    assert!(human(&s).contains("HARESOURCES DIFFERS"));
    s.peer.timing_match = Some(false);
    let text = human(&s);
    assert!(!text.contains("HARESOURCES") && text.contains("DEADPING DIFFER"), "{text}");
}
