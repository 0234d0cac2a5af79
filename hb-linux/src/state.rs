//! What the node keeps across its lives: a small text file with a checksum, replaced as a whole.
//!
//! ```text
//! hbd-state 1
//! counter 42
//! epoch 1a2b3c4d 17
//! copy 1a2b3c4d 16
//! keyed 2b3c4d5e
//! stuck 1a2b3c4d
//! stuck-boot 5e6f7a8b
//! boot 89abcdef
//! started 1a2b3c4d 1
//! reset 1a2b3c4d 0
//! unlisted 0
//! foreign 1795460608 4711 keyed
//! watchdog 8
//! crc 0badcafe
//! ```
//!
//! One `epoch` line per group: hash of its name in hexadecimal, highest epoch seen; one `copy` line per group with data:
//! the highest epoch seen on a stamp of it; one `keyed` line once the peer has signed with a secret: the digest of the keys;
//! one `stuck` line per group that the peer showed stuck and nothing proved
//! stopped since, and the boot identity that the peer had then. `boot` is the boot of which `started` speaks (0: unknown);
//! one `started` line per group: 1 when that boot may have started it and it was not proven stopped since; one `reset` line
//! per group: 1 when it was stuck and the watchdog was let run out for it; `unlisted`: 1 when a group that is configured no
//! more may have been started; `watchdog`: the timeout in seconds that a life of this machine armed last, if one did;
//! `foreign`, where the peer ever ran Linux-HA Heartbeat: generation and number of the newest text of it, and whether one
//! was signed with a secret (`keyed`) or none (`crc`). A
//! group's `started` and `reset`, and `unlisted`, are missing in the file of an earlier version, which counts as the worst
//! that they could say. `crc` is the CRC-32 of all bytes before its line.
//!
//! A file that cannot be trusted is renamed aside and named in the log; the node then starts with [`Saved::default`] and
//! `lost`, which is safe: the challenge decides who is live, not the counter (DESIGN §4), and any group may have been
//! started.

use crate::files;
use crate::sys::Errno;
use core::fmt::Write as _;
use hb_core::{Heard, Record, Saved};
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Name of the file in the state directory.
pub const FILE: &str = "state";
/// Bytes of the file at most: header, counter, eight epochs, stamps, stuck groups and records, text, checksum.
pub const MAX_BYTES: usize = 1080;
/// The bytes of one state file.
pub type Text = heapless::String<MAX_BYTES>;

/// Why a state file is not used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Damage {
    /// It does not begin with `hbd-state 1`: a newer version wrote it, or it is something else.
    Version,
    /// The checksum is missing or wrong.
    Checksum,
    /// This line (from 1) is not understood.
    Line(u32),
    /// It cannot be read.
    Unreadable(Errno),
}

impl core::fmt::Display for Damage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Version => f.write_str("it does not begin with \"hbd-state 1\""),
            Self::Checksum => f.write_str("its checksum is wrong"),
            Self::Line(number) => write!(f, "line {number} is not understood"),
            Self::Unreadable(why) => write!(f, "it cannot be read: {why}"),
        }
    }
}

/// What a start finds.
#[derive(Debug)]
pub struct Loaded {
    /// What to start with.
    pub saved: Saved,
    /// The timeout in seconds that a life of this machine armed its watchdog with last, if one did.
    pub watchdog_s: Option<u32>,
    /// The file was damaged, for this reason, and is now kept under this name (`None`: it could not be renamed).
    pub damage: Option<(Damage, Option<PathBuf>)>,
}

/// The file's text for `saved` and the timeout that was armed last, in seconds. Allocates nothing.
#[must_use]
pub fn encode(saved: &Saved, watchdog_s: Option<u32>) -> Text {
    let mut text = Text::new();
    // MAX_BYTES holds the longest numbers of the longest list, which a test proves.
    let _ = write!(text, "hbd-state 1\ncounter {}\n", saved.counter);
    for (group, epoch) in &saved.epochs {
        let _ = writeln!(text, "epoch {group:08x} {epoch}");
    }
    for (group, epoch) in &saved.copies {
        let _ = writeln!(text, "copy {group:08x} {epoch}");
    }
    if saved.keyed != 0 {
        let _ = writeln!(text, "keyed {:08x}", saved.keyed);
    }
    for group in &saved.stuck {
        let _ = writeln!(text, "stuck {group:08x}");
    }
    if saved.stuck_boot != 0 {
        let _ = writeln!(text, "stuck-boot {:08x}", saved.stuck_boot);
    }
    let _ = writeln!(text, "boot {:08x}", saved.boot);
    for (group, record) in &saved.records {
        let Record { started, reset } = *record;
        let _ = writeln!(text, "started {group:08x} {}", u8::from(started));
        let _ = writeln!(text, "reset {group:08x} {}", u8::from(reset));
    }
    let _ = writeln!(text, "unlisted {}", u8::from(saved.unlisted));
    if let Some(Heard { generation, seq, keyed }) = saved.foreign {
        let _ = writeln!(text, "foreign {generation} {seq} {}", if keyed { "keyed" } else { "crc" });
    }
    if let Some(seconds) = watchdog_s {
        let _ = writeln!(text, "watchdog {seconds}");
    }
    let crc = crc32(text.as_bytes());
    let _ = writeln!(text, "crc {crc:08x}");
    text
}

/// Read back what [`encode`] wrote.
///
/// # Errors
/// The first thing that is wrong.
pub fn decode(bytes: &[u8]) -> Result<(Saved, Option<u32>), Damage> {
    let text = core::str::from_utf8(bytes).map_err(|_| Damage::Checksum)?;
    if !text.starts_with("hbd-state 1\n") {
        return Err(Damage::Version);
    }
    let at = text.rfind("crc ").ok_or(Damage::Checksum)?;
    let (body, last) = text.split_at(at);
    let crc = last.strip_prefix("crc ").and_then(|word| word.strip_suffix('\n'));
    if crc.and_then(|word| u32::from_str_radix(word, 16).ok()) != Some(crc32(body.as_bytes())) {
        return Err(Damage::Checksum);
    }
    let (mut saved, mut watchdog_s) = (Saved::default(), None);
    for (number, line) in (1_u32..).zip(body.lines()).skip(1) {
        take_line(&mut saved, &mut watchdog_s, line).ok_or(Damage::Line(number))?;
    }
    Ok((saved, watchdog_s))
}

fn take_line(saved: &mut Saved, watchdog_s: &mut Option<u32>, line: &str) -> Option<()> {
    let mut words = line.split(' ');
    match (words.next()?, words.next()?, words.next(), words.next()) {
        _ if words.next().is_some() => return None,
        ("counter", counter, None, None) => saved.counter = counter.parse().ok()?,
        ("keyed", digest, None, None) => saved.keyed = u32::from_str_radix(digest, 16).ok()?,
        ("stuck", group, None, None) => saved.stuck.push(u32::from_str_radix(group, 16).ok()?).ok()?,
        ("watchdog", seconds, None, None) => *watchdog_s = Some(seconds.parse().ok()?),
        ("stuck-boot", boot, None, None) => saved.stuck_boot = u32::from_str_radix(boot, 16).ok()?,
        ("boot", boot, None, None) => saved.boot = u32::from_str_radix(boot, 16).ok()?,
        ("unlisted", word, None, None) => saved.unlisted = yes(word)?,
        (what @ ("started" | "reset"), group, Some(word), None) => {
            let (group, word) = (u32::from_str_radix(group, 16).ok()?, yes(word)?);
            if !saved.records.iter().any(|(known, _)| *known == group) {
                saved.records.push((group, Record::default())).ok()?;
            }
            let (_, record) = saved.records.iter_mut().find(|(known, _)| *known == group)?;
            *(if what == "started" { &mut record.started } else { &mut record.reset }) = word;
        }
        (what @ ("epoch" | "copy"), group, Some(epoch), None) => {
            let pair = (u32::from_str_radix(group, 16).ok()?, epoch.parse().ok()?);
            // A build without data has no room for a `copy`, and needs none.
            let kept = if what == "epoch" { saved.epochs.push(pair) } else { saved.copies.push(pair) };
            kept.or(if what == "copy" && !cfg!(feature = "data") { Ok(()) } else { Err(pair) }).ok()?;
        }
        ("foreign", generation, Some(seq), Some(how @ ("keyed" | "crc"))) if saved.foreign.is_none() => {
            let (generation, seq) = (generation.parse().ok()?, seq.parse().ok()?);
            saved.foreign = Some(Heard { generation, seq, keyed: how == "keyed" });
        }
        _ => return None,
    }
    Some(())
}

fn yes(word: &str) -> Option<bool> {
    match word {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

/// Read the state of the last life from `dir`. No file is a first start. Never fails (DESIGN §8.10).
#[must_use]
pub fn load(dir: &Path) -> Loaded {
    let path = dir.join(FILE);
    let damage = match read_plain(&path) {
        Ok(bytes) => match decode(&bytes) {
            Ok((saved, watchdog_s)) => return Loaded { saved, watchdog_s, damage: None },
            Err(damage) => damage,
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Loaded { saved: Saved::default(), watchdog_s: None, damage: None };
        }
        Err(error) => Damage::Unreadable(Errno::from(&error)),
    };
    let saved = Saved { lost: true, ..Saved::default() };
    Loaded { saved, watchdog_s: None, damage: Some((damage, set_aside(dir, &path))) }
}

/// The bytes of a file, or why there are none: what is no file (a FIFO, a device) is not waited for.
pub(crate) fn read_plain(path: &Path) -> io::Result<Vec<u8>> {
    let mut file =
        OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Keep a damaged file under the first free name of `state.corrupt-1`, `-2`, and so on; the hundredth is overwritten.
fn set_aside(dir: &Path, path: &Path) -> Option<PathBuf> {
    let free = (1..100).map(|n| dir.join(format!("{FILE}.corrupt-{n}"))).find(|name| !name.exists());
    let name = free.unwrap_or_else(|| dir.join(format!("{FILE}.corrupt-100")));
    fs::rename(path, &name).ok().map(|()| name)
}

/// Put `bytes` in place of the state file, as [`files::replace`]: for the helper and for start-up.
///
/// # Errors
/// As there; the old file stands then.
pub fn replace(dir: &Path, bytes: &[u8]) -> io::Result<()> {
    files::replace(&dir.join(FILE), bytes, 0o600)
}

/// CRC-32 as in Ethernet and zip. Bitwise: the file has less than a kilobyte.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Saved {
        let mut saved = Saved { counter: 42, ..Saved::default() };
        saved.epochs.push((0x1a2b_3c4d, 17)).unwrap();
        saved.epochs.push((7, 0)).unwrap();
        saved.copies.push((7, 12)).unwrap();
        saved.stuck.push(7).unwrap();
        saved.stuck_boot = 0x5e6f_7a8b;
        (saved.boot, saved.unlisted) = (0x89ab_cdef, true);
        saved.records.push((0x1a2b_3c4d, Record { started: true, reset: false })).unwrap();
        saved.records.push((7, Record { started: false, reset: true })).unwrap();
        saved.keyed = 0x0b3c_4d5e;
        saved.foreign = Some(Heard { generation: 1_795_460_608, seq: 4711, keyed: true });
        saved
    }

    fn folder(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("hbd-state-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        dir
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(decode(encode(&sample(), Some(8)).as_bytes()), Ok((sample(), Some(8))));
        assert_eq!(decode(encode(&Saved::default(), None).as_bytes()), Ok((Saved::default(), None)));
    }

    /// The file of a version without start records: read, and no record is the worst one.
    #[test]
    fn an_older_file_is_read() {
        let mut text = "hbd-state 1\ncounter 42\nepoch 1a2b3c4d 17\n".to_owned();
        text += &format!("crc {:08x}\n", crc32(text.as_bytes()));
        let (saved, watchdog) = decode(text.as_bytes()).unwrap();
        assert_eq!(watchdog, None);
        assert_eq!((saved.counter, saved.boot, saved.records.len(), saved.lost), (42, 0, 0, false));
        assert_eq!(saved.epochs.as_slice(), [(0x1a2b_3c4d, 17)]);
    }

    #[test]
    fn the_longest_state_fits() {
        let mut saved = Saved { counter: u32::MAX, ..Saved::default() };
        while saved.epochs.push((u32::MAX, u32::MAX)).is_ok() {}
        while saved.copies.push((u32::MAX, u32::MAX)).is_ok() {}
        while saved.stuck.push(u32::MAX).is_ok() {}
        saved.stuck_boot = u32::MAX;
        (saved.boot, saved.unlisted) = (u32::MAX, true);
        for group in 0.. {
            let record = Record { started: true, reset: true };
            if saved.records.push((u32::MAX - group, record)).is_err() {
                break;
            }
        }
        saved.keyed = u32::MAX;
        saved.foreign = Some(Heard { generation: u32::MAX, seq: u32::MAX, keyed: true });
        let watchdog = Some(u32::MAX);
        assert_eq!(decode(encode(&saved, watchdog).as_bytes()), Ok((saved, watchdog)));
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_noticed() {
        let good = encode(&sample(), Some(8));
        for len in 0..good.len() {
            assert!(decode(&good.as_bytes()[..len]).is_err(), "cut at {len}");
        }
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.as_bytes().to_vec();
                bad[at] ^= 1 << bit;
                // Hexadecimal digits in another case are the same checksum.
                let same = bad.eq_ignore_ascii_case(good.as_bytes());
                assert!(decode(&bad).is_err() || same, "byte {at} bit {bit}");
            }
        }
    }

    #[test]
    fn a_file_without_text_of_the_original_is_read() {
        let mut text = "hbd-state 1\ncounter 7\nepoch 00000007 3\n".to_owned();
        text += &format!("crc {:08x}\n", crc32(text.as_bytes()));
        let (saved, _) = decode(text.as_bytes()).unwrap();
        assert_eq!((saved.counter, saved.epochs.len(), saved.foreign), (7, 1, None));
    }

    #[test]
    fn a_line_that_is_not_understood_is_named() {
        let mut text = "hbd-state 1\ncounter 1\nepoch zz 1\n".to_owned();
        text += &format!("crc {:08x}\n", crc32(text.as_bytes()));
        assert_eq!(decode(text.as_bytes()), Err(Damage::Line(3)));
        assert_eq!(decode(b"hbd-state 2\n"), Err(Damage::Version));
    }

    #[test]
    fn a_damaged_file_is_kept_aside_and_the_node_starts_anew() {
        let dir = folder("damaged");
        assert!(load(&dir).damage.is_none());
        replace(&dir, encode(&sample(), Some(8)).as_bytes()).unwrap();
        assert_eq!(load(&dir).saved, sample());
        for round in 1..=2 {
            fs::write(dir.join(FILE), "hbd-state 1\ngarbage\n").unwrap();
            let loaded = load(&dir);
            let aside = dir.join(format!("state.corrupt-{round}"));
            assert_eq!(loaded.saved, Saved { lost: true, ..Saved::default() });
            assert_eq!(loaded.damage, Some((Damage::Checksum, Some(aside.clone()))));
            assert_eq!(fs::read(aside).unwrap(), b"hbd-state 1\ngarbage\n");
            assert!(load(&dir).damage.is_none());
        }
        fs::remove_dir_all(dir).unwrap();
    }
}
