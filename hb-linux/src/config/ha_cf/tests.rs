use super::*;
use crate::config::finding::{Class, Findings};
use core::net::Ipv4Addr;

fn run(text: &str) -> (HaCf, Vec<String>) {
    let mut findings = Findings::new();
    let cf = parse(text.as_bytes(), &mut Report::new("ha.cf", &mut findings));
    let mark = |class| match class {
        Class::Configuration => "error",
        Class::Environment => "missing",
        Class::Warning => "warning",
    };
    let texts =
        findings.as_slice().iter().map(|f| format!("{} {}: {}", mark(f.class), f.line, f.text)).collect();
    (cf, texts)
}

fn clean(text: &str) -> HaCf {
    let (cf, findings) = run(text);
    assert!(findings.is_empty(), "{findings:?}");
    cf
}

/// Each text gives exactly this one finding.
fn each(table: &[(&str, &str)]) {
    for (text, expected) in table {
        assert_eq!(run(text).1, [*expected], "{text}");
    }
}

#[test]
fn a_full_file_of_the_original_is_understood() {
    let cf = clean(
        "debugfile /var/log/ha-debug\nlogfile /var/log/ha-log\nlogfacility\tlocal0\n\
         keepalive 500ms\nwarntime 2\ndeadtime 4 # seconds\n",
    );
    assert_eq!(cf.keepalive, Some(At { value: Duration::from_millis(500), line: 4 }));
    assert_eq!(cf.deadtime, Some(At { value: Duration::from_secs(4), line: 6 }));
    let cf = clean(
        "baud 9600\nserial /dev/ttyS0, /dev/ttyS1\nserial_rtscts on\nudpport 1694\nbcast eth0,eth1\n\
         mcast eth1 225.0.0.1 694 1 0\nucast eth0 192.168.0.112\nnode ha-1 ha-2\n\
         ping 192.168.2.1 192.168.2.2\nping_group net 10.0.0.1 10.0.0.2\nwatchdog /dev/watchdog\nrtprio 5\n",
    );
    let names: Vec<String> = cf.links.iter().map(|l| l.value.to_string()).collect();
    assert_eq!(
        names,
        [
            "serial /dev/ttyS0",
            "serial /dev/ttyS1",
            "bcast eth0",
            "bcast eth1",
            "mcast eth1 225.0.0.1",
            "ucast eth0 192.168.0.112"
        ]
    );
    assert_eq!(
        cf.links[1].value,
        Medium::Serial { device: PathBuf::from("/dev/ttyS1"), baud: 9600, rtscts: true }
    );
    assert_eq!(cf.links[3].value, Medium::Bcast { iface: String::from("eth1"), port: 1694 });
    assert_eq!(
        cf.links[4].value,
        Medium::Mcast {
            iface: String::from("eth1"),
            group: Ipv4Addr::new(225, 0, 0, 1),
            port: 694,
            ttl: 1,
            loopback: false
        }
    );
    assert_eq!(cf.links[5].value.kind(), "ucast");
    let pings: Vec<(&str, usize)> =
        cf.pings.iter().map(|p| (p.value.name.as_str(), p.value.members.len())).collect();
    assert_eq!(pings, [("192.168.2.1", 1), ("192.168.2.2", 1), ("net", 2)]);
    assert_eq!(cf.nodes.iter().map(|n| n.value.as_str()).collect::<Vec<_>>(), ["ha-1", "ha-2"]);
    assert_eq!((cf.rtprio.map(|p| p.value), cf.watchdog.map(|w| w.line)), (Some(5), Some(11)));
}

#[test]
fn own_directives() {
    let cf = clean(
        "script_timeout 30\nscript_timeout stop 90\nmonitor 10 failures 2\nisolated claim\nwatchdog_timeout 4\n\
         deadping 5\nauto_failback legacy\n",
    );
    let at = |s, line| Some(At { value: Duration::from_secs(s), line });
    assert_eq!(cf.script_timeout, [at(30, 1), None, at(90, 2), None]);
    let monitor = MonitorConfig { period: Duration::from_secs(10), failures: 2 };
    assert_eq!(cf.monitor, Some(At { value: Some(monitor), line: 3 }));
    assert_eq!(cf.isolated, Some(At { value: Isolated::Claim, line: 4 }));
    assert_eq!(cf.auto_failback, Some(At { value: true, line: 7 }));
    let every = |text| clean(text).announce_every.map(|a| a.value);
    assert_eq!(every("announce_every off"), Some(None));
    assert_eq!(every("announce_every 90"), Some(Some(Duration::from_secs(90))));
    assert_eq!(every("monitor off"), None);
    assert_eq!(clean("monitor off").monitor, Some(At { value: None, line: 1 }));
    assert_eq!(clean("monitor 5").monitor.and_then(|m| m.value).map(|m| m.failures), Some(3));
    assert_eq!(run("nice_failback Yes").0.nice_failback, Some(At { value: true, line: 1 }));
}

#[test]
fn times() {
    each(&[
        ("keepalive 10s", "error 1: keepalive: `10s` has a unit that ha.cf does not know; write `10`"),
        ("deadtime 1min", "error 1: deadtime: `1min` has a unit that ha.cf does not know; write `60`"),
        (
            "warntime soon",
            "error 1: warntime: `soon` is not a time; write seconds (`2`, `0.5`) or milliseconds (`500ms`)",
        ),
        ("keepalive 5ms", "error 1: `keepalive 5ms` is out of range; write 10 ms to 3600 s"),
        (
            "keepalive 3601",
            "error 1: `keepalive 3601` is out of range, as a number without a unit means seconds; if milliseconds are meant, \
             write `keepalive 3601ms`, else 10 ms to 3600 s",
        ),
        ("initdead 0", "error 1: `initdead 0` is out of range; write 1 ms to 86400 s"),
        (
            "deadping 86401",
            "error 1: `deadping 86401` is out of range, as a number without a unit means seconds; if milliseconds are meant, \
             write `deadping 86401ms`, else 1 ms to 86400 s",
        ),
        ("keepalive", "error 1: `keepalive` has no value; write for example `keepalive 2`"),
        ("keepalive 500 ms", "error 1: a blank stands before `ms`; write `keepalive 500ms`"),
        ("keepalive 2 4", "error 1: `4` is too much: `keepalive` takes one value; write `keepalive 2`"),
        ("deadtime 10\ndeadtime 10.0", "warning 2: `deadtime` says the same as line 1; remove one"),
        ("deadtime 10\n\ndeadtime 20", "error 3: `deadtime` contradicts line 1; keep one of the two"),
    ]);
}

#[test]
fn failback() {
    each(&[
        (
            "auto_failback maybe",
            "error 1: auto_failback: `maybe` is not known; write `auto_failback on` or `auto_failback off`",
        ),
        (
            "nice_failback maybe",
            "error 1: nice_failback: `maybe` is neither on nor off; write `nice_failback on` or `nice_failback off`",
        ),
        (
            "nice_failback yes",
            "warning 1: nice_failback: Heartbeat 1.x took `yes` for off, as only `on` was on, and here it is on; \
             write `nice_failback on` or `nice_failback off`",
        ),
        (
            "nice_failback on\nauto_failback on",
            "error 2: `auto_failback` contradicts `nice_failback` of line 1: nice_failback on is auto_failback off; \
             keep one, such as `auto_failback on`",
        ),
        (
            "auto_failback off\nnice_failback off",
            "error 2: `nice_failback` contradicts `auto_failback` of line 1: nice_failback on is auto_failback off; \
             keep one, such as `auto_failback off`",
        ),
    ]);
    clean("nice_failback on\nauto_failback off");
}

#[test]
fn nodes_and_ping_nodes() {
    each(&[
        ("node", "error 1: `node` names nobody; write for example `node ha-1`"),
        ("node a/b", "error 1: `a/b` is not a node name; write what `uname -n` prints, at most 64 bytes"),
        ("node a\nnode a", "error 2: node `a` is already in line 1; remove one"),
        (
            "node a b\nnode c",
            "error 2: `c` is a third node beside a and b, and hbd runs two; remove it, or use Pacemaker",
        ),
        ("ping", "error 1: `ping` names no host; write for example `ping 192.168.2.1`"),
        (
            "ping gw.example.com",
            "error 1: ping: `gw.example.com` is not the IPv4 address of a host, and names are not looked up; \
             write for example `192.168.2.1`",
        ),
        (
            "ping_group net 224.0.0.1",
            "error 1: ping_group: `224.0.0.1` is not the IPv4 address of a host, and names are not looked up; \
             write for example `192.168.2.1`",
        ),
        (
            "ping 10.0.0.1\nping_group net 10.0.0.2 10.0.0.1 10.0.0.3",
            "warning 2: 10.0.0.1 is already pinged by line 1; remove one",
        ),
        ("ping 10.0.0.1\nping 10.0.0.1", "warning 2: 10.0.0.1 is already pinged by line 1; remove one"),
        (
            "ping_group net 10.0.0.1\nping_group net 10.0.0.2",
            "error 2: `net` is already the name of line 1; write another",
        ),
        (
            "ping_group",
            "error 1: `ping_group` has no name; write for example `ping_group net 192.168.2.1 192.168.2.2`",
        ),
        ("ping_group net", "error 1: ping_group `net` has 0 addresses; write 1 to 8"),
        (
            "ping 1.0.0.1 1.0.0.2 1.0.0.3 1.0.0.4 1.0.0.5 1.0.0.6 1.0.0.7 1.0.0.8\nping 1.0.0.9",
            "error 2: `1.0.0.9` is one ping node too many; write at most 8, or a ping_group",
        ),
    ]);
    let long = format!("node {}", "x".repeat(65));
    assert_eq!(
        run(&long).1,
        [format!(
            "error 1: `{}` is not a node name; write what `uname -n` prints, at most 64 bytes",
            "x".repeat(65)
        )]
    );
}

#[test]
fn media() {
    each(&[
        (
            "baud 19201",
            "error 1: baud: `19201` is not a line speed; write 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, \
             230400 or 460800",
        ),
        (
            "serial /dev/ttyS0\nbaud 9600",
            "error 2: `baud 9600` comes after `serial /dev/ttyS0` of line 1, which takes 19200; \
             write it before line 1",
        ),
        (
            "bcast eth0\nudpport 695",
            "error 2: `udpport 695` comes after `bcast eth0` of line 1, which takes 694; write it before line 1",
        ),
        ("udpport 0", "error 1: udpport: `0` is not a number from 1 to 65535; write one"),
        ("udpport 694\nudpport 695", "error 2: `udpport` contradicts line 1; keep one of the two"),
        ("serial", "error 1: `serial` names no device; write for example `serial /dev/ttyS0`"),
        ("serial ttyS0", "error 1: serial: `ttyS0` is not a full path; write one such as `/dev/ttyS0`"),
        (
            "serial_rtscts maybe",
            "error 1: serial_rtscts: `maybe` is neither on nor off; write `serial_rtscts on` or `serial_rtscts off`",
        ),
        ("bcast", "error 1: `bcast` names no interface; write for example `bcast eth1`"),
        (
            "bcast eth0:0",
            "warning 1: bcast: `eth0:0` is an alias, which is no device of its own: `eth0` is used; write `eth0`",
        ),
        (
            "bcast 10.0.0.1",
            "error 1: bcast: `10.0.0.1` is not the name of an interface; write one such as eth0",
        ),
        (
            "bcast eth1\nbcast eth1",
            "warning 2: `bcast eth1` is already in line 1, and one link of it is used; remove one",
        ),
        ("udp eth1", "warning 1: `udp` is the old name of `bcast`; write `bcast`"),
        (
            "bcast a b c d e f g h\nserial /dev/ttyS0",
            "error 2: `serial /dev/ttyS0` is one link too many; write at most 8",
        ),
        (
            "mcast eth1 225.0.0.1",
            "error 1: `mcast` takes an interface, a group, a port, a ttl and a loop flag, and has 2 of these 5; \
             write `mcast eth1 225.0.0.1 694 1 0`",
        ),
        (
            "mcast eth1 10.0.0.1 694 1 0",
            "error 1: mcast: `10.0.0.1` is not a multicast group; write one of 224.0.0.0 to 239.255.255.255, \
             such as 225.0.0.1",
        ),
        (
            "mcast eth1 225.0.0.1 70000 1 0",
            "error 1: mcast: port `70000` is not a number from 1 to 65535; write one",
        ),
        (
            "mcast eth1 225.0.0.1 694 256 0",
            "error 1: mcast: ttl `256` is not a number from 0 to 255; write one",
        ),
        ("mcast eth1 225.0.0.1 694 1 2", "error 1: mcast: loop `2` is not a number from 0 to 1; write one"),
        ("mcast eth1 225.0.0.1 694 0 0", "warning 1: mcast: ttl 0 never leaves this machine; write ttl 1"),
        (
            "ucast eth0",
            "error 1: `ucast` takes an interface and the peer's address, and has 1 of these 2; \
             write for example `ucast eth0 192.168.0.112`",
        ),
        (
            "ucast eth0 ha-2",
            "error 1: ucast: `ha-2` is not the IPv4 address of a host, and names are not looked up; \
             write for example `ucast eth0 192.168.0.112`",
        ),
        ("hopfudge 256", "error 1: hopfudge: `256` is not a number from 0 to 255; write one"),
        (
            "hopfudge 1",
            "warning 1: `hopfudge` has no effect: heartbeats of two nodes are never forwarded; remove the line",
        ),
    ]);
    // The same value as the default changes nothing, wherever it stands.
    clean("serial /dev/ttyS0\nbcast eth0\nbaud 19200\nudpport 694");
    clean("mcast eth1 225.0.0.1 700 1 0\nudpport 695");
}

#[test]
fn the_rest_of_the_originals_directives() {
    each(&[
        (
            "watchdog watchdog",
            "error 1: watchdog: `watchdog` is not a full path; write one such as `/dev/watchdog`",
        ),
        (
            "logfile ha-log",
            "error 1: logfile: `ha-log` is not a full path; write one such as `/var/log/ha-log`",
        ),
        ("debugfile", "error 1: `debugfile` has no value; write for example `debugfile /var/log/ha-debug`"),
        (
            "logfacility local8",
            "error 1: logfacility: `local8` is not a syslog facility; write auth, authpriv, cron, daemon, ftp, kern, \
             lpr, mail, news, security, syslog, user, uucp, local0 to local7, or none",
        ),
        ("rtprio 100", "error 1: rtprio: `100` is not a number from 1 to 99; write one"),
        (
            "respawn hacluster",
            "error 1: `respawn` takes a user and a command; \
             write for example `respawn hacluster /usr/lib/heartbeat/ipfail`",
        ),
        (
            "respawn hacluster ipfail",
            "error 1: respawn: `ipfail` is not a full path; write one such as `/usr/lib/heartbeat/ipfail`",
        ),
        (
            "respawn hacluster /usr/lib/heartbeat/ipfail",
            "warning 1: ipfail is not needed: hbd itself moves groups to the node that \
             reaches more ping nodes; remove the line",
        ),
        (
            "stonith baytech",
            "error 1: `stonith` takes a type and a file; write for example `stonith baytech /etc/ha.d/conf`",
        ),
        (
            "stonith_host *",
            "error 1: `stonith_host` takes a host, a type and its parameters; \
             write for example `stonith_host * baytech 10.0.0.3 user password`",
        ),
    ]);
    let facility = |text| clean(text).facility.map(|f| f.value.map(|f| (f.name, f.code)));
    assert_eq!(facility("logfacility local0"), Some(Some(("local0", 16))));
    assert_eq!(facility("logfacility security"), Some(Some(("security", 4))), "the old name of auth");
    assert_eq!(facility("logfacility none"), Some(None));
}

#[test]
fn own_directives_with_faults() {
    each(&[
        ("watchdog_timeout 0", "error 1: watchdog_timeout: `0` is not a number from 1 to 3600; write one"),
        (
            "watchdog_timeout 2.5",
            "error 1: watchdog_timeout: `2.5` is not a number from 1 to 3600; write one",
        ),
        ("watchdog_timeout +2", "error 1: watchdog_timeout: `+2` is not a number from 1 to 3600; write one"),
        (
            "script_timeout",
            "error 1: `script_timeout` takes a verb and a time; write for example `script_timeout stop 60`, \
             or `script_timeout 60` for all verbs",
        ),
        (
            "script_timeout restart 60",
            "error 1: script_timeout: `restart` is not a verb; write start, stop or status before the time",
        ),
        (
            "script_timeout stop 50ms",
            "error 1: `script_timeout 50ms` is out of range; write 100 ms to 3600 s",
        ),
        ("monitor", "error 1: `monitor` takes a time and a count; write for example `monitor 10 failures 3`"),
        (
            "monitor 10 3",
            "error 1: `monitor` takes a time and a count; write for example `monitor 10 failures 3`",
        ),
        ("monitor 10 failures 0", "error 1: monitor: failures `0` is not a number from 1 to 255; write one"),
        ("monitor 10s", "error 1: monitor: `10s` has a unit that ha.cf does not know; write `10`"),
        (
            "announce_every",
            "error 1: `announce_every` takes one time; write for example `announce_every 60`, or `announce_every off`",
        ),
        (
            "isolated maybe",
            "error 1: isolated: `maybe` is not known; write `isolated wait` or `isolated claim`",
        ),
        (
            "watchdog_busy maybe",
            "error 1: watchdog_busy: `maybe` is not known; write `watchdog_busy serve` or `watchdog_busy wait`",
        ),
        (
            "fence",
            "error 1: `fence` takes the kind and what belongs to it; write for example `fence external /etc/ha.d/fence`",
        ),
        (
            "fence external fence.sh",
            "error 1: fence: `fence.sh` is not a full path; write one such as `/etc/ha.d/fence`",
        ),
        ("fence external /a\nstonith apc /b", "error 2: `stonith` contradicts line 1; keep one of the two"),
        ("bridge", "error 1: `bridge` has no value; write for example `bridge /dev/ttyS0`"),
        ("bridge ttyS0", "error 1: bridge: `ttyS0` is not a full path; write one such as `/dev/ttyS0`"),
        ("bridge /dev/ttyS0\nbridge /dev/ttyS1", "error 2: `bridge` contradicts line 1; keep one of the two"),
        ("fence modem-line /dev/ttyS0 700", "error 1: write `fence modem-line /dev/ttyS0 pulse 1.5`"),
        (
            "fence modem-line /dev/ttyUSB0",
            "error 1: /dev/ttyUSB0 is a USB adapter, whose lines fall whenever it is plugged in or reset; write a port of the \
             board, such as /dev/ttyS0",
        ),
        (
            "fence_failed maybe",
            "error 1: fence_failed: `maybe` is not known; write `fence_failed wait` or `fence_failed claim`",
        ),
    ]);
}

#[test]
fn directives_of_later_heartbeats() {
    each(&[
        ("debug 1", "warning 1: `debug` has no meaning here: debug lines go to `debugfile`; remove the line"),
        ("crm off", "warning 1: `crm` has no meaning here: it belongs to Pacemaker; remove the line"),
        (
            "pacemaker respawn",
            "error 1: `pacemaker respawn` hands the resources to Pacemaker; remove the line and keep haresources, \
             or use Pacemaker",
        ),
        (
            "autojoin none",
            "warning 1: `autojoin` has no meaning here: no node joins that `node` does not name; remove the line",
        ),
        (
            "autojoin any",
            "error 1: `autojoin any` lets nodes join that no `node` line names, and hbd runs the two that are named; \
             remove the line and write two `node` lines",
        ),
        (
            "ucast6 eth0 ::1",
            "error 1: `ucast6` is not supported; use `serial`, `bcast`, `mcast` or `ucast` instead",
        ),
        ("ping6 ::1", "error 1: `ping6` is not supported; use `ping` instead"),
    ]);
    for name in [
        "realtime",
        "normalpoll",
        "apiauth",
        "msgfmt",
        "use_logd",
        "conn_logd_time",
        "log_badpack",
        "use_apphbd",
        "syslogmsgfmt",
        "coredumps",
        "coreroot",
        "uuidfrom",
        "compression",
        "compression_threshold",
        "traditional_compression",
        "max_rexmit_delay",
        "memreserve",
        "cluster",
        "quorum_server",
        "hbgenmethod",
        "hbversion",
        "failfast",
        "env",
    ] {
        let (_, findings) = run(&format!("{name} whatever else"));
        assert_eq!(findings.len(), 1, "{name}: {findings:?}");
        assert!(
            findings[0].starts_with(&format!("warning 1: `{name}` has no meaning here: ")),
            "{findings:?}"
        );
    }
}

#[test]
fn unknown_directives_are_guessed() {
    each(&[
        ("keepalve 2", "error 1: `keepalve` is not known; write `keepalive`, or remove the line"),
        ("Keepalive 2", "error 1: `Keepalive` is not known, as case matters; write `keepalive`"),
        ("nodes a b", "error 1: `nodes` is not known; write `node`, or remove the line"),
        ("frobnicate", "error 1: `frobnicate` is not known; remove the line"),
        ("x", "error 1: `x` is not known; remove the line"),
    ]);
}

#[test]
fn a_node_has_the_fence_that_is_written_for_it() {
    let of = |text: &str, own: &str| clean(text).fence_of(own).map(|fence| format!("{}", fence.value));
    assert_eq!(
        of("fence external /etc/ha.d/fence ilo 10.0.0.3", "a").as_deref(),
        Some("external /etc/ha.d/fence")
    );
    assert_eq!(of("stonith baytech /etc/ha.d/conf", "a").as_deref(), Some("stonith baytech"));
    assert_eq!(of("fence modem-line /dev/ttyS1 pulse 900ms", "a").as_deref(), Some("modem-line /dev/ttyS1"));
    let cf = clean("baud 9600\nbridge /dev/ttyS0\nserial /dev/ttyS1\nfence bridge");
    assert_eq!(
        cf.links.iter().map(|link| format!("{}", link.value)).collect::<Vec<_>>(),
        ["serial /dev/ttyS0", "serial /dev/ttyS1"]
    );
    assert_eq!(cf.fence_of("a").map(|fence| format!("{}", fence.value)).as_deref(), Some("bridge"));
    let hosts = "stonith_host * apc x\nstonith_host A baytech 10.0.0.3 user s3cret";
    assert_eq!(of(hosts, "a").as_deref(), Some("stonith baytech"), "the last one, and no password");
    assert_eq!(of(hosts, "b").as_deref(), Some("stonith apc"));
    assert_eq!(of("keepalive 1", "a"), None);
    let cf = clean("fence external /f\nfence_delay 5\nfence_failed claim\nstartup_fence yes");
    assert!(cf.any_fence() && cf.startup_fence.is_some_and(|startup| startup.value));
    assert_eq!(cf.fence_failed.map(|failed| failed.value), Some(hb_core::config::FenceFailed::Claim));
}
