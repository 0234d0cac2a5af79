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
use core::fmt;
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

/// What is wrong with one line of `authkeys`. `Display` gives the text, without file and line, never with a secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyFault {
    /// The line, counted from 1; 1 for what concerns the whole file.
    pub line: u32,
    /// What is wrong.
    pub kind: KeyFaultKind,
}

/// What can be wrong with `authkeys`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyFaultKind {
    /// The file cannot be read, and why.
    Unreadable(&'static str),
    /// More than 8 KB.
    TooLarge,
    /// Others than the owner may read or write it: its mode.
    Mode(u32),
    /// No `auth` line; the only key, if there is one only.
    NoAuth(Option<u8>),
    /// `auth` without one number from 0 to 15.
    AuthForm,
    /// A second `auth` line; the first one.
    AuthTwice(u32),
    /// `auth` names this key, which is not in the file.
    AuthAbsent(u8),
    /// The line begins neither with `auth` nor with a number from 0 to 15.
    Start,
    /// This key is already in that line.
    KeyTwice(u8, u32),
    /// This key's method is missing or none of the four.
    Method(u8),
    /// `crc` with a secret.
    CrcSecret(u8),
    /// A keyed method without a secret.
    NoSecret(u8, &'static str),
    /// More than one word behind the method.
    Words(u8),
    /// A secret of more than 64 bytes.
    Long(u8),
    /// A method that this build leaves out.
    NotBuilt(u8, &'static str),
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use KeyFaultKind as K;
        match self.kind {
            K::Unreadable(why) if why == files::DENIED => write!(f, "{why}; run as root"),
            K::Unreadable(why) => write!(f, "{why}; write the file and `chmod 600` it"),
            K::TooLarge => {
                f.write_str("the file is larger than 8 KB; write the `auth` line and at most 16 keys")
            }
            K::Mode(mode) => {
                write!(
                    f,
                    "mode {mode:03o} lets others than the owner at the keys; run `chmod 600` on the file"
                )
            }
            K::NoAuth(Some(key)) => {
                write!(
                    f,
                    "there is no `auth` line to say which key signs; write `auth {key}` as the first line"
                )
            }
            K::NoAuth(None) => f.write_str(
                "there is no `auth` line to say which key signs; write `auth N` as the first line",
            ),
            K::AuthForm => {
                f.write_str("`auth` takes the number of one key, 0 to 15; write for example `auth 1`")
            }
            K::AuthTwice(first) => write!(f, "`auth` is already in line {first}; keep one of the two"),
            K::AuthAbsent(key) => {
                write!(
                    f,
                    "`auth {key}` names a key that is not in the file; write a line `{key} sha1 SECRET`"
                )
            }
            K::Start => f.write_str(
                "the line begins neither with `auth` nor with a key number from 0 to 15; write one",
            ),
            K::KeyTwice(key, first) => {
                write!(f, "key {key} is already in line {first}; write another number")
            }
            K::Method(key) => {
                write!(f, "key {key} has no known method; write crc, md5, sha1 or sha256 behind the number")
            }
            K::CrcSecret(key) => {
                write!(f, "key {key}: crc takes no secret; write `{key} crc`, or `{key} sha1 SECRET`")
            }
            K::NoSecret(key, method) => {
                write!(f, "key {key}: {method} needs a secret; write `{key} {method} SECRET`")
            }
            K::Words(key) => {
                write!(
                    f,
                    "key {key}: more than one word follows the method; write the secret as one word, no comment"
                )
            }
            K::Long(key) => {
                write!(f, "key {key}: the secret is longer than {MAX_SECRET} bytes; write a shorter one")
            }
            K::NotBuilt(key, method) => {
                write!(f, "key {key}: this hbd was built without {method}; write another method")
            }
        }
    }
}

/// All that is wrong with `authkeys`; more than 16 faults are not listed.
pub type KeyFaults = heapless::Vec<KeyFault, 16>;

/// The keys, and the line of the one that signs.
#[expect(clippy::result_large_err, reason = "a box would allocate, and this runs once")]
pub(super) fn load(path: &Path) -> Result<(Keyring, u32), KeyFaults> {
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
    match ring {
        Some(ring) if faults.is_empty() => Ok(ring),
        _ => Err(faults),
    }
}

/// The keys in a text that came from elsewhere than its file.
#[expect(clippy::result_large_err, reason = "a box would allocate, and this runs once")]
pub(super) fn from_text(text: &[u8]) -> Result<(Keyring, u32), KeyFaults> {
    let mut faults = KeyFaults::new();
    match parse(text, &mut faults) {
        Some(ring) if faults.is_empty() => Ok(ring),
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
    for (line, raw) in (1_u32..).zip(text.split(|b| *b == b'\n')) {
        let mut words = raw.split(|b| matches!(b, b' ' | b'\t' | b'\r')).filter(|w| !w.is_empty());
        let Some(first) = words.next().filter(|w| !w.starts_with(b"#")) else { continue };
        if first == b"auth" {
            let signer = words.next().and_then(index).filter(|_| words.next().is_none());
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
            // There is room: indexes do not repeat.
            Ok(key) => _ = keys.push((number, key)),
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

fn key<'a>(number: u8, mut words: impl Iterator<Item = &'a [u8]>) -> Result<Key, KeyFaultKind> {
    let (method, name) = match words.next() {
        Some(b"crc") => (Method::Crc, "crc"),
        Some(b"md5") => (Method::Md5, "md5"),
        Some(b"sha1") => (Method::Sha1, "sha1"),
        Some(b"sha256") => (Method::Sha256, "sha256"),
        _ => return Err(KeyFaultKind::Method(number)),
    };
    let secret = match (words.next(), method) {
        (None, Method::Crc) => &[],
        (Some(_), Method::Crc) => return Err(KeyFaultKind::CrcSecret(number)),
        (None, _) => return Err(KeyFaultKind::NoSecret(number, name)),
        (Some(secret), _) => secret,
    };
    if words.next().is_some() {
        return Err(KeyFaultKind::Words(number));
    }
    if secret.len() > MAX_SECRET {
        return Err(KeyFaultKind::Long(number));
    }
    Key::new(method, secret).map_err(|error| match error {
        KeyError::Method => KeyFaultKind::NotBuilt(number, name),
        _ => KeyFaultKind::NoSecret(number, name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let mut faults = KeyFaults::new();
        let ring = parse(text.as_bytes(), &mut faults);
        assert!(ring.is_none() || !faults.is_empty(), "a ring and no fault");
        faults.iter().map(|f| format!("{}: {f}", f.line)).collect()
    }

    fn ring(text: &str) -> Keyring {
        let mut faults = KeyFaults::new();
        let ring = parse(text.as_bytes(), &mut faults);
        assert!(faults.is_empty(), "{faults:?}");
        ring.expect("a ring").0
    }

    #[test]
    fn several_keys_verify_and_one_signs() {
        let ring = ring("# a comment\n\nauth 2\r\n1 crc\n2 sha1 HI!#x\n \t3 md5 Hello!\n15 sha256 s\n");
        assert_eq!(ring.signer(), 2);
        let method = |n| ring.get(n).map(|k| k.method);
        assert_eq!(method(1), Some(Method::Crc));
        assert_eq!(ring.get(2).map(|k| k.secret), Some(&b"HI!#x"[..]));
        assert_eq!(method(3), Some(Method::Md5));
        assert_eq!(method(15), Some(Method::Sha256));
        assert_eq!(method(0), None);
    }

    #[test]
    fn auth_may_stand_behind_the_keys() {
        assert_eq!(ring("0 crc\nauth 0").signer(), 0);
    }

    #[test]
    fn every_fault_names_its_line_and_no_secret() {
        for (text, expected) in [
            ("1 crc", "1: there is no `auth` line to say which key signs; write `auth 1` as the first line"),
            (
                "#auth 1\n1 crc\n2 md5 s3cret",
                "1: there is no `auth` line to say which key signs; write `auth N` as the first line",
            ),
            ("", "1: there is no `auth` line to say which key signs; write `auth N` as the first line"),
            ("auth\n1 crc", "1: `auth` takes the number of one key, 0 to 15; write for example `auth 1`"),
            ("auth 16\n1 crc", "1: `auth` takes the number of one key, 0 to 15; write for example `auth 1`"),
            ("auth 1 2\n1 crc", "1: `auth` takes the number of one key, 0 to 15; write for example `auth 1`"),
            ("auth 1\n1 crc\nauth 1", "3: `auth` is already in line 1; keep one of the two"),
            (
                "auth 2\n1 crc",
                "1: `auth 2` names a key that is not in the file; write a line `2 sha1 SECRET`",
            ),
            (
                "auth 1\n1 crc\ns3cret",
                "3: the line begins neither with `auth` nor with a key number from 0 to 15; write one",
            ),
            (
                "auth 1\n1 crc\n16 sha1 s3cret",
                "3: the line begins neither with `auth` nor with a key number from 0 to 15; write one",
            ),
            ("auth 1\n1 crc\n1 sha1 s3cret", "3: key 1 is already in line 2; write another number"),
            (
                "auth 1\n1 s3cret",
                "2: key 1 has no known method; write crc, md5, sha1 or sha256 behind the number",
            ),
            ("auth 1\n1", "2: key 1 has no known method; write crc, md5, sha1 or sha256 behind the number"),
            (
                "auth 1\n1 CRC",
                "2: key 1 has no known method; write crc, md5, sha1 or sha256 behind the number",
            ),
            ("auth 1\n1 crc s3cret", "2: key 1: crc takes no secret; write `1 crc`, or `1 sha1 SECRET`"),
            ("auth 1\n1 md5", "2: key 1: md5 needs a secret; write `1 md5 SECRET`"),
            ("auth 1\n1 sha1", "2: key 1: sha1 needs a secret; write `1 sha1 SECRET`"),
            ("auth 1\n1 sha256", "2: key 1: sha256 needs a secret; write `1 sha256 SECRET`"),
            (
                "auth 1\n1 md5 s3cret # mine",
                "2: key 1: more than one word follows the method; write the secret as one word, no comment",
            ),
        ] {
            let texts = faults(text);
            assert_eq!(texts, [expected], "{text}");
            assert!(!texts.concat().contains("s3cret"));
        }
        let long = format!("auth 1\n1 sha1 {}", "s3cret".repeat(11));
        assert_eq!(faults(&long), ["2: key 1: the secret is longer than 64 bytes; write a shorter one"]);
        let not_built = KeyFault { line: 1, kind: KeyFaultKind::NotBuilt(4, "md5") };
        assert_eq!(not_built.to_string(), "key 4: this hbd was built without md5; write another method");
    }

    #[test]
    fn more_faults_than_fit_are_no_harm() {
        assert_eq!(faults(&"nonsense\n".repeat(40)).len(), 16);
    }
}
