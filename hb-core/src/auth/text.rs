//! Who signed a text of Linux-HA Heartbeat: its digests, whole and in hexadecimal (DESIGN §4).
//!
//! `crc` is the polynomial of `cksum` without the length, printed without leading zeros; `md5` and `sha1` are the HMACs of
//! the native frames, untruncated. Heartbeat has no `sha256`. The MD5 and SHA-1 of Heartbeat 1.0 on a 64-bit machine are
//! none: between such nodes, `crc` alone is understood.

#[cfg(any(feature = "md5", feature = "sha1"))]
use super::hmac::{self, hmac_of};
use super::keys::{KeyRef, Keyring, Method};
use crate::frame::foreign::{Text, hexadecimal, nibble};
use crc::{CRC_32_CKSUM, Crc, Table};

/// One table of 256 words where there is room for it, as for the tags.
const TABLES: usize = if cfg!(feature = "large") { 1 } else { 0 };
static CKSUM: Crc<u32, Table<TABLES>> = Crc::<u32, Table<TABLES>>::new(&CRC_32_CKSUM);

/// Bytes of the longest digest.
const MAX_DIGEST: usize = 20;

/// A digest, the most significant byte first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Digest {
    bytes: [u8; MAX_DIGEST],
    len: usize,
}

impl Digest {
    /// What `key` makes of everything in `text` that a digest covers; `None` if Heartbeat, or this build, has no such
    /// method.
    #[must_use]
    pub fn of(text: &Text<'_>, key: KeyRef<'_>) -> Option<Self> {
        let mut digest = Self { bytes: [0; MAX_DIGEST], len: 0 };
        match key.method {
            Method::Crc => {
                let mut sum = CKSUM.digest();
                text.each_signed(&mut |part| sum.update(part));
                digest.set(&sum.finalize().to_be_bytes());
            }
            #[cfg(feature = "md5")]
            Method::Md5 => {
                let full = hmac_of(&hmac::MD5, key.secret, |take| text.each_signed(take));
                digest.set(full.first_chunk::<16>()?);
            }
            #[cfg(feature = "sha1")]
            Method::Sha1 => {
                let full = hmac_of(&hmac::SHA1, key.secret, |take| text.each_signed(take));
                digest.set(full.first_chunk::<MAX_DIGEST>()?);
            }
            _ => return None,
        }
        Some(digest)
    }

    fn set(&mut self, bytes: &[u8]) {
        self.bytes.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        self.len = bytes.len();
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&self.bytes)
    }

    /// Is it what the hexadecimal `digits` say? The time taken does not depend on where they differ.
    fn is(&self, digits: &[u8]) -> bool {
        // Of a number, leading zeros are not printed.
        if self.len == 4 {
            return hexadecimal(digits)
                .is_some_and(|number| differing(self.bytes(), &number.to_be_bytes()) == 0);
        }
        let (pairs, odd) = digits.as_chunks::<2>();
        let mut bytes = [0; MAX_DIGEST];
        let mut bad = pairs.len() != self.len || !odd.is_empty();
        for (to, [high, low]) in bytes.iter_mut().zip(pairs) {
            match nibble(*high).zip(nibble(*low)) {
                Some((high, low)) => *to = high << 4 | low,
                None => bad = true,
            }
        }
        differing(&self.bytes, &bytes) == 0 && !bad
    }
}

/// Zero where both are the same.
fn differing(own: &[u8], other: &[u8]) -> u8 {
    own.iter().zip(other).fold(0, |all, (a, b)| core::hint::black_box(all | (a ^ b)))
}

/// The method of the listed key that signed `text`; `None` if none did.
#[must_use]
pub fn verify(text: &Text<'_>, keys: &Keyring) -> Option<Method> {
    let (index, digits) = text.auth()?;
    let key = keys.get(index)?;
    Digest::of(text, key)?.is(digits).then_some(key.method)
}

#[cfg(all(test, feature = "linux-ha"))]
#[path = "text_tests.rs"]
mod tests;
