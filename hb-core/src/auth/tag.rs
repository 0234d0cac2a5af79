//! Tags at the end of a frame: CRC-32, or HMAC truncated as IPsec does (RFC 2403, RFC 2404, RFC 4868).
//!
//! A tag covers eight bytes that are not sent, the *life*, and then every byte of the frame before it.

use super::keys::{Key, Method};
use crc::{CRC_32_ISO_HDLC, Crc, Table};

/// Bytes of the longest tag.
pub const MAX_TAG: usize = 16;

/// One table of 256 words (1 KiB): about six instructions a byte. Bit by bit it would be fifty, more than all the rest
/// of a heartbeat; sixteen tables would gain little on 30 bytes and cost 16 KiB of a microcontroller's flash.
static CRC32: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

/// CRC-32 as in Ethernet, zip and PNG (reflected 0x04C11DB7, start and final complement); "123456789" gives CBF43926.
/// Also the hash behind group names and digests.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    CRC32.checksum(bytes)
}

/// A computed tag.
pub(super) struct Tag {
    bytes: [u8; MAX_TAG],
    len: usize,
}

impl Tag {
    /// The tag of `key` over `life` and `bytes`; `None` if the method is not in this build.
    pub(super) fn of(key: &Key, life: &[u8; 8], bytes: &[u8]) -> Option<Self> {
        let full = match key.method {
            Method::Crc => widen(&crc(life, bytes)),
            #[cfg(feature = "md5")]
            Method::Md5 => hmac::<::hmac::Hmac<md5::Md5>>(&key.secret, life, bytes)?,
            #[cfg(feature = "sha1")]
            Method::Sha1 => hmac::<::hmac::Hmac<sha1::Sha1>>(&key.secret, life, bytes)?,
            #[cfg(feature = "sha256")]
            Method::Sha256 => hmac::<::hmac::Hmac<sha2::Sha256>>(&key.secret, life, bytes)?,
            #[cfg(not(all(feature = "md5", feature = "sha1", feature = "sha256")))]
            _ => return None,
        };
        Some(Self { bytes: full, len: key.method.tag_len() })
    }

    /// The bytes that go into the frame.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&self.bytes)
    }

    /// Is this the tag that was received? The time taken does not depend on where they differ.
    pub(super) fn matches(&self, received: &[u8]) -> bool {
        let own = self.bytes();
        let differing = own.iter().zip(received).fold(0, |all, (a, b)| core::hint::black_box(all | (a ^ b)));
        own.len() == received.len() && differing == 0
    }
}

fn crc(life: &[u8; 8], bytes: &[u8]) -> [u8; 4] {
    let mut digest = CRC32.digest();
    digest.update(life);
    digest.update(bytes);
    digest.finalize().to_le_bytes()
}

#[cfg(any(feature = "md5", feature = "sha1", feature = "sha256"))]
fn hmac<M: ::hmac::Mac + ::hmac::KeyInit>(
    secret: &[u8],
    life: &[u8; 8],
    bytes: &[u8],
) -> Option<[u8; MAX_TAG]> {
    let mut mac = <M as ::hmac::KeyInit>::new_from_slice(secret).ok()?;
    mac.update(life);
    mac.update(bytes);
    Some(widen(&mac.finalize().into_bytes()))
}

/// The first bytes of `digest`, the rest zero.
fn widen(digest: &[u8]) -> [u8; MAX_TAG] {
    let mut wide = [0; MAX_TAG];
    wide.iter_mut().zip(digest).for_each(|(to, from)| *to = *from);
    wide
}
