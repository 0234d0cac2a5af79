//! The names of the two nodes: case, domains, what a name may hold, and the machine's own.

use super::tests::Place;
use super::*;

#[test]
fn two_files_that_write_the_names_in_two_cases_make_one_cluster() {
    let one = |ha_cf: &str, haresources: &str, node: &str| {
        let (settings, _) = Place::new(ha_cf, haresources, "auth 1\n1 sha1 x\n").load(node);
        settings.expect("settings").core
    };
    let a = one("node HA-1 ha-2\nbcast eth0", "HA-1 x\nha-2 y", "ha-1");
    let b = one("node ha-1 Ha-2\nbcast eth0", "ha-1 x\nHA-2 y", "ha-2");
    assert_eq!((a.cluster, a.side), (b.cluster, b.side.other()));
    for (a, b) in a.groups.iter().zip(&b.groups) {
        assert_eq!((a.name_hash, a.digest, a.preferred), (b.name_hash, b.digest, b.preferred));
    }
    // `B` sorts before `a`, `b` does not.
    let a = one("node a B\nbcast eth0", "a x", "a");
    let b = one("node a b\nbcast eth0", "a x", "b");
    assert_eq!((a.cluster, a.side), (b.cluster, b.side.other()));
}

#[test]
fn a_domain_on_one_name_alone_and_a_dot_at_the_end_are_named() {
    let said =
        |ha_cf: &str, haresources: &str| Place::new(ha_cf, haresources, "auth 1\n1 sha1 x\n").load("a").1;
    assert_eq!(
        said("node a\nnode b.example.org\nbcast eth0", "a x"),
        [
            "ha.d/ha.cf:2: node `b.example.org` has a domain and `a` (line 1) has none: the other node's file must have the same \
          two names, or the two do not hear each other; write what `uname -n` prints on each"
        ]
    );
    assert_eq!(
        said("node a\nnode b.\nbcast eth0", "a x"),
        ["ha.d/ha.cf:2: node `b.` ends in a dot, and no machine's name does; write `b`"]
    );
}

#[test]
fn names_of_nodes() {
    let cross = |ha_cf: &str, haresources: &str, node: &str| {
        Place::new(ha_cf, haresources, "auth 1\n1 sha1 x\n").load(node).1
    };
    for (ha_cf, haresources, expected) in [
        ("bcast eth0", "", "ha.d/ha.cf:1: there is no `node` line; write one for each of the two nodes"),
        (
            "\nnode a\nbcast eth0",
            "a x",
            "ha.d/ha.cf:2: `a` is the only node; write a second `node` line with the other one",
        ),
        (
            "node b\nnode c\nbcast eth0",
            "b x",
            "ha.d/ha.cf:1: --node `a` is not in ha.cf, which names `b` and `c`; write one of these",
        ),
        (
            "node a b",
            "a x",
            "ha.d/ha.cf:1: there is no heartbeat medium; write for example `bcast eth1` or `serial /dev/ttyS0`",
        ),
        (
            "node a b\nbcast eth0\nping 10.0.0.5",
            "a 10.0.0.5",
            "ha.d/ha.cf:3: 10.0.0.5 is a service address (haresources:1), which always answers its holder; \
             write a router's address",
        ),
        (
            "node a b\nbcast eth0\nping_group b 10.0.0.6",
            "a x",
            "ha.d/ha.cf:3: `b` is a node and cannot be a ping node; write a router's address",
        ),
        (
            "node a b\nucast eth0 10.0.0.5",
            "a 10.0.0.5",
            "ha.d/ha.cf:2: 10.0.0.5 is a service address (haresources:1), which moves; \
             write `ucast eth0` and the peer's own address",
        ),
        (
            "node a b\nbcast eth0\nisolated wait",
            "a x",
            "ha.d/ha.cf:3: `isolated` has no effect without a ping node; write for example `ping 192.168.2.1` too",
        ),
    ] {
        let findings: Vec<String> =
            cross(ha_cf, haresources, "a").into_iter().filter(|f| !f.contains("no resource group")).collect();
        assert_eq!(findings, [expected], "{ha_cf}");
    }
    let stonith = cross("node a b\nbcast eth0\nstonith_host c apc x", "a x", "a");
    assert!(
        stonith.contains(&String::from(
            "ha.d/ha.cf:3: stonith_host: `c` is neither a node of ha.cf nor `*`; write one of these"
        )),
        "{stonith:?}"
    );
}

#[test]
fn the_machines_own_name_is_held_against_the_file() {
    let run = |machine: &str| {
        let mut findings = Findings::new();
        let report = &mut Report::new("ha.cf", &mut findings);
        let cf = ha_cf::parse(b"node ha-1\nnode ha-2\n", report);
        let own = names::own_and_peer(&cf, None, machine, report);
        (own.map(|(own, _)| own), findings.as_slice().first().map(ToString::to_string))
    };
    assert_eq!(run("ha-2"), (Some(String::from("ha-2")), None));
    let text = |machine| run(machine).1.unwrap_or_default();
    assert_eq!(
        text("web"),
        "ha.cf:1: current node `web` (uname -n) is not in ha.cf, which names `ha-1` and `ha-2`; \
         write its name into a `node` line, or say which one this is with --node"
    );
    assert_eq!(
        text("ha-2.example.com"),
        "ha.cf:2: current node `ha-2.example.com` (uname -n) is not in ha.cf, which names `ha-1` and `ha-2`; \
         write `node ha-2.example.com` instead of `ha-2`, here and in haresources"
    );
    let (own, said) = run("HA-2");
    assert_eq!(own.as_deref(), Some("ha-2"));
    assert_eq!(
        said.unwrap_or_default(),
        "ha.cf:2: node `ha-2` differs in case from this machine's name `HA-2`, and is taken for it, as Heartbeat does"
    );
    assert!(text("a\u{1b}[2J").contains("`a\\u{1b}[2J`"), "no control character reaches the terminal");
}
