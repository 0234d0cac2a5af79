//! A machine made of files: what is on it already, and in the way.

use super::tests::{machine, missing};
use crate::config::tests::Place;
use crate::config::{check, environment, load};
use crate::control::words::Whose;
use std::fs;

#[test]
fn a_service_address_that_the_network_sets_itself_is_named() {
    let place = machine("node a b\nbcast hbtest0\n", "a 192.168.2.50 192.168.2.51\nb IPaddr::192.168.2.52\n");
    assert_eq!(missing(&place), [""; 0]);
    let scripts = "etc/sysconfig/network-scripts";
    place.file(&format!("{scripts}/ifcfg-eth0"), "DEVICE=eth0\nIPADDR=192.168.2.1\n", 0o644);
    place.file(
        &format!("{scripts}/ifcfg-eth0:0"),
        "DEVICE=eth0:0\n#IPADDR=192.168.2.51\nIPADDR=\"192.168.2.50\"\n",
        0o644,
    );
    place.file("etc/network/interfaces", "iface eth0:1 inet static\n  address 192.168.2.52/24\n", 0o644);
    let set = |line: u8, ip: u8, at: &str| {
        format!(
            "ha.d/haresources:{line}: service address 192.168.2.{ip} is set at every boot (etc/{at}), on the standby node \
             as well; take it out there, for hbd sets it"
        )
    };
    let first = "sysconfig/network-scripts/ifcfg-eth0:0:3";
    assert_eq!(missing(&place), [set(1, 50, first), set(2, 52, "network/interfaces:2")]);
}

#[test]
fn files_of_newer_networks_are_read_too() {
    let place = machine("node a b\nbcast hbtest0\n", "a 192.168.2.50\n");
    for (file, text) in [
        ("etc/netplan/01.yaml", "network:\n  ethernets:\n    eth0:\n      addresses: [192.168.2.50/24]\n"),
        ("etc/NetworkManager/system-connections/lan", "[ipv4]\nmethod=manual\naddress1=192.168.2.50/24\n"),
        ("etc/systemd/network/lan.network", "[Network]\nAddress=192.168.2.50/24\n"),
        ("etc/network/interfaces.d/lan", "iface eth0 inet static\naddress 192.168.2.50\n"),
    ] {
        place.file(file, text, 0o644);
        let found = missing(&place);
        assert!(found.len() == 1 && found[0].contains(&format!("({file}:")), "{file}: {found:?}");
        fs::remove_file(place.path(file)).expect("remove");
    }
}

/// What `hbd check` finds, with what a running daemon says.
fn checked(place: &Place, running: Option<&environment::Running>) -> String {
    let mut out = Vec::new();
    check::run(&place.paths, Some("a"), running, &mut out).expect("written");
    String::from_utf8_lossy(&out).replace(&place.path("").display().to_string(), "")
}

#[test]
fn a_ping_node_that_says_nothing_is_named() {
    let place = machine(
        "node a b\nucast hbtest0 192.168.2.9\nping 127.0.0.1\nping 192.168.2.9\nping 192.168.2.8\n",
        "a x\n",
    );
    place.file("etc/hosts", "127.0.0.1 localhost\n192.168.2.8 B.example.com # the other\n", 0o644);
    let found = missing(&place);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("ha.d/ha.cf:3: ping node 127.0.0.1 is this machine itself"), "{found:?}");
    assert!(
        found[1].starts_with("ha.d/ha.cf:4: ping node 192.168.2.9 is the other node (line 2)"),
        "{found:?}"
    );
    assert!(
        found[2].starts_with("ha.d/ha.cf:5: ping node 192.168.2.8 is the other node (etc/hosts:2)"),
        "{found:?}"
    );
}

#[test]
fn who_has_the_port_is_named_unless_hbd_runs() {
    let place = machine("node a b\nbcast hbtest0 hbtest1\n", "a x\n");
    let head =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
    let socket =
        "  1: 00000000:02B6 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2\n";
    place.file("proc/net/udp", &format!("{head}{socket}"), 0o644);
    assert!(
        checked(&place, None)
            .contains("UDP port 694 of `bcast hbtest0` is taken by the kernel, or by a process")
    );
    place.file("proc/812/cmdline", "/usr/sbin/rpc.mountd\0-p\0", 0o444);
    fs::create_dir_all(place.path("proc/812/fd")).expect("folder");
    std::os::unix::fs::symlink("socket:[4711]", place.path("proc/812/fd/3")).expect("link");
    let text = checked(&place, None);
    assert!(text.contains("is taken by rpc.mountd [pid 812]; end it"), "{text}");
    assert!(text.ends_with("not ok: configuration errors 0, missing here 2, warnings 0\n"), "{text}");
    assert!(!checked(&place, Some(&environment::Running::default())).contains("taken"));
}

#[test]
fn a_service_address_that_is_here_already_is_named_unless_the_group_is() {
    // An address of the machine that runs the tests, found by its loopback as another one is by its interface.
    let place = machine("node a b\nbcast hbtest0 hbtest1\n", "a x\n");
    let address = super::super::address::parse("10.0.0.1").expect("an address");
    let loopback = crate::config::settings::ServiceAddress { ip: core::net::Ipv4Addr::LOCALHOST, ..address };
    let (settings, _) = load(&place.paths, Some("a"));
    let mut groups = settings.expect("settings").source.groups.clone();
    groups[0].value.resources[0].address = Some(loopback);
    let look = |running: Option<&environment::Running>| {
        let mut findings = crate::config::Findings::new();
        super::network::here(running, &groups, &mut super::Report::new("h", &mut findings));
        findings.as_slice().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let found = look(None);
    assert!(found[0].starts_with("h:1: service address 127.0.0.1 is on lo of this machine now"), "{found:?}");
    let daemon = |holds: &[&str]| environment::Running {
        holds: holds.iter().map(ToString::to_string).collect(),
        ..environment::Running::default()
    };
    assert_eq!(look(Some(&daemon(&[]))).len(), 1);
    assert_eq!(look(Some(&daemon(&["x"]))), [""; 0]);
}

#[test]
fn what_a_running_daemon_found_out_is_named_at_the_line_that_mends_it() {
    let place = machine(
        "node a b\nbcast hbtest0\nserial /dev/ttyS0\nping 192.168.2.8\nping 192.168.2.9\n",
        "a x\nb y\n",
    );
    let own = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let daemon = environment::Running {
        own: String::from("a"),
        twin: true,
        spent: own(&["y"]),
        mirrors: [("192.168.2.9", Whose::Peer), ("192.168.2.8", Whose::Own)]
            .map(|(host, whose)| (host.to_string(), whose))
            .into(),
        unsigned: own(&["hbtest0", "ttyS0"]),
        ..environment::Running::default()
    };
    let text = checked(&place, Some(&daemon));
    for line in [
        "ha.d/ha.cf:1: another machine calls itself a, as the daemon here hears, and nothing new is claimed here; stop hbd",
        "ha.d/ha.cf:2: frames come on hbtest0, none signed with a key of ours; make authkeys the same on both nodes",
        "ha.d/ha.cf:3: frames come on ttyS0, none signed with a key of ours; make authkeys the same on both nodes",
        "ha.d/ha.cf:4: ping node 192.168.2.8 is this machine itself, as the daemon here sees",
        "ha.d/ha.cf:5: ping node 192.168.2.9 is the other node, as the daemon here sees",
        "ha.d/haresources:2: the epochs of group y are spent",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn gettys_of_every_kind_are_named() {
    let place = machine("node a b\nserial /dev/null\n", "a x\n");
    place.file("proc/77/cmdline", "/sbin/agetty\0-L\09600\0null\0", 0o444);
    assert_eq!(
        missing(&place),
        [
            "ha.d/ha.cf:2: a getty runs on null (agetty [pid 77]) and eats heartbeats; find what starts it and end that, \
          such as `systemctl mask --now serial-getty@null.service`"
        ]
    );
    place.file("etc/systemd/system/getty.target.wants/serial-getty@null.service", "", 0o644);
    assert_eq!(
        missing(&place),
        [
            "ha.d/ha.cf:2: a getty runs on null (etc/systemd/system/getty.target.wants/serial-getty@null.service) and eats \
          heartbeats; run `systemctl disable --now serial-getty@null.service`"
        ]
    );
    place.file(
        "etc/init/null.conf",
        "start on runlevel [23]\nexec /sbin/getty -L 115200 null vt102\n",
        0o644,
    );
    assert_eq!(
        missing(&place),
        ["ha.d/ha.cf:2: a getty runs on null (etc/init/null.conf) and eats heartbeats; \
          run `initctl stop null` and `mv etc/init/null.conf etc/init/null.conf.off`"]
    );
}

#[test]
fn a_status_group_must_be_there() {
    let place = machine("node a b\nbcast hbtest0\nstatus_group nagios\n", "a x\n");
    assert_eq!(
        missing(&place),
        [
            "ha.d/ha.cf:3: status_group: there is no group `nagios`, so only root may ask; run `groupadd nagios`, \
          or write another"
        ]
    );
    place.file("etc/group", "root:x:0:\nnagios:x:108:icinga\n", 0o644);
    assert_eq!(missing(&place), [""; 0]);
    assert_eq!(environment::group_number(&place.paths, "nagios"), Some(108));
}

#[test]
fn one_way_out_and_times_in_the_wrong_unit() {
    let text = checked(&machine("node a b\nbcast hbtest0\nmcast hbtest0 225.0.0.1 694 1 0\n", "a x\n"), None);
    assert!(text.contains("ha.d/ha.cf:2: all heartbeats go by hbtest0"), "{text}");
    let text = checked(
        &machine(
            "node a b\nbcast hbtest0 hbtest1\nkeepalive 2000\ndeadtime 30000\ninitdead 60000\n",
            "a x\n",
        ),
        None,
    );
    for line in
        ["ha.cf:3: keepalive 2000 is 33 min", "ha.cf:4: deadtime 30000 is 500 min", "ha.cf:5: initdead 60000"]
    {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(text.contains("write `keepalive 2000ms`"), "{text}");
    let text =
        checked(&machine("node a b\nbcast hbtest0 hbtest1\nkeepalive 2\ndeadtime 1000\n", "a x\n"), None);
    assert!(!text.contains("milliseconds are meant"), "{text}");
}
