//! `hbd fence --test` as an operator meets it: the device's status first, two questions, then the reset. And what `hbd check`
//! says of a fence.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A configuration with a fence that writes down what it is asked, removed at the end.
struct Dir(PathBuf);

impl Dir {
    /// `None`: without the script.
    fn new(name: &str, more: &str, script: Option<&str>) -> Self {
        let dir = std::env::temp_dir().join(format!("hbd-fence-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("directory");
        let fence = dir.join("fence");
        let ha_cf = format!(
            "node ha-1 ha-2\nbcast lo\nkeepalive 1\ndeadtime 10\nfence external {} ilo\n{more}",
            fence.display()
        );
        for (file, text) in [("ha.cf", ha_cf.as_str()), ("haresources", ""), ("authkeys", "auth 1\n1 crc\n")]
        {
            fs::write(dir.join(file), text).expect("write");
        }
        fs::set_permissions(dir.join("authkeys"), fs::Permissions::from_mode(0o600)).expect("mode");
        if let Some(text) = script {
            let text = format!("#!/bin/sh\necho \"$*\" >> {}/asked\n{text}\n", dir.display());
            fs::write(&fence, text).expect("write");
            fs::set_permissions(&fence, fs::Permissions::from_mode(0o755)).expect("mode");
        }
        Self(dir)
    }

    fn hbd(&self, words: &[&str], input: &str) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hbd"));
        command.args(words).args(["--node", "ha-1"]).arg("--config-dir").arg(&self.0);
        command.arg("--run-dir").arg(self.0.join("run")).arg("--state-dir").arg(self.0.join("state"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("hbd");
        // It may have ended without reading.
        let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
        let out = child.wait_with_output().expect("hbd");
        let text =
            [out.stdout, out.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (out.status.code(), text.replace(&format!("{}/", self.0.display()), ""))
    }

    fn asked(&self) -> String {
        fs::read_to_string(self.0.join("asked")).unwrap_or_default()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const TEST: [&str; 3] = ["fence", "--test", "ha-2"];
const STATUS: &str = "ilo status ha-2\n";
const BOTH: &str = "ilo status ha-2\nilo reset ha-2\n";

#[test]
fn the_other_node_is_reset_only_after_two_answers() {
    for (name, input, code, asked) in [
        ("yes", "yes\nha-2\n", 0, BOTH),
        ("no", "no\n", 1, STATUS),
        ("once", "yes\n", 1, STATUS),
        ("wrong", "yes\nha-1\n", 1, STATUS),
        ("silent", "", 1, STATUS),
    ] {
        let dir = Dir::new(name, "", Some("echo outlet 3"));
        let (got, text) = dir.hbd(&TEST, input);
        assert_eq!((got, dir.asked().as_str()), (Some(code), asked), "{name}: {text}");
        assert!(text.contains("ha-2 will be reset NOW") && text.contains("  outlet 3\n"), "{text}");
        assert_eq!(text.contains("nothing was reset"), code == 1, "{text}");
    }
}

#[test]
fn what_is_not_proven_is_not_done() {
    let dir = Dir::new("status", "", Some("exit 1"));
    let (code, text) = dir.hbd(&TEST, "yes\nha-2\n");
    assert_eq!((code, dir.asked().as_str()), (Some(1), STATUS), "its status says no: {text}");
    let dir = Dir::new("reset", "", Some("test $2 = status"));
    let (code, text) = dir.hbd(&TEST, "yes\nha-2\n");
    assert_eq!((code, dir.asked().as_str()), (Some(1), BOTH), "{text}");
    assert!(text.contains("ha-2 is not proven off"), "{text}");
    let dir = Dir::new("hangs", "script_timeout status 0.5\n", Some("sleep 600"));
    let (code, text) = dir.hbd(&TEST, "yes\nha-2\n");
    assert!(code == Some(1) && text.contains("ended"), "{text}");
    let (code, text) = Dir::new("none", "", None).hbd(&TEST, "yes\nha-2\n");
    assert!(code == Some(1) && text.contains("could not be run"), "{text}");
}

#[test]
fn words_that_make_no_sense_reset_nobody() {
    let dir = Dir::new("words", "", Some(""));
    assert_eq!(dir.hbd(&["fence", "--test", "ha-1"], "yes\nha-1\n").0, Some(2));
    assert_eq!(dir.hbd(&["fence", "ha-2"], "yes\nha-2\n").0, Some(2));
    let ha_cf = fs::read_to_string(dir.0.join("ha.cf")).expect("read").replace("fence external", "#");
    fs::write(dir.0.join("ha.cf"), ha_cf).expect("write");
    assert_eq!(dir.hbd(&TEST, "yes\nha-2\n").0, Some(6));
    assert_eq!(dir.asked(), "");
}

#[test]
fn check_names_what_keeps_a_fence_from_working() {
    let said = |dir: &Dir| dir.hbd(&["check"], "").1.replace("\n", " ");
    let text = said(&Dir::new("missing", "fence_failed claim\n", None));
    assert!(text.contains("ha.cf:5: fence: fence is not there, so no peer is proven off"), "{text}");
    assert!(text.contains("a peer that lives behind cut links serves beside it"), "{text}");
    let dir = Dir::new("bit", "", Some(""));
    fs::set_permissions(dir.0.join("fence"), fs::Permissions::from_mode(0o644)).expect("mode");
    let text = said(&dir);
    assert!(text.contains("fence: fence cannot be run; run `chmod 755 fence`"), "{text}");
    let text = said(&Dir::new("well", "startup_fence yes\n", Some("")));
    assert!(!text.contains("fence:") && !text.contains("fence_failed"), "{text}");
    let ha_cf = dir.0.join("ha.cf");
    fs::write(&ha_cf, "node ha-1 ha-2\nbcast lo\nkeepalive 1\ndeadtime 10\nfence_delay 3\n").expect("write");
    let text = said(&dir);
    assert!(text.contains("`fence_delay` has no effect without a fence"), "{text}");
    assert!(Path::new(&ha_cf).exists(), "check touches nothing");
}

/// The reset line needs a port of the board, a proof by `linktest --fence`, and its RTS to itself.
#[test]
fn a_reset_line_is_refused_until_it_was_proven() {
    let dir = Dir::new("line", "", None);
    let ha_cf = |more: &str| {
        let text = format!(
            "node ha-1 ha-2\nserial /dev/ttyS0\nkeepalive 1\ndeadtime 10\nfence modem-line /dev/ttyS0\n{more}"
        );
        fs::write(dir.0.join("ha.cf"), text).expect("write");
    };
    let said = || dir.hbd(&["check"], "").1;
    ha_cf("serial_rtscts on\n");
    assert!(
        said().contains("`serial_rtscts on` moves RTS of /dev/ttyS0, which fires the fence"),
        "{}",
        said()
    );
    ha_cf("");
    assert!(
        said().contains("fence: this line was never proven, so it refuses to reset anybody"),
        "{}",
        said()
    );
    fs::create_dir_all(dir.0.join("state")).expect("directory");
    fs::write(dir.0.join("state/fence-line"), "/dev/ttyS0 1795000000 proven\n").expect("write");
    assert!(!said().contains("never proven"), "{}", said());
    // A device without modem lines resets nobody, whatever was proven.
    let text = fs::read_to_string(dir.0.join("ha.cf"))
        .expect("read")
        .replace("modem-line /dev/ttyS0", "modem-line /dev/null");
    fs::write(dir.0.join("ha.cf"), text).expect("write");
    fs::write(dir.0.join("state/fence-line"), "/dev/null 1795000000 proven\n").expect("write");
    let (code, text) = dir.hbd(&TEST, "yes\nha-2\n");
    assert!(code == Some(1) && text.contains("it cannot be opened"), "{text}");
    let state = dir.0.join("state");
    let mut linktest = Command::new(env!("CARGO_BIN_EXE_hbd"));
    let out =
        linktest.args(["linktest", "--fence", "/dev/null", "--state-dir"]).arg(state).output().expect("hbd");
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&out.stderr).contains("not a serial device"), "{out:?}");
}
