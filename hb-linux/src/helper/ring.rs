//! The event ring: the last 256 lines in a file of 64 KB, for whoever looks after the machine was reset.
//!
//! 256 slots of 256 bytes, each a number of eight hexadecimal digits, a blank, the line, blanks, an end of line. The
//! next line goes to the slot of the lowest number. `sort /var/lib/heartbeat/events` puts them in order.

use crate::sys::Errno;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// Name of the file in the state directory.
pub const FILE: &str = "events";
const SLOT: usize = 256;
const SLOTS: usize = 256;
/// Digits and a blank in front of the line.
const PREFIX: usize = 9;

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

    /// Bring it to the disk, so that it outlives a reset.
    ///
    /// # Errors
    /// As `fdatasync(2)`.
    pub fn sync(&mut self) -> Result<(), Errno> {
        if core::mem::take(&mut self.dirty) {
            self.file.sync_data()?;
        }
        Ok(())
    }
}

fn slot_bytes(number: u32, line: &str) -> Vec<u8> {
    let line = super::record::cut(line.trim_end(), SLOT - PREFIX - 1);
    let mut slot = format!("{number:08x} {line}").into_bytes();
    slot.resize(SLOT - 1, b' ');
    slot.push(b'\n');
    slot
}

/// Number and line of each slot; `None` for one of another form.
fn slots(bytes: &[u8]) -> impl Iterator<Item = Option<(u32, String)>> {
    bytes.chunks(SLOT).take(SLOTS).enumerate().map(|(at, slot)| {
        let text = core::str::from_utf8(slot).ok().filter(|_| slot.len() == SLOT)?;
        let (number, line) = text.split_once(' ')?;
        let number = u32::from_str_radix(number, 16).ok().filter(|_| number.len() == PREFIX - 1)?;
        // A number that belongs into another slot was damaged.
        let here = number == 0 || number as usize % SLOTS == at;
        here.then(|| (number, line.trim_end().to_owned()))
    })
}

#[cfg(test)]
/// The lines in `dir`'s ring, oldest first. Empty if there is none.
#[must_use]
pub fn read(dir: &Path) -> Vec<String> {
    let bytes = std::fs::read(dir.join(FILE)).unwrap_or_default();
    let mut lines: Vec<(u32, String)> = slots(&bytes).flatten().filter(|(n, _)| *n > 0).collect();
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

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
            ring.sync().unwrap();
            assert_eq!(fs::metadata(dir.join(FILE)).unwrap().len(), 65_536);
        }
        let lines = read(&dir);
        assert_eq!(lines.len(), 256);
        assert_eq!(lines[0], "life 0 line 44 é");
        assert_eq!(lines[255], "life 2 line 99 é");
        assert!(lines.windows(2).all(|pair| pair[0] != pair[1]));
        let mut ring = Ring::open(&dir).unwrap();
        ring.write(&"é".repeat(300)).unwrap();
        assert_eq!(read(&dir)[255].len(), 246);
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
