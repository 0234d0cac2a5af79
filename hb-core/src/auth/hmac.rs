//! HMAC (RFC 2104) over the compression functions of the hash crates.
//!
//! Their own HMAC copies slices of lengths that only an optimiser for speed sees to be equal; built for size it keeps
//! the panic of a slice copy, and the core must not have one. One padding for all three hashes is also smaller.

/// Bytes that a compression takes at once.
const BLOCK: usize = 64;
/// Bytes of the longest digest.
pub(super) const MAX_DIGEST: usize = 32;

/// What differs between MD5, SHA-1 and SHA-256.
pub(super) struct Hash {
    /// The state before the first block; words that the hash does not have are never read.
    init: [u32; 8],
    /// Words of its state.
    words: usize,
    /// Words and lengths go out with the most significant byte first.
    big_endian: bool,
    compress: fn(&mut [u32; 8], &[u8; BLOCK]),
}

/// RFC 1321.
#[cfg(feature = "md5")]
pub(super) const MD5: Hash = Hash {
    init: [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0, 0, 0, 0],
    words: 4,
    big_endian: false,
    compress: |state, block| {
        if let Some(state) = state.first_chunk_mut() {
            md5::block_api::compress(state, core::slice::from_ref(block));
        }
    },
};

/// FIPS 180-4, 160 bits.
#[cfg(feature = "sha1")]
pub(super) const SHA1: Hash = Hash {
    init: [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0, 0, 0, 0],
    words: 5,
    big_endian: true,
    compress: |state, block| {
        if let Some(state) = state.first_chunk_mut() {
            sha1::block_api::compress(state, core::slice::from_ref(block));
        }
    },
};

/// FIPS 180-4, 256 bits.
#[cfg(feature = "sha256")]
pub(super) const SHA256: Hash = Hash {
    init: [
        0x6A09_E667,
        0xBB67_AE85,
        0x3C6E_F372,
        0xA54F_F53A,
        0x510E_527F,
        0x9B05_688C,
        0x1F83_D9AB,
        0x5BE0_CD19,
    ],
    words: 8,
    big_endian: true,
    compress: |state, block| sha2::block_api::compress256(state, core::slice::from_ref(block)),
};

/// HMAC of `parts`, one behind the other. A secret of more than 64 bytes, which no [`super::Key`] has, is cut.
pub(super) fn hmac(hash: &Hash, secret: &[u8], parts: [&[u8]; 2]) -> [u8; MAX_DIGEST] {
    let inner = Digest::keyed(hash, secret, 0x36).with(parts[0]).with(parts[1]).end();
    let inner = inner.get(..hash.words.saturating_mul(4)).unwrap_or(&inner);
    Digest::keyed(hash, secret, 0x5C).with(inner).end()
}

/// HMAC of everything that `each` hands over, in order.
#[cfg(any(feature = "md5", feature = "sha1"))]
pub(super) fn hmac_of(
    hash: &Hash,
    secret: &[u8],
    each: impl FnOnce(&mut dyn FnMut(&[u8])),
) -> [u8; MAX_DIGEST] {
    let mut inner = Digest::keyed(hash, secret, 0x36);
    each(&mut |part| part.iter().for_each(|byte| inner.put(*byte)));
    let inner = inner.end();
    let inner = inner.get(..hash.words.saturating_mul(4)).unwrap_or(&inner);
    Digest::keyed(hash, secret, 0x5C).with(inner).end()
}

/// A hash under way.
struct Digest<'a> {
    hash: &'a Hash,
    state: [u32; 8],
    block: [u8; BLOCK],
    /// Bytes so far, those of whole blocks included.
    len: u32,
}

impl<'a> Digest<'a> {
    /// The first block is the secret, padded.
    fn keyed(hash: &'a Hash, secret: &[u8], pad: u8) -> Self {
        let mut block = [pad; BLOCK];
        block.iter_mut().zip(secret).for_each(|(to, from)| *to ^= *from);
        let mut state = hash.init;
        (hash.compress)(&mut state, &block);
        Self { hash, state, block, len: BLOCK as u32 }
    }

    fn with(mut self, bytes: &[u8]) -> Self {
        bytes.iter().for_each(|byte| self.put(*byte));
        self
    }

    fn put(&mut self, byte: u8) {
        if let Some(slot) = self.block.get_mut(self.len as usize % BLOCK) {
            *slot = byte;
        }
        self.len = self.len.wrapping_add(1);
        if (self.len as usize).is_multiple_of(BLOCK) {
            (self.hash.compress)(&mut self.state, &self.block);
        }
    }

    fn word(&self, word: u32) -> [u8; 4] {
        if self.hash.big_endian { word.to_be_bytes() } else { word.to_le_bytes() }
    }

    fn end(mut self) -> [u8; MAX_DIGEST] {
        // The length in bits, of which the upper word stays zero.
        let bits = self.word(self.len.wrapping_mul(8));
        let length = if self.hash.big_endian { [[0; 4], bits] } else { [bits, [0; 4]] };
        self.put(0x80);
        while self.len as usize % BLOCK != BLOCK - 8 {
            self.put(0);
        }
        length.as_flattened().iter().for_each(|byte| self.put(*byte));
        let words = self.state.map(|word| self.word(word));
        let mut out = [0; MAX_DIGEST];
        out.iter_mut().zip(words.as_flattened()).for_each(|(to, from)| *to = *from);
        out
    }
}
