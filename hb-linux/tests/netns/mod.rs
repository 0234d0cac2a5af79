//! Runs a test in namespaces of its own: network and mounts.

#[allow(dead_code, reason = "some tests call no script")]
pub(crate) mod shells;

use std::process::Command;

const MARK: &str = "HBD_TEST_NAMESPACE";

/// Run `body` of the test `name` as root in fresh network and mount namespaces with `lo` up. The test's own binary is started
/// again there. Without root the test says that it was skipped.
pub(crate) fn alone(name: &str, body: impl FnOnce()) {
    if std::env::var(MARK).is_ok_and(|mark| mark == name) {
        run("ip link set lo up");
        return body();
    }
    if hb_linux::tested::effective_uid() != 0 {
        println!("SKIPPED {name}: needs root for namespaces");
        return;
    }
    let exe = std::env::current_exe().unwrap();
    let mut inner = Command::new("unshare");
    inner.args(["-n", "-m"]).arg(exe).args([name, "--exact", "--nocapture"]).env(MARK, name);
    let output = match inner.output() {
        Ok(output) => output,
        Err(error) => return println!("SKIPPED {name}: no unshare(1) here: {error}"),
    };
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if text.contains("unshare: ") {
        return println!("SKIPPED {name}: no namespaces here: {}", text.trim());
    }
    assert!(output.status.success(), "in the namespace:\n{text}");
    if let Some(line) = text.lines().find(|line| line.starts_with("SKIPPED")) {
        println!("{line}");
    }
}

/// Run a shell command; its output. Panics if it fails.
pub(crate) fn run(command: &str) -> String {
    let (code, text) = shell(command);
    assert_eq!(code, 0, "{command}: {text}");
    text
}

/// Run a shell command; its exit code, and its output and errors.
pub(crate) fn shell(command: &str) -> (i32, String) {
    let output = Command::new("/bin/sh").args(["-c", command]).output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), text.trim().to_owned())
}
