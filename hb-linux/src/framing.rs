//! Pieces on the streams between processes of `hbd`: the control socket, the daemon and its helper, the daemon and the child of
//! a reload. One head stands before each piece:
//!
//! ```text
//! 0..2  length of the body (little-endian)
//! 2     tag: what the body is; on the control socket the version of the protocol
//! 3..   body
//! ```

use std::ops::RangeInclusive;

/// Bytes before a body.
pub const HEAD: usize = 3;

/// The head of a body of this length.
pub(crate) const fn head(tag: u8, length: u16) -> [u8; HEAD] {
    let [low, high] = length.to_le_bytes();
    [low, high, tag]
}

/// Writes the head of the body that stands behind the room for it at the front of `piece`. `None` where it is too long.
pub(crate) fn close(piece: &mut [u8], tag: u8) -> Option<()> {
    let length = u16::try_from(piece.len().checked_sub(HEAD)?).ok()?;
    piece.get_mut(..HEAD)?.copy_from_slice(&head(tag, length));
    Some(())
}

/// What stands at the front of the bytes that came so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Front<T> {
    /// Read on: it is not complete.
    Partial,
    /// A piece, and the bytes that it took.
    Whole(T, usize),
    /// Not for us: another version of the program, or nonsense.
    Foreign,
}

/// Takes the piece at the front of `bytes`: its tag, which is one of `tags`, and its body, which is no longer than `longest`.
pub(crate) fn front(bytes: &[u8], longest: usize, tags: RangeInclusive<u8>) -> Front<(u8, &[u8])> {
    let &[low, high, tag, ref rest @ ..] = bytes else { return Front::Partial };
    let length = usize::from(u16::from_le_bytes([low, high]));
    if length > longest || !tags.contains(&tag) {
        return Front::Foreign;
    }
    rest.get(..length).map_or(Front::Partial, |body| Front::Whole((tag, body), HEAD + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_out_as_they_went_in_wherever_the_stream_is_cut() {
        for body in [&b""[..], b"x", &[0; 300]] {
            let mut piece = vec![0xEE; HEAD];
            piece.extend(body);
            close(&mut piece, 7).unwrap();
            let whole = piece.len();
            for cut in 0..whole {
                assert_eq!(front(&piece[..cut], 300, 1..=7), Front::Partial, "{cut}");
            }
            piece.extend(b"next");
            assert_eq!(front(&piece, 300, 1..=7), Front::Whole((7, body), whole));
        }
    }

    #[test]
    fn what_is_too_long_or_of_another_kind_is_known_by_its_head() {
        assert_eq!(front(&head(1, 9), 8, 1..=1), Front::Foreign);
        assert_eq!(front(&head(1, 8), 8, 1..=1), Front::Partial);
        assert_eq!(front(&head(2, 0), 8, 0..=1), Front::Foreign);
        assert_eq!(close(&mut [0; HEAD - 1], 1), None);
        assert_eq!(close(&mut vec![0; HEAD + 0x1_0000], 1), None);
    }
}
