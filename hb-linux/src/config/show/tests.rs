//! Whole files shown, and two that are compared.

use super::super::directives;
use super::super::tests::Place;
use super::*;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

const FULL: &str = "\
node ha-1 ha-2
keepalive 500ms
deadtime 5
nice_failback on
baud 9600
serial_rtscts on
serial /dev/ttyS0
udpport 700
bcast eth1
ucast eth1 10.0.0.9
mcast eth2 225.0.0.1 694 1 0
ping 10.0.0.254
ping_group routers 10.0.0.1 10.0.0.2
watchdog /dev/watchdog
watchdog_busy wait
logfacility local0
rtprio 5
script_timeout 30
script_timeout stop 5
monitor 10 failures 2
isolated claim
answered wait
announce_every off
status_group adm
fence external /etc/ha.d/fence plug 3
fence_failed claim
startup_fence on
respawn root /usr/bin/true one
data web directory /srv/web
data web address ha-1 10.0.0.1 address ha-2 10.0.0.2
data web exclude /cache
";

fn shown(place: &Place) -> Vec<String> {
    let mut out = Vec::new();
    let findings = values(&place.paths, Some("ha-1"), &mut out).expect("a Vec takes all");
    assert!(!findings.any(super::super::Class::Configuration), "{:?}", place.texts(&findings));
    let root = format!("{}/", place.path("ha.d").display());
    let text = String::from_utf8(out).expect("text").replace(&root, "");
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn every_value_is_shown_with_its_line_or_its_rule() {
    let place = Place::new(FULL, "ha-1 web \\\n  db\n", "auth 2\n1 crc\n2 sha1 s3cret\n");
    place.file("ha.d/resource.d/web", "#!/bin/sh\n", 0o755);
    let lines = shown(&place);
    let all = lines.join("\n");
    for line in [
        "node ha-2 ha.cf:1",
        "keepalive 500ms ha.cf:2",
        "warntime 2500ms default: half of deadtime",
        "initdead 12 default: by deadtime",
        "auto_failback off ha.cf:4",
        "serial /dev/ttyS0 (baud 9600, serial_rtscts on) ha.cf:7",
        "bcast eth1 (udpport 700) ha.cf:9",
        "mcast eth2 225.0.0.1 694 1 0 ha.cf:11",
        "ping 10.0.0.254 ha.cf:12",
        "ping_group routers 10.0.0.1 10.0.0.2 ha.cf:13",
        "watchdog_timeout 4 default: what fits into deadtime - keepalive",
        "watchdog_busy wait ha.cf:15",
        "logfile none default: with logfacility",
        "logfacility local0 ha.cf:16",
        "script_timeout start 30 ha.cf:18",
        "script_timeout stop 5 ha.cf:19",
        "monitor 10 failures 2 ha.cf:20",
        "announce_every off ha.cf:23",
        "fence external /etc/ha.d/fence plug 3 ha.cf:25",
        "fence_delay 2 default: the larger of 2 s and two keepalives",
        "respawn root /usr/bin/true one ha.cf:28",
        "data web directory /srv/web ha.cf:29",
        "data web address ha-2 10.0.0.2 ha.cf:30",
        "data web exclude /cache ha.cf:31",
        "data web exclude *.pid default",
        "data web interval 300 default",
        "group web prefers ha-1 haresources:1",
        "db (missing) haresources:2",
        "auth 2 authkeys:1",
        "key 1 crc authkeys:2",
        "key 2 sha1 authkeys:3",
    ] {
        assert!(lines.iter().any(|shown| shown == line), "{line} is not in\n{all}");
    }
    assert!(
        lines.iter().any(|line| line.starts_with("web (") && line.ends_with("/web) haresources:1")),
        "{all}"
    );
    assert!(!all.contains("s3cret"), "{all}");
}

#[test]
fn no_directive_that_has_a_meaning_is_left_out() {
    let place = Place::new(FULL, "ha-1 web\n", "auth 1\n1 crc\n");
    let lines = shown(&place);
    // Other words for what is shown, what stands in lines of its own, and what has no effect.
    let elsewhere = ["nice_failback", "stonith", "stonith_host", "udp", "hopfudge", "crm"];
    for name in directives().filter(|name| !elsewhere.contains(name)) {
        assert!(lines.iter().any(|line| line.starts_with(&format!("{name} "))), "{name}");
    }
}

#[test]
fn a_device_with_a_password_is_shown_without_it() {
    let cf = "node a b\nserial /dev/ttyS0\nstonith_host a rps10 /dev/ttyS1 s3cret\n";
    let mut out = Vec::new();
    let place = Place::new(cf, "a web\n", "auth 1\n1 crc\n");
    values(&place.paths, Some("a"), &mut out).expect("a Vec takes all");
    let text = String::from_utf8(out).expect("text");
    assert!(text.contains("stonith_host a stonith rps10 (parameters)"), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
}

fn digest(node: &str, ha_cf: &str, haresources: &str, authkeys: &str) -> String {
    let place = Place::new(ha_cf, haresources, authkeys);
    let mut out = Vec::new();
    let digests = digests(&place.paths, Some(node), &mut out).expect("a Vec takes all");
    let whole = digests.expect("right files").whole;
    let text = String::from_utf8(out).expect("text");
    assert!(text.contains(&format!("all      {whole:08x} ")), "{text}");
    text
}

#[test]
fn two_nodes_print_the_same_exactly_when_they_agree() {
    let cf = "node ha-1 ha-2\ndeadtime 5\nserial /dev/ttyS0\n";
    let other = "serial /dev/ttyS1\nwarntime 4\nnode HA-2 HA-1\ndeadtime 5\ndeadping 5000ms\n";
    let keys = "auth 1\n1 sha1 one\n";
    let here = digest("ha-1", cf, "ha-1 web\nha-2 192.168.2.50 mail\n", keys);
    let there = digest("HA-2", other, "HA-2 IPaddr::192.168.2.50 mail\nHA-1 web\n", "auth 1\n1 sha1 two\n");
    assert_eq!(here, there, "the secrets take no part");
    assert_eq!(here.lines().count(), 6, "{here}");
    assert!(here.contains("keepalive 1 s, deadtime 5 s, deadping 5 s"), "{here}");
    assert!(here.contains("  ha-2 IPaddr::192.168.2.50 mail\n"), "{here}");
    let differing = |ha_cf: &str, haresources: &str, keys: &str| -> Vec<String> {
        let other = digest("ha-2", ha_cf, haresources, keys);
        let lines = here.lines().zip(other.lines()).filter(|(a, b)| a != b);
        lines.filter_map(|(a, _)| a.split(' ').next()).map(ToString::to_string).collect()
    };
    let groups = "ha-1 web\nha-2 192.168.2.50 mail\n";
    assert_eq!(differing(&cf.replace("deadtime 5", "deadtime 6"), groups, keys), ["times", "all"]);
    assert_eq!(differing(cf, &groups.replace("mail", "news"), keys), ["group", "all"]);
    assert_eq!(differing(cf, groups, "auth 1\n1 sha256 one\n"), ["keys"]);
    assert_eq!(differing(cf, groups, "auth 1\n1 sha1 one\n2 crc\n"), ["keys"]);
}

#[test]
fn wrong_files_are_not_compared() {
    let place = Place::new("node a b\nserial /dev/ttyS0\n", "c web\n", "auth 1\n1 crc\n");
    let mut out = Vec::new();
    let digests = digests(&place.paths, Some("a"), &mut out).expect("a Vec takes all");
    assert!(digests.is_err_and(|findings| findings.any(super::super::Class::Configuration)));
    assert!(out.is_empty());
}
