//! Whole configurations: the seed's files as they are, corrected, damaged.

use super::*;
use core::sync::atomic::{AtomicU32, Ordering};
use hb_core::Side;
use std::fs;
use std::os::unix::fs::PermissionsExt;

const HA_CF: &str = include_str!("../../tests/seed/ha.cf");
const HARESOURCES: &str = include_str!("../../tests/seed/haresources");
const AUTHKEYS: &str = include_str!("../../tests/seed/authkeys");
const CORRECTED: &str = include_str!("../../tests/seed/corrected/haresources");
const NULL_MODEM: &str = include_str!("../../tests/seed/null-modem/ha.cf");

/// A directory with a configuration and a machine around it, removed at the end.
pub(super) struct Place {
    root: PathBuf,
    pub(super) paths: Paths,
}

impl Place {
    pub(super) fn new(ha_cf: &str, haresources: &str, authkeys: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("hbd-config-{}-{number}", std::process::id()));
        let paths = Paths {
            config_dir: root.join("ha.d"),
            init_dirs: vec![root.join("rc.d/init.d"), root.join("init.d")],
            proc_dir: root.join("proc"),
            etc_dir: root.join("etc"),
            pid_dir: root.join("run"),
            run_dir: root.join("run/heartbeat"),
            state_dir: root.join("lib/heartbeat"),
            cron_dir: root.join("cron"),
        };
        let place = Self { root, paths };
        place.file("ha.d/ha.cf", ha_cf, 0o644);
        place.file("ha.d/haresources", haresources, 0o644);
        place.file("ha.d/authkeys", authkeys, 0o600);
        place
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(super) fn file(&self, name: &str, text: &str, mode: u32) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directory");
        fs::write(&path, text).expect("write");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("mode");
    }

    /// `findings` without the directory's name in them.
    pub(super) fn texts(&self, findings: &Findings) -> Vec<String> {
        let root = format!("{}/", self.root.display());
        findings.as_slice().iter().map(|f| f.to_string().replace(&root, "")).collect()
    }

    pub(super) fn load(&self, node: &str) -> (Option<Settings>, Vec<String>) {
        let (settings, findings) = load(&self.paths, Some(node));
        (settings, self.texts(&findings))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.root).expect("remove");
    }
}

fn settings(ha_cf: &str, haresources: &str, authkeys: &str, node: &str) -> Settings {
    let (settings, findings) = Place::new(ha_cf, haresources, authkeys).load(node);
    settings.unwrap_or_else(|| panic!("{findings:?}"))
}

#[test]
fn the_seeds_files_disagree_and_that_is_said_exactly() {
    let place = Place::new(HA_CF, HARESOURCES, AUTHKEYS);
    let (settings, findings) = place.load("ha-1");
    assert!(settings.is_none());
    assert_eq!(
        findings,
        [
            "ha.d/authkeys:47: the key that signs is crc: everyone on the network of `bcast eth1` can speak for the \
             peer; write a sha1 key, unless nobody else is on it",
            "ha.d/haresources:293: node `ha-a` is not in ha.cf, which names `ha-1` (ha.cf:38) and `ha-2` (ha.cf:40); \
             write `ha-1` or `ha-2` here",
        ]
    );
    let mut out = Vec::new();
    assert_eq!(check::run(&place.paths, Some("ha-1"), None, &mut out).ok(), Some(check::EXIT_CONFIGURATION));
    let out = String::from_utf8_lossy(&out);
    assert!(out.starts_with("Configuration errors; hbd does not start with these:\n"), "{out}");
    assert!(out.contains("ha.d/haresources:293: node `ha-a` is not in ha.cf"), "{out}");
    // The rest of the group is examined all the same.
    assert!(out.contains("script `jdmail` is in none of"), "{out}");
}

#[test]
fn the_corrected_seed_is_understood_on_both_nodes() {
    let one = settings(HA_CF, CORRECTED, AUTHKEYS, "ha-1");
    let two = settings(HA_CF, CORRECTED, AUTHKEYS, "ha-2");
    assert_eq!((one.own.as_str(), one.peer.as_str()), ("ha-1", "ha-2"));
    assert_eq!((two.own.as_str(), two.peer.as_str()), ("ha-2", "ha-1"));
    assert_eq!(one.links, [Medium::Bcast { iface: String::from("eth1"), port: 694 }]);
    assert_eq!(one.pings.len(), 1);
    let watchdog =
        WatchdogSettings { device: PathBuf::from("/dev/watchdog"), timeout_s: 8, busy: WatchdogBusy::Serve };
    assert_eq!(one.watchdog, Some(watchdog));
    assert_eq!(one.log.logfile, Some(PathBuf::from("/var/log/ha-log")));
    assert_eq!(one.log.debugfile, Some(PathBuf::from("/var/log/ha-debug")));
    assert_eq!(one.log.facility, Some(Facility { name: "local0", code: 16 }));
    let t = one.timing;
    assert_eq!(
        [t.keepalive, t.warntime, t.deadtime, t.initdead, t.deadping].map(|d| d.as_millis()),
        [2000, 8000, 10_000, 120_000, 10_000]
    );

    let [group] = one.groups.as_slice() else { panic!("{:?}", one.groups) };
    assert_eq!((group.name.as_str(), group.preferred.as_str()), ("192.168.2.50", "ha-1"));
    let [address, script] = group.resources.as_slice() else { panic!("{group:?}") };
    assert_eq!(
        (address.name.as_str(), address.args.as_slice()),
        ("IPaddr", [String::from("192.168.2.50")].as_slice())
    );
    assert_eq!(address.script, Script::Embedded);
    assert_eq!(address.address.as_ref().map(|a| a.ip), Some(Ipv4Addr::new(192, 168, 2, 50)));
    assert_eq!((script.name.as_str(), &script.script, script.line), ("jdmail", &Script::Missing, 293));

    assert_eq!((one.core.side, two.core.side), (Side::Even, Side::Odd));
    assert!(one.core.failback && one.core.validate().is_ok());
    assert_eq!(one.core.groups[0].preferred, Side::Even);
    assert!(!one.core.groups[0].claimable, "jdmail is missing");
    assert_eq!(one.core.peer_name.as_str(), "ha-2");
    // What both nodes compare is the same on both.
    assert_eq!(one.core.cluster, two.core.cluster);
    assert_eq!(one.core.timing_digest, two.core.timing_digest);
    assert_eq!(one.core.groups[0].digest, two.core.groups[0].digest);
    assert_eq!(one.config_digest, two.config_digest);
}

#[test]
fn the_null_modem_variant_has_both_links() {
    let one = settings(NULL_MODEM, CORRECTED, AUTHKEYS, "ha-1");
    let names: Vec<String> = one.links.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["serial /dev/ttyS0", "bcast eth1"]);
    assert_eq!(
        one.links[0],
        Medium::Serial { device: PathBuf::from("/dev/ttyS0"), baud: 19_200, rtscts: false }
    );
    assert_eq!(one.core.links.len(), 2);
}

#[test]
fn digests_change_with_what_they_cover_and_with_nothing_else() {
    let base = "node a b\nbcast eth0\nkeepalive 1\ndeadtime 10\n";
    let digests = |cf: &str, resources: &str| {
        let s = settings(cf, resources, "auth 1\n1 sha1 x\n", "a");
        let groups: Vec<(u32, u32)> = s.core.groups.iter().map(|g| (g.name_hash, g.digest)).collect();
        (s.core.timing_digest, groups, s.config_digest, s.core.cluster)
    };
    let (timing, groups, config, cluster) = digests(base, "a 10.0.0.5 x\nb y\n");
    let same = digests(
        &format!("{base}warntime 5\ninitdead 60\n"),
        "# said otherwise\nb   y\na IPaddr::10.0.0.5 \\\nx\n",
    );
    assert_eq!((same.0, same.2, same.3), (timing, config, cluster));
    assert_eq!(same.1, [groups[1], groups[0]], "groups go by name, not by position");
    let slower = digests(&base.replace("deadtime 10", "deadtime 11"), "a 10.0.0.5 x\nb y\n");
    assert!(slower.0 != timing && slower.2 != config && slower.1 == groups);
    let longer = digests(base, "a 10.0.0.5 x z\nb y\n");
    assert!(longer.1[0].0 == groups[0].0 && longer.1[0].1 != groups[0].1 && longer.2 != config);
    let moved = digests(base, "b 10.0.0.5 x\nb y\n");
    assert!(moved.1[0].0 == groups[0].0 && moved.1[0].1 != groups[0].1);
}

#[test]
fn failback_is_on_unless_a_directive_says_otherwise() {
    for (line, expected) in [
        ("", true),
        ("nice_failback on", false),
        ("nice_failback off", true),
        ("auto_failback off", false),
        ("auto_failback legacy", true),
        ("auto_failback off\nnice_failback on", false),
    ] {
        let text = format!("node a b\nbcast eth0\n{line}\n");
        assert_eq!(settings(&text, "a x", "auth 1\n1 md5 x\n", "b").core.failback, expected, "{line}");
    }
}

#[test]
fn log_files_have_defaults_only_without_a_facility() {
    let log = |line: &str| {
        let text = format!("node a b\nbcast eth0\n{line}\n");
        let log = settings(&text, "a x", "auth 1\n1 md5 x\n", "a").log;
        let path = |p: Option<PathBuf>| p.map_or_else(|| String::from("-"), |p| p.display().to_string());
        format!("{} {} {}", path(log.logfile), path(log.debugfile), log.facility.map_or("-", |f| f.name))
    };
    assert_eq!(log(""), "/var/log/ha-log /var/log/ha-debug -");
    assert_eq!(log("logfacility none"), "/var/log/ha-log /var/log/ha-debug -");
    assert_eq!(log("logfacility daemon"), "- - daemon");
    assert_eq!(log("logfacility daemon\nlogfile /tmp/x"), "/tmp/x - daemon");
}

#[test]
fn files_that_are_missing_or_no_files() {
    let place = Place::new("", "", "");
    for name in ["ha.cf", "haresources", "authkeys"] {
        fs::remove_file(place.paths.config_dir.join(name)).expect("remove");
    }
    fs::create_dir(place.paths.haresources()).expect("directory");
    assert_eq!(
        place.load("a").1,
        [
            "ha.d/authkeys:1: there is no such file; write the file and `chmod 600` it",
            "ha.d/ha.cf:1: there is no such file; write the file, or name its directory with --config-dir",
            "ha.d/haresources:1: it is not a regular file; write the file, or name its directory with --config-dir",
        ]
    );
    place.file("ha.d/ha.cf", &"#".repeat(70_000), 0o644);
    assert!(
        place
            .load("a")
            .1
            .contains(&String::from("ha.d/ha.cf:1: the file is larger than 64 KB; write a shorter one"))
    );
    place.file("ha.d/authkeys", &"#".repeat(9000), 0o600);
    assert_eq!(
        place.load("a").1[0],
        "ha.d/authkeys:1: the file is larger than 8 KB; write the `auth` line and at most 16 keys"
    );
}

#[test]
fn keys_that_others_can_get_at_are_refused() {
    let place = Place::new("node a b\nbcast eth0", "a x", "");
    for mode in [0o644, 0o640, 0o604, 0o620] {
        place.file("ha.d/authkeys", "auth 1\n1 sha1 s3cret\n", mode);
        let (settings, findings) = place.load("a");
        assert!(settings.is_none());
        assert_eq!(
            findings,
            [format!(
                "ha.d/authkeys:1: mode {mode:03o} lets others than the owner at the keys; run `chmod 600 ha.d/authkeys`"
            )]
        );
    }
    for mode in [0o600, 0o400, 0o700] {
        place.file("ha.d/authkeys", "auth 1\n1 sha1 s3cret\n", mode);
        assert!(place.load("a").0.is_some(), "{mode:o}");
        fs::remove_file(place.paths.authkeys()).expect("remove");
    }
    place.file("ha.d/authkeys", "auth 2\n1 sha1 s3cret\n2 md5 0ther\n", 0o600);
    assert_eq!(authkeys::load(&place.paths.authkeys()).map(|keys| keys.ring.signer()).ok(), Some(2));
}

#[test]
fn a_misspelt_file_is_named_with_the_line_that_mends_it() {
    for (wrong, right) in [
        ("Authkeys", "authkeys"),
        ("AuthKeys", "authkeys"),
        ("auth_keys", "authkeys"),
        ("authkey", "authkeys"),
        ("authkeys.txt", "authkeys"),
        ("HA.cf", "ha.cf"),
        ("ha_cf", "ha.cf"),
        ("ha.conf", "ha.cf"),
        ("haresource", "haresources"),
        ("haResources", "haresources"),
    ] {
        let place = Place::new("node a b\nbcast eth0", "a x", "auth 1\n1 sha1 s3cret\n");
        fs::rename(place.path(&format!("ha.d/{right}")), place.path(&format!("ha.d/{wrong}")))
            .expect("renamed");
        assert_eq!(
            place.load("a").1,
            [format!(
                "ha.d/{right}:1: there is no such file, but ha.d/{wrong} is there; run `mv ha.d/{wrong} ha.d/{right}`"
            )]
        );
    }
    let place = Place::new("node a b\nbcast eth0", "a x", "");
    fs::remove_file(place.paths.authkeys()).expect("removed");
    place.file("ha.d/authkeys.old", "auth 1\n", 0o600);
    fs::create_dir(place.path("ha.d/Authkeys")).expect("a directory");
    assert_eq!(
        place.load("a").1,
        ["ha.d/authkeys:1: there is no such file; write the file and `chmod 600` it"],
        "neither an old file nor a directory was meant to be it"
    );
}

#[test]
fn own_addresses_in_ucast_lines_are_left_out() {
    let run = |text: &str| {
        let mut findings = Findings::new();
        let report = &mut Report::new("ha.cf", &mut findings);
        let mut cf = ha_cf::parse(text.as_bytes(), report);
        leave_out_own_ucast(&mut cf, |ip| ip.is_loopback() || ip.octets()[3] == 1, report);
        let names: Vec<String> = cf.links.iter().map(|l| l.value.to_string()).collect();
        (names, findings.as_slice().first().map(ToString::to_string))
    };
    let both = run("ucast eth0 10.0.0.1\nucast eth0 10.0.0.2\n");
    assert_eq!(both, (vec![String::from("ucast eth0 10.0.0.2")], None));
    assert_eq!(run("ucast lo 127.0.0.1").0.len(), 1);
    let by_name = run("ucast eth0 127.0.0.1\n");
    assert!(by_name.0.is_empty() && by_name.1.is_some_and(|text| text.contains("to itself only")));
    assert_eq!(
        run("\nucast eth0 10.0.0.1").1.as_deref(),
        Some(
            "ha.cf:2: this node would send heartbeats to itself only; write the peer's address into another `ucast`"
        )
    );
}

#[test]
fn everything_wrong_is_reported_in_one_run() {
    let place = Place::new(
        "node ha-1\nnode ha-2\nnode ha-3\nkeepalive 10s\nfrobnicate\nbcast eth0:1\n",
        "ha-a 10.0.0.1/255.0.0.0 /bin/x\nha-1\n",
        "1 crc\n2 sha1\n",
    );
    let (settings, findings) = place.load("nobody");
    assert!(settings.is_none());
    let places: Vec<&str> = findings.iter().map(|f| f.split(": ").next().unwrap_or_default()).collect();
    assert_eq!(
        places,
        [
            "ha.d/authkeys:1",
            "ha.d/authkeys:2",
            "ha.d/ha.cf:1",
            "ha.d/ha.cf:3",
            "ha.d/ha.cf:4",
            "ha.d/ha.cf:5",
            "ha.d/ha.cf:6",
            "ha.d/haresources:1",
            "ha.d/haresources:1",
            "ha.d/haresources:1",
            "ha.d/haresources:2",
        ],
        "{findings:#?}"
    );
}

/// A small linear congruential generator: the same bytes on every run.
struct Lcg(u64);

impl Lcg {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % below.max(1)
    }
}

/// Everything that is read from a file, on bytes in memory.
fn swallow(ha_cf: &[u8], haresources: &[u8]) {
    let mut findings = Findings::new();
    let report = &mut Report::new("f", &mut findings);
    let mut cf = ha_cf::parse(ha_cf, report);
    let _ = chain::resolve(&cf, report);
    let _ = names::own_and_peer(&cf, None, "ha-1", report);
    leave_out_own_ucast(&mut cf, |_| false, report);
    let groups = haresources::parse(haresources, &cf.nodes, "ha.cf", report);
    names::cross(&cf, &groups, report);
    for finding in findings.as_slice() {
        assert!(!finding.text.contains(|c: char| c.is_control()), "{finding}");
        assert!(finding.text.contains("; "), "{finding} does not say what to write");
    }
}

#[test]
fn no_bytes_make_it_panic() {
    let mut lcg = Lcg(1);
    // Full lines only, so that damage falls on what is read and not on comments.
    let lines = |text: &str| -> Vec<u8> {
        text.lines().filter(|l| !l.starts_with('#')).flat_map(|l| l.bytes().chain([b'\n'])).collect()
    };
    let cf = [
        lines(NULL_MODEM),
        b"mcast eth1 225.0.0.1 694 1 0\nmonitor 5 failures 2\nscript_timeout stop 5\n".to_vec(),
    ]
    .concat();
    let resources =
        [lines(CORRECTED), b"ha-2 10.0.0.1/24/eth0/10.0.0.255 a::b::c \\\n d\n".to_vec()].concat();
    for end in 0..cf.len() {
        swallow(&cf[..end], &resources[..end.min(resources.len())]);
    }
    for end in 0..HARESOURCES.len() {
        swallow(b"", &HARESOURCES.as_bytes()[..end]);
    }
    for _ in 0..3000 {
        let (mut cf, mut resources) = (cf.clone(), resources.clone());
        for _ in 0..=lcg.next(8) {
            let (a, b) = (lcg.next(cf.len()), lcg.next(resources.len()));
            cf[a] = u8::try_from(lcg.next(256)).unwrap_or(0);
            resources[b] = u8::try_from(lcg.next(256)).unwrap_or(0);
        }
        swallow(&cf, &resources);
        let noise: Vec<u8> = (0..lcg.next(200)).map(|_| u8::try_from(lcg.next(256)).unwrap_or(0)).collect();
        swallow(&noise, &noise);
    }
}

#[test]
fn no_bytes_in_authkeys_make_it_panic() {
    let place = Place::new("", "", "");
    let mut lcg = Lcg(2);
    let text = b"auth 2\n1 crc\n2 sha1 HI!\n3 md5 Hello!\n15 sha256 x\n";
    for _ in 0..300 {
        let mut bytes = text[..lcg.next(text.len() + 1)].to_vec();
        for _ in 0..lcg.next(6) {
            let at = lcg.next(bytes.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte = u8::try_from(lcg.next(256)).unwrap_or(0);
            }
        }
        fs::write(place.paths.authkeys(), &bytes).expect("write");
        if let Err(faults) = authkeys::load(&place.paths.authkeys()) {
            assert!(!faults.is_empty());
        }
    }
}

#[test]
fn what_may_be_in_an_unreadable_line_is_not_called_missing() {
    let place = Place::new("node a b\0\nbcast \u{e9}th0\n", "a \u{e9}\n", "auth 1\n1 crc\n");
    let byte = |at: &str, n: u8| {
        format!("ha.d/{at}: byte 0x{n:02x} is not plain text; write ASCII letters, digits and signs only")
    };
    let expected = [byte("ha.cf:1", 0), byte("ha.cf:2", 0xC3), byte("haresources:1", 0xC3)];
    assert_eq!(place.load("a").1, expected);
}
