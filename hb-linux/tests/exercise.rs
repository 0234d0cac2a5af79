//! `hbd check --exercise`: scripts with one fault each, and one without.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("hbd-exercise-{name}-{}", std::process::id()));
        fs::create_dir_all(dir.join("etc/resource.d")).unwrap();
        let write = |file: &str, text: &str| fs::write(dir.join("etc").join(file), text).unwrap();
        write("ha.cf", "node ha-1 ha-2\nserial /dev/ttyS0\nscript_timeout 6\n");
        write("haresources", "ha-1 one two::x\n");
        write("authkeys", "auth 1\n1 sha1 secret\n");
        fs::set_permissions(dir.join("etc/authkeys"), fs::Permissions::from_mode(0o600)).unwrap();
        Self(dir)
    }

    /// A script in `resource.d`; `DIR` in its text is where it may keep something.
    fn script(&self, name: &str, text: &str) {
        let path = self.0.join("etc/resource.d").join(name);
        let text = text.replace("DIR", &self.0.display().to_string());
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn exercise(&self, words: &[&str]) -> (Option<i32>, String) {
        let dir = |sub: &str| self.0.join(sub).display().to_string();
        let output = Command::new(env!("CARGO_BIN_EXE_hbd"))
            .args([
                "--config-dir",
                &dir("etc"),
                "--run-dir",
                &dir("run"),
                "--state-dir",
                &dir("lib"),
                "--node",
                "ha-1",
            ])
            .args(["check", "--exercise"])
            .args(words)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

const SOUND: &str = "#!/bin/sh\nfor verb in \"$@\"; do :; done\ncase $verb in\nstart) touch DIR/${0##*/}.up ;;\nstop) rm -f DIR/${0##*/}.up ;;\n\
                     status) if [ -e DIR/${0##*/}.up ]; then echo running; else echo stopped; exit 3; fi ;;\nesac\n";

#[test]
fn a_sound_group_passes_from_left_to_right_and_back() {
    let place = Place::new("sound");
    place.script("one", SOUND);
    place.script("two", SOUND);
    let (code, said) = place.exercise(&["one"]);
    assert_eq!(code, Some(0), "{said}");
    let verbs: Vec<&str> = said.lines().filter_map(|line| Some(line.split_once(": exit")?.0)).collect();
    let round = |verb: &str, back: bool| {
        let both = ["one", "two::x"].map(|name| format!("{name} {verb}"));
        if back { both.into_iter().rev().collect::<Vec<_>>() } else { both.into() }
    };
    let expected: Vec<String> =
        ["status", "start", "status", "start", "status", "stop", "status", "stop", "status"]
            .iter()
            .flat_map(|verb| round(verb, *verb == "stop"))
            .collect();
    assert_eq!(verbs, expected, "{said}");
    // A script with its arguments, and one that the binary carries.
    assert_eq!(place.exercise(&["two", "y"]).0, Some(0));
    let (code, said) = place.exercise(&["Delay", "0"]);
    assert!(code == Some(0) && said.ends_with("\nok\n"), "{said}");
    // A daemon that starts later has a group's socket there.
    let mode = fs::metadata(place.0.join("run")).unwrap().permissions().mode();
    assert_eq!(mode & 0o055, 0o055, "{mode:o}");
}

#[test]
fn each_fault_has_its_sentence() {
    let place = Place::new("faults");
    let up = "[ -e DIR/up ]";
    let script = |start: &str, stop: &str, status: &str| {
        format!("#!/bin/sh\ncase $1 in\nstart) {start} ;;\nstop) {stop} ;;\nstatus) {status} ;;\nesac\n")
    };
    let (start, stop) = ("touch DIR/up", "rm -f DIR/up");
    let status = format!("if {up}; then echo running; else echo stopped; exit 3; fi");
    for (name, text, part) in [
        (
            "code",
            script(start, stop, &format!("if {up}; then echo running; else echo stopped; fi")),
            "another code than 3",
        ),
        ("word", script(start, stop, up), "says neither `running` nor `stopped` alone"),
        (
            "again",
            script(&format!("! {up} && touch DIR/up"), stop, &status),
            "it fails where all is done already",
        ),
        ("stop", script(start, &format!("{up} && rm DIR/up"), &status), "it fails where all is done already"),
        ("fails", script("exit 1", stop, &status), "it fails"),
        (
            "late",
            script("(sleep 1; touch DIR/up) >/dev/null 2>&1 &", "sleep 1; rm -f DIR/up", &status),
            "says stopped after a start",
        ),
        ("hangs", script(&format!("{start}; sleep 60"), stop, &status), "does not end within script_timeout"),
        ("slow", script(&format!("sleep 4; {start}"), stop, &status), "more than half of script_timeout"),
        ("open", script(&format!("{start}; sleep 3 &"), stop, &status), "keeps the script's output open"),
        (
            "left",
            script(&format!("{start}; sleep 20 >/dev/null 2>&1 &"), stop, &status),
            "left after the stop: ",
        ),
        (
            "dirty",
            script(start, &format!("{stop}; sleep 3 >/dev/null 2>&1 &"), &status),
            "`stop` leaves processes of its own",
        ),
        (
            "ears",
            "#!/bin/sh\nsleep 3 >/dev/null 2>&1 </dev/null &\necho $0 $# >/dev/null\n".to_owned(),
            "it runs before it was started",
        ),
        (
            "deaf",
            "/jdmail/startjd.sh &\n/jdmail/web/bin/startup.sh &\n".to_owned(),
            "never looks at its argument",
        ),
        ("up", script(start, stop, "echo running"), "it runs before it was started"),
        ("gone", String::new(), "is empty, so it cannot be run"),
    ] {
        let _ = fs::remove_file(place.0.join("up"));
        place.script(name, &text);
        let (code, said) = place.exercise(&[name]);
        assert!(code == Some(1) && said.contains(part), "{name}: {code:?} {said}");
    }
    let (code, said) = place.exercise(&["nothing"]);
    assert!(code == Some(1) && said.contains("script `nothing` is not there"), "{said}");
    assert_eq!(place.exercise(&[]).0, Some(2));
    fs::write(place.0.join("etc/haresources"), "ha-9 x\n").unwrap();
    assert_eq!(place.exercise(&["code"]).0, Some(6));
}
