//! `hbd linktest --fence DEVICE`, on both ends: does the wire carry what the reset line rests on? Only DTR is moved, with RTS
//! down: nothing fires.

use super::toggles::{Finding, Watch};
use crate::cli::{EXIT_FAILURE, EXIT_OK, Options, say, tell};
use crate::fence::proof_file;
use crate::sys::clock::WallTime;
use crate::sys::poll::sleep_ms;
use crate::sys::{Result, modem, random, tty};
use std::ffi::CString;

/// Between two looks.
const LOOK_MS: u32 = 10;
/// Between two own moves at least; up to 255 ms are added, drawn anew for each.
const PAUSE_MS: u32 = 250;
/// How long it goes on after it was proven, so that the other end sees enough.
const AFTER_MS: u32 = 8000;

/// The exit code; the errors are the device's.
pub(super) fn test(device: &str, options: &Options) -> Result<i32> {
    let name = CString::new(device).map_err(|_| crate::sys::Errno::INVALID)?;
    let port = tty::open(&name, 9600, false)?;
    modem::set(&port, true, false)?;
    say(&format!(
        "moving DTR of {device}, {} s at most: start hbd linktest --fence there too",
        options.line.wait
    ));
    let mut watch = Watch::begin(modem::dsr(&port)?);
    let (mut dtr, mut next) = (true, PAUSE_MS);
    let (mut left, mut proven) = (u32::from(options.line.wait) * 1000, false);
    while left > 0 && watch.finding() != Finding::Bridged {
        sleep_ms(10);
        left = left.saturating_sub(LOOK_MS);
        next = next.saturating_sub(LOOK_MS);
        watch.seen(modem::dsr(&port)?, LOOK_MS);
        if next == 0 {
            let mut more = [0];
            random::fill(&mut more)?;
            next = PAUSE_MS + u32::from(more[0]);
            dtr = !dtr;
            modem::set(&port, dtr, false)?;
            watch.moved(dtr);
        }
        if watch.finding() == Finding::Proven && !proven {
            (proven, left) = (true, left.min(AFTER_MS));
        }
    }
    modem::set(&port, true, false)?;
    let finding = watch.finding();
    let word = if finding == Finding::Proven { "proven" } else { "refused" };
    let text = format!("{device} {} {word}\n", WallTime::now().secs);
    if let Err(why) = crate::files::replace(&proof_file(&options.state_dir), text.as_bytes(), 0o600) {
        tell(&format!("{}: what was found cannot be kept: {why}", options.state_dir.display()));
        return Ok(EXIT_FAILURE);
    }
    match finding {
        Finding::Proven => say("proven: DSR is the other machine's DTR, and not our own"),
        Finding::Bridged => say(
            "REFUSED: our own DTR moves our DSR; the plug bridges them: use one that leads DTR to the other side's DSR",
        ),
        Finding::Open => say(
            "REFUSED: DSR does not move by the other side's DTR; is the wire there, and does it run there too?",
        ),
    }
    Ok(if finding == Finding::Proven { EXIT_OK } else { EXIT_FAILURE })
}
