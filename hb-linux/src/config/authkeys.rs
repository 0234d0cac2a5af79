//! `authkeys`: an `auth N` line that says which key signs, and the keys, of which all verify.
//!
//! ```text
//! auth 2
//! 1 crc
//! 2 sha1 one-word-of-secret
//! ```
//! To change the key: add the new one on both nodes and reload, move `auth` on both and reload, remove the old one.
//!
//! Nothing here allocates, and a [`KeyFault`] holds numbers and method names only: no message can show a secret.

use super::files;
use super::key_fault::{KeyFault, KeyFaultKind, KeyFaults, KeyPart};
use core::str;
use hb_core::auth::keys::{MAX_INDEX, MAX_SECRET};
use hb_core::auth::{Key, KeyError, Keyring, Method};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Bytes of the file at most.
const MAX_FILE: usize = 8192;
/// Keys at most: one for each index.
const MAX_KEYS: usize = MAX_INDEX as usize + 1;

/// What `authkeys` gives.
pub(super) struct Keys {
    /// The keys.
    pub(super) ring: Keyring,
    /// The line of the one that signs.
    pub(super) line: u32,
    /// What was taken and should be written otherwise.
    pub(super) warnings: KeyFaults,
}

/// The keys, or all that is wrong with the file.
#[expect(clippy::result_large_err, reason = "a box would allocate, and this runs once")]
pub(super) fn load(path: &Path) -> Result<Keys, KeyFaults> {
    let mut faults = KeyFaults::new();
    let mut buf = [0; MAX_FILE];
    let ring = match read(path, &mut buf) {
        Ok((text, mode)) => {
            if mode & 0o077 != 0 {
                add(&mut faults, 1, KeyFaultKind::Mode(mode));
            }
            parse(text, &mut faults)
        }
        Err(kind) => {
            add(&mut faults, 1, kind);
            None
        }
    };
    wipe(&mut buf);
    taken(ring, faults)
}

/// The keys in a text that came from elsewhere than its file.
#[expect(clippy::result_large_err, reason = "a box would allocate, and this runs once")]
pub(super) fn from_text(text: &[u8]) -> Result<Keys, KeyFaults> {
    let mut faults = KeyFaults::new();
    let ring = parse(text, &mut faults);
    taken(ring, faults)
}

#[expect(clippy::result_large_err, reason = "a box would allocate, and this runs once")]
fn taken(ring: Option<(Keyring, u32)>, faults: KeyFaults) -> Result<Keys, KeyFaults> {
    match ring {
        Some((ring, line)) if faults.iter().all(|fault| fault.kind.is_warning()) => {
            Ok(Keys { ring, line, warnings: faults })
        }
        _ => Err(faults),
    }
}

/// Leave no second copy of the secrets on the stack.
fn wipe(buf: &mut [u8]) {
    buf.fill(0);
    core::hint::black_box(buf);
}

fn add(faults: &mut KeyFaults, line: u32, kind: KeyFaultKind) {
    // Sixteen faults are enough to begin with.
    let _ = faults.push(KeyFault { line, kind });
}

fn read<'a>(path: &Path, buf: &'a mut [u8; MAX_FILE]) -> Result<(&'a [u8], u32), KeyFaultKind> {
    let unreadable = |error: io::Error| KeyFaultKind::Unreadable(files::reason(&error));
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(KeyFaultKind::Unreadable("it is not a regular file"));
    }
    let mut file = File::open(path).map_err(unreadable)?;
    // The mode of the open file, so that it belongs to the bytes.
    let mode = file.metadata().map_err(unreadable)?.mode() & 0o777;
    let mut len = 0;
    while let Some(room) = buf.get_mut(len..).filter(|room| !room.is_empty()) {
        match file.read(room) {
            Ok(0) => return Ok((buf.get(..len).unwrap_or_default(), mode)),
            Ok(n) => len += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
    Err(KeyFaultKind::TooLarge)
}

fn parse(text: &[u8], faults: &mut KeyFaults) -> Option<(Keyring, u32)> {
    let mut keys: heapless::Vec<(u8, Key), MAX_KEYS> = heapless::Vec::new();
    let mut listed: [Option<u32>; MAX_KEYS] = [None; MAX_KEYS];
    let mut auth: Option<(Option<u8>, u32)> = None;
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let mut dos = false;
    for (line, raw) in (1_u32..).zip(text.split(|b| *b == b'\n')) {
        if raw.ends_with(b"\r") && !dos {
            dos = true;
            add(faults, line, KeyFaultKind::Dos);
        }
        let mut words = raw.split(|b| matches!(b, b' ' | b'\t' | b'\r')).filter(|w| !w.is_empty());
        let Some(first) = words.next().filter(|w| !w.starts_with(b"#")) else { continue };
        if first == b"auth" {
            let word = words.next().unwrap_or_default();
            // As Heartbeat reads it: the number ends where its digits do.
            let end = word.iter().position(|b| *b == b'#').unwrap_or(word.len());
            let (number, tail) = word.split_at_checked(end).unwrap_or_default();
            let behind = Some(tail).filter(|tail| !tail.is_empty()).or_else(|| words.next());
            let signer = index(number).filter(|_| behind.is_none_or(is_comment));
            if let (Some(signer), Some(_)) = (signer, behind) {
                add(faults, line, KeyFaultKind::Comment(KeyPart::Auth(signer)));
            }
            match auth {
                Some((_, before)) => add(faults, line, KeyFaultKind::AuthTwice(before)),
                None => auth = Some((signer, line)),
            }
            if signer.is_none() {
                add(faults, line, KeyFaultKind::AuthForm);
            }
            continue;
        }
        let Some(number) = index(first) else {
            add(faults, line, KeyFaultKind::Start);
            continue;
        };
        if let Some(place) = listed.get_mut(usize::from(number)) {
            match place {
                Some(before) => {
                    add(faults, line, KeyFaultKind::KeyTwice(number, *before));
                    continue;
                }
                None => *place = Some(line),
            }
        }
        match key(number, words) {
            Ok((key, warning)) => {
                if let Some(kind) = warning {
                    add(faults, line, kind);
                }
                // There is room: indexes do not repeat.
                let _ = keys.push((number, key));
            }
            Err(kind) => add(faults, line, kind),
        }
    }
    let mut all = listed.iter().zip(0_u8..).filter(|(line, _)| line.is_some()).map(|(_, number)| number);
    match auth {
        None => {
            let only = all.next().filter(|_| all.next().is_none());
            add(faults, 1, KeyFaultKind::NoAuth(only));
            None
        }
        Some((Some(signer), line)) if !all.any(|number| number == signer) => {
            add(faults, line, KeyFaultKind::AuthAbsent(signer));
            None
        }
        Some((Some(signer), _)) => {
            let line = listed.get(usize::from(signer)).copied().flatten()?;
            Keyring::new(&keys, signer).ok().map(|ring| (ring, line))
        }
        Some((None, _)) => None,
    }
}

fn index(word: &[u8]) -> Option<u8> {
    let digits = word.iter().all(u8::is_ascii_digit);
    str::from_utf8(word).ok()?.parse().ok().filter(|n| digits && *n <= MAX_INDEX)
}

/// Whether what begins with this word is for people.
fn is_comment(word: &[u8]) -> bool {
    word.starts_with(b"#") || word.starts_with(b"//")
}

/// A key, and what is to be said of its line.
fn key<'a>(
    number: u8,
    mut words: impl Iterator<Item = &'a [u8]>,
) -> Result<(Key, Option<KeyFaultKind>), KeyFaultKind> {
    let comment = KeyFaultKind::Comment(KeyPart::Key(number));
    let (method, name) = match words.next() {
        Some(b"crc") => (Method::Crc, "crc"),
        Some(b"md5") => (Method::Md5, "md5"),
        Some(b"sha1") => (Method::Sha1, "sha1"),
        Some(b"sha256") => (Method::Sha256, "sha256"),
        other => {
            let known = ["crc", "md5", "sha1", "sha256"];
            let near =
                known.into_iter().find(|k| other.is_some_and(|w| w.eq_ignore_ascii_case(k.as_bytes())));
            return Err(near.map_or(KeyFaultKind::Method(number), |near| KeyFaultKind::Case(number, near)));
        }
    };
    let (secret, warning) = match (words.next(), method) {
        (None, Method::Crc) => (&[][..], None),
        (Some(word), Method::Crc) if is_comment(word) => (&[][..], Some(comment)),
        (Some(_), Method::Crc) => return Err(KeyFaultKind::CrcSecret(number)),
        (None, _) => return Err(KeyFaultKind::NoSecret(number, name)),
        (Some(secret), _) => match words.next() {
            // A `#` alone is no secret that anybody chose.
            _ if secret == b"#" || secret == b"//" => return Err(KeyFaultKind::NoSecret(number, name)),
            Some(word) if is_comment(word) => (secret, Some(comment)),
            Some(_) => return Err(KeyFaultKind::Words(number)),
            None if secret.starts_with(b"#") => (secret, Some(KeyFaultKind::Hash(number))),
            None => (secret, None),
        },
    };
    if secret.len() > MAX_SECRET {
        return Err(KeyFaultKind::Long(number));
    }
    let key = Key::new(method, secret).map_err(|error| match error {
        KeyError::Method => KeyFaultKind::NotBuilt(number, name),
        _ => KeyFaultKind::NoSecret(number, name),
    })?;
    Ok((key, warning))
}

#[cfg(test)]
#[path = "authkeys_tests.rs"]
mod tests;
