//! The words behind `hbd linktest`.

use crate::cli::Options;
use crate::cli::args::{Usage, common};
use crate::sys::tty::BAUDS;
use hb_core::Duration;
use lexopt::{Arg, Parser, ValueExt};
use std::ffi::OsString;

/// The speeds that are tested if none is named: a bit for each of [`BAUDS`] from 9600 on, without 500000.
const USUAL: u16 = 0b1011_1111_1000;

const USAGE: &str = "write: hbd linktest [--baud 1200-921600]... [--seconds 1-3600] [--wait 1-3600] DEVICE";

/// What to test.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Job {
    /// The serial device.
    pub(super) device: String,
    /// A bit for each of [`BAUDS`].
    pub(super) speeds: u16,
    /// For each speed.
    pub(super) seconds: u16,
    /// Speeds or seconds were named.
    pub(super) chosen: bool,
    /// How long to wait for the other end.
    pub(super) wait: Duration,
}

/// Read the words.
pub(super) fn parse(
    words: impl IntoIterator<Item = OsString>,
    mut options: Options,
) -> Result<(Job, Options), Usage> {
    let mut parser = Parser::from_args(words);
    let mut job =
        Job { device: String::new(), speeds: 0, seconds: 5, chosen: false, wait: Duration::from_secs(60) };
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long(name @ ("baud" | "seconds" | "wait")) => {
                let name = name.as_bytes().first().copied();
                let word = parser.value()?.string()?;
                let wrong = || Usage::new(std::format!("{word:?}: {USAGE}"));
                let number: u16 = match word.parse::<u32>() {
                    Ok(baud) if name == Some(b'b') => {
                        let step = BAUDS.iter().position(|b| *b == baud).ok_or_else(wrong)?;
                        job.speeds |= 1 << step;
                        job.chosen = true;
                        continue;
                    }
                    Ok(number @ 1..=3600) => number as u16,
                    _ => return Err(wrong()),
                };
                if name == Some(b's') {
                    job.seconds = number;
                    job.chosen = true;
                } else {
                    job.wait = Duration::from_secs(number.into());
                }
            }
            Arg::Long(name) => {
                let name = name.to_string();
                common(&name, &mut parser, &mut options)?;
            }
            Arg::Value(word) if job.device.is_empty() => job.device = word.string()?,
            other => return Err(other.unexpected().into()),
        }
    }
    if job.device.is_empty() {
        return Err(Usage::new(USAGE));
    }
    if job.speeds == 0 {
        job.speeds = USUAL;
    }
    Ok((job, options))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Job, Usage> {
        parse(line.split_whitespace().map(OsString::from), Options::default()).map(|(job, _)| job)
    }

    #[test]
    fn speeds_and_times() {
        let job = read("/dev/ttyS0").unwrap();
        assert_eq!((job.device.as_str(), job.seconds, job.chosen), ("/dev/ttyS0", 5, false));
        let speeds: Vec<u32> =
            (0..).zip(BAUDS).filter(|(n, _)| job.speeds >> n & 1 == 1).map(|s| s.1).collect();
        assert_eq!(speeds, [9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600]);
        let job = read("--baud 19200 --baud 1200 /dev/ttyS1 --seconds=60 --wait 5 --run-dir /r").unwrap();
        assert_eq!((job.speeds, job.seconds, job.chosen), (0b1_0001, 60, true));
        assert_eq!(job.wait, Duration::from_secs(5));
    }

    #[test]
    fn mistakes_are_named() {
        for (line, part) in [
            ("", "write: hbd linktest"),
            ("a b", "\"b\""),
            ("--baud 1234 a", "1234"),
            ("--seconds 0 a", "1-3600"),
            ("--seconds x a", "x"),
            ("--colour a", "--colour"),
            ("-x a", "-x"),
        ] {
            let usage = read(line).unwrap_err();
            assert_eq!(usage.code, 2, "{line}");
            assert!(usage.text.contains(part), "{line}: {}", usage.text);
        }
    }
}
