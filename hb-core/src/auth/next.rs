//! Frames of the next version, for the tests of two versions beside each other.

use super::{Authenticated, Keyring, Room, open_any, seal_as, tag_behind};
use crate::event::BadFrame;
use crate::ids::{Incarnation, Side};
use crate::message::Message;
use crate::message::wire::{Says, Speaks, Style, Word, encode_word};

/// [`super::seal`] in the next version; `says` stands in the header.
#[must_use]
pub fn seal_next(msg: &Message, says: Says, cluster: u16, keys: &Keyring, out: &mut [u8]) -> Option<usize> {
    seal_as(msg, Style::of(Speaks::NEWEST, || says), cluster, keys, out)
}

/// The next version's other message: the sender of `msg` lives, and says `number`.
#[must_use]
pub fn seal_word(
    msg: &Message,
    says: Says,
    number: u32,
    cluster: u16,
    keys: &Keyring,
    out: &mut [u8],
) -> Option<usize> {
    let Message { source, incarnation, seq, .. } = *msg;
    let word = Word { source, incarnation, seq, says, link: msg.beat.link, number };
    let len = encode_word(&word, cluster, keys.signer(), out)?;
    tag_behind(len, Some(incarnation), keys, out)
}

/// [`super::open`] of a node that speaks the next version: frames of both are read whole. Of a word there is nothing but who
/// sent it, its number and its link.
///
/// # Errors
/// As [`super::open`].
pub fn open_next(
    bytes: &[u8],
    me: Side,
    cluster: u16,
    keys: &Keyring,
    met: Option<Incarnation>,
) -> Result<Authenticated<Message>, BadFrame> {
    let mut room = Room::new();
    let newer = open_any(&mut room, bytes, me, cluster, keys, met, Speaks::NEWEST)?.newer;
    if newer.is_some() { Err(BadFrame::NewerVersion) } else { Ok(room.0) }
}
