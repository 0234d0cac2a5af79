//! A machine made of files: what is missing on it.

use crate::config::tests::Place;
use crate::config::{Class, check, environment, load};
use std::fs;

const DEV: &str = "Inter-| Receive\n face |bytes\n    lo: 0\n hbtest0: 0\n hbtest1: 0\n";
const ROUTE: &str = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n\
                     hbtest0\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n\
                     hbtest1\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\n";
const ROOT: &str = "Name:\thbd\nCapEff:\t000000ffffffffff\n";

pub(super) fn machine(ha_cf: &str, haresources: &str) -> Place {
    let place = Place::new(ha_cf, haresources, "auth 1\n1 sha1 x\n");
    place.file("proc/net/dev", DEV, 0o644);
    place.file("proc/net/route", ROUTE, 0o644);
    place.file("proc/self/status", ROOT, 0o644);
    place.file("proc/misc", "130 watchdog\n135 rtc\n", 0o644);
    place.file("etc/passwd", "root:x:0:0::/root:/bin/sh\n", 0o644);
    for name in ["x", "y"] {
        place.file(&format!("ha.d/resource.d/{name}"), "#!/bin/sh\n", 0o755);
    }
    place
}

pub(super) fn missing(place: &Place) -> Vec<String> {
    let (settings, findings) = load(&place.paths, Some("a"));
    let settings = settings.unwrap_or_else(|| panic!("{:?}", findings.as_slice()));
    let found = environment::examine(&place.paths, &settings);
    assert!(!found.any(Class::Configuration));
    place.texts(&found)
}

/// Lines of ha.cf and haresources beside the needed ones, and the one finding that they give.
fn each(table: &[(&str, &str, &str)]) {
    for (ha_cf, haresources, expected) in table {
        let place = machine(&format!("node a b\nbcast hbtest0\n{ha_cf}\n"), &format!("a {haresources}\n"));
        let found = missing(&place);
        if expected.is_empty() {
            assert!(found.is_empty(), "{found:?}");
        } else {
            assert_eq!(found, [*expected], "{ha_cf} {haresources}");
        }
    }
}

#[test]
fn devices_interfaces_and_routes() {
    each(&[
        ("", "192.168.2.50 x", ""),
        (
            "bcast eth9",
            "x",
            "ha.d/ha.cf:3: interface `eth9` is not there; load its driver, or write one that is: hbtest0, hbtest1",
        ),
        (
            "serial /dev/hbtest",
            "x",
            "ha.d/ha.cf:3: /dev/hbtest is not there; write a serial device that is, such as /dev/ttyS0",
        ),
        (
            "serial /etc/passwd",
            "x",
            "ha.d/ha.cf:3: /etc/passwd is not a character device; write a serial device such as /dev/ttyS0",
        ),
        ("serial /dev/null", "x", ""),
        (
            "",
            "10.0.0.1/24/eth9",
            "ha.d/haresources:1: interface `eth9` is not there; load its driver, or write one that is: hbtest0, hbtest1",
        ),
        (
            "",
            "10.0.0.1",
            "ha.d/haresources:1: only a route through a router leads to service address 10.0.0.1, by hbtest1; \
             write `10.0.0.1/24/hbtest1` with the right number of mask bits",
        ),
        ("ping 10.0.0.9", "x", ""),
        (
            "ping 192.168.2.255",
            "x",
            "ha.d/ha.cf:3: ping node 192.168.2.255 is a network's own address or its broadcast address, which no host has; write \
             a router's address",
        ),
        (
            "logfile /hbtest/log",
            "x",
            "ha.d/ha.cf:3: directory /hbtest is not there, so nothing will be logged; create it",
        ),
    ]);
}

#[test]
fn machines_without_a_way_out() {
    let place = machine("node a b\nucast hbtest0 10.0.0.2\nping 10.0.0.9\n", "a 10.0.0.1\n");
    place.file("proc/net/route", "Iface\n", 0o644);
    assert_eq!(
        missing(&place),
        [
            "ha.d/ha.cf:2: no route leads to 10.0.0.2; bring the interface up, or write an address on its network",
            "ha.d/ha.cf:3: no route leads to ping node 10.0.0.9; write an address that this machine reaches",
            "ha.d/haresources:1: no route leads to service address 10.0.0.1, so it has no interface; \
             bring the interface up, or write `10.0.0.1/24/eth0`",
        ]
    );
    place.file("proc/net/dev", "", 0o644);
    assert_eq!(missing(&place)[0], "ha.d/ha.cf:2: interface `hbtest0` is not there; load its driver");
}

#[test]
fn somebody_else_on_the_serial_line() {
    let place = machine("node a b\nserial /dev/null\n", "a x\n");
    place.file("etc/inittab", "id:3:initdefault:\nS0:2345:respawn:/sbin/agetty -L 9600 null vt100\n", 0o644);
    place.file("proc/cmdline", "ro root=/dev/hda1 console=tty0 console=null,9600\n", 0o644);
    assert_eq!(
        missing(&place),
        [
            "ha.d/ha.cf:2: a getty runs on null (etc/inittab:2) and eats heartbeats; \
             put a # before that line and run `init q`",
            "ha.d/ha.cf:2: the kernel's console is on null and mixes its messages into heartbeats; \
             remove `console=null` from the kernel's command line",
        ]
    );
}

#[test]
fn watchdog_devices() {
    let run = |device: &str, misc: &str| {
        let place = machine(&format!("node a b\nbcast hbtest0\nwatchdog {device}\n"), "a x\n");
        place.file("proc/misc", misc, 0o644);
        missing(&place)
    };
    assert_eq!(
        run("/dev/hbtest", "135 rtc\n"),
        ["ha.d/ha.cf:3: /dev/hbtest is not there; run `modprobe softdog`, then `mknod /dev/hbtest c 10 130`"]
    );
    assert_eq!(
        run("/dev/hbtest", "130 watchdog\n"),
        ["ha.d/ha.cf:3: /dev/hbtest is not there; run `mknod /dev/hbtest c 10 130`"]
    );
    assert_eq!(
        run("/dev/null", "130 watchdog\n"),
        [
            "ha.d/ha.cf:3: /dev/null is the device 1:3, not the watchdog 10:130; write `watchdog /dev/watchdog`"
        ]
    );
    assert_eq!(
        run("/etc/passwd", "130 watchdog\n"),
        ["ha.d/ha.cf:3: /etc/passwd is not a character device; write `watchdog /dev/watchdog`"]
    );
}

#[test]
fn a_kernel_whose_softdog_lets_go_is_named() {
    let run = |release: &str| {
        let place = machine("node a b\nbcast hbtest0\nwatchdog /dev/hbtest\n", "a x\n");
        place.file("proc/sys/kernel/osrelease", release, 0o644);
        let all = missing(&place);
        all.into_iter().filter(|line| line.contains("softdog of")).collect::<Vec<_>>()
    };
    for release in ["2.4.27\n", "2.4.18-14\n", "2.4.33.3\n"] {
        let told = run(release);
        assert!(told.len() == 1 && told[0].contains("nowayout=1"), "{release}: {told:?}");
        assert!(
            told[0].starts_with(&format!("ha.d/ha.cf:3: softdog of Linux {} ", release.trim())),
            "{told:?}"
        );
    }
    for release in ["2.4.20-8\n", "2.4.21-4.EL\n", "2.6.32\n", "6.1.0\n", ""] {
        assert_eq!(run(release), [""; 0], "{release}");
    }
}

#[test]
fn rights() {
    let place = machine("node a b\nbcast hbtest0\nping 192.168.2.1\nrtprio 7\n", "a 192.168.2.50\n");
    place.file("proc/self/status", "Name:\thbd\nCapEff:\t0000000000000000\n", 0o644);
    assert_eq!(
        missing(&place),
        [
            "ha.d/ha.cf:1: memory cannot be locked, and a swapping node beats late; run as root, \
             or raise `ulimit -l` to 1024 KB",
            "ha.d/ha.cf:2: `bcast hbtest0` takes UDP port 694, which only root may; run as root",
            "ha.d/ha.cf:3: `ping 192.168.2.1` sends ICMP, which only root may; run as root",
            "ha.d/ha.cf:4: real-time priority 7 is refused, and a loaded node beats late; run as root, \
             or raise `ulimit -r` to 7",
            "ha.d/haresources:1: service address 192.168.2.50 can be set by root only; run as root",
        ]
    );
    let limits = "Max locked memory         unlimited            unlimited            bytes\n\
                  Max realtime priority     7                    7\n";
    place.file("proc/self/limits", limits, 0o644);
    assert_eq!(missing(&place).len(), 3);
}

#[test]
fn scripts_are_searched_in_order() {
    let place = machine("node a b\nbcast hbtest0\n", "a mail web IPaddr::192.168.2.50\n");
    let dirs = "ha.d/resource.d, rc.d/init.d, init.d";
    assert_eq!(
        missing(&place),
        [
            format!("ha.d/haresources:1: script `mail` is in none of {dirs}; put it into one of these"),
            format!("ha.d/haresources:1: script `web` is in none of {dirs}; put it into one of these"),
        ]
    );
    place.file("rc.d/init.d/mail", "", 0o644);
    place.file("init.d/web", "#!/bin/sh\n", 0o755);
    assert_eq!(
        missing(&place),
        ["ha.d/haresources:1: rc.d/init.d/mail has no run bit; run `chmod 755 rc.d/init.d/mail`"]
    );
    place.file("init.d/mail", "#!/bin/sh\n", 0o755);
    assert_eq!(
        missing(&place),
        ["ha.d/haresources:1: rc.d/init.d/mail has no run bit and init.d/mail is used instead; \
          run `chmod 755 rc.d/init.d/mail`, or remove it"]
    );
    place.file("ha.d/resource.d/mail", "#!/bin/sh\n", 0o755);
    place.file("ha.d/resource.d/IPaddr", "", 0o644);
    place.file("etc/rc.d/rc3.d/S85web", "", 0o755);
    place.file("etc/rc.d/rc3.d/K15web", "", 0o755);
    assert_eq!(
        missing(&place),
        [
            "ha.d/haresources:1: `web` is also started at every boot (etc/rc.d/rc3.d/S85web), on the standby node as \
             well; run `chkconfig web off`, or remove that link",
            "ha.d/haresources:1: ha.d/resource.d/IPaddr has no run bit and hbd's own `IPaddr` is used instead; \
             run `chmod 755 ha.d/resource.d/IPaddr`, or remove it",
        ]
    );
    let (settings, _) = load(&place.paths, Some("a"));
    let settings = settings.expect("settings");
    assert!(settings.core.groups[0].claimable);
}

#[test]
fn a_carried_script_takes_no_other_ones_place() {
    let place = machine("node a b\nbcast hbtest0\n", "a Delay::3 Filesystem::/dev/sda1::/data\n");
    assert!(missing(&place).is_empty());
    place.file("init.d/Delay", "#!/bin/sh\n", 0o644);
    assert_eq!(
        missing(&place),
        ["ha.d/haresources:1: init.d/Delay has no run bit; run `chmod 755 init.d/Delay`"],
        "what that one started the carried one does not know"
    );
    let place = machine("node a b\nbcast hbtest0\n", "a jdmail::/nowhere\n");
    assert_eq!(
        missing(&place),
        [
            "ha.d/haresources:1: script `jdmail` is in none of ha.d/resource.d, rc.d/init.d, init.d; install the mail system in \
          /jdmail (or write `jdmail::DIRECTORY`), for which hbd has a script"
        ]
    );
    let there =
        machine("node a b\nbcast hbtest0\n", &format!("a jdmail::{}\n", std::env::temp_dir().display()));
    assert!(missing(&there).is_empty());
}

#[test]
fn a_file_that_hides_a_carried_script_is_named_with_what_that_costs() {
    let place = machine("node a b\nbcast hbtest0\n", "a IPaddr::192.168.2.50\n");
    let own = "ha.d/resource.d/IPaddr";
    place.file(own, "#!/bin/sh\nifconfig eth0:0 $1\n", 0o755);
    assert_eq!(
        missing(&place),
        [format!(
            "ha.d/haresources:1: {own} hides hbd's own `IPaddr`, which looks after two starts at once, interfaces that are \
             off, the route cache of a 2.4 kernel and repeated announcements; run `mv {own} {own}.off`"
        )]
    );
    if crate::scripts::program::findif().is_some() {
        return;
    }
    for text in ["#!/bin/sh\n. /etc/ha.d/resource.d/hto-mapfuncs\nra_execocf $1\n", "$HA_BIN/findif $1"] {
        place.file(own, text, 0o755);
        assert_eq!(
            missing(&place),
            [format!(
                "ha.d/haresources:1: {own} hides hbd's own `IPaddr` and calls `findif`, which is in none of \
                 /usr/lib/heartbeat, /usr/lib64/heartbeat, /usr/libexec/heartbeat, /usr/local/lib/heartbeat, so every \
                 start fails; run `mv {own} {own}.off`"
            )]
        );
    }
}

#[test]
fn the_original_on_this_machine_is_named_and_a_number_that_it_left_is_not() {
    let place = machine("node a b\nbcast hbtest0\n", "a IPaddr::192.168.2.50\n");
    place.file("run/heartbeat.pid", "      4711\n", 0o644);
    assert_eq!((missing(&place), environment::original(&place.paths)), (Vec::new(), None));
    place.file("proc/4711/stat", "4711 (cron) S 1 1 1 0", 0o644);
    assert_eq!(missing(&place), [""; 0]);
    place.file("proc/4711/stat", "4711 (heartbeat) S 1 1 1 0", 0o644);
    assert_eq!(
        missing(&place),
        ["ha.d/ha.cf:1: Linux-HA Heartbeat runs on this machine [pid 4711] and manages the same services; \
          run `/etc/init.d/heartbeat stop`"]
    );
    assert_eq!(environment::original(&place.paths), Some(4711));
}

#[test]
fn a_script_that_is_nearly_there_is_named_as_it_is() {
    let place =
        machine("node a b\nbcast hbtest0\n", "a JDMail\na ipaddr2::10.0.0.9\nb IPaddr:192.168.2.50\n");
    place.file("rc.d/init.d/jdmail", "#!/bin/sh\nstatus) ;;\n", 0o755);
    let found = missing(&place);
    for line in [
        "ha.d/haresources:1: script `JDMail` is not there, but `jdmail` is, and case matters; write `jdmail`",
        "ha.d/haresources:3: `IPaddr:192.168.2.50` has one colon where two divide a script from its argument; \
         write `IPaddr::192.168.2.50`",
    ] {
        assert!(found.iter().any(|f| f == line), "{line}: {found:?}");
    }
}

#[test]
fn a_script_that_cannot_be_run_is_named_and_takes_the_group_away() {
    let place = machine("node a b\nbcast hbtest0\n", "a dos\na gone\na empty\na folder\na x\n");
    place.file("init.d/dos", "#!/bin/sh\r\nstatus) ;;\r\n", 0o755);
    place.file("init.d/gone", "#!/usr/bin/env nonexistent-9\nstatus) ;;\n", 0o755);
    place.file("init.d/empty", "", 0o755);
    place.file("init.d/folder/file", "", 0o755);
    assert_eq!(
        missing(&place),
        [
            "ha.d/haresources:1: init.d/dos has lines that end as those of DOS do, so its `#!` line names no program; \
             run `dos2unix` on it",
            "ha.d/haresources:2: init.d/gone is a script of `nonexistent-9`, which is not there; install it, or write \
             another first line",
            "ha.d/haresources:3: init.d/empty is empty, so it cannot be run; put the script back",
            "ha.d/haresources:4: init.d/folder is no file; put the script `folder` in its place",
        ]
    );
    let (settings, _) = load(&place.paths, Some("a"));
    let groups = settings.expect("they are no errors of the configuration").core.groups;
    let able: Vec<bool> = groups.iter().map(|group| group.claimable).collect();
    assert_eq!(able, [false, false, false, false, true]);
}

#[test]
fn a_script_without_a_status_is_named() {
    let place = machine("node a b\nbcast hbtest0\nmonitor 10\n", "a mail web all bin\n");
    place.file("init.d/mail", "#!/bin/sh\ncase $1 in\nstart) x;;\nstop) y;;\nesac\n", 0o755);
    place.file("init.d/web", "#!/bin/sh\ncase $1 in\nstart) x;;\nstop) y;;\nstatus) z;;\nesac\n", 0o755);
    place.file("init.d/all", "#!/bin/sh\nexec /opt/all/ctl \"$@\"\n", 0o755);
    place.file("init.d/bin", "\u{7f}ELF stop)", 0o755);
    assert_eq!(
        missing(&place),
        [
            "ha.d/haresources:1: init.d/mail knows no `status`: a stop that answers 0 is believed without a proof, one that \
             answers anything else makes the group stuck, and `monitor` \
          restarts it without end; add one that prints `running` or `stopped`"
        ]
    );
}

#[test]
fn helpers_of_later_parts() {
    let place = machine(
        "node a b\nbcast hbtest0\nrespawn nobody9 /hbtest/reaper\nstonith apc /hbtest/conf\n",
        "a x\n",
    );
    assert_eq!(
        missing(&place),
        [
            "ha.d/ha.cf:3: respawn: there is no user `nobody9`; create it, or write another",
            "ha.d/ha.cf:3: respawn: /hbtest/reaper is not an executable file; write one",
            "ha.d/ha.cf:4: the command `stonith` is in none of /usr/sbin/stonith, /sbin/stonith; install the package that has it \
             (cluster-glue), or write `fence external SCRIPT`",
            "ha.d/ha.cf:4: stonith: /hbtest/conf is not there; write the device's file",
        ]
    );
}

#[test]
fn check_prints_findings_then_the_chain_and_tells_by_its_exit_code() {
    let run = |place: &Place| {
        let mut out = Vec::new();
        let code = check::run(&place.paths, Some("a"), None, &mut out).expect("written");
        (code, String::from_utf8_lossy(&out).replace(&place.path("").display().to_string(), ""))
    };
    let place =
        machine("node a b\nbcast hbtest0 hbtest1\nkeepalive 200ms\ndeadtime 2\nmonitor 10\n", "a x\nb y\n");
    let (code, out) = run(&place);
    assert_eq!(code, check::EXIT_OK);
    assert_eq!(
        out,
        "  keepalive                    200 ms  between two heartbeats\n\
        \x20 warntime                        1 s  silence after which the peer is reported late\n\
        \x20 deadtime                        2 s  silence after which the peer is dead and its groups are claimed\n\
        \x20 initdead                       12 s  the same until the peer was met for the first time\n\
        \x20 script_timeout start           60 s  after which a start counts as failed\n\
        \x20 script_timeout stop            60 s  after which a stop counts as hung\n\
        \x20 script_timeout status          20 s  after which a status counts as failed\n\
        \x20 monitor                        10 s  between two rounds of status; 3 failures in a row restart the group\n\
        \x20 stop that hangs               never  no watchdog: a stop that hangs blocks the peer until `hbd confirm-down`\n\
        \x20 failback                         on  the preferred node takes its groups back\n\
        \n\
        \x20 x prefers a:\n\
        \x20   no address on a network to ask for: claimed on silence alone\n\
        \x20   x                              ha.d/resource.d/x\n\
        \n\
        \x20 y prefers b:\n\
        \x20   no address on a network to ask for: claimed on silence alone\n\
        \x20   y                              ha.d/resource.d/y\n\
        \n\
        ok: configuration errors 0, missing here 0, warnings 0\n"
    );
    fs::remove_file(place.path("ha.d/resource.d/y")).expect("remove");
    place.file(
        "ha.d/ha.cf",
        "node a b\nbcast hbtest0\nserial /dev/null\nwatchdog /dev/watchdog0\ndebug 1\n",
        0o644,
    );
    let (code, out) = run(&place);
    assert_eq!(code, check::EXIT_ENVIRONMENT);
    assert!(out.starts_with("Missing on this machine; hbd starts degraded:\n"), "{out}");
    assert!(out.contains("\nWarnings:\nha.d/ha.cf:5: `debug` has no meaning here"), "{out}");
    assert!(out.contains("  serial /dev/null            20.8 ms  a heartbeat on the line at 19200 baud; 104.1 ms for a first one\n"), "{out}");
    assert!(
        out.contains(
            "  watchdog                       29 s  a node that hangs is reset, 1 s before the peer claims\n"
        ),
        "{out}"
    );
    assert!(out.contains("    y                              missing\n"), "{out}");
    assert!(out.contains("\nnot ok: configuration errors 0, missing here "), "{out}");
    fs::remove_file(place.paths.ha_cf()).expect("remove");
    let (code, out) = run(&place);
    assert_eq!(code, check::EXIT_CONFIGURATION);
    assert!(!out.contains("keepalive"), "no table without a file: {out}");
}

#[test]
fn what_stands_where_a_file_of_hbd_belongs_is_named() {
    let place = machine("node a b\nbcast hbtest0\nlogfile ROOT/log\n", "a x\n");
    place.file("log/x", "", 0o644);
    let text = std::fs::read_to_string(place.path("ha.d/ha.cf")).expect("it is there");
    place.file("ha.d/ha.cf", &text.replace("ROOT", &place.path("").display().to_string()), 0o644);
    place.file("run/heartbeat/hbd.pid/x", "", 0o644);
    place.file("run/heartbeat/resource.d", "", 0o644);
    let mut out = Vec::new();
    check::run(&place.paths, Some("a"), None, &mut out).expect("written");
    let found = String::from_utf8_lossy(&out);
    for words in [
        "hbd.pid is no file, and hbd writes one there; remove it",
        "resource.d is no folder",
        "log is a directory",
    ] {
        assert!(found.contains(words), "{words}: {found}");
    }
}
