//! The child with real programs.

use super::{Client, IDLE, REREAD, Setup, launch};
use crate::config::Paths;
use crate::sys::poll::sleep_ms;
use crate::sys::process;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("hbd-attend-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        for below in ["notify.d", "rc.d", "etc"] {
            fs::create_dir_all(dir.join(below)).unwrap();
        }
        fs::write(dir.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
            .unwrap();
        fs::write(dir.join("etc/group"), "more:x:77:nobody\n").unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();
        Self(dir)
    }

    fn script(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }

    fn setup(&self, clients: Vec<Client>) -> Setup {
        let env = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin".into(), format!("OUT={}", self.0.display())];
        let mut paths = Paths::new(&self.0);
        paths.etc_dir = self.0.join("etc");
        Setup { clients, paths, own: "a".into(), env: env.into(), limits_ms: (1500, 1500) }
    }

    fn wait(&self, what: &str, done: impl Fn() -> bool) {
        for _ in 0..3000 {
            if done() {
                return;
            }
            sleep_ms(10);
        }
        panic!("{what}: {}", self.read("out"));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn hooks_are_called_in_order_and_one_that_hangs_is_ended() {
    let place = Place::new("hooks");
    place.script(
        "notify.d/10-slow",
        "[ $HBD_NEW = stopping ] && exec sleep 600; sleep 0.2; echo slow $1 $HBD_NEW >> $OUT/out",
    );
    place.script("notify.d/20-fast", "echo fast $1 $HBD_GROUP $HBD_OLD $HBD_NEW >> $OUT/out");
    place.script("notify.d/20-fast~", "echo never >> $OUT/out");
    place.script("rc.d/status", "echo status $1 $HA_src $HA_st $HA_OSTATUS >> $OUT/out");
    place.script("rc.d/ip-request", "$HA_BIN/req_resource; echo never >> $OUT/out");
    let setup = place.setup(Vec::new());
    assert!(setup.has_work());
    let (pid, news, lines) = launch(&setup, false).unwrap();
    for line in [
        "HBD_EVENT=group\u{1f}HBD_GROUP=g\u{1f}HBD_OLD=idle\u{1f}HBD_NEW=starting",
        "HBD_EVENT=group\u{1f}HBD_GROUP=g\u{1f}HBD_OLD=held\u{1f}HBD_NEW=stopping\u{1f}HA_t=ip-request",
        "HBD_EVENT=peer\u{1f}HBD_NEW=dead\u{1f}HA_t=status\u{1f}HA_src=b\u{1f}HA_st=dead\u{1f}HA_OSTATUS=active",
    ] {
        news.write(format!("{line}\n").as_bytes()).unwrap();
    }
    place.wait("the last one is told", || place.read("out").contains("status status b dead active"));
    assert_eq!(
        place.read("out"),
        "slow group starting\nfast group g idle starting\nfast group g held stopping\nslow peer dead\n\
         fast peer dead\nstatus status b dead active\n"
    );
    drop(news);
    process::wait_for(pid);
    let mut buf = [0; 4096];
    let said = lines.read(&mut buf).unwrap().unwrap();
    let said = String::from_utf8_lossy(&buf[..said]).into_owned();
    assert!(
        said.contains("10-slow hangs and is ended") && said.contains("ip-request is Linux-HA's own"),
        "{said}"
    );
}

#[test]
fn programs_are_kept_and_ended_in_order() {
    if process::effective_uid() != 0 {
        return;
    }
    let place = Place::new("clients");
    let program = |name: &str, text: &str, user: &str| Client {
        user: user.into(),
        words: [place.script(name, text), "word".into()].into(),
    };
    let stays = "trap 'echo $0 ends >> $OUT/ends; exit' TERM; while :; do sleep 0.05; done";
    let clients = Vec::from([
        program("first", stays, "root"),
        program("second", &format!("echo $1 $(id -u) $(id -G) >> $OUT/out; {stays}"), "nobody"),
        program("dies", "echo x >> $OUT/lives", "root"),
        program("done", "echo x >> $OUT/asked; exit 100", "root"),
        program("nobody-knows", "echo x >> $OUT/none", "stranger"),
    ]);
    let setup = place.setup(clients);
    let (pid, news, lines) = launch(&setup, false).unwrap();
    place.wait("one is given up", || place.read("lives").lines().count() == 11);
    place.wait("one runs as its user", || place.read("out") == "word 65534 65534 77\n");
    drop(news);
    process::wait_for(pid);
    assert_eq!(place.read("lives").lines().count(), 11);
    assert_eq!((place.read("asked").as_str(), place.read("none").as_str()), ("x\n", ""));
    let ends = place.read("ends");
    let order: Vec<&str> = ends.lines().filter_map(|line| line.split('/').next_back()).collect();
    assert_eq!(order, ["second ends", "first ends"]);
    let mut buf = [0; 8192];
    let said = lines.read(&mut buf).unwrap().unwrap();
    let said = String::from_utf8_lossy(&buf[..said]).into_owned();
    for part in ["dies is given up", "done ended with 100", "there is no user stranger"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_reload_ends_what_is_gone_starts_what_is_new_and_leaves_the_rest_alone() {
    if process::effective_uid() != 0 {
        return;
    }
    let place = Place::new("reload");
    let stays = "echo x >> $OUT/${0##*/}.out; trap 'echo ends >> $OUT/${0##*/}.out; exit' TERM; while :; do sleep 0.05; done";
    let [old, same, new] = ["old", "same", "new"].map(|name| place.script(&format!("{name}.sh"), stays));
    let dies = place.script("dies.sh", "echo x >> $OUT/dies.sh.out");
    let files = |respawn: &[&String]| {
        let lines: String = respawn.iter().map(|path| format!("respawn root {path}\n")).collect();
        for (name, text) in [
            ("ha.cf", format!("node a b\nbcast eth0\n{lines}")),
            ("haresources", "a x\n".to_owned()),
            ("authkeys", "auth 1\n1 crc\n".to_owned()),
        ] {
            fs::write(place.0.join(name), text).unwrap();
            fs::set_permissions(place.0.join(name), fs::Permissions::from_mode(0o600)).unwrap();
        }
    };
    let client = |path: &String| Client { user: "root".into(), words: [path.clone()].into() };
    let setup = place.setup([&old, &same, &dies].map(client).into());
    let (pid, news, _lines) = launch(&setup, false).unwrap();
    let said = |name: &str| place.read(&format!("{name}.sh.out"));
    place.wait("both run", || said("old") == "x\n" && said("same") == "x\n");
    let lives = || said("dies").lines().count();
    place.wait("one is given up", || lives() == 11);
    // Files that are wrong change nothing.
    fs::write(place.0.join("ha.cf"), "node a\n").unwrap();
    news.write(REREAD.as_bytes()).unwrap();
    sleep_ms(300);
    files(&[&same, &new, &dies]);
    news.write(REREAD.as_bytes()).unwrap();
    place.wait("the new one runs", || said("new") == "x\n");
    place.wait("the old one has ended", || said("old") == "x\nends\n");
    place.wait("what was given up is tried again", || lives() == 22);
    drop(news);
    process::wait_for(pid);
    assert_eq!(said("same"), "x\nends\n", "one life");
}

#[test]
fn a_child_that_finds_nothing_to_do_says_so_by_its_code() {
    let place = Place::new("idle");
    for below in ["notify.d", "rc.d"] {
        fs::remove_dir(place.0.join(below)).unwrap();
    }
    let setup = place.setup(Vec::new());
    let (pid, _news, _lines) = launch(&setup, true).unwrap();
    assert_eq!(process::wait_for(pid), Some(process::Ended::Code(IDLE)));
}
