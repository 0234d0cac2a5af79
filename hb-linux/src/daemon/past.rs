//! How the life before this one ended, and who reset the machine, as far as that can be known: said once at the start.
//!
//! What tells: the last line of the event ring, whether the boot is another one, the state file's record of a watchdog that was
//! let run out, the driver's boot status, what a panic left in persistent storage, and the system's record of shutdowns.

use super::dog::Dog;
use super::voice::Voice;
use crate::helper::{Level, ring};
use crate::sys::host;
use hb_core::Saved;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Where a kernel keeps its last words, and where systemd moves them.
const PANICS: [&str; 2] = ["/sys/fs/pstore", "/var/lib/systemd/pstore"];
/// The system's record of boots, shutdowns and logins.
const WTMP: &str = "/var/log/wtmp";
/// Of one entry in it, where it is looked at: on i386 and `x86_64`.
const ENTRY: usize = 384;
/// Entries to go back.
const ENTRIES: u64 = 64;
/// A shutdown that was written down this long before the daemon's last line is the one that ended it.
const BEFORE_S: i64 = 600;
/// Bits of a driver's boot status that are no reset by the card: heat, fan, power, the two external relays.
const FAULTS: u32 = 0x5f;
/// The reset was the card's.
const CARD_RESET: u32 = 0x20;

/// What was left behind by the life before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Past {
    /// The last line that it wrote.
    last: String,
    /// When that was, in seconds since 1970.
    at: i64,
}

/// How it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Ordered,
    /// The daemon alone was gone: the machine ran on.
    Killed,
    Watchdog,
    /// The watchdog was let run out, and the driver does not tell of resets.
    Unfed,
    Panic(&'static str),
    Command,
    /// The driver's status.
    Fault(u32),
    Unknown {
        /// A watchdog was armed, so that it may have been the one.
        dog: bool,
    },
}

/// What is known beside the ring.
#[derive(Clone, Copy, Debug, Default)]
struct Evidence {
    same_boot: bool,
    boot_status: u32,
    let_run_out: bool,
    had_dog: bool,
    panic: Option<&'static str>,
    shutdown: Option<i64>,
}

impl Past {
    /// Look before this life writes anything. `None` before the first life.
    pub(super) fn look(state_dir: &Path) -> Option<Self> {
        ring::last(state_dir).map(|(last, at)| Self { last, at })
    }

    /// Say it.
    pub(super) fn tell(&self, saved: &Saved, dog: Option<&Dog>, voice: &mut Voice) {
        let boot = host::boot_identity();
        let armed = dog.and_then(Dog::armed);
        let end = self.judge(Evidence {
            same_boot: boot == 0 || saved.boot == 0 || saved.boot == boot,
            boot_status: armed.map_or(0, crate::watchdog::Watchdog::boot_status),
            let_run_out: saved.records.iter().any(|(_, record)| record.reset),
            had_dog: dog.is_some_and(|dog| dog.last_armed().is_some()),
            panic: PANICS.into_iter().find(|dir| has_panic(Path::new(dir), self.at)),
            shutdown: shutdown(Path::new(WTMP)),
        });
        let since = self.since();
        match end {
            End::Ordered => {
                voice.say(Level::Info, format_args!("The life before this one ended in order, {since}"));
            }
            End::Killed => voice.say(
                Level::Warn,
                format_args!(
                    "The life before this one was killed or crashed, and the machine ran on; its last line: {since}"
                ),
            ),
            End::Watchdog => self.reset(voice, format_args!("by its watchdog, as the driver says")),
            End::Unfed => self.reset(
                voice,
                format_args!("by its watchdog, which was let run out for a group that was stuck"),
            ),
            End::Panic(dir) => {
                self.reset(voice, format_args!("after a panic of the kernel, whose last words are in {dir}"));
            }
            End::Command => {
                self.reset(voice, format_args!("by a shutdown or reboot that did not stop hbd in order"));
            }
            End::Fault(status) => self.reset(
                voice,
                format_args!(
                    "the watchdog's driver names heat, a fan, power or a relay (boot status {status:#x})"
                ),
            ),
            End::Unknown { dog } => self.reset(
                voice,
                format_args!(
                    "power was lost, somebody pressed reset, a fence did it, or the kernel panicked without a record{}",
                    if dog { "; or by its watchdog, whose driver does not tell" } else { "" }
                ),
            ),
        }
    }

    /// When it wrote its last line, as the log has it.
    fn since(&self) -> &str {
        self.last.split(' ').nth(1).unwrap_or("?")
    }

    fn reset(&self, voice: &mut Voice, by: core::fmt::Arguments<'_>) {
        let since = self.since();
        voice.say(
            Level::Warn,
            format_args!("This machine was reset since the life before (its last line: {since}): {by}"),
        );
    }

    fn judge(&self, seen: Evidence) -> End {
        if self.last.ends_with("Heartbeat shutdown complete.") {
            return End::Ordered;
        }
        if seen.same_boot {
            return End::Killed;
        }
        match seen.panic {
            _ if seen.boot_status & CARD_RESET != 0 => End::Watchdog,
            Some(dir) => End::Panic(dir),
            None if seen.shutdown.is_some_and(|at| at >= self.at.saturating_sub(BEFORE_S)) => End::Command,
            None if seen.boot_status & FAULTS != 0 => End::Fault(seen.boot_status),
            None if seen.let_run_out => End::Unfed,
            None => End::Unknown { dog: seen.had_dog },
        }
    }
}

/// Does `dir` hold a kernel's last words that are not older than `since`?
fn has_panic(dir: &Path, since: i64) -> bool {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| {
        let fresh = entry.metadata().is_ok_and(|about| about.mtime() >= since);
        // systemd makes a directory of each.
        fresh && (entry.file_name().as_encoded_bytes().starts_with(b"dmesg") || entry.path().is_dir())
    })
}

/// When the last shutdown was written down in `wtmp`, in seconds since 1970.
fn shutdown(wtmp: &Path) -> Option<i64> {
    let mut how = OpenOptions::new();
    let mut file = how.read(true).custom_flags(libc::O_NONBLOCK).open(wtmp).ok()?;
    let entries = file.seek(SeekFrom::End(0)).ok()? / ENTRY as u64;
    let from = entries.saturating_sub(ENTRIES);
    (from..entries).rev().find_map(|at| shutdown_at(&file, at * ENTRY as u64))
}

/// An entry of the kind `RUN_LVL` (1) in the name of `shutdown`: when.
fn shutdown_at(file: &File, at: u64) -> Option<i64> {
    let mut entry = [0; ENTRY];
    file.read_exact_at(&mut entry, at).ok()?;
    let kind = i16::from_ne_bytes(*entry.first_chunk()?);
    let user = entry.get(44..76)?;
    let seconds = i32::from_ne_bytes(*entry.get(340..)?.first_chunk()?);
    (kind == 1 && user.starts_with(b"shutdown\0")).then(|| i64::from(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(text: &str) -> Past {
        Past { last: format!("heartbeat: 2026/11/23_22:13:05.123 info: {text}"), at: 10_000 }
    }

    #[test]
    fn the_strongest_evidence_wins() {
        let ran = past("Resource acquisition completed: x");
        let other = Evidence { had_dog: true, ..Evidence::default() };
        let all = Evidence {
            boot_status: 0x21,
            let_run_out: true,
            panic: Some("/p"),
            shutdown: Some(9_500),
            ..other
        };
        assert_eq!(past("Heartbeat shutdown complete.").judge(all), End::Ordered);
        assert_eq!(ran.judge(Evidence { same_boot: true, ..all }), End::Killed);
        assert_eq!(ran.judge(all), End::Watchdog);
        let all = Evidence { boot_status: 1, ..all };
        assert_eq!(ran.judge(all), End::Panic("/p"));
        let all = Evidence { panic: None, ..all };
        assert_eq!(ran.judge(all), End::Command);
        // A shutdown of long before was another one.
        let all = Evidence { shutdown: Some(9_300), ..all };
        assert_eq!(ran.judge(all), End::Fault(1));
        let all = Evidence { boot_status: 0, ..all };
        assert_eq!(ran.judge(all), End::Unfed);
        assert_eq!(ran.judge(other), End::Unknown { dog: true });
        assert_eq!(ran.judge(Evidence::default()), End::Unknown { dog: false });
    }

    #[test]
    fn shutdowns_and_panics_are_found_on_the_disk() {
        let dir = std::env::temp_dir().join(format!("hbd-past-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).unwrap();
        let entry = |kind: i16, user: &str, seconds: i32| {
            let mut entry = [0; ENTRY];
            entry[..2].copy_from_slice(&kind.to_ne_bytes());
            entry[44..44 + user.len()].copy_from_slice(user.as_bytes());
            entry[340..344].copy_from_slice(&seconds.to_ne_bytes());
            entry
        };
        let wtmp = dir.join("wtmp");
        assert_eq!(shutdown(&wtmp), None);
        let all =
            [entry(1, "shutdown", 5), entry(1, "shutdown", 77), entry(2, "reboot", 90), entry(7, "anna", 95)];
        fs::write(&wtmp, all.concat()).unwrap();
        assert_eq!(shutdown(&wtmp), Some(77));
        fs::write(&wtmp, [0; 100]).unwrap();
        assert_eq!(shutdown(&wtmp), None);
        assert!(!has_panic(&dir, 0), "a log of logins is no panic");
        fs::write(dir.join("dmesg-efi-1"), "Oops").unwrap();
        assert!(has_panic(&dir, 0) && !has_panic(&dir, i64::MAX));
        fs::remove_dir_all(dir).unwrap();
    }
}
