//! What the emulated board says of itself in its defmt log, compared with `log.snapshot`: a start, what it carried, a pulse.

use super::defmt::Texts;
use super::fenced::fired;
use super::mcu::Mcu;
use super::node::{LIMIT, Node};
use crate::paths;
use crate::test::Outcome;
use hb_core::Side;
use hb_serial_bridge::fence::Named;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const SNAPSHOT: &str = include_str!("log.snapshot");

/// Runs it.
///
/// # Errors
/// What did not hold.
pub(super) fn run(image: &Path) -> Outcome {
    let told = |e: std::io::Error| format!("the emulated board: {e}");
    let dir = paths::scratch("firmware/spoken")?;
    for entry in fs::read_dir(&dir).map_err(told)?.flatten() {
        fs::remove_file(entry.path()).map_err(told)?;
    }
    let texts = Texts::of(image)?;
    let mcu = Mcu::start(image, &dir).map_err(told)?;
    let [a, b] = mcu.ports().map_err(told)?;
    let (mut a, mut b) = (Node::new(a, Side::Even)?, Node::new(b, Side::Odd)?);
    let victim = Named { boot: 7, counter: 3 };
    a.hello(victim.boot, victim.counter)?;
    a.write(b"login: \0")?;
    b.hello(9, 5)?;
    let carried = said(&texts, &dir, |line| line.contains(" a to b ") && line.contains("malformed: 1,"))?;
    fired(&mut b, victim)?;
    let off = said(&texts, &dir, |line| line.contains(" reset a false, "))?;
    let all = lines(&texts, &dir)?;
    let on = all.iter().filter(|line| line.contains(" reset a true, "));
    let shown: Vec<&String> = all.iter().take(1).chain([&carried]).chain(on).chain([&off]).collect();
    let shown = shown.into_iter().map(|line| masked(line) + "\n").collect::<String>();
    if shown == SNAPSHOT {
        Ok(format!("its defmt log of {} lines is as it should be", all.len()))
    } else {
        Err(format!("the board's log is not hil/src/firmware/log.snapshot, but\n{shown}wanted\n{SNAPSHOT}"))
    }
}

fn lines(texts: &Texts, dir: &Path) -> Result<Vec<String>, String> {
    let log = fs::read(dir.join("log0")).map_err(|e| format!("the board's log: {e}"))?;
    texts.lines(&log)
}

/// The first line of the log that `wanted` takes, as soon as it is there.
fn said(texts: &Texts, dir: &Path, wanted: impl Fn(&str) -> bool) -> Result<String, String> {
    let began = Instant::now();
    loop {
        let all = lines(texts, dir)?;
        if let Some(line) = all.iter().find(|line| wanted(line)) {
            return Ok(line.clone());
        }
        if began.elapsed() > LIMIT {
            return Err(format!("not in the board's log:\n{}", all.join("\n")));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Without its times, which no two runs share.
fn masked(line: &str) -> String {
    let mut words = Vec::new();
    for word in line.split(' ') {
        let time = word.starts_with("Some(Instant(");
        words.push(if time { word.replace(|c: char| c.is_ascii_digit(), "") } else { word.to_owned() });
    }
    if words.get(2).is_some_and(|word| word == "ms:") {
        "T".clone_into(&mut words[1]);
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_times_are_masked() {
        assert_eq!(masked("info 512 ms: reset a true, b 1"), "info T ms: reset a true, b 1");
        assert_eq!(masked("info bytes: 7, at: Some(Instant(99)) }"), "info bytes: 7, at: Some(Instant()) }");
    }
}
