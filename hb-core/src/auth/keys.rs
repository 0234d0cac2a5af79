//! The keys of `authkeys`: method and secret by index, one of them signs, all of them verify.

use heapless::Vec;

/// Highest key index in a file and in a frame.
pub const MAX_INDEX: u8 = 15;
/// Bytes of a secret at most.
pub const MAX_SECRET: usize = 64;

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

/// One line of `authkeys`.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// How it tags.
    pub method: Method,
    /// The shared secret; empty for `crc`.
    pub secret: Vec<u8, MAX_SECRET>,
}

/// All keys that verify, and the one that signs.
#[derive(Clone, PartialEq, Eq)]
pub struct Keyring {
    keys: Vec<(u8, Key), 16>,
    signer: u8,
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
    /// A keyed method without a secret, or `crc` with one.
    Secret,
    /// The method was not compiled in.
    Method,
}
