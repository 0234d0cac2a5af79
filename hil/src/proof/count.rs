//! Instructions of one beat, counted by callgrind: the same figure on every run and on every busy machine.

use crate::paths::{self, which};
use crate::proc::Cmd;
use std::time::Duration;

/// Beats that are counted, after the two nodes have settled.
const BEATS: u32 = 1000;

/// Builds `hb-count` as `hbd` is released.
///
/// # Errors
/// The build fails, or there is no valgrind.
pub fn build() -> Result<(), String> {
    if which("valgrind").is_none() {
        return Err("valgrind is missing; install the package valgrind".to_owned());
    }
    let features = [
        "--features",
        "md5,sha1,sha256,large,data,ask,linux-ha,twins,key-trial",
        "--config",
        "profile.release.strip=false",
    ];
    Cmd::cargo(["build", "--quiet", "--release", "-p", "hb-proof", "--bin", "hb-count"])
        .args(features)
        .env("CARGO_TARGET_DIR", paths::scratch("proof/count")?)
        .limit(Duration::from_secs(600))
        .run()
}

/// Instructions of one `what` (`receive` or `beat`) on a medium (`stream` or `datagram`) with a method's tags.
///
/// # Errors
/// The program or the counter fails.
pub fn instructions(what: &str, medium: &str, method: &str) -> Result<u64, String> {
    let program = paths::scratch("proof/count")?.join("release/hb-count");
    let beats = BEATS.to_string();
    let counter = ["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"];
    let said = Cmd::new("valgrind")
        .args(counter)
        .args(["--toggle-collect=hb_measured"])
        .args([&program])
        .args([what, medium, method, &beats])
        .limit(Duration::from_secs(120))
        .output()?;
    match (said.code, collected(&said.stderr)) {
        // Nothing at all was counted: the function has another name.
        (Some(0), Some(all @ 1..)) => Ok(all / u64::from(BEATS)),
        (code, _) => Err(format!("callgrind: exit {code:?}, no count; said: {}", said.stderr.trim())),
    }
}

/// Reads `==123== Collected : 2956000`.
fn collected(said: &str) -> Option<u64> {
    said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read() {
        assert_eq!(collected("==7== Events    : Ir\n==7== Collected : 2956000\n"), Some(2_956_000));
        assert_eq!(collected("==7== Events    : Ir\n"), None);
    }
}
