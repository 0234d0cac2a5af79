//! The keys of `authkeys`: method and secret by index, one of them signs, all of them verify.
//!
//! Several keys are there for rotation: list the new key on both nodes, let one node after the other sign with it,
//! then drop the old one. A listed key is as strong as it is alone: with a `crc` key in the ring anybody can make
//! frames that verify, whatever the signing key is.

use super::tag::Tag;
use heapless::Vec;

/// Highest key index in a file and in a frame.
pub const MAX_INDEX: u8 = 15;
/// Bytes of a secret at most.
pub const MAX_SECRET: usize = 64;
/// Keys at most: every index once.
pub const MAX_KEYS: usize = MAX_INDEX as usize + 1;
/// Bytes of all secrets of a ring together at most. A build that has `crc` alone keeps no secrets.
pub const MAX_SECRETS: usize =
    if cfg!(any(feature = "md5", feature = "sha1", feature = "sha256")) { 8 * MAX_SECRET } else { 0 };

/// Whether this build has a method with a secret.
pub(crate) const SECRETS: bool = MAX_SECRETS != 0;

/// How a frame is tagged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Method {
    /// CRC-32, 4 bytes: against damage, not against people.
    Crc,
    /// HMAC-MD5, truncated to 96 bits.
    Md5,
    /// HMAC-SHA1, truncated to 96 bits.
    Sha1,
    /// HMAC-SHA256, truncated to 128 bits.
    Sha256,
}

impl Method {
    /// Bytes of the tag at the end of a frame.
    #[must_use]
    pub const fn tag_len(self) -> usize {
        match self {
            Self::Crc => 4,
            Self::Md5 | Self::Sha1 => 12,
            Self::Sha256 => 16,
        }
    }

    /// Only who has the secret can make the tag. In a build with `crc` alone no method of a ring is so.
    pub(crate) const fn has_secret(self) -> bool {
        SECRETS && !matches!(self, Self::Crc)
    }

    /// Is the method in this build? `crc` always is.
    #[must_use]
    pub const fn is_built(self) -> bool {
        match self {
            Self::Crc => true,
            Self::Md5 => cfg!(feature = "md5"),
            Self::Sha1 => cfg!(feature = "sha1"),
            Self::Sha256 => cfg!(feature = "sha256"),
        }
    }
}

/// One line of `authkeys`.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// How it tags.
    pub method: Method,
    /// The shared secret; empty for `crc`.
    pub secret: Vec<u8, MAX_SECRET>,
}

impl Key {
    /// A key of `method` with `secret`.
    ///
    /// # Errors
    /// [`KeyError::Secret`] when the secret is longer than [`MAX_SECRET`], missing where the method needs one, or
    /// given where it needs none; [`KeyError::Method`] when the method is not in this build.
    pub fn new(method: Method, secret: &[u8]) -> Result<Self, KeyError> {
        let secret = Vec::from_slice(secret).map_err(|_| KeyError::Secret)?;
        let key = Self { method, secret };
        key.check()?;
        Ok(key)
    }

    fn check(&self) -> Result<(), KeyError> {
        if !self.method.is_built() {
            return Err(KeyError::Method);
        }
        if self.secret.is_empty() != matches!(self.method, Method::Crc) {
            return Err(KeyError::Secret);
        }
        Ok(())
    }
}

impl core::fmt::Debug for Key {
    /// The method and the length of the secret, never the secret.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Debug::fmt(&KeyRef { method: self.method, secret: &self.secret }, f)
    }
}

/// A key in its ring.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyRef<'a> {
    /// How it tags.
    pub method: Method,
    /// The shared secret; empty for `crc`.
    pub secret: &'a [u8],
}

/// Where a key is in its ring.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Slot {
    index: u8,
    method: Method,
    start: u16,
    len: u8,
}

/// All keys that verify, and the one that signs. The secrets stand one behind the other: about 600 bytes in all.
#[derive(Clone, PartialEq, Eq)]
pub struct Keyring {
    slots: Vec<Slot, MAX_KEYS>,
    secrets: Vec<u8, MAX_SECRETS>,
    signer: u8,
}

impl Keyring {
    /// The ring of `keys`, each with its index, of which `signer` signs.
    ///
    /// # Errors
    /// What is wrong with the first bad key, or that no key has the signing index.
    pub fn new(keys: &[(u8, Key)], signer: u8) -> Result<Self, KeyError> {
        let mut ring = Self { slots: Vec::new(), secrets: Vec::new(), signer };
        for (index, key) in keys {
            if *index > MAX_INDEX {
                return Err(KeyError::Index);
            }
            if ring.get(*index).is_some() {
                return Err(KeyError::Duplicate);
            }
            key.check()?;
            let start = u16::try_from(ring.secrets.len()).map_err(|_| KeyError::Secret)?;
            let len = u8::try_from(key.secret.len()).map_err(|_| KeyError::Secret)?;
            ring.secrets.extend_from_slice(&key.secret).map_err(|_| KeyError::Secret)?;
            let slot = Slot { index: *index, method: key.method, start, len };
            ring.slots.push(slot).map_err(|_| KeyError::Duplicate)?;
        }
        if ring.get(signer).is_none() {
            return Err(KeyError::NoSigner);
        }
        Ok(ring)
    }

    /// The index of the key that signs.
    #[must_use]
    pub const fn signer(&self) -> u8 {
        self.signer
    }

    /// A number that differs when a key with a secret differs, and tells nothing of the secrets; 0 if there is none.
    #[must_use]
    pub fn digest(&self) -> u32 {
        if !SECRETS {
            return 0;
        }
        let mut all = 0_u32;
        for slot in self.slots.iter().filter(|slot| slot.method != Method::Crc) {
            let named = [b'h', b'b', b'd', slot.index, slot.method.tag_len() as u8];
            let tag = self.get(slot.index).and_then(|key| Tag::of(key, &[0xFF; 8], &named));
            let word = tag.as_ref().and_then(|tag| tag.bytes().first_chunk()).copied().unwrap_or_default();
            all = all.rotate_left(5) ^ u32::from_le_bytes(word);
        }
        // Never 0 where there is something to tell.
        if all == 0 { u32::from(self.slots.iter().any(|slot| slot.method != Method::Crc)) } else { all }
    }

    /// The key with this index.
    #[must_use]
    pub fn get(&self, index: u8) -> Option<KeyRef<'_>> {
        let slot = self.slots.iter().find(|slot| slot.index == index)?;
        let secret = self.secrets.get(usize::from(slot.start)..)?.get(..usize::from(slot.len))?;
        Some(KeyRef { method: slot.method, secret })
    }
}

impl core::fmt::Debug for KeyRef<'_> {
    /// The method and the length of the secret, never the secret.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Key").field("method", &self.method).field("secret_len", &self.secret.len()).finish()
    }
}

impl core::fmt::Debug for Keyring {
    /// Indexes and methods, never a secret.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let key = |slot: &Slot| (slot.index, self.get(slot.index));
        f.debug_map().entries(self.slots.iter().map(key)).entry(&"signer", &self.signer).finish()
    }
}

/// Why a [`Keyring`] cannot be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyError {
    /// An index above [`MAX_INDEX`].
    Index,
    /// The same index twice.
    Duplicate,
    /// No key has the signing index.
    NoSigner,
    /// A keyed method without a secret, `crc` with one, a secret longer than [`MAX_SECRET`], or all of them together
    /// longer than [`MAX_SECRETS`].
    Secret,
    /// The method was not compiled in.
    Method,
}

impl core::fmt::Display for KeyError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Index => "a key index must be 0 to 15",
            Self::Duplicate => "the same key index is there twice",
            Self::NoSigner => "no key has the signing index",
            Self::Secret => "md5, sha1 and sha256 need a secret of 1 to 64 bytes (all together 512 at most), crc takes none",
            Self::Method => "this build does not have the method",
        })
    }
}

impl core::error::Error for KeyError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(method: Method, secret: &str) -> Key {
        Key::new(method, secret.as_bytes()).unwrap()
    }

    #[test]
    fn a_ring_finds_its_keys_by_index() {
        let ring = Keyring::new(&[(1, key(Method::Crc, "")), (15, key(Method::Crc, ""))], 15).unwrap();
        assert_eq!(ring.signer(), 15);
        assert!(ring.get(1).is_some() && ring.get(15).is_some());
        assert!(ring.get(0).is_none() && ring.get(16).is_none());
    }

    #[test]
    fn a_bad_ring_is_refused_for_its_reason() {
        let crc = || key(Method::Crc, "");
        assert_eq!(Keyring::new(&[(16, crc())], 16), Err(KeyError::Index));
        assert_eq!(Keyring::new(&[(1, crc()), (1, crc())], 1), Err(KeyError::Duplicate));
        assert_eq!(Keyring::new(&[(1, crc())], 2), Err(KeyError::NoSigner));
        assert_eq!(Keyring::new(&[], 0), Err(KeyError::NoSigner));
        let unkeyed = Key { method: Method::Crc, secret: Vec::from_slice(b"x").unwrap() };
        assert_eq!(Keyring::new(&[(1, unkeyed)], 1), Err(KeyError::Secret));
        assert_eq!(Key::new(Method::Crc, b"x"), Err(KeyError::Secret));
    }

    #[test]
    fn a_method_that_is_not_built_is_refused_and_a_keyed_one_needs_a_secret() {
        for method in [Method::Md5, Method::Sha1, Method::Sha256] {
            let expected = if method.is_built() { KeyError::Secret } else { KeyError::Method };
            assert_eq!(Key::new(method, b""), Err(expected));
            assert_eq!(Key::new(method, &[7; MAX_SECRET]).is_ok(), method.is_built());
            assert!(Key::new(method, &[7; MAX_SECRET + 1]).is_err());
        }
    }

    #[cfg(feature = "sha1")]
    #[test]
    fn each_key_of_a_full_ring_keeps_its_own_secret() {
        let secret = |n: u8| std::vec![n + 1; 8 * MAX_SECRET / MAX_KEYS];
        let keys: std::vec::Vec<_> =
            (0..=MAX_INDEX).map(|n| (n, Key::new(Method::Sha1, &secret(n)).unwrap())).collect();
        let ring = Keyring::new(&keys, 0).unwrap();
        for n in 0..=MAX_INDEX {
            assert_eq!(ring.get(n), Some(KeyRef { method: Method::Sha1, secret: &secret(n) }));
        }
    }

    #[cfg(feature = "sha1")]
    #[test]
    fn secrets_that_do_not_fit_together_are_refused() {
        let keys: [_; 9] = core::array::from_fn(|n| {
            (u8::try_from(n).unwrap(), Key::new(Method::Sha1, &[1; MAX_SECRET]).unwrap())
        });
        assert!(Keyring::new(&keys[..8], 0).is_ok());
        assert_eq!(Keyring::new(&keys, 0), Err(KeyError::Secret));
    }

    #[test]
    fn a_ring_is_small() {
        assert!(size_of::<Keyring>() <= MAX_SECRETS + 16 * 6 + 32);
    }

    #[cfg(feature = "sha1")]
    #[test]
    fn debug_output_never_shows_a_secret() {
        let ring = Keyring::new(&[(1, key(Method::Sha1, "HI!"))], 1).unwrap();
        let text = std::format!("{ring:?}");
        assert!(text.contains("Sha1") && !text.contains("HI!"), "{text}");
        assert!(!text.contains("72, 73"), "{text}");
    }
}
