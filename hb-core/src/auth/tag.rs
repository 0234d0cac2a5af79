//! Tags at the end of a frame: CRC-32, or HMAC truncated as IPsec does (RFC 2403, RFC 2404, RFC 4868).
//!
//! A tag covers eight bytes that are not sent, the *life*, and then every byte of the frame before it.

#[cfg(any(feature = "md5", feature = "sha1", feature = "sha256"))]
use super::hmac::{self, hmac};
use super::keys::{KeyRef, Method};
use crc::{CRC_32_ISO_HDLC, Crc, Table};

/// Bytes of the longest tag.
pub const MAX_TAG: usize = 16;

/// One table of 256 words (1 KiB): about six instructions a byte. Bit by bit it is fifty, more than all the rest of a
/// heartbeat, which only a microcontroller has the time for; sixteen tables would gain little on 30 bytes.
const TABLES: usize = if cfg!(feature = "large") { 1 } else { 0 };
static CRC32: Crc<u32, Table<TABLES>> = Crc::<u32, Table<TABLES>>::new(&CRC_32_ISO_HDLC);

/// CRC-32 as in Ethernet, zip and PNG (reflected 0x04C11DB7, start and final complement); "123456789" gives CBF43926.
/// Also the hash behind group names and digests.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    CRC32.checksum(bytes)
}

/// [`crc32`] of `parts`, one behind the other.
pub(crate) fn crc32_of<const N: usize>(parts: [&[u8]; N]) -> u32 {
    let mut crc = Crc32::new();
    parts.iter().for_each(|part| crc.update(part));
    crc.end()
}

/// [`crc32`] of what comes in pieces.
pub(crate) struct Crc32(crc::Digest<'static, u32, Table<TABLES>>);

impl Crc32 {
    pub(crate) fn new() -> Self {
        Self(CRC32.digest())
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn end(self) -> u32 {
        self.0.finalize()
    }
}

/// A computed tag.
pub(super) struct Tag {
    bytes: [u8; MAX_TAG],
    len: usize,
}

impl Tag {
    /// The tag of `key` over `life` and `bytes`; `None` if the method is not in this build.
    pub(super) fn of(key: KeyRef<'_>, life: &[u8; 8], bytes: &[u8]) -> Option<Self> {
        let full = match key.method {
            Method::Crc => widen(&crc(life, bytes)),
            #[cfg(feature = "md5")]
            Method::Md5 => widen(&hmac(&hmac::MD5, key.secret, [life, bytes])),
            #[cfg(feature = "sha1")]
            Method::Sha1 => widen(&hmac(&hmac::SHA1, key.secret, [life, bytes])),
            #[cfg(feature = "sha256")]
            Method::Sha256 => widen(&hmac(&hmac::SHA256, key.secret, [life, bytes])),
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

/// The first bytes of `digest`, the rest zero (DESIGN §4.4).
fn widen(digest: &[u8]) -> [u8; MAX_TAG] {
    let mut wide = [0; MAX_TAG];
    wide.iter_mut().zip(digest).for_each(|(to, from)| *to = *from);
    wide
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRC: KeyRef<'_> = KeyRef { method: Method::Crc, secret: &[] };

    #[test]
    fn crc32_is_the_one_of_ethernet() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
        assert_eq!(crc(b"12345678", b"9"), 0xCBF4_3926_u32.to_le_bytes());
    }

    /// A tag over `text`, whose first eight bytes stand in for the life.
    #[cfg(any(feature = "md5", feature = "sha1", feature = "sha256"))]
    fn check(method: Method, secret: &[u8], text: &[u8], expected: &str) {
        let (life, bytes) = text.split_first_chunk().unwrap();
        let tag = Tag::of(KeyRef { method, secret }, life, bytes).unwrap();
        let hex: std::string::String = tag.bytes().iter().map(|b| std::format!("{b:02x}")).collect();
        assert_eq!(hex, expected.get(..method.tag_len() * 2).unwrap());
        assert!(tag.matches(tag.bytes()));
    }

    #[cfg(feature = "md5")]
    #[test]
    fn hmac_md5_gives_the_vectors_of_rfc_2202() {
        let check = |secret: &[u8], text: &[u8], expected| check(Method::Md5, secret, text, expected);
        check(&[0x0b; 16], b"Hi There", "9294727a3638bb1c13f48ef8158bfc9d");
        check(b"Jefe", b"what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738");
        check(&[0xaa; 16], &[0xdd; 50], "56be34521d144c88dbb8c733f0e8b3f6");
    }

    #[cfg(feature = "sha1")]
    #[test]
    fn hmac_sha1_gives_the_vectors_of_rfc_2202() {
        let check = |secret: &[u8], text: &[u8], expected| check(Method::Sha1, secret, text, expected);
        check(&[0x0b; 20], b"Hi There", "b617318655057264e28bc0b6fb378c8ef146be00");
        check(b"Jefe", b"what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        check(&[0xaa; 20], &[0xdd; 50], "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
        // RFC 2202 also gives this one truncated to 96 bits.
        check(&[0x0c; 20], b"Test With Truncation", "4c1a03424b55e07fe7f27be1");
    }

    #[cfg(feature = "sha256")]
    #[test]
    fn hmac_sha256_gives_the_vectors_of_rfc_4231() {
        let check = |secret: &[u8], text: &[u8], expected| check(Method::Sha256, secret, text, expected);
        check(&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
        check(
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        );
        check(&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
        // RFC 4231 also gives this one truncated to 128 bits.
        check(&[0x0c; 20], b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b");
    }

    #[test]
    fn a_tag_matches_itself_alone() {
        let tag = Tag::of(CRC, &[0; 8], b"frame").unwrap();
        let own = tag.bytes().to_vec();
        assert!(tag.matches(&own));
        for bit in 0..own.len() * 8 {
            let mut other = own.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!tag.matches(&other));
        }
        assert!(!tag.matches(&own[..3]) && !tag.matches(&[]));
        let longer: std::vec::Vec<u8> = own.iter().copied().chain([0]).collect();
        assert!(!tag.matches(&longer));
    }

    #[test]
    fn the_life_is_part_of_the_tag() {
        let tag = Tag::of(CRC, &[0; 8], b"frame").unwrap();
        assert!(!Tag::of(CRC, &[1, 0, 0, 0, 0, 0, 0, 0], b"frame").unwrap().matches(tag.bytes()));
    }
}
