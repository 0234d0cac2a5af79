//! What can be wrong with `authkeys`, and the words for it.

use super::files;
use core::fmt;
use hb_core::auth::keys::MAX_SECRET;

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
    /// This key's method is written in capitals.
    Case(u8, &'static str),
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
    /// Something stands behind what counts, with `#` or `//` in front of it: what counts.
    Comment(KeyPart),
    /// Lines end as DOS writes them.
    Dos,
    /// This key's secret begins with `#` and is no comment.
    Hash(u8),
}

/// What a comment stands behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyPart {
    /// `auth` and this number.
    Auth(u8),
    /// This key.
    Key(u8),
}

impl KeyFaultKind {
    /// Whether the keys are taken all the same.
    #[must_use]
    pub const fn is_warning(self) -> bool {
        matches!(self, Self::Comment(_) | Self::Dos | Self::Hash(_))
    }
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
            K::Case(key, method) => {
                write!(f, "key {key}: methods are written in small letters; write `{method}`")
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
                    "key {key}: more than one word follows the method, and Heartbeat takes the first one alone for the secret; \
                     write it alone, or another word on both nodes"
                )
            }
            K::Long(key) => {
                write!(f, "key {key}: the secret is longer than {MAX_SECRET} bytes; write a shorter one")
            }
            K::NotBuilt(key, method) => {
                write!(f, "key {key}: this hbd was built without {method}; write another method")
            }
            K::Comment(part) => {
                f.write_str("a comment stands behind ")?;
                match part {
                    KeyPart::Auth(key) => write!(f, "`auth {key}`")?,
                    KeyPart::Key(key) => write!(f, "key {key}")?,
                }
                f.write_str(", and is left out; write it into a line of its own that begins with `#`")
            }
            K::Dos => f.write_str(
                "the file has DOS line ends, which are left out; write it with Unix ones (`tr -d '\\r'`)",
            ),
            K::Hash(key) => write!(
                f,
                "key {key}: the secret begins with `#` and is taken as a secret, not as a comment; write another one if a \
                 comment was meant"
            ),
        }
    }
}

/// All that is wrong with `authkeys`; more than 16 faults are not listed.
pub type KeyFaults = heapless::Vec<KeyFault, 16>;
