//! Frames on byte streams: COBS between zero bytes (DESIGN §4). A datagram medium carries the same bytes bare.
//!
//! ```text
//! 00  COBS(datagram)  00
//! ```
//!
//! The zero in front ends whatever was cut off before it, so damage never costs the frame that follows.

mod decode;
mod encode;
pub mod foreign;

pub use decode::Decoder;
pub use encode::encode;

use crate::message::wire::{MAX_DATAGRAM, NEXT_FIELD};

/// Bytes of the longest frame on a stream, both delimiters included.
pub const MAX_FRAME: usize = max_encoded(MAX_DATAGRAM + NEXT_FIELD);

/// Bytes that [`encode`] needs at most for a datagram of that length.
#[must_use]
pub const fn max_encoded(datagram: usize) -> usize {
    let codes = datagram.div_ceil(254);
    1 + datagram + if codes == 0 { 1 } else { codes } + 1
}

const _: () = assert!(MAX_FRAME <= crate::FRAME_BUF, "the node's buffer must hold every frame");
