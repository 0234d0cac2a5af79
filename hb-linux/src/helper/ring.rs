//! The event ring: the last 256 lines in a file of 64 KB, for whoever looks after the machine was reset.
//!
//! 256 slots of 256 bytes, each a number of eight hexadecimal digits, a blank, the line, blanks, the CRC-32 of all before it in
//! eight more digits, an end of line. The next line goes to the slot of the lowest number. A slot of which a reset tore a part
//! has another checksum and counts as empty; one that an earlier version wrote has blanks in its place.
//! `sort /var/lib/heartbeat/events` puts them in order, `hbd events` shows them.

use crate::state::crc32;
use crate::sys::Errno;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Name of the file in the state directory.
pub const FILE: &str = "events";
const SLOT: usize = 256;
const SLOTS: usize = 256;
/// Digits and a blank in front of the line.
const PREFIX: usize = 9;
/// A blank, the checksum and the end of line behind it.
const SUFFIX: usize = 10;

/// The open ring.
#[derive(Debug)]
pub struct Ring {
    file: File,
    next: u32,
    dirty: bool,
}

impl Ring {
    /// Open the ring in `dir`, and go on after its highest number. What is damaged is made blank, every other slot stays:
    /// a byte that a reset tore must not take with it what the ring is there to tell.
    ///
    /// # Errors
    /// As the calls; `EINVAL`: what is there is no file.
    pub fn open(dir: &Path) -> Result<Self, Errno> {
        let path = dir.join(FILE);
        let fresh = !path.exists();
        let mut how = OpenOptions::new();
        how.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NONBLOCK);
        let mut file = how.open(path)?;
        if !file.metadata()?.is_file() {
            return Err(Errno::INVALID);
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut next = 0;
        let found: Vec<Option<u32>> = slots(&bytes).map(|slot| slot.map(|(number, _)| number)).collect();
        for at in 0..SLOTS {
            match found.get(at) {
                Some(Some(number)) => next = next.max(number.wrapping_add(1)),
                Some(None) | None => file.write_all_at(&slot_bytes(0, ""), (at * SLOT) as u64)?,
            }
        }
        file.set_len((SLOT * SLOTS) as u64)?;
        if fresh {
            // Its name is on the disk when the directory is.
            let _ = File::open(dir).and_then(|dir| dir.sync_all());
        }
        Ok(Self { file, next: next.max(1), dirty: true })
    }

    /// Write one line over the oldest.
    ///
    /// # Errors
    /// As `pwrite(2)`.
    pub fn write(&mut self, line: &str) -> Result<(), Errno> {
        let at = u64::from(self.next) % SLOTS as u64 * SLOT as u64;
        self.file.write_all_at(&slot_bytes(self.next, line), at)?;
        self.next = self.next.wrapping_add(1).max(1);
        self.dirty = true;
        Ok(())
    }

    /// Is there anything that is not on the disk? Asked by who brings it there: the next answer is no.
    pub fn take_dirty(&mut self) -> bool {
        core::mem::take(&mut self.dirty)
    }

    /// Bring it to the disk, so that it outlives a reset.
    ///
    /// # Errors
    /// As `fdatasync(2)`.
    pub fn flush(&self) -> Result<(), Errno> {
        #[cfg(test)]
        crate::sys::poll::sleep_ms(SLOW_MS.get());
        Ok(self.file.sync_data()?)
    }

    /// Its descriptor.
    #[must_use]
    pub fn raw(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

#[cfg(test)]
std::thread_local! {
    /// How long the disk takes.
    pub static SLOW_MS: core::cell::Cell<i32> = const { core::cell::Cell::new(0) };
}

fn slot_bytes(number: u32, line: &str) -> Vec<u8> {
    let line = super::record::cut(line.trim_end(), SLOT - PREFIX - SUFFIX);
    let mut slot = format!("{number:08x} {line}").into_bytes();
    slot.resize(SLOT - SUFFIX, b' ');
    let check = format!(" {:08x}\n", crc32(&slot));
    slot.extend(check.into_bytes());
    slot
}

/// Number and line of each slot; `None` for one of another form.
fn slots(bytes: &[u8]) -> impl Iterator<Item = Option<(u32, String)>> {
    bytes.chunks(SLOT).take(SLOTS).enumerate().map(|(at, slot)| {
        let (number, line) = slot_of(at, slot)?;
        Some((number, line.to_owned()))
    })
}

/// Number and line of the slot at this place; `None` for one of another form.
fn slot_of(at: usize, slot: &[u8]) -> Option<(u32, &str)> {
    let (body, check) = slot.split_at_checked(SLOT - SUFFIX).filter(|_| slot.len() == SLOT)?;
    let check = core::str::from_utf8(check).ok().and_then(|check| {
        let digits = check.strip_prefix(' ')?.trim_end();
        u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 8)
    });
    let text = match check {
        Some(check) if check == crc32(body) => body,
        Some(_) => return None,
        // Of an earlier version.
        None => slot,
    };
    let (number, line) = core::str::from_utf8(text).ok()?.split_once(' ')?;
    let number = u32::from_str_radix(number, 16).ok().filter(|_| number.len() == PREFIX - 1)?;
    // A number that belongs into another slot was damaged.
    let here = number == 0 || number as usize % SLOTS == at;
    here.then(|| (number, line.trim_end()))
}

/// The last line of the ring in `dir`, if there is one, and when the file was written last, in seconds since 1970. Reads slot
/// by slot: the daemon's memory stays small.
#[must_use]
pub fn last(dir: &Path) -> Option<(String, i64)> {
    let mut how = OpenOptions::new();
    let file = how.read(true).custom_flags(libc::O_NONBLOCK).open(dir.join(FILE)).ok()?;
    let written = file.metadata().ok().filter(std::fs::Metadata::is_file)?.mtime();
    let mut newest: Option<(u32, String)> = None;
    let mut slot = [0; SLOT];
    for at in 0..SLOTS {
        if file.read_exact_at(&mut slot, (at * SLOT) as u64).is_err() {
            break;
        }
        if let Some((number, line)) = slot_of(at, &slot)
            && number > newest.as_ref().map_or(0, |(number, _)| *number)
        {
            newest = Some((number, line.to_owned()));
        }
    }
    newest.map(|(_, line)| (line, written))
}

/// The lines of a ring, each with its number, oldest first.
#[cfg(any(test, feature = "events"))]
#[must_use]
pub fn lines(bytes: &[u8]) -> Vec<(u32, String)> {
    let mut lines: Vec<(u32, String)> = slots(bytes).flatten().filter(|(n, _)| *n > 0).collect();
    lines.sort();
    lines
}

#[cfg(test)]
/// The lines in `dir`'s ring, oldest first. Empty if there is none.
#[must_use]
pub fn read(dir: &Path) -> Vec<String> {
    let bytes = std::fs::read(dir.join(FILE)).unwrap_or_default();
    lines(&bytes).into_iter().map(|(_, line)| line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_torn_write_costs_its_own_line_and_is_never_shown_as_another_one() {
        let dir = std::env::temp_dir().join(format!("hbd-ring-torn-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).unwrap();
        let mut ring = Ring::open(&dir).unwrap();
        let text = |number: u32| format!("line {number} {}", "x".repeat(1 + number as usize % 199));
        for number in 0..300 {
            ring.write(&text(number)).unwrap();
        }
        let old = fs::read(dir.join(FILE)).unwrap();
        ring.write("the torn one").unwrap();
        let new = fs::read(dir.join(FILE)).unwrap();
        let at = old.iter().zip(&new).position(|(a, b)| a != b).unwrap() / SLOT * SLOT;
        for cut in 0..=SLOT {
            for head in [&old, &new] {
                let tail = if core::ptr::eq(head, &raw const old) { &new } else { &old };
                let mut torn = head.clone();
                torn[at + cut..at + SLOT].copy_from_slice(&tail[at + cut..at + SLOT]);
                let kept = lines(&torn);
                assert!(kept.len() >= 255, "{}", kept.len());
                let known = |line: &str| line == "the torn one" || (0..300).any(|n| line == text(n));
                assert!(kept.iter().all(|(_, line)| known(line)), "cut at {cut}");
                fs::write(dir.join(FILE), &torn).unwrap();
                let newest = kept.last().unwrap().1.clone();
                assert_eq!(last(&dir).unwrap().0, newest);
                Ring::open(&dir).unwrap().write("after").unwrap();
                assert_eq!(read(&dir).last().unwrap(), "after");
            }
        }
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn what_an_earlier_version_wrote_is_read() {
        let slot = |text: &str| format!("{text:<255}\n").into_bytes();
        let mut bytes = slot("00000000 ");
        bytes.extend(slot("00000001 heartbeat: 2026/11/23_22:13:05.123 info: up"));
        bytes.extend(slot(&format!("00000002 {}", "y".repeat(246))));
        let read = lines(&bytes);
        assert_eq!(read.len(), 2);
        assert_eq!(read[0], (1, "heartbeat: 2026/11/23_22:13:05.123 info: up".to_owned()));
        assert_eq!(read[1].1.len(), 246);
    }

    #[test]
    fn it_keeps_the_last_lines_across_lives_in_a_file_of_fixed_size() {
        let dir = std::env::temp_dir().join(format!("hbd-ring-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).unwrap();
        assert!(read(&dir).is_empty());
        for life in 0..3 {
            let mut ring = Ring::open(&dir).unwrap();
            for number in 0..100 {
                ring.write(&format!("life {life} line {number} é\n")).unwrap();
            }
            ring.flush().unwrap();
            assert_eq!(fs::metadata(dir.join(FILE)).unwrap().len(), 65_536);
        }
        let lines = read(&dir);
        assert_eq!(lines.len(), 256);
        assert_eq!(lines[0], "life 0 line 44 é");
        assert_eq!(lines[255], "life 2 line 99 é");
        assert!(lines.windows(2).all(|pair| pair[0] != pair[1]));
        let mut ring = Ring::open(&dir).unwrap();
        ring.write(&"é".repeat(300)).unwrap();
        assert_eq!(read(&dir)[255].len(), SLOT - PREFIX - SUFFIX - 1);
        // One bad byte, and a file that is cut off: everything else stays.
        let mut bytes = fs::read(dir.join(FILE)).unwrap();
        bytes[600] = 0xff;
        bytes[5 * SLOT + 3] = b'x';
        fs::write(dir.join(FILE), &bytes[..65_000]).unwrap();
        let before = read(&dir);
        Ring::open(&dir).unwrap().write("after the damage").unwrap();
        let after = read(&dir);
        assert!(before.len() >= 251, "{}", before.len());
        assert!(before.iter().filter(|line| !after.contains(line)).count() <= 1, "only the oldest may go");
        assert_eq!(after.last().unwrap(), "after the damage");
        assert_eq!(fs::metadata(dir.join(FILE)).unwrap().len(), 65_536);
        fs::write(dir.join(FILE), "something else").unwrap();
        Ring::open(&dir).unwrap().write("anew").unwrap();
        assert_eq!(read(&dir), ["anew"]);
        fs::remove_dir_all(dir).unwrap();
    }
}
