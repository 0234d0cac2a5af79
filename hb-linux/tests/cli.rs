//! The built binary: two real daemons over a null-modem of two pseudo-terminals, and the command line's promises.
//! Needs no root and no network. With the feature `alloc-guard`, a daemon that allocates after its start aborts.

mod bench;

use bench::{Folder, Node, NullModem, PATIENCE, code, monitor, schema, shows, text};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const PLAIN: &str = "case $1 in\nstart) touch $d/serving;;\nstop) rm -f $d/serving;;\n\
                     status) [ -e $d/serving ] && echo running || echo stopped;;\nesac\n";

#[test]
fn two_nodes_move_a_service_over_a_null_modem() {
    let folder = Folder::new("two");
    let modem = NullModem::new();
    let [mut a, mut b] =
        [("ha-1", 0), ("ha-2", 1)].map(|(name, i)| Node::new(&folder, name, &modem.names[i], PLAIN));
    a.start();
    b.start();
    a.wait_for(&[
        "\"phase\":\"up\"",
        "\"state\":\"held\"",
        "\"peer_state\":\"idle\"",
        "\"config_match\":true",
    ]);
    assert!(a.serves() && !b.serves());
    assert!(a.json().starts_with("{\"schema\":1,\"node\":\"ha-1\",\"phase\":\"up\",\"incarnation\":\"1-"));

    let second = a.hbd(&["run", "--foreground"]);
    assert_eq!(code(&second), 1, "{}", text(&second));
    assert!(text(&second).contains("already running [pid "), "{}", text(&second));

    // What would happen is asked of the core, by a child, and nothing changes.
    for (node, part) in [(&a, "svc runs here, on ha-1: "), (&b, "if ha-1 died now: ha-2 takes it over (O2)")]
    {
        let before = fs::read(node.dir.join("state/state")).unwrap();
        let why = node.hbd(&["why", "svc"]);
        assert_eq!((code(&why), text(&why).contains(part)), (0, true), "{}", text(&why));
        assert_eq!(fs::read(node.dir.join("state/state")).unwrap(), before);
    }
    assert!(a.serves() && !b.serves());
    let wrong = a.hbd(&["why", "nothing"]);
    assert!(code(&wrong) == 1 && text(&wrong).contains("no group here; groups: svc"), "{}", text(&wrong));

    // What programs read is what the schema says, and the schema would notice.
    let mut object: serde_json::Value = serde_json::from_str(&a.json()).unwrap();
    let published = schema::published();
    assert_eq!(schema::faults(&published, &object, ""), Vec::<String>::new());
    assert!(
        object["late"]["counts"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(serde_json::Value::as_u64)
            .sum::<u64>()
            > 0
    );
    object["groups"][0]["state"] = "gone".into();
    object["pid"] = (-1).into();
    object["new"] = true.into();
    object.as_object_mut().unwrap().remove("verdict");
    assert_eq!(schema::faults(&published, &object, "").len(), 4);
    let page = text(&a.hbd(&["status", "--prometheus"]));
    assert!(page.contains("\nhbd_group_state{group=\"svc\",state=\"held\"} 1\n"), "{page}");

    // What the two compare of their files, as text and by the daemons' own word.
    let digests = [&a, &b].map(|node| node.hbd(&["config", "digest"]));
    assert_eq!(digests[0].stdout, digests[1].stdout);
    assert!(digests.iter().all(|said| code(said) == 0), "{digests:?}");
    let said = String::from_utf8_lossy(&digests[1].stderr);
    assert!(said.contains("the daemons of ha-2 and ha-1 agree"), "{said}");
    let values = text(&a.hbd(&["config", "show"]));
    assert!(values.contains("/etc/ha.cf:1\n") && values.contains("  default\n"), "{values}");

    // Live, on a terminal, and in lines without one.
    let pressed = monitor(&a, "OK: ha-1 holds svc, ha-2 stands by", |keys, _| {
        assert_eq!(keys.write(b"q").unwrap(), Some(1));
    });
    assert_eq!(pressed, Some(0));
    let told = monitor(&b, "group  svc", |_, child| {
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    });
    assert_eq!(told, Some(0));
    let mut lines = a.command(&["monitor"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(lines.stdout.take().unwrap()), &mut first)
        .unwrap();
    assert!(first.ends_with(" OK: ha-1 holds svc, ha-2 stands by\n"), "{first}");
    let pid = lines.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(lines.wait().unwrap().code(), Some(0));

    let moved = a.hbd(&["standby"]);
    assert_eq!(code(&moved), 0, "{}", text(&moved));
    assert!(b.serves() && !a.serves());
    // Preferred or not: an operator's move stands.
    thread::sleep(Duration::from_millis(500));
    assert!(b.serves() && !a.serves());
    // By its name, and by one that is none.
    let none = b.hbd(&["standby", "nobody"]);
    assert!(code(&none) == 1 && text(&none).contains("is no group here; groups: svc"), "{}", text(&none));
    assert_eq!(code(&b.hbd(&["standby", "svc"])), 0);
    assert!(a.serves() && !b.serves());
    assert_eq!(code(&b.hbd(&["takeover", "svc"])), 0);
    assert!(b.serves() && !a.serves());
    assert!(b.log().contains("operator: takeover svc: accepted"), "{}", b.log());
    let again = a.hbd(&["standby"]);
    assert_eq!(code(&again), 1);
    assert!(text(&again).contains("refused: nothing to do"), "{}", text(&again));
    let back = a.hbd(&["takeover"]);
    assert_eq!(code(&back), 0, "{}", text(&back));
    assert!(a.serves() && !b.serves());

    // By the monitor's keys, after its questions.
    let moved = monitor(&b, "t takes groups", |keys, _| {
        for (key, shown) in [(b"t", "1-9 that group"), (b"a", "any other key: no"), (b"y", "accepted")] {
            assert_eq!(keys.write(key).unwrap(), Some(1));
            shows(keys, shown);
        }
        b.wait_for(&["\"state\":\"held\""]);
        assert_eq!(keys.write(b"q").unwrap(), Some(1));
    });
    assert_eq!(moved, Some(0));
    assert!(b.serves() && !a.serves());
    assert_eq!(code(&a.hbd(&["takeover"])), 0);

    let lie = b.hbd(&["confirm-down", "ha-1"]);
    assert_eq!(code(&lie), 1);
    assert!(text(&lie).contains("ha-1 is alive"), "{}", text(&lie));

    a.kill();
    fs::remove_file(a.dir.join("serving")).unwrap();
    b.wait_for(&["\"state\":\"dead\"", "\"state\":\"held\""]);
    assert!(b.serves());
    assert!(b.log().contains("WARN: node ha-1: is dead: no beat on any link"), "{}", b.log());
    assert!(b.log().contains("script svc start ends after "), "{}", b.log());
    let events = text(&b.hbd(&["events", "--since", "1h"]));
    let told = events.lines().find(|line| line.contains(" WARN: ha-2 took over svc: ")).expect(&events);
    assert!(told.contains(&format!("no beat of ha-1 on {} for ", modem.names[1])), "{told}");
    assert!(
        told.contains(" s; scripts took 0.") && told.contains("; clients were without service for about ")
    );

    a.start();
    a.wait_for(&["\"incarnation\":\"2-", "\"state\":\"held\"", "\"peer_state\":\"idle\""]);
    assert!(a.serves() && !b.serves());
    let events = text(&a.hbd(&["events", "--json"]));
    assert!(events.contains("\"level\":\"warn\",\"text\":\"The life before this one was killed"), "{events}");
    let ring = b.dir.join("state/events").display().to_string();
    let both = text(&a.hbd(&["events", "--both", &ring]));
    assert!(
        both.contains(" ha-1 info: Local status") && both.contains(" ha-2 WARN: ha-2 took over"),
        "{both}"
    );

    fs::write(a.dir.join("etc/authkeys"), "auth 2\n2 sha1 new\n1 sha1 secret\n").unwrap();
    fs::write(b.dir.join("etc/authkeys"), "auth 1\n1 sha1 secret\n2 sha1 new\n").unwrap();
    for node in [&b, &a] {
        let reload = node.hbd(&["reload"]);
        assert_eq!(code(&reload), 0, "{}", text(&reload));
    }
    thread::sleep(Duration::from_millis(2000));
    assert!(b.json().contains("\"name\":\"ha-1\",\"state\":\"up\""), "{}", b.json());
    assert!(b.json().contains("\"bad\":0"), "{}", b.json());

    let stop = a.hbd(&["stop"]);
    assert_eq!(code(&stop), 0, "{}", text(&stop));
    assert_eq!(a.child.take().unwrap().wait().unwrap().code(), Some(0), "{}", a.log());
    assert!(!a.serves());
    assert!(a.log().contains("Heartbeat shutdown complete."), "{}", a.log());
    b.wait_for(&["\"state\":\"held\""]);
    assert_eq!(code(&b.hbd(&["stop"])), 0);
    assert_eq!(b.child.take().unwrap().wait().unwrap().code(), Some(0), "{}", b.log());
    assert!(!b.serves());
    assert_eq!(code(&b.hbd(&["status"])), 3);
}

#[test]
fn a_script_of_an_earlier_life_is_ended_before_the_group_is_touched() {
    let folder = Folder::new("leftover");
    let modem = NullModem::new();
    let script = format!("if [ $1 = start ] && [ ! -e $d/hung ]; then touch $d/hung; sleep 300; fi\n{PLAIN}");
    let mut a = Node::new(&folder, "ha-1", &modem.names[0], &script);
    a.start();
    a.wait_for(&["\"state\":\"starting\""]);
    let begun = Instant::now();
    while !a.dir.join("hung").exists() && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(10));
    }
    a.kill();
    let script = a.dir.join("etc/resource.d/svc").display().to_string();
    let left = || {
        fs::read_dir("/proc").unwrap().flatten().any(|entry| {
            fs::read(entry.path().join("cmdline"))
                .is_ok_and(|c| String::from_utf8_lossy(&c).contains(&script))
        })
    };
    assert!(left(), "the hanging script should outlive its daemon");
    a.start();
    a.wait_for(&["\"state\":\"held\""]);
    assert!(!left());
    assert!(a.log().contains("1 scripts of an earlier life were ended, 0 would not go"), "{}", a.log());
    assert_eq!(code(&a.hbd(&["stop"])), 0);
}

#[test]
fn what_a_script_without_a_status_has_left_running_is_stopped_at_the_next_start() {
    let folder = Folder::new("mute");
    let modem = NullModem::new();
    let script = "case $1 in\nstart) touch $d/serving;;\nstop) rm -f $d/serving;;\n\
                  *) . $HA_FUNCS; ha_debug beats every $(ha_parameter keepalive); echo 'Usage: svc start, stop';;\nesac\n";
    let mut a = Node::new(&folder, "ha-1", &modem.names[0], script);
    a.start();
    a.wait_for(&["\"state\":\"held\""]);
    a.kill();
    assert!(a.serves(), "the service outlives the daemon");
    let before = a.log().len();
    a.start();
    a.wait_for(&["\"state\":\"held\""]);
    let log = a.log().split_off(before);
    let at = |what: &str| log.find(what).unwrap_or_else(|| panic!("no {what} in {log}"));
    assert!(at("script svc stop begins") < at("group svc is proven stopped"), "{log}");
    assert!(at("group svc is proven stopped") < at("script svc start begins"), "{log}");
    assert!(log.contains("svc status says: beats every 100ms"), "{log}");
    assert_eq!(code(&a.hbd(&["stop"])), 0);
}

#[test]
fn half_a_service_is_stopped_until_all_of_it_is() {
    let folder = Folder::new("half");
    let modem = NullModem::new();
    // The first stop ends one of the two daemons only.
    let script = "case $1 in\nstart) touch $d/serving $d/second;;\n\
                  stop) if [ -e $d/serving ]; then rm -f $d/serving; else rm -f $d/second; fi;;\n\
                  status) for f in serving second; do [ -e $d/$f ] && echo $f is running || echo $f is stopped; done;;\nesac\n";
    let mut a = Node::new(&folder, "ha-1", &modem.names[0], script);
    a.start();
    a.wait_for(&["\"state\":\"held\""]);
    assert_eq!(code(&a.hbd(&["stop"])), 0);
    assert!(!a.dir.join("second").exists(), "taken for stopped: {}", a.log());
    assert!(a.log().contains("partly running"), "{}", a.log());
}

#[test]
fn a_stop_that_fails_is_said_and_not_hidden() {
    let folder = Folder::new("stuck");
    let modem = NullModem::new();
    let script = "case $1 in\nstart) touch $d/serving;;\nstop) [ -e $d/mended ] && rm -f $d/serving;;\n\
                  status) [ -e $d/serving ] && echo running || echo stopped;;\nesac\n";
    let mut a = Node::new(&folder, "ha-1", &modem.names[0], script);
    a.start();
    a.wait_for(&["\"state\":\"held\""]);
    let stop = a.hbd(&["stop"]);
    assert_eq!(code(&stop), 1, "{}", text(&stop));
    assert!(text(&stop).contains("group svc is stuck"), "{}", text(&stop));
    assert!(a.serves() && a.json().contains("\"state\":\"stuck\""), "{}", a.json());
    fs::write(a.dir.join("mended"), "").unwrap();
    let clear = a.hbd(&["clear", "svc"]);
    assert_eq!(code(&clear), 0, "{}", text(&clear));
    assert_eq!(a.child.take().unwrap().wait().unwrap().code(), Some(0), "{}", a.log());
    assert!(!a.serves());
}

#[test]
fn in_the_background_the_caller_learns_how_the_start_went() {
    let folder = Folder::new("background");
    let modem = NullModem::new();
    let a = Node::new(&folder, "ha-1", &modem.names[0], PLAIN);
    let run = a.hbd(&["run"]);
    assert_eq!(code(&run), 0, "{}", text(&run));
    a.wait_for(&["\"state\":\"held\""]);
    assert_eq!(code(&a.hbd(&["stop"])), 0, "{}", a.log());
    let ha_cf = a.dir.join("etc/ha.cf");
    let broken = fs::read_to_string(&ha_cf).unwrap().replace(&modem.names[0], "/dev/null");
    fs::write(&ha_cf, broken).unwrap();
    let run = a.hbd(&["run"]);
    assert_eq!(code(&run), 1, "{}", text(&run));
    assert!(text(&run).contains("no heartbeat link can be opened"), "{}", text(&run));
    assert_eq!(code(&a.hbd(&["status"])), 3);
}

#[test]
fn exit_codes_are_those_of_the_contract() {
    let folder = Folder::new("codes");
    let a = Node::new(&folder, "ha-1", "/dev/ttyS0", PLAIN);
    let table: [(&[&str], i32, &str); 12] = [
        (&["status"], 3, "stopped"),
        (&["status", "--json"], 3, ""),
        (&["stop"], 0, "already stopped"),
        (&["reload"], 7, "not running"),
        (&["standby"], 7, "not running"),
        (&["takeover", "local"], 7, "not running"),
        (&["clear", "svc"], 7, "not running"),
        (&["confirm-down", "ha-2"], 7, "not running"),
        (&["nonsense"], 2, "unknown command"),
        (&["standby", "everything", "else"], 2, "one word too many"),
        (&["simulate", "--kill", "ha-9@5"], 2, "the nodes are ha-1 and ha-2"),
        (&["version"], 0, "hbd "),
    ];
    for (words, expected, part) in table {
        let output = a.hbd(words);
        assert_eq!(code(&output), expected, "{words:?}: {}", text(&output));
        assert!(text(&output).contains(part), "{words:?}: {}", text(&output));
    }
}

#[test]
fn a_configuration_with_errors_is_not_started_and_nothing_is_touched() {
    let folder = Folder::new("wrong");
    let a = Node::new(&folder, "ha-1", "/dev/ttyS0", PLAIN);
    fs::write(a.dir.join("etc/haresources"), "ha-a svc\n").unwrap();
    for words in [&["run"][..], &["run", "--foreground"], &["check"]] {
        let output = a.hbd(words);
        assert_eq!(code(&output), 6, "{words:?}: {}", text(&output));
        assert!(text(&output).contains("haresources:1: "), "{}", text(&output));
    }
    assert!(!Path::new(&a.dir.join("run")).exists() && !a.dir.join("state").exists());
}

#[test]
fn by_its_old_names_it_answers_as_they_did() {
    let folder = Folder::new("names");
    let modem = NullModem::new();
    let mut a = Node::new(&folder, "ha-1", &modem.names[0], PLAIN);
    let run_dir = a.dir.join("run").display().to_string();
    let call = |name: &str, words: &[&str]| {
        let link = folder.0.join(name);
        if !link.exists() {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_hbd"), &link).unwrap();
        }
        Command::new(link).args(words).args(["--run-dir", &run_dir]).output().unwrap()
    };
    let stopped = call("heartbeat", &["-s"]);
    assert_eq!((code(&stopped), text(&stopped).contains("heartbeat is stopped")), (3, true));
    assert_eq!(code(&call("cl_status", &["hbstatus"])), 1);
    assert_eq!(code(&call("cl_status", &["rscstatus"])), 1);
    a.start();
    a.wait_for(&["\"state\":\"held\""]);
    let running = call("heartbeat", &["-s"]);
    assert_eq!(code(&running), 0);
    assert!(text(&running).contains("heartbeat OK [pid ") && text(&running).contains("is running on"));
    let pid = fs::read_to_string(a.dir.join("run/hbd.pid")).unwrap();
    let stand = |how: &str| Command::new("kill").args([how, pid.trim()]).status().unwrap();
    assert!(stand("-STOP").success());
    assert_eq!(code(&call("cl_status", &["hbstatus"])), 0, "a daemon that does not answer runs all the same");
    assert!(stand("-CONT").success());
    fs::rename(a.dir.join("run/control"), a.dir.join("run/away")).unwrap();
    // It listens at a name that is no file as well.
    for words in [&["status"][..], &["reload"]] {
        let output = a.hbd(words);
        assert_eq!(code(&output), 0, "{words:?}: {}", text(&output));
    }
    fs::rename(a.dir.join("run/away"), a.dir.join("run/control")).unwrap();
    let rsc = call("cl_status", &["rscstatus"]);
    assert_eq!((code(&rsc), text(&rsc).trim()), (0, "local"));
    assert_eq!(text(&call("cl_status", &["nodestatus", "ha-1"])).trim(), "active");
    assert_eq!(code(&call("cl_status", &["nodestatus", "nobody"])), 11);
    assert_eq!(code(&call("hb_standby", &[])), 1, "there is no peer to take it");
    a.kill();
    assert_eq!(code(&call("heartbeat", &["-s"])), 1, "dead, and its pid file is left");
    a.start();
    a.wait_for(&["\"state\":\"held\""]);
    let kill = call("heartbeat", &["-k"]);
    assert_eq!(code(&kill), 0, "{}", text(&kill));
    assert_eq!(code(&call("heartbeat", &["-s"])), 3);
}
